"""Names of the real tree that are held free while a command runs there, so that it cannot make something of them.

An empty file or folder stands at each, which is mounted read-only, and is taken away afterwards: also when the server
was killed in between, by what it left written down. Start with `make`.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen

_KEPT = "placeholders"


@frozen
class Held:
    path: str
    device: int
    inode: int


def make(wanted: Sequence[tuple[str, bool]], folder: Path) -> list[Held]:
    """For each path, with whether it is a folder; written down in `folder`. What somebody else has made by now is
    theirs, and stays.
    """
    made: list[Held] = []
    for path, is_folder in wanted:
        try:
            if is_folder:
                os.mkdir(path, 0o755)
            else:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o644))
            status = os.lstat(path)
            made.append(Held(path, status.st_dev, status.st_ino))
        except FileExistsError:
            continue
        except OSError as error:
            take_away(made)
            raise ToolFailed(f"{path!r} cannot be kept from being made by the command: {error}.") from error
    if made:
        (folder / _KEPT).write_text(json.dumps([[held.path, held.device, held.inode] for held in made]))
    return made


def take_away(made: Sequence[Held]) -> None:
    for held in reversed(made):
        try:
            now = os.lstat(held.path)
            if (now.st_dev, now.st_ino) != (held.device, held.inode):
                continue
            if os.path.isdir(held.path):
                os.rmdir(held.path)
            elif now.st_size == 0:
                os.unlink(held.path)
        except OSError:
            pass  # somebody has made something of it


def sweep(folder: Path) -> None:
    """Takes away what was written down in `folder`."""
    try:
        kept = json.loads((folder / _KEPT).read_text())
    except (OSError, ValueError):
        return
    take_away([Held(str(path), int(device), int(inode)) for path, device, inode in kept])
