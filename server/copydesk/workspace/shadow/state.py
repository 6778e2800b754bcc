"""The folders that shadows live in: outside of every tree, on a file system that can be written over another one.

Private to the user, one for each process, taken away at the end; those of processes that were killed are taken away
by the next one. Start with `ShadowState.folder`.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue

from copydesk.domain.errors import ToolFailed
from copydesk.processes.living import may_be_alive
from copydesk.workspace.shadow.caches import remove

_ELSEWHERE = ("/var/tmp", "/tmp", "/dev/shm")
_UNFIT = frozenset({"overlay", "nfs", "nfs4", "vfat", "exfat", "9p", "virtiofs", "fuse", "ecryptfs", "cifs", "smb3"})
_IDLE_S = 5.0
_PREFIX = "copydesk-shadow-"


class ShadowState:
    """`state` is where it should be. `trees` are the real folders of the workspace, which it must not lie in."""

    def __init__(self, state: Path, trees: Callable[[], Sequence[str]]) -> None:
        self._state = state
        self._trees = trees
        self._base = ""
        self._n_made = 0
        self._lock = threading.Lock()
        self._waste: SimpleQueue[str] = SimpleQueue()
        self._sweeping = False

    def new(self, kind: str) -> str:
        """A fresh folder. Raises `ToolFailed` where none can be made."""
        with self._lock:
            base = self._ready()
            self._n_made += 1
            folder = os.path.join(base, f"{kind}-{self._n_made}")
            os.mkdir(folder, 0o700)
            return folder

    def fixed(self, name: str) -> str:
        """A folder that stays as long as the process."""
        with self._lock:
            folder = os.path.join(self._ready(), name)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            return folder

    def discard(self, folder: str) -> None:
        """Takes a folder away soon: nobody waits for a thousand files to be deleted."""
        self._waste.put(folder)
        with self._lock:
            if not self._sweeping:
                self._sweeping = True
                threading.Thread(target=self._sweep, name="copydesk-shadow-waste", daemon=True).start()

    def _sweep(self) -> None:
        while True:
            try:
                remove(self._waste.get(timeout=_IDLE_S))
            except OSError:
                continue  # the whole state goes later
            except Empty:
                with self._lock:
                    if self._waste.empty():
                        self._sweeping = False
                        return

    def drop(self) -> None:
        with self._lock:
            if self._base:
                remove(self._base)
            self._base = ""

    def _ready(self) -> str:
        if self._base and os.path.isdir(self._base) and not self._is_inside(self._base):
            return self._base
        self._base = self._made()
        return self._base

    def _made(self) -> str:
        wanted = os.path.join(self._state, "shadow")
        for folder in (wanted, *_ELSEWHERE):
            try:
                if folder == wanted:
                    os.makedirs(folder, mode=0o700, exist_ok=True)
                real = os.path.realpath(folder)
                if self._is_inside(real) or kind_of_file_system(real) in _UNFIT:
                    continue
                _sweep(real)
                return tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=real)
            except OSError:
                continue
        raise ToolFailed(
            f"There is no folder for the shadow of the workspace: neither {wanted!r} nor {', '.join(_ELSEWHERE)} "
            "is outside of it, writable and on a disk of this machine.",
            advice="Free some room, or open a folder that does not hold the state of Copydesk.",
        )

    def _is_inside(self, path: str) -> bool:
        return any(path == tree or path.startswith(tree.rstrip(os.sep) + os.sep) for tree in self._trees())


def kind_of_file_system(path: str, mounts: str = "/proc/self/mountinfo") -> str:
    """As the kernel names it; '' where it does not say."""
    best, kind = "", ""
    for point, name in mount_points(mounts):
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, name
    return kind.split(".", 1)[0]


def mount_points(mounts: str = "/proc/self/mountinfo") -> list[tuple[str, str]]:
    """Where something is mounted, and the kind of its file system; empty where the kernel does not say."""
    try:
        with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().splitlines()
    except OSError:
        return []
    found: list[tuple[str, str]] = []
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) > 4 and after:
            found.append((_unescaped(fields[4]), after.split(" ", 1)[0]))
    return found


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def _sweep(folder: str) -> None:
    """Takes away what processes that are gone have left."""
    for name in os.listdir(folder):
        pid = name.removeprefix(_PREFIX).partition("-")[0]
        if name.startswith(_PREFIX) and pid.isdigit() and not may_be_alive(int(pid)):
            path = os.path.join(folder, name)
            if os.lstat(path).st_uid == _own_id():
                remove(path)


def _own_id() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def room_below(folder: str) -> int:
    """Bytes that are free where a folder is."""
    return shutil.disk_usage(folder).free
