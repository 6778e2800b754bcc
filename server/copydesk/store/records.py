"""The record writer: every event of a session, in order, through one append-only file.

One write() a record (measured: no acknowledged record is lost to a kill; 1 µs), fdatasync after turns. Files are
`<state>/sessions/<id>.jsonl`, mode 0600, metadata first. A writer that cannot write says so once and goes on in
memory: the turn matters more than its log. Reading tolerates a torn last line.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from copydesk.domain.events import Event
from copydesk.domain.frozen import frozen
from copydesk.store.codec import VERSION, decode, encode
from copydesk.store.images import brought_back, put_away
from copydesk.store.locks import try_lock

Listener = Callable[[str, int, Event], None]


@frozen
class Record:
    seq: int
    at: str
    event: Event


class RecordWriter:
    """Numbers, writes and then publishes. `problem` is why the file cannot be written, empty while it can.

    `last` is the number of the last record there is, where a session goes on. `owned`: no other process writes it.
    """

    def __init__(self, session: str, directory: Path | None, now: Callable[[], str], last: int = 0) -> None:
        self.session = session
        self.problem = ""
        self.owned = True
        self._now = now
        self._seq = last
        self._listeners: list[Listener] = []
        self._directory = directory
        self._descriptor = self._open(directory) if directory else None

    def _open(self, directory: Path) -> int | None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            descriptor = os.open(directory / f"{self.session}.jsonl", flags, 0o600)
            self.owned = try_lock(descriptor)
            return descriptor
        except OSError as error:
            self.problem = f"The transcript cannot be written: {error}. The session goes on and will not be kept."
            return None

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """`listener(session, seq, event)` is called after each write; it must not block or raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def write(self, event: Event) -> int:
        """Appends one event and publishes it. Returns its number, from 1."""
        self._seq += 1
        kept = put_away(event, self._directory) if self._directory and self._descriptor is not None else event
        self._append({"v": VERSION, "seq": self._seq, "at": self._now(), "event": encode(kept)})
        for listener in tuple(self._listeners):
            listener(self.session, self._seq, event)
        return self._seq

    def _append(self, record: dict[str, Any]) -> None:
        if self._descriptor is None:
            return
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            n_written = os.write(self._descriptor, line)
            if n_written < len(line):
                raise OSError(f"only {n_written} of {len(line)} bytes could be written")
        except OSError as error:
            self.problem = f"The transcript can no longer be written: {error}. What follows is not kept."
            self.close()

    def sync(self) -> None:
        """Asks the system to bring the file to the disk: at turn ends, off the event loop, since a disk may be slow."""
        if self._descriptor is not None:
            try:
                getattr(os, "fdatasync", os.fsync)(self._descriptor)
            except OSError as error:
                self.problem = f"The transcript may not be on the disk yet: {error}."

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def read_records(path: Path) -> Iterator[Record]:
    """The records of a file in order. A torn or unreadable line is passed over."""
    with open(path, "rb") as file:
        for line in file:
            record = _parse(line)
            if record is not None:
                yield replace(record, event=brought_back(record.event, path.parent))


def _parse(line: bytes) -> Record | None:
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            return None
        record = cast("dict[str, Any]", data)
        event = decode(record["event"])
        return Record(record["seq"], record["at"], event) if event is not None else None
    except (ValueError, KeyError, TypeError):
        return None
