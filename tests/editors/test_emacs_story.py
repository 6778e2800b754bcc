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
SERVER = HERE.parents[1] / "server"
PACKAGE = HERE.parents[1] / "editors" / "emacs"
COMMAND = (sys.executable, "-m", "copydesk", "serve")
MAX_WAIT_S = {"stock": 5.0, "package": 0.5, "lsp-mode": 0.5}
"""Eglot's own commands make Emacs stand still until they are answered, and give up after 10 s; the package's do not."""


def find_emacs() -> str:
    found = os.environ.get("COPYDESK_EMACS") or shutil.which("emacs")
    return editor_or_skip("Emacs (COPYDESK_EMACS, or emacs on PATH)", found)


def play(tmp_path: Path, client: str, scenes: str, *more: str, through: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """What the batch Emacs told, by kind.

    `more`: arguments for Emacs before the story. `through`: a multiplexer's command, to which the server's is added.
    """
    root = story.project(tmp_path)
    settings = story.offline() if scenes == "offline" else story.scripted(tmp_path)
    told = {
        "client": client,
        "scenes": scenes,
        "command": [*through, *COMMAND],
        "settings": {"rass": {Path(sys.executable).name: settings}} if through else settings,
        "edit": story.EDIT,
        "type": story.TYPE,
        "long": story.LONG,
        "question": story.QUESTION,
        "answer": story.ANSWER,
        "last_words": story.LAST_WORDS,
        "run": story.RUN,
        "ran": story.RAN,
        "denied": story.DENIED,
        "allowed": story.ALLOWED,
        "hunk": story.HUNK_1[1],
        "typed": story.TYPED.splitlines(keepends=True),
        "fixed": story.FIXED,
        "after_review": story.AFTER_REVIEW,
        "after_typing": story.AFTER_TYPING,
        "after_undo": story.AFTER_UNDO,
    }
    environment = {
        **os.environ,
        "PYTHONPATH": str(SERVER),
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
    assert seen["longest"][0] < MAX_WAIT_S[client]
    return seen


@pytest.mark.parametrize("client", ["stock", "package"])
def test_hover_and_fix(tmp_path: Path, client: str) -> None:
    seen = play(tmp_path, client, "offline")
    assert "Called by" in seen["hover"][0]
    assert any("Copydesk: Fix" in line for line in seen["progress"][0]), "the mode line shows what runs"


@pytest.mark.parametrize("client", ["stock", "package"])
def test_the_scripted_scenes(tmp_path: Path, client: str) -> None:
    check_scripted(play(tmp_path, client, "scripted"), client)


@pytest.mark.parametrize("client", ["stock", "package"])
def test_beside_another_server_by_a_multiplexer(tmp_path: Path, client: str) -> None:
    """rassumfrassum (`rass`) makes one server of several, for eglot has room for one a buffer."""
    rass = os.environ.get("COPYDESK_RASS") or shutil.which("rass")
    if rass is None:
        pytest.skip("rassumfrassum is not installed: COPYDESK_RASS, or rass on PATH")
    other = (sys.executable, "-m", "ruff", "server")
    check_scripted(play(tmp_path, client, "scripted", through=(rass, "--", *other, "--")), client)


def test_lsp_mode_beside_another_server(tmp_path: Path) -> None:
    """lsp-mode runs several servers a buffer; ours is an add-on."""
    folder = os.environ.get("COPYDESK_LSP_MODE")
    if folder is None:
        pytest.skip("lsp-mode is not installed: COPYDESK_LSP_MODE, where install/lsp_mode.sh has put it")
    paths = [str(path) for path in Path(folder, "usr/share/emacs/site-lisp/elpa-src").iterdir()]
    assert paths, f"no packages in {folder}"
    seen = play(tmp_path, "lsp-mode", "scripted", *(word for path in paths for word in ("-L", path)))
    check_scripted(seen, "lsp-mode")
    assert seen["servers"] == [["copydesk", "ruff"]]
    assert any(title.startswith("Ruff") for title in seen["titles"][0])
    assert any(title.startswith("Copydesk: Fix") for title in seen["titles"][0])


def check_scripted(seen: dict[str, list[Any]], client: str) -> None:
    assert seen["cancelled"][0] < 3
    if client != "stock":
        assert seen["drawn"] == [1, 0]
        assert seen["lighter"][0] == " Copydesk±2"
        assert seen["lighter"][1].startswith(" Copydesk:1/50")
        assert seen["lighter"][2].startswith(" Copydesk:asks")
        (turns,) = seen["turns"]
        assert f"● {story.EDIT}" in turns
        assert story.LAST_WORDS in turns


def test_the_package_is_clean(tmp_path: Path) -> None:
    """Warnings of the compiler and of checkdoc are errors; each file alone, from a clean start."""
    emacs = find_emacs()
    compiles = (
        "(setq byte-compile-error-on-warn t byte-compile-dest-file-function "
        f'(lambda (file) (expand-file-name (concat (file-name-base file) ".elc") "{tmp_path}")))'
    )
    files = [path for path in sorted(PACKAGE.glob("*.el")) if path.name != "copydesk-lsp-mode.el"]  # needs lsp-mode
    assert len(files) >= 5
    for path in files:
        batch = [emacs, "-Q", "--batch", "-L", str(PACKAGE)]
        for how in (
            ["--eval", compiles, "-f", "batch-byte-compile", path.name],
            ["--eval", f'(checkdoc-file "{path}")'],
        ):
            done = subprocess.run([*batch, *how], cwd=PACKAGE, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr) == (0, ""), done.stderr
