"""Side files written into the real tree: what a person has accepted, and what takes it back again.

Each is checked first: what stands there must be what the command saw. Links are never followed on the way, so that
nothing is written outside the folder, and each file is replaced as a whole. Start with `SideWriting.write`.
"""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress

from copydesk.domain.commands import SideFile
from copydesk.domain.errors import FileExists, MissingFile, OutsideWorkspace, StaleEdit, WorkspaceError
from copydesk.domain.frozen import frozen
from copydesk.workspace.shadow.blobs import Blobs, digest_of
from copydesk.workspace.shadow.bytes_of import read_bytes
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.protected import is_protected

_NEW_MODE = 0o644
_AGAIN = "Nothing was written. Run the command again, or reject this file."


@frozen
class Standing:
    """What is at a path: `digest` of the bytes, or of the link's target; '' for nothing."""

    kind: str
    digest: str = ""
    mode: int = 0
    data: bytes = b""
    target: str = ""


class SideWriting:
    """`roots` gives the URIs of the workspace's folders; `is_secret` judges absolute paths."""

    def __init__(
        self,
        roots: Callable[[], tuple[str, ...]],
        blobs: Blobs,
        is_secret: Callable[[str], bool],
        shown: Callable[[str], str],
    ) -> None:
        self._roots = roots
        self._blobs = blobs
        self._is_secret = is_secret
        self._shown = shown

    def write(self, side: SideFile) -> SideFile:
        """Does it, and gives what takes it back. Raises a `WorkspaceError` that says why it was not done. Blocks."""
        place, relative = self._place_of(side.uri)
        name = self._shown(side.uri)
        folder = _open_folder(place.path, os.path.dirname(relative), makes=side.kind in ("write", "link"), name=name)
        try:
            path = place.at(relative)
            now = _standing(path)
            _check(side, now, name)
            back = self._way_back(side, now)
            self._do(side, now, os.path.basename(relative), folder, path)
            return back
        except OSError as error:
            raise WorkspaceError(f"{name!r} was not written: {error.strerror or error}.", advice=_AGAIN) from error
        finally:
            folder.close()

    def _place_of(self, uri: str) -> tuple[Place, str]:
        found = Places(self._roots()).locate_entry(uri)
        if found is None or not found[1]:
            raise OutsideWorkspace(f"{self._shown(uri)!r} is in no folder of the workspace.", advice=_AGAIN)
        if is_protected(found[1]) or self._is_secret(found[0].at(found[1])):
            raise WorkspaceError(f"{self._shown(uri)!r} is protected: side files never change it.")
        return found

    def _way_back(self, side: SideFile, now: Standing) -> SideFile:
        after = side.after if side.kind in ("write", "link") else now.digest if side.kind == "mode" else ""
        if side.kind == "mode":
            return SideFile(side.uri, "mode", mode=now.mode)
        if now.kind == "link":
            return SideFile(side.uri, "link", after, now.digest, target=now.target)
        if now.kind == "file":
            blob = self._blobs.keep(now.data)
            return SideFile(side.uri, "write", after, now.digest, blob, len(now.data), now.mode)
        return SideFile(side.uri, "delete", after)

    def _do(self, side: SideFile, now: Standing, name: str, folder: "_Folder", path: str) -> None:
        if now.kind == "folder":
            folder.drop_folder(name)
        if side.kind == "delete":
            folder.unlink(name)
        elif side.kind == "link":
            folder.link(name, side.target)
        elif side.kind == "mode":
            assert side.mode is not None
            folder.chmod(name, side.mode)
        else:
            data = self._blobs.get(side.blob)
            if data is None:
                raise MissingFile(f"The bytes for {path!r} are not kept any more.", advice=_AGAIN)
            mode = side.mode if side.mode is not None else now.mode if now.kind == "file" else _NEW_MODE
            folder.replace(name, data, mode)


