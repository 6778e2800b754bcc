--- Messages, small windows and colours: the words and looks that all parts share. Knows nothing of the server.
local M = {}

local LINKS = {
  CopydeskAdd = 'DiffAdd',
  CopydeskAddText = 'DiffText',
  CopydeskDelete = 'DiffDelete',
  CopydeskSign = 'DiagnosticSignInfo',
  CopydeskHint = 'Comment',
  CopydeskHeld = 'DiagnosticWarn',
  CopydeskTitle = 'Title',
  CopydeskDim = 'Comment',
  CopydeskUser = 'Identifier',
  CopydeskRunning = 'DiagnosticInfo',
  CopydeskDone = 'DiagnosticOk',
  CopydeskFailed = 'DiagnosticError',
  CopydeskWarning = 'DiagnosticWarn',
  CopydeskLocation = 'Directory',
}

local are_defined = false

--- Each group links to a standard one, so that every colour scheme has it; what a person sets stays.
function M.highlights()
  if are_defined then
    return
  end
  are_defined = true
  local function define()
    for name, to in pairs(LINKS) do
      vim.api.nvim_set_hl(0, name, { link = to, default = true })
    end
  end
  define()
  vim.api.nvim_create_autocmd('ColorScheme', {
    group = vim.api.nvim_create_augroup('copydesk.colours', {}),
    callback = define,
  })
end

M.LINKS = LINKS

--- Shortens a text to a width in columns.
function M.cut(text, width)
  if vim.fn.strdisplaywidth(text) <= width then
    return text
  end
  return vim.fn.strcharpart(text, 0, width - 1) .. '…'
end

local LOG_TYPES = { [vim.log.levels.ERROR] = 1, [vim.log.levels.WARN] = 2 }
local MORE = ' (:Copydesk log)'

--- Says it on one line, because more would make Neovim ask for a key; what does not fit is in the log.
--- `level` is one of vim.log.levels; information without one.
function M.notify(text, level)
  if not vim.startswith(text, 'Copydesk') then
    text = 'Copydesk: ' .. text
  end
  local line = vim.trim((text:gsub('%s+', ' ')))
  if vim.fn.strdisplaywidth(line) > vim.v.echospace then
    require('copydesk.state').log({ type = LOG_TYPES[level] or 3, message = text })
    line = M.cut(line, math.max(30, vim.v.echospace - #MORE)) .. MORE
  end
  -- Two messages after one another make Neovim ask for a key too, unless the screen was drawn in between.
  if vim.api.nvim_get_mode().mode:sub(1, 1) ~= 'c' then
    vim.cmd.redraw()
  end
  vim.notify(line, level or vim.log.levels.INFO, { title = 'Copydesk' })
end

--- Text that others wrote, as lines that can stand in a buffer.
function M.lines(text)
  return vim.split((text:gsub('\r', ''):gsub('%z', '')), '\n', { plain = true })
end

--- A small window over the others; q, <Esc> or leaving it closes it. Returns its buffer and window.
---@param title string
---@param lines string[]
---@param highlights? table[] each: group, line (from 0), from and to (bytes)
function M.float(title, lines, highlights)
  M.highlights()
  local buf = vim.api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  local widest = 0
  for _, line in ipairs(lines) do
    widest = math.max(widest, vim.fn.strdisplaywidth(line))
  end
  local width = math.max(20, math.min(widest, vim.o.columns - 6))
  local height = 0
  for _, line in ipairs(lines) do
    height = height + math.max(1, math.ceil(vim.fn.strdisplaywidth(line) / width))
  end
  height = math.min(height, math.max(3, vim.o.lines - 6))
  local win = vim.api.nvim_open_win(buf, true, {
    relative = 'editor',
    width = width,
    height = height,
    row = math.max(0, math.floor((vim.o.lines - height) / 2) - 1),
    col = math.floor((vim.o.columns - width) / 2),
    style = 'minimal',
    border = 'rounded',
    title = ' ' .. title .. ' ',
    title_pos = 'center',
  })
  vim.wo[win].wrap = true
  vim.wo[win].linebreak = true
  local space = vim.api.nvim_create_namespace('copydesk.float')
  for _, each in ipairs(highlights or {}) do
    vim.api.nvim_buf_set_extmark(buf, space, each[2], each[3], { end_col = each[4], hl_group = each[1] })
  end
  local function close()
    if vim.api.nvim_win_is_valid(win) then
      vim.api.nvim_win_close(win, true)
    end
  end
  for _, key in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', key, close, { buffer = buf, nowait = true, desc = 'Close' })
  end
  vim.api.nvim_create_autocmd('WinLeave', { buffer = buf, once = true, callback = close })
  return buf, win
end

--- The loaded buffer of a file.
---@return integer|nil
function M.buffer_of(uri)
  local path = vim.uri_to_fname(uri)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.api.nvim_buf_get_name(buf) == path then
      return buf
    end
  end
end

--- Goes to a place, in the window the person was in; `line` counts from 0.
function M.go_to(uri, line, window)
  local path = vim.uri_to_fname(uri)
  if window and vim.api.nvim_win_is_valid(window) then
    vim.api.nvim_set_current_win(window)
  end
  if vim.api.nvim_buf_get_name(0) ~= path then
    vim.cmd("normal! m'")
    local buf = vim.fn.bufadd(path)
    vim.bo[buf].buflisted = true
    vim.cmd.buffer(buf)
  else
    vim.cmd("normal! m'")
  end
  if line then
    local last = vim.api.nvim_buf_line_count(0)
    vim.api.nvim_win_set_cursor(0, { math.max(1, math.min(line + 1, last)), 0 })
    vim.cmd('normal! zv')
  end
end

return M
