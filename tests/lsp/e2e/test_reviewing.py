"""Reviewing over the wire with the real core: hunks wait, are decided one by one, and outlive the server."""

from pathlib import Path
from typing import Any

import pytest

from tests.lsp.e2e.rig import Desk, call, desk, edit, steps, until

CODE = "".join(f"value_{number} = {number}\n" for number in range(1, 31))
EDITORS = ("vscode", "nvim-0.10", "nvim-0.12", "helix", "helix-25.01", "emacs")


def change(*lines: int) -> str:
    return "\n".join(edit("a.py", f"value_{line} = {line}\n", f"value_{line} = {line}0\n") for line in lines)


def with_changes(*lines: int) -> str:
    text = CODE
    for line in lines:
        text = text.replace(f"value_{line} = {line}\n", f"value_{line} = {line}0\n")
    return text


async def pending(d: Desk) -> list[Any]:
    shown = await d.client.command("copydesk.review.show")
    return [hunk for file in shown["pending"] for hunk in file["hunks"]]


async def settled(d: Desk, verb: str, n_left: int, **argument: Any) -> None:
    """A decision, until it has been carried out: Emacs is answered before it is."""
    await d.client.command(f"copydesk.review.{verb}", argument)
    await until(lambda: len(d.host.reviews.hunks()) == n_left, 15)


@pytest.mark.parametrize("editor", EDITORS)
async def test_hunks_wait_and_are_decided_one_by_one(tmp_path: Path, editor: str) -> None:
    model = steps(change(3, 10, 20), "text: Done.")
    async with desk(tmp_path, model, editor=editor, files={"a.py": CODE}, settings={}) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go", uri=uri)
        assert result["review"]["state"] == "pending"
        assert d.editor.text(uri) == CODE
        first, second, third = await pending(d)
        hints = await d.client.wait_for("textDocument/publishDiagnostics", lambda given: len(given["diagnostics"]) == 3)
        assert [hint["range"]["start"]["line"] for hint in hints["diagnostics"]] == [2, 9, 19]
        await settled(d, "accept", 2, hunk=second["hunk"])
        assert d.editor.text(uri) == with_changes(10)
        d.editor.type(uri, 0, 0, "# typed 💛\n")
        d.editor.flush()
        await settled(d, "reject", 1, hunk=first["hunk"], reason="three it is")
        await settled(d, "accept", 0, hunk=third["hunk"])
        assert d.editor.text(uri) == "# typed 💛\n" + with_changes(10, 20)


async def test_the_model_hears_what_was_decided(tmp_path: Path) -> None:
    heard = r"(?s)accepted by the person: your edit of a\.py \(line 3\).*rejected by the person.*\(line 10\).*ten it is"
    model = steps(change(3, 10), "text: Done.", f"expect: {heard}\ntext: I see.")
    async with desk(tmp_path, model, files={"a.py": CODE}, settings={}) as d:
        uri = d.open("a.py")
        first = await d.run("prompt", text="go", uri=uri)
        one, two = await pending(d)
        await settled(d, "accept", 1, hunk=one["hunk"])
        await settled(d, "reject", 0, hunk=two["hunk"], reason="ten it is")
        result = await d.run("prompt", text="and now?", session=first["session"])
        assert result["message"] == "I see.", result


async def test_the_next_turn_reads_through_what_waits(tmp_path: Path) -> None:
    later = edit("a.py", "value_3 = 30\n", "value_3 = 300\n")
    model = steps(
        change(3, 10), "text: Done.", call("read_file", path="a.py"), f"expect: value_10 = 100\n{later}", "text: So."
    )
    async with desk(tmp_path, model, files={"a.py": CODE}, settings={}) as d:
        uri = d.open("a.py")
        first = await d.run("prompt", text="go", uri=uri)
        names = [hunk["hunk"] for hunk in await pending(d)]
        second = await d.run("prompt", text="more", session=first["session"])
        shown = await d.client.command("copydesk.review.show")
        turns = {hunk["hunk"]: file["turn"] for file in shown["pending"] for hunk in file["hunks"]}
        assert turns == {names[0]: second["turn"], names[1]: first["turn"]}
        await settled(d, "accept", 0, all=True)
        assert d.editor.text(uri) == with_changes(10).replace("value_3 = 3\n", "value_3 = 300\n")


