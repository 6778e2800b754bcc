"""One launch under bubblewrap: a scratch folder, overlays in a mount namespace of their own, the line that starts.

An overlay is mounted on an empty folder of the scratch folder, never on the real one, and bubblewrap binds it to the
real path inside: when a mount fails there is no real tree for the command to meet. Knows no policy: what is bound
where is `bubblewrap_root`'s. Start with `opened`.
"""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from copydesk.domain.frozen import frozen
from copydesk.processes import placeholders
from copydesk.processes.confinement import Limits, Mount
from copydesk.processes.living import may_be_alive

SCRATCH = "launches"
READY = "ready"
EMPTY = "empty"
_ARGUMENTS = "arguments"
_SOURCE = "copydesk-shadow"
# Said in full, for their defaults are the kernel's builder's. `userxattr` goes with no other kind of redirects.
_OPTIONS = "userxattr,index=off,metacopy=off,xino=off,redirect_dir=nofollow"

# $1: number of cgroup files, then these; number of overlays, then for each its options, its folder and what
# /proc/self/mountinfo must say; then the program. Everything is relative to the scratch folder.
_OUTSIDE = """
n=$1; shift
while [ "$n" -gt 0 ]; do echo 0 > "$1"; shift; n=$((n - 1)); done
n=$1; shift
while [ "$n" -gt 0 ]; do
  mount -i -c -t overlay -o "$1" copydesk-shadow "$2"
  grep -q -e "$3" /proc/self/mountinfo
  shift 3; n=$((n - 1))
done
exec 7> ready 9< arguments
exec "$@" < /dev/null
"""

# Inside: limits of each process, then the word that the command begins. `-u` is bash's, `-p` dash's and busybox's.
_INSIDE = """
ulimit -c 0 || :
[ -z "$1" ] || ulimit -f "$1" || :
[ -z "$2" ] || ulimit -d "$2" || :
[ -z "$3" ] || ulimit -u "$3" 2> /dev/null || ulimit -p "$3" || :
shift 3
echo >&7
exec 7>&-
exec "$@"
"""

_NAMESPACES = ("unshare", "-U", "-r", "-m", "-p", "--propagation", "private", "--fork", "--kill-child", "--")


@frozen
class Launch:
    """A scratch folder that is ready. `sources` says where each mount's tree is found, by the mount's path."""

    folder: str
    overlays: tuple[Mount, ...]
    sources: Mapping[str, str]

    def write_arguments(self, arguments: Sequence[str]) -> None:
        """bubblewrap's, in a file: they hold the environment, and a process list is public."""
        Path(self.folder, _ARGUMENTS).write_bytes(b"".join(os.fsencode(each) + b"\0" for each in arguments))

    def command(self, bwrap: str, argv: Sequence[str], limits: Limits, cgroup_files: Sequence[str] = ()) -> list[str]:
        overlays = [word for number, mount in enumerate(self.overlays) for word in self._overlay(number, mount)]
        outside = [str(len(cgroup_files)), *cgroup_files, str(len(self.overlays)), *overlays]
        inside = ["/bin/sh", "-c", _INSIDE, "copydesk", *_rlimits(limits), *argv]
        return [*_NAMESPACES, "/bin/sh", "-euc", _OUTSIDE, "copydesk", *outside, bwrap, "--args", "9", "--", *inside]

    def _overlay(self, number: int, mount: Mount) -> tuple[str, str, str]:
        lowers = ":".join(f"{number}-lower-{each}" for each in range(len(mount.lowers)))
        upper = f",upperdir={number}-upper,workdir={number}-work"
        point = _as_pattern(_as_in_mountinfo(os.path.join(self.folder, f"{number}-view")))
        # Read-only is what an overlay falls back to when its work folder cannot be used.
        seen = f"^[0-9]* [0-9]* [0-9:]* / {point} rw[^ ]* .*- overlay {_SOURCE} rw"
        return f"{_OPTIONS},lowerdir={lowers}{upper}", f"{number}-view", seen


