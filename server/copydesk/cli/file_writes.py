"""Several writes to the disk as one: each is done whole, and all are taken back when one of them fails.

Knows bytes and paths, nothing of texts or edits. Files are replaced by rename, so that a crash leaves the old bytes
or the new ones; mode and owner are kept. A file with several names, or in a folder that takes no new entries, is
written in place. Start with `FileWrites`.
"""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class FileWrites:
    """Use as a context manager: an error inside takes back what was done, in reverse order."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []
        self._after: list[Callable[[], object]] = []

    def __enter__(self) -> "FileWrites":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        steps = self._after if kind is None else self._undo[::-1]
        for step in steps:
            with suppress(OSError):
                step()

    def replace(self, path: Path, old: bytes, new: bytes) -> None:
        """Writes `new` to the file that `path` leads to and that holds `old`."""
        target = path.resolve()
        self._undo.append(lambda: write_file(target, old))
        write_file(target, new)

    def create(self, path: Path, data: bytes) -> None:
        """A new file, and the folders it needs. Raises FileExistsError where something stands."""
        self._make_folders(path.parent)
        with open(path, "xb") as file:
            self._undo.append(path.unlink)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def move(self, source: Path, destination: Path) -> None:
        self._make_folders(destination.parent)
        os.replace(source, destination)
        self._undo.append(lambda: os.replace(destination, source))

    def delete(self, path: Path) -> None:
        """Puts the file aside; it goes when everything else is done."""
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(descriptor)
        try:
            os.replace(path, aside)
        except BaseException:
            os.unlink(aside)
            raise
        self._undo.append(lambda: os.replace(aside, path))
        self._after.append(lambda: os.unlink(aside))

    def _make_folders(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        self._undo += [each.rmdir for each in missing[::-1]]


def write_file(target: Path, data: bytes) -> None:
    """Replaces the bytes of a file that is there; `target` is no link."""
    info = target.stat()
    if info.st_nlink > 1 or not os.access(target.parent, os.W_OK | os.X_OK):
        _write_in_place(target, data)
        return
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if hasattr(os, "chown"):
            with suppress(OSError):
                os.chown(temporary, info.st_uid, info.st_gid)
        os.chmod(temporary, info.st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _write_in_place(target: Path, data: bytes) -> None:
    with open(target, "r+b") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
