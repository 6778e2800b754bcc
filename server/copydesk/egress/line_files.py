"""Logs of one JSON object a line, in two files of bounded size, mode 0600, shared by all servers of a user.

Knows no log. A torn or unreadable line is passed over. Start with `append`.
"""

import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def to_line(record: Any) -> bytes:
    """A data class as one line."""
    return json.dumps(asdict(record), separators=(",", ":")).encode() + b"\n"


def append(path: Path, lines: bytes, max_bytes: int) -> None:
    """In one write, so that servers that share the file do not mix their lines. Raises `OSError`.

    A file of more than `max_bytes` becomes the older one, and the one before it goes.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        os.write(descriptor, lines)
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    if size > max_bytes:
        os.replace(path, older(path))


def older(path: Path) -> Path:
    """`log.jsonl` → `log.1.jsonl`."""
    return path.with_name(f"{path.stem}.1{path.suffix}")


def newest(path: Path, kind: type[T], limit: int) -> tuple[T, ...]:
    """The last records of both files, oldest first. Blocks."""
    return tuple(deque((record for each in (older(path), path) for record in _read(each, kind)), maxlen=limit))


def _read(path: Path, kind: type[T]) -> Iterator[T]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    names = {each.name for each in fields(kind)}  # pyright: ignore[reportArgumentType]  a data class, as callers have it
    for line in lines:
        try:
            data: Any = json.loads(line)
            yield kind(**{name: value for name, value in data.items() if name in names})
        except (ValueError, TypeError, AttributeError):
            continue
