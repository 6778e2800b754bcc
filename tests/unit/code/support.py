"""A FileSource over a dictionary and a directory: what is not in the dictionary is read from disk."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.request import url2pathname

from copydesk.domain.errors import MissingFile
from copydesk.domain.ports import Entry, FileHandle


def handle(uri: str, text: str) -> FileHandle:
    return FileHandle(uri, text, hashlib.sha256(text.encode()).hexdigest()[:16])


class Files:
    """`unsaved` maps paths relative to `root` to text, or to None for a deleted file."""

    def __init__(self, root: Path, unsaved: Mapping[str, str | None] | None = None) -> None:
        self.root = root
        self._changed: dict[str, FileHandle | None] = {}
        for path, text in (unsaved or {}).items():
            uri = self.uri(path)
            self._changed[uri] = None if text is None else handle(uri, text)

    def hold(self, changed: Mapping[str, FileHandle | None]) -> None:
        self._changed.update(changed)

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()

    def read(self, uri: str) -> FileHandle:
        if uri in self._changed:
            found = self._changed[uri]
            if found is None:
                raise MissingFile(f"{uri!r} is deleted")
            return found
        path = Path(url2pathname(uri.removeprefix("file://")))
        return handle(uri, path.read_bytes().decode())

    def exists(self, uri: str) -> bool:
        if uri in self._changed:
            return self._changed[uri] is not None
        return Path(url2pathname(uri.removeprefix("file://"))).exists()

    def children(self, uri: str) -> Iterable[Entry]:
        folder = Path(url2pathname(uri.removeprefix("file://")))
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for name in names:
            yield Entry(name, f"{uri.rstrip('/')}/{name}", (folder / name).is_dir())

    def changed(self) -> Mapping[str, FileHandle | None]:
        return self._changed


def place(text: str, needle: str, nth: int = 0, shift: int = 0) -> tuple[int, int]:
    """(line, column) of the nth occurrence of `needle`."""
    offset = -1
    for _ in range(nth + 1):
        offset = text.index(needle, offset + 1)
    offset += shift
    return text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)
