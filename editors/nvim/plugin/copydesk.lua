-- Loaded at start, so it only names things: each require waits until it is used.
if vim.g.loaded_copydesk then
  return
end
vim.g.loaded_copydesk = true

vim.api.nvim_create_user_command('Copydesk', function(call)
  require('copydesk.command').run(call)
end, {
  nargs = '*',
  range = true,
  bang = true,
  desc = 'Copydesk: explain, fix, ask, review … (:help :Copydesk)',
  complete = function(...)
    return require('copydesk.command').complete(...)
  end,
})

-- No key is bound here; these are names to bind keys to.
for _, verb in ipairs({ 'explain', 'fix', 'document', 'test', 'refactor', 'ask', 'prompt' }) do
  vim.keymap.set(
    'n',
    '<Plug>(copydesk-' .. verb .. ')',
    '<Cmd>Copydesk ' .. verb .. '<CR>',
    { desc = 'Copydesk: ' .. verb }
  )
  vim.keymap.set(
    'x',
    '<Plug>(copydesk-' .. verb .. ')',
    ':Copydesk ' .. verb .. '<CR>',
    { desc = 'Copydesk: ' .. verb, silent = true }
  )
end
for name, command in pairs({
  ['next-hunk'] = 'next',
  ['previous-hunk'] = 'previous',
  ['accept-hunk'] = 'accept hunk',
  ['reject-hunk'] = 'reject hunk',
  ['accept-line'] = 'accept line',
  ['accept-file'] = 'accept file',
  ['reject-file'] = 'reject file',
  ['accept-all'] = 'accept all',
  ['reject-all'] = 'reject all',
  ['review'] = 'review',
  ['diff'] = 'diff',
  ['view'] = 'view',
  ['cancel'] = 'cancel',
  ['undo'] = 'undo',
  ['answer'] = 'answer',
}) do
  vim.keymap.set(
    'n',
    '<Plug>(copydesk-' .. name .. ')',
    '<Cmd>Copydesk ' .. command .. '<CR>',
    { desc = 'Copydesk: ' .. command }
  )
end
for name, command in pairs({ ['accept-lines'] = 'accept', ['reject-hunks'] = 'reject' }) do
  vim.keymap.set(
    'x',
    '<Plug>(copydesk-' .. name .. ')',
    ':Copydesk ' .. command .. '<CR>',
    { desc = 'Copydesk: ' .. command .. ' the selected lines', silent = true }
  )
end

-- 0.11 and newer: vim.lsp.enable('copydesk'). 0.10 has no such function, so here it starts by itself.
if vim.fn.has('nvim-0.11') == 0 and (type(vim.g.copydesk) ~= 'table' or vim.g.copydesk.enable ~= false) then
  vim.api.nvim_create_autocmd('FileType', {
    group = vim.api.nvim_create_augroup('copydesk.start', {}),
    desc = 'Copydesk: start the server for files',
    callback = function(event)
      if vim.bo[event.buf].buftype == '' then
        require('copydesk.client').attach(event.buf)
      end
    end,
  })
end
