"""Exact counts by tiktoken, in a process of its own that lives only while it is needed.

Counting is asked for and never waited for: until the answer is there, and when none comes, the estimate stands. Owns
the queue, its bound, and the worker. Knows no messages. Start with `Exact.ask`.
"""

import os
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from copydesk.domain.errors import ToolFailed
from copydesk.models.tokens.tables import Tables

if TYPE_CHECKING:
    from copydesk.processes.workers import Worker

MAX_QUEUED: Final = 4_096
MAX_QUEUED_CHARS: Final = 16 * 1024 * 1024
BATCH_CHARS: Final = 512 * 1024
MAX_CHARS: Final = 4 * 1024 * 1024
"""The texts of one message; longer ones keep their estimate."""
DELAY_S: Final = 1.0
"""From the first question to the start of the worker: a turn's first second is not for counting."""
LIMIT_S: Final = 20.0
IDLE_S: Final = 60.0
"""The worker ends when it was asked nothing for so long, and gives back some 100 MB."""
PAUSE_S: Final = 300.0
"""After a failure the worker is left alone for so long."""

Take = Callable[[Sequence[int]], None]


@dataclass(slots=True)
class _Asked:
    encoding: str
    texts: Sequence[str]
    take: Take
    n_chars: int


class Exact:
    """Close it with `aclose`; run `tend` in a task."""

    def __init__(self, tables: Tables, worker: "Callable[[], Worker] | None" = None, delay_s: float = DELAY_S) -> None:
        self._tables = tables
        self._make = worker or _worker
        self._worker: Worker | None = None
        self._queue: deque[_Asked] = deque()
        self._n_chars = 0
        self._asked: anyio.Event | None = None
        self._delay_s = delay_s

    def has(self, encoding: str) -> bool:
        """Whether its table is on this machine. Quick."""
        return bool(encoding) and self._tables.find(encoding) is not None

    def ask(self, encoding: str, texts: Sequence[str], take: Take) -> None:
        """Has `take` told the counts of these texts, later or never."""
        n_chars = sum(map(len, texts))
        if not 0 < n_chars <= MAX_CHARS:
            return
        while self._queue and (len(self._queue) >= MAX_QUEUED or self._n_chars + n_chars > MAX_QUEUED_CHARS):
            self._n_chars -= self._queue.popleft().n_chars
        self._queue.append(_Asked(encoding, texts, take, n_chars))
        self._n_chars += n_chars
        if self._asked is not None:
            self._asked.set()

    @property
    def n_waiting_chars(self) -> int:
        """How much waits to be counted."""
        return self._n_chars

    async def tend(self) -> None:
        """For a task of its owner, without end."""
        async with anyio.create_task_group() as group:
            while True:
                self._asked = anyio.Event()
                if not self._queue:
                    await self._asked.wait()
                await anyio.sleep(self._delay_s)
                if self._worker is None:
                    self._worker = self._make()
                    group.start_soon(self._worker.tend, IDLE_S)
                while self._queue:
                    if not await self._count(self._worker, self._batch()):
                        await anyio.sleep(PAUSE_S)

    async def aclose(self) -> None:
        if self._worker is not None:
            await self._worker.aclose()

    def _batch(self) -> list[_Asked]:
        """Some of what waits, of one encoding."""
        batch = [self._queue.popleft()]
        n_chars = batch[0].n_chars
        while self._queue and self._queue[0].encoding == batch[0].encoding and n_chars < BATCH_CHARS:
            n_chars += self._queue[0].n_chars
            batch.append(self._queue.popleft())
        self._n_chars -= n_chars
        return batch

    async def _count(self, worker: "Worker", batch: list[_Asked]) -> bool:
        """Whether the worker is well. A table that is not what it should be is no fault of its."""
        from copydesk.processes.workers import WorkerLost, WorkerTimeout

        table, path = self._tables.table(batch[0].encoding), self._tables.find(batch[0].encoding)
        if table is None or path is None:
            return True
        question = {
            "encoding": table.name,
            "path": str(path),
            "sha256": table.sha256,
            "texts": [text for asked in batch for text in asked.texts],
        }
        try:
            answer = await worker.request(lambda _: question, timeout_s=LIMIT_S)
        except (WorkerLost, WorkerTimeout):
            return False
        except ToolFailed:
            self._tables.refuse(path)
            return True
        self._hand_out(batch, answer)
        return True

    def _hand_out(self, batch: list[_Asked], answer: Mapping[str, Any]) -> None:
        counts: list[int] = answer["counts"]
        at = 0
        for asked in batch:
            asked.take(counts[at : at + len(asked.texts)])
            at += len(asked.texts)


def worker_command() -> list[str]:
    # -P: neither the working directory nor a project can put modules in front of ours.
    return [sys.executable, "-P", "-s", "-m", "copydesk.models.tokens.worker"]


def worker_environment() -> dict[str, str]:
    from copydesk.processes.environment import minimal_env

    return minimal_env({"PYTHONPATH": os.fspath(Path(__file__).parents[3]), "PYTHONIOENCODING": "utf-8"})


def _worker() -> "Worker":
    from copydesk.processes.workers import Worker

    return Worker(worker_command(), env=worker_environment(), cwd=tempfile.gettempdir(), name="token counter")
