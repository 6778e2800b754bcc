"""The Landlock backend: a command that confines itself before it starts, with what every Linux since 5.13 has.

Where namespaces can be had as well it gets a root of its own: an overlay of the workspace at its own path (or a copy
there), its own processes and network. Where they cannot, it runs in a copy, and less is held. Which it is, and what it
holds, is found by trying. The programs that do it are in the folder `launching`; knows nothing of what runs. Start with
`attempt`.
"""

import marshal
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread

from copydesk.domain.errors import ToolFailed
from copydesk.domain.sandboxes import BackendName, Hold
from copydesk.processes import cgroups, toolchains
from copydesk.processes import landlock_rules as rules
from copydesk.processes.cgroups import Cgroups
from copydesk.processes.confinement import Confinement, Mount, Placing
from copydesk.processes.held_names import Made, hold, let_go
from copydesk.processes.placing import is_below, placed, with_temp
from copydesk.processes.rlimits import limits_for
from copydesk.processes.seccomp import AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, Filter, Machine, build_filter
from copydesk.processes.spawn import KILL_GRACE_S, Child, start
from copydesk.processes.trial import try_out

_LAUNCH = "import sys; sys.path.append(sys.argv[1]); from launching.supervising import main; main()"
_CONFINED = b"+"
_START_LIMIT_S = 20.0
_END_LIMIT_S = 1.0
_CLONE_NEWNS, _CLONE_NEWUTS, _CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
_CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_NAMESPACES = _CLONE_NEWNS | _CLONE_NEWUTS | _CLONE_NEWIPC | _CLONE_NEWUSER | _CLONE_NEWPID
_SCOPES = 6
"""The version of Landlock that keeps signals and abstract sockets inside."""


async def attempt(state_dir: str) -> "LandlockSandbox | str":
    """The best that works here, or why nothing does. `state_dir` is outside every workspace."""
    if sys.platform != "linux":
        return "Landlock is a part of Linux."
    machine = platform.machine()
    if machine not in ("x86_64", "aarch64"):
        return f"The system-call filter is made for x86-64 and AArch64, and this is {machine}."
    abi = rules.version()
    if not abi:
        return "This kernel has no Landlock: it came with Linux 5.13, and can be left out or off (`lsm=` at boot)."
    failures: list[str] = []
    groups = await cgroups.attempt()
    for placing in _PLACINGS:
        box = LandlockSandbox(state_dir, machine, abi, groups, placing)
        holds = await try_out(box, state_dir, refuses_sockets=placing == "none")
        if isinstance(holds, frozenset):
            box.holds = (holds & box.possible) | groups.holds
            box.why = f"No overlay of the workspace can be had: {failures[0]}" if failures else ""
            return box
        await box.aclose()
        failures.append(holds + (_ABOUT_NAMESPACES if "(namespaces)" in holds else ""))
    return f"Landlock was tried and does not confine here: {failures[-1]}"


_ABOUT_NAMESPACES = (
    " User namespaces are switched off or forbidden here (user.max_user_namespaces, AppArmor, or what this runs in)."
)
_PLACINGS: tuple[Placing, ...] = ("overlay", "bind", "none")


class _Confined(Child):
    """Its process is the launcher, which ends everything below it when it is asked to, and then itself."""

    async def kill(self, grace_s: float = KILL_GRACE_S) -> None:
        await super().kill(max(grace_s, _END_LIMIT_S))


