--- What the server has told of its turns, as blocks that a view can draw. Knows no window. Start with `update`.
--- Bounded: the newest turns, and of each so much text and so many blocks.
local M = {}

local MAX_TURNS = 20
local MAX_BLOCKS = 400
local MAX_LINES = 5000 -- of one answer
local MAX_LOG = 500
local SHORT = 48

---@class copydesk.Block
---@field kind string
---@field lines? string[] of text, which grows at its end
---@field changed_from integer the first line that a view has not drawn (1-based)

---@class copydesk.Turn
---@field id string
---@field session string
---@field title string
---@field blocks copydesk.Block[]
---@field tools table<string, copydesk.Block>

---@type table<string, copydesk.Turn>
M.turns = {}
---@type string[] ids, the oldest first
M.order = {}
---@type table[] what the server wrote to the log: { type, text, at }
M.messages = {}
--- Called with (turn, block) when a block has changed, (turn, nil) when only what stands around has; (nil) for all.
M.listeners = {}
--- Questions that wait, kept by copydesk.questions; here for the status line.
M.n_questions = 0
M.n_pending = 0

local function tell(turn, block)
  for _, listener in ipairs(M.listeners) do
    listener(turn, block)
  end
end

local function changed_around()
  vim.api.nvim_exec_autocmds('User', { pattern = 'CopydeskUpdate', modeline = false })
  vim.schedule(function()
    vim.cmd.redrawstatus()
  end)
end
M.changed_around = changed_around

local function new_turn(id, session)
  local turn = {
    id = id,
    session = session,
    title = 'Copydesk',
    blocks = {},
    tools = {},
    started_ms = vim.uv.now(),
    is_running = true,
  }
  M.turns[id] = turn
  table.insert(M.order, id)
  while #M.order > MAX_TURNS do
    M.turns[table.remove(M.order, 1)] = nil
    tell(nil)
  end
  return turn
end

