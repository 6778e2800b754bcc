--- What waits for a decision: which hunks there are, where the cursor is among them, and deciding them.
--- What is true is the server's; this keeps the last that it said, and asks again after typing. Start with `decide`.
local M = {}

local client = require('copydesk.client')
local state = require('copydesk.state')
local ui = require('copydesk.ui')

local ASK_AGAIN_MS = 120

---@class copydesk.Hunk
---@field hunk string
---@field kind 'change'|'create'|'delete'|'move'
---@field range lsp.Range
---@field before string
---@field after string
---@field lines { number: integer, line: integer, before: string?, after: string? }[]
---@field held boolean

---@class copydesk.PendingFile
---@field session string
---@field turn string
---@field uri string
---@field path string
---@field hunks copydesk.Hunk[]
---@field proposed string|nil the document with the file as it would be

---@type copydesk.PendingFile[]
local pending = {}
local asking = {} ---@type table<string, boolean> URIs, '' for everything, that are about to be asked for
local seen = {} ---@type table<integer, string> the hints of each buffer, as last seen

local function marks()
  return require('copydesk.marks')
end

-- --- what is known ----------------------------------------------------------------------------------------------

local function recount()
  local count = 0
  for _, file in ipairs(pending) do
    count = count + #file.hunks
  end
  state.n_pending = count
  state.changed_around()
end

local function show(uris)
  recount()
  if require('copydesk').options().marks ~= false then
    for uri in pairs(uris) do
      marks().update(uri, M.hunks(uri))
    end
  end
  if package.loaded['copydesk.diff'] then
    require('copydesk.diff').update()
  end
end

-- Replaces the files for which `is_old` holds.
local function replace(is_old, files)
  local touched, kept = {}, {}
  for _, file in ipairs(pending) do
    if is_old(file) then
      touched[file.uri] = true
    else
      table.insert(kept, file)
    end
  end
  for _, file in ipairs(files) do
    touched[file.uri] = true
    table.insert(kept, file)
  end
  pending = kept
  show(touched)
end

--- From a `review` update: all that waits of one turn.
function M.turn_pending(turn, files)
  replace(function(file)
    return file.turn == turn
  end, files)
end

---@return copydesk.PendingFile[]
function M.files()
  return pending
end

---@return copydesk.PendingFile[]
function M.of_turn(turn)
  return vim.tbl_filter(function(file)
    return file.turn == turn
  end, pending)
end

--- The hunks of one file, from the top down.
---@return copydesk.Hunk[]
function M.hunks(uri)
  local found = {}
  for _, file in ipairs(pending) do
    if file.uri == uri then
      vim.list_extend(found, file.hunks)
    end
  end
  table.sort(found, function(a, b)
    return a.range.start.line < b.range.start.line
  end)
  return found
end

function M.clear()
  replace(function()
    return true
  end, {})
  seen = {}
end

-- --- asking the server ------------------------------------------------------------------------------------------

local function ask(uri)
  asking[uri] = nil
  local argument = { open = false, uri = uri ~= '' and uri or nil }
  client.execute('copydesk.review.show', argument, function(result)
    replace(function(file)
      return uri == '' or file.uri == uri
    end, result and result.pending or {})
  end, function() end)
end

--- Asks again, soon: for one file, or for all.
---@param uri? string
---@param in_ms? integer
function M.refresh(uri, in_ms)
  uri = uri or ''
  if asking[uri] or not client.get() then
    return
  end
  asking[uri] = true
  vim.defer_fn(function()
    if client.get() then
      ask(uri)
    else
      asking[uri] = nil
    end
  end, in_ms or ASK_AGAIN_MS)
end

-- The server publishes a hint on each hunk, again after each pause of typing: that is when to ask again.
local function hints_changed(event)
  local ours = {}
  for _, item in ipairs(vim.diagnostic.get(event.buf)) do
    if item.source == 'copydesk' and item.code == 'pending' then
      table.insert(ours, ('%d %s'):format(item.lnum, item.message))
    end
  end
  local uri = vim.uri_from_bufnr(event.buf)
  if #ours == 0 and not seen[event.buf] and #M.hunks(uri) == 0 then
    return
  end
  local now = table.concat(ours, '\n') .. vim.api.nvim_buf_get_changedtick(event.buf)
  if now ~= seen[event.buf] then
    seen[event.buf] = #ours > 0 and now or nil
    M.refresh(uri)
  end
end

--- Called when a server is up: what an earlier one left to decide is shown too.
function M.start(with)
  local space = vim.lsp.diagnostic.get_namespace(with.id)
  -- The marks show more than the hints do, in the same place.
  if require('copydesk').options().marks ~= false then
    vim.diagnostic.config({ virtual_text = false, virtual_lines = false, signs = false, underline = false }, space)
  end
  local group = vim.api.nvim_create_augroup('copydesk.review', {})
  vim.api.nvim_create_autocmd('DiagnosticChanged', { group = group, callback = hints_changed })
  vim.api.nvim_create_autocmd({ 'BufWinEnter', 'BufReadPost' }, {
    group = group,
    callback = function(event)
      if #pending > 0 and vim.bo[event.buf].buftype == '' then
        local uri = vim.uri_from_bufnr(event.buf)
        vim.schedule(function()
          show({ [uri] = true })
        end)
      end
    end,
  })
  M.refresh(nil, 300)
