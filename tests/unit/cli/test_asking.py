"""Permission questions on a terminal: what is shown, and what each answer means."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from copydesk.cli.asking import TerminalAsker
from copydesk.domain.permissions import PermissionRequest
from copydesk.domain.ports import Question
from copydesk.services.permissions import Answer

REQUEST = PermissionRequest(
    "p1", "s1", "t1", "shell", "execute", "execute", "Run make", command="make \x1b[2Kall", level="medium",
    reason="It runs the project's own code.", remember=("Bash(make all)",),
    options=("allow_once", "allow_session", "allow_always", "reject_once"),
)  # fmt: skip


def asker(*lines: str) -> tuple[TerminalAsker, io.StringIO]:
    out, given = io.StringIO(), iter(lines)
    return TerminalAsker(out, lambda: next(given, "")), out


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("y", Answer("allow_once")),
        ("Yes", Answer("allow_once")),
        ("s", Answer("allow_session")),
        ("always", Answer("allow_always")),
        ("n", Answer("reject_once")),
        ("no not on this branch", Answer("reject_once", "not on this branch")),
    ],
)
async def test_answers(line: str, answer: Answer) -> None:
    terminal, out = asker(line + "\n")
    assert await terminal.put(REQUEST) == answer
    shown = out.getvalue()
    assert "make \\e[2Kall" in shown, "nothing of the command reaches the terminal as a control"
    assert "Medium risk: It runs the project's own code." in shown
    assert "Bash(make all)" in shown


async def test_enter_alone_and_nonsense_ask_again_and_the_end_is_no_answer() -> None:
    terminal, out = asker("\n", "what?\n", "")
    assert await terminal.put(REQUEST) is None
    assert out.getvalue().count("y = allow once") == 3


async def test_what_is_not_offered_is_no_answer() -> None:

    terminal, out = asker("a\n", "n\n")
    assert await terminal.put(replace(REQUEST, options=("allow_once", "reject_once"))) == Answer("reject_once")
    assert "a = always" not in out.getvalue()


async def test_free_text() -> None:
    assert await asker("because\n")[0].choose(Question("Why?")) == "because"
    assert await asker("\n")[0].choose(Question("Why?")) is None


def lines() -> Iterator[str]:
    yield from ("2", "0", "x", "")


async def test_a_choice_by_its_number() -> None:
    question = Question("Do you trust it?", ("Trust", "Do not"))
    chosen = [await asker(line + "\n")[0].choose(question) for line in lines()]
    assert chosen == ["Do not", None, None, None]
