"""Copies of files that share their bytes with the original where the disk can do that, and never its writes.

Links would do that too, and are not taken: a program that writes a file in place would write the original. Start with
`clone_file`.
"""

import ctypes
import os
import shutil
import sys

_FICLONE = 0x40049409


def clone_file(source: str, target: str, info: os.stat_result) -> None:
    """A copy with the mode and time of `info`; `target` is not there. Raises OSError."""
    if sys.platform == "darwin" and _cloned_by_macos(source, target):
        return
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(source, flags)
    try:
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if not _shared(number, made):
                _copied(number, made)
        finally:
            os.close(made)
    finally:
        os.close(number)
    os.chmod(target, info.st_mode & 0o777)
    os.utime(target, ns=(info.st_mtime_ns, info.st_mtime_ns))


def _shared(source: int, target: int) -> bool:
    """Btrfs, XFS and others on Linux: the blocks are one until somebody writes."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError:
        return False
    return True


def _copied(source: int, target: int) -> None:
    with open(source, "rb", closefd=False) as reading, open(target, "wb", closefd=False) as writing:
        if not _copied_by_the_kernel(source, target):
            reading.seek(0)
            writing.seek(0)
            shutil.copyfileobj(reading, writing, 1 << 20)


def _copied_by_the_kernel(source: int, target: int) -> bool:
    if not hasattr(os, "copy_file_range"):
        return False
    try:
        while os.copy_file_range(source, target, 1 << 30):
            pass
    except OSError:
        os.ftruncate(target, 0)
        return False
    return True


def _cloned_by_macos(source: str, target: str) -> bool:
    """APFS. The clone has the original's mode and times by itself; links are not followed."""
    try:
        clone = ctypes.CDLL(None, use_errno=True).clonefile
    except (OSError, AttributeError):
        return False
    return clone(os.fsencode(source), os.fsencode(target), 1) == 0
