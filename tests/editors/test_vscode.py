"""The story in a real VS Code, with the packaged extension: everything is done by mouse and keyboard."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.editors import story
from tests.editors.conftest import Start

if TYPE_CHECKING:
    from tests.editors.vscode import Window

pytestmark = pytest.mark.slow
READY_S, TURN_S, CANCEL_S = 30.0, 30.0, 10.0
ONE_ACCEPTED = story.SOURCE.replace(*story.HUNK_2)


def ready(window: "Window") -> None:
    window.until(lambda: "idle" in window.status(), "the status bar says idle", READY_S)


def ask(window: "Window", text: str) -> None:
    window.command("Copydesk: Ask…")
    window.answer(text)


def test_offline(start: Start) -> None:
    window = start(settings={"copydesk.model.name": "offline"})
    window.open("a.py")
    ready(window)
    assert "Called by" in window.hover("area")
    window.at(1, 8)
    window.act("Copydesk: Fix `os` imported but unused")
    window.until(lambda: "Accept hunk" in window.lenses(), "the fix waits", TURN_S)
    assert any("running" in said for said in window.statuses()), "progress is seen"
    window.lens("Accept hunk")
    window.until(lambda: window.text("a.py") == story.FIXED, "fixed")
    assert window.document("a.py")["dirty"], "nothing is saved"
    assert (window.folder / "a.py").read_text(encoding="utf-8") == story.SOURCE
    window.focus_editor()
    window.press("Control+z")
    window.until(lambda: window.text("a.py") == story.SOURCE, "the editor's own undo takes it back")
    assert not window.errors()


def test_scripted(start: Start, tmp_path: Path) -> None:
    model = story.scripted(tmp_path)["model"]["name"]
    window = start(settings={"copydesk.model.name": model, "copydesk.verify.enabled": False})
    window.open("a.py")
    ready(window)
    review(window)
    type_while_it_runs(window)
    window.command("Copydesk: Undo Turn")
    window.until(lambda: window.text("a.py") == story.AFTER_UNDO, "undone")
    cancel(window)
    answer(window)
    permit(window)
    assert not window.errors()


def review(window: "Window") -> None:
    ask(window, story.EDIT)
    window.toast("2 hunks in a.py wait for you", "Review", TURN_S)
    window.until(lambda: diffs(window), "the editor's own diff")
    window.until(lambda: window.lenses("modified").count("Accept hunk") == 2, "two hunks wait in it")
    window.lens("Accept hunk", 1, "modified")
    window.until(lambda: window.text("a.py") == ONE_ACCEPTED, "one is accepted")
    window.until(lambda: window.lenses("modified").count("Accept hunk") == 1, "the other one waits")
    window.lens("Accept all in file", side="modified")
    window.until(lambda: window.text("a.py") == story.AFTER_REVIEW, "the rest is accepted")
    assert (window.folder / "a.py").read_text(encoding="utf-8") == story.SOURCE, "nothing is saved"
    window.gone(lambda: diffs(window), "the diff of what is decided closes")
    window.gone(window.lenses, "nothing waits")
    ready(window)


def diffs(window: "Window") -> list[str]:
    return [tab["label"] for tab in window.probe("tabs") if tab["original"]]


def type_while_it_runs(window: "Window") -> None:
    ask(window, story.TYPE)
    window.until(lambda: "running" in window.status(), "it runs")
    window.focus_editor()
    window.press("Control+End")
    window.write(story.TYPED, delay_ms=25)
    window.until(lambda: window.text("a.py").endswith(story.TYPED), "what was typed is there")
    window.until(lambda: "Accept hunk" in window.lenses(), "the turn's hunk waits", TURN_S)
    window.lens("Accept hunk")
    window.until(lambda: window.text("a.py") == story.AFTER_TYPING, "both are there")
    window.gone(window.lenses, "nothing waits")


def cancel(window: "Window") -> None:
    ask(window, story.LONG)
    window.until(lambda: "running" in window.status(), "it runs")
    window.click_status()
    window.choose_first("Cancel: ")
    window.until(lambda: "idle" in window.status(), "it is cancelled", CANCEL_S)
    assert window.text("a.py") == story.AFTER_UNDO


def answer(window: "Window") -> None:
    ask(window, story.QUESTION)
    window.until(lambda: "waiting for you" in window.status(), "the status bar says that it waits", TURN_S)
    window.toast(story.QUESTION_TEXT, story.ANSWER)
    window.until(lambda: window.webview(story.LAST_WORDS), "the last words", TURN_S)
    ready(window)


def permit(window: "Window") -> None:
    ask(window, story.RUN)
    window.until(lambda: "waiting for you" in window.status(), "the status bar says that it waits", TURN_S)
    said = window.toast(story.DENIED)
    assert "would remember" in said
    window.until(lambda: window.webview(story.DENIED), "the live view shows it too")
    window.toast(story.DENIED, "Deny")
    window.toast(story.ALLOWED, "Allow once", TURN_S)
    window.until(lambda: window.webview(story.RAN), "the last words", TURN_S)
    window.until(lambda: window.webview(f"Not allowed: {story.DENIED}"), "what was not allowed")
    ready(window)
