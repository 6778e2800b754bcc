"""What a view has otherwise than the disk, as bytes to put down where a command looks.

Open buffers and pending edits in the encoding of their file, deletions, the side files that wait, and an empty file in
the place of each secret. Reads the disk, writes nothing. Start with `Putting.of`.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from copydesk.domain.commands import SideFile
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.text.encodings import UnencodableError, encode
from copydesk.workspace.shadow.blobs import Blobs, digest_of
from copydesk.workspace.shadow.bytes_of import read_bytes
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.times import Times
from copydesk.workspace.uris import to_path

PutKind: TypeAlias = Literal["file", "link", "gone", "mask"]
Standing: TypeAlias = Literal["text", "aside", "moved"]
"""Whether it is known to the pending edits as text, waits as a side file, or is moved by them without being text."""
_NEW_MODE = 0o644


@runtime_checkable
class BeyondText(Protocol):
    """A view that also knows of changes which no text has."""

    def side_files(self) -> Mapping[str, SideFile]:
        """What waits for a person, by URI."""
        ...

    def moved_unread(self) -> Mapping[str, str]:
        """Files that are moved and are no text: destination → source."""
        ...


@dataclass(slots=True)
class Put:
    """One entry. `handle` is the text that `data` was made of, None where it was none. `stamp` tells, once it is
    written, whether anybody has touched it since.
    """

    kind: PutKind
    data: bytes = b""
    mode: int = _NEW_MODE
    mtime_ns: int = 0
    target: str = ""
    handle: FileHandle | None = None
    stamp: tuple[int, int, int] = (0, 0, 0)
    standing: Standing = "text"


@dataclass(slots=True)
class Puts:
    """By place, then by relative path."""

    found: dict[str, dict[str, Put]] = field(default_factory=dict[str, dict[str, Put]])
    notes: list[str] = field(default_factory=list[str])

    def in_place(self, place: Place) -> dict[str, Put]:
        return self.found.setdefault(place.path, {})


class Putting:
    def __init__(self, places: Places, times: Times, blobs: Blobs, shown: Callable[[str], str]) -> None:
        self._places = places
        self._times = times
        self._blobs = blobs
        self._shown = shown

    def of(self, view: FileSource, secrets: Mapping[str, list[str]], keeps: Callable[[Place], bool]) -> Puts:
        """`secrets`: by place, the relative paths that must read as empty. `keeps`: whether anything is kept between
        commands, which might have been made of an earlier text.
        """
        puts = Puts()
        changed = view.changed()
        self._put_gone(puts, changed)
        for uri, handle in changed.items():
            if handle is not None:
                self._put_text(puts, uri, handle)
        if isinstance(view, BeyondText):
            for uri, source in view.moved_unread().items():
                self._put_moved(puts, uri, source)
            for uri, side in view.side_files().items():
                self._put_side(puts, uri, side)
        self._put_again(puts, keeps)
        for place in self._places.all:
            for relative in secrets.get(place.path, ()):
                self._put_mask(puts, place, relative)
        return puts

    def _put_gone(self, puts: Puts, changed: Mapping[str, FileHandle | None]) -> None:
        for uri, handle in changed.items():
            if handle is None and (found := self._places.locate_entry(uri)) is not None and found[1]:
                puts.in_place(found[0])[found[1]] = Put("gone")

    def _put_text(self, puts: Puts, uri: str, handle: FileHandle) -> None:
        found = self._places.locate(uri)
        if found is None or not found[1]:
            if to_path(uri) is not None:
                puts.notes.append(
                    f"{self._shown(uri)!r} is not in the workspace's folders: the command saw it as saved."
                )
            return
        try:
            data = encode(handle.text, handle.encoding, handle.bom)
        except UnencodableError as error:
            puts.notes.append(f"{self._shown(uri)!r}: {error}; the command saw it in UTF-8.")
            self._put_bytes(puts, *found, handle.text.encode("utf-8", "surrogatepass"), None)
            return
        self._put_bytes(puts, *found, data, handle)

    def _put_bytes(
        self,
        puts: Puts,
        place: Place,
        relative: str,
        data: bytes,
        handle: FileHandle | None,
        mode: int | None = None,
        standing: Standing = "text",
    ) -> None:
        path = place.at(relative)
        info = _lstat(path)
        if mode is None:
            mode = stat.S_IMODE(info.st_mode) if info and stat.S_ISREG(info.st_mode) else _NEW_MODE
        mtime_ns = self._times.of(path, digest_of(data), info)
        puts.in_place(place)[relative] = Put("file", data, mode, mtime_ns, handle=handle, standing=standing)

    def _put_moved(self, puts: Puts, uri: str, source: str) -> None:
        found, origin = self._places.locate(uri), self._places.locate(source)
        data = read_bytes(origin[0].at(origin[1])) if origin else None
        if found is None or origin is None or data is None:
            puts.notes.append(
                f"{self._shown(uri)!r} could not be shown to the command: {self._shown(source)!r} is gone."
            )
            return
        info = _lstat(origin[0].at(origin[1]))
        self._put_bytes(puts, *found, data, None, stat.S_IMODE(info.st_mode) if info else None, "moved")

    def _put_side(self, puts: Puts, uri: str, side: SideFile) -> None:
        found = self._places.locate_entry(uri)
        if found is None or not found[1]:
            return
        place, relative = found
        if side.kind == "delete":
            puts.in_place(place)[relative] = Put("gone")
        elif side.kind == "link":
            puts.in_place(place)[relative] = Put("link", target=side.target, standing="aside")
        elif side.kind == "mode":
            self._put_mode(puts, place, relative, side.mode)
        elif (data := self._blobs.get(side.blob)) is not None:
            self._put_bytes(puts, place, relative, data, None, side.mode, "aside")
        else:
            puts.notes.append(
                f"The bytes of {self._shown(uri)!r} are not kept any more: the command saw it as on disk."
            )

    def _put_mode(self, puts: Puts, place: Place, relative: str, mode: int | None) -> None:
        put = puts.in_place(place).get(relative)
        if put is None and (data := read_bytes(place.at(relative))) is not None:
            self._put_bytes(puts, place, relative, data, None, mode)
        elif put is not None and mode is not None:
            put.mode = mode

    def _put_again(self, puts: Puts, keeps: Callable[[Place], bool]) -> None:
        """Files that an earlier command saw with another text, and that are as on disk by now."""
        free = {place.path for place in self._places.all if not keeps(place)}

        def is_free(path: str) -> bool:
            found = self._places.find(path)
            return found is None or (found[0].path in free and found[1] not in puts.in_place(found[0]))

        self._times.forget(is_free)
        for path in self._times.outrun():
            found = self._places.find(path)
            if found is None or found[1] in puts.in_place(found[0]) or (data := read_bytes(path)) is None:
                continue
            self._put_bytes(puts, *found, data, None)

    def _put_mask(self, puts: Puts, place: Place, relative: str) -> None:
        info = _lstat(place.at(relative))
        if info is not None:
            puts.in_place(place)[relative] = Put("mask", mode=stat.S_IMODE(info.st_mode), mtime_ns=info.st_mtime_ns)


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None
