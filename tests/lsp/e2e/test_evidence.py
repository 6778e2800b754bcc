"""What a client is told of the checks: in a turn's answer, in updates, with what waits, and over a line."""

from pathlib import Path

import pytest

from tests.lsp.e2e.rig import Desk, desk, edit, steps, until
from tests.support.plain_shadow import PlainShadow

pytestmark = pytest.mark.anyio

CODE = "def f(x):\n    return x\n"
CHANGE = ("return x", "return 2 * x")
OPTIONS = {"model": {"name": "offline"}, "verify": {"commands": ["grep -q 'return x' a.py"]}}
UPDATES = "copydesk/session/update"


def evidence_of(d: Desk) -> list[dict]:
    found = [params["update"] for params in d.updates()]
    return [update for update in found if update["sessionUpdate"] == "evidence"]


async def test_the_answer_the_update_and_the_review_tell_the_same_run(tmp_path: Path) -> None:
    model = steps(edit("a.py", *CHANGE), "text: All checks pass.", "text: It stays so.")
    settings = {**OPTIONS, "review": {"mode": "hunks"}}
    async with desk(
        tmp_path, model, files={"a.py": CODE}, settings=settings, custom=(UPDATES,), shadow=PlainShadow
    ) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go")
        (run,) = result["evidence"]
        assert (run["state"], run["exitCode"], run["failures"]) == ("new_failures", 1, ["exit code 1"])
        assert run["command"] == "grep -q 'return x' a.py"
        assert run["text"].startswith("`grep -q 'return x' a.py`")
        assert run["stale"] is False
        await until(lambda: any(update["runs"][0] == run for update in evidence_of(d)))
        last = evidence_of(d)[-1]
        assert last["state"] == "new_failures"
        assert [file["uri"] for file in last["files"]] == [uri]
        shown = await d.client.command("copydesk.review.show", {"open": False})
        assert shown["pending"][0]["evidence"] == [run]
        hover = await d.client.request(
            "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 6}}
        )
        assert f"({run['id']})" in hover["contents"]["value"]
        assert "Waits for your decision" in hover["contents"]["value"]


async def test_apply_does_not_put_in_what_adds_failures(tmp_path: Path) -> None:
    model = steps(edit("a.py", *CHANGE), "text: Done.", "text: It stays so.")
    settings = {**OPTIONS, "review": {"mode": "apply"}}
    async with desk(tmp_path, model, files={"a.py": CODE}, settings=settings, shadow=PlainShadow) as d:
        d.open("a.py")
        result = await d.run("prompt", text="go")
        assert result["review"]["state"] == "pending"
        assert d.editor.applied == []
        assert "Not applied, because it adds failures" in result["message"]
        accepted = await d.client.command("copydesk.review.accept")
        assert [file["state"] for file in accepted["files"]] == ["applied"]


async def test_a_line_that_a_checked_turn_wrote_says_so(tmp_path: Path) -> None:
    model = steps(edit("a.py", *CHANGE), "text: Done.")
    settings = {**OPTIONS, "verify": {"commands": ["true"]}, "review": {"mode": "apply"}}
    async with desk(tmp_path, model, files={"a.py": CODE}, settings=settings, shadow=PlainShadow) as d:
        uri = d.open("a.py")
        (run,) = (await d.run("prompt", text="go"))["evidence"]
        hover = await d.client.request(
            "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 6}}
        )
        assert "Checked: 'true' exit 0" in hover["contents"]["value"].replace("&#39;", "'")
        assert run["id"] in hover["contents"]["value"]
