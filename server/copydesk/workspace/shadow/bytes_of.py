"""The bytes of a file on the disk, as they are: never through a link, never waiting for a pipe or device.

Start with `read_bytes`.
"""

import os
import stat


def read_bytes(path: str) -> bytes | None:
    """None for what is no regular file, or cannot be read."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        number = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        info = os.fstat(number)
        if not stat.S_ISREG(info.st_mode):
            return None
        data = os.read(number, info.st_size + 1)
        if len(data) == info.st_size:
            return data
        pieces = [data]
        while piece := os.read(number, 1 << 20):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(number)