async def test_a_restart_keeps_what_waits(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(change(3, 10), "text: Done."), files={"a.py": CODE}, settings={}) as d:
        uri = d.open("a.py")
        first = await d.run("prompt", text="go", uri=uri)
        names = [hunk["hunk"] for hunk in await pending(d)]
    (tmp_path / "work" / "a.py").write_text("# changed meanwhile\n" + CODE)
    heard = "expect: (?s)accepted by the person.*line 4"
    async with desk(tmp_path, steps(f"{heard}\ntext: Back."), settings={}, root=tmp_path / "work") as d:
        hints = await d.client.wait_for("textDocument/publishDiagnostics")
        assert [hint["range"]["start"]["line"] for hint in hints["diagnostics"]] == [3, 10]
        assert [hunk["hunk"] for hunk in await pending(d)] == names
        uri = d.open("a.py")
        await settled(d, "accept", 1, hunk=names[0])
        assert d.editor.text(uri) == "# changed meanwhile\n" + with_changes(3)
        result = await d.run("prompt", text="and?", session=first["session"])
        assert result["message"].startswith("Back."), result
    async with desk(tmp_path, steps("text: x"), settings={}, root=tmp_path / "work") as d:
        (left,) = await pending(d)
        assert left["hunk"] == names[1]
        await settled(d, "reject", 0)
    assert list((tmp_path / "state" / "drafts").glob("*.json")) == []


async def test_a_stopped_turn_leaves_its_draft_to_decide(tmp_path: Path) -> None:
    async with desk(tmp_path, steps(change(3), "delay: 30\ntext: late"), files={"a.py": CODE}, settings={}) as d:
        uri = d.open("a.py")
        turn = await d.begin(
            "document", uri=uri, range={"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
        )
        await until(lambda: any(session.pending.files() for session in d.host._sessions.values()))
        await d.client.command("copydesk.cancel", {"turn": turn["turn"]})
        await d.ended(turn["turn"])
        (hunk,) = await pending(d)
        assert hunk["after"] == "value_3 = 30\n"
        await settled(d, "accept", 0)
        assert d.editor.text(uri) == with_changes(3)


async def test_turns_accepted_together_are_undone_apart(tmp_path: Path) -> None:
    """Each of the two keeps what is its own: places of one file, and whole files."""

    def new(name: str) -> str:
        return call("write_file", path=name, content="new\n")

    first = "\n".join((change(3, 10), new("one.py")))
    second = "\n".join((change(20), new("two.py")))
    async with desk(tmp_path, steps(first, "text: A.", second, "text: B."), files={"a.py": CODE}, settings={}) as d:
        uri = d.open("a.py")
        one = await d.run("prompt", text="go", uri=uri)
        two = await d.run("prompt", text="more", session=one["session"])
        await settled(d, "accept", 0, all=True)
        assert d.editor.text(uri) == with_changes(3, 10, 20)
        d.editor.type(uri, 0, 0, "# mine\n")
        undone = await d.client.command("copydesk.undo", {"turn": one["turn"]})
        assert [each["path"] for each in undone["undone"]] == ["a.py", "one.py"]
        assert d.editor.text(uri) == "# mine\n" + with_changes(20)
        assert not (d.root / "one.py").exists()
        assert (d.root / "two.py").exists()
        await d.client.command("copydesk.undo", {"turn": two["turn"]})
        assert d.editor.text(uri) == "# mine\n" + CODE
        assert not (d.root / "two.py").exists()
        await d.client.command("copydesk.undo", {"turn": one["turn"]})
        assert d.editor.text(uri) == "# mine\n" + with_changes(3, 10)


async def test_an_editor_without_file_operations_has_the_other_edits(tmp_path: Path) -> None:
    """Emacs moves and deletes no files: that is said of those files, and holds nothing else back."""
    model = steps(f"{change(3)}\n{call('delete_file', path='b.py')}", "text: Done.")
    options = {"review.mode": "apply"}
    async with desk(tmp_path, model, editor="emacs", files={"a.py": CODE, "b.py": "b\n"}, settings=options) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go", uri=uri)
        assert d.editor.text(uri) == with_changes(3)
        assert {Path(file["uri"]).name: file["state"] for file in result["review"]["files"]} == {
            "a.py": "applied",
            "b.py": "refused",
        }
        assert "does not take file operations" in result["message"]
        assert (d.root / "b.py").exists()
        assert [hunk["kind"] for hunk in await pending(d)] == ["delete"]