@contextmanager
def opened(state: Path, mounts: Sequence[Mount]) -> Generator[Launch]:
    """A scratch folder for one launch, which only we may enter; gone afterwards."""
    folder = str(folder_in(state))
    try:
        overlays = tuple(mount for mount in mounts if not mount.tree)
        sources = {mount.path: mount.tree for mount in mounts if mount.tree}
        for number, mount in enumerate(overlays):
            _name_layers(folder, number, mount)
            sources[mount.path] = os.path.join(folder, f"{number}-view")
        os.close(os.open(os.path.join(folder, EMPTY), os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o444))
        os.mkfifo(os.path.join(folder, READY), 0o600)
        yield Launch(folder, overlays, sources)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def folder_in(state: Path) -> Path:
    """A new folder of this process, which only we may enter. `sweep` takes it away when we could not."""
    parent = state / SCRATCH
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(os.path.realpath(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent)))


def sweep(state: Path) -> None:
    """Takes away what servers that were killed have left."""
    for folder in (state / SCRATCH).glob("*-*"):
        pid = folder.name.partition("-")[0]
        if pid.isdigit() and not may_be_alive(int(pid)):
            placeholders.sweep(folder)
            shutil.rmtree(folder, ignore_errors=True)


def _name_layers(folder: str, number: int, mount: Mount) -> None:
    """Plain names for the layers: commas, colons and backslashes mean something in the options of a mount."""
    for each, lower in enumerate(mount.lowers):
        os.symlink(lower, os.path.join(folder, f"{number}-lower-{each}"))
    os.symlink(mount.upper, os.path.join(folder, f"{number}-upper"))
    os.symlink(mount.work, os.path.join(folder, f"{number}-work"))
    os.mkdir(os.path.join(folder, f"{number}-view"), 0o700)


def _as_in_mountinfo(path: str) -> str:
    return re.sub(r"[ \t\n\\]", lambda found: f"\\{ord(found[0]):03o}", path)


def _as_pattern(text: str) -> str:
    """For grep's basic expressions, where a backslash before other characters gives them a meaning."""
    return re.sub(r"[\[\].*^$\\]", r"\\\g<0>", text)


def _rlimits(limits: Limits) -> tuple[str, str, str]:
    """As `ulimit` counts: blocks of 512 bytes, kilobytes, processes. Memory is that which is written to (RLIMIT_DATA):
    runtimes reserve far more addresses than they use.
    """
    blocks = "" if limits.file_bytes is None else str(limits.file_bytes // 512)
    kilobytes = "" if limits.memory_bytes is None else str(limits.memory_bytes // 1024)
    return blocks, kilobytes, "" if limits.n_processes is None else str(limits.n_processes)


def kind_in(mount: Mount, path: str) -> str:
    """What the view of `mount` has at `path`: "file", "folder", "link", or "" for nothing. Links are not followed."""
    relative = os.path.relpath(path, mount.path)
    layers = (mount.tree,) if mount.tree else (mount.upper, *mount.lowers)
    for layer in layers:
        found = _kind_in_layer(layer, relative)
        if found is not None:
            return found
    return ""


def _kind_in_layer(layer: str, relative: str) -> str | None:
    """None: this layer says nothing of it, look below. A name below a file, a link or a deletion is not there."""
    parts = [] if relative == "." else relative.split(os.sep)
    at, hides = layer, False
    for depth, part in enumerate(parts):
        at = os.path.join(at, part)
        try:
            status = os.lstat(at)
        except OSError:
            return "" if hides else None
        if stat.S_ISLNK(status.st_mode):
            return "link"
        if not stat.S_ISDIR(status.st_mode):
            is_there = depth == len(parts) - 1 and not _is_deletion(status)
            return "file" if is_there else ""
        hides = hides or _is_opaque(at)
    return "folder"


def _is_deletion(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _is_opaque(folder: str) -> bool:
    try:
        return os.getxattr(folder, "user.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False
