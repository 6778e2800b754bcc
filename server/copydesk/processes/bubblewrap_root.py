"""The root that a command sees under bubblewrap, as its arguments: narrow, read-only but for the view and temp.

Pure policy over paths, and what it must look at on the disk. Who mounts the overlays is `overlay_launch`.
Start with `root`.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.processes.confinement import Confinement, Mount
from copydesk.processes.overlay_launch import kind_in
from copydesk.processes.system_settings import RESOLVER

_OF_USR = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_TEMP = "/tmp"
_OWN_HOME = "/tmp/home"
_NEVER = frozenset({"/", "/usr", "/etc", "/dev", "/proc", "/sys"})
_TEMP_NAMES = ("TMPDIR", "TEMP", "TMP")

_Rank: TypeAlias = Literal[0, 1, 2, 3, 4, 5]


@frozen
class _Step:
    """One thing that is mounted at `path`. Those nearer the root come first; at one path, those of a lower rank."""

    path: str
    rank: _Rank
    words: tuple[str, ...]

    @property
    def order(self) -> tuple[int, int]:
        return self.path.count("/"), self.rank


@frozen
class Root:
    """`arguments` for bubblewrap. `placeholders` are paths on the real disk that must be there for the time of the
    command, so that nothing else can be made there; what is True is a folder.
    """

    arguments: tuple[str, ...]
    placeholders: tuple[tuple[str, bool], ...] = ()


@frozen
class Furniture:
    """What we bring ourselves: `etc`, with the folders of the real one that are mounted on it, and `empty`, a file that
    stands for hidden ones.
    """

    etc: str
    of_etc: tuple[str, ...]
    empty: str
    disable_userns: bool = True


def root(confinement: Confinement, sources: Mapping[str, str], furniture: Furniture) -> Root:
    """`sources` says where the tree of each mount is, by its path.

    Raises `ToolFailed` for what cannot be shown.
    """
    for mount in confinement.mounts:
        if mount.path in _NEVER or not os.path.isabs(mount.path):
            advice = "Open a folder below it as the workspace."
            raise ToolFailed(f"{mount.path!r} cannot be a workspace of commands in a sandbox.", advice=advice)
    home = _home(confinement)
    placeholders: list[tuple[str, bool]] = []
    steps = [
        *_outside(confinement),
        *(_Step(mount.path, 2, ("--bind", sources[mount.path], mount.path)) for mount in confinement.mounts),
        *_protected(confinement, sources, placeholders),
        *_hidden(confinement, furniture.empty),
    ]
    ordered = [word for step in sorted(steps, key=lambda step: step.order) for word in step.words]
    masks = [step.path for step in steps if step.rank == 5 and step.words[-2] == "--tmpfs"]
    words = [
        *_namespaces(confinement, furniture.disable_userns),
        *_environment(confinement, home),
        *_system(confinement, furniture, home),
        *ordered,
        *(word for mask in masks for word in ("--remount-ro", mask)),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", confinement.cwd),
    ]
    return Root(tuple(words), tuple(placeholders))


def _namespaces(confinement: Confinement, disable_userns: bool) -> Iterator[str]:
    yield from ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    if disable_userns:
        yield "--disable-userns"
    if not confinement.network:
        yield "--unshare-net"
    yield from ("--die-with-parent", "--new-session", "--cap-drop", "ALL")
    yield from ("--uid", str(os.getuid()), "--gid", str(os.getgid()))


# --- environment and home --------------------------------------------------------------------------------


def _home(confinement: Confinement) -> str | None:
    """Where a fresh home is mounted: at the person's own path, where tool chains look for themselves. None where the
    environment names one that is shown anyway.
    """
    home = os.path.realpath(confinement.env.get("HOME") or os.path.expanduser("~"))
    if home in _NEVER or home.startswith(("/usr/", "/etc/", "/dev/", "/proc/")):
        return _OWN_HOME
    if any(is_within(home, folder) for folder in confinement.writable):
        return None
    if any(is_within(home, mount.path) for mount in confinement.mounts):
        return _OWN_HOME
    return home


def _environment(confinement: Confinement, home: str | None) -> Iterator[str]:
    shown = [*confinement.writable, *(mount.path for mount in confinement.mounts)]
    env = dict(confinement.env)
    for name in _TEMP_NAMES:
        if name in env and not any(is_within(env[name], folder) for folder in shown):
            env[name] = _TEMP
    runtime = env.get("XDG_RUNTIME_DIR")
    if runtime is not None and not any(is_within(runtime, folder) for folder in shown):
        del env["XDG_RUNTIME_DIR"]  # sockets of the session live there, which nobody reaches from inside
    if home is not None:
        env["HOME"] = home
    env.setdefault("PATH", "/usr/local/bin:/usr/bin:/bin")
    yield "--clearenv"
    for name, value in env.items():
        yield from ("--setenv", name, value)


# --- the system ------------------------------------------------------------------------------------------


def _system(confinement: Confinement, furniture: Furniture, home: str | None) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _OF_USR:
        path = f"/{name}"
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)
    yield from _etc(furniture, confinement.network)
    size = str(confinement.limits.temp_bytes)
    yield from ("--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--size", size, "--tmpfs", "/dev/shm")
    yield from ("--perms", "1777", "--size", size, "--tmpfs", _TEMP)
    yield from ("--dir", "/run", "--dir", "/var")
    given = [mount.path for mount in confinement.mounts] + [*confinement.readable, *confinement.writable, home or "/"]
    for target, link in ((_TEMP, "/var/tmp"), ("/run", "/var/run")):
        if not any(is_within(path, link) for path in given):
            yield from ("--symlink", target, link)
    if home == _OWN_HOME:
        yield from ("--dir", home)
    elif home is not None:
        yield from ("--perms", "0700", "--size", size, "--tmpfs", home)


def _etc(furniture: Furniture, network: bool) -> Iterator[str]:
    yield from ("--ro-bind", furniture.etc, "/etc")
    for folder in furniture.of_etc:
        yield from ("--ro-bind", folder, folder)
    resolver = os.path.realpath(f"/etc/{RESOLVER}")  # often a link to /run
    if network and os.path.isfile(resolver):
        yield from ("--ro-bind", resolver, f"/etc/{RESOLVER}")


# --- what the command is given ---------------------------------------------------------------------------


def _outside(confinement: Confinement) -> Iterator[_Step]:
    inside = [mount.path for mount in confinement.mounts]
    for folder in confinement.readable:
        if os.path.lexists(folder) and not any(is_within(folder, path) for path in ("/usr", *inside)):
            yield _Step(folder, 0, ("--ro-bind-try", folder, folder))
    for folder in confinement.writable:
        if not os.path.isdir(folder):
            raise ToolFailed(f"{folder!r}, which the command may write to, is not there.")
        yield _Step(folder, 1, ("--bind", folder, folder))


def _protected(
    confinement: Confinement, sources: Mapping[str, str], placeholders: list[tuple[str, bool]]
) -> Iterator[_Step]:
    """What is read-only, and the folders above it: a folder that is mounted cannot be moved aside."""
    above: set[str] = set()
    for path in confinement.read_only:
        mount = _mount_of(confinement, path)
        if mount is None or path == mount.path or any(is_within(path, hidden) for hidden in confinement.hidden):
            continue
        target, kind = _resolved(mount, path)
        if not kind:
            if not mount.tree or target is None:
                continue  # made in the shadow, it reaches nobody; leading outside, it leads nowhere
            target = _missing(mount, path, placeholders)
        assert target is not None
        for folder in _between(mount.path, target):
            if folder not in above:
                above.add(folder)
                yield _Step(folder, 3, ("--bind", _source(mount, sources, folder), folder))
        yield _Step(target, 4, ("--ro-bind", _source(mount, sources, target), target))


def _missing(mount: Mount, path: str, placeholders: list[tuple[str, bool]]) -> str:
    """The first name on the way that is not there, which has to be held free on the real disk."""
    first = next(each for each in (*_between(mount.path, path), path) if not kind_in(mount, each))
    is_folder = first != path or not os.path.splitext(os.path.basename(path))[1]
    entry = (os.path.join(mount.tree, os.path.relpath(first, mount.path)), is_folder)
    if entry not in placeholders:
        placeholders.append(entry)
    return first


def _hidden(confinement: Confinement, empty: str) -> Iterator[_Step]:
    for path in confinement.hidden:
        mount = _mount_of(confinement, path)
        if mount is None:
            kind = "folder" if os.path.isdir(path) else "file" if os.path.lexists(path) else ""
            is_shown = any(is_within(path, folder) for folder in (*confinement.readable, *confinement.writable))
            target = path if is_shown else None
        else:
            target, kind = _resolved(mount, path)
        if target is None or not kind:
            continue
        if kind == "folder":
            yield _Step(target, 5, ("--perms", "0555", "--size", "4096", "--tmpfs", target))
        else:
            yield _Step(target, 5, ("--ro-bind", empty, target))


def _resolved(mount: Mount, path: str) -> tuple[str | None, str]:
    """The path and what is there. A link is followed on the real disk: what leads out of the mount is not shown at
    all, so its target is None.
    """
    kind = kind_in(mount, path)
    if kind != "link":
        return path, kind
    base = mount.tree or mount.lowers[-1]
    real = os.path.realpath(os.path.join(base, os.path.relpath(path, mount.path)))
    if not is_within(real, os.path.realpath(base)):
        return None, ""
    target = os.path.normpath(os.path.join(mount.path, os.path.relpath(real, os.path.realpath(base))))
    kind = kind_in(mount, target)
    return (None, "") if kind == "link" else (target, kind)


def _mount_of(confinement: Confinement, path: str) -> Mount | None:
    around = [mount for mount in confinement.mounts if is_within(path, mount.path)]
    return max(around, key=lambda mount: len(mount.path), default=None)


def _source(mount: Mount, sources: Mapping[str, str], path: str) -> str:
    return os.path.normpath(os.path.join(sources[mount.path], os.path.relpath(path, mount.path)))


def _between(top: str, path: str) -> list[str]:
    """The folders below `top` and above `path`, the outermost first."""
    folders: list[str] = []
    folder = os.path.dirname(path)
    while is_within(folder, top) and folder != top:
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders[::-1]


def is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
