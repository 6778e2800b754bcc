"""Emacs in a terminal with the package: real keys, and what is really on the screen."""

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.editors import story
from tests.editors.requirements import editor_or_skip
from tests.editors.terminal import Terminal, find_tmux
from tests.editors.test_emacs_story import PACKAGE, SERVER, find_emacs

pytestmark = pytest.mark.slow

KEY_S = 0.25
INIT = """
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil)
(add-to-list 'load-path "{package}")
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               '(python-mode . ({command} :initializationOptions (:model (:name "{model}")))))
  (require 'copydesk))
(add-hook 'python-mode-hook #'eglot-ensure)
(with-eval-after-load 'copydesk (keymap-set copydesk-mode-map "C-c c" copydesk-command-map))
"""


class Emacs(Terminal):
    program = "Emacs"

    def mx(self, command: str) -> None:
        """`M-x COMMAND RET`."""
        self.keys("M-x")
        self.until(lambda: "M-x" in self.bottom, "the minibuffer")
        self.type(command)
        self.keys("Enter")

    @property
    def is_asking(self) -> bool:
        """The menu bar has another menu while the minibuffer waits for an answer."""
        return "Minibuf" in self.screen().split("\n", 1)[0]

    def prompt(self, text: str) -> None:
        """By a key of the person's own."""
        self.keys("C-c", "c", "p")
        self.shows("Tell Copydesk:")  # tmux leaves out spaces at the end of a line
        self.type(text)
        self.keys("Enter")


@contextmanager
def emacs(tmp_path: Path) -> Iterator[Emacs]:
    root = story.project(tmp_path)
    command = " ".join(json.dumps(word) for word in (sys.executable, "-m", "copydesk", "serve"))
    model = story.scripted(tmp_path)["model"]["name"]
    init = tmp_path / "init.el"
    init.write_text(INIT.format(package=PACKAGE, command=command, model=model), encoding="utf-8")
    environment = {
        "TERM": "screen-256color",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(SERVER),
        "COPYDESK_STATE_DIR": str(tmp_path / "state"),
        "COPYDESK_CONFIG_DIR": str(tmp_path / "state"),
        "LC_ALL": "C.UTF-8",
    }
    editor = Emacs([find_emacs(), "-nw", "-Q", "-l", str(init), "a.py"], root, environment)
    try:
        editor.shows("def area", " Copydesk ")
        yield editor
    finally:
        editor.end(lambda: editor.mx("kill-emacs"))


def test_the_story_with_real_keys(tmp_path: Path) -> None:
    editor_or_skip("tmux (tmux on PATH)", find_tmux())
    with emacs(tmp_path) as e:
        review(e)
        type_while_it_runs(e)
        cancel(e)
        answer(e)


def review(e: Emacs) -> None:
    e.prompt(story.EDIT)
    e.shows("Copydesk±2", "Both are better now.")
    e.keys("C-c", "c", "v")
    screen = e.shows("Hunk 1 of 2 in a.py: a accept, r reject", story.HUNK_1[1])
    assert re.search(r"\n! +return width \* height\n +return float\(width \* height\)\n", screen), screen
    e.keys("a")
    e.shows("Copydesk±1", "Hunk 1 of 1 in a.py", "print(total([3]))")
    e.keys("A")
    e.until(lambda: "±" not in e.screen() and "**" in e.screen(), "all accepted, nothing saved")


def type_while_it_runs(e: Emacs) -> None:
    e.prompt(story.TYPE)
    e.shows("Copydesk:1/50")
    e.keys("M->")
    for line in story.TYPED.splitlines():
        e.type(line)
        e.keys("Enter")
        time.sleep(KEY_S)
    e.shows("Copydesk±1", "# The sum of all values.", "# typed 11")
    e.mx("copydesk-accept-all")
    e.until(lambda: "±" not in e.screen() and "# The sum" in e.screen(), "accepted")
    e.mx("copydesk-undo")
    e.hides("# The sum of all values.")
    assert "# typed 11" in e.screen()


def cancel(e: Emacs) -> None:
    e.prompt(story.LONG)
    e.shows("Copydesk:1/50")
    e.mx("copydesk-cancel")
    e.shows("Copydesk: cancelled")
    e.hides("Copydesk:1/50")


def answer(e: Emacs) -> None:
    """The question takes the minibuffer when nothing was typed for a moment; C-g puts it off."""
    e.prompt(story.QUESTION)
    e.shows(f"Copydesk asks: {story.QUESTION_TEXT}", "Copydesk:asks")
    e.until(lambda: e.is_asking, "it is asked in the minibuffer")
    e.keys("C-g")
    e.until(lambda: not e.is_asking, "it is put off")
    e.shows("Copydesk:asks")
    e.mx("copydesk-answer")
    e.shows(f"Copydesk asks: {story.QUESTION_TEXT}")
    e.type(story.ANSWER)
    e.keys("Enter")
    e.shows(story.LAST_WORDS)
    e.mx("copydesk-turns")
    e.shows(f"● {story.QUESTION}", "end_turn")
