--- Questions of the server's to the person: of the model (`copydesk/editor/ask`) and about permissions.
--- One is shown at a time, by vim.ui.select or vim.ui.input, and never while somebody is typing: that would take the
--- keys. One that was closed goes on waiting, for :Copydesk answer. Start with `ask`.
local M = {}

local state = require('copydesk.state')
local ui = require('copydesk.ui')

local QUIET_MS = 700
local LOOK_MS = 100
local PATIENCE_MS = 2500 -- before it is said that a question waits for the keys to rest
local DECLINED = vim.NIL

---@class copydesk.Question
---@field id any of the request
---@field text string
---@field choices string[]
---@field answer fun(choice: string|nil) called once
---@field is_open boolean whether it is on the screen
---@field is_put_off boolean whether it was closed without an answer
---@field is_over boolean

---@type copydesk.Question[]
local waiting = {}
local last_key_ms = 0
local is_watching = false

local watcher = vim.api.nvim_create_namespace('copydesk.questions')

-- Keys are looked at only while a question waits.
local function watch_keys(on)
  if on and not is_watching then
    last_key_ms = vim.uv.now()
    vim.on_key(function(_, typed)
      if typed == nil or typed ~= '' then
        last_key_ms = vim.uv.now()
      end
    end, watcher)
  elseif not on and is_watching then
    vim.on_key(nil, watcher)
  end
  is_watching = on
end

local function recount()
  state.n_questions = #waiting
  watch_keys(#waiting > 0)
  state.changed_around()
end

local function remove(question)
  question.is_over = true
  waiting = vim.tbl_filter(function(each)
    return each ~= question
  end, waiting)
  recount()
end

local function answered(question, choice)
  question.is_open = false
  if question.is_over then
    if choice then
      ui.notify('That question was withdrawn; the answer goes nowhere.', vim.log.levels.WARN)
    end
    return
  end
  if choice == nil or choice == '' then
    question.is_put_off = true
    ui.notify('the question waits (:Copydesk answer).')
    state.changed_around()
    return
  end
  remove(question)
  question.answer(choice)
end

local function show(question)
  question.is_open, question.is_put_off = true, false
  local function take(choice)
    vim.schedule(function()
      answered(question, choice)
    end)
  end
  if #question.choices > 0 then
    vim.ui.select(question.choices, { prompt = question.text, kind = 'copydesk_question' }, take)
  else
    vim.ui.input({ prompt = question.text .. ' ' }, take)
  end
end

local function is_quiet()
  local mode = vim.api.nvim_get_mode()
  return mode.mode == 'n' and not mode.blocking and vim.uv.now() - last_key_ms >= QUIET_MS
end

local function is_one_open()
  for _, each in ipairs(waiting) do
    if each.is_open then
      return true
    end
  end
  return false
end

local function next_to_show()
  for _, each in ipairs(waiting) do
    if not each.is_put_off then
      return each
    end
  end
end

local is_looking = false

-- Shows the next question as soon as no key was typed for a moment.
local function look()
  local question = next_to_show()
  if not question or is_one_open() then
    is_looking = false
    return
  end
  if is_quiet() then
    is_looking = false
    show(question)
    return
  end
  question.since_ms = question.since_ms or vim.uv.now()
  if not question.is_announced and vim.uv.now() - question.since_ms > PATIENCE_MS then
    question.is_announced = true
    ui.notify(
      ui.cut('asks: ' .. question.text:gsub('%s+', ' '), math.max(20, vim.o.columns - 40)) .. ' (:Copydesk answer)'
    )
  end
  vim.defer_fn(look, LOOK_MS)
end

local function add(question)
  table.insert(waiting, question)
  recount()
  if not is_looking then
    is_looking = true
    vim.schedule(look)
  end
end

--- The handler of `copydesk/editor/ask`; runs in a coroutine, as every handler of a server's request does.
function M.ask(params)
  local routine = coroutine.running()
  add({
    id = params.id,
    text = params.question or '',
    choices = params.choices or {},
    answer = function(choice)
      coroutine.resume(routine, { answer = choice or DECLINED })
    end,
    cancel = function()
      coroutine.resume(routine, nil, vim.lsp.rpc_response_error(vim.lsp.protocol.ErrorCodes.RequestCancelled))
    end,
  })
  return coroutine.yield()
end

local DENY_WHY = 'Deny, saying why…'
local SHOW_ALL = 'Show all of it'

local function send_permission(request, option, reason)
  require('copydesk.client').execute('copydesk.permission.answer', {
    request = request.id,
    option = option,
    reason = reason,
  })
end

-- Enter alone, a number out of range and Escape put the question off: nothing is allowed by accident.
local function permission_choices(request)
  local names, by_name = {}, {}
  for _, option in ipairs(request.options or {}) do
    table.insert(names, option.name)
    by_name[option.name] = option.optionId
  end
  table.insert(names, DENY_WHY)
  if request.whole and #vim.split(request.whole, '\n') > 12 or #(request.command or '') > 200 then
    table.insert(names, SHOW_ALL)
  end
  return names, by_name
end

--- From a `permission` update: asks, where the server takes answers.
function M.permission(turn, request)
  if not require('copydesk.client').has('copydesk.permission.answer') then
    return
  end
  local names, by_name = permission_choices(request)
  local id = 'permission ' .. tostring(request.id)
  local text = vim.trim((request.text or request.title or turn.title):gsub('%s*\n%s*', ' · '))
  add({
    id = id,
    text = text,
    choices = names,
    answer = function(name)
      if name == DENY_WHY then
        vim.ui.input({ prompt = 'Why not? Copydesk is told: ' }, function(why)
          send_permission(request, 'reject_once', why)
        end)
      elseif name == SHOW_ALL then
        ui.float('Copydesk asks', vim.split(request.whole, '\n'))
        M.permission(turn, request)
        waiting[#waiting].is_put_off = true
        ui.notify('the question waits (:Copydesk answer).')
      else
        send_permission(request, name and by_name[name] or 'reject_once')
      end
    end,
    cancel = function() end,
  })
end

--- It was answered elsewhere, or the turn is over.
function M.permission_answered(id)
  M.withdraw('permission ' .. tostring(id))
end

-- Neovim's own menus of 0.11 and newer are command lines, which a key closes. Those of other plug-ins are left alone:
-- a key could close something else.
local function close_menu(question)
  local source = debug.getinfo(#question.choices > 0 and vim.ui.select or vim.ui.input, 'S').source
  if question.is_open and source:find('vim[/\\]ui%.lua') and vim.api.nvim_get_mode().mode == 'c' then
    vim.api.nvim_input('<C-c>')
  end
end

--- Takes a question back that the server no longer asks.
function M.withdraw(id)
  for _, question in ipairs(waiting) do
    if question.id == id then
      remove(question)
      close_menu(question)
      question.cancel()
      return
    end
  end
end

function M.withdraw_all()
  for _, question in ipairs({ unpack(waiting) }) do
    remove(question)
    close_menu(question)
  end
end

--- `:Copydesk answer`: opens the oldest question that waits again; `decline` answers it with nothing.
function M.reopen(decline)
  local question = waiting[1]
  if not question then
    ui.notify('Nothing is asked.')
  elseif decline then
    remove(question)
    question.answer(nil)
    ui.notify('Declined.')
  elseif not question.is_open then
    show(question)
  end
end

return M
