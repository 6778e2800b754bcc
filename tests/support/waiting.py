"""Waiting for what sets no event of ours: another task's file, another server's count. Start with `until`."""

from collections.abc import Callable

import anyio


async def until(is_so: Callable[[], object], limit_s: float = 5.0) -> None:
    """Returns once it is so; raises `TimeoutError` when that takes too long."""
    with anyio.fail_after(limit_s):
        while not is_so():  # noqa: ASYNC110  # nothing that a test could wait on is set by it
            await anyio.sleep(0.005)
