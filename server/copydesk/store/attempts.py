"""The log of attempts: `<state>/attempts.jsonl`, one line for each try of a model request.

Mode 0600, two files of bounded size. Written beside the turns: `add` only remembers, `tend` writes. Never a prompt, an
answer or a key: only what `domain.attempts.Attempt` has. Start with `AttemptFile.add`; `read` is for a person who asks
what went wrong.
"""

from collections import deque
from pathlib import Path

import anyio
from anyio import to_thread

from copydesk.domain.attempts import Attempt
from copydesk.egress import line_files

NAME = "attempts.jsonl"
MAX_FILE_BYTES = 1024 * 1024
MAX_WAITING = 1000
"""Attempts that wait to be written; beyond that the oldest are lost."""
GATHER_S = 0.2
"""How long what comes is gathered before it is written."""


class AttemptFile:
    """`problem`: why it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.problem = ""
        self._waiting: deque[Attempt] = deque(maxlen=MAX_WAITING)
        self._wake: anyio.Event | None = None

    def add(self, attempt: Attempt) -> None:
        self._waiting.append(attempt)
        if self._wake is not None:
            self._wake.set()

    async def tend(self) -> None:
        """Writes what comes, for as long as the server runs."""
        while True:
            self._wake = anyio.Event()
            if not self._waiting:
                await self._wake.wait()
            await anyio.sleep(GATHER_S)
            await to_thread.run_sync(self.flush)

    def flush(self) -> None:
        """Writes what waits. Blocks; never raises: a full disk must not end a turn."""
        lines = b""
        while self._waiting:
            lines += line_files.to_line(self._waiting.popleft())
        if lines:
            try:
                line_files.append(self.path, lines, MAX_FILE_BYTES)
                self.problem = ""
            except OSError as error:
                self.problem = f"The log of attempts cannot be written: {error}."

    def read(self, limit: int = 1000) -> tuple[Attempt, ...]:
        """The newest of all servers of this user, oldest first. Blocks."""
        return line_files.newest(self.path, Attempt, limit)
