"""Blocking work off the event loop: stops when the call is cancelled or its time is over.

Knows no tool. Start with `in_thread`.
"""

from collections.abc import Callable
from threading import Event
from typing import TypeAlias, TypeVar

import anyio

from copydesk.domain.errors import ToolFailed

T = TypeVar("T")
ShouldStop: TypeAlias = Callable[[], bool]
LIMIT_S = 30.0


async def in_thread(work: Callable[[ShouldStop], T], *, limit_s: float = LIMIT_S) -> T:
    """Runs `work` in a worker thread. It is told to stop on cancellation or after `limit_s`, and not waited for.

    Raises `ToolFailed` when the time is over.
    """
    stop = Event()
    try:
        with anyio.fail_after(limit_s):
            return await anyio.to_thread.run_sync(work, stop.is_set, abandon_on_cancel=True)
    except TimeoutError as error:
        raise ToolFailed(
            f"It took longer than {limit_s:g} s and was stopped.", advice="Narrow it: a smaller path or pattern."
        ) from error
    finally:
        stop.set()
