"""The ledger: what left the machine, as when, to whom, how much of it, its hash, and what was replaced in it.

Never the bytes themselves, never a value, and of a URL only the path. The newest entries are in memory; all of them
go to `<state>/ledger.jsonl`, one line a request, mode 0600, in two files of bounded size. Start with `Ledger.add`.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from copydesk.domain.frozen import frozen
from copydesk.egress import line_files

MAX_ENTRIES = 1000
MAX_FILE_BYTES = 2 * 1024 * 1024
NAME = "ledger.jsonl"


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
        if self.path is not None:
            try:
                line_files.append(self.path, line_files.to_line(sent), MAX_FILE_BYTES)
                self.problem = ""
            except OSError as error:
                self.problem = f"The ledger cannot be written: {error}."

    @property
    def entries(self) -> tuple[Sent, ...]:
        """Those of this process, oldest first."""
        return tuple(self._entries)

    def read(self, limit: int = MAX_ENTRIES) -> tuple[Sent, ...]:
        """The newest of all servers of this user, oldest first. Blocks."""
        return line_files.newest(self.path, Sent, limit) if self.path is not None else self.entries[-limit:]
