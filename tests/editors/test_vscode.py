"""The story in a real VS Code, with the packaged extension: everything is done by mouse and keyboard."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.editors import story
from tests.editors.conftest import Start

if TYPE_CHECKING:
    from tests.editors.vscode import Window

pytestmark = pytest.mark.slow
SOON_S = 20.0


def ask(window: "Window", text: str) -> None:
    window.command("Copydesk: Ask…")
    window.answer(text)


def idle(window: "Window") -> bool:
    return "idle" in window.status()


def test_offline(start: Start) -> None:
    window = start(settings={"copydesk.model.name": "offline"})
    window.open("a.py")
    window.until(lambda: idle(window), "the server runs")
    assert "Called by" in window.hover("area")
    window.at(1, 8)
    window.act("Copydesk: Fix `os` imported but unused")
    window.until(lambda: "Accept hunk" in window.lenses(), "the fix waits")
    window.lens("Accept hunk")
    window.until(lambda: window.text("a.py") == story.FIXED, "fixed")
    assert window.document("a.py")["dirty"], "nothing is saved"
    assert (window.folder / "a.py").read_text(encoding="utf-8") == story.SOURCE
    assert not window.errors()


def test_scripted(start: Start, tmp_path: Path) -> None:
    window = start(settings={"copydesk.model.name": story.scripted(tmp_path)["model"]["name"]})
    window.open("a.py")
    window.until(lambda: idle(window), "the server runs")
    ask(window, story.EDIT)
    window.until(lambda: window.lenses().count("Accept hunk") == 2, "two hunks wait")
    window.lens("Accept hunk", 1)
    window.until(lambda: window.text("a.py") == story.SOURCE.replace(*story.HUNK_2), "one is accepted")
    window.lens("Accept all in file")
    window.until(lambda: window.text("a.py") == story.AFTER_REVIEW, "the rest is accepted")
    assert (window.folder / "a.py").read_text(encoding="utf-8") == story.SOURCE, "nothing is saved"
    window.gone(window.lenses, "nothing waits")

    ask(window, story.TYPE)
    window.focus_editor()
    window.press("Control+End")
    window.write(story.TYPED, delay_ms=15)
    window.until(lambda: "Accept hunk" in window.lenses(), "the turn's hunk waits")
    window.lens("Accept hunk")
    window.until(lambda: window.text("a.py") == story.AFTER_TYPING, "both are there")

    window.command("Copydesk: Undo turn")
    window.until(lambda: window.text("a.py") == story.AFTER_UNDO, "undone")
    window.picture("x", False)
