"""Undo by turn over the wire with the real core and every editor's habits, and the hover that says whose a line is."""

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.e2e.rig import Desk, call, desk, edit, steps, until
from tests.support.lsp_client import RpcFailure

CODE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
EDITORS = ("vscode", "nvim-0.10", "nvim-0.12", "helix", "helix-25.01", "emacs")
APPLY = {"review": {"mode": "apply"}}
CHANGES = (
    edit("a.py", "    return 1\n", "    first = 1\n    return first\n")
    + "\n"
    + edit("a.py", "return 2", "return second()")
)


async def undone(d: Desk, text: str, uri: str, **argument: Any) -> Any:
    """An undo, until the text is as it should be: Emacs is answered before it is done."""
    answer = await d.client.command("copydesk.undo", argument)
    await until(lambda: d.editor.text(uri) == text, 15)
    return answer


@pytest.mark.parametrize("editor", EDITORS)
async def test_a_turn_is_taken_back_and_given_again(tmp_path: Path, editor: str) -> None:
    async with desk(tmp_path, steps(CHANGES, "text: Done."), editor=editor, files={"a.py": CODE}, settings=APPLY) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go", uri=uri)
        assert result["review"]["state"] == "applied"
        text = d.editor.text(uri)
        at = text.index("    return first")
        d.editor.type(uri, at, at, "    # mine 💛\n")
        d.editor.flush()
        text = d.editor.text(uri)
        mine = CODE.replace("    return 1\n", "    # mine 💛\n    return 1\n")
        answer = await undone(d, mine, uri)
        if answer["settled"]:
            assert answer["of"] == result["turn"]
            assert [(file["path"], file["state"]) for file in answer["undone"]] == [("a.py", "applied")]
            assert answer["kept"] == []
        await undone(d, text, uri, turn=result["turn"])
        await undone(d, mine, uri)


async def test_it_outlives_the_server(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(CHANGES, "text: Done."), files={"a.py": CODE}, settings=APPLY) as d:
        uri = d.open("a.py")
        turn = (await d.run("prompt", text="go", uri=uri))["turn"]
        d.editor.save(uri)
    async with desk(tmp_path, steps("text: Nothing."), files={}, settings=APPLY) as d:
        uri = d.open("a.py")
        assert "first" in d.editor.text(uri)
        assert (await undone(d, CODE, uri))["of"] == turn


async def test_files_that_were_made_go(tmp_path: Path) -> None:
    made = call("write_file", path="new.py", content="x = 1\n")
    async with desk(tmp_path, steps(made, "text: Done."), files={"a.py": CODE}, settings=APPLY) as d:
        await d.run("prompt", text="go", uri=d.open("a.py"))
        assert (d.root / "new.py").exists()
        answer = await d.client.command("copydesk.undo")
        assert not (d.root / "new.py").exists()
        assert [file["path"] for file in answer["undone"]] == ["new.py"]


async def test_what_cannot_be_undone(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("text: Nothing."), files={"a.py": CODE}, settings=APPLY) as d:
        assert (await d.client.command("copydesk.undo"))["of"] is None
        with pytest.raises(RpcFailure, match="No turn 't-none'"):
            await d.client.command("copydesk.undo", {"turn": "t-none"})
        with pytest.raises(RpcFailure, match="'turn' must be a string"):
            await d.client.command("copydesk.undo", {"turn": 3})


async def test_edits_that_wait_are_to_be_rejected(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(CHANGES, "text: Done."), files={"a.py": CODE}, settings={}) as d:
        turn = (await d.run("prompt", text="go", uri=d.open("a.py")))["turn"]
        with pytest.raises(RpcFailure, match=r"copydesk\.review\.reject"):
            await d.client.command("copydesk.undo", {"turn": turn})


async def test_a_hover_says_which_turn_wrote_the_line(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(CHANGES, "text: Done."), files={"a.py": CODE}, settings=APPLY) as d:
        uri = d.open("a.py")
        turn = (await d.run("prompt", text="Name the result", uri=uri))["turn"]

        async def hover(line: int) -> str:
            found = await d.client.request(
                "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": line, "character": 6}}
            )
            return found["contents"]["value"] if found else ""

        assert turn in await hover(1)
        assert "Name the result" in await hover(1)
        assert turn not in await hover(0)
        at = d.editor.text(uri).index("first = 1") + len("first = 1")
        d.editor.type(uri, at, at, "  # mine")
        assert turn not in await hover(1)
        assert turn in await hover(2)
