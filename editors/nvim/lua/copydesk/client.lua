--- The server's client: starting, stopping, asking. Owns nothing that is shown but messages about the server itself.
--- Start with `execute`.
local M = {}

M.METHODS = {
  'copydesk/session/update',
  'copydesk/editor/ask',
  'copydesk/editor/codeIntel',
  'copydesk.permission.answer', -- questions about permissions are drawn here: no dialog of the client's beside them
}

local NAME = 'copydesk'
local START_LIMIT_MS = 15000
local STOP_LIMIT_MS = 5000
local STATUS_AGE_MS = 20000

local has_011 = vim.fn.has('nvim-0.11') == 1
local ready = {} -- functions that wait for a server
local stopping = {} -- ids of clients that end because they were told to
local announced -- the last answer of copydesk.status, and when

local function notify(text, level)
  require('copydesk.ui').notify(text, level)
end

--- The running client, if any.
function M.get()
  for _, client in ipairs(vim.lsp.get_clients({ name = NAME })) do
    if not (has_011 and client:is_stopped() or not has_011 and client.is_stopped()) then
      return client
    end
  end
end

--- `client:request`, in each version's way.
function M.request(client, method, params, handler, bufnr)
  if has_011 then
    return client:request(method, params, handler, bufnr)
  end
  return client.request(method, params, handler, bufnr)
end

function M.notify(client, method, params)
  if has_011 then
    return client:notify(method, params)
  end
  return client.notify(method, params)
end

function M.supports(client, method, bufnr)
  if has_011 then
    return client:supports_method(method, bufnr)
  end
  return client.supports_method(method, { bufnr = bufnr })
end

--- Runs a command of the server. `done(result)` only when it worked; what went wrong is said, unless `failed` takes it.
---@param name string
---@param argument? table
---@param done? fun(result: any)
---@param failed? fun(message: string)
function M.execute(name, argument, done, failed)
  M.with_server(function(client)
    local params = { command = name, arguments = { argument or vim.empty_dict() } }
    M.request(client, 'workspace/executeCommand', params, function(err, result)
      if err then
        local text = type(err) == 'table' and err.message or tostring(err)
        if failed then
          failed(text)
        else
          notify(text, vim.log.levels.ERROR)
        end
      elseif done then
        done(result ~= vim.NIL and result or nil)
      end
    end, vim.api.nvim_get_current_buf())
  end)
end

--- Calls `use(client)` when the server is up; starts it where it is not.
function M.with_server(use)
  local client = M.get()
  if client and client.initialized then
    use(client)
    return
  end
  table.insert(ready, use)
  if #ready > 1 then
    return
  end
  if not client and not M.start() then
    ready = {}
    return
  end
  vim.defer_fn(function()
    if #ready > 0 then
      ready = {}
      notify('the server did not start in 15 s (:checkhealth copydesk)', vim.log.levels.ERROR)
    end
  end, START_LIMIT_MS)
end

-- --- starting ---------------------------------------------------------------------------------------------------

local function config()
  if vim.lsp.config then
    return vim.lsp.config[NAME]
  end
  local file = vim.api.nvim_get_runtime_file('lsp/copydesk.lua', false)[1]
  local found = file and dofile(file)
  return found and vim.tbl_extend('force', found, { name = NAME })
end

--- The command line of the server, and whether its program is there.
---@return string[]|nil, boolean
function M.command()
  local cmd = (config() or {}).cmd
  if type(cmd) ~= 'table' then
    return nil, cmd ~= nil
  end
  return cmd, vim.fn.executable(cmd[1]) == 1
end

local function can_start()
  local cmd, is_there = M.command()
  if not is_there then
    local text = ('Copydesk: no program %q: install it, or set cmd'):format(cmd and cmd[1] or 'cmd')
    -- Not within the autocommand that asks: 0.10 would take the message for its failure.
    vim.schedule(function()
      vim.notify_once(text, vim.log.levels.ERROR)
    end)
  end
  return is_there
end

--- Neovim 0.10: starts the server for this buffer, or attaches the one that runs.
function M.attach(bufnr)
  local wanted = config()
  if not wanted or (wanted.filetypes and not vim.tbl_contains(wanted.filetypes, vim.bo[bufnr].filetype)) then
    return
  end
  if not can_start() then
    return
  end
  wanted.root_dir(bufnr, function(root)
    local start = vim.tbl_extend('force', wanted, { root_dir = root or false })
    start.root_dir = root
    vim.lsp.start(start, { bufnr = bufnr, reuse_client = wanted.reuse_client })
  end)
end

--- Starts the server for every file that is open. False when it cannot be.
function M.start()
  if not can_start() then
    return false
  end
  if vim.lsp.enable then
    vim.lsp.enable(NAME)
  else
    for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_is_loaded(bufnr) and vim.bo[bufnr].buftype == '' then
        M.attach(bufnr)
      end
    end
  end
  if not M.get() then
    vim.defer_fn(M.start_alone, 100)
  end
  return true
end

