"""Limits of a whole process tree by control groups, where they can be had.

Three ways, the first that works is taken: groups made by hand in the hierarchies of version 1 (root), groups made by
hand where version 2 has been handed to us, and scopes that systemd makes. Each is tried before it is believed.
Start with `attempt`.
"""

import itertools
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import field
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.to_thread

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.domain.sandboxes import Hold
from copydesk.processes.confinement import Limits
from copydesk.processes.spawn import run

_PERIOD_US = 100_000
_TRIAL_PERIOD_US = 10_000
_TRIAL_LIMIT_S = 5.0
_CLEAN_LIMIT_S = 2.0
_CLEAN_PAUSE_S = 0.01
_PREFIX = "copydesk-"
_MIB = 1024 * 1024
_CONTROLLERS: Mapping[str, Hold] = {"memory": "memory", "cpu": "cpu", "pids": "process_count"}
_numbers = itertools.count()


@frozen
class Group:
    """What a launch does to be in one: programs to go through (with what they want in their environment), and files
    that a process writes 0 into.
    """

    prefix: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    folders: tuple[str, ...] = ()


@frozen
class Cgroups:
    """`parents` are the folders, by controller, in which groups are made by hand; `systemd` the start of its line.

    `holds` is what was seen to bind. Without any, a group is none.
    """

    parents: Mapping[str, str] = field(default_factory=dict[str, str])
    is_v2: bool = False
    systemd: tuple[str, ...] = ()
    holds: frozenset[Hold] = frozenset()
    why: str = ""

    @asynccontextmanager
    async def group(self, limits: Limits, period_us: int = _PERIOD_US) -> AsyncGenerator[Group]:
        """One for the length of a block. What is still in it at the end is killed, and the group is taken away."""
        if self.systemd:
            yield Group(prefix=(*self.systemd, *_properties(limits), "--"), env=_bus())
            return
        made = await anyio.to_thread.run_sync(self._make, limits, period_us)
        try:
            yield made
        finally:
            with anyio.CancelScope(shield=True):
                await _take_away(made.folders)

    def _make(self, limits: Limits, period_us: int) -> Group:
        name = f"{_PREFIX}{os.getpid()}-{next(_numbers)}"
        wanted = [controller for controller in self.parents if _values(controller, limits, period_us, self.is_v2)]
        folders = tuple(dict.fromkeys(os.path.join(self.parents[controller], name) for controller in wanted))
        try:
            for folder in folders:
                os.mkdir(folder)
            for controller in wanted:
                folder = os.path.join(self.parents[controller], name)
                for file, value in _values(controller, limits, period_us, self.is_v2):
                    _write(os.path.join(folder, file), value, is_needed=not file.startswith(_OPTIONAL))
        except OSError as error:
            for folder in folders:
                _remove(folder)
            raise ToolFailed(f"The limits of the command cannot be set: {error}.") from error
        return Group(files=tuple(os.path.join(folder, "cgroup.procs") for folder in folders), folders=folders)


# Swap is not everywhere; where it is, it must not widen the limit.
_OPTIONAL = ("memory.memsw", "memory.swap", "memory.oom")
_Values: TypeAlias = list[tuple[str, str]]


def _values(controller: str, limits: Limits, period_us: int, is_v2: bool) -> _Values:
    quota = max(1000, int((limits.cpus or 0) * period_us))
    match controller:
        case "memory" if limits.memory_bytes is not None:
            size = str(limits.memory_bytes)
            if is_v2:
                return [("memory.max", size), ("memory.swap.max", "0"), ("memory.oom.group", "0")]
            return [("memory.limit_in_bytes", size), ("memory.memsw.limit_in_bytes", size)]
        case "cpu" if limits.cpus is not None:
            if is_v2:
                return [("cpu.max", f"{quota} {period_us}")]
            return [("cpu.cfs_period_us", str(period_us)), ("cpu.cfs_quota_us", str(quota))]
        case "pids" if limits.n_processes is not None:
            return [("pids.max", str(limits.n_processes))]
        case _:
            return []


def _properties(limits: Limits) -> list[str]:
    words: list[str] = []
    if limits.memory_bytes is not None:
        words += ["-p", f"MemoryMax={limits.memory_bytes}", "-p", "MemorySwapMax=0"]
    if limits.cpus is not None:
        words += ["-p", f"CPUQuota={max(1, round(limits.cpus * 100))}%"]
    if limits.n_processes is not None:
        words += ["-p", f"TasksMax={limits.n_processes}"]
    return words


def _bus() -> dict[str, str]:
    names = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
    return {name: os.environ[name] for name in names if name in os.environ}


def _write(path: str, value: str, *, is_needed: bool) -> None:
    try:
        Path(path).write_text(value)
    except OSError:
        if is_needed:
            raise


async def _take_away(folders: tuple[str, ...]) -> None:
    """A group can be removed once the last process in it is gone, which takes the kernel a moment."""
    left = [folder for folder in folders if not _remove(folder)]
    with anyio.move_on_after(_CLEAN_LIMIT_S):
        while left:
            for folder in left:
                _kill_all(folder)
            await anyio.sleep(_CLEAN_PAUSE_S)
            left = [folder for folder in left if not _remove(folder)]


def sweep(parents: Iterable[str]) -> None:
    """Takes away the groups of servers that were killed; what was in them has died with them."""
    for parent in parents:
        for folder in Path(parent).glob(f"{_PREFIX}*-*"):
            pid = folder.name.split("-")[1]
            if pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
                _remove(str(folder))


