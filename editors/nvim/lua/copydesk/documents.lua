--- The server's documents, `copydesk:/…`: answers, diffs and proposed texts. Owns their buffers: read-only, no file,
--- and attached, so that the code actions of a diff are there. Start with `start`.
local M = {}

local LIMIT_MS = 3000
local METHOD = 'workspace/textDocumentContent'

local function fill(buf, text)
  local lines = require('copydesk.ui').lines((text:gsub('\n$', '')))
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].modified = false
end

local function fetch(uri, use)
  local client = require('copydesk.client')
  local server = client.get()
  if not server or not server.initialized then
    return use(nil, 'No server runs; :Copydesk start starts it.')
  end
  client.request(server, METHOD, { uri = uri }, function(err, result)
    use(result and result.text, err and err.message)
  end)
end

-- Neovim wants the text before it goes on.
local function read(event)
  local buf, uri = event.buf, event.match
  local text, problem
  fetch(uri, function(found, why)
    text, problem = found, why or 'it is empty'
  end)
  vim.wait(LIMIT_MS, function()
    return text ~= nil or problem ~= nil
  end, 10)
  vim.bo[buf].buftype = 'nofile'
  vim.bo[buf].swapfile = false
  vim.bo[buf].bufhidden = 'hide'
  fill(buf, text or ('Copydesk: this document cannot be shown: %s'):format(problem or 'the server did not answer'))
  vim.bo[buf].filetype = vim.filetype.match({ filename = uri }) or ''
  local server = require('copydesk.client').get()
  if server then
    vim.lsp.buf_attach_client(buf, server.id)
  end
end

--- The handler of `workspace/textDocumentContent/refresh`.
function M.refresh(params)
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) and vim.api.nvim_buf_get_name(buf) == params.uri then
      fetch(params.uri, function(text)
        if text and vim.api.nvim_buf_is_valid(buf) then
          fill(buf, text)
          vim.cmd('diffupdate')
        end
      end)
    end
  end
  return vim.NIL
end

function M.start()
  vim.api.nvim_create_autocmd('BufReadCmd', {
    group = vim.api.nvim_create_augroup('copydesk.documents', {}),
    pattern = 'copydesk:/*',
    callback = read,
  })
end

--- The buffer of a document, loaded.
---@return integer
function M.open(uri)
  local buf = vim.fn.bufadd(uri)
  vim.fn.bufload(buf)
  return buf
end

return M
