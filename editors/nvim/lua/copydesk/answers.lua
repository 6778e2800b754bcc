--- How a turn's answer reaches the person who is not looking at the view: one line, or the view beside the text.
--- Never more than a line of message: more would make Neovim ask for a key.
local M = {}

local ui = require('copydesk.ui')

local function options()
  return require('copydesk').options()
end

local function one_line(text)
  return vim.trim((text:gsub('%s+', ' ')))
end

-- How wide a message may be without asking for a key.
local function room()
  return vim.v.echospace - #'Copydesk: '
end

local function fits(text)
  return vim.fn.strdisplaywidth(text) <= room()
end

-- Shortened, with where the whole of it is.
local function shortened(line, where)
  return ui.cut(line, math.max(20, room() - #where - 3)) .. ' (' .. where .. ')'
end

local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }

--- `window/showMessage` of the server.
function M.message(params)
  ui.notify(params.message or '', LEVELS[params.type])
end

--- What waits of a turn: "2 hunks in a.py".
local function waiting(turn)
  local review = require('copydesk.review')
  local count, names = 0, {}
  for _, file in ipairs(review.of_turn(turn.id)) do
    count = count + #file.hunks
    table.insert(names, vim.fn.fnamemodify(file.path, ':t'))
  end
  if count == 0 then
    return nil
  end
  local where = table.concat(vim.list_slice(names, 1, 2), ', ')
    .. (#names > 2 and (' and %d more'):format(#names - 2) or '')
  return ('%d hunk%s in %s: :Copydesk review'):format(count, count == 1 and ' waits' or 's wait', where)
end

function M.started(turn)
  if options().view == 'always' then
    vim.schedule(function()
      require('copydesk.view').open({ focus = false })
    end)
  end
  return turn
end

-- The message, shortened until it fits with what waits behind it.
local function joined(said, invitation)
  if not invitation then
    return said
  end
  if said == '' then
    return invitation
  end
  said = said:gsub('[.!]?$', '')
  local both = said .. '. ' .. invitation
  if fits(both) then
    return both
  end
  return invitation
end

function M.ended(turn)
  local level = vim.log.levels.INFO
  local said = vim.trim(turn.message or '')
  if turn.stop_reason == 'cancelled' then
    said = 'cancelled; nothing more is done.'
  elseif turn.error then
    level = vim.log.levels.ERROR
    said = said:find(turn.error, 1, true) and said or vim.trim(turn.error .. '\n' .. said)
  elseif turn.stop_reason and turn.stop_reason ~= 'end_turn' then
    level = vim.log.levels.WARN
    said = ('stopped (%s). %s'):format(turn.stop_reason, said)
  end
  vim.schedule(function()
    M.show(turn, said, level)
  end)
end

function M.show(turn, said, level)
  local is_seen = package.loaded['copydesk.view'] and require('copydesk.view').is_visible()
  local invitation = turn.review == 'pending' and waiting(turn) or nil
  local line = one_line(said)
  local is_long = said:find('\n') ~= nil or not fits(line)
  if is_long and not is_seen and options().view ~= 'never' then
    require('copydesk.view').open({ focus = false, from_start = true })
    is_seen = true
  end
  if is_seen and level ~= vim.log.levels.ERROR then
    if invitation then
      ui.notify(invitation)
    end
    return
  end
  if is_long then
    line = shortened(line, ':Copydesk view')
  end
  if line ~= '' or invitation then
    ui.notify(joined(line, invitation), level)
  end
end

return M
