--- `copydesk/editor/codeIntel`: what the other language servers of this editor know, for Copydesk.
--- Owns the asking and the change of position encodings between clients. Start with `answer`.
local M = {}

local encoding = require('copydesk.encoding')

local LIMIT_MS = 1800 -- Copydesk waits 2 s
local METHODS = {
  definition = 'textDocument/definition',
  references = 'textDocument/references',
  hover = 'textDocument/hover',
  symbols = 'textDocument/documentSymbol',
}
local NAME = 'copydesk'

local function client_module()
  return require('copydesk.client')
end

local function others(bufnr, method)
  local client = client_module()
  return vim.tbl_filter(function(each)
    return each.name ~= NAME and each.initialized and client.supports(each, method, bufnr)
  end, vim.lsp.get_clients(bufnr and { bufnr = bufnr } or {}))
end

-- --- encodings --------------------------------------------------------------------------------------------------

-- A converter from the client's encoding to ours, which reads each file once.
local function converter(from, to)
  local files = {}
  local function line_at(uri)
    files[uri] = files[uri] or encoding.lines_of(uri)
    return files[uri]
  end
  return function(uri, range)
    return range and (from == to and range or encoding.range(range, from, to, line_at(uri)))
  end
end

local function location(item, convert)
  if item.targetUri then
    local range = item.targetSelectionRange or item.targetRange
    return { uri = item.targetUri, range = convert(item.targetUri, range) }
  end
  return { uri = item.uri, range = convert(item.uri, item.range) }
end

local function is_list(value)
  return type(value) == 'table' and (value[1] ~= nil or next(value) == nil)
end

local function locations(result, convert)
  local found = {}
  for _, item in ipairs(is_list(result) and result or { result }) do
    table.insert(found, location(item, convert))
  end
  return found
end

local function symbol(item, uri, convert)
  local copy = vim.tbl_extend('force', {}, item)
  if item.location then
    copy.location = { uri = item.location.uri, range = convert(item.location.uri, item.location.range) }
    return copy
  end
  copy.range = convert(uri, item.range)
  copy.selectionRange = convert(uri, item.selectionRange)
  if item.children then
    copy.children = vim.tbl_map(function(child)
      return symbol(child, uri, convert)
    end, item.children)
  end
  return copy
end

local CONVERT = {
  definition = locations,
  references = locations,
  hover = function(result, convert, uri)
    return vim.tbl_extend('force', result, { range = result.range and convert(uri, result.range) })
  end,
  symbols = function(result, convert, uri)
    return vim.tbl_map(function(item)
      return symbol(item, uri, convert)
    end, result)
  end,
}

-- --- diagnostics ------------------------------------------------------------------------------------------------

local function diagnostics_of(buf, to)
  local found = {}
  for _, item in ipairs(vim.diagnostic.get(buf)) do
    if item.source ~= NAME then
      table.insert(
        found,
        encoding.diagnostic(item, to, function(row)
          return vim.api.nvim_buf_get_lines(buf, row, row + 1, false)[1]
        end)
      )
    end
  end
  return found
end

local function diagnostics(uri, to)
  local found = {}
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    local is_wanted = vim.api.nvim_buf_is_loaded(buf)
      and vim.bo[buf].buftype == ''
      and vim.api.nvim_buf_get_name(buf) ~= ''
    if is_wanted and (not uri or vim.uri_from_bufnr(buf) == uri) then
      local items = diagnostics_of(buf, to)
      if #items > 0 or uri then
        table.insert(found, { uri = vim.uri_from_bufnr(buf), diagnostics = items })
      end
    end
  end
  return found
end

-- --- asking -----------------------------------------------------------------------------------------------------

-- Asks every client and calls `use(answers)` when all have answered, or the time is over. Each answer is in our
-- encoding already.
local function gather(clients, method, params_for, converted, use)
  local answers, left, is_over = {}, #clients, false
  local function finish()
    if not is_over then
      is_over = true
      use(answers)
    end
  end
  if left == 0 then
    return finish()
  end
  for index, each in ipairs(clients) do
    client_module().request(each, method, params_for(each), function(err, result)
      if not err and result ~= nil and result ~= vim.NIL then
        answers[index] = converted(result, each)
      end
      left = left - 1
      if left == 0 then
        finish()
      end
    end)
  end
  vim.defer_fn(finish, LIMIT_MS)
end

-- Lists are joined, in the order of the clients; of hovers the first one counts.
local function joined(action, answers, count)
  local found = {}
  for index = 1, count do
    local answer = answers[index]
    if answer and action == 'hover' then
      return answer
    end
    vim.list_extend(found, answer or {})
  end
  return #found > 0 and found or vim.NIL
end

local function ask(params, to, use)
  local action = params.action
  if action == 'symbols' and params.query then
    local clients = others(nil, 'workspace/symbol')
    return gather(clients, 'workspace/symbol', function()
      return { query = params.query }
    end, function(result, each)
      return CONVERT.symbols(result, converter(each.offset_encoding, to))
    end, function(answers)
      use(joined(action, answers, #clients))
    end)
  end
  local buf = require('copydesk.ui').buffer_of(params.uri)
  local method = METHODS[action]
  local clients = buf and others(buf, method) or {}
  gather(clients, method, function(each)
    local position = params.position
      and encoding.position(params.position, to, each.offset_encoding, encoding.lines_of(params.uri))
    return {
      textDocument = { uri = params.uri },
      position = position,
      context = action == 'references' and { includeDeclaration = true } or nil,
    }
  end, function(result, each)
    return CONVERT[action](result, converter(each.offset_encoding, to), params.uri)
  end, function(answers)
    use(joined(action, answers, #clients))
  end)
end

--- The handler of the request; runs in a coroutine, as every handler of a server's request does.
function M.answer(params, client_id)
  local server = vim.lsp.get_client_by_id(client_id)
  local to = server and server.offset_encoding or 'utf-16'
  if params.action == 'diagnostics' then
    return diagnostics(params.uri, to)
  end
  if not METHODS[params.action] then
    local message = ('copydesk/editor/codeIntel has no action %q.'):format(tostring(params.action))
    return nil, vim.lsp.rpc_response_error(vim.lsp.protocol.ErrorCodes.InvalidParams, message)
  end
  local routine = coroutine.running()
  local result, is_waiting
  ask(params, to, function(found)
    result = found
    if is_waiting then
      coroutine.resume(routine, found)
    end
  end)
  if result ~= nil then
    return result
  end
  is_waiting = true
  return coroutine.yield()
end

return M
