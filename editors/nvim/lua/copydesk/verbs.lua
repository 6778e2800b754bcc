--- What each verb of `:Copydesk` does: mostly, which command of the server it sends and with what.
--- Every function takes { text, range, bang }: the words behind the verb, the lines (from 1, both included), and `!`.
local M = {}

local client = require('copydesk.client')
local encoding = require('copydesk.encoding')
local state = require('copydesk.state')
local ui = require('copydesk.ui')

-- --- where ------------------------------------------------------------------------------------------------------

-- The selection of a `:'<,'>` command that began in characterwise mode, in bytes; else whole lines.
local function columns(range, last_line)
  local from, to = vim.fn.getpos("'<"), vim.fn.getpos("'>")
  if vim.fn.visualmode() == 'v' and from[2] == range[1] and to[2] == range[2] then
    local behind = to[3] - 1
    local char = vim.fn.strpart(last_line, behind, 1, true)
    return from[3] - 1, math.min(behind + #char, #last_line)
  end
  return 0, #last_line
end

local function line_of(number)
  return vim.api.nvim_buf_get_lines(0, number - 1, number, false)[1] or ''
end

-- The place in the text that a turn is about; nil in a buffer that is no file.
local function place(range)
  local server = client.get()
  local enc = server and server.offset_encoding or 'utf-16'
  if vim.bo.buftype ~= '' or vim.api.nvim_buf_get_name(0) == '' then
    return nil
  end
  local found = { uri = vim.uri_from_bufnr(0) }
  if range then
    local last = line_of(range[2])
    local from, to = columns(range, last)
    found.range = {
      start = { line = range[1] - 1, character = encoding.units(line_of(range[1]), from, enc) },
      ['end'] = { line = range[2] - 1, character = encoding.units(last, to, enc) },
    }
  else
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    local at = { line = row - 1, character = encoding.units(line_of(row), column, enc) }
    found.range = { start = at, ['end'] = at }
  end
  return found, enc
end

-- What other servers and linters say of these lines: Neovim sends a server nothing of the others.
local function problems(first, last, enc)
  local found = {}
  for _, item in ipairs(vim.diagnostic.get(0)) do
    if item.source ~= 'copydesk' and item.lnum <= last and (item.end_lnum or item.lnum) >= first then
      table.insert(
        found,
        encoding.diagnostic(item, enc, function(row)
          return line_of(row + 1)
        end)
      )
    end
  end
  return found
end

-- --- turns ------------------------------------------------------------------------------------------------------

local ASKS = {
  refactor = 'How should this be refactored? ',
  ask = 'Ask Copydesk: ',
  prompt = 'Tell Copydesk what to do: ',
}

local function send_turn(verb, argument, text, options)
  client.with_server(function()
    local where, enc = place(argument.range)
    if not where and not (verb == 'ask' or verb == 'prompt') then
      ui.notify(
        ('This buffer is no file, so there is nothing to %s. Go to some code and try again.'):format(verb),
        vim.log.levels.ERROR
      )
      return
    end
    local sent = vim.tbl_extend('force', where or {}, options, { text = text ~= '' and text or nil })
    if argument.bang then
      sent.queue = true
    end
    if where and verb == 'fix' then
      local found = problems(where.range.start.line, where.range['end'].line, enc)
      sent.diagnostics = #found > 0 and found or nil
    end
    client.execute('copydesk.' .. verb, sent)
  end)
end

local function turn(verb)
  return function(argument)
    local options, text = require('copydesk.command').options(argument.text, require('copydesk.command').TURN_KEYS)
    if text ~= '' or not ASKS[verb] then
      send_turn(verb, argument, text, options)
      return
    end
    vim.ui.input({ prompt = ASKS[verb] }, function(given)
      if given and vim.trim(given) ~= '' then
        send_turn(verb, argument, given, options)
      end
    end)
  end
end

for _, verb in ipairs({ 'explain', 'fix', 'document', 'test', 'refactor', 'ask', 'prompt' }) do
  M[verb] = turn(verb)
end

--- Sends the prompt document that is open here.
function M.send()
  local name = vim.api.nvim_buf_get_name(0)
  client.execute('copydesk.send', name ~= '' and vim.bo.buftype == '' and { uri = vim.uri_from_bufnr(0) } or nil)
end

--- The turn that runs; asks which where there are several. With `!` all of them.
function M.cancel(argument)
  client.status(function(status)
    local running = status.running or {}
    if #running == 0 then
      ui.notify('Nothing runs.')
    elseif #running == 1 or argument.bang then
      client.execute('copydesk.cancel')
    else
      vim.ui.select(running, {
        prompt = 'Cancel which?',
        format_item = function(each)
          return ('%s (step %d of %d)'):format(each.title or each.turn, each.step or 0, each.maxSteps or 0)
        end,
      }, function(each)
        if each then
          client.execute('copydesk.cancel', { turn = each.turn })
        end
      end)
    end
  end)
end

--- The newest turn; with `!` asks which of those seen.
function M.undo(argument)
  local function undo(turn_id)
    client.execute('copydesk.undo', turn_id and { turn = turn_id } or nil)
  end
  if argument.text ~= '' then
    undo(argument.text)
  elseif argument.bang then
    local turns = {}
    for index = #state.order, 1, -1 do
      table.insert(turns, state.turns[state.order[index]])
    end
    vim.ui.select(turns, {
      prompt = 'Undo which turn?',
      format_item = function(each)
        return ('%s (%s)'):format(each.title:gsub('^Copydesk: ', ''), each.id)
      end,
    }, function(each)
      if each then
        undo(each.id)
      end
    end)
  else
    undo()
  end
end

-- --- review -----------------------------------------------------------------------------------------------------

function M.review(argument)
  if argument.bang then
    client.execute('copydesk.review.show')
  else
    require('copydesk.review').go_to_first()
  end
end

function M.next(argument)
  require('copydesk.review').jump(1, argument.count)
end

function M.previous(argument)
  require('copydesk.review').jump(-1, argument.count)
end

function M.diff()
  require('copydesk.diff').open()
end

local function decide(verb)
  return function(argument)
    local deciding = require('copydesk.deciding')
    local word, rest = argument.text:match('^(%S+)%s*(.*)$')
    local scope = vim.tbl_contains(require('copydesk.command').SCOPES, word) and word or nil
    local reason = scope and rest or argument.text
    local function go(why)
      why = why ~= '' and why or nil
      if argument.range and not scope then
        deciding.decide_lines(verb, argument.range[1] - 1, argument.range[2] - 1, why)
      else
        deciding.decide(verb, scope or 'hunk', why)
      end
    end
    if verb == 'reject' and argument.bang and reason == '' then
      vim.ui.input({ prompt = 'Why? Copydesk is told: ' }, function(why)
        if why then
          go(why)
        end
      end)
    else
      go(verb == 'reject' and reason or '')
    end
  end
end

M.accept, M.reject = decide('accept'), decide('reject')

-- --- looking ----------------------------------------------------------------------------------------------------

function M.view(argument)
  if argument.bang then
    require('copydesk.view').close()
  else
    require('copydesk.view').open()
  end
end

function M.answer(argument)
  require('copydesk.questions').reopen(argument.bang)
end

function M.status()
  client.status(function(status)
    require('copydesk.reports').status(status)
  end)
end

function M.doctor()
  client.execute('copydesk.doctor', nil, function(result)
    require('copydesk.reports').doctor(result.findings or {})
  end)
end

--- What is always allowed here; `forget` asks which rule shall no longer be, with `!` it is all of them.
function M.permissions(argument)
  require('copydesk.choosing').permissions(argument)
end

--- Trusts this folder with `yes`, no longer with `no`; without a word the server asks.
function M.trust(argument)
  require('copydesk.choosing').trust(argument)
end

function M.log(argument)
  require('copydesk.reports').log(argument.bang)
end

function M.health()
  vim.cmd('checkhealth copydesk')
end

function M.model(argument)
  require('copydesk.choosing').model(argument)
end

function M.mode(argument)
  require('copydesk.choosing').mode(argument)
end

function M.session(argument)
  require('copydesk.choosing').session(argument)
end

--- Any command of the server, with `key=value` words, and what is left as `text`; its answer is shown.
function M.server_command(command, argument)
  local options, text = require('copydesk.command').options(argument.text)
  local where = place(argument.range) or {}
  if text ~= '' then
    options.text = text
  end
  client.execute(command, vim.tbl_extend('force', where, options), function(result)
    if type(result) == 'table' and next(result) then
      ui.float(command, vim.split(vim.inspect(result), '\n'))
    else
      ui.notify(command .. ': done.')
    end
  end)
end

-- --- the server -------------------------------------------------------------------------------------------------

function M.start()
  if client.get() then
    ui.notify('The server runs already.')
    return
  end
  client.with_server(function()
    ui.notify('The server runs.')
  end)
end

function M.stop()
  client.stop(function()
    ui.notify('The server was stopped. :Copydesk start starts it again.')
  end)
end

function M.restart()
  client.restart()
end

return M