def _check(side: SideFile, now: Standing, name: str) -> None:
    if side.kind == "mode":
        if now.kind != "file":
            raise MissingFile(f"{name!r} is not there, so it has no mode.", advice="Save it, then accept again.")
        return
    if now.kind == "special" or (now.kind == "folder" and (side.before or side.kind == "delete")):
        raise StaleEdit(f"{name!r} is no file by now.", advice=_AGAIN)
    if now.kind == "folder":
        return  # an empty one gives way; the system refuses any other
    if now.digest != side.before:
        if not side.before:
            raise FileExists(f"There is {name!r} by now, which the command did not see.", advice=_AGAIN)
        raise StaleEdit(f"{name!r} is not what the command saw any more.", advice=_AGAIN)


def _standing(path: str) -> Standing:
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return Standing("none")
    if stat.S_ISLNK(info.st_mode):
        target = os.readlink(path)
        return Standing("link", digest_of(os.fsencode(target)), target=target)
    if stat.S_ISDIR(info.st_mode):
        return Standing("folder")
    data = read_bytes(path) if stat.S_ISREG(info.st_mode) else None
    return Standing("special") if data is None else Standing("file", digest_of(data), stat.S_IMODE(info.st_mode), data)


# --- folders that are held open, so that nobody can put a link in their place ------------------------------

_HOLDS = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")


class _Folder:
    """A real folder; names in it are used without following links. Where folders cannot be held, by their path."""

    def __init__(self, path: str, number: int | None) -> None:
        self.path = path
        self.number = number

    def close(self) -> None:
        if self.number is not None:
            os.close(self.number)
            self.number = None

    def name(self, name: str) -> str:
        return name if self.number is not None else os.path.join(self.path, name)

    def inner(self, name: str, *, makes: bool) -> "_Folder":
        path = os.path.join(self.path, name)
        if makes:
            with suppress(FileExistsError):
                os.mkdir(self.name(name), 0o755, dir_fd=self.number)
        if not _HOLDS:
            if os.path.islink(path) or not os.path.isdir(path):
                raise NotADirectoryError(path)
            return _Folder(path, None)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        return _Folder(path, os.open(self.name(name), flags, dir_fd=self.number))

    def unlink(self, name: str) -> None:
        os.unlink(self.name(name), dir_fd=self.number)

    def drop_folder(self, name: str) -> None:
        os.rmdir(self.name(name), dir_fd=self.number)

    def link(self, name: str, target: str) -> None:
        beside = _beside(name)
        os.symlink(target, self.name(beside), dir_fd=self.number)
        self._take_over(beside, name)

    def replace(self, name: str, data: bytes, mode: int) -> None:
        beside = _beside(name)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        number = os.open(self.name(beside), flags, 0o600, dir_fd=self.number)
        try:
            with open(number, "wb", closefd=False) as file:
                file.write(data)
                file.flush()
                os.fsync(number)
            if hasattr(os, "fchmod"):
                os.fchmod(number, mode)
        finally:
            os.close(number)
        self._take_over(beside, name)

    def chmod(self, name: str, mode: int) -> None:
        if not hasattr(os, "fchmod"):
            return  # there are no such modes
        number = os.open(self.name(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.number)
        try:
            os.fchmod(number, mode)
        finally:
            os.close(number)

    def _take_over(self, beside: str, name: str) -> None:
        try:
            os.replace(self.name(beside), self.name(name), src_dir_fd=self.number, dst_dir_fd=self.number)
        except BaseException:
            os.unlink(self.name(beside), dir_fd=self.number)
            raise


def _beside(name: str) -> str:
    return f".{name[:40]}.{secrets.token_hex(6)}"


def _open_folder(root: str, relative: str, *, makes: bool, name: str) -> _Folder:
    """The folder of an entry, step by step from the root. Raises `WorkspaceError` where a link is on the way."""
    number = os.open(root, os.O_RDONLY | os.O_DIRECTORY) if _HOLDS else None
    folder = _Folder(root, number)
    for part in filter(None, relative.split(os.sep)):
        try:
            inner = folder.inner(part, makes=makes)
        except OSError as error:
            raise WorkspaceError(
                f"{name!r} was not written: {os.path.join(folder.path, part)!r} is no folder of its own.", advice=_AGAIN
            ) from error
        finally:
            folder.close()
        folder = inner
    return folder
