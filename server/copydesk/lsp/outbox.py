"""What waits to be written: a queue bounded by bytes that never makes the loop wait for a slow client.

Over `soft_limit_bytes` droppable notifications make room: a newer one replaces a waiting one with the same key, or is
dropped. Answers and everything else are always kept; over `hard_limit_bytes` the connection is given up.
Knows nothing of JSON or of what the messages mean.
"""

from collections import deque
from dataclasses import dataclass

import anyio

SOFT_LIMIT_BYTES = 4 * 1024 * 1024
HARD_LIMIT_BYTES = 64 * 1024 * 1024
BATCH_BYTES = 256 * 1024


class OutboxOverflow(Exception):
    """The client has not read for too long; the connection cannot go on."""


@dataclass(slots=True)
class _Entry:
    data: bytes
    key: str


class Outbox:
    """One producer side (`put`, never waits) and one consumer (`take`)."""

    def __init__(self, soft_limit_bytes: int = SOFT_LIMIT_BYTES, hard_limit_bytes: int = HARD_LIMIT_BYTES) -> None:
        self._soft_limit_bytes = soft_limit_bytes
        self._hard_limit_bytes = hard_limit_bytes
        self._entries: deque[_Entry] = deque()
        self._by_key: dict[str, _Entry] = {}
        self._n_bytes = 0
        self._n_dropped = 0
        self._closed = False
        self._changed = anyio.Event()
        self._empty = anyio.Event()

    @property
    def n_dropped(self) -> int:
        """Notifications dropped or replaced so far."""
        return self._n_dropped

    @property
    def n_bytes(self) -> int:
        return self._n_bytes

    @property
    def overflowing(self) -> bool:
        """True once the hard limit was passed; then nothing more is taken in."""
        return self._n_bytes > self._hard_limit_bytes

    def put(self, data: bytes, key: str = "") -> None:
        """Queues one message. A `key` says that it may be dropped, or replaced by a newer one with the same key.

        Raises `OutboxOverflow` over the hard limit.
        """
        if self._closed:
            return
        if key and self._n_bytes > self._soft_limit_bytes:
            self._replace_or_drop(data, key)
            return
        if self.overflowing:
            raise OutboxOverflow(f"{self._n_bytes} bytes wait for a client that does not read")
        self._append(_Entry(data, key))

    def _append(self, entry: _Entry) -> None:
        self._entries.append(entry)
        self._n_bytes += len(entry.data)
        if entry.key:
            self._by_key[entry.key] = entry
        self._changed.set()

    def _replace_or_drop(self, data: bytes, key: str) -> None:
        self._n_dropped += 1
        waiting = self._by_key.get(key)
        if waiting is None:
            return
        self._n_bytes += len(data) - len(waiting.data)
        waiting.data = data

    def close(self) -> None:
        """No more is taken in; `take` gives what is left and then b""."""
        self._closed = True
        self._changed.set()

    async def take(self) -> bytes:
        """The next batch of whole messages; b"" when closed and empty. They count as waiting until `written`."""
        while not self._entries:
            if self._closed:
                return b""
            self._changed = anyio.Event()
            await self._changed.wait()
        batch: list[bytes] = []
        n_batch = 0
        while self._entries and n_batch < BATCH_BYTES:
            entry = self._entries.popleft()
            if self._by_key.get(entry.key) is entry:
                del self._by_key[entry.key]
            batch.append(entry.data)
            n_batch += len(entry.data)
        return b"".join(batch)

    def written(self, n_bytes: int) -> None:
        self._n_bytes -= n_bytes
        if not self._n_bytes:
            self._empty.set()

    async def emptied(self) -> None:
        """Waits until everything taken in was written. The caller sets the limit."""
        while self._n_bytes:
            self._empty = anyio.Event()
            await self._empty.wait()
