"""A turn's edits, decided hunk by hunk with nothing but standard LSP, in every editor and on the real server."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.lsp.e2e.rig import Desk, call, desk, edit, steps
from tests.support.fake_editor import PROFILES

CODE = "".join(f"line {n}\n" for n in range(1, 31))
HUNKS = {"review": {"mode": "hunks"}}
PUBLISH = "textDocument/publishDiagnostics"
EDITORS = sorted(PROFILES)
WAIT = {"wait": True}


def changes() -> Any:
    return steps(
        call("read_file", path="a.py"),
        edit("a.py", "line 3\n", "LINE 3\n"),
        edit("a.py", "line 10\n", "line 10\nten and a half\nten and three quarters\n"),
        edit("a.py", "line 20\nline 21\n", "twenty 😀\nTWENTY-ONE\n"),
        "text: Done.",
    )


def told(d: Desk, uri: str) -> list[dict[str, Any]]:
    return [params for method, params in d.client.notifications if method == PUBLISH and params["uri"] == uri]


async def hints(d: Desk, uri: str, n: int) -> list[dict[str, Any]]:
    """The hints of a file, once there are so many."""
    await d.client.wait_for(
        PUBLISH, lambda params: params["uri"] == uri and len(params["diagnostics"]) == n and params == told(d, uri)[-1]
    )
    return told(d, uri)[-1]["diagnostics"]


async def actions(d: Desk, uri: str, line: int) -> dict[str, Any]:
    place = {"line": line, "character": 0}
    params = {"textDocument": {"uri": uri}, "range": {"start": place, "end": place}, "context": {"diagnostics": []}}
    listed = await d.client.request("textDocument/codeAction", params)
    return {action["title"].removeprefix("Copydesk: "): action["command"] for action in listed}


async def choose(d: Desk, uri: str, line: int, title: str) -> Any:
    command = (await actions(d, uri, line))[title]
    return await d.client.command(command["command"], {**command["arguments"][0], **WAIT})


@pytest.mark.parametrize("editor", EDITORS)
async def test_accept_reject_a_line_and_the_rest(tmp_path: Path, editor: str) -> None:
    async with desk(tmp_path, changes(), editor=editor, files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "pending"
        assert d.editor.text(uri) == CODE
        [pending] = result["review"]["hunksPending"]
        assert [hunk["range"]["start"]["line"] for hunk in pending["hunks"]] == [2, 10, 19]
        assert [hint["message"] for hint in await hints(d, uri, 3)] == [
            "Pending: −1 +1: LINE 3",
            "Pending: +2: ten and a half",
            "Pending: −2 +2: twenty 😀",
        ]
        said = await d.client.wait_for("window/showMessage")
        assert "Done." in said["message"]
        assert "a.py" in said["message"]
        assert len(said["message"].splitlines()) <= 3

        await choose(d, uri, 2, "Accept hunk")
        await hints(d, uri, 2)
        await choose(d, uri, 10, "Accept line: ten and three quarters")
        assert d.editor.text(uri) == CODE.replace("line 3\n", "LINE 3\n").replace(
            "line 10\n", "line 10\nten and three quarters\n"
        )
        left = (await d.client.command("copydesk.review.show"))["pending"]
        assert sorted(hunk["after"] for hunk in left[0]["hunks"]) == ["ten and a half\n", "twenty 😀\nTWENTY-ONE\n"]
        await choose(d, uri, 20, "Reject hunk")
        result = await choose(d, uri, 0, "Accept all")
        assert result["pending"] == []
        await hints(d, uri, 0)
        assert d.editor.text(uri) == CODE.replace("line 3\n", "LINE 3\n").replace(
            "line 10\n", "line 10\nten and a half\nten and three quarters\n"
        )


@pytest.mark.parametrize("editor", EDITORS)
async def test_typing_around_and_into_hunks(tmp_path: Path, editor: str) -> None:
    async with desk(tmp_path, changes(), editor=editor, files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        await d.run("prompt", text="go")
        await hints(d, uri, 3)
        d.editor.type(uri, 0, 0, "typed 👩‍👧\n")
        await d.client.wait_for(
            PUBLISH, lambda params: [hint["range"]["start"]["line"] for hint in params["diagnostics"]] == [3, 11, 20]
        )
        at = d.editor.text(uri).index("line 3\n")
        d.editor.type(uri, at, at + 6, "mine")
        held = await d.client.wait_for(
            PUBLISH, lambda params: any("held back" in hint["message"] for hint in params["diagnostics"])
        )
        assert held["diagnostics"][0]["range"]["start"]["line"] == 3
        offered = await actions(d, uri, 3)
        assert "Accept hunk" not in offered
        await choose(d, uri, 3, "Reject hunk")
        await choose(d, uri, 0, "Accept all in file")
        text = d.editor.text(uri)
        assert "mine\n" in text
        assert "typed 👩‍👧\n" in text
        assert "twenty 😀\nTWENTY-ONE\n" in text
        await hints(d, uri, 0)


@pytest.mark.parametrize("editor", EDITORS)
async def test_files_that_are_not_open_show_in_the_diff(tmp_path: Path, editor: str) -> None:
    model = steps(
        call("read_file", path="b.py"),
        edit("b.py", "line 3\n", "LINE 3\n"),
        call("write_file", path="new.py", content="x = 1\n"),
        "text: Done.",
    )
    async with desk(tmp_path, model, editor=editor, files={"b.py": CODE}, settings=HUNKS) as d:
        await d.run("prompt", text="go")
        assert len(await hints(d, d.uri("b.py"), 1)) == 1
        assert (await hints(d, d.uri("new.py"), 1))[0]["message"] == "Pending: new file +1: x = 1"
        if "helix" not in editor:
            shown = await d.client.wait_for("window/showDocument")
            assert shown["takeFocus"] is False
        result = await d.client.command("copydesk.review.show")
        if editor == "vscode":
            text = (await d.client.request("workspace/textDocumentContent", {"uri": result["document"]}))["text"]
        else:
            text = await anyio.Path(result["document"].removeprefix("file://")).read_text("utf-8")
        assert {"-line 3", "+LINE 3", "+x = 1"} <= set(text.splitlines())
        listed = await actions(d, result["document"], text.splitlines().index("+LINE 3"))
        assert listed["Accept line"]["arguments"][0]["lines"] == [1]
        done = await d.client.command("copydesk.review.accept", {"all": True, **WAIT}, 15)
        assert done["pending"] == []


async def test_a_double_click_and_a_wrong_id(tmp_path: Path) -> None:
    async with desk(tmp_path, changes(), files={"a.py": CODE}, settings=HUNKS) as d:
        uri = d.open("a.py")
        await d.run("prompt", text="go")
        command = (await actions(d, uri, 2))["Accept hunk"]
        first = d.client.send_request("workspace/executeCommand", command)
        second = d.client.send_request("workspace/executeCommand", command)
        assert len((await d.client.response(first))["pending"][0]["hunks"]) == 2
        assert len((await d.client.response(second))["pending"][0]["hunks"]) == 2
        third = await d.client.command(command["command"], command["arguments"][0])
        assert len(third["pending"][0]["hunks"]) == 2
        assert d.editor.text(uri) == CODE.replace("line 3\n", "LINE 3\n")
        assert len(d.editor.applied) == 1


async def test_clients_that_take_updates_are_told_what_waits_after_each_decision(tmp_path: Path) -> None:
    files = {"a.py": CODE}
    async with desk(tmp_path, changes(), files=files, settings=HUNKS, custom=("copydesk/session/update",)) as d:
        d.open("a.py")
        [pending] = (await d.run("prompt", text="go"))["review"]["hunksPending"]
        await d.client.command("copydesk.review.accept", {"hunk": pending["hunks"][0]["hunk"]})
        await d.client.command("copydesk.review.reject", {"all": True})

        def n_waiting() -> list[int]:
            reviews = [each["update"] for each in d.updates() if each["update"]["sessionUpdate"] == "review"]
            return [sum(len(file["hunks"]) for file in review["hunksPending"]) for review in reviews]

        await d.client.wait_for("copydesk/session/update", lambda params: n_waiting()[-1:] == [0])
        assert n_waiting() == [3, 2, 0]
        assert d.client.messages == []
