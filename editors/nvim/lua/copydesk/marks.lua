--- The marks in the text on hunks that wait: what would go is coloured, what would come stands below it as virtual
--- lines. Owns the extmarks only. They move with what is typed; the server's next word puts them right.
local M = {}

local ui = require('copydesk.ui')

local STILL_TYPING_MS = 400
local MAX_LINES = 200 -- of one hunk; the diff shows the rest
local PAD = (' '):rep(400) -- so that the colour of a virtual line reaches the window's edge
local space = vim.api.nvim_create_namespace('copydesk.marks')
M.namespace = space

---@class copydesk.Anchor
---@field mark integer the extmark over the lines that would go
---@field height integer how many those are
---@field is_behind boolean whether it belongs behind the line of the extmark

local anchors = {} ---@type table<integer, table<string, copydesk.Anchor>> by buffer and hunk
local hidden = {} ---@type table<integer, boolean> buffers that a diff shows
local changed_ms = {} ---@type table<integer, integer> when the buffer was last typed in

local function is_text(value)
  return value ~= nil and value ~= vim.NIL
end

local function split(text)
  if text == '' then
    return {}
  end
  return vim.split((text:gsub('\r', ''):gsub('\n$', '')), '\n', { plain = true })
end

-- Marks only what is there: nobody types in a buffer that is not loaded.
local function watch(buf)
  if changed_ms[buf] then
    return
  end
  changed_ms[buf] = 0
  vim.api.nvim_buf_attach(buf, false, {
    on_lines = function()
      if not anchors[buf] then
        changed_ms[buf] = nil
        return true
      end
      changed_ms[buf] = vim.uv.now()
    end,
    on_detach = function()
      anchors[buf], changed_ms[buf] = nil, nil
    end,
  })
end

--- The row of an anchor. What would be added behind the last line hangs on that line.
function M.row_of(buf, anchor)
  local at = vim.api.nvim_buf_get_extmark_by_id(buf, space, anchor.mark, {})
  return at[1] and at[1] + (anchor.is_behind and 1 or 0)
end

--- Where a hunk stands now: its first line and the one behind its last, counted from 0.
---@param hunk copydesk.Hunk
---@return integer, integer
function M.place(buf, hunk)
  if vim.b[buf].copydesk_proposed and hunk.proposedRange then
    local range = hunk.proposedRange
    local is_empty = range.start.line == range['end'].line and range.start.character == range['end'].character
    return range.start.line, range['end'].line + (is_empty and 0 or 1)
  end
  local anchor = (anchors[buf] or {})[hunk.hunk]
  local from, height = hunk.range.start.line, #split(hunk.before)
  if hunk.kind ~= 'change' then
    return 0, 0
  end
  if anchor then
    from = M.row_of(buf, anchor) or from
    return from, from + anchor.height
  end
  return from, from + height
end