class LandlockSandbox:
    """A `Sandbox`. `why` says why namespaces could not be had, where they could not."""

    name: BackendName = "landlock"

    def __init__(self, state_dir: str, machine: Machine, abi: int, groups: Cgroups, placing: Placing) -> None:
        self._state_dir, self._abi, self._groups = state_dir, abi, groups
        self._machine: Machine = machine
        self._has_namespaces = placing != "none"
        self._root = tempfile.mkdtemp(prefix="root-", dir=state_dir) if self._has_namespaces else ""
        self.placing: Placing = placing
        self.holds: frozenset[Hold] = frozenset()
        self.why = ""

    @property
    def possible(self) -> frozenset[Hold]:
        """The most that can be claimed. Of one process's limits nothing follows for the tree."""
        alone: frozenset[Hold] = frozenset({"read_outside", "network", "local_sockets", "privileges"})
        if not self._has_namespaces:
            # Landlock has no right for modes and times, and does not hide processes; what goes to the background is
            # hunted down, which a program that forks all the time can outrun.
            return alone
        return alone | frozenset[Hold]({"write_outside", "processes", "children_die", "same_path", "shadow"})

    @asynccontextmanager
    async def start(self, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        temp = await anyio.to_thread.run_sync(tempfile.mkdtemp, None, "temp-", self._state_dir)
        made: list[Made] = []
        try:
            asked = await anyio.to_thread.run_sync(self._adapted, confinement, temp)
            made = await anyio.to_thread.run_sync(hold, confinement)
            async with self._groups.group(confinement.limits) as group:
                spec = self._spec(list(argv), asked, temp, group.files)
                command = [*group.prefix, *_launcher()]
                async with start(command, env=group.env, cwd="/", child_type=_Confined) as child:
                    await _hand_over(child, marshal.dumps(spec))
                    yield child
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_clean_up, made, temp)

    async def aclose(self) -> None:
        if self._root:
            await anyio.to_thread.run_sync(shutil.rmtree, self._root, True)

    def _adapted(self, asked: Confinement, temp: str) -> Confinement:
        asked = toolchains.widened(asked)
        return with_temp(asked) if self._has_namespaces else placed(asked, temp)

    def _spec(self, argv: list[str], asked: Confinement, temp: str, groups: Sequence[str] = ()) -> dict[str, Any]:
        families = {AF_INET, AF_INET6, AF_NETLINK} if asked.network or self._has_namespaces else set[int]()
        if self._has_namespaces and (not asked.network or self._abi >= _SCOPES):
            families.add(AF_UNIX)
        is_cut = not asked.network
        namespaces = (_NAMESPACES | (_CLONE_NEWNET if is_cut else 0)) if self._has_namespaces else 0
        return {
            "argv": argv,
            "env": dict(asked.env),
            "cwd": asked.cwd,
            "groups": list(groups),
            "namespaces": namespaces,
            "root": self._root,
            "steps": steps_for(asked) if self._has_namespaces else [],
            "limits": limits_for(asked.limits),
            "landlock": self._landlock(asked, temp),
            "filter": build_filter(self._machine, Filter(frozenset(families))),
        }

    def _landlock(self, asked: Confinement, temp: str) -> tuple[list[int], int, list[tuple[str, int]]]:
        rights = [*rules.system_rights(), *((path, rules.READ) for path in asked.readable)]
        places = [mount.path if self._has_namespaces else mount.tree for mount in asked.mounts]
        rights += [(path, rules.WRITE) for path in (*places, *asked.writable)]
        if asked.network:
            rights += [(path, rules.READ_FILE) for path in _name_service()]
        if self._has_namespaces:
            rights += [(path, rules.WRITE) for path in ("/tmp", "/dev/shm", "/dev/pts", asked.env["HOME"])]
            # What is in this root is listed, no more: to read it takes the other rules.
            rights += [("/", rules.READ_DIR), ("/proc", rules.READ)]
        else:
            rights += [(temp, rules.WRITE), ("/proc", rules.READ)]
        is_cut_by_namespace = self._has_namespaces and not asked.network
        handled = rules.handled(self._abi, tcp=not asked.network and not is_cut_by_namespace)
        return handled, rules.OF_FILES, rules.rules_for(self._abi, rights)


