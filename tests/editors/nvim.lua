-- Loaded by tests/editors/nvim.py into `nvim --clean`: starts the server as a person's init.lua would, and keeps what
-- a person would have seen. COPYDESK_STORY is in the environment, as JSON. How the server is started is `story.how`:
-- `start`: vim.lsp.start, by hand; `enable`: vim.lsp.enable with lsp/copydesk.lua alone; `plugin`: the whole plug-in.
-- The latter two are prepared by nvim_start.lua, before Neovim loads its plug-ins.
local story = vim.json.decode(vim.env.COPYDESK_STORY)
if story.how ~= 'plugin' then
  vim.o.cmdheight = 6 -- else 0.12 asks for Enter after a message that is wider than the screen
end
_G.seen = { messages = {}, progress = {}, rpc = {}, results = {} }

for _, method in ipairs({ 'window/showMessage', 'window/showMessageRequest' }) do
  local show = vim.lsp.handlers[method]
  vim.lsp.handlers[method] = function(err, params, ...)
    table.insert(seen.messages, params.message)
    return show(err, params, ...)
  end
end

local notify = vim.notify
vim.notify = function(text, level, opts)
  table.insert(seen.messages, text)
  return notify(text, level, opts)
end

vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local data = event.data.params or event.data.result
    table.insert(seen.progress, data.value)
  end,
})

if story.how == 'start' then vim.api.nvim_create_autocmd('FileType', {
  pattern = story.filetypes,
  callback = function(event)
    if vim.bo[event.buf].buftype ~= '' then return end
    vim.lsp.start({
      name = 'copydesk',
      cmd = story.command,
      cmd_env = story.environment,
      root_dir = story.root,
      init_options = story.settings,
    }, { bufnr = event.buf })
  end,
}) end

function _G.client()
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  return get({ name = 'copydesk' })[1]
end

-- Neovim 0.11 made methods of the client's functions.
local function request(client, ...)
  if vim.fn.has('nvim-0.11') == 1 then return client:request(...) end
  return client.request(...)
end

-- Sends a command as `:lua` users do and keeps its result.
function _G.command(name, argument)
  table.insert(seen.results, vim.NIL)
  local slot = #seen.results
  request(client(), 'workspace/executeCommand', { command = name, arguments = argument and { argument } or {} },
    function(err, result) seen.results[slot] = err and { error = err } or { result = result } end)
  return slot
end

-- The titles a code-action menu would show here.
function _G.action_titles()
  local params = vim.lsp.util.make_range_params(0, client().offset_encoding)
  params.context = { diagnostics = {} }
  local answers = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', params, 5000)
  local titles = {}
  for _, answer in pairs(answers or {}) do
    for _, action in ipairs(answer.result or {}) do table.insert(titles, action.title) end
  end
  return titles
end

-- Chooses an action by the start of its title, through the editor's own menu code.
function _G.choose_action(title)
  vim.lsp.buf.code_action({ filter = function(action) return vim.startswith(action.title, title) end, apply = true })
end
