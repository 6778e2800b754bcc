"""Code actions: what is offered where, for each client's abilities, and that listing costs nothing."""

import time
from pathlib import Path
from typing import Any

import pytest

from copydesk.domain import events
from tests.support.feature_rig import CLIENTS, NVIM_010, URI, VSCODE, rig

CODE = "import os\n\ndef foo(x):\n    return x\n"
PROBLEM = {"range": {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 9}}, "message": "unused\nos"}


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_what_is_offered_at_a_definition(tmp_path: Path, client: str) -> None:
    async with rig(tmp_path, client) as r:
        r.open(CODE)
        r.symbol = "foo"
        listed = await r.list_actions(2, 5, diagnostics=[PROBLEM])
        assert [(a["title"], a["kind"]) for a in listed] == [
            ("Copydesk: Fix unused os", "quickfix"),
            ("Copydesk: Explain foo", "refactor.rewrite.copydesk.explain"),
            ("Copydesk: Document foo", "refactor.rewrite.copydesk.document"),
            ("Copydesk: Write tests for foo", "refactor.rewrite.copydesk.test"),
            ("Copydesk: Refactor foo…", "refactor.rewrite.copydesk.refactor"),
        ]
        for action in listed:
            assert "edit" not in action
            assert action["command"]["command"] in r.commands
            assert action["data"]
        assert listed[0]["diagnostics"] == [PROBLEM]
        assert listed[0]["isPreferred"] is False
        assert r.host.requests == []


async def test_tags_only_for_a_language_model_and_a_client_that_takes_them(tmp_path: Path) -> None:
    for client in CLIENTS:
        async with rig(tmp_path, client) as r:
            r.open(CODE)
            assert all("tags" not in a for a in await r.list_actions(2, 5))
            r.is_language_model = True
            tagged = [a.get("tags") for a in await r.list_actions(2, 5)]
            assert set(map(str, tagged)) == {"[1]" if client == VSCODE else "None"}


@pytest.mark.parametrize(
    ("only", "n_fixes", "n_rewrites"),
    [
        (None, 1, 4),
        ([], 1, 4),
        ([""], 1, 4),
        (["quickfix"], 1, 0),
        (["refactor"], 0, 4),
        (["refactor.rewrite"], 0, 4),
        (["refactor.rewrite.copydesk.test"], 0, 1),
        (["refactor.rew"], 0, 0),
        (["source"], 0, 0),
        (["source", "quickfix"], 1, 0),
    ],
)
async def test_only_filters_by_prefix(tmp_path: Path, only: Any, n_fixes: int, n_rewrites: int) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        kinds = [a["kind"] for a in await r.list_actions(2, 5, diagnostics=[PROBLEM], only=only, triggerKind=2)]
        assert kinds.count("quickfix") == n_fixes
        assert len(kinds) - kinds.count("quickfix") == n_rewrites


@pytest.mark.parametrize("context", [None, {}, [], "x", {"diagnostics": None}, {"diagnostics": [None, 3, {}]}])
async def test_any_context_is_answered(tmp_path: Path, context: Any) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        at = {"start": {"line": 2, "character": 5}, "end": {"line": 2, "character": 5}}
        params = {"textDocument": {"uri": URI}, "range": at, "context": context}
        assert len(await r.call("textDocument/codeAction", params)) == 4


