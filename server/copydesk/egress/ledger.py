"""The ledger: what left the machine, as when, to whom, how much of it, its hash, and what was replaced in it.

Never the bytes themselves, never a value, and of a URL only the path. The newest entries are in memory; all of them
go to `<state>/ledger.jsonl`, one line a request, mode 0600, in two files of bounded size. Start with `Ledger.add`.
"""

import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import asdict, field, fields
from pathlib import Path
from typing import Any

from copydesk.domain.frozen import frozen

MAX_ENTRIES = 1000
MAX_FILE_BYTES = 2 * 1024 * 1024
"""A larger file becomes the older one, and the one before it goes."""
NAME = "ledger.jsonl"
OLDER = "ledger.1.jsonl"


@frozen
class Sent:
    """One request. `when` is UTC, RFC 3339; `status` is 0 when no answer came; `what` is its method and path.

    `replaced` counts the placeholders that stood in it, by kind.
    """

    when: str
    host: str
    n_bytes: int
    sha256: str
    status: int
    what: str = ""
    replaced: Mapping[str, int] = field(default_factory=dict[str, int])


_FIELDS = frozenset(each.name for each in fields(Sent))


class Ledger:
    """`folder` is the state directory; None keeps entries in memory only. `problem`: why they cannot be written."""

    def __init__(self, folder: Path | None = None, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: deque[Sent] = deque(maxlen=max_entries)
        self._folder = folder
        self.problem = ""

    @property
    def path(self) -> Path | None:
        return self._folder / NAME if self._folder else None

    def add(self, sent: Sent) -> None:
        """Never raises: what was sent is sent, and a disk that is full must not end a turn."""
        self._entries.append(sent)
        if self._folder is not None:
            try:
                _append(self._folder, json.dumps(asdict(sent), separators=(",", ":")).encode() + b"\n")
                self.problem = ""
            except OSError as error:
                self.problem = f"The ledger cannot be written: {error}."

    @property
    def entries(self) -> tuple[Sent, ...]:
        """Those of this process, oldest first."""
        return tuple(self._entries)

    def read(self, limit: int = MAX_ENTRIES) -> tuple[Sent, ...]:
        """The newest of all servers of this user, oldest first. Blocks."""
        if self._folder is None:
            return self.entries[-limit:]
        found = deque((sent for name in (OLDER, NAME) for sent in _read(self._folder / name)), maxlen=limit)
        return tuple(found)


def _append(folder: Path, line: bytes) -> None:
    """One write a line, so that servers that share the file do not mix theirs."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / NAME
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        os.write(descriptor, line)
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    if size > MAX_FILE_BYTES:
        os.replace(path, folder / OLDER)


def _read(path: Path) -> Iterator[Sent]:
    """A torn or unreadable line is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            data: Any = json.loads(line)
            yield Sent(**{name: value for name, value in data.items() if name in _FIELDS})
        except (ValueError, TypeError, AttributeError):
            continue
