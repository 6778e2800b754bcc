"""Blocking work is told to stop when the call is cancelled or its time is over, and nobody waits for it."""

from collections.abc import Callable
from threading import Event

import anyio
import pytest

from copydesk.domain.errors import ToolFailed
from copydesk.tools.threads import in_thread

LIMIT_S = 10.0


class Stubborn:
    """Runs until it is told to stop; `stopped` is set then."""

    def __init__(self) -> None:
        self.started = Event()
        self.stopped = Event()

    def __call__(self, should_stop: Callable[[], bool]) -> str:
        self.started.set()
        never = Event()
        while not should_stop():
            never.wait(0.001)
        self.stopped.set()
        return "stopped"


async def test_the_result_and_the_errors_come_through():
    assert await in_thread(lambda _: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda _: 1 // 0)


async def test_cancelled():
    work = Stubborn()
    with anyio.fail_after(LIMIT_S):
        async with anyio.create_task_group() as group:
            group.start_soon(in_thread, work)
            await anyio.to_thread.run_sync(work.started.wait, LIMIT_S)
            group.cancel_scope.cancel()
    assert work.stopped.wait(LIMIT_S)


async def test_out_of_time():
    work = Stubborn()
    with pytest.raises(ToolFailed, match=r"longer than 0\.01 s.*Narrow"):
        await in_thread(work, limit_s=0.01)
    assert work.stopped.wait(LIMIT_S)
