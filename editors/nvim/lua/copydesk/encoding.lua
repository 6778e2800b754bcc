--- Positions in the units of a client (utf-8, utf-16 or utf-32) and in bytes. Pure.
local M = {}

local has_011 = vim.fn.has('nvim-0.11') == 1

--- How many units the first `bytes` bytes of a line are.
function M.units(line, bytes, encoding)
  bytes = math.min(bytes, #line)
  if encoding == 'utf-8' then
    return bytes
  end
  if has_011 then
    return vim.str_utfindex(line, encoding, bytes, false)
  end
  local utf32, utf16 = vim.str_utfindex(line, bytes)
  return encoding == 'utf-32' and utf32 or utf16
end

--- How many bytes the first `units` units of a line are.
function M.bytes(line, units, encoding)
  if encoding == 'utf-8' then
    return math.min(units, #line)
  end
  if has_011 then
    return vim.str_byteindex(line, encoding, units, false)
  end
  local utf32, utf16 = vim.str_utfindex(line)
  if units >= (encoding == 'utf-32' and utf32 or utf16) then
    return #line
  end
  return vim.str_byteindex(line, units, encoding ~= 'utf-32')
end

--- A position of one encoding in another; `line_at(row)` gives the text of a line.
function M.position(position, from, to, line_at)
  if from == to then
    return position
  end
  local line = line_at(position.line) or ''
  return { line = position.line, character = M.units(line, M.bytes(line, position.character, from), to) }
end

function M.range(range, from, to, line_at)
  return { start = M.position(range.start, from, to, line_at), ['end'] = M.position(range['end'], from, to, line_at) }
end

--- One of Neovim's diagnostics as LSP has it; `line_at(row)` gives the text of a line.
function M.diagnostic(item, encoding, line_at)
  local function at(row, column)
    return { line = row, character = M.units(line_at(row) or '', column, encoding) }
  end
  return {
    range = { start = at(item.lnum, item.col), ['end'] = at(item.end_lnum or item.lnum, item.end_col or item.col) },
    severity = item.severity,
    source = item.source,
    code = item.code,
    message = item.message,
  }
end

--- The lines of a file, from its buffer where one is loaded, else from the disk. Counted from 0.
---@return fun(row: integer): string?
function M.lines_of(uri)
  local lines
  return function(row)
    if not lines then
      local buf = require('copydesk.ui').buffer_of(uri)
      if buf then
        lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
      else
        local path = vim.uri_to_fname(uri)
        lines = vim.uv.fs_stat(path) and vim.fn.readfile(path) or {}
      end
    end
    return lines[row + 1]
  end
end

return M
