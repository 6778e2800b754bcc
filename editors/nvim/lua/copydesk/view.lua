--- The turn view: a buffer that shows what turns do, while they do it. Owns the buffer, its windows and its keys;
--- what is written in it comes from copydesk.drawing. Start with `open`.
--- While a turn streams, only what has changed since the last draw is written, at most every DRAW_MS.
local M = {}

local drawing = require('copydesk.drawing')
local state = require('copydesk.state')
local ui = require('copydesk.ui')
local look = require('copydesk.window')

local DRAW_MS = 50
local NAME = 'copydesk://view'
local space = vim.api.nvim_create_namespace('copydesk.view')

local buf ---@type integer|nil
local drawn = {} ---@type { id: string, counts: integer[] }[] how many lines each block of each turn has
local dirty = {} ---@type table<string, table<copydesk.Block, true>>
local all_dirty = true
local has_new_turn = false
local timer ---@type uv.uv_timer_t|nil

local function is_alive()
  return buf ~= nil and vim.api.nvim_buf_is_valid(buf)
end

local function windows()
  return is_alive() and vim.fn.win_findbuf(buf) or {}
end

function M.is_visible()
  for _, win in ipairs(windows()) do
    if vim.api.nvim_win_get_tabpage(win) == vim.api.nvim_get_current_tabpage() then
      return true
    end
  end
  return false
end

-- --- drawing ----------------------------------------------------------------------------------------------------

local function set_lines(from, to, lines)
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, from, to, false, lines)
  vim.bo[buf].modifiable = false
end

local function colour(row, highlights)
  for _, each in ipairs(highlights) do
    local line = row + each.line
    local text = vim.api.nvim_buf_get_lines(buf, line, line + 1, false)[1] or ''
    vim.api.nvim_buf_set_extmark(buf, space, line, math.min(each.from, #text), {
      end_col = math.min(each.to or #text, #text),
      hl_group = each.group,
      priority = 200,
    })
  end
end

-- Writes one block from its first changed line on. `row` is where the block begins, `count` how many lines it had.
local function write(turn, block, row, count)
  local keep = count > 0 and block.lines and math.max(0, math.min(block.changed_from - 1, count - 1)) or 0
  local got = drawing.block(turn, block, keep)
  vim.api.nvim_buf_clear_namespace(buf, space, row + keep, row + math.max(count, keep))
  set_lines(row + keep, row + count, got.lines)
  colour(row + keep, got.highlights)
  block.changed_from = block.lines and #block.lines or math.huge
  return keep + #got.lines
end

local function redraw()
  drawn, dirty, all_dirty = {}, {}, false
  vim.api.nvim_buf_clear_namespace(buf, space, 0, -1)
  set_lines(0, -1, {})
  local row = 0
  for _, id in ipairs(state.order) do
    local turn = state.turns[id]
    local entry = { id = id, counts = {} }
    for index, block in ipairs(turn.blocks) do
      block.changed_from = 1
      entry.counts[index] = write(turn, block, row, 0)
      row = row + entry.counts[index]
    end
    table.insert(drawn, entry)
  end
  if row == 0 then
    set_lines(0, -1, drawing.NOTHING)
  elseif vim.api.nvim_buf_line_count(buf) > row then
    set_lines(row, -1, {})
  end
end

local function entry_of(id)
  for index, entry in ipairs(drawn) do
    if entry.id == id then
      return entry, index
    end
  end
end

local function sum(numbers)
  local total = 0
  for _, each in ipairs(numbers) do
    total = total + each
  end
  return total
end

local function draw_turn(turn, row, entry)
  local blocks = dirty[turn.id]
  for index, block in ipairs(turn.blocks) do
    local count = entry.counts[index]
    if count == nil or (blocks and blocks[block]) then
      entry.counts[index] = write(turn, block, row, count or 0)
    end
    row = row + entry.counts[index]
  end
end

-- Windows whose cursor is on the last line go on showing the end; all but the current one, when a turn begins.
local function following()
  local found = {}
  local last = vim.api.nvim_buf_line_count(buf)
  for _, win in ipairs(windows()) do
    local is_aside = has_new_turn and win ~= vim.api.nvim_get_current_win()
    if is_aside or vim.api.nvim_win_get_cursor(win)[1] >= last then
      table.insert(found, win)
    end
  end
  return found
end

function M.draw()
  if not is_alive() then
    return
  end
  local follow = following()
  if all_dirty or #drawn == 0 then
    redraw()
  else
    for _, id in ipairs(state.order) do
      if dirty[id] then
        local entry, at = entry_of(id)
        if not entry then
          entry, at = { id = id, counts = {} }, #drawn + 1
          table.insert(drawn, entry)
        end
        local row = 0
        for index = 1, at - 1 do
          row = row + sum(drawn[index].counts)
        end
        draw_turn(state.turns[id], row, entry)
      end
    end
    dirty = {}
  end
  has_new_turn = false
  local last = vim.api.nvim_buf_line_count(buf)
  for _, win in ipairs(follow) do
    vim.api.nvim_win_set_cursor(win, { last, 0 })
  end
end

local function changed(turn, block)
  if not is_alive() then
    return
  end
  if not turn then
    all_dirty = true
  elseif block then
    dirty[turn.id] = dirty[turn.id] or {}
    dirty[turn.id][block] = true
    has_new_turn = has_new_turn or block.kind == 'title'
  end
  timer = timer or vim.uv.new_timer()
  if timer and not timer:is_active() then
    timer:start(DRAW_MS, 0, vim.schedule_wrap(M.draw))
  end
end

-- --- the buffer -------------------------------------------------------------------------------------------------

-- The line of the view that the cursor is on: its turn, block, and line within the block (1-based).
local function under_cursor()
  local row = vim.api.nvim_win_get_cursor(0)[1]
  for _, entry in ipairs(drawn) do
    local turn = state.turns[entry.id]
    for index, count in ipairs(entry.counts) do
      if row <= count then
        return turn, turn and turn.blocks[index], row
      end
      row = row - count
    end
  end
end

local function other_window()
  local previous = vim.fn.win_getid(vim.fn.winnr('#'))
  for _, win in ipairs({ previous, unpack(vim.api.nvim_tabpage_list_wins(0)) }) do
    if win ~= 0 and vim.api.nvim_win_is_valid(win) and vim.bo[vim.api.nvim_win_get_buf(win)].buftype == '' then
      return win
    end
  end
end

local function follow_location()
  local turn, block, line = under_cursor()
  local place = block and drawing.location(turn, block, line)
  if not place then
    local path, number = vim.api.nvim_get_current_line():match('([%w_%-./\\]+):(%d+)')
    if path and vim.uv.fs_stat(path) then
      place = { uri = vim.uri_from_fname(vim.fn.fnamemodify(path, ':p')), line = tonumber(number) - 1 }
    end
  end
  if not place then
    ui.notify('There is no place in a file on this line.')
    return
  end
  local window = other_window()
  if not window then
    vim.cmd('aboveleft split')
    window = vim.api.nvim_get_current_win()
  end
  ui.go_to(place.uri, place.line, window)
end

local function cancel_here()
  local turn = under_cursor()
  if not (turn and turn.is_running) then
    local running = state.running()
    turn = running[#running]
  end
  if not turn then
    ui.notify('Nothing runs.')
    return
  end
  require('copydesk.client').execute('copydesk.cancel', { turn = turn.id })
end

local function go_to_turn(step)
  local row, here = 1, vim.api.nvim_win_get_cursor(0)[1]
  local before, after
  for _, entry in ipairs(drawn) do
    if row < here then
      before = row
    elseif row > here and not after then
      after = row
    end
    row = row + sum(entry.counts)
  end
  local to = step < 0 and before or after
  if to then
    vim.api.nvim_win_set_cursor(0, { to, 0 })
    vim.cmd('normal! zt')
  end
end

local KEYS = {
  {
    'q',
    function()
      pcall(vim.api.nvim_win_close, 0, false)
    end,
    'Close the view',
  },
  { 'c', cancel_here, 'Cancel the turn' },
  { '<CR>', follow_location, 'Go to the place on this line' },
  {
    'r',
    function()
      require('copydesk.review').go_to_first(other_window())
    end,
    'Review what waits',
  },
  {
    ']]',
    function()
      go_to_turn(1)
    end,
    'The next turn',
  },
  {
    '[[',
    function()
      go_to_turn(-1)
    end,
    'The turn before',
  },
}
M.KEYS = KEYS

local function make()
  buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buf, NAME)
  vim.bo[buf].bufhidden = 'hide'
  vim.bo[buf].modifiable = false
  vim.bo[buf].undolevels = -1
  vim.bo[buf].filetype = 'copydesk'
  pcall(vim.treesitter.start, buf, 'markdown')
  for _, key in ipairs(KEYS) do
    vim.keymap.set('n', key[1], key[2], { buffer = buf, nowait = true, desc = 'Copydesk: ' .. key[3] })
  end
  all_dirty = true
  table.insert(state.listeners, changed)
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    once = true,
    callback = function()
      buf = nil
      state.listeners = vim.tbl_filter(function(each)
        return each ~= changed
      end, state.listeners)
    end,
  })
