--- A turn's blocks as lines with colours. Pure: it knows no buffer and no window. Start with `block`.
local M = {}

local cut = require('copydesk.ui').cut

M.NOTHING = { 'Nothing was asked yet. :Copydesk ask …, or :Copydesk explain on some code.' }

local WIDTH = 76
local MAX_OUTPUT_LINES = 3
local MAX_HUNKS = 20
local MARKS = {
  pending = { '·', 'CopydeskRunning' },
  in_progress = { '…', 'CopydeskRunning' },
  completed = { '✓', 'CopydeskDone' },
  failed = { '✗', 'CopydeskFailed' },
}

local function first_line(text)
  return vim.trim((text or ''):match('[^\n]*') or '')
end

local function plain(text)
  return (tostring(text or ''):gsub('[%c]', ' '))
end

-- Collects lines; `put(text, group)` colours the whole line, `mark` a part of the last one.
local function page()
  local got = { lines = {}, highlights = {} }
  function got.put(text, group)
    table.insert(got.lines, plain(text))
    if group then
      table.insert(got.highlights, { line = #got.lines - 1, from = 0, group = group })
    end
  end
  function got.mark(group, from, to)
    table.insert(got.highlights, { line = #got.lines - 1, from = from, to = to, group = group })
  end
  return got
end

local function seconds(ms)
  local s = ms / 1000
  return s < 60 and ('%.1f s'):format(s) or ('%d min %d s'):format(math.floor(s / 60), math.floor(s % 60))
end

local function tokens(count)
  return count >= 10000 and ('%.0fk'):format(count / 1000)
    or count >= 1000 and ('%.1fk'):format(count / 1000)
    or tostring(count)
end

--- The model's name, as short as it is still known: of a script only the file.
function M.model(turn)
  return ((turn.model or ''):gsub('^scripted:.*/', 'scripted:'))
end

local draw = {}

function draw.title(turn, _, got)
  got.put('# ' .. turn.title:gsub('^Copydesk: ', ''), 'CopydeskTitle')
  local facts = {}
  for _, fact in ipairs({ M.model(turn), turn.mode or '', turn.id or '' }) do
    if fact ~= '' then
      table.insert(facts, fact)
    end
  end
  got.put(table.concat(facts, ' · '), 'CopydeskDim')
end

--- Of a command that runs the newest lines; of one that ended how it did, which its result begins with.
local function draw_output(block, got)
  local lines = vim.split(vim.trim(block.output), '\n')
  local from = block.status == 'in_progress' and math.max(1, #lines - MAX_OUTPUT_LINES + 1) or 1
  local to = block.status == 'in_progress' and #lines or 1
  for index = from, to do
    got.put('  ' .. cut(plain(lines[index]), WIDTH - 2), 'CopydeskDim')
  end
end

function draw.tool(_, block, got)
  local mark = MARKS[block.status] or MARKS.pending
  got.put(mark[1] .. ' ' .. cut(plain(block.title), WIDTH - 2))
  got.mark(mark[2], 0, #mark[1])
  if block.status == 'failed' and block.output then
    for index, line in ipairs(vim.split(vim.trim(block.output), '\n')) do
      if index > MAX_OUTPUT_LINES then
        break
      end
      got.put('  ' .. cut(plain(line), WIDTH - 2), 'CopydeskFailed')
    end
  elseif block.tool == 'execute' and block.output then
    draw_output(block, got)
  end
end

function draw.plan(_, block, got)
  got.put('Plan', 'CopydeskTitle')
  for _, entry in ipairs(block.entries) do
    local mark = ({ completed = '✓', in_progress = '▸' })[entry.status] or '·'
    got.put(('%s %s'):format(mark, plain(entry.content)))
    got.mark(entry.status == 'completed' and 'CopydeskDone' or 'CopydeskRunning', 0, #mark)
  end
end

local STATES = {
  pending = 'waits for your decision (r, or :Copydesk review)',
  applied = 'applied',
  partial = 'applied in part',
  deferred = 'left to the editor',
  unconfirmed = 'sent, but not seen in the text',
  refused = 'refused by the editor',
  draft = 'kept, not offered',
  discarded = 'discarded',
  none = 'nothing is changed',
}

local function hunk_line(hunk)
  local removed, added = 0, 0
  for _, line in ipairs(hunk.lines or {}) do
    removed = removed + (line.before ~= nil and line.before ~= vim.NIL and 1 or 0)
    added = added + (line.after ~= nil and line.after ~= vim.NIL and 1 or 0)
  end
  if hunk.kind ~= 'change' then
    return hunk.kind .. ' the file'
  end
  local text = first_line(hunk.after ~= '' and hunk.after or hunk.before)
  return ('%s%s  %s'):format(removed > 0 and ('−' .. removed) or '', added > 0 and ('+' .. added) or '', text)
end

function draw.review(_, block, got)
  got.put(
    'Review: ' .. (STATES[block.state] or block.state or ''),
    block.state == 'pending' and 'CopydeskWarning' or 'CopydeskDone'
  )
  block.places = {}
  local left = MAX_HUNKS
  for _, file in ipairs(block.pending) do
    for _, hunk in ipairs(file.hunks or {}) do
      if left == 0 then
        got.put('  …', 'CopydeskDim')
        return
      end
      left = left - 1
      local where = ('%s:%d'):format(file.path, hunk.range.start.line + 1)
      got.put(('  %s  %s'):format(where, cut(plain(hunk_line(hunk)), math.max(20, WIDTH - #where - 4))))
      got.mark('CopydeskLocation', 2, 2 + #where)
      block.places[#got.lines] = { uri = file.uri, line = hunk.range.start.line }
    end
  end
  for _, file in ipairs(block.files) do
    if file.state ~= 'pending' then
      local note = file.note and file.note ~= '' and (': ' .. file.note) or ''
      got.put(
        ('  %s  %s%s'):format(
          vim.fn.fnamemodify(vim.uri_to_fname(file.uri), ':~:.'),
          STATES[file.state] or file.state,
          plain(note)
        )
      )
      block.places[#got.lines] = { uri = file.uri }
    end
  end
end

local RUNS = {
  passed = { '✓', 'CopydeskDone' },
  known_failures = { '✓', 'CopydeskDone' },
  new_failures = { '✗', 'CopydeskFailed' },
}

-- What was run to check the edits: a line for each, and what fails anew.
function draw.evidence(_, block, got)
  got.put('Evidence', 'CopydeskTitle')
  for _, run in ipairs(block.entries) do
    local shown = RUNS[run.state] or { '·', 'CopydeskDim' }
    got.put(('%s %s'):format(shown[1], cut(plain((run.text or ''):gsub('`', '')), WIDTH - 2)))
    got.mark(run.stale and 'CopydeskDim' or shown[2], 0, #shown[1])
    for number = 1, math.min(#(run.failures or {}), 5) do
      got.put('  ' .. cut(plain(run.failures[number]), WIDTH - 2), 'CopydeskFailed')
    end
  end
end

function draw.notice(_, block, got)
  local groups = { error = 'CopydeskFailed', warning = 'CopydeskWarning' }
  for _, line in ipairs(vim.split(vim.trim(block.text), '\n')) do
    got.put('! ' .. line, groups[block.level] or 'CopydeskDim')
  end
end

function draw.left_out(_, block, got)
  got.put(('… (%d earlier lines of this turn are left out)'):format(block.count), 'CopydeskDim')
end

local ENDS = {
  end_turn = { 'done', 'CopydeskDone' },
  cancelled = { 'cancelled', 'CopydeskWarning' },
  error = { 'failed', 'CopydeskFailed' },
  max_steps = { 'stopped: step limit reached', 'CopydeskWarning' },
  max_tokens = { 'stopped: the answer is too long for the model', 'CopydeskWarning' },
  refusal = { 'the model refused', 'CopydeskWarning' },
}

-- The turn's own, as the server says it: $0.0042 below a cent, $0.042 below ten.
local function cost_of(usage)
  local cost = usage and usage.cost
  local usd = type(cost) == 'table' and tonumber(cost.amount) or 0
  if usd <= 0 then
    return nil
  end
  if usd < 0.0001 then
    return '< $0.0001'
  end
  return (usd < 0.00995 and '$%.4f' or usd < 0.0995 and '$%.3f' or '$%.2f'):format(usd)
end

draw['end'] = function(turn, _, got)
  local how = ENDS[turn.stop_reason] or { turn.stop_reason or 'ended', 'CopydeskDim' }
  if turn.error then
    for _, line in ipairs(vim.split(vim.trim(turn.error), '\n')) do
      got.put('✗ ' .. line, 'CopydeskFailed')
    end
  end
  local facts = { '— ' .. how[1] }
  if turn.step then
    table.insert(facts, ('%d step%s'):format(turn.step, turn.step == 1 and '' or 's'))
  end
  local usage = turn.usage
  if usage and (usage.totalTokens or 0) > 0 then
    local share = tonumber(usage.cachedShare) or 0
    local cached = share > 0 and (' (%.0f %% from cache)'):format(math.max(1, 100 * share)) or ''
    local in_words, out_words = tokens(usage.inputTokens or 0), tokens(usage.outputTokens or 0)
    table.insert(facts, ('%s in%s, %s out'):format(in_words, cached, out_words))
  end
  local cost = cost_of(usage)
  if cost then
    table.insert(facts, cost)
  end
  table.insert(facts, seconds((turn.ended_ms or turn.started_ms) - turn.started_ms))
  got.put(table.concat(facts, ' · '), how[2])
  got.put('')
end

-- Text that others wrote stands as it is; only what was asked and thought is set apart.
local PREFIX = { user = '> ', thought = '  ' }
local GROUP = { user = 'CopydeskUser', thought = 'CopydeskDim' }

local function text(block, keep, got)
  for index = keep + 1, #block.lines do
    local is_gap = block.gap and index == 1
    got.put((not is_gap and PREFIX[block.kind] or '') .. block.lines[index], GROUP[block.kind])
  end
end

--- The lines of a block; of a text only those after the first `keep`.
---@return { lines: string[], highlights: table[] }
function M.block(turn, block, keep)
  local got = page()
  if block.lines then
    text(block, keep, got)
  else
    if block.gap then
      got.put('')
    end
    draw[block.kind](turn, block, got)
  end
  return got
end

--- The place that a line of a block names: { uri, line }.
function M.location(_, block, line)
  if block.places then
    return block.places[line]
  end
  local first = block.locations and block.locations[1]
  return first and first.uri and { uri = first.uri, line = first.line }
end

return M