def steps_for(asked: Confinement) -> list[tuple[Any, ...]]:
    """How a root of the command's own is put together: the system, then what is shown, then the workspace on top."""
    size, home = asked.limits.temp_bytes, asked.env["HOME"]
    steps: list[tuple[Any, ...]] = [*_system_steps(asked.network)]
    steps += [("tmpfs", "/tmp", size, "1777"), ("folder", "/var"), ("link", "/var/tmp", "/tmp")]
    steps += [("tmpfs", "/dev/shm", size, "1777"), ("terminals", "/dev/pts"), ("link", "/dev/ptmx", "pts/ptmx")]
    inside = tuple(mount.path for mount in asked.mounts)
    if not is_below(home, (*inside, *asked.writable)):
        steps.append(("folder", home, 0o700) if is_below(home, ("/tmp",)) else ("tmpfs", home, size, "0700"))
    shown = [path for path in asked.readable if os.path.exists(path) and not is_below(path, (*inside, *_shown()))]
    steps += [("bind", path, path, False) for path in sorted(shown)]
    steps += [("bind", path, path, True) for path in sorted(asked.writable) if not is_below(path, inside)]
    steps += [_mount_step(mount) for mount in sorted(asked.mounts, key=lambda mount: mount.path)]
    steps += [("bind", path, path, True) for path in sorted(asked.writable) if is_below(path, inside)]
    steps += [("pin", path) for path in _above(asked)]
    steps += [("protect", path) for path in sorted(asked.read_only)]
    return steps + [("hide", path) for path in sorted(asked.hidden)]


def _above(asked: Confinement) -> list[str]:
    """The folders between a mount and what is read-only in it: moved aside, they would take it with them."""
    found: set[str] = set()
    for path in asked.read_only:
        for mount in asked.mounts:
            folder = os.path.dirname(path)
            while is_below(folder, (mount.path,)) and folder != mount.path:
                found.add(folder)
                folder = os.path.dirname(folder)
    return sorted(found)


def _system_steps(network: bool) -> Iterable[tuple[Any, ...]]:
    for path in (*rules.SYSTEM_FOLDERS, "/etc", *rules.SYSTEM_FACTS):
        if os.path.islink(path):
            yield "link", path, os.readlink(path)
        elif os.path.isdir(path):
            yield "bind", path, path, False
    yield "proc", "/proc"
    yield "folder", "/dev"
    for device in rules.DEVICES:
        if os.path.exists(device):
            yield "bind", device, device, True, True
    for index, name in enumerate(("stdin", "stdout", "stderr")):
        yield "link", f"/dev/{name}", f"/proc/self/fd/{index}"
    yield "link", "/dev/fd", "/proc/self/fd"
    if network:
        for path in _name_service():
            if not is_below(path, _shown()):
                yield "bind", path, path, False


def _mount_step(mount: Mount) -> tuple[Any, ...]:
    if mount.tree:
        return "bind", mount.path, mount.tree, True
    return "overlay", mount.path, list(mount.lowers), mount.upper, mount.work


def _name_service() -> tuple[str, ...]:
    """Where the names of hosts are asked for: often a link out of /etc."""
    return (os.path.realpath("/etc/resolv.conf"),)


def _shown() -> tuple[str, ...]:
    return (*rules.SYSTEM_FOLDERS, "/etc")


def _launcher() -> list[str]:
    """The interpreter that runs us, without anything that a folder or a variable could add to it."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, os.path.dirname(__file__)]


async def _hand_over(child: Child, spec: bytes) -> None:
    """Returns when the command is confined. Raises `ToolFailed` when it could not be: then it was not started."""
    said, errors = b"", b""
    with anyio.move_on_after(_START_LIMIT_S):
        try:
            await child.stdin.send(spec)
            await child.stdin.aclose()
            said = await child.stdout.receive(1)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        if said == _CONFINED:
            return
        errors = await _rest(child)
    why = errors.decode(errors="replace").strip() or f"it was not ready within {_START_LIMIT_S:g} s"
    raise ToolFailed(f"The command was not started: {why}.", advice="See the sandbox in `copydesk doctor`.")


async def _rest(child: Child) -> bytes:
    found = b""
    try:
        while len(found) < 4000:
            found += await child.stderr.receive(4000)
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    return found


def _clean_up(made: list[Made], temp: str) -> None:
    let_go(made)
    shutil.rmtree(temp, ignore_errors=True)
