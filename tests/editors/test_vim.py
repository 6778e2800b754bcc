"""Vim with ALE, set up by the lines of our page on Vim: what is shown is shown, and what ALE refuses is said.

Needs Vim 9 and ALE (`vim` and `vim-ale` in Debian). The other clients of that page come from no package registry; their
lines are only read here, by Vim, for mistakes of writing (`tests/test_editor_docs.py`).
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.editors import story
from tests.editors.requirements import editor_or_skip
from tests.editors.vim import Vim, find_vim, vim
from tests.support.editor_pages import snippet

pytestmark = pytest.mark.slow
ALE = Path(os.environ.get("COPYDESK_ALE", "/usr/share/vim-ale"))
Start = Callable[[str], AbstractContextManager[Vim]]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return story.project(tmp_path)


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Start:
    program = editor_or_skip("Vim 9 with channels and popups (COPYDESK_VIM, or vim on PATH)", find_vim())
    ale = editor_or_skip("ALE (COPYDESK_ALE, or /usr/share/vim-ale)", ALE if ALE.is_dir() else None)
    lines = [
        "let g:ale_linters_explicit = 1",
        "let g:ale_linters = {'python': ['copydesk']}",
        "let g:ale_echo_cursor = 0",  # else it takes messages' place as soon as the cursor's line has a hint
        f"set rtp+={ale}",
    ]
    setup = "\n".join([*lines, "runtime plugin/ale.vim", snippet("editors/vim/README.md", "ALE", "vim")])
    return lambda model: vim(root, tmp_path / "state", setup, model, program)


def act(editor: Vim, title: str) -> None:
    """Asks for the actions and takes the one that is called so, as its number is shown."""
    editor.keys(":ALECodeAction\r")
    editor.shows("Type number and <Enter>")
    (line,) = [line for line in editor.screen().splitlines() if title in line]
    editor.keys(line.split(")")[0].strip() + "\r")


def open_first(editor: Vim, root: Path) -> None:
    """Opens the story's file and waits until the server is there."""
    editor.edit(root / "a.py")
    ready = "len(filter(values(ale#lsp#GetConnections()), {_, each -> each.initialized}))"
    editor.until(lambda: editor.value(ready) == 1, "the server is there")


def test_hover_and_an_explanation(start: Start, root: Path) -> None:
    with start("offline") as editor:
        open_first(editor, root)
        editor.run("call cursor(4, 5)")
        editor.keys(":ALEHover\r")
        editor.shows("Called by: main (line 13)")
        editor.run("only")
        act(editor, "Copydesk: Explain area")
        editor.shows("area: a function at a.py:4")


def test_a_proposal_is_shown_and_accepting_it_is_refused_aloud(start: Start, root: Path, tmp_path: Path) -> None:
    with start(story.scripted(tmp_path)["model"]["name"]) as editor:
        open_first(editor, root)
        editor.run("call cursor(2, 1)")
        editor.keys(f"O# copydesk: {story.EDIT}\x1b")
        act(editor, "Copydesk: Do what this comment asks")
        editor.shows("2 hunks in a.py wait for you")
        editor.keys("\r")
        editor.shows("Pending: −1 +1: return float(width * height)")
        editor.run("call cursor(6, 1)")
        act(editor, "Copydesk: Accept hunk")
        editor.shows("does not take workspace/applyEdit")
        editor.keys("\r")
        assert story.HUNK_1[0] in editor.text()
        assert story.HUNK_1[1] not in editor.text()
        assert (root / "a.py").read_text(encoding="utf-8") == story.SOURCE


def test_typing_while_a_turn_runs_loses_nothing(start: Start, root: Path, tmp_path: Path) -> None:
    """The proposal moves with the text that is typed above it."""
    model = tmp_path / "typing.script"
    model.write_text("\n--- step\n".join(story.STEPS[2:4]), encoding="utf-8")
    with start(f"scripted:{model}") as editor:
        open_first(editor, root)
        editor.run("call cursor(2, 1)")
        editor.keys(f"O# copydesk: {story.TYPE}\x1b")
        act(editor, "Copydesk: Do what this comment asks")
        editor.run("call cursor(1, 1)")
        editor.keys("O")
        for number in range(story.N_TYPED):
            editor.keys(f"# typed {number}\r")
            editor.until(lambda number=number: f"# typed {number}\n" in editor.text(), "a line was typed")
        editor.keys("\x1b")
        editor.shows("1 hunk in a.py waits for you")
        editor.keys("\r")
        editor.shows("Pending: +1: # The sum of all values.")
        lines = editor.text().splitlines()
        hint = [line for line in editor.screen().splitlines() if "Pending: +1" in line]
        assert lines[: story.N_TYPED] == story.TYPED.splitlines()
        assert hint[0].lstrip("-> ").startswith(("def total", 's = "'))
        rest = "\n".join(lines[story.N_TYPED :]) + "\n"
        assert rest.replace(f"# copydesk: {story.TYPE}\n", "").strip() == story.SOURCE.strip()
