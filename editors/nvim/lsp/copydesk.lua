---@brief
--- Copydesk, a coding agent behind the Language Server Protocol. This file alone is enough on Neovim 0.11 and newer:
---
--- ```lua
--- vim.lsp.enable('copydesk')
--- ```
---
--- Settings are those of docs/SETTINGS.md, with the same names:
---
--- ```lua
--- vim.lsp.config('copydesk', { settings = { copydesk = { review = { mode = 'hunks' } } } })
--- ```
---
--- There is no `filetypes`: Neovim attaches such a server to every buffer that has a file type and is a file, and
--- Copydesk works on all of them. One server serves the whole editor; each project becomes a folder of its workspace.

local MARKERS = {
  { '.copydesk', '.git', '.hg', '.jj', '.svn' },
  { 'pyproject.toml', 'package.json', 'Cargo.toml', 'go.mod' },
}

local given = type(vim.g.copydesk) == 'table' and vim.g.copydesk or {}

-- The plug-in's part, when it is loaded. This file works without.
local function comfort()
  return vim.g.loaded_copydesk and require('copydesk.client') or nil
end

local function config_now()
  return vim.lsp.config and vim.lsp.config.copydesk or {}
end

-- Names such as `oil:///…` or `fugitive://…` are no files, whatever the buffer's type says.
local function is_file(bufnr)
  local name = vim.api.nvim_buf_get_name(bufnr)
  return vim.bo[bufnr].buftype == '' and name ~= '' and not name:find('^%a[%w+.-]+:/') and vim.fn.isdirectory(name) == 0
end

local function root_of(bufnr, markers)
  for _, each in ipairs(markers) do
    local root = vim.fs.root(bufnr, each)
    if root then
      return root
    end
  end
end

-- Folders that came while the server was still starting, by client.
local waiting = {}

local function add_folder(client, folder)
  client.workspace_folders = client.workspace_folders or {}
  table.insert(client.workspace_folders, folder)
  local params = { event = { added = { folder }, removed = {} } }
  if vim.fn.has('nvim-0.11') == 1 then
    client:notify('workspace/didChangeWorkspaceFolders', params)
  else
    client.notify('workspace/didChangeWorkspaceFolders', params)
  end
end

local function has_folder(folders, uri)
  for _, folder in ipairs(folders or {}) do
    if folder.uri == uri then
      return true
    end
  end
  return false
end

local function is_stopped(client)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:is_stopped()
  end
  return client.is_stopped()
end

-- One server for all projects: another root is another folder of the same workspace.
local function reuse(client, config)
  if client.name ~= config.name or is_stopped(client) then
    return false
  end
  local root = config.root_dir
  local folder = root and { uri = vim.uri_from_fname(root), name = root }
  if not folder or has_folder(client.workspace_folders, folder.uri) then
    return true
  end
  if client.initialized then
    add_folder(client, folder)
  else
    waiting[client.id] = waiting[client.id] or {}
    table.insert(waiting[client.id], folder)
  end
  return true
end

local function on_init(client)
  for _, folder in ipairs(waiting[client.id] or {}) do
    if not has_folder(client.workspace_folders, folder.uri) then
      add_folder(client, folder)
    end
  end
  waiting[client.id] = nil
end

-- Neovim itself only writes to its log when the program is not there.
local function warn_if_missing()
  local is_enabled = vim.lsp.is_enabled
  local cmd = config_now().cmd
  if (is_enabled and not is_enabled('copydesk')) or type(cmd) ~= 'table' or vim.fn.executable(cmd[1]) == 1 then
    return
  end
  local text = ('Copydesk: no program %q: install it, or set cmd'):format(cmd[1])
  vim.notify_once(text, vim.log.levels.ERROR)
end
if vim.lsp.config then
  vim.schedule(warn_if_missing)
end

---@type vim.lsp.Config
return {
  cmd = given.cmd or { 'copydesk', 'serve' },
  filetypes = given.filetypes,
  settings = given.settings and { copydesk = given.settings } or nil,

  -- A file with no project around it is served too, with no root.
  root_dir = function(bufnr, on_dir)
    if is_file(bufnr) then
      on_dir(root_of(bufnr, config_now().root_markers or MARKERS))
    end
  end,
  reuse_client = reuse,

  -- The server writes down what waits for a decision when it is shut down: Neovim (0.12) waits so long for it to end.
  exit_timeout = 2000,

  before_init = function(params, config)
    params.initializationOptions = config.init_options or (config.settings or {}).copydesk
    local plugin = comfort()
    if plugin then
      plugin.before_init(params)
    end
  end,
  on_init = function(client)
    on_init(client)
    local plugin = comfort()
    if plugin then
      plugin.on_init(client)
    end
  end,
  on_exit = function(code, signal, client_id)
    local plugin = comfort()
    if plugin then
      plugin.on_exit(code, signal, client_id)
    end
  end,
}
