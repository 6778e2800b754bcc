--- What other plug-ins and an init.lua use of Copydesk. Small on purpose: a status line asks it often.
local M = {}

---@class copydesk.Options
---@field cmd? string[] how the server is started; default { 'copydesk', 'serve' }
---@field settings? table Copydesk's settings (docs/SETTINGS.md), with the same names
---@field filetypes? string[] only these; default: every file with a file type
---@field enable? boolean false: the server is not started by itself
---@field view? 'auto'|'always'|'never' when the view opens by itself; 'auto': for answers longer than a line
---@field view_split? 'right'|'below'|'tab' default: right in a wide window, else below
---@field marks? boolean false: no marks in the text for hunks that wait
---@field advance? boolean go to the next hunk after a decision

--- Optional. The same as setting vim.g.copydesk, and starts the server for files unless `enable` is false.
---@param options? copydesk.Options
function M.setup(options)
  local given = vim.tbl_deep_extend('force', M.options(), options or {})
  vim.g.copydesk = given
  if vim.lsp.config then
    if options and (options.cmd or options.filetypes or options.settings) then
      vim.lsp.config('copydesk', {
        cmd = options.cmd,
        filetypes = options.filetypes,
        settings = options.settings and { copydesk = options.settings },
      })
    end
    if given.enable ~= false then
      vim.lsp.enable('copydesk')
    end
  end
end

---@return copydesk.Options
function M.options()
  return type(vim.g.copydesk) == 'table' and vim.g.copydesk or {}
end

--- What the server does, in a few words; empty where there is none. For a status line.
---@return string
function M.statusline()
  local client = package.loaded['copydesk.client']
  return client and require('copydesk.state').short(client.get()) or ''
end

--- What a client announces that is started by other means than lsp/copydesk.lua.
---@return table
function M.capabilities()
  return {
    workspace = { textDocumentContent = { dynamicRegistration = false } },
    experimental = { copydesk = require('copydesk.client').METHODS },
  }
end

return M