--- Where no file is open, the server still answers: about its models, sessions and health.
function M.start_alone()
  if M.get() or not can_start() then
    return
  end
  local wanted = vim.tbl_extend('force', config(), {})
  wanted.root_dir = vim.fs.root(vim.fn.getcwd(), { '.copydesk', '.git' })
  local bufnr = vim.api.nvim_create_buf(false, true)
  local id = vim.lsp.start(wanted, { bufnr = bufnr })
  if id then
    vim.schedule(function()
      pcall(vim.lsp.buf_detach_client, bufnr, id)
      pcall(vim.api.nvim_buf_delete, bufnr, { force = true })
    end)
  end
end

--- Stops the server; `done` is called when it has ended.
function M.stop(done)
  local client = M.get()
  if not client then
    return done and done()
  end
  stopping[client.id] = true
  local until_ms = vim.uv.now() + STOP_LIMIT_MS
  if has_011 then
    client:stop()
  else
    client.stop()
  end
  local function look()
    if vim.lsp.get_client_by_id(client.id) == nil then
      return done and done()
    end
    if vim.uv.now() > until_ms then
      if has_011 then
        client:stop(true)
      else
        client.stop(true)
      end
    end
    vim.defer_fn(look, 50)
  end
  look()
end

function M.restart()
  M.stop(function()
    if M.start() then
      M.with_server(function()
        notify('The server was started again.')
      end)
    end
  end)
end

-- --- what lsp/copydesk.lua calls --------------------------------------------------------------------------------

function M.before_init(params)
  params.capabilities = vim.tbl_deep_extend('force', params.capabilities or {}, require('copydesk').capabilities())
end

function M.on_init(client)
  local handlers = client.handlers
  handlers['copydesk/session/update'] = function(_, params)
    require('copydesk.state').update(params)
    return vim.NIL
  end
  handlers['copydesk/editor/ask'] = function(_, params, context)
    return require('copydesk.questions').ask(params, context.client_id)
  end
  handlers['copydesk/editor/codeIntel'] = function(_, params, context)
    return require('copydesk.code_intel').answer(params, context.client_id)
  end
  handlers['$/cancelRequest'] = function(_, params)
    if package.loaded['copydesk.questions'] then
      require('copydesk.questions').withdraw(params.id)
    end
  end
  handlers['window/logMessage'] = function(err, params, ...)
    require('copydesk.state').log(params)
    return vim.lsp.handlers['window/logMessage'](err, params, ...)
  end
  handlers['workspace/textDocumentContent/refresh'] = function(_, params)
    return require('copydesk.documents').refresh(params)
  end
  require('copydesk.documents').start()
  handlers['window/showMessage'] = function(_, params)
    require('copydesk.answers').message(params)
    return params
  end
  -- Neovim prints the label of each edit; in a narrow window that asks for a key, beside what we say of it.
  handlers['workspace/applyEdit'] = function(err, params, ...)
    local quiet = vim.tbl_extend('force', {}, params)
    quiet.label = nil
    return vim.lsp.handlers['workspace/applyEdit'](err, quiet, ...)
  end
  announced = nil
  require('copydesk.review').start(client)
  local waiting = ready
  ready = {}
  vim.schedule(function()
    for _, use in ipairs(waiting) do
      use(client)
    end
  end)
end

function M.on_exit(code, signal, client_id)
  vim.schedule(function()
    local was_told = stopping[client_id]
    stopping[client_id] = nil
    announced = nil
    require('copydesk.state').server_ended()
    require('copydesk.questions').withdraw_all()
    require('copydesk.review').clear()
    if was_told or vim.v.exiting ~= vim.NIL then
      return
    end
    -- After Neovim's own message about it, which would else make both ask for a key.
    vim.defer_fn(function()
      local how = signal ~= 0 and ('by signal %d'):format(signal) or ('with exit code %d'):format(code)
      notify(('the server ended %s: :Copydesk restart, or log'):format(how), vim.log.levels.ERROR)
    end, 300)
  end)
end

-- --- what the server can do -------------------------------------------------------------------------------------

--- `copydesk.status`, then `use(status)`.
function M.status(use)
  M.execute('copydesk.status', nil, function(status)
    announced = { status = status, at_ms = vim.uv.now() }
    use(status)
  end)
end

--- The names of the commands the server has; without asking it, those of the last answer, or of its capabilities.
---@return string[]
function M.capabilities()
  local client = M.get()
  if announced and vim.uv.now() - announced.at_ms < STATUS_AGE_MS then
    return announced.status.capabilities
  end
  local provider = client and client.initialized and client.server_capabilities.executeCommandProvider
  return provider and provider.commands or {}
end

function M.has(name)
  return vim.tbl_contains(M.capabilities(), name)
end

--- Asks and waits, at most `limit_ms`: for completion only. Nil when there is no answer.
function M.ask_now(name, argument, limit_ms)
  local client = M.get()
  if not client or not client.initialized then
    return nil
  end
  local params = { command = name, arguments = { argument or vim.empty_dict() } }
  local found
  M.request(client, 'workspace/executeCommand', params, function(_, result)
    found = result or false
  end)
  vim.wait(limit_ms or 700, function()
    return found ~= nil
  end, 10)
  return found or nil
end

return M
