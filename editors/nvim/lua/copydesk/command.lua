--- `:Copydesk`: from what was typed to the verb that does it, and what may be typed next. Start with `run`.
--- What the server announces and this file does not know is a verb too, by its whole name: `:Copydesk session.fork`.
local M = {}

local client = require('copydesk.client')
local ui = require('copydesk.ui')

-- Verbs of the editor's own, and those that are the server's commands by another name.
local NEEDS = {
  explain = 'copydesk.explain',
  fix = 'copydesk.fix',
  document = 'copydesk.document',
  test = 'copydesk.test',
  refactor = 'copydesk.refactor',
  ask = 'copydesk.ask',
  prompt = 'copydesk.prompt',
  send = 'copydesk.send',
  cancel = 'copydesk.cancel',
  undo = 'copydesk.undo',
  accept = 'copydesk.review.accept',
  reject = 'copydesk.review.reject',
  review = 'copydesk.review.show',
  next = 'copydesk.review.show',
  previous = 'copydesk.review.show',
  diff = 'copydesk.review.show',
  status = 'copydesk.status',
  doctor = 'copydesk.doctor',
  model = 'copydesk.model.set',
  mode = 'copydesk.mode.set',
  session = 'copydesk.session.list',
  permissions = 'copydesk.permissions',
  trust = 'copydesk.workspace.trust',
  view = '',
  answer = '',
  log = '',
  start = '',
  stop = '',
  restart = '',
  health = '',
}

-- The server's commands that the verbs above stand for.
local COVERED = {
  ['copydesk.answer'] = true, -- for clients that cannot ask
  ['copydesk.models'] = true,
  ['copydesk.session.new'] = true,
  ['copydesk.permission.answer'] = true,
}
for _, command in pairs(NEEDS) do
  COVERED[command] = true
end

local MODES = { 'plan', 'ask', 'acceptEdits', 'auto' }
local SCOPES = { 'hunk', 'line', 'file', 'turn', 'all' }
local TURN_KEYS = { 'model', 'mode', 'session' }

local function is_offered(verb)
  local needs = NEEDS[verb]
  local commands = client.capabilities()
  return needs == '' or #commands == 0 or vim.tbl_contains(commands, needs)
end

--- The verbs there are, sorted: of the editor, and of the server by what it announces.
function M.verbs()
  local found = {}
  for verb in pairs(NEEDS) do
    if is_offered(verb) then
      table.insert(found, verb)
    end
  end
  for _, command in ipairs(client.capabilities()) do
    if vim.startswith(command, 'copydesk.') and not COVERED[command] then
      table.insert(found, (command:gsub('^copydesk%.', '')))
    end
  end
  table.sort(found)
  return found
end

--- Takes `key=value` words from the front of a text: "model=offline why is this slow".
---@param keys string[]|nil the keys that are options; any word of letters without
function M.options(text, keys)
  local found = {}
  while true do
    local key, value, rest = text:match('^%s*(%a[%w_]*)=(%S+)%s*(.*)$')
    if not key or (keys and not vim.tbl_contains(keys, key)) then
      return found, vim.trim(text)
    end
    found[key], text = value, rest
  end
end

--- Runs what was typed. `call` is what |nvim_create_user_command()| gives.
function M.run(call)
  local verb, rest = vim.trim(call.args):match('^(%S+)%s*(.*)$')
  if not verb then
    M.choose(call)
    return
  end
  local range = call.range > 0 and { call.line1, call.line2 } or nil
  local verbs = require('copydesk.verbs')
  local argument = { text = rest, range = range, bang = call.bang, count = call.range == 1 and call.count or nil }
  if verbs[verb] and NEEDS[verb] then
    verbs[verb](argument)
  else
    M.other(verb, argument)
  end
end

--- With no verb: a menu.
function M.choose(call)
  client.with_server(function()
    vim.ui.select(M.verbs(), { prompt = 'Copydesk' }, function(verb)
      if verb then
        M.run(vim.tbl_extend('force', call, { args = verb }))
      end
    end)
  end)
end

--- A command of the server that has no verb here.
function M.other(verb, argument)
  client.with_server(function()
    client.status(function(status)
      local command = 'copydesk.' .. verb:gsub('^copydesk%.', '')
      if vim.tbl_contains(status.capabilities, command) then
        require('copydesk.verbs').server_command(command, argument)
      else
        ui.notify(
          ('%q is no verb of it. There are: %s'):format(verb, table.concat(M.verbs(), ' ')),
          vim.log.levels.ERROR
        )
      end
    end)
  end)
end

-- --- completion -------------------------------------------------------------------------------------------------

local models_known

local function model_names()
  local now = vim.uv.now()
  if not models_known or now - models_known.at_ms > 30000 then
    local answer = client.ask_now('copydesk.models')
    if not answer then
      return { 'auto', 'offline' }
    end
    local names = { 'auto' }
    for _, model in ipairs(answer.models or {}) do
      table.insert(names, model.name)
    end
    models_known = { names = names, at_ms = now }
  end
  return models_known.names
end

local function session_names()
  local answer = client.ask_now('copydesk.session.list')
  return vim.tbl_map(function(each)
    return each.session
  end, answer and answer.sessions or {})
end

local VALUES = {
  model = model_names,
  session = session_names,
  mode = function()
    return MODES
  end,
}

local ARGUMENTS = {
  accept = function()
    return SCOPES
  end,
  reject = function()
    return SCOPES
  end,
  mode = VALUES.mode,
  model = model_names,
  trust = function()
    return { 'yes', 'no' }
  end,
  permissions = function()
    return { 'forget' }
  end,
  session = function()
    local found = { 'list' }
    for _, command in ipairs(client.capabilities()) do
      local name = command:match('^copydesk%.session%.(%w+)$')
      if name and name ~= 'list' then
        table.insert(found, name)
      end
    end
    return found
  end,
}

local function starting_with(lead, candidates)
  return vim.tbl_filter(function(each)
    return vim.startswith(each, lead)
  end, candidates)
end

local IS_TURN = { explain = true, fix = true, document = true, test = true, refactor = true, ask = true, prompt = true }

--- For |:command-completion-customlist|.
function M.complete(lead, line, position)
  local before = line:sub(1, position):gsub('^.-Copydesk!?%s*', '', 1)
  local words = vim.split(before, '%s+', { trimempty = true })
  local index = #words + (before:match('%s$') and 1 or 0)
  if index <= 1 then
    return starting_with(lead, M.verbs())
  end
  local verb = words[1]
  if IS_TURN[verb] then
    local key = lead:match('^(%a+)=')
    if key and VALUES[key] then
      return vim.tbl_map(function(value)
        return key .. '=' .. value
      end, starting_with(lead:sub(#key + 2), VALUES[key]()))
    end
    return starting_with(
      lead,
      vim.tbl_map(function(each)
        return each .. '='
      end, TURN_KEYS)
    )
  end
  return index == 2 and ARGUMENTS[verb] and starting_with(lead, ARGUMENTS[verb]()) or {}
end

M.SCOPES, M.TURN_KEYS, M.MODES = SCOPES, TURN_KEYS, MODES

return M
