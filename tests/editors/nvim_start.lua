-- Loaded by tests/editors/nvim.py before Neovim loads its plug-ins: what a person's init.lua has of Copydesk.
local story = vim.json.decode(vim.env.COPYDESK_STORY)
vim.opt.runtimepath:prepend(story.runtime)

-- The command line is what the person sets; the environment is this test's.
local command = { 'env' }
for name, value in pairs(story.environment) do table.insert(command, name .. '=' .. value) end
vim.list_extend(command, story.command)
command = (story.options or {}).cmd or command

if story.how == 'plugin' then
  local options = { cmd = command, settings = story.settings }
  vim.g.copydesk = vim.tbl_extend('force', options, story.options or {})
  if vim.lsp.enable then vim.lsp.enable('copydesk') end
else
  vim.lsp.config('copydesk', { cmd = command, settings = { copydesk = story.settings } })
  vim.lsp.enable('copydesk')
end