local function add(turn, block)
  local last = turn.blocks[#turn.blocks]
  block.changed_from = 1
  block.gap = last ~= nil and last.kind ~= block.kind -- a blank line between what is of different kinds
  if block.lines and block.gap then
    table.insert(block.lines, 1, '')
  end
  if #turn.blocks >= MAX_BLOCKS then
    local first = turn.blocks[1]
    if first.kind == 'left_out' then
      table.remove(turn.blocks, 2)
      first.count = first.count + 1
    else
      turn.blocks[1] = { kind = 'left_out', count = 1, changed_from = 1 }
    end
    tell(nil)
  end
  table.insert(turn.blocks, block)
  tell(turn, block)
  return block
end

local function last_of(turn, kind)
  local last = turn.blocks[#turn.blocks]
  return last and last.kind == kind and last or nil
end

-- Text goes on in the block it began in; only its last line is drawn again.
local function add_text(turn, kind, text)
  local block = last_of(turn, kind) or add(turn, { kind = kind, lines = { '' } })
  local lines = block.lines
  block.changed_from = math.min(block.changed_from, #lines)
  local pieces = vim.split(text:gsub('\r', ''), '\n', { plain = true })
  lines[#lines] = lines[#lines] .. pieces[1]
  for i = 2, #pieces do
    lines[#lines + 1] = pieces[i]
  end
  if #lines > MAX_LINES then
    local kept = vim.list_slice(lines, #lines - MAX_LINES / 2)
    kept[1] = ('… (%d lines are left out)'):format((block.left_out or 0) + #lines - #kept)
    block.left_out = (block.left_out or 0) + #lines - #kept
    block.lines = kept
    block.changed_from = 1
  end
  tell(turn, block)
end

local function text_of(content)
  if type(content) ~= 'table' then
    return ''
  end
  if content.type == 'text' or content.text then
    return content.text or ''
  end
  local parts = {}
  for _, each in ipairs(content) do
    table.insert(parts, text_of(each.content or each))
  end
  return table.concat(parts, '\n')
end

local apply = {}

function apply.turn_started(turn, u)
  turn.verb, turn.title, turn.model, turn.mode = u.verb, u.title or turn.title, u.model, u.mode
  add(turn, { kind = 'title' })
  require('copydesk.answers').started(turn)
end

function apply.model_chosen(turn, u)
  turn.model = u.model
  if turn.blocks[1] then
    turn.blocks[1].changed_from = 1
    tell(turn, turn.blocks[1])
  end
end

function apply.step_started(turn, u)
  turn.step, turn.max_steps, turn.doing = u.step, u.maxSteps, nil
end

function apply.user_message_chunk(turn, u)
  add_text(turn, 'user', text_of(u.content))
end

function apply.agent_message_chunk(turn, u)
  add_text(turn, 'text', text_of(u.content))
end

function apply.agent_thought_chunk(turn, u)
  add_text(turn, 'thought', text_of(u.content))
end

function apply.tool_call(turn, u)
  turn.doing = u.title
  turn.tools[u.toolCallId] = add(turn, {
    kind = 'tool',
    title = u.title or u.toolCallId,
    tool = u.kind,
    status = u.status or 'pending',
    locations = u.locations or {},
  })
end

function apply.tool_call_update(turn, u)
  local block = turn.tools[u.toolCallId]
  if not block then
    return
  end
  block.status = u.status or block.status
  block.title = u.title or block.title
  block.locations = u.locations or block.locations
  if u.content then
    block.output = text_of(u.content)
  end
  block.changed_from = 1
  if (block.status == 'completed' or block.status == 'failed') and turn.doing == block.title then
    turn.doing = nil
  end
  tell(turn, block)
end

local function replace_or_add(turn, kind, fields)
  for _, block in ipairs(turn.blocks) do
    if block.kind == kind then
      for name, value in pairs(fields) do
        block[name] = value
      end
      block.changed_from = 1
      tell(turn, block)
      return block
    end
  end
  return add(turn, vim.tbl_extend('force', { kind = kind }, fields))
end

function apply.plan(turn, u)
  replace_or_add(turn, 'plan', { entries = u.entries or {} })
end

function apply.evidence(turn, u)
  replace_or_add(turn, 'evidence', { entries = u.runs or {} })
end

function apply.usage_update(turn, u)
  turn.usage = u.total or u.usage
  turn.window = u.used and { used = u.used, size = u.size }
end

function apply.review(turn, u)
  turn.review = u.state
  if u.hunksPending then
    require('copydesk.review').turn_pending(turn.id, u.hunksPending)
  end
  if u.state == 'none' and not u.hunksPending then
    return
  end
  replace_or_add(turn, 'review', { state = u.state, files = u.files or {}, pending = u.hunksPending or {} })
end

function apply.retried(turn, u)
  add(
    turn,
    { kind = 'notice', level = 'warning', text = ('Tried again (%s): %s'):format(u.attempt or '?', u.why or '') }
  )
end

function apply.notice(turn, u)
  add(turn, { kind = 'notice', level = u.level or 'info', text = u.text or '' })
end

function apply.compaction(turn, u)
  add(turn, { kind = 'notice', level = 'info', text = u.text or 'The conversation was shortened, to fit the model.' })
end

-- Most are answered by the server's own rules at once; only what a person is asked, or what was refused, is shown.
function apply.permission(turn, u)
  local request = u.request or {}
  local key = 'permission ' .. tostring(request.id)
  local questions = require('copydesk.questions')
  if u.state == 'asked' then
    turn.tools[key] = { title = request.command ~= '' and request.command or request.title or 'something' }
    questions.permission(turn, request)
    return
  end
  questions.permission_answered(request.id)
  local asked = turn.tools[key] or { title = 'a tool' }
  if u.state == 'rejected' then
    local reason = u.reason and u.reason ~= '' and (': ' .. u.reason) or ''
    add(turn, { kind = 'notice', level = 'warning', text = ('not allowed: %s%s'):format(asked.title, reason) })
  elseif u.option == 'allow_always' or u.option == 'allow_session' then
    local how = u.option == 'allow_always' and 'always' or 'for this session'
    add(turn, { kind = 'notice', level = 'info', text = ('allowed %s: %s'):format(how, asked.title) })
  end
end

function apply.turn_ended(turn, u)
  turn.is_running, turn.doing = false, nil
  turn.stop_reason, turn.error, turn.ended_ms = u.stopReason, u.error, vim.uv.now()
  turn.usage = u.usage or turn.usage
  turn.review = u.review or turn.review
  turn.message = u.message or ''
  add(turn, { kind = 'end' })
  require('copydesk.answers').ended(turn)
end

--- Takes one `copydesk/session/update`. What is not known is ignored: newer servers say more.
function M.update(params)
  local u = params.update or {}
  local turn = M.turns[params.turn]
  if not turn and params.turn and params.turn ~= '' then
    turn = new_turn(params.turn, params.session)
  end
  local take = turn and apply[u.sessionUpdate]
  if not take then
    return
  end
  take(turn, u)
  if u.sessionUpdate:sub(-6) ~= '_chunk' then
    tell(turn, nil)
    changed_around()
  end
end

function M.log(params)
  table.insert(M.messages, { type = params.type, text = params.message, at = os.time() })
  if #M.messages > MAX_LOG then
    table.remove(M.messages, 1)
  end
end

--- Turns that ran when the server ended will not go on.
function M.server_ended()
  for _, id in ipairs(M.order) do
    local turn = M.turns[id]
    if turn.is_running then
      turn.is_running, turn.stop_reason, turn.error, turn.ended_ms = false, 'error', 'the server ended', vim.uv.now()
      add(turn, { kind = 'end' })
    end
  end
  M.n_pending, M.n_questions = 0, 0
  changed_around()
end

---@return copydesk.Turn[] the newest last
function M.running()
  local found = {}
  for _, id in ipairs(M.order) do
    if M.turns[id].is_running then
      table.insert(found, M.turns[id])
    end
  end
  return found
end

---@return copydesk.Turn|nil
function M.newest()
  return M.turns[M.order[#M.order]]
end

--- The state in a few words.
function M.short(client)
  if not client then
    return ''
  end
  if not client.initialized then
    return 'Copydesk starts'
  end
  if M.n_questions > 0 then
    return 'Copydesk asks you'
  end
  local running = M.running()
  local turn = running[#running]
  if turn then
    local step = turn.step and (' %d/%d'):format(turn.step, turn.max_steps or 0) or ''
    local more = #running > 1 and (' (+%d)'):format(#running - 1) or ''
    local doing = turn.doing or turn.title:gsub('^Copydesk: ', '')
    return require('copydesk.ui').cut(('Copydesk%s %s'):format(step, doing), SHORT) .. more
  end
  if M.n_pending > 0 then
    return ('Copydesk %d hunk%s'):format(M.n_pending, M.n_pending == 1 and ' waits' or 's wait')
  end
  return 'Copydesk'
end

return M
