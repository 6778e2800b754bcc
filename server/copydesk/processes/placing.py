"""Where a command and its temporary files are, with a root of its own and without.

When nothing can be mounted it runs in the copy itself, at the copy's own path. What would be masked by a mount
elsewhere must not be in the copy at all; this is checked here, and nothing starts when it is not so.
Start with `placed`.
"""

import os
from collections.abc import Iterable
from dataclasses import replace

from copydesk.domain.errors import ToolFailed
from copydesk.processes.confinement import Confinement, Mount

_TEMP_NAMES = ("TMPDIR", "TEMP", "TMP")
_NO_HOMES = ("/usr", "/etc", "/dev", "/proc", "/sys", "/bin", "/sbin", "/lib", "/lib64", "/opt")


def placed(asked: Confinement, temp: str) -> Confinement:
    """`asked` with the paths of the copies, and with `temp` as the folder for temporary files.

    Raises `ToolFailed` for what only a mount could keep: an overlay, a protected file of the real tree, a secret.
    """
    for mount in asked.mounts:
        if not mount.tree:
            raise ToolFailed("Nothing can be mounted here, and the command needs an overlay.", advice="Use a copy.")
        if os.path.realpath(mount.tree) == os.path.realpath(mount.path) and (asked.read_only or asked.hidden):
            raise ToolFailed(
                f"A command on the real files of {mount.path!r} cannot be kept off the protected ones here.",
                advice="Install bubblewrap, or use the container backend (`sandbox.backend`).",
            )
    for path in asked.hidden:
        copy = moved(path, asked.mounts)
        if _has_content(copy):
            raise ToolFailed(f"{path!r} must not be read, and it stands in the copy.", advice="This is a defect.")
    kept = {name: _moved_all(value, asked.mounts) for name, value in _without_runtime(asked).items()}
    env = {**kept, **dict.fromkeys(_TEMP_NAMES, temp)}
    if not _is_writable(asked, env.get("HOME", "")):
        env["HOME"] = temp
    return replace(asked, cwd=moved(asked.cwd, asked.mounts), env=env)


def with_temp(asked: Confinement) -> Confinement:
    """`asked` in a root of its own, where /tmp is fresh and so is the home, at its own path."""
    env = dict(_without_runtime(asked))
    for name in _TEMP_NAMES:
        if name in env and not _is_writable(asked, env[name]):
            env[name] = "/tmp"
    home = env.get("HOME", "")
    if not home.startswith("/") or is_below(home, _NO_HOMES) or home == "/":
        env["HOME"] = "/tmp/home"
    return replace(asked, env=env)


def is_below(path: str, folders: Iterable[str]) -> bool:
    """Or one of them."""
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _without_runtime(asked: Confinement) -> dict[str, str]:
    """The folder of the person's sockets is never reached from inside, so its name would only mislead."""
    return {name: value for name, value in asked.env.items() if name != "XDG_RUNTIME_DIR"}


def _is_writable(asked: Confinement, path: str) -> bool:
    return is_below(path, (*asked.writable, *(mount.path for mount in asked.mounts)))


def moved(path: str, mounts: tuple[Mount, ...]) -> str:
    """The path in the copy of what stands at `path` in the workspace; other paths as they are."""
    for mount in mounts:
        if path == mount.path or path.startswith(mount.path.rstrip("/") + "/"):
            return mount.tree + path[len(mount.path) :]
    return path


def _moved_all(value: str, mounts: tuple[Mount, ...]) -> str:
    """A path, or several: what leads to the workspace leads to the copy."""
    return os.pathsep.join(moved(path, mounts) for path in value.split(os.pathsep))


def _has_content(path: str) -> bool:
    if os.path.isdir(path):
        return bool(os.listdir(path))
    return os.path.isfile(path) and os.path.getsize(path) > 0