end

-- Where the newest turn's last words begin.
local function answer_row()
  local row, found = 1, nil
  for _, entry in ipairs(drawn) do
    for index, count in ipairs(entry.counts) do
      local block = (state.turns[entry.id] or { blocks = {} }).blocks[index]
      if block and block.kind == 'text' then
        found = row + (block.gap and 1 or 0)
      end
      row = row + count
    end
  end
  return found
end

--- Shows the view; `focus` (true without it) says whether the cursor goes there, `from_start` whether to show the
--- beginning of the newest answer instead of the end.
---@param how? { focus?: boolean, from_start?: boolean }
function M.open(how)
  local focus = not how or how.focus ~= false
  ui.highlights()
  if not is_alive() then
    make()
  end
  local before = vim.api.nvim_get_current_win()
  for _, win in ipairs(windows()) do
    if vim.api.nvim_win_get_tabpage(win) == vim.api.nvim_get_current_tabpage() then
      if focus then
        vim.api.nvim_set_current_win(win)
      end
      return
    end
  end
  look.split()
  local win = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_buf(win, buf)
  look.dress(win)
  all_dirty = true
  M.draw()
  local answer = how and how.from_start and answer_row()
  vim.api.nvim_win_set_cursor(win, { answer or vim.api.nvim_buf_line_count(buf), 0 })
  if answer then
    vim.cmd('normal! zt')
  end
  if not focus then
    vim.api.nvim_set_current_win(before)
  end
end

function M.close()
  for _, win in ipairs(windows()) do
    pcall(vim.api.nvim_win_close, win, false)
  end
end

return M
