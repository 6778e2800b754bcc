"""Questions about permissions and trust on a terminal: shown on stderr, answered by a letter.

Owns the reading of the answer; what it means is the services'. One question at a time; a turn that is stopped, or a
limit that is over, leaves its line. Start with `terminal_asker`.
"""

import sys
from collections.abc import Callable, Mapping
from typing import TextIO

import anyio
from anyio import to_thread

from copydesk.domain.permissions import OPTION_NAMES, PermissionOption, PermissionRequest
from copydesk.domain.ports import Question
from copydesk.services.permissions import Answer
from copydesk.services.wording import visible, whole

LETTERS: Mapping[str, PermissionOption] = {
    "y": "allow_once",
    "s": "allow_session",
    "a": "allow_always",
    "n": "reject_once",
}
ReadLine = Callable[[], str]


class TerminalAsker:
    """`services.permissions.Asker` on a terminal. `read_line` blocks; an empty text is the end of the input."""

    def __init__(self, out: TextIO, read_line: ReadLine) -> None:
        self._out = out
        self._read_line = read_line
        self._lock = anyio.Lock()
        self._is_gone = False
        """A line that nobody gave within the limit is still being read: it would answer the next question."""

    @property
    def takes_answers(self) -> bool:
        return False

    async def put(self, request: PermissionRequest) -> Answer | None:
        if self._is_gone:
            return None
        offered: dict[str, PermissionOption] = {
            letter: option for letter, option in LETTERS.items() if option in request.options
        }
        keys = ", ".join(f"{letter} = {OPTION_NAMES[option].lower()}" for letter, option in offered.items())
        async with self._lock:
            self._say(f"\n{whole(request).rstrip()}\n")
            while (line := await self._ask(f"{keys}; behind n, why not: ")) is not None:
                letter, _, reason = line.partition(" ")
                if option := offered.get(letter.lower()[:1]):
                    return Answer(option, reason.strip() if letter.lower() in ("n", "no") else "")
        return None

    async def choose(self, question: Question) -> str | None:
        """One of the choices by its number, or a line where there are none; None for anything else."""
        if self._is_gone:
            return None
        listed = "".join(f"  {number} = {choice}\n" for number, choice in enumerate(question.choices, 1))
        async with self._lock:
            self._say(f"\n{visible(question.text, keep_lines=True)}\n{listed}")
            line = await self._ask("number: " if question.choices else "> ") or ""
        if not question.choices:
            return line or None
        number = int(line) if line.isascii() and line.isdigit() else 0
        return question.choices[number - 1] if 0 < number <= len(question.choices) else None

    async def _ask(self, prompt: str) -> str | None:
        self._say(prompt)
        try:
            line = await to_thread.run_sync(self._read_line, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            self._is_gone = True
            raise
        return line.strip() if line else None

    def _say(self, text: str) -> None:
        print(text, end="", file=self._out, flush=True)


def terminal_asker() -> TerminalAsker | None:
    """None where no person is at both ends: input or messages lead elsewhere."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return TerminalAsker(sys.stderr, sys.stdin.readline)
    return None