async def test_nothing_on_a_blank_line_and_in_an_unknown_document(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        assert await r.list_actions(1) == []
        assert await r.list_actions(0, uri="untitled:none") == []
        assert await r.list_actions(5_000, 70) == []


async def test_without_a_definition_the_word_or_the_selection_is_named(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        assert (await r.list_actions(3, 12))[0]["title"] == "Copydesk: Explain x"
        assert (await r.list_actions(0, 0, (3, 4)))[0]["title"] == "Copydesk: Explain the selection"


async def test_a_client_without_literals_gets_commands(tmp_path: Path) -> None:
    async with rig(tmp_path, {}) as r:
        r.open(CODE)
        for item in await r.list_actions(2, 5, diagnostics=[PROBLEM]):
            assert set(item) == {"title", "command", "arguments"}
            assert isinstance(item["command"], str)


@pytest.mark.parametrize("action", [{"title": "x"}, {"title": "x", "data": 1}, {"title": "x", "command": None}])
async def test_resolve_gives_the_action_back(tmp_path: Path, action: dict[str, Any]) -> None:
    async with rig(tmp_path) as r:
        assert await r.call("codeAction/resolve", action) == action


async def test_long_messages_are_shortened(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE)
        item = {**PROBLEM, "message": {"kind": "markdown", "value": "word " * 50}}
        (fix, *_) = await r.list_actions(0, 8, diagnostics=[item])
        assert len(fix["title"]) < 80
        assert fix["title"].endswith("…")


async def test_listing_is_quick_in_a_large_file_even_when_symbols_are_slow(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open(CODE * 25_000)
        object.__setattr__(r.features.actions, "_symbol_at", lambda uri, text, line: time.sleep(0.3))
        await r.list_actions(2, 5)
        began = time.perf_counter()
        listed = await r.list_actions(50_002, 5)
        assert time.perf_counter() - began < 0.2
        assert listed[0]["title"] == "Copydesk: Explain foo"


async def test_a_keyword_and_an_instruction_are_no_subjects(tmp_path: Path) -> None:
    async with rig(tmp_path) as r:
        r.open("import os\n# copydesk: rename a to b\nos.getcwd()\n")
        assert await r.list_actions(0, 2) == []
        assert [a["title"] for a in await r.list_actions(1, 5)] == ["Copydesk: Do what this comment asks"]
        assert "Copydesk: Explain os" in [a["title"] for a in await r.list_actions(2, 1)]


@pytest.mark.parametrize(("name", "sends_commands"), [("", False), ("PyCharm 2025.1", False), ("Neovim", True)])
async def test_a_client_that_sends_no_commands_has_them_in_its_menu(
    tmp_path: Path, name: str, sends_commands: bool
) -> None:
    def in_menu(actions: list[Any]) -> list[str]:
        return [
            a["title"]
            for a in actions
            if a["command"]["command"] in ("copydesk.prompt", "copydesk.cancel", "copydesk.undo")
        ]

    async with rig(tmp_path, NVIM_010) as r:
        r.open(CODE)
        r.client.name = name
        if not name:
            r.client.raw_capabilities = {"textDocument": CLIENTS[NVIM_010]["textDocument"]}
        assert in_menu(await r.list_actions(2, 5)) == ([] if sends_commands else ["Copydesk: Prompt…"])
        turn = (await r.command("copydesk.prompt", {"text": "Tidy up"}))["turn"]
        listed = in_menu(await r.list_actions(2, 5))
        if sends_commands:
            assert listed == []
            return
        assert listed == ["Copydesk: Cancel Tidy up", "Copydesk: Prompt…"]
        r.host.emit("s-1", events.ReviewUpdated(turn, "applied"))
        r.host.end(turn, "Done.")
        assert in_menu(await r.list_actions(2, 5)) == ["Copydesk: Undo turn", "Copydesk: Prompt…"]


@pytest.mark.parametrize(
    "name", ["Neovim", "vim-lsp", "Vim", "Eglot", "emacs", "helix", "Sublime Text LSP", "PyCharm 2025.1", ""]
)
async def test_a_client_that_sends_no_diagnostics_of_others_can_still_ask_for_fixes(tmp_path: Path, name: str) -> None:
    async with rig(tmp_path, NVIM_010) as r:
        r.open(CODE)
        r.symbol = "foo"
        assert "Copydesk: Fix problems in foo" not in [a["title"] for a in await r.list_actions(2, 5)]
        r.client.name = name
        if not name:
            r.client.raw_capabilities = {"textDocument": CLIENTS[NVIM_010]["textDocument"]}
        (fix,) = [a for a in await r.list_actions(2, 5) if "Fix" in a["title"]]
        assert fix["title"] == "Copydesk: Fix problems in foo"
        await r.command(fix["command"]["command"], *fix["command"]["arguments"])
        assert r.host.requests[0].task.verb == "fix"


@pytest.mark.parametrize(("name", "kind"), [("PyCharm 2025.1", "quickfix.copydesk"), ("Neovim", "quickfix")])
async def test_a_fix_of_no_diagnostic_is_shown_by_clients_that_hide_those(tmp_path: Path, name: str, kind: str) -> None:
    async with rig(tmp_path, NVIM_010) as r:
        r.client.name = name
        r.open("# copydesk: rename a to b\n")
        offered = (await r.list_actions(0, 4))[0]
        assert (offered["title"], offered["kind"]) == ("Copydesk: Do what this comment asks", kind)
        r.open("import os\n", "file:///w/b.py")
        fixes = await r.list_actions(0, 7, uri="file:///w/b.py", diagnostics=[PROBLEM], only=["quickfix"])
        assert "quickfix" in [a["kind"] for a in fixes], "on a diagnostic it is shown anyway"
