--- Choosing a model, a mode or a session, what is always allowed, and trust: those verbs of `:Copydesk`.
local M = {}

local client = require('copydesk.client')
local ui = require('copydesk.ui')

local function set_model(name)
  client.execute('copydesk.model.set', { model = name }, function(result)
    ui.notify('The model is ' .. result.model .. '.')
  end)
end

function M.model(argument)
  if argument.text ~= '' then
    set_model(argument.text)
    return
  end
  client.execute('copydesk.models', nil, function(result)
    local models = { { name = 'auto', why = 'the first that answers', available = true } }
    vim.list_extend(models, result.models or {})
    vim.ui.select(models, {
      prompt = 'Which model?',
      kind = 'copydesk_model',
      format_item = function(model)
        local mark = model.name == result.current and '● ' or '  '
        local why = model.why and model.why ~= vim.NIL and model.why ~= '' and (' — ' .. model.why) or ''
        return mark .. model.name .. (model.available == false and ' (not available)' or '') .. why
      end,
    }, function(model)
      if model then
        set_model(model.name)
      end
    end)
  end)
end

local MODES = {
  plan = 'read and plan only; nothing is changed',
  ask = 'edits wait for your decision',
  acceptEdits = 'edits are applied, and can be undone',
  auto = 'edits are applied; what is dangerous still asks',
}

local function set_mode(name)
  client.execute('copydesk.mode.set', { mode = name }, function(result)
    ui.notify('The mode is ' .. result.mode .. '.')
  end)
end

function M.mode(argument)
  if argument.text ~= '' then
    set_mode(argument.text)
    return
  end
  client.status(function(status)
    vim.ui.select(require('copydesk.command').MODES, {
      prompt = 'Which mode?',
      kind = 'copydesk_mode',
      format_item = function(mode)
        return (mode == status.mode and '● ' or '  ') .. mode .. ' — ' .. MODES[mode]
      end,
    }, function(mode)
      if mode then
        set_mode(mode)
      end
    end)
  end)
end

-- What can be done with a session: what the server announces; going on in one is always possible.
local function session_verbs()
  local found = { 'prompt' }
  for _, verb in ipairs({ 'resume', 'fork', 'rewind', 'compact', 'export', 'delete' }) do
    if client.has('copydesk.session.' .. verb) then
      table.insert(found, verb)
    end
  end
  return found
end

local function with_session(session)
  local verbs = session_verbs()
  local function run(verb)
    if verb == 'prompt' then
      require('copydesk.verbs').prompt({ text = 'session=' .. session.session })
    elseif verb then
      require('copydesk.verbs').server_command('copydesk.session.' .. verb, { text = 'session=' .. session.session })
    end
  end
  if #verbs == 1 then
    run(verbs[1])
  else
    vim.ui.select(verbs, { prompt = session.title or session.session }, run)
  end
end

function M.session(argument)
  local verb, rest = argument.text:match('^(%S+)%s*(.*)$')
  if verb == 'new' then
    client.execute('copydesk.session.new', nil, function(result)
      ui.notify('A new session begins: ' .. result.session .. '.')
    end)
    return
  elseif verb and verb ~= 'list' then
    require('copydesk.verbs').server_command('copydesk.session.' .. verb, { text = rest })
    return
  end
  client.execute('copydesk.session.list', nil, function(result)
    if #result.sessions == 0 then
      ui.notify('There is no session yet.')
      return
    end
    vim.ui.select(result.sessions, {
      prompt = 'Which session?',
      kind = 'copydesk_session',
      format_item = function(each)
        local title = each.title and each.title ~= '' and each.title or each.session
        return ('%s (%d turn%s, %s)'):format(title, each.turns or 0, each.turns == 1 and '' or 's', each.state or '')
      end,
    }, function(session)
      if session then
        with_session(session)
      end
    end)
  end)
end

local function forget(rules)
  client.execute('copydesk.permissions', { forget = rules, open = false }, function()
    ui.notify(rules == true and 'Nothing is always allowed any more.' or ('No longer allowed: %s.'):format(rules))
  end)
end

local TRUST = { ['true'] = 'trusted', ['false'] = 'not trusted' }

local function permission_lines(result)
  local lines = {}
  for _, folder in ipairs(result.folders) do
    local trusted = TRUST[tostring(folder.trusted)] or 'not asked whether it is trusted'
    table.insert(lines, (' %s (%s)'):format(folder.path, trusted))
    for _, item in ipairs(folder.rules) do
      table.insert(lines, '   always: ' .. item.rule)
    end
    if folder.problem ~= '' then
      table.insert(lines, '   ' .. folder.problem)
    end
  end
  for _, session in ipairs(result.sessions) do
    for _, rule in ipairs(session.rules) do
      table.insert(lines, '   in this session: ' .. rule)
    end
  end
  return lines
end

local function all_rules(result)
  local found = {}
  for _, folder in ipairs(result.folders) do
    for _, item in ipairs(folder.rules) do
      table.insert(found, item.rule)
    end
  end
  for _, session in ipairs(result.sessions) do
    vim.list_extend(found, session.rules)
  end
  return found
end

function M.permissions(argument)
  local word, rule = argument.text:match('^(%S*)%s*(.*)$')
  if word == 'forget' and (rule ~= '' or argument.bang) then
    forget(rule ~= '' and rule or true)
    return
  end
  client.execute('copydesk.permissions', { open = false }, function(result)
    if word ~= 'forget' then
      ui.float('What is allowed', permission_lines(result))
      return
    end
    vim.ui.select(all_rules(result), { prompt = 'Forget which rule?' }, function(chosen)
      if chosen then
        forget(chosen)
      end
    end)
  end)
end

function M.trust(argument)
  local said = { yes = true, no = false, ['true'] = true, ['false'] = false }
  local trusted = said[argument.text]
  client.execute('copydesk.workspace.trust', trusted ~= nil and { trusted = trusted } or nil, function(result)
    for _, folder in ipairs(result.folders) do
      if folder.trusted ~= vim.NIL and folder.trusted ~= nil then
        ui.notify(('%s is %s.'):format(folder.path, folder.trusted and 'trusted' or 'not trusted'))
      end
    end
  end)
end

return M