-- Whether the hunk's old text stands there; where it does not, the server speaks of another version of the text.
local function fits(buf, from, before)
  local there = vim.api.nvim_buf_get_lines(buf, from, from + #before, false)
  return vim.deep_equal(there, before)
end

-- --- what would come --------------------------------------------------------------------------------------------

local function shown(text, tabs)
  local column = 0
  local out = {}
  for char in vim.gsplit(text, '\t', { plain = true }) do
    char = char:gsub('[%c]', '?')
    table.insert(out, char)
    column = column + vim.fn.strdisplaywidth(char)
    local width = tabs - column % tabs
    table.insert(out, (' '):rep(width))
    column = column + width
  end
  out[#out] = nil -- behind the last piece there was no tab
  return table.concat(out)
end

-- How many bytes two lines have in common at their start and their end, in whole characters.
local function common(a, b)
  local start = 0
  while start < #a and start < #b and a:byte(start + 1) == b:byte(start + 1) do
    start = start + 1
  end
  while start > 0 and start < #b and b:byte(start + 1) >= 0x80 and b:byte(start + 1) < 0xC0 do
    start = start - 1
  end
  local tail = 0
  while tail < #a - start and tail < #b - start and a:byte(#a - tail) == b:byte(#b - tail) do
    tail = tail + 1
  end
  while tail > 0 and b:byte(#b - tail + 1) >= 0x80 and b:byte(#b - tail + 1) < 0xC0 do
    tail = tail - 1
  end
  return start, tail
end

-- One proposed line: where it takes the place of another, what differs stands out.
local function proposed(line, tabs)
  local after = line.after
  if not is_text(line.before) or vim.trim(line.before) == '' then
    return { { shown(after, tabs), 'CopydeskAdd' }, { PAD, 'CopydeskAdd' } }
  end
  local start, tail = common(line.before, after)
  if start + tail < #after * 0.3 then -- another line altogether
    return { { shown(after, tabs), 'CopydeskAdd' }, { PAD, 'CopydeskAdd' } }
  end
  return {
    { shown(after:sub(1, start), tabs), 'CopydeskAdd' },
    { shown(after:sub(start + 1, #after - tail), tabs), 'CopydeskAddText' },
    { shown(after:sub(#after - tail + 1), tabs), 'CopydeskAdd' },
    { PAD, 'CopydeskAdd' },
  }
end

local function virtual_lines(hunk, tabs)
  local found = {}
  for _, line in ipairs(hunk.lines) do
    if is_text(line.after) then
      if #found == MAX_LINES then
        table.insert(
          found,
          { { ('… %d lines more, in :Copydesk diff'):format(#hunk.lines - MAX_LINES), 'CopydeskHint' } }
        )
        break
      end
      local chunks = vim.tbl_filter(function(chunk)
        return chunk[1] ~= ''
      end, proposed(line, tabs))
      table.insert(found, chunks)
    end
  end
  return found
end

local function counts(hunk)
  local removed, added = 0, 0
  for _, line in ipairs(hunk.lines) do
    removed = removed + (is_text(line.before) and 1 or 0)
    added = added + (is_text(line.after) and 1 or 0)
  end
  return vim.trim((removed > 0 and ('−%d '):format(removed) or '') .. (added > 0 and ('+%d'):format(added) or ''))
end

local function label(hunk, index, total)
  if hunk.held then
    return {
      { ('  ◀ %d/%d held back: your typing conflicts; undo it or reject'):format(index, total), 'CopydeskHeld' },
    }
  end
  return { { ('  ◀ %d/%d %s'):format(index, total, counts(hunk)), 'CopydeskHint' } }
end

-- --- putting marks ----------------------------------------------------------------------------------------------

local function put(buf, from, options)
  return vim.api.nvim_buf_set_extmark(buf, space, from, 0, options)
end

local function put_change(buf, hunk, from, index, total)
  local height = #split(hunk.before)
  local last = vim.api.nvim_buf_line_count(buf) - 1
  local tabs = vim.bo[buf].tabstop
  local anchor = put(buf, math.min(from, last), {})
  for row = from, math.min(from + height - 1, last) do
    put(buf, row, { line_hl_group = 'CopydeskDelete', sign_text = '-', sign_hl_group = 'CopydeskSign', priority = 90 })
  end
  local above = height == 0 and from <= last
  local row = math.min(above and from or from + math.max(height, 1) - 1, last)
  put(buf, row, { virt_lines = virtual_lines(hunk, tabs), virt_lines_above = above })
  local head = { virt_text = label(hunk, index, total), virt_text_pos = 'eol', hl_mode = 'combine' }
  if height == 0 then
    head.sign_text, head.sign_hl_group, head.priority = '+', 'CopydeskSign', 90
  end
  put(buf, math.min(from, last), head)
  anchors[buf][hunk.hunk] = { mark = anchor, height = height, is_behind = from > last }
end

local FILE = {
  create = 'Copydesk would make this file.',
  delete = 'Copydesk would delete this file.',
  move = 'Copydesk would move this file.',
}

local function put_file(buf, hunk)
  local text = (FILE[hunk.kind] or 'Copydesk would change this file.') .. ' :Copydesk accept or :Copydesk reject'
  put(buf, 0, {
    virt_text = { { '  ◀ ' .. text, 'CopydeskHeld' } },
    virt_text_pos = 'eol',
    sign_text = '!',
    sign_hl_group = 'CopydeskHeld',
  })
end

-- Where each hunk is to be marked: as the server says, or where it was when somebody types and the two differ.
local function rows(buf, hunks)
  local is_typing = vim.uv.now() - (changed_ms[buf] or 0) < STILL_TYPING_MS
  local found, is_late = {}, false
  for _, hunk in ipairs(hunks) do
    if hunk.kind == 'change' then
      local known = (anchors[buf] or {})[hunk.hunk]
      local row, before = hunk.range.start.line, split(hunk.before)
      local does_fit = fits(buf, row, before)
      if known and (is_typing or not does_fit) then
        local at = M.row_of(buf, known) or row
        row, is_late, does_fit = at, is_late or at ~= row, true
      end
      found[hunk.hunk] = does_fit and row or nil
      is_late = is_late or not does_fit
    end
  end
  return found, is_late
end

--- Marks the hunks of a file, in its buffer where it has one.
---@param hunks copydesk.Hunk[]
function M.update(uri, hunks)
  local buf = ui.buffer_of(uri)
  if not buf or hidden[buf] or (#hunks == 0 and not anchors[buf]) then
    return
  end
  ui.highlights()
  local places, is_late = rows(buf, hunks)
  vim.api.nvim_buf_clear_namespace(buf, space, 0, -1)
  anchors[buf] = #hunks > 0 and {} or nil
  for index, hunk in ipairs(hunks) do
    if hunk.kind ~= 'change' then
      put_file(buf, hunk)
    elseif places[hunk.hunk] then
      put_change(buf, hunk, places[hunk.hunk], index, #hunks)
    end
  end
  if #hunks > 0 then
    watch(buf)
  end
  if is_late then
    require('copydesk.review').refresh(uri, STILL_TYPING_MS)
  end
  M.uncover(buf)
end

--- Takes the marks from a buffer, while a diff shows the same; and puts them back.
function M.hide(buf, uri, is_hidden)
  if is_hidden then
    vim.api.nvim_buf_clear_namespace(buf, space, 0, -1)
    anchors[buf] = nil
  end
  hidden[buf] = is_hidden or nil
  if not is_hidden then
    M.update(uri, require('copydesk.review').hunks(uri))
  end
end

--- Virtual lines above the first line are shown only when the window is told to.
function M.uncover(buf)
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    vim.api.nvim_win_call(win, function()
      if vim.fn.line('w0') == 1 then
        local above = 0
        for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(buf, space, { 0, 0 }, { 0, 0 }, { details = true })) do
          above = above + (mark[4].virt_lines_above and #mark[4].virt_lines or 0)
        end
        if above > 0 then
          vim.fn.winrestview({ topfill = above })
        end
      end
    end)
  end
end

--- Scrolls so that what would come below this line is seen too, where it fits.
function M.reveal(row)
  local height = vim.api.nvim_win_get_height(0)
  local below = 0
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, { row, 0 }, { row + 20, 0 }, { details = true })) do
    below = below + #(mark[4].virt_lines or {})
  end
  if vim.fn.winline() + below >= height then
    vim.cmd('normal! zz')
  end
  M.uncover(vim.api.nvim_get_current_buf())
end

return M
