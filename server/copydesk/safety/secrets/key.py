"""The key under which placeholders are made: random, this user's alone, the same for every server of theirs.

Kept as `placeholder.key` in the state directory, mode 0600. Where it cannot be kept, placeholders hold as long as the
process. Start with `load_key`.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

N_BYTES = 32
NAME = "placeholder.key"


def load_key(state: Path) -> bytes:
    """The key of this state directory, made if there is none. Two servers that start at once take the same."""
    path = state / NAME
    fresh = secrets.token_bytes(N_BYTES)
    try:
        if (key := _read(path)) is not None:
            return key
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = state / f".{NAME}.{secrets.token_hex(6)}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(fresh)
        try:
            _keep(beside, path)
        finally:
            with suppress(OSError):
                beside.unlink()
        return _read(path) or fresh
    except OSError:
        return fresh


def _keep(beside: Path, path: Path) -> None:
    """Whole or not at all, and never over one that is there: a name that is taken is the other server's key."""
    with suppress(FileExistsError):
        os.link(beside, path)
        return
    if _read(path) is None:  # half a file: an older program's, or a disk's that was full
        os.replace(beside, path)


def _read(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == N_BYTES else None
