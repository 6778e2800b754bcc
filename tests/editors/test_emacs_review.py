"""Review in a real Emacs with eglot, which stands still while a command runs and takes no edit meanwhile."""

import json
import sys
from pathlib import Path

import pytest

from tests.editors import test_emacs
from tests.editors.test_nvim_review import CODE, edit_file

pytestmark = test_emacs.pytestmark


def test_review_in_emacs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "proj"
    root.mkdir()
    (root / ".git").mkdir()
    for name in ("a.py", "b.py"):
        (root / name).write_text(CODE, encoding="utf-8")
    script = tmp_path / "model.script"
    steps = (
        edit_file("a.py", "line_3 = 3\n", "line_3 = 'é😀'\n"),
        edit_file("a.py", "line_10 = 10\n", "line_10 = 10\nnew_1 = 1\nnew_2 = 2\n"),
        edit_file("b.py", "line_5 = 5\n", "line_5 = 0\n"),
        "text: Done.",
    )
    script.write_text("\n--- step\n".join(steps), encoding="utf-8")
    settings = {"model": {"name": f"scripted:{script}"}, "review": {"mode": "hunks"}}
    seen = test_emacs.play(root, tmp_path / "state", "review.el", settings)
    print(json.dumps(seen, indent=1, ensure_ascii=False), file=sys.stderr)
    typed = "# typed\n" + CODE.replace("line_3 = 3\n", "line_3 = 'é😀'\n")
    assert "missing" not in seen
    assert "3 hunks in a.py, b.py wait for you" in seen["message"][0]
    assert seen["hints"] == [2]
    assert seen["accepted"] == [typed]
    assert max(seen["frozen"]) < 1.5
    assert seen["left"] == [0]
    assert seen["text"] == [typed.replace("line_10 = 10\n", "line_10 = 10\nnew_2 = 2\n")]
    assert "line_5 = 0\n" in seen["other"][0]
    assert any(name.endswith(".diff") for name in seen["buffers"][0])
