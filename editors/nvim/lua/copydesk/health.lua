--- `:checkhealth copydesk`: whether it can run here, and what to do where it cannot.
local M = {}

local LIMIT_MS = 5000
local health = vim.health

local function check_neovim()
  local version = tostring(vim.version())
  if vim.fn.has('nvim-0.10') == 1 then
    health.ok('Neovim ' .. version)
  else
    health.error('Neovim ' .. version .. ' is too old.', { 'Copydesk needs 0.10 or newer.' })
  end
  if vim.fn.has('nvim-0.11') == 1 then
    local is_enabled = vim.lsp.is_enabled and vim.lsp.is_enabled('copydesk')
    if is_enabled == false then
      health.warn(
        'The server is not enabled.',
        { "Put vim.lsp.enable('copydesk') in your init.lua, or use :Copydesk start." }
      )
    elseif is_enabled then
      health.ok("vim.lsp.enable('copydesk') was called")
    end
  end
end

local function run(command)
  local ok, done = pcall(function()
    return vim.system(command, { text = true, timeout = LIMIT_MS }):wait()
  end)
  return ok and done.code == 0 and vim.trim(done.stdout) or nil
end

local function check_program(client)
  local cmd, is_there = client.command()
  if not cmd then
    health.info('`cmd` is a function; whether it works is seen below.')
    return
  end
  if not is_there then
    health.error(('%q is not an executable.'):format(cmd[1]), {
      'Install it: pip install copydesk (from its clone: pip install .), with Python 3.11 or newer.',
      "Or name it: vim.g.copydesk = { cmd = { '/path/to/copydesk', 'serve' } }",
    })
    return
  end
  local asked = vim.list_extend({}, cmd)
  if asked[#asked] == 'serve' then
    asked[#asked] = '--version'
    local version = run(asked)
    if version then
      health.ok(('`%s`: %s'):format(cmd[1], version))
    else
      health.error(('`%s` does not answer.'):format(table.concat(asked, ' ')), { 'Run it in a terminal to see why.' })
    end
  else
    health.ok(('`%s` is an executable'):format(cmd[1]))
  end
end

local function check_python()
  for _, name in ipairs({ 'python3', 'python' }) do
    local version = vim.fn.executable(name) == 1 and run({ name, '--version' })
    local major, minor = (version or ''):match('(%d+)%.(%d+)')
    if major then
      local is_new = tonumber(major) > 3 or (tonumber(major) == 3 and tonumber(minor) >= 11)
      local say = is_new and health.ok or health.info
      say(('%s: %s%s'):format(name, version, is_new and '' or ' (Copydesk needs 3.11; its own may be another)'))
      return
    end
  end
  health.info('No python on PATH. Copydesk needs 3.11 or newer where it is installed.')
end

local SAY = { error = health.error, warning = health.warn, ok = health.ok, info = health.info }

local function tell(finding)
  local advice = finding.advice and finding.advice ~= vim.NIL and finding.advice ~= '' and finding.advice or nil
  local text = ('%s: %s'):format(finding.subject or '', finding.text or '')
  local say = SAY[finding.level] or health.info
  if say == health.ok or say == health.info then
    say(text .. (advice and (' ' .. advice) or ''))
  else
    say(text, advice and { advice })
  end
end

local function check_findings(client)
  local doctor = client.ask_now('copydesk.doctor', nil, LIMIT_MS)
  if not doctor then
    health.warn('copydesk.doctor did not answer in time.', { ':Copydesk doctor asks again.' })
    return
  end
  for _, finding in ipairs(doctor.findings or {}) do
    tell(finding)
  end
end

local function check_server(client)
  local server = client.get()
  if not server then
    health.warn('No server runs.', { 'Open a file, or use :Copydesk start; after an error, :Copydesk log shows why.' })
    return
  end
  local status = client.ask_now('copydesk.status', nil, LIMIT_MS)
  if not status then
    health.error('The server does not answer.', { ':Copydesk restart; :Copydesk log shows what happened.' })
    return
  end
  local model = status.model or {}
  health.ok(('version %s, model %s, mode %s'):format(status.version or '?', model.name or '?', status.mode or '?'))
  health.ok(
    ('%d of %d buffers are attached, positions in %s'):format(
      vim.tbl_count(server.attached_buffers),
      #vim.fn.getbufinfo({ bufloaded = 1 }),
      server.offset_encoding
    )
  )
  if model.problem and model.problem ~= vim.NIL then
    health.warn(model.problem, { ':Copydesk model chooses another.' })
  end
  check_findings(client)
end

function M.check()
  local client = require('copydesk.client')
  health.start('Copydesk: Neovim')
  check_neovim()
  health.start('Copydesk: the program')
  check_program(client)
  check_python()
  health.start('Copydesk: the server')
  check_server(client)
end

return M
