"""The Neovim plug-in beside the story: commands, the turn view, questions, code intelligence, health, what it costs."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.editors import story
from tests.editors.nvim import VERSIONS, Neovim, neovim, nvim_or_skip

pytestmark = pytest.mark.slow
Begin = Callable[..., AbstractContextManager[Neovim]]

VIEW = "return vim.api.nvim_buf_get_lines(vim.fn.bufnr('copydesk://view'), 0, -1, false)"
# Two servers of this editor's own, in Lua: `other` counts in UTF-8, and knows a definition, a hover and symbols.
FAKE = """
    local function fake(dispatchers)
        local id, closing = 0, false
        local answers = {
            initialize = { capabilities = { positionEncoding = 'utf-8', definitionProvider = true, hoverProvider = true,
                referencesProvider = true, documentSymbolProvider = true, workspaceSymbolProvider = true } },
        }
        local function handle(method, params)
            _G.asked = _G.asked or {}
            table.insert(asked, { method, params })
            local uri = params and params.textDocument and params.textDocument.uri
            local at = { start = { line = 8, character = 17 }, ['end'] = { line = 8, character = 18 } }
            if method == 'textDocument/definition' then return { { targetUri = uri, targetSelectionRange = at } } end
            if method == 'textDocument/references' then return { { uri = uri, range = at }, { uri = uri, range = at } } end
            if method == 'textDocument/hover' then return { contents = 'the other says', range = at } end
            if method == 'textDocument/documentSymbol' then
                return { { name = 'total', kind = 12, range = at, selectionRange = at } }
            end
            if method == 'workspace/symbol' then
                return { { name = params.query, kind = 12, location = { uri = vim.uri_from_bufnr(0), range = at } } }
            end
            return answers[method]
        end
        return {
            request = function(method, params, callback)
                id = id + 1
                vim.schedule(function() callback(nil, handle(method, params)) end)
                return true, id
            end,
            notify = function(method) if method == 'exit' then dispatchers.on_exit(0, 15) end return true end,
            is_closing = function() return closing end,
            terminate = function() closing = true end,
        }
    end
    vim.lsp.start({ name = 'other', cmd = fake, root_dir = vim.fn.getcwd() })
