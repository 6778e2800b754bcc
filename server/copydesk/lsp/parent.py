"""Notices that the editor's process is gone, so that no server is left behind.

The end of stdin usually tells; this is for clients that die while something else keeps the pipe open.
"""

import os
import sys

import anyio

CHECK_EVERY_S = 1.0


async def parent_gone(process_id: int | None, check_every_s: float = CHECK_EVERY_S) -> None:
    """Returns when the process that `initialize` names, or the one that started us, has ended.

    Never returns where neither can be known.
    """
    started_by = os.getppid()
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
