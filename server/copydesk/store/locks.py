"""A lock on an open file that other processes respect, and that the system lets go when its holder dies."""

import sys


def try_lock(descriptor: int) -> bool:
    """Whether this process holds the file's lock now. Where the file system knows no locks: True."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return sys.platform != "win32"
    return True
