"""What a command saw in one tree when it began: what was put there, else the real file, where that is still the same.

A file that a person has saved meanwhile is known only where the view holds its text; else nobody can say what the
command had changed in it. Start with `Seen.old`.
"""

import os
import stat
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.text.encodings import UnencodableError, encode
from copydesk.workspace.shadow.bytes_of import read_bytes
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.puts import Put, Standing

OldKind: TypeAlias = Literal["file", "link", "none", "special", "masked", "unknown"]


@runtime_checkable
class Holding(Protocol):
    """A view that can say which files are not read from the disk."""

    def held_uris(self) -> frozenset[str]: ...


class Old(NamedTuple):
    """unknown: it changed on the disk while the command ran."""

    kind: OldKind
    data: bytes = b""
    mode: int = 0
    target: str = ""
    handle: FileHandle | None = None
    standing: Standing = "text"


NOTHING, MASKED, UNKNOWN = Old("none"), Old("masked"), Old("unknown")


class Seen:
    """`is_newer` says of a real entry whether it has come to be what it is since the command began."""

    def __init__(
        self,
        place: Place,
        places: Places,
        puts: Mapping[str, Put],
        view: FileSource,
        is_newer: Callable[[str, os.stat_result], bool],
    ) -> None:
        self.place = place
        self.view = view
        self._places = places
        self._puts = puts
        self._is_newer = is_newer
        held = view.held_uris() if isinstance(view, Holding) else frozenset(view.changed())
        self._uris: dict[str, str] = {}
        self._held = {found[1]: uri for uri in held if (found := places.locate(uri)) and found[0] == place}
        self._uris.update(self._held)

    def uri(self, relative: str) -> str:
        known = self._uris.get(relative)
        if known is None:
            known = self._uris[relative] = self._places.uri_of(self.place, relative)
        return known

    def is_untouched(self, relative: str, info: os.stat_result) -> bool:
        """Whether an entry after the command is the very one that was put there."""
        put = self._puts.get(relative)
        return put is not None and put.stamp == (info.st_size, info.st_ino, info.st_ctime_ns)

    def old(self, relative: str) -> Old:
        put = self._puts.get(relative)
        if put is not None:
            return _of_put(put)
        path = self.place.at(relative)
        try:
            info = os.lstat(path)
        except (OSError, ValueError):
            return NOTHING
        mode = stat.S_IMODE(info.st_mode)
        if relative in self._held and stat.S_ISREG(info.st_mode):
            return self._held_text(relative, mode)
        if stat.S_ISDIR(info.st_mode):
            return NOTHING
        if self._is_newer(relative, info):
            return UNKNOWN
        if stat.S_ISREG(info.st_mode):
            data = read_bytes(path)
            return UNKNOWN if data is None else Old("file", data, mode)
        if stat.S_ISLNK(info.st_mode):
            return Old("link", target=os.readlink(path))
        return Old("special")

    def handle(self, relative: str) -> FileHandle | None:
        """The text of a file as the view reads it; None where it is none."""
        put = self._puts.get(relative)
        if put is not None and (put.handle is not None or put.kind != "file"):
            return put.handle
        try:
            return self.view.read(self.uri(relative))
        except WorkspaceError:
            return None

    def _held_text(self, relative: str, mode: int) -> Old:
        try:
            handle = self.view.read(self._held[relative])
            return Old("file", encode(handle.text, handle.encoding, handle.bom), mode, handle=handle)
        except (WorkspaceError, UnencodableError):
            return UNKNOWN


def _of_put(put: Put) -> Old:
    if put.kind == "file":
        return Old("file", put.data, put.mode, handle=put.handle, standing=put.standing)
    if put.kind == "link":
        return Old("link", target=put.target, standing=put.standing)
    return MASKED if put.kind == "mask" else NOTHING
