"""The story in a real Helix, which has no plug-ins: everything by code actions, commands and prompt documents."""

import re
import sys
import time
from pathlib import Path

import pytest

from tests.editors import story
from tests.editors.helix import Helix, find_helix, helix
from tests.editors.requirements import editor_or_skip
from tests.editors.terminal import find_tmux

pytestmark = pytest.mark.slow

PROGRESS = "step 1"
DIALOG_S = 0.5
KEY_S = 0.1
"""Between two lines that are typed, so that the turn ends meanwhile."""


@pytest.fixture(params=["COPYDESK_HELIX", "COPYDESK_HELIX_NEW"])
def program(request: pytest.FixtureRequest) -> str:
    """The Helix of a stable system, and a newer one where there is one."""
    editor_or_skip("tmux (tmux on PATH)", find_tmux())
    found = find_helix(request.param)
    if request.param == "COPYDESK_HELIX_NEW":
        return found or pytest.skip("no newer Helix: COPYDESK_HELIX_NEW is not set")
    return editor_or_skip("Helix (COPYDESK_HELIX, or hx on PATH)", found)


def test_hover_and_fix(program: str, tmp_path: Path) -> None:
    root = story.project(tmp_path)
    with helix(root, tmp_path / "hx", story.offline(), program) as hx:
        hx.at(4, 5)
        hx.type(" k")
        hx.shows("function area", "Called by: main")
        hx.at(1)
        hx.choose("Copydesk: Fix problems")
        hx.says("waits for you")
        hx.choose("Copydesk: Accept all")
        hx.open("a.py")  # since 25.07 a long answer is shown, as a document
        hx.until_text(story.FIXED)
        assert (root / "a.py").read_text(encoding="utf-8") == story.SOURCE, "nothing is saved unasked"


def test_the_scripted_scenes(program: str, tmp_path: Path) -> None:
    root = story.project(tmp_path)
    with helix(root, tmp_path / "hx", story.scripted(tmp_path), program) as hx:
        review(hx)
        assert (root / "a.py").read_text(encoding="utf-8") == story.SOURCE, "nothing is saved unasked"
        type_while_it_runs(hx)
        cancel(hx)
        answer(hx)
        permit(hx)


def review(hx: Helix) -> None:
    ask(hx, story.EDIT)
    hx.until(lambda: hx.screen().count("●") == 2, "two hunks are marked")
    hx.at(5)
    hx.choose("Copydesk: Accept hunk")
    hx.shows(story.HUNK_1[1])
    hx.until(lambda: hx.screen().count("●") == 1, "one hunk is left")
    hx.choose("Copydesk: Accept all")
    hx.until_text(story.AFTER_REVIEW)


def type_while_it_runs(hx: Helix) -> None:
    ask(hx, story.TYPE, until=PROGRESS)
    hx.type("geo")  # a line below the last
    for number, line in enumerate(story.TYPED.splitlines()):
        if number:
            hx.keys("Enter")
        for key in line.removeprefix("# ") if number else line:  # Helix goes on with a comment by itself
            hx.type(key)  # one by one: of a burst Helix 25.01 may send the changes in another order
        time.sleep(KEY_S)
    hx.escape()
    hx.until(lambda: hx.screen().count("●") == 1, "a hunk waits")
    hx.choose("Copydesk: Accept all")
    hx.until_text(story.AFTER_TYPING)
    hx.workspace_command("copydesk.undo")
    hx.says("done in a.py, not saved")
    hx.until_text(story.AFTER_UNDO)


def cancel(hx: Helix) -> None:
    ask(hx, story.LONG, until=PROGRESS)
    hx.workspace_command("copydesk.cancel")
    hx.says("ancelled")
    hx.until_text(story.AFTER_UNDO)


def answer(hx: Helix) -> None:
    ask(hx, story.QUESTION, until=story.QUESTION_TEXT)
    hx.choose(f"Copydesk: {story.ANSWER}")
    hx.says(story.LAST_WORDS)


def permit(hx: Helix) -> None:
    """Typing has just ended, so that the first is asked by code actions; the second may come as a dialog."""
    ask(hx, story.RUN, until=f"asks to run: {story.DENIED}")
    hx.choose("Copydesk: Deny (rm")
    hx.shows("asks to run: python3")
    time.sleep(DIALOG_S)
    if re.search(r"^\W*Allow once\W*$", hx.screen(), re.MULTILINE):
        hx.keys("Down", "Enter")  # Deny is chosen already: Enter alone allows nothing
    else:
        hx.choose("Copydesk: Allow once (python3")
    hx.says(story.RAN)


def test_a_dialog_and_a_command_with_an_argument(program: str, tmp_path: Path) -> None:
    if program != find_helix("COPYDESK_HELIX_NEW"):
        pytest.skip("Helix before 25.07 has neither")
    root = story.project(tmp_path)
    script = tmp_path / "question.script"
    script.write_text("\n--- step\n".join(story.QUESTION_STEPS), encoding="utf-8")
    with helix(root, tmp_path / "hx", {"model": {"name": f"scripted:{script}"}}, program) as hx:
        hx.workspace_command("copydesk.ask", f'{{"text": "{story.QUESTION}"}}')
        hx.shows(story.QUESTION_TEXT, story.ANSWER)
        hx.keys("Down", "Enter")  # the first is chosen already
        hx.says(story.LAST_WORDS)


def test_beside_another_server(program: str, tmp_path: Path) -> None:
    """Helix asks both for actions, and tells each the problems that the other has found."""
    root = story.project(tmp_path)
    command = f'[language-server.second]\ncommand = "{sys.executable}"\nargs = ["-m", "ruff", "server"]\n'
    with helix(root, tmp_path / "hx", story.offline(), program, second=command) as hx:
        hx.until(lambda: hx.screen().count("●") >= 1, "the other server's problems")
        hx.at(1, 8)
        hx.type(" a")
        screen = hx.shows("Copydesk: Fix", "Ruff")
        assert "imported but unused" in screen[screen.index("Copydesk: Fix") :]
        hx.choose("Copydesk: Fix")
        hx.says("waits for you")
        hx.choose("Copydesk: Accept all")
        hx.open("a.py")
        hx.until_text(story.FIXED)


def ask(hx: Helix, text: str, *, until: str = "") -> None:
    """As somebody does with no box to type in: a prompt document, and its code action.

    `until`: what the line of messages says before the prompt document is closed. Helix clears that line at the next
    key, and drops what comes while its command line is open.
    """
    hx.workspace_command("copydesk.prompt")
    hx.until(lambda: "prompt-" in hx.bottom, "the prompt document, or where it is")
    if found := re.search(r"Write in (\S+prompt-\d+\.md)", hx.bottom):  # before 25.07 it shows no documents itself
        hx.open(found.group(1))
    hx.type("ge")
    hx.type("o")
    hx.type(text)
    hx.choose("Copydesk: Send")
    if until:
        hx.says(until)
    hx.command("buffer-close!")
