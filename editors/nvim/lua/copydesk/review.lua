--- What waits for a decision: which hunks there are, and where the cursor is among them. Deciding is copydesk.deciding.
--- What is true is the server's; this keeps the last that it said, and asks again after typing. Start with `files`.
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

--- The file that this buffer shows: itself, or what it would be.
function M.uri_here()
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
    end, M.hunks(M.uri_here()))
  end
  local exact, near = {}, {}
  for _, hunk in ipairs(M.hunks(M.uri_here())) do
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

function M.nothing_here()
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
    return vim.uri_to_fname(a.uri) < vim.uri_to_fname(b.uri)
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

-- Whether a place stands before the cursor (-1), behind it (1), or at it (0).
local function side(place, here, row, buf)
  if vim.b.copydesk_hunk and place.hunk.hunk == vim.b.copydesk_hunk then
    return 0
  end
  if place.file.uri ~= here or vim.b.copydesk_hunk then
    return vim.uri_to_fname(place.file.uri) < vim.uri_to_fname(here) and -1 or 1
  end
  local from = math.min((marks().place(buf, place.hunk)), vim.api.nvim_buf_line_count(buf) - 1)
  return from < row and -1 or from > row and 1 or 0
end

-- The nearest place on that side of the cursor; round again where there is none.
local function nearest(places, step)
  local here, buf, row = M.uri_here(), vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)[1] - 1
  local from, to = 1, #places
  if step < 0 then
    from, to = to, from
  end
  for index = from, to, step do
    if side(places[index], here, row, buf) == step then
      return index
    end
  end
  return from
end

--- To the next hunk (`step` 1) or the one before (-1): in this file, then in the next one, and round again.
function M.jump(step, count)
  local places = walk()
  if #places == 0 then
    M.nothing_here()
    return
  end
  local at = (nearest(places, step) - 1 + step * ((count or 1) - 1)) % #places + 1
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

return M
