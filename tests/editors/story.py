"""The story that is played in every real editor: its files, its model's script, and what is true after each scene.

Knows no editor. A driver plays the scenes in order, in one start of the editor for each of the two models:

offline: open a.py; hover `area`; fix the unused import through the editor's own menu of actions, and see progress.
scripted: ask (`EDIT`); two hunks wait; accept one; accept the rest; see text `AFTER_REVIEW`, unsaved.
          ask (`TYPE`); type `TYPED` at the end while it runs; `AFTER_TYPING`: both are there, nothing is lost.
          undo that turn; `AFTER_UNDO`: its text is gone, what was typed is there.
          ask (`LONG`); cancel it; nothing changed.
          ask (`QUESTION`); answer `ANSWER`; the turn's last words are `LAST_WORDS`.
          ask (`RUN`); deny the command `DENIED`; allow `ALLOWED` once; the turn's last words are `RAN`.
"""

import json
from pathlib import Path
from typing import Any

SOURCE = """import os


def area(width, height):
    return width * height


def total(values):
    s = "é😀"; x = sum(values); return x


def main():
    print(area(1, 2), total([3]))


main()
"""
OTHER = "from a import area\n\nprint(area(2, 3))\n"
FIXED = SOURCE.removeprefix("import os\n\n\n")

EDIT, TYPE, LONG, QUESTION = "Name things better", "Say what total is", "Think for long", "Ask me something"
HUNK_1 = ("return width * height", "return float(width * height)")
HUNK_2 = ("print(area(1, 2), total([3]))", "print(area(1, 2))\n    print(total([3]))")
AFTER_REVIEW = SOURCE.replace(*HUNK_1).replace(*HUNK_2)
TURN_EDIT = ("def total(values):", "def total(values):\n    # The sum of all values.")
N_TYPED = 12
TYPED = "".join(f"# typed {number}\n" for number in range(N_TYPED))
AFTER_TYPING = AFTER_REVIEW.replace(*TURN_EDIT) + TYPED
AFTER_UNDO = AFTER_REVIEW + TYPED
QUESTION_TEXT, CHOICES, ANSWER = "Which one is meant?", ("the first", "the second"), "the second"
LAST_WORDS = "You chose the second."
RUN, RAN = "Run something", "It says forty-two."
DENIED, ALLOWED = "rm -rf build", "python3 -c 'import runpy; print(6 * 7)'"


def edit_file(path: str, old: str, new: str) -> str:
    return "tool: edit_file " + json.dumps({"path": path, "old_text": old, "new_text": new})


def ask_user(question: str, choices: tuple[str, ...]) -> str:
    return "tool: ask_user " + json.dumps({"question": question, "choices": list(choices)})


def shell(command: str) -> str:
    return "tool: shell " + json.dumps({"command": command})


STEPS = (
    edit_file("a.py", *HUNK_1) + "\n" + edit_file("a.py", *HUNK_2),
    "text: Both are better now.",
    "delay: 2.5\n" + edit_file("a.py", *TURN_EDIT),
    "text: Said it.",
    "delay: 90\ntext: never said",
    ask_user(QUESTION_TEXT, CHOICES),
    f"expect: {ANSWER}\ntext: {LAST_WORDS}",
    shell(DENIED),
    f"expect: the person said no\n{shell(ALLOWED)}",
    f"expect: 42\ntext: {RAN}",
)
"""Turn by turn: EDIT two steps, TYPE two, LONG one (cancelled), QUESTION two, RUN three."""
QUESTION_STEPS = STEPS[5:7]


def project(folder: Path) -> Path:
    """Makes the story's project; its folder."""
    root = folder / "proj"
    (root / ".git").mkdir(parents=True)
    (root / "a.py").write_text(SOURCE, encoding="utf-8")
    (root / "b.py").write_text(OTHER, encoding="utf-8")
    return root


def offline() -> dict[str, Any]:
    return {"model": {"name": "offline"}, "verify": {"enabled": False}}


def scripted(folder: Path) -> dict[str, Any]:
    """Settings with the story's script, which is written into `folder`."""
    script = folder / "story.script"
    script.write_text("\n--- step\n".join(STEPS), encoding="utf-8")
    return {"model": {"name": f"scripted:{script}"}, "verify": {"enabled": False}}
