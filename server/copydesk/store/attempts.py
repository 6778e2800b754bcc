"""The log of attempts: `<state>/attempts.jsonl`, one line for each try of a model request.

Mode 0600, two files of bounded size. Written beside the turns: `add` only remembers, `tend` writes. Never a prompt, an
answer or a key: only what `domain.attempts.Attempt` has. Start with `AttemptFile.add`; `read` is for a person who asks
what went wrong.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from copydesk.domain.attempts import Attempt

NAME = "attempts.jsonl"
OLDER = "attempts.1.jsonl"
MAX_FILE_BYTES = 1024 * 1024
"""A larger file becomes the older one, and the one before it goes."""
MAX_WAITING = 1000
"""Attempts that wait to be written; beyond that the oldest are lost."""
GATHER_S = 0.2
"""How long what comes is gathered before it is written."""
_FIELDS = frozenset(each.name for each in fields(Attempt))


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
            lines += json.dumps(asdict(self._waiting.popleft()), separators=(",", ":")).encode() + b"\n"
        if lines:
            try:
                _append(self.path, lines)
                self.problem = ""
            except OSError as error:
                self.problem = f"The log of attempts cannot be written: {error}."

    def read(self, limit: int = 1000) -> tuple[Attempt, ...]:
        """The newest of all servers of this user, oldest first. Blocks."""
        files = (self.path.with_name(OLDER), self.path)
        return tuple(deque((attempt for path in files for attempt in _read(path)), maxlen=limit))


def _append(path: Path, lines: bytes) -> None:
    """One write, so that servers that share the file do not mix their lines."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        os.write(descriptor, lines)
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    if size > MAX_FILE_BYTES:
        os.replace(path, path.with_name(OLDER))


def _read(path: Path) -> Iterator[Attempt]:
    """A torn or unreadable line is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            data: Any = json.loads(line)
            yield Attempt(**{name: value for name, value in data.items() if name in _FIELDS})
        except (ValueError, TypeError, AttributeError):
            continue