end

-- --- where the cursor is ----------------------------------------------------------------------------------------

local function uri_here()
  return vim.b.copydesk_uri or vim.uri_from_bufnr(0)
end

-- The lines a hunk stands on now, counted from 0 and both included; an insertion stands on the lines around it.
local function span(hunk, buf)
  local from, to = marks().place(buf, hunk)
  if from == to then
    return math.max(0, from - 1), from
  end
  return from, to - 1
end

--- The hunks that these lines (counted from 0) touch.
---@return copydesk.Hunk[]
function M.at(first, last)
  local buf = vim.api.nvim_get_current_buf()
  if vim.b.copydesk_hunk then
    return vim.tbl_filter(function(hunk)
      return hunk.hunk == vim.b.copydesk_hunk
    end, M.hunks(uri_here()))
  end
  local exact, near = {}, {}
  for _, hunk in ipairs(M.hunks(uri_here())) do
    local from, to = marks().place(buf, hunk)
    if hunk.kind ~= 'change' then
      table.insert(near, hunk)
    elseif from < to and from <= last and first < to then
      table.insert(exact, hunk)
    else
      local around, behind = span(hunk, buf)
      if around <= last and first <= behind then
        table.insert(near, hunk)
      end
    end
  end
  return #exact > 0 and exact or near
end

local function nothing_here()
  if state.n_pending == 0 then
    ui.notify('Nothing waits for a decision.')
  else
    ui.notify(('No hunk waits on this line. :Copydesk review goes to the first of %d.'):format(state.n_pending))
  end
end

-- --- motions ----------------------------------------------------------------------------------------------------

local function sorted_files()
  local uris, known = {}, {}
  for _, file in ipairs(pending) do
    if not known[file.uri] then
      known[file.uri] = true
      table.insert(uris, file)
    end
  end
  table.sort(uris, function(a, b)
    return a.path < b.path
  end)
  return uris
end

