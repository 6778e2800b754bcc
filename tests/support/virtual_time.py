"""An event loop whose clock jumps to the next timer: hours of waiting pass in no time, and always in the same order."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


class _Jump(selectors.SelectSelector):
    """Waits for nothing: moves the clock instead."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everything waits and no timer is set: this would wait for ever")
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now_s


def run(work: Callable[..., Awaitable[T]], *args: Any) -> T:
    return anyio.run(work, *args, backend_options={"loop_factory": VirtualLoop})
