"""What a command did to version control in its shadow, told: it has no effect, and which tool has one.

A refreshed index and written objects mean nothing by themselves; HEAD, branches, tags, the list of what is staged,
settings and hooks do. Start with `change_in`.
"""

import os
import stat
import struct

from copydesk.workspace.shadow.bytes_of import read_bytes
from copydesk.workspace.shadow.git_settings import tamed
from copydesk.workspace.shadow.layers import is_opaque, is_whiteout

_MEANINGLESS = frozenset(
    {"objects", "logs", "FETCH_HEAD", "ORIG_HEAD", "COMMIT_EDITMSG", "gc.log", "gc.pid", "index.lock", "description"}
)
_MOST_ENTRIES = 50_000
_ENTRY = struct.Struct(">40x20sH")
_EXTENDED = 0x4000

NOTE = (
    "What the command did to version control ({}) had no effect on the real repository. Use git_add, git_commit or "
    "git_branch for that."
)


def change_in(upper: str, real: str) -> str:
    """Which part of a repository differs by meaning: "HEAD", "index"…; '' where none does. Both are `.git` folders."""
    try:
        info = os.lstat(upper)
    except OSError:
        return ""
    name = os.path.basename(real)
    if is_whiteout(info):
        return name if os.path.lexists(real) else ""
    if not stat.S_ISDIR(info.st_mode):
        return "" if read_bytes(upper) == read_bytes(real) else name
    if is_opaque(upper) and os.path.isdir(real):
        return name
    return _change_below(upper, real, "") if os.path.isdir(real) else name


def _change_below(upper: str, real: str, prefix: str) -> str:
    for name in sorted(os.listdir(upper)):
        here = prefix + name
        if here in _MEANINGLESS or name.endswith(".lock"):
            continue
        path, other = os.path.join(upper, name), os.path.join(real, name)
        info = os.lstat(path)
        if stat.S_ISDIR(info.st_mode):
            found = _change_below(path, other, f"{here}/")
        elif is_whiteout(info):
            found = here if os.path.lexists(other) else ""
        elif here == "config":
            found = "" if _is_same_config(read_bytes(path), read_bytes(other)) else "config"
        elif here == "index":
            found = "" if _is_same_index(read_bytes(path), read_bytes(other)) else "index"
        else:
            found = "" if read_bytes(path) == read_bytes(other) else here
        if found:
            return found
    return ""


def _is_same_config(new: bytes | None, old: bytes | None) -> bool:
    """Whether it is the real one, or what the view of an untrusted folder had in its place."""
    return new == old or (old is not None and new == tamed(old))


def _is_same_index(new: bytes | None, old: bytes | None) -> bool:
    if new is None or old is None or new == old:
        return new == old
    if new[:12] != old[:12]:
        return False
    listed, before = _staged(new), _staged(old)
    return listed is None or before is None or listed == before


def _staged(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """Names with their object and flags; None for an index that is not read here (newer, or very large)."""
    signature, version, count = struct.unpack_from(">4sII", data)
    if signature != b"DIRC" or version not in (2, 3) or count > _MOST_ENTRIES:
        return None
    found: list[tuple[bytes, bytes]] = []
    at = 12
    try:
        for _ in range(count):
            _, flags = _ENTRY.unpack_from(data, at)
            start = at + (64 if flags & _EXTENDED else 62)
            end = data.index(b"\0", start)
            found.append((data[start:end], data[at + 24 : at + 28] + data[at + 40 : at + 62]))
            at += (end - at + 8) // 8 * 8
    except (struct.error, ValueError):
        return None
    return found
