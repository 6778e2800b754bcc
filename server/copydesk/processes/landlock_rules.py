"""What a Landlock rule set allows: the rights by version of the kernel's interface, and the folders of the system.

Landlock can only allow, never take away below what is allowed: so what is secret must not be below a folder that is
allowed. Pure, apart from reading the file system. Start with `rules_for`.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from functools import cache

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
MAKE_SOCK, MAKE_FIFO, MAKE_SYM = 1 << 9, 1 << 10, 1 << 12
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST = (1 << 13) - 1  # what version 1 knows, devices included
_TCP = 0b11  # bind and connect
_SCOPED = 0b11  # abstract sockets and signals

READ = READ_FILE | READ_DIR | EXECUTE
_CHANGE = REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER
WRITE = READ | WRITE_FILE | TRUNCATE | IOCTL_DEV | _CHANGE
DEVICE = READ_FILE | WRITE_FILE | TRUNCATE | IOCTL_DEV
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store", "/gnu/store")
SYSTEM_FACTS = ("/sys/devices/system",)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
_MAX_ENTRIES = 20_000


def version() -> int:
    """Of the kernel's interface; 0 where there is none."""
    if sys.platform != "linux":
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    found = libc.syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    return max(found, 0)


def handled(abi: int, *, tcp: bool) -> list[int]:
    """What is forbidden unless a rule allows it: rights on files, on TCP ports (none is allowed), and scopes."""
    files = _FIRST | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    masks = [files]
    if abi >= 4:
        masks.append(_TCP if tcp else 0)
    if abi >= 6:
        masks.append(_SCOPED)
    return masks


def rules_for(abi: int, rights: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Without the rights that this version does not know."""
    known = handled(abi, tcp=False)[0]
    return [(path, right & known) for path, right in rights]


def system_rights() -> list[tuple[str, int]]:
    """The system's programs and libraries, its world-readable configuration, and harmless devices."""
    rights = [(path, READ) for path in (*SYSTEM_FOLDERS, *SYSTEM_FACTS, *configuration())]
    return rights + [(path, DEVICE) for path in DEVICES]


@cache
def configuration(folder: str = "/etc") -> tuple[str, ...]:
    """The parts of /etc that anybody may read, as few paths as say it.

    Where all is readable below a folder that is the folder. Root is the owner of the keys there, so that it is not
    enough to leave it to permissions.
    """
    found: list[str] = []
    budget = [_MAX_ENTRIES]
    if _collect(folder, found, budget):
        return (folder,)
    return tuple(found)


def _collect(folder: str, found: list[str], budget: list[int]) -> bool:
    """Whether everything below is readable by anybody; if not, what is is added to `found`."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return False
    budget[0] -= len(entries)
    if budget[0] < 0:
        return False
    mine: list[str] = []
    is_whole = True
    for entry in entries:
        below: list[str] = []
        if entry.is_symlink():
            continue  # a rule would be for what it leads to, wherever that is
        if _is_readable(entry) and (not entry.is_dir(follow_symlinks=False) or _collect(entry.path, below, budget)):
            mine.append(entry.path)
        else:
            is_whole = False
            mine += below
    if not is_whole:
        found += mine
    return is_whole


def _is_readable(entry: os.DirEntry[str]) -> bool:
    try:
        mode = entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return False
    return bool(mode & stat.S_IROTH) and (not stat.S_ISDIR(mode) or bool(mode & stat.S_IXOTH))
