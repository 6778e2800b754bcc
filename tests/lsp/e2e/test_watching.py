"""What clients are told while a turn runs, how a review is asked for, and what is kept of it."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from copydesk.store.records import read_records
from tests.lsp.e2e.rig import SESSION_UPDATE, call, desk, edit, steps
from tests.support.fake_editor import PROFILES

CODE = "def twice(x):\n    return x + x\n"
NEW = CODE.replace("x + x", "2 * x")
CHANGE = ("x + x", "2 * x")


async def test_the_stream_of_updates(tmp_path: Path) -> None:
    words = "".join(f"word{n} " for n in range(200))
    model = steps(
        f"think: hm, {words}\ntext: {words}\n{call('read_file', path='a.py')}",
        f"usage: in=100 out=7 cached=50\n{edit('a.py', *CHANGE)}",
        f"chunk: 3\ntext: {words}",
    )
    async with desk(tmp_path, model, files={"a.py": CODE}, custom=(SESSION_UPDATE,)) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go", uri=uri)
        await d.client.wait_for(SESSION_UPDATE, lambda given: given["update"]["sessionUpdate"] == "turn_ended")
        updates = d.updates()
        assert {each["session"] for each in updates} == {result["session"]}
        assert {each["turn"] for each in updates} == {result["turn"]}
        seqs = [each["seq"] for each in updates]
        assert seqs == sorted(set(seqs))
        kinds = [each["update"]["sessionUpdate"] for each in updates]
        for kind in ("agent_message_chunk", "agent_thought_chunk", "tool_call", "tool_call_update", "usage_update",
                     "review", "turn_ended"):  # fmt: skip
            assert kind in kinds, kind
        last_call = len(kinds) - 1 - kinds[::-1].index("tool_call_update")
        after = [each["update"] for each in updates[last_call:]]
        text = "".join(each["content"]["text"] for each in after if each["sessionUpdate"] == "agent_message_chunk")
        assert text.strip() == words.strip()
        first = next(each["update"] for each in updates if each["update"]["sessionUpdate"] == "tool_call")
        assert first["kind"] == "read"
        assert first["status"] == "pending"
        assert first["locations"][0]["uri"] == uri
        assert kinds[-1] == "turn_ended"
        # Told already: no message beside it.
        assert d.client.messages == []


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_plain_clients_get_nothing_custom(tmp_path: Path, editor: str) -> None:
    model = steps(call("ask_user", question="Which?", choices=["a", "b"]), edit("a.py", *CHANGE), "text: Done.")
    async with desk(tmp_path, model, editor=editor, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        d.client.choose = "a"
        await d.run("prompt", text="go", uri=uri)
        names = {method for method, _ in (*d.client.notifications, *d.client.requests)}
        assert not any(name.startswith("copydesk/") for name in names), names


# --- review ---

CONFIRM = {"review.mode": "confirm"}


@pytest.mark.parametrize("settings", [{"review.mode": "confirm"}, {"review": {"mode": "confirm"}}])
@pytest.mark.parametrize("yes", [True, False])
async def test_confirming_where_the_editor_asks(tmp_path: Path, settings: Any, yes: bool) -> None:
    async with desk(
        tmp_path, steps(edit("a.py", *CHANGE), "text: Done."), files={"a.py": CODE}, settings=settings
    ) as d:
        uri = d.open("a.py")
        d.editor.confirm = yes
        result = await d.run("prompt", text="go", uri=uri)
        notes = d.editor.applied[0]["edit"]["changeAnnotations"]
        assert all(note["needsConfirmation"] for note in notes.values())
        assert result["review"]["state"] == ("applied" if yes else "discarded"), result
        assert d.editor.text(uri) == (NEW if yes else CODE)


@pytest.mark.parametrize("choice", ["Apply", "Discard", None])
async def test_confirming_where_it_cannot(tmp_path: Path, choice: str | None) -> None:
    model = steps(edit("a.py", *CHANGE), "text: Done.")
    async with desk(tmp_path, model, editor="emacs", files={"a.py": CODE}, settings=CONFIRM) as d:
        uri = d.open("a.py")
        d.client.answers["window/showMessageRequest"] = d.client.hold
        turn = await d.begin("prompt", text="go", uri=uri)
        asked = await d.client.wait_for("window/showMessageRequest")
        assert [each["title"] for each in asked["actions"]] == ["Apply", "Discard"]
        assert d.editor.applied == []
        shown = [each["uri"] for each in d.client.shown]
        if shown:
            assert "2 * x" in d.editor._path(shown[-1]).read_text(encoding="utf-8")
        await d.client.release("window/showMessageRequest", {"title": choice} if choice else None)
        await d.ended(turn["turn"])
        assert d.editor.text(uri) == (NEW if choice == "Apply" else CODE)
        assert bool(d.editor.applied) == (choice == "Apply")


async def test_plan_mode_refuses_edits(tmp_path: Path) -> None:
    model = steps(edit("a.py", *CHANGE), "expect: (?i)plan\ntext: I would double it.")
    async with desk(tmp_path, model, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go", uri=uri, mode="plan")
        assert result["message"] == "I would double it."
        assert d.editor.applied == []


@pytest.mark.parametrize("mode", ["acceptEdits", "auto"])
async def test_modes_that_apply(tmp_path: Path, mode: str) -> None:
    model = steps(edit("a.py", *CHANGE), "text: Done.")
    async with desk(tmp_path, model, files={"a.py": CODE}, settings={"permissions.mode": mode}) as d:
        uri = d.open("a.py")
        d.editor.confirm = False
        await d.run("prompt", text="go", uri=uri)
        assert d.editor.text(uri) == NEW


async def test_one_edit_with_every_operation(tmp_path: Path) -> None:
    model = steps(
        edit("a.py", *CHANGE),
        call("write_file", path="new/n.py", content="n = 1\n"),
        call("move_file", source="b.py", destination="c.py"),
        call("delete_file", path="d.py"),
        "text: Done.",
    )
    async with desk(tmp_path, model, files={"a.py": CODE, "b.py": "b\n", "d.py": "d\n"}) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", text="go", uri=uri)
        assert len(d.editor.applied) == 1
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(uri) == NEW
        assert d.editor.text(d.uri("new/n.py")) == "n = 1\n"
        assert d.editor.text(d.uri("c.py")) == "b\n"
        assert not (d.root / "b.py").exists()
        assert not (d.root / "d.py").exists()


# --- the transcript ---


async def test_one_transcript_a_session_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-planted-0123456789abcdef")
    monkeypatch.setenv("COPYDESK_TOKEN", "token-planted-0123456789")
    caplog.set_level(logging.DEBUG)
    model = steps(call("read_file", path="a.py"), edit("a.py", *CHANGE), "text: Done.", "text: Explained.")
    async with desk(tmp_path, model, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        await d.run("prompt", text="go", uri=uri)
        await d.run("explain", uri=uri, range={"start": {"line": 0, "character": 5}})
        paths = d.transcripts()
        assert len(paths) == 2
    kinds: set[str] = set()
    for path in paths:
        if os.name != "nt":
            assert path.stat().st_mode & 0o777 == 0o600
            assert path.parent.stat().st_mode & 0o777 == 0o700
        text = path.read_text(encoding="utf-8")
        records = [json.loads(line) for line in text.splitlines()]
        assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
        assert "planted" not in text
        kinds |= {type(record.event).__name__ for record in read_records(path)}
    assert kinds >= {
        "SessionStarted", "TurnStarted", "ModelChosen", "StepStarted", "MessageChunk", "MessageAdded",
        "ToolCallStarted", "ToolCallUpdated", "EditProposed",
        "UsageUpdated", "ReviewUpdated", "TurnEnded",
    }  # fmt: skip
    assert "planted" not in caplog.text


async def test_a_client_that_can_nothing(tmp_path: Path) -> None:
    """No progress, no applyEdit, no showDocument: it is told in messages, and the draft is kept."""
    model = steps(call("ask_user", question="Which?"), edit("a.py", *CHANGE), "text: Done.")
    async with desk(tmp_path, model, files={"a.py": CODE}, capabilities={}) as d:
        uri = d.open("a.py")
        turn = await d.begin("prompt", text="go", uri=uri)
        said = await d.client.wait_for("window/showMessage", lambda given: "Which?" in given["message"])
        assert said
        listed = await d.client.command("copydesk.status")
        assert [each["turn"] for each in listed["running"]] == [turn["turn"]]
        await d.client.command("copydesk.cancel")
        d.assemblies[0].core.models._model = steps(edit("a.py", *CHANGE), "text: Done.")
        result = await d.run("prompt", text="again", uri=uri)
        assert result["review"]["state"] == "refused", result
        assert "workspace/applyEdit" in result["message"]
        assert d.editor.text(uri) == CODE