"""


@pytest.fixture(params=VERSIONS)
def program(request: pytest.FixtureRequest) -> str:
    return nvim_or_skip(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return story.project(tmp_path)


@pytest.fixture
def begin(program: str, root: Path, tmp_path: Path) -> Begin:
    """Neovim with the plug-in in 80 columns. At its end nothing was deprecated, and nothing went wrong in Lua."""
    editors: list[Neovim] = []

    def started(*steps: str, **how: Any) -> AbstractContextManager[Neovim]:
        settings = story.offline()
        if steps:
            script = tmp_path / "model.script"
            script.write_text("\n--- step\n".join(steps), encoding="utf-8")
            settings = {"model": {"name": f"scripted:{script}"}}
        given = {"program": program, "how": "plugin", "size": (30, 80), **how}
        return _checked(neovim(root, tmp_path / "state", settings, **given), editors)

    return started


class _checked(AbstractContextManager[Neovim]):  # noqa: N801 - a function in all but name
    def __init__(self, held: AbstractContextManager[Neovim], editors: list[Neovim]) -> None:
        self._held, self._editors = held, editors

    def __enter__(self) -> Neovim:
        nvim = self._held.__enter__()
        nvim.lua(
            "_G.old = {} local d = vim.deprecate vim.deprecate = function(n, ...) table.insert(old, n) d(n, ...) end"
        )
        self._editors.append(nvim)
        return nvim

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool | None:
        try:
            if kind is None:
                nvim = self._editors[-1]
                said = nvim.lua("return vim.fn.execute('messages')")
                assert not re.search(r"E\d+: (?!Terminal)|Error (executing|detected)|stack traceback", said), said
                assert nvim.lua("return old") in ([], {}), "deprecated"
        finally:
            done = self._held.__exit__(kind, error, trace)
        return done


def server_pid(nvim: Neovim) -> int:
    code = """
        for _, child in ipairs(vim.api.nvim_get_proc_children(vim.fn.getpid())) do
            local found = vim.api.nvim_get_proc(child)
            if found and found.name:find('python') or found and found.name:find('env') then return child end
        end
    """
    return nvim.lua(code)


# --- nothing that was not asked for ---


def test_no_keys_no_modules_and_no_time(begin: Begin, root: Path, record_property: Any) -> None:
    log = root.parent / "startuptime"
    keys = """
        local found = {}
        for _, mode in ipairs({ 'n', 'x', 'o', 'i', 'v', 's', 'c', 't' }) do
            for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do
                if vim.startswith(map.desc or '', 'Copydesk') then table.insert(found, map.lhs) end
            end
        end
        return found
    """
    with begin() as nvim:
        assert all(key.startswith("<Plug>(copydesk-") for key in nvim.lua(keys))
        loaded = (
            "return vim.tbl_filter(function(n) return vim.startswith(n, 'copydesk') end, vim.tbl_keys(package.loaded))"
        )
        assert nvim.lua(loaded) in ([], {}), "nothing is required at start"
        nvim.edit(root / "a.py")
        assert nvim.lua("return #vim.tbl_filter(function(m) return (m.desc or ''):find('Copydesk') end, "
                        "vim.api.nvim_buf_get_keymap(0, 'n'))") == 0  # fmt: skip
        took_ms = min(_startup_ms(nvim, log) for _ in range(5))
    record_property("measured", f"plugin/copydesk.lua: {took_ms:.2f} ms of a start")
    assert took_ms < 1


def _startup_ms(nvim: Neovim, log: Path) -> float:
    import subprocess

    from tests.editors.nvim import PLUGIN

    log.unlink(missing_ok=True)
    command = [nvim.program, "--clean", "--headless", "--startuptime", str(log), "--cmd", f"set rtp^={PLUGIN}", "+qa!"]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    found = re.search(r"^\S+ +(\S+) +(\S+): sourcing \S*plugin/copydesk\.lua", log.read_text(), re.MULTILINE)
    assert found, log.read_text()
    return float(found[1])


def test_one_server_for_all_folders_and_none_for_what_is_no_file(begin: Begin, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    (other / ".git").mkdir(parents=True)
    (other / "c.py").write_text("c = 1\n")
    (tmp_path / "alone.txt").write_text("alone\n")
    clients = "return #vim.lsp.get_clients({ name = 'copydesk' })"
    here = "return #vim.lsp.get_clients({ bufnr = 0, name = 'copydesk' })"
    with begin() as nvim:
        for path in (root / "a.py", other / "c.py", tmp_path / "alone.txt"):
            nvim.edit(path)
            nvim.until(lambda: nvim.lua(here) == 1, f"{path.name} is attached")
        assert nvim.lua(clients) == 1
        folders = nvim.lua("return vim.tbl_map(function(f) return f.name end, client().workspace_folders)")
        assert folders == [str(root), str(other)]
        nvim.lua("vim.cmd.enew() vim.api.nvim_buf_set_name(0, 'oil:///x/') vim.bo.filetype = 'oil'")
        nvim.lua("vim.cmd('help')")
        time.sleep(0.3)
        assert nvim.lua(here) == 0
        assert nvim.lua("return #vim.lsp.get_clients({ bufnr = vim.fn.bufnr('oil:///x/'), name = 'copydesk' })") == 0
        nvim.edit(other / "c.py")
        nvim.at(1)
        assert "Copydesk: Explain" in " ".join(nvim.titles()), "the folder that came later is known"


@pytest.mark.parametrize("how", ["plugin", "enable"])
def test_a_missing_program_is_said_once(begin: Begin, root: Path, how: str, program: str) -> None:
    if how == "enable" and "0.10" in _version(program):
        pytest.skip("0.10 has no vim.lsp.enable")
    with begin(how=how, options={"cmd": ["no-such-copydesk", "serve"]}) as nvim:
        for name in ("a.py", "b.py"):
            nvim.lua("vim.cmd.edit(...)", str(root / name))
        if how == "plugin":
            nvim.copydesk("explain")
        nvim.notified('no program "no-such-copydesk"')
        time.sleep(0.5)
        assert len([said for said in nvim.messages if "no program" in said]) == 1
        assert not nvim.waits_for_a_key()
        assert "install it, or set cmd" in nvim.messages[0]


def _version(program: str) -> str:
    import subprocess

    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


# --- commands ---


def test_completion(begin: Begin, root: Path) -> None:
    def complete(line: str) -> list[str]:
        return nvim.lua("return vim.fn.getcompletion(..., 'cmdline')", f"Copydesk {line}")

    with begin() as nvim:
        nvim.edit(root / "a.py")
        verbs = complete("")
        assert {"accept", "ask", "explain", "fix", "mode", "model", "review", "undo", "view"} <= set(verbs)
        assert complete("ex") == ["explain"]
        assert complete("mode ") == ["plan", "ask", "acceptEdits", "auto"]
        assert {"auto", "offline"} <= set(complete("model "))
        assert complete("accept ") == ["hunk", "line", "file", "turn", "all"]
        assert complete("ask mode=a") == ["mode=ask", "mode=acceptEdits", "mode=auto"]
        nvim.lua("table.insert(client().server_capabilities.executeCommandProvider.commands, 'copydesk.session.fork')")
        assert "session.fork" in complete("")
        nvim.lua("local c = client().server_capabilities.executeCommandProvider for i, n in ipairs(c.commands) do"
                 " if n == 'copydesk.undo' then table.remove(c.commands, i) end end")  # fmt: skip
        assert "undo" not in complete(""), "what the server has not is not offered"


def test_a_range_a_place_and_the_diagnostics_of_others_are_sent(begin: Begin, root: Path) -> None:
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.lua("local c = require('copydesk.client') c.execute = function(n, a) _G.sent = { n, a } end")
        nvim.keys("8GVj:Copydesk explain model=offline why is this slow<CR>")
        nvim.until(lambda: nvim.lua("return _G.sent"), "sent")
        name, sent = nvim.lua("return sent")
        assert (name, sent["text"], sent["model"]) == ("copydesk.explain", "why is this slow", "offline")
        utf8 = nvim.lua("return client().offset_encoding") == "utf-8"
        last = story.SOURCE.splitlines()[8]
        width = len(last.encode()) if utf8 else len(last.encode("utf-16-le")) // 2
        assert sent["range"] == {"start": {"line": 7, "character": 0}, "end": {"line": 8, "character": width}}
        nvim.keys("9G^fév<Right>:Copydesk ask x<CR>")
        nvim.until(lambda: nvim.lua("return sent[1]") == "copydesk.ask", "sent")
        at = {"start": {"line": 8, "character": 9}, "end": {"line": 8, "character": 15 if utf8 else 12}}
        assert nvim.lua("return sent[2].range") == at
        nvim.lua("vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, {{ lnum = 0, col = 0, end_col = 9,"
                 " message = 'unused', source = 'lint', severity = 2 }})")  # fmt: skip
        nvim.at(1)
        nvim.copydesk("fix")
        nvim.until(lambda: nvim.lua("return sent[1]") == "copydesk.fix", "sent")
        assert nvim.lua("return sent[2].diagnostics[1].message") == "unused"
        nvim.keys(":Copydesk! prompt then this<CR>")
        nvim.until(lambda: nvim.lua("return sent[2].queue"), "it is queued")


def test_pickers_and_inputs(begin: Begin, root: Path) -> None:
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("mode")
        nvim.answer("Which mode", "1<CR>")
        assert nvim.notified("The mode is plan")
        nvim.copydesk("model")
        nvim.answer("Which model", "1<CR>")
        assert nvim.notified("The model is")
        nvim.copydesk("mode nonsense")
        assert "(:Copydesk log)" in nvim.notified("nonsense"), "what does not fit is in the log"
        nvim.copydesk("log")
        nvim.shows("acceptEdits")
        nvim.keys("q")
        nvim.copydesk("session new")
        assert nvim.notified("A new session begins")
        nvim.copydesk("nonsense")
        assert nvim.notified("is no verb")
        nvim.at(4, 4)
        nvim.copydesk("status")
        nvim.shows("model      offline")
        nvim.keys("q")
        nvim.copydesk("doctor")
        nvim.shows("Copydesk doctor")
        nvim.keys("q")
        nvim.until(lambda: nvim.lua("return #vim.api.nvim_list_wins()") == 1, "closed")


# --- the turn view ---


def plain(lines: list[str]) -> list[str]:
    """Without what differs each time."""
    text = "\n".join(lines)
    text = re.sub(r"[st]-[0-9a-f]{8,}", "ID", text)
    return re.sub(r"\d+\.\d s", "TIME", text).splitlines()


def test_the_view_of_a_turn_and_its_keys(begin: Begin, root: Path) -> None:
    with begin(*story.STEPS[:2], "usage: in=12000 out=340\ntext: |\n  # One\n\n  two\n  three\n  four") as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("view")
        nvim.until(
            lambda: nvim.lua(VIEW) == ["Nothing was asked yet. :Copydesk ask …, or :Copydesk explain on some code."],
            "empty",
        )
        nvim.keys("<C-w>k")
        nvim.copydesk(f"prompt {story.EDIT}")
        nvim.ended()
        expected = [
            "# Name things better",
            "scripted:model.script · ask · ID",
            "",
            "✓ Edit a.py",
            "✓ Edit a.py",
            "",
            "Both are better now.",
            "",
            "Review: waits for your decision (r, or :Copydesk review)",
            "  a.py:5  −1+1  return float(width * height)",
            "  a.py:13  −1+2  print(area(1, 2))",
            "",
            "— done · 2 steps · TIME",
        ]
        nvim.until(lambda: plain(nvim.lua(VIEW)) == expected, f"the view, but {plain(nvim.lua(VIEW))}")
        nvim.shows("c cancel")
        nvim.keys("<C-w>j")
        nvim.lua("vim.fn.search('a.py:13', 'w')")
        nvim.keys("<CR>")
        nvim.until(lambda: nvim.lua("return { vim.fn.expand('%:t'), vim.fn.line('.') }") == ["a.py", 13], "the place")
        assert nvim.lua("return vim.bo[vim.fn.bufnr('copydesk://view')].modifiable") is False
        nvim.keys("<C-w>jq")
        nvim.until(lambda: nvim.lua("return #vim.api.nvim_list_wins()") == 1, "closed")
        nvim.copydesk("ask more")
        nvim.until(lambda: nvim.lua("return #vim.api.nvim_list_wins()") == 2, "a long answer opens it by itself")
        assert nvim.lua("return vim.fn.expand('%:t')") == "a.py", "the focus stays"
        top = "return vim.api.nvim_win_call(vim.fn.bufwinid('copydesk://view'), function() return vim.fn.getline('w0') end)"
        assert nvim.lua(top) == "# One", "from where it begins"
        assert any("12k in, 340 out" in line for line in nvim.lua(VIEW))


def test_streaming_is_followed_and_cheap(begin: Begin, root: Path, record_property: Any) -> None:
    feed = """
        local state, seq = require('copydesk.state'), 0
        local function update(u) seq = seq + 1 state.update({ session = 's', turn = 't', seq = seq, update = u }) end
        update({ sessionUpdate = 'turn_started', title = 'Copydesk: Long', model = 'm', mode = 'ask' })
        local began = vim.uv.hrtime()
        for i = 1, 20000 do
            update({ sessionUpdate = 'agent_message_chunk', content = { type = 'text', text = i % 5 == 0 and 'end\\n' or 'word ' } })
        end
        return (vim.uv.hrtime() - began) / 1e6
    """
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("view")
        nvim.until(lambda: nvim.lua("return vim.bo.filetype") == "copydesk", "open")
        took_ms = nvim.lua(feed)
        record_property("measured", f"20000 chunks of text: {took_ms:.0f} ms")
        nvim.until(lambda: nvim.lua(VIEW)[-2:] == ["word word word word end", ""], "the end is drawn")
        assert nvim.lua("return vim.fn.line('.') == vim.fn.line('$')"), "the view follows"
        assert len(nvim.lua(VIEW)) < 6000
        nvim.keys("gg")
        nvim.lua("require('copydesk.state').update({ turn = 't', update = { sessionUpdate = 'agent_message_chunk',"
                 " content = { text = 'more' } } })")  # fmt: skip
        nvim.until(lambda: nvim.lua(VIEW)[-1] == "more", "drawn")
        assert nvim.lua("return vim.fn.line('.')") == 1, "who reads above stays there"
        assert took_ms < 4000
        nvim.lua("require('copydesk.state').update({ turn = 't', update = { sessionUpdate = 'plan', entries ="
                 " { { content = 'first', status = 'completed' }, { content = 'second', status = 'in_progress' } } } })")  # fmt: skip
        nvim.until(lambda: nvim.lua(VIEW)[-3:] == ["Plan", "✓ first", "▸ second"], "the plan")


def test_a_long_turn_is_cancelled_in_the_view(begin: Begin, root: Path) -> None:
    with begin(story.STEPS[4]) as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("prompt Think")
        nvim.until(lambda: "Think" in nvim.lua("return require('copydesk').statusline()"), "the status line says so")
        nvim.until(lambda: "1/50" in nvim.lua("return require('copydesk').statusline()"), "and its step")
        assert "Copydesk: Think" in nvim.lua("return vim.lsp.status()")
        nvim.copydesk("view")
        nvim.until(lambda: nvim.lua("return vim.bo.filetype") == "copydesk", "open")
        nvim.keys("c")
        nvim.until(lambda: any("— cancelled" in line for line in nvim.lua(VIEW)), "cancelled")
        assert nvim.lua("return require('copydesk').statusline()") == "Copydesk"


# --- questions ---


def test_a_question_waits_for_the_keys_to_rest_and_can_be_put_off(begin: Begin, root: Path) -> None:
    with begin(story.STEPS[5], story.STEPS[6]) as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("prompt ask me")
        nvim.keys("Go")
        for _ in range(20):
            nvim.keys("x")
            time.sleep(0.1)
        assert nvim.text().endswith("x" * 20), "no key went to the question"
        nvim.until(
            lambda: nvim.lua("return require('copydesk').statusline()") == "Copydesk asks you", "the status line"
        )
        nvim.keys("<Esc>")
        nvim.answer("Type number", "<CR>")  # the message before it has the question's words too
        nvim.notified("the question waits")
        nvim.copydesk("answer")
        nvim.answer("Type number", "2<CR>")
        nvim.notified(story.LAST_WORDS)
        assert nvim.lua("return require('copydesk').statusline()") == "Copydesk"


def test_free_text_declining_and_withdrawing(begin: Begin, root: Path) -> None:
    free = story.ask_user("What name?", ())
    with begin(free, "expect: Ann\ntext: Hello Ann.", free, "text: As you like.", free, "text: never") as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("prompt go")
        nvim.answer("What name?", "Ann<CR>")
        nvim.notified("Hello Ann.")
        nvim.copydesk("prompt again")
        nvim.answer("What name?", "<Esc>")
        nvim.notified("the question waits")
        nvim.keys(":Copydesk! answer<CR>")
        nvim.notified("As you like.")
        nvim.copydesk("prompt and again")
        nvim.shows("What name?")
        nvim.until(lambda: nvim.lua("return vim.fn.mode()") == "c", "it is open")
        nvim.lua("require('copydesk.client').execute('copydesk.cancel')")
        nvim.until(lambda: nvim.lua("return vim.fn.mode()") == "n", "a question that nobody asks any more goes")
        assert nvim.lua("return require('copydesk.state').n_questions") == 0


PERMISSION = """
    local request = { id = 'p-1', title = 'Run pytest', tool = 'shell', command = 'pytest -q',
        text = 'Copydesk asks to run: pytest -q\\nMedium risk: it runs code.', whole = 'all of it',
        options = { { optionId = 'allow_once', name = 'Allow once' }, { optionId = 'reject_once', name = 'Deny' } } }
    local c = require('copydesk.client')
    c.execute = function(n, a) _G.sent = { n, a } end
    require('copydesk.state').update({ session = 's', turn = 't', seq = 1,
        update = { sessionUpdate = 'permission', state = 'asked', request = request } })
