"""Puts written into an upper folder, as overlayfs understands it; and what it says there afterwards.

A deletion is a character device 0:0, which any user may make. Folders on the way are made with the mode and times of
the real ones. Nothing is written outside the upper folder. Start with `write_layer`.
"""

import os
import stat
from collections.abc import Collection, Mapping, Sequence

from copydesk.workspace.shadow.puts import Put

OPAQUE = ("user.overlay.opaque", "trusted.overlay.opaque")


def write_layer(upper: str, lowers: Sequence[str], puts: Mapping[str, Put], standing: Collection[str] = ()) -> None:
    """`lowers` are what the upper folder will lie on, the real one last. `standing` are folders that commands have
    emptied and left. Raises OSError.
    """
    tree = lowers[-1]
    made: dict[str, os.stat_result | None] = {}
    folders = {os.path.dirname(relative) for relative, put in puts.items() if put.kind != "gone"}
    for relative, put in sorted(puts.items()):
        if put.kind == "gone" and (relative in folders or _is_hidden(relative, puts)):
            continue  # a folder takes its place, or a file that of the folder it was in
        _make_folders(upper, tree, os.path.dirname(relative), made)
        path = os.path.join(upper, relative)
        if put.kind == "gone":
            if os.path.lexists(os.path.join(tree, relative)):
                make_whiteout(path)
        else:
            write_entry(path, put)
    gone = [relative for relative, put in puts.items() if put.kind == "gone"]
    _drop_emptied(upper, lowers, {os.path.dirname(relative) for relative in gone} - {""}, standing)
    for relative, info in reversed(made.items()):
        if info is not None:
            _set_times(os.path.join(upper, relative), info)


def _is_hidden(relative: str, puts: Mapping[str, Put]) -> bool:
    above = os.path.dirname(relative)
    while above:
        if above in puts and puts[above].kind != "gone":
            return True
        above = os.path.dirname(above)
    return False


def write_entry(path: str, put: Put) -> None:
    """A file or link that is not there yet; its put is stamped."""
    if put.kind == "link":
        os.symlink(put.target, path)
    else:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            _write_all(number, put.data)
        finally:
            os.close(number)
        os.chmod(path, put.mode)
        os.utime(path, ns=(put.mtime_ns, put.mtime_ns))
    put.stamp = stamp_of(os.lstat(path))


def _write_all(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


def stamp_of(info: os.stat_result) -> tuple[int, int, int]:
    """Changes whenever the entry does: nobody can set the last part."""
    return info.st_size, info.st_ino, info.st_ctime_ns


def make_whiteout(path: str) -> None:
    os.mknod(path, stat.S_IFCHR, 0)


def is_whiteout(info: os.stat_result) -> bool:
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def is_opaque(folder: str) -> bool:
    """Whether nothing shows through a folder of an upper layer."""
    if not hasattr(os, "getxattr"):
        return False
    for name in OPAQUE:
        try:
            if os.getxattr(folder, name, follow_symlinks=False) == b"y":
                return True
        except OSError:
            continue
    return False


def make_opaque(folder: str) -> None:
    os.setxattr(folder, OPAQUE[0], b"y")


def _make_folders(upper: str, tree: str, relative: str, made: dict[str, os.stat_result | None]) -> None:
    if not relative or relative in made:
        return
    _make_folders(upper, tree, os.path.dirname(relative), made)
    path = os.path.join(upper, relative)
    try:
        info: os.stat_result | None = os.lstat(os.path.join(tree, relative))
    except OSError:
        info = None
    if info is not None and not stat.S_ISDIR(info.st_mode):
        info = None
    made[relative] = info
    os.mkdir(path, 0o755)
    if info is not None:
        os.chmod(path, stat.S_IMODE(info.st_mode) | 0o700)


def _set_times(path: str, info: os.stat_result) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def _drop_emptied(upper: str, lowers: Sequence[str], folders: set[str], standing: Collection[str]) -> None:
    """A folder of which the view has deleted all is gone too, as a command that deletes it expects."""
    while folders:
        folder = max(folders, key=len)
        folders.discard(folder)
        if folder in standing or names_through((upper, *lowers), folder) != set():
            continue
        path = os.path.join(upper, folder)
        if os.path.isdir(path):
            for name in os.listdir(path):
                os.unlink(os.path.join(path, name))
            os.rmdir(path)
            make_whiteout(path)
        if above := os.path.dirname(folder):
            folders.add(above)


def names_through(layers: Sequence[str], folder: str) -> set[str] | None:
    """What is seen in a folder through layers, the topmost first. None where there is no folder."""
    seen: set[str] = set()
    hidden: set[str] = set()
    is_there = False
    for layer in layers:
        path = os.path.join(layer, folder)
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.name not in hidden and not is_whiteout(entry.stat(follow_symlinks=False)):
                        seen.add(entry.name)
                    hidden.add(entry.name)
        except FileNotFoundError:
            continue
        except OSError:
            break
        is_there = True
        if is_opaque(path):
            break
    return seen if is_there else None
