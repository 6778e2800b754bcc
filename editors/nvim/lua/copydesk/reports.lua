--- What is shown in a small window: status, the doctor's findings, the log. Start with the name of what you want.
local M = {}

local state = require('copydesk.state')
local ui = require('copydesk.ui')

local KEY_WIDTH = 10
local LEVELS = { 'error', 'warning', 'info', 'log', 'debug' }

local function keyed(key, value)
  return (' %-' .. KEY_WIDTH .. 's %s'):format(key, value)
end

local function counted(count, word)
  return ('%d %s%s'):format(count or 0, word, count == 1 and '' or 's')
end

local function model_lines(model)
  local by = model.configured and model.configured ~= model.name and (' (%s)'):format(model.configured) or ''
  local lines = { keyed('model', (model.name or '?') .. by) }
  if model.problem and model.problem ~= vim.NIL then
    table.insert(lines, keyed('', model.problem))
  end
  return lines
end

local function running_line(turn)
  local doing = turn.doing and turn.doing ~= '' and turn.doing ~= vim.NIL and (': ' .. turn.doing) or ''
  local title = turn.title or turn.turn
  return keyed('running', ('%s, step %d of %d%s'):format(title, turn.step or 0, turn.maxSteps or 0, doing))
end

function M.status(status)
  local lines = model_lines(status.model or {})
  table.insert(lines, keyed('mode', status.mode or '?'))
  table.insert(lines, keyed('session', type(status.session) == 'string' and status.session or 'none yet'))
  for _, turn in ipairs(status.running or {}) do
    table.insert(lines, running_line(turn))
  end
  table.insert(lines, keyed('waiting', counted((status.counts or {}).pending, 'hunk')))
  if state.n_questions > 0 then
    table.insert(lines, keyed('asking', counted(state.n_questions, 'question') .. ' (:Copydesk answer)'))
  end
  local colours = {}
  for index, line in ipairs(lines) do
    table.insert(colours, { 'CopydeskDim', index - 1, 0, math.min(KEY_WIDTH + 1, #line) })
  end
  ui.float('Copydesk ' .. (status.version or ''), lines, colours)
end

local MARKS = { ok = '✓', info = '·', warning = '!', error = '✗' }
local GROUPS = { ok = 'CopydeskDone', info = 'CopydeskDim', warning = 'CopydeskWarning', error = 'CopydeskFailed' }

function M.doctor(findings)
  local lines, colours = {}, {}
  for _, finding in ipairs(findings) do
    local mark = MARKS[finding.level] or '·'
    table.insert(lines, (' %s %s: %s'):format(mark, finding.subject or '', (finding.text or ''):gsub('\n', ' ')))
    table.insert(colours, { GROUPS[finding.level] or 'CopydeskDim', #lines - 1, 1, 1 + #mark })
    if finding.advice and finding.advice ~= vim.NIL and finding.advice ~= '' then
      table.insert(lines, '     ' .. finding.advice:gsub('\n', ' '))
      table.insert(colours, { 'CopydeskDim', #lines - 1, 0, #lines[#lines] })
    end
  end
  ui.float('Copydesk doctor', #lines > 0 and lines or { ' Nothing to report.' }, colours)
end

--- What the server has logged since it was started; with `everything` Neovim's own log file of all servers.
function M.log(everything)
  if everything or #state.messages == 0 then
    local path = vim.lsp.log.get_filename()
    vim.cmd('botright split ' .. vim.fn.fnameescape(path))
    vim.cmd('normal! G')
    if not everything then
      ui.notify('The server has logged nothing; this is what Neovim wrote down of all servers.')
    end
    return
  end
  local lines = {}
  for _, message in ipairs(state.messages) do
    for index, line in ipairs(ui.lines(message.text or '')) do
      local head = index == 1 and ('%s %-7s '):format(os.date('%H:%M:%S', message.at), LEVELS[message.type] or '')
        or (' '):rep(17)
      table.insert(lines, head .. line)
    end
  end
  vim.cmd('botright split')
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_win_set_buf(0, buf)
  vim.bo[buf].bufhidden = 'wipe'
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true, desc = 'Close' })
  vim.cmd('normal! G')
end

return M
