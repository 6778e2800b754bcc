--- Choosing a model, a mode or a session: the verbs `model`, `mode` and `session` of `:Copydesk`.
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
  auto = 'nothing is asked',
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

return M
