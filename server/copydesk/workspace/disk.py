"""The bottom of the chain: files as they are on disk, read whole, within limits, never blocking on a device.

Knows nothing of editors, roots or ignore rules. Every failure is a `WorkspaceError` that names the path.
"""

import errno
import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress

from copydesk.domain.errors import (
    BinaryFile,
    FileTooLarge,
    MissingFile,
    UnknownEncoding,
    UnreadableFile,
    WorkspaceError,
)
from copydesk.domain.ports import Entry, FileHandle
from copydesk.text.encodings import BinaryError, Decoded, UndecodableError, decode
from copydesk.text.hashing import content_hash
from copydesk.workspace.editorconfig import charset_of
from copydesk.workspace.uris import child, normalise, to_path

LIMIT_BYTES = 16 * 1024 * 1024
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}
_ENCODING_ADVICE = (
    "Nothing was changed. Save it as UTF-8, or name its encoding: in a coding line at its top, or as charset in an "
    ".editorconfig file."
)
_SEARCH_ADVICE = "Use grep or glob to find other places."


class Disk:
    """A `FileSource`. Stateless: every call looks at the disk anew."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes

    def read(self, uri: str) -> FileHandle:
        """Raises MissingFile, UnreadableFile, FileTooLarge, BinaryFile or UnknownEncoding."""
        path = _path(uri)
        data = self._bytes(path)
        try:
            text, encoding, bom = decoded(path, data)
        except BinaryError as error:
            raise BinaryFile(f"{path!r} is not text: {error}.", advice=_SEARCH_ADVICE) from error
        except UndecodableError as error:
            raise UnknownEncoding(f"{path!r} cannot be read: {error}.", advice=_ENCODING_ADVICE) from error
        return FileHandle(normalise(uri), text, content_hash(text), encoding, bom)

    def read_bytes(self, uri: str) -> bytes:
        """The bytes of a regular file within the limit. Raises MissingFile, UnreadableFile or FileTooLarge."""
        return self._bytes(_path(uri))

    def text(self, uri: str) -> str:
        """Only the text: no hash. For searches, which read much and keep nothing."""
        path = _path(uri)
        try:
            return decoded(path, self._bytes(path), is_searched=True).text
        except ValueError as error:
            raise BinaryFile(f"{path!r} is not text: {error}.") from error

    def raw(self, path: str) -> bytes:
        """The bytes at a path that a walk has just found. Raises OSError, and ValueError for what no search reads.

        Looks at the open file only, which is half of the system calls that `read` makes.
        """
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            info = os.fstat(number)
            if not stat.S_ISREG(info.st_mode) or info.st_size > self._limit_bytes:
                raise ValueError(path)
            return os.read(number, info.st_size)
        finally:
            os.close(number)

    def exists(self, uri: str) -> bool:
        """Whether there is anything at the path, a dangling link included."""
        path = to_path(uri)
        try:
            return path is not None and os.path.lexists(path)
        except ValueError:
            return False

    def children(self, uri: str) -> Iterable[Entry]:
        path = _path(uri)
        try:
            with os.scandir(path) as entries:
                found = sorted((entry.name, _is_dir(entry)) for entry in entries)
        except OSError as error:
            raise _translated(error, path) from error
        base = normalise(uri)
        return [Entry(name, child(base, name), is_dir) for name, is_dir in found]

    def make_folder_for(self, uri: str) -> None:
        """The folder that a file is about to be saved in. Where it cannot be made, saving will say why."""
        with suppress(OSError, ValueError, WorkspaceError):
            os.makedirs(os.path.dirname(_path(uri)), exist_ok=True)

    def changed(self) -> Mapping[str, FileHandle | None]:
        return {}

    def _bytes(self, path: str) -> bytes:
        try:
            _check_kind(path, os.stat(path).st_mode)
            # O_NONBLOCK: should the file become a FIFO between the two calls, opening it must not hang.
            number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            with open(number, "rb") as file:
                info = os.fstat(number)
                _check_kind(path, info.st_mode)
                self._check_size(path, info.st_size)
                data = file.read(self._limit_bytes + 1)
        except (OSError, ValueError) as error:
            raise _translated(error, path) from error
        self._check_size(path, len(data))
        return data

    def _check_size(self, path: str, size: int) -> None:
        if size > self._limit_bytes:
            raise FileTooLarge(
                f"{path!r} is {_megabytes(size)}, over the limit of {_megabytes(self._limit_bytes)}.",
                advice="Look at a part of it with a shell command, such as head, tail or sed.",
            )


def decoded(path: str, data: bytes, *, is_searched: bool = False) -> Decoded:
    """The text of a file's bytes, with what `.editorconfig` says where the bytes do not tell.

    Plain ASCII does not tell what the next character should be; a search does not care. Raises BinaryError or
    UndecodableError.
    """
    charset = charset_of(path) if not is_searched and data.isascii() else None
    try:
        return decode(data, charset)
    except (BinaryError, UndecodableError):
        charset = charset_of(path)
        if charset is None:
            raise
        return decode(data, charset)


def _path(uri: str) -> str:
    path = to_path(uri)
    if path is None:
        raise MissingFile(f"{uri!r} is not open, and only files are on disk.", advice="Open it in the editor.")
    return path


def _is_dir(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _check_kind(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise UnreadableFile(f"{path!r} is a directory.", advice="List it with list_dir.")
    if not stat.S_ISREG(mode):
        raise UnreadableFile(f"{path!r} is a device, pipe or socket, not a file.", advice="Name a regular file.")


def _translated(error: OSError | ValueError, path: str) -> WorkspaceError:
    code = error.errno if isinstance(error, OSError) else errno.EINVAL
    if code == errno.ENOTDIR and os.path.isfile(path):
        return UnreadableFile(f"{path!r} is a file, not a directory.", advice="Read it with read_file.")
    if code in _MISSING:
        return MissingFile(f"There is nothing at {path!r}.", advice="Find the right path with glob or list_dir.")
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnreadableFile(f"{path!r} cannot be read: {why}.", advice="Check its permissions.")


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MiB"
