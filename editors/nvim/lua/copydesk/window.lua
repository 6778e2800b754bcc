--- The window of the turn view: where it opens, how it is dressed, and the line above it. Knows nothing of its text.
local M = {}

local drawing = require('copydesk.drawing')
local state = require('copydesk.state')
local ui = require('copydesk.ui')

local WIDE = 160

--- A window of its own for the view, where the options say.
function M.split()
  local how = require('copydesk').options().view_split
  if how == 'tab' then
    vim.cmd('tab split')
  elseif how == 'right' or (how == nil and vim.o.columns >= WIDE) then
    vim.cmd('botright vertical split')
    vim.api.nvim_win_set_width(0, math.min(90, math.floor(vim.o.columns * 0.45)))
  else
    vim.cmd('botright split')
    vim.api.nvim_win_set_height(0, math.max(8, math.floor(vim.o.lines * 0.4)))
  end
end

function M.dress(win)
  local set = vim.wo[win]
  set.wrap, set.linebreak, set.breakindent = true, true, true
  set.number, set.relativenumber, set.list, set.spell = false, false, false, false
  set.signcolumn, set.foldcolumn, set.colorcolumn, set.conceallevel = 'no', '0', '', 0
  set.winfixheight = true
  set.winbar = "%{%v:lua.require'copydesk.window'.winbar()%}"
end

local HINT = ' ⏎ go to · c cancel · r review · q close '

--- The line above the view: what runs, and the keys.
function M.winbar()
  local turn = state.newest()
  local left = 'Copydesk'
  if turn and turn.is_running then
    left = state.short({ initialized = true })
  elseif turn then
    left = ('Copydesk · %s · %s'):format(drawing.model(turn), turn.mode or '')
  end
  local room = vim.api.nvim_win_get_width(vim.g.statusline_winid or 0) - vim.fn.strdisplaywidth(HINT) - 2
  local hint = room >= 20 and HINT or ''
  left = ui.cut(left, math.max(10, room))
  return '%#CopydeskTitle# ' .. left:gsub('%%', '%%%%') .. '%=%#CopydeskDim#' .. hint
end

return M
