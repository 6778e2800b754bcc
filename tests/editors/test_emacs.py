"""A short day in a real Emacs with eglot: positions in utf-32, dialogs in the minibuffer, changes that come late."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.editors.requirements import editor_or_skip
from tests.editors.test_nvim import SOURCE

HERE = Path(__file__).parent
EMACS = os.environ.get("COPYDESK_EMACS") or shutil.which("emacs")
pytestmark = pytest.mark.slow


def test_a_day_in_emacs(tmp_path: Path) -> None:
    root = tmp_path / "proj"
    root.mkdir()
    (root / ".git").mkdir()
    (root / "a.py").write_text(SOURCE, encoding="utf-8")
    (root / "b.py").write_text("from a import area\n\nprint(area(2, 3))\n", encoding="utf-8")
    seen = play(root, tmp_path / "state", settings={"model": {"name": "offline"}, "review": {"mode": "confirm"}})
    assert "Copydesk: Document area" in seen["titles"][0]
    assert "Called by" in seen["hover"][0]
    assert "Document area: apply" in seen["asked"][0], "`confirm` asks before anything is sent"
    assert '"""Return the area.' in seen["documented"][0]
    assert "not saved: a.py" in seen["message"][0]
    assert "def surface(" in seen["renamed"][0]
    assert "# copydesk" not in seen["renamed"][0]
    assert 's = "é😀"; x' in seen["renamed"][0]
    assert seen["other"] == ["from a import surface\n\nprint(surface(2, 3))\n"]
    assert (root / "a.py").read_text(encoding="utf-8") == SOURCE


def play(
    root: Path, state: Path, story: str = "story.el", settings: dict[str, Any] | None = None
) -> dict[str, list[Any]]:
    """What the story told, by kind."""
    emacs = editor_or_skip("Emacs (COPYDESK_EMACS, or emacs on PATH)", EMACS)
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parents[1] / "server"),
        "COPYDESK_STATE_DIR": str(state),
        "STORY_COMMAND": f"{sys.executable}\n-m\ncopydesk\nserve",
        "STORY_SETTINGS": json.dumps(settings or {"model": {"name": "offline"}}),
        "HOME": str(root.parent),
        "LC_ALL": "C.UTF-8",
    }
    command = [emacs, "-Q", "--batch", "-l", str(HERE / story)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=90, check=False)
    told: dict[str, list[Any]] = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            told.setdefault(entry["what"], []).append(entry["value"])
    assert done.returncode == 0, done.stderr + json.dumps(told, indent=1)
    return told