"""


def test_permissions_are_asked_and_answered(begin: Begin, root: Path) -> None:
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.lua(PERMISSION)
        nvim.answer("Copydesk asks to run: pytest -q", "1<CR>")
        nvim.until(lambda: nvim.lua("return _G.sent"), "answered")
        assert nvim.lua("return sent") == ["copydesk.permission.answer", {"request": "p-1", "option": "allow_once"}]


def test_a_permission_denied_with_a_reason(begin: Begin, root: Path) -> None:
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.lua(PERMISSION)
        nvim.answer("Copydesk asks to run: pytest -q", "3<CR>")
        nvim.answer("Why not?", "not now<CR>")
        nvim.until(lambda: nvim.lua("return _G.sent"), "answered")
        sent = {"request": "p-1", "option": "reject_once", "reason": "not now"}
        assert nvim.lua("return sent") == ["copydesk.permission.answer", sent]


def test_a_permission_that_is_answered_elsewhere_goes(begin: Begin, root: Path) -> None:
    gone = """
        require('copydesk.state').update({ session = 's', turn = 't', seq = 2,
            update = { sessionUpdate = 'permission', state = 'cancelled', request = { id = 'p-1' } } })
    """
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.lua(PERMISSION)
        nvim.until(lambda: nvim.lua("return require('copydesk.state').n_questions") == 1, "asked")
        nvim.lua(gone)
        nvim.until(lambda: nvim.lua("return require('copydesk.state').n_questions") == 0, "withdrawn")
        assert nvim.lua("return _G.sent") is None


# --- what other servers know ---


def test_code_intelligence_of_the_others(begin: Begin, root: Path) -> None:
    ask = """
        local params = ...
        local id, got = client().id, nil
        coroutine.wrap(function() got = { client().handlers['copydesk/editor/codeIntel'](nil, params, { client_id = id }) } end)()
        vim.wait(3000, function() return got ~= nil end, 10)
        return got
    """
    uri = (root / "a.py").as_uri()
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.lua(FAKE)
        nvim.until(lambda: nvim.lua("return #vim.lsp.get_clients({ name = 'other' })") == 1, "the other server")
        nvim.lua("client().offset_encoding = 'utf-16'")  # whatever was agreed on: the two must differ
        # `x` stands behind "é😀": byte 17 is column 13 of UTF-16 code units.
        at = {"start": {"line": 8, "character": 14}, "end": {"line": 8, "character": 15}}
        position = {"line": 8, "character": 14}
        got = nvim.lua(ask, {"action": "definition", "uri": uri, "position": position})[0]
        assert got == [{"uri": uri, "range": at}]
        sent = nvim.lua("return asked[#asked][2].position")
        assert sent == {"line": 8, "character": 17}, "the other counts bytes"
        assert len(nvim.lua(ask, {"action": "references", "uri": uri, "position": position})[0]) == 2
        hover = nvim.lua(ask, {"action": "hover", "uri": uri, "position": position})[0]
        assert (hover["contents"], hover["range"]) == ("the other says", at)
        symbols = nvim.lua(ask, {"action": "symbols", "uri": uri})[0]
        assert symbols == [{"name": "total", "kind": 12, "range": at, "selectionRange": at}]
        assert nvim.lua(ask, {"action": "symbols", "query": "tot"})[0][0]["name"] == "tot"
        nvim.lua("vim.diagnostic.set(vim.api.nvim_create_namespace('lint'), 0, {{ lnum = 8, col = 17, end_col = 18,"
                 " message = 'short name', source = 'lint', severity = 2 },"
                 " { lnum = 0, col = 0, message = 'Pending', source = 'copydesk' }})")  # fmt: skip
        (found,) = nvim.lua(ask, {"action": "diagnostics"})[0]
        assert (found["uri"], [(d["message"], d["range"]) for d in found["diagnostics"]]) == (uri, [("short name", at)])
        assert nvim.lua(ask, {"action": "definition", "uri": (root / "b.py").as_uri(), "position": position}) in (
            [None],
            [],
        )


def test_a_turn_asks_the_other_server(begin: Begin, root: Path) -> None:
    asked = 'tool: code_intel {"action": "hover", "path": "a.py", "line": 9, "symbol": "x"}'
    with begin(asked, "expect: the other says\ntext: It told me.") as nvim:
        nvim.edit(root / "a.py")
        nvim.lua(FAKE)
        nvim.until(lambda: nvim.lua("return #vim.lsp.get_clients({ name = 'other' })") == 1, "the other server")
        nvim.copydesk("prompt go")
        nvim.notified("It told me.")


# --- when things go wrong, and help ---


def test_a_server_that_dies_is_told_and_can_be_started_again(begin: Begin, root: Path) -> None:
    with begin(*story.STEPS[:2]) as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk(f"prompt {story.EDIT}")
        nvim.ended()
        nvim.until(lambda: nvim.lua("return require('copydesk.state').n_pending") == 2, "two hunks")
        drafts = root.parent / "state" / "drafts"
        nvim.until(lambda: any("call_1_2" in f.read_text("utf-8") for f in drafts.glob("*.json")), "written down")
        nvim.lua("vim.uv.kill(..., 'sigkill')", server_pid(nvim))
        nvim.answer("quit with exit code", "<CR>")  # Neovim's own words, which do not fit in a line
        assert ":Copydesk restart" in nvim.notified("the server ended by signal 9")
        marks = "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['copydesk.marks'], 0, -1, {})"
        assert nvim.lua(marks) == 0
        nvim.copydesk("restart")
        nvim.notified("The server was started again")
        nvim.until(lambda: nvim.lua("return require('copydesk.state').n_pending") == 2, "what waited still waits")
        nvim.copydesk("stop")
        nvim.notified("was stopped")
        assert nvim.lua("return require('copydesk').statusline()") == ""
        nvim.copydesk("start")
        nvim.notified("The server runs.")


def test_health(begin: Begin, root: Path) -> None:
    with begin() as nvim:
        nvim.edit(root / "a.py")
        nvim.lua("vim.cmd('checkhealth copydesk')")
        text = nvim.until(
            lambda: (now := nvim.text()) and "Copydesk: the server" in now and now, "the report", limit_s=30
        )
        assert re.search(r"OK.* version \d+\.\d+\.\d+, model offline, mode ask", text), text
        assert re.search(r"OK.* Neovim 0\.1\d", text)
        assert "ERROR" not in text
        nvim.lua("vim.cmd.bdelete() vim.cmd('checkhealth vim.deprecated')")
        clean = nvim.until(lambda: (now := nvim.text()) and "deprecated" in now and now, "the report")
        assert "WARNING" not in clean, clean


def test_help(begin: Begin, root: Path, tmp_path: Path) -> None:
    from tests.editors.nvim import PLUGIN

    text = (PLUGIN / "doc" / "copydesk.txt").read_text(encoding="utf-8")
    assert max(len(line) for line in text.splitlines()) <= 80
    with begin() as nvim:
        nvim.edit(root / "a.py")
        folder = tmp_path / "help" / "doc"
        folder.mkdir(parents=True)
        (folder / "copydesk.txt").write_text(text, encoding="utf-8")
        nvim.lua("vim.cmd.helptags(...)", str(folder))
        tags = {line.split("\t")[0] for line in (folder / "tags").read_text().splitlines()}
        verbs = nvim.lua(
            "return vim.tbl_filter(function(v) return not v:find('.', 1, true) end, require('copydesk.command').verbs())"
        )
        wanted = {f":Copydesk-{verb}" for verb in verbs}
        wanted |= set(nvim.lua("return vim.tbl_map(function(m) return m.lhs end, vim.tbl_filter(function(m)"
                               " return vim.startswith(m.lhs, '<Plug>(copydesk') end, vim.api.nvim_get_keymap('')))"))  # fmt: skip
        wanted |= set(nvim.lua("return vim.tbl_keys(require('copydesk.ui').LINKS)"))
        wanted |= {
            f"copydesk.{name}()" for name in nvim.lua("return vim.tbl_keys(require('copydesk'))") if name != "options"
        }
        source = (PLUGIN / "lua" / "copydesk" / "init.lua").read_text(encoding="utf-8")
        wanted |= {f"copydesk-option-{name}" for name in re.findall(r"^---@field (\w+)\?", source, re.MULTILINE)}
        assert not wanted - tags
