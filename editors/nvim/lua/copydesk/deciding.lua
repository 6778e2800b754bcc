--- Accepting and rejecting: which hunks or lines a person means, and sending that. Start with `decide`.
local M = {}

local client = require('copydesk.client')
local review = require('copydesk.review')
local ui = require('copydesk.ui')

local function marks()
  return require('copydesk.marks')
end

local function decided(verb, result)
  review.refresh(nil, 0)
  if result and result.pending and #result.pending == 0 and result.settled then
    ui.notify(verb == 'accept' and 'Accepted; nothing waits any more.' or 'Rejected; nothing waits any more.')
  elseif verb and require('copydesk').options().advance then
    vim.defer_fn(function()
      review.jump(1)
    end, 200)
  end
end

local function send(verb, argument)
  client.execute('copydesk.review.' .. verb, argument, function(result)
    decided(verb, result)
  end)
end

-- Each hunk with the numbers of its lines that are chosen (nil: the whole of it), one after the other.
local function send_each(verb, chosen, reason)
  local function next_one(index)
    local each = chosen[index]
    if not each then
      return
    end
    local argument =
      { hunk = each.hunk.hunk, lines = each.lines, of = each.lines and #each.hunk.lines, reason = reason }
    client.execute('copydesk.review.' .. verb, argument, function(result)
      if index == #chosen then
        decided(verb, result)
      else
        next_one(index + 1)
      end
    end)
  end
  next_one(1)
end

local function text_of(line)
  return (line.after ~= nil and line.after ~= vim.NIL) and ('+ ' .. line.after) or ('- ' .. tostring(line.before))
end

-- Of a hunk, the lines that stand on these (counted from 0). A pure addition stands where it would be inserted.
local function lines_on(hunk, first, last)
  local shift = marks().place(vim.api.nvim_get_current_buf(), hunk) - hunk.range.start.line
  return vim.tbl_filter(function(line)
    local row = line.line + shift
    return row >= first and row <= last
  end, hunk.lines)
end

local function numbers(lines)
  return vim.tbl_map(function(line)
    return line.number
  end, lines)
end

--- One line of the hunk at the cursor: asks which where it is not clear.
function M.decide_line(verb)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local hunk = review.at(row, row)[1]
  if not hunk then
    return review.nothing_here()
  end
  if hunk.kind ~= 'change' or #hunk.lines <= 1 then
    return send_each(verb, { { hunk = hunk } })
  end
  local here = vim.b.copydesk_proposed and {} or lines_on(hunk, row, row)
  if #here == 1 then
    return send_each(verb, { { hunk = hunk, lines = numbers(here) } })
  end
  vim.ui.select(#here > 0 and here or hunk.lines, { prompt = 'Which line?', format_item = text_of }, function(line)
    if line then
      send_each(verb, { { hunk = hunk, lines = { line.number } } })
    end
  end)
end

--- The selected lines (counted from 0): hunks that lie within are decided whole, of others those lines.
function M.decide_lines(verb, first, last, reason)
  local chosen = {}
  for _, hunk in ipairs(review.at(first, last)) do
    local from, to = marks().place(vim.api.nvim_get_current_buf(), hunk)
    local is_within = hunk.kind ~= 'change' or (first <= from and to - 1 <= last)
    is_within = is_within or vim.b.copydesk_proposed
    local lines = not is_within and lines_on(hunk, first, last) or nil
    if not lines or #lines > 0 then
      table.insert(chosen, { hunk = hunk, lines = lines and numbers(lines) })
    end
  end
  if #chosen == 0 then
    return review.nothing_here()
  end
  send_each(verb, chosen, reason)
end

--- The hunk at the cursor; asks which where there are several.
function M.decide_hunk(verb, reason)
  local row = vim.api.nvim_win_get_cursor(0)[1] - 1
  local here = review.at(row, row)
  if #here <= 1 then
    if #here == 0 then
      return review.nothing_here()
    end
    return send(verb, { hunk = here[1].hunk, reason = reason })
  end
  local function name(hunk)
    local line = hunk.lines[1]
    return ('line %d: %s'):format(hunk.range.start.line + 1, line and text_of(line) or hunk.kind)
  end
  vim.ui.select(here, { prompt = 'Which hunk?', format_item = name }, function(hunk)
    if hunk then
      send(verb, { hunk = hunk.hunk, reason = reason })
    end
  end)
end

--- `scope`: hunk, line, file, turn or all.
---@param verb 'accept'|'reject'
function M.decide(verb, scope, reason)
  if scope == 'line' then
    return M.decide_line(verb)
  elseif scope == 'file' then
    return send(verb, { uri = review.uri_here(), reason = reason })
  elseif scope == 'turn' then
    return send(verb, { reason = reason })
  elseif scope == 'all' then
    return send(verb, { all = true, reason = reason })
  end
  return M.decide_hunk(verb, reason)
end

return M
