"""Notices that the editor's process is gone, so that no server is left behind.

The end of stdin usually tells; this is for clients that die while something else keeps the pipe open.
"""

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import anyio

CHECK_EVERY_S = 1.0


async def parent_gone(process_id: int | None, check_every_s: float = CHECK_EVERY_S) -> None:
    """Returns when the process that `initialize` names, or the one that started us, has ended.

    At once where the system tells (Linux), else within `check_every_s`. Never returns where neither can be known.
    """
    started_by = os.getppid()
    with ExitStack() as handles:
        try:
            ends = [_end_of(pid, handles) for pid in (process_id, started_by)]
        except ProcessLookupError:
            return
        async with anyio.create_task_group() as group:

            async def first(wait: Callable[[], Awaitable[None]]) -> None:
                await wait()
                group.cancel_scope.cancel()

            for end in filter(None, ends):
                group.start_soon(first, end)
            group.start_soon(first, lambda: _noticed(process_id, started_by, check_every_s))


def _end_of(pid: int | None, handles: ExitStack) -> Callable[[], Awaitable[None]] | None:
    """What waits for the end of a process; None where the system does not tell it. Raises ProcessLookupError."""
    if sys.platform != "linux" or pid is None or pid <= 0:
        return None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except (OSError, OverflowError):  # an old kernel, a filter of system calls, no process's number
        return None
    handles.callback(os.close, handle)
    return lambda: anyio.wait_readable(handle)


async def _noticed(process_id: int | None, started_by: int, check_every_s: float) -> None:
    while True:
        await anyio.sleep(check_every_s)
        if process_id is not None and not is_alive(process_id):
            return
        if sys.platform != "win32" and os.getppid() != started_by:
            return


def is_alive(process_id: int) -> bool:
    if process_id <= 0:
        return True  # a group or nonsense: nothing can be said, so nothing is ended
    return _is_alive_windows(process_id) if sys.platform == "win32" else _is_alive_posix(process_id)


def _is_alive_posix(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True  # it is there but not ours; or no such number can be
    return True


def _is_alive_windows(process_id: int) -> bool:
    import ctypes

    synchronize, timed_out = 0x0010_0000, 0x0000_0102
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAttributeAccessIssue]  # Windows only
    handle = kernel.OpenProcess(synchronize, False, process_id)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # Windows only
    if not handle:
        return False
    try:
        return kernel.WaitForSingleObject(handle, 0) == timed_out  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # Windows only
    finally:
        kernel.CloseHandle(handle)  # pyright: ignore[reportUnknownMemberType]  # Windows only
