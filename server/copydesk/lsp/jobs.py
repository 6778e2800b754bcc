"""Work that a command starts and that outlives its answer.

Landing something takes the editor, and may take seconds. Emacs takes no edit while it waits for an answer, so there
the answer goes first; other editors give a command up after 10 s. Start with `Job.start`.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeAlias, TypeVar

import anyio

from copydesk.domain.errors import CopydeskError

T = TypeVar("T")
Spawn: TypeAlias = Callable[[Callable[[], Awaitable[None]]], None]

WAIT_S = 8.0
"""How long an answer waits for the work."""
ANSWER_FIRST_S = 0.05
"""How long the work waits where the answer has to be on its way before it."""


class Job(Generic[T]):
    """`error` is what the work raised for the person; `is_left`: it was answered before it was done."""

    def __init__(self) -> None:
        self.result: T | None = None
        self.error: CopydeskError | None = None
        self.is_left = False
        self._done = anyio.Event()

    def start(
        self, spawn: Spawn, work: Callable[[], Awaitable[T]], tell: Callable[["Job[T]"], None], *, late: bool
    ) -> "Job[T]":
        """As a task of the connection: cancelling the request leaves no half of it. `tell` hears of its end."""

        async def run() -> None:
            try:
                if late:
                    await anyio.sleep(ANSWER_FIRST_S)
                self.result = await work()
            except CopydeskError as error:
                self.error = error
            finally:
                self._done.set()
            tell(self)

        spawn(run)
        return self

    async def wait(self, limit_s: float | None) -> bool:
        """Whether it is done within the limit (None: however long it takes). Raises RuntimeError where it broke."""
        try:
            with anyio.move_on_after(limit_s):
                await self._done.wait()
        finally:
            self.is_left = not self._done.is_set()
        if not self.is_left and self.error is None and self.result is None:
            raise RuntimeError("the work failed; its error is in the log")
        return not self.is_left
