"""The configuration of repositories in the view of folders that are not trusted: without what names a program.

Owns where it stands; which settings are data is known to `workspace.git.settings`. Start with `put_tamed`.
"""

import os
import stat

from copydesk.workspace.git.settings import without_programs
from copydesk.workspace.shadow.bytes_of import read_bytes
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.puts import Put, Puts

CONFIG = os.path.join(".git", "config")


def put_tamed(puts: Puts, places: Places) -> None:
    """Puts down the configuration of each folder's own repository, where it names more than data."""
    for place in places.all:
        for folder in ("", *place.nested):
            _put(puts, place, os.path.join(folder, CONFIG))


def _put(puts: Puts, place: Place, relative: str) -> None:
    path = place.at(relative)
    data = None if os.path.islink(os.path.dirname(path)) else read_bytes(path)
    if data is None or (tame := tamed(data)) == data:
        return
    info = os.lstat(path)
    puts.in_place(place)[relative] = Put("file", tame, stat.S_IMODE(info.st_mode), info.st_mtime_ns, standing="aside")


def tamed(data: bytes) -> bytes:
    """The bytes of a configuration without what names a program."""
    return without_programs(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
