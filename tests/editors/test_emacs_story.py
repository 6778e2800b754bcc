"""The story in a real Emacs: eglot alone, and eglot with the package of `editors/emacs`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.editors import story
from tests.editors.requirements import editor_or_skip

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "editors" / "emacs"
MAX_WAIT_S = 1.5
"""Emacs stands still while eglot waits for a command's answer."""


def find_emacs() -> str:
    found = os.environ.get("COPYDESK_EMACS") or shutil.which("emacs")
    return editor_or_skip("Emacs (COPYDESK_EMACS, or emacs on PATH)", found)


def play(tmp_path: Path, client: str, scenes: str, *more: str) -> dict[str, list[Any]]:
    """What the batch Emacs told, by kind. `more`: arguments for Emacs before the story."""
    root = story.project(tmp_path)
    told = {
        "client": client,
        "scenes": scenes,
        "command": [sys.executable, "-m", "copydesk", "serve"],
        "settings": story.offline() if scenes == "offline" else story.scripted(tmp_path),
        "edit": story.EDIT,
        "type": story.TYPE,
        "long": story.LONG,
        "question": story.QUESTION,
        "answer": story.ANSWER,
        "last_words": story.LAST_WORDS,
        "hunk": story.HUNK_1[1],
        "typed": story.TYPED.splitlines(keepends=True),
        "fixed": story.FIXED,
        "after_review": story.AFTER_REVIEW,
        "after_typing": story.AFTER_TYPING,
        "after_undo": story.AFTER_UNDO,
    }
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parents[1] / "server"),
        "COPYDESK_STATE_DIR": str(tmp_path / "state"),
        "COPYDESK_CONFIG_DIR": str(tmp_path / "state"),
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "STORY": json.dumps(told),
    }
    arguments = ["-Q", "--batch", "-L", str(PACKAGE), *more, "-l", str(HERE / "emacs_story.el")]
    done = subprocess.run(
        [find_emacs(), *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    seen: dict[str, list[Any]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            seen.setdefault(entry["what"], []).append(entry["value"])
    assert done.returncode == 0, done.stderr[-3000:] + json.dumps(seen, indent=1, ensure_ascii=False)
    assert (root / "a.py").read_text(encoding="utf-8") == story.SOURCE, "nothing is saved unasked"
    assert seen["modified"] == [True]
    assert seen["longest"][0] < MAX_WAIT_S
    return seen


@pytest.mark.parametrize("client", ["stock", "package"])
def test_hover_and_fix(tmp_path: Path, client: str) -> None:
    seen = play(tmp_path, client, "offline")
    assert "Called by" in seen["hover"][0]
    assert any("Copydesk: Fix" in line for line in seen["progress"][0]), "the mode line shows what runs"


@pytest.mark.parametrize("client", ["stock", "package"])
def test_the_scripted_scenes(tmp_path: Path, client: str) -> None:
    seen = play(tmp_path, client, "scripted")
    print(json.dumps(seen, indent=1, ensure_ascii=False))
    assert seen["cancelled"][0] < 3
    if client == "package":
        assert seen["drawn"] == [1, 0]
        assert seen["lighter"][0] == " Copydesk±2"
        assert seen["lighter"][1].startswith(" Copydesk:1/50")
        assert seen["lighter"][2].startswith(" Copydesk:asks")
        (turns,) = seen["turns"]
        assert f"● {story.EDIT}" in turns
        assert story.LAST_WORDS in turns
