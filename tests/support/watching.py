"""What the kernel saw happen in a folder: everything but reads, by inotify. For proofs that nothing was written."""

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WRITES = {
    0x2: "modify", 0x4: "attrib", 0x8: "close_write", 0x40: "moved_from", 0x80: "moved_to", 0x100: "create",
    0x200: "delete", 0x400: "delete_self", 0x800: "move_self",
}  # fmt: skip
_HEAD = struct.Struct("iIII")


@contextmanager
def watched(folder: Path) -> Iterator[list[str]]:
    """The list is filled when the block ends: `modify a/b.txt` and so on."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = libc.inotify_init1(os.O_NONBLOCK)
    assert number >= 0, os.strerror(ctypes.get_errno())
    names: dict[int, str] = {}
    for base, folders, _ in os.walk(folder):
        folders[:] = [each for each in folders if not os.path.islink(os.path.join(base, each))]
        watch = libc.inotify_add_watch(number, os.fsencode(base), sum(_WRITES))
        assert watch >= 0, os.strerror(ctypes.get_errno())
        names[watch] = os.path.relpath(base, folder)
    seen: list[str] = []
    try:
        yield seen
        seen += _events(number, names)
    finally:
        os.close(number)


def _events(number: int, names: dict[int, str]) -> Iterator[str]:
    while True:
        try:
            data = os.read(number, 1 << 20)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEAD.unpack_from(data, at)
            name = data[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0").decode()
            kinds = "+".join(word for bit, word in _WRITES.items() if mask & bit) or hex(mask)
            yield f"{kinds} {os.path.join(names.get(watch, '?'), name)}"
            at += _HEAD.size + length
