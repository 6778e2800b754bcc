"""Small files that are replaced as a whole: a kill leaves the old one or the new one. Only their owner reads them."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def replace_page(path: Path, data: bytes) -> None:
    """Writes `data` as the file, mode 0600, making its folder. Raises OSError, and then leaves nothing beside it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise
