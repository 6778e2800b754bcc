--- A file beside what it would be: Neovim's own diff, in a tab of its own. Start with `open`.
--- The proposed text is the server's document (copydesk.documents) where it serves one, else the hunks put into the
--- text as it is.
local M = {}

local ui = require('copydesk.ui')

local shown ---@type { buf: integer, uri: string, source: integer }|nil

local function split(text)
  return text == '' and {} or ui.lines((text:gsub('\n$', '')))
end

-- The text with every hunk that can be accepted; from the last to the first, so that lines keep their numbers.
local function assembled(uri, source)
  local review, marks = require('copydesk.review'), require('copydesk.marks')
  local lines = vim.api.nvim_buf_get_lines(source, 0, -1, false)
  local hunks = review.hunks(uri)
  for index = #hunks, 1, -1 do
    local hunk = hunks[index]
    if hunk.kind == 'change' and not hunk.held then
      local from, to = marks.place(source, hunk)
      local after = vim.list_slice(lines, 1, from)
      vim.list_extend(after, split(hunk.after))
      lines = vim.list_extend(after, vim.list_slice(lines, to + 1))
    end
  end
  return lines
end

local function served(uri)
  for _, file in ipairs(require('copydesk.review').files()) do
    if file.uri == uri and file.proposed and file.proposed ~= vim.NIL then
      return file.proposed
    end
  end
end

local function fill(buf, lines)
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
end

local function scratch(name, filetype, uri)
  local buf = vim.api.nvim_create_buf(false, true)
  pcall(vim.api.nvim_buf_set_name, buf, name)
  vim.bo[buf].bufhidden = 'wipe'
  vim.b[buf].copydesk_uri = uri
  -- Colours only: no other plug-in is to take it for the file.
  local language = vim.treesitter.language.get_lang(filetype)
  if not (language and pcall(vim.treesitter.start, buf, language)) then
    vim.bo[buf].syntax = filetype
  end
  return buf
end

-- The buffer with the proposed text. The server's own document follows by itself; ours is filled by `update`.
local function proposed(uri, source)
  local document = served(uri)
  if document then
    local buf = require('copydesk.documents').open(document)
    vim.b[buf].copydesk_uri, vim.b[buf].copydesk_proposed = uri, true
    vim.bo[buf].bufhidden = 'wipe'
    return buf, true
  end
  local name = 'copydesk://proposed/' .. vim.fn.fnamemodify(vim.uri_to_fname(uri), ':t')
  local buf = scratch(name, vim.bo[source].filetype, uri)
  fill(buf, assembled(uri, source))
  return buf, false
end

local function close()
  if vim.fn.tabpagenr('$') > 1 then
    vim.cmd('tabclose')
  else
    vim.cmd('diffoff!')
    vim.cmd('only')
  end
end

--- Opens the diff of the file in this window; with no hunk in it, of the first file that has one.
function M.open()
  local review = require('copydesk.review')
  local uri = vim.b.copydesk_uri or vim.uri_from_bufnr(0)
  if #review.hunks(uri) == 0 then
    local file = review.files()[1]
    if not file then
      ui.notify('Nothing waits for a decision.')
      return
    end
    uri = file.uri
  end
  for _, hunk in ipairs(review.hunks(uri)) do
    if hunk.kind == 'create' then
      return M.preview({ uri = uri, path = vim.uri_to_fname(uri) }, hunk)
    end
  end
  local cursor = vim.api.nvim_win_get_cursor(0)
  vim.cmd('tab split')
  if vim.uri_from_bufnr(0) ~= uri then
    ui.go_to(uri)
    cursor = { 1, 0 }
  end
  local source = vim.api.nvim_get_current_buf()
  local buf, follows = proposed(uri, source)
  shown = { buf = buf, uri = uri, source = source, follows = follows }
  vim.cmd('rightbelow vertical split')
  vim.api.nvim_win_set_buf(0, buf)
  vim.cmd('diffthis')
  vim.keymap.set('n', 'q', close, { buffer = buf, nowait = true, desc = 'Copydesk: close the diff' })
  vim.wo.winbar = '%#CopydeskTitle# Copydesk proposes %#CopydeskDim# q closes'
  vim.cmd('wincmd p')
  vim.cmd('diffthis')
  vim.wo.winbar = '%#CopydeskTitle# '
    .. vim.fn.expand('%:t'):gsub('%%', '%%%%')
    .. ' %#CopydeskDim# :Copydesk accept · reject'
  pcall(vim.api.nvim_win_set_cursor, 0, cursor)
  require('copydesk.marks').hide(source, uri, true)
  vim.api.nvim_create_autocmd('BufWipeout', {
    buffer = buf,
    once = true,
    callback = function()
      shown = nil
      vim.schedule(function()
        if vim.api.nvim_buf_is_valid(source) then
          require('copydesk.marks').hide(source, uri, false)
        end
      end)
    end,
  })
end

--- After a decision, and after typing: the proposed side is what would be now.
function M.update()
  if not shown or not vim.api.nvim_buf_is_valid(shown.buf) then
    shown = nil
  elseif not shown.follows then
    fill(shown.buf, assembled(shown.uri, shown.source))
    vim.cmd('diffupdate')
  end
end

--- A file that would be made, as it would be. Deciding works here as in any file.
function M.preview(file, hunk)
  ui.highlights()
  local filetype = vim.filetype.match({ filename = vim.uri_to_fname(file.uri) }) or ''
  local buf = scratch('copydesk://new/' .. file.path, filetype, file.uri)
  vim.b[buf].copydesk_hunk = hunk.hunk
  fill(buf, split(hunk.after))
  vim.cmd('botright split')
  vim.api.nvim_win_set_buf(0, buf)
  vim.wo.winbar = '%#CopydeskTitle# Copydesk would make '
    .. file.path:gsub('%%', '%%%%')
    .. ' %#CopydeskDim# :Copydesk accept · reject · q closes'
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = buf, nowait = true, desc = 'Copydesk: close the preview' })
end

return M
