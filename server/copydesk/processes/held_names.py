"""Names on the person's disk that are held free while a command runs on the real files.

A protected name that is not there could be made by the command (`.vscode/tasks.json`), and nothing can be mounted on
what is not there. So something empty stands there for the time of the command, and is taken away after it; what
somebody else has made meanwhile is theirs, and stays. Start with `hold`.
"""

import os

from copydesk.domain.errors import ToolFailed
from copydesk.processes.confinement import Confinement

Made = tuple[str, os.stat_result]


def hold(asked: Confinement) -> list[Made]:
    """What was made, for `let_go`. Raises `ToolFailed` when a name cannot be held."""
    made: list[Made] = []
    for mount in asked.mounts:
        if not mount.tree or os.path.realpath(mount.tree) != os.path.realpath(mount.path):
            continue  # a copy: what is made there reaches nobody
        for path in asked.read_only:
            if path.startswith(mount.path.rstrip("/") + "/") and not os.path.lexists(path):
                try:
                    _hold(mount.path, path, made)
                except OSError as error:
                    let_go(made)
                    why = f"{path!r} cannot be kept from being made by the command: {error.strerror}."
                    raise ToolFailed(why, advice="Check who may write there.") from error
    return made


def is_in_place(asked: Confinement) -> bool:
    return any(mount.tree and os.path.realpath(mount.tree) == os.path.realpath(mount.path) for mount in asked.mounts)


def _hold(top: str, path: str, made: list[Made]) -> None:
    """With the folders on the way. A name with an ending is taken for a file."""
    missing: list[str] = []
    at = path
    while at != top and not os.path.lexists(at):
        missing.append(at)
        at = os.path.dirname(at)
    for name in reversed(missing):
        is_file = name == path and bool(os.path.splitext(os.path.basename(name))[1])
        try:
            if is_file:
                os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644))
            else:
                os.mkdir(name, 0o755)
        except FileExistsError:
            return  # somebody was faster: it is theirs
        made.append((name, os.lstat(name)))


def let_go(made: list[Made]) -> None:
    for path, before in reversed(made):
        try:
            now = os.lstat(path)
            if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino):
                continue
            if os.path.isdir(path):
                os.rmdir(path)
            elif now.st_size == 0:
                os.unlink(path)
        except OSError:
            pass  # somebody has put something there, or has taken it away