def _remove(folder: str) -> bool:
    try:
        os.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _kill_all(folder: str) -> None:
    try:
        pids = Path(folder, "cgroup.procs").read_text().split()
    except OSError:
        return
    for pid in pids:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue


# --- finding one that works ------------------------------------------------------------------------------


async def attempt() -> Cgroups:
    """The first way that binds anything, with what it binds; none where none does."""
    for candidate in await anyio.to_thread.run_sync(_candidates):
        await anyio.to_thread.run_sync(sweep, candidate.parents.values())
        holds = await _tried(candidate)
        if holds:
            parents = {name: path for name, path in candidate.parents.items() if _CONTROLLERS[name] in holds}
            return Cgroups(parents, candidate.is_v2, candidate.systemd, holds)
    why = "memory and CPU of the whole tree are not limited: no control group may be made here."
    return Cgroups(why=why)


def _candidates() -> list[Cgroups]:
    found = [Cgroups(parents) for parents in [_of_v1()] if parents]
    found += [Cgroups(parents, is_v2=True) for parents in _of_v2()]
    program = shutil.which("systemd-run", path="/usr/bin:/bin")
    if program and os.path.isdir("/run/systemd/system"):
        user = () if os.geteuid() == 0 else ("--user",)
        found.append(Cgroups(systemd=(program, *user, "--scope", "--quiet", "--collect")))
    return found


def _of_v1() -> dict[str, str]:
    """Where our own group is in each hierarchy: a group below it is bound by what binds us."""
    parents: dict[str, str] = {}
    for names, path in _memberships():
        for name in names & _CONTROLLERS.keys():
            folder = _folder_of("cgroup", name, path)
            if folder and os.access(folder, os.W_OK):
                parents[name] = folder
    return parents


def _of_v2() -> list[dict[str, str]]:
    """Our own group or one above it, where groups may be made and have controllers; the nearest first."""
    found: list[dict[str, str]] = []
    for names, path in _memberships():
        if names:
            continue
        folder = _folder_of("cgroup2", "", path)
        while folder and os.access(folder, os.W_OK) and os.access(os.path.join(folder, "cgroup.procs"), os.W_OK):
            try:
                given = set(Path(folder, "cgroup.subtree_control").read_text().split())
            except OSError:
                break
            if given & _CONTROLLERS.keys():
                found.append({name: folder for name in _CONTROLLERS if name in given})
            folder = os.path.dirname(folder)
    return found


def _memberships() -> list[tuple[set[str], str]]:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    parts = [line.split(":", 2) for line in lines]
    return [({name for name in part[1].split(",") if name}, part[2]) for part in parts if len(part) == 3]


def _folder_of(kind: str, controller: str, path: str) -> str | None:
    """Where a group is mounted. A container may see a part of the hierarchy only."""
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if kinds[0] != kind or (controller and controller not in kinds[2].split(",")):
            continue
        root, point = fields[3], fields[4]
        inside = os.path.relpath(path, root) if path == root or path.startswith(root.rstrip("/") + "/") else "."
        folder = os.path.normpath(os.path.join(point, inside))
        if os.path.isdir(folder):
            return folder
    return None


# --- trying it -------------------------------------------------------------------------------------------

# More memory than is allowed in a process that keeps it, and more processes; then more time than a period has.
_MEMORY = "head -c 96m /dev/zero | tail -c 96m | wc -c"
FORKS = "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 1 > /dev/null 2>&1 & done"
FORK_LIMIT = 8
"""`FORKS` is a script that fails where no more than this many processes may be."""
_CPU = (
    "n=0; while [ $n -lt 5000 ]; do n=$((n + 1)); done; "
    "cat \"/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.stat\""
)


async def _tried(candidate: Cgroups) -> frozenset[Hold]:
    held: set[Hold] = set()

    async def memory() -> None:
        out = await _run(candidate, Limits(48 * _MIB, None, None), _MEMORY)
        if out is not None and out.strip() != str(96 * _MIB):
            held.add("memory")

    async def processes() -> None:
        out = await _run(candidate, Limits(None, None, FORK_LIMIT), f"{FORKS}; echo all")
        if out is not None and "all" not in out:
            held.add("process_count")

    async def cpu() -> None:
        out = await _run(candidate, Limits(None, 0.1, None), _CPU)
        if out is not None and any(line.startswith("nr_throttled ") and line[13:] != "0" for line in out.splitlines()):
            held.add("cpu")

    async with anyio.create_task_group() as tasks:
        for trial in (memory, processes, cpu):
            tasks.start_soon(trial)
    return frozenset(held)


async def _run(candidate: Cgroups, limits: Limits, script: str) -> str | None:
    """What it said, with what its group counted; None where there was no such limit to be had."""
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    try:
        async with candidate.group(limits, _TRIAL_PERIOD_US) as group:
            if not group.prefix and not group.files:
                return None
            join = "".join(f"echo 0 > '{file}' && " for file in group.files)
            shell = ["/bin/sh", "-c", f"{join}{{ echo joined; {script}; }}"]
            done = await run([*group.prefix, *shell], timeout_s=_TRIAL_LIMIT_S, env={**env, **group.env})
            if not done.stdout.startswith(b"joined\n"):
                return None
            counted = "".join(_read(os.path.join(folder, "cpu.stat")) for folder in group.folders)
            return done.stdout.decode(errors="replace").removeprefix("joined\n") + counted
    except ToolFailed:
        return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