local function say_where(hunk, uri)
  local all = M.hunks(uri)
  for index, each in ipairs(all) do
    if each.hunk == hunk.hunk then
      local where = #sorted_files() > 1 and (' of this file, %d in all'):format(state.n_pending) or ''
      vim.api.nvim_echo({ { ('Copydesk: hunk %d of %d%s'):format(index, #all, where), 'CopydeskHint' } }, false, {})
    end
  end
end

-- A file that is not there yet, or no longer will be, has no line to go to: a preview stands for it.
local function go_to(file, hunk)
  if hunk.kind == 'create' then
    require('copydesk.diff').preview(file, hunk)
    return
  end
  local uri = hunk.kind == 'move' and hunk.movedFrom or file.uri
  if vim.uri_from_bufnr(0) ~= uri then
    ui.go_to(uri, hunk.range.start.line)
    marks().update(uri, M.hunks(uri))
  else
    vim.cmd("normal! m'")
  end
  local row = marks().place(vim.api.nvim_get_current_buf(), hunk)
  local last = vim.api.nvim_buf_line_count(0)
  vim.api.nvim_win_set_cursor(0, { math.max(1, math.min(row + 1, last)), 0 })
  vim.cmd('normal! zv')
  marks().reveal(row)
  say_where(hunk, file.uri)
end

-- The place of each hunk in walking order: files by path, hunks from the top.
local function walk()
  local places = {}
  for _, file in ipairs(sorted_files()) do
    for _, hunk in ipairs(M.hunks(file.uri)) do
      table.insert(places, { file = file, hunk = hunk })
    end
  end
  return places
end

--- To the next hunk (`step` 1) or the one before (-1): in this file, then in the next one, and round again.
function M.jump(step, count)
  local places = walk()
  if #places == 0 then
    nothing_here()
    return
  end
  local here, buf, row = uri_here(), vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  local at -- the place to go to
  local order = {}
  for index, place in ipairs(places) do
    if place.file.uri == here and not vim.b.copydesk_hunk then
      local from = marks().place(buf, place.hunk)
      from = math.min(from, vim.api.nvim_buf_line_count(buf) - 1)
      order[index] = from < row and -1 or from > row and 1 or 0
    else
      order[index] = place.hunk.hunk == vim.b.copydesk_hunk and 0 or place.file.path < vim.fn.fnamemodify(vim.uri_to_fname(here), ':.') and -1 or 1
    end
  end
  if step > 0 then
    for index = 1, #places do
      if order[index] > 0 then
        at = index
        break
      end
    end
    at = at or 1
  else
    for index = #places, 1, -1 do
      if order[index] < 0 then
        at = index
        break
      end
    end
    at = at or #places
  end
  at = (at - 1 + step * ((count or 1) - 1)) % #places + 1
  go_to(places[at].file, places[at].hunk)
end

--- To the first hunk of this file, else of the first file that has some.
function M.go_to_first(window)
  if window then
    vim.api.nvim_set_current_win(window)
  end
  client.execute('copydesk.review.show', { open = false }, function(result)
    replace(function()
      return true
    end, result.pending)
    local places = walk()
    if #places == 0 then
      ui.notify('Nothing waits for a decision.')
      return
    end
    local here = vim.uri_from_bufnr(0)
    for _, place in ipairs(places) do
      if place.file.uri == here then
        go_to(place.file, place.hunk)
        return
      end
    end
    go_to(places[1].file, places[1].hunk)
  end)
end

-- --- deciding ---------------------------------------------------------------------------------------------------

local function decided(verb, result)
  M.refresh(nil, 0)
  if result and result.pending and #result.pending == 0 and result.settled then
    ui.notify(verb == 'accept' and 'Accepted; nothing waits any more.' or 'Rejected; nothing waits any more.')
  elseif verb and require('copydesk').options().advance then
    vim.defer_fn(function()
      M.jump(1)
    end, 200)
  end
end

local function send(verb, argument)
  client.execute('copydesk.review.' .. verb, argument, function(result)
    decided(verb, result)
  end)
end

-- Each hunk with the numbers of its lines that are chosen (nil: the whole of it), one after the other.
local function send_each(verb, chosen, reason)
  local function next_one(index)
    local each = chosen[index]
    if not each then
      return
    end
    local argument = { hunk = each.hunk.hunk, lines = each.lines, of = each.lines and #each.hunk.lines, reason = reason }
    client.execute('copydesk.review.' .. verb, argument, function(result)
      if index == #chosen then
        decided(verb, result)
      else
        next_one(index + 1)
      end
    end)
  end
  next_one(1)
end

local function text_of(line)
  return (line.after ~= nil and line.after ~= vim.NIL) and ('+ ' .. line.after) or ('- ' .. tostring(line.before))
end

-- Of a hunk, the lines that stand on these (counted from 0). A pure addition stands where it would be inserted.
local function lines_on(hunk, first, last)
  local shift = marks().place(vim.api.nvim_get_current_buf(), hunk) - hunk.range.start.line
  return vim.tbl_filter(function(line)
    local row = line.line + shift
    return row >= first and row <= last
  end, hunk.lines)
end

local function numbers(lines)
  return vim.tbl_map(function(line)
    return line.number
  end, lines)
end

--- One line of the hunk at the cursor: asks which where it is not clear.
function M.decide_line(verb)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local hunk = M.at(row, row)[1]
  if not hunk then
    return nothing_here()
  end
  if hunk.kind ~= 'change' or #hunk.lines <= 1 then
    return send_each(verb, { { hunk = hunk } })
  end
  local here = vim.b.copydesk_proposed and {} or lines_on(hunk, row, row)
  if #here == 1 then
    return send_each(verb, { { hunk = hunk, lines = numbers(here) } })
  end
  vim.ui.select(#here > 0 and here or hunk.lines, { prompt = 'Which line?', format_item = text_of }, function(line)
    if line then
      send_each(verb, { { hunk = hunk, lines = { line.number } } })
    end
  end)
end

--- The selected lines (counted from 0): hunks that lie within are decided whole, of others those lines.
function M.decide_lines(verb, first, last, reason)
  local chosen = {}
  for _, hunk in ipairs(M.at(first, last)) do
    local from, to = marks().place(vim.api.nvim_get_current_buf(), hunk)
    local is_within = hunk.kind ~= 'change' or (first <= from and to - 1 <= last)
    is_within = is_within or vim.b.copydesk_proposed
    local lines = not is_within and lines_on(hunk, first, last) or nil
    if not lines or #lines > 0 then
      table.insert(chosen, { hunk = hunk, lines = lines and numbers(lines) })
    end
  end
  if #chosen == 0 then
    return nothing_here()
  end
  send_each(verb, chosen, reason)
end

--- The hunk at the cursor; asks which where there are several.
function M.decide_hunk(verb, reason)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local here = M.at(row, row)
  if #here <= 1 then
    if #here == 0 then
      return nothing_here()
    end
    return send(verb, { hunk = here[1].hunk, reason = reason })
  end
  local function name(hunk)
    local line = hunk.lines[1]
    return ('line %d: %s'):format(hunk.range.start.line + 1, line and text_of(line) or hunk.kind)
  end
  vim.ui.select(here, { prompt = 'Which hunk?', format_item = name }, function(hunk)
    if hunk then
      send(verb, { hunk = hunk.hunk, reason = reason })
    end
  end)
end

--- `scope`: hunk, line, file, turn or all.
---@param verb 'accept'|'reject'
function M.decide(verb, scope, reason)
  if scope == 'line' then
    return M.decide_line(verb)
  elseif scope == 'file' then
    return send(verb, { uri = uri_here(), reason = reason })
  elseif scope == 'turn' then
    return send(verb, { reason = reason })
  elseif scope == 'all' then
    return send(verb, { all = true, reason = reason })
  end
  return M.decide_hunk(verb, reason)
end

return M
