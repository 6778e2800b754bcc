"""The bubblewrap backend: commands in a narrow root of their own, with the view at the real tree's path.

Around bubblewrap stand a mount namespace for the overlays and a process namespace that nothing inside can see: when
its first process is gone, the kernel has ended everything. Start with `attempt`; the root is `bubblewrap_root`'s.
"""

import os
import shutil
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.domain.sandboxes import BackendName, Hold
from copydesk.processes import bubblewrap_root, cgroups, overlay_launch, placeholders, system_settings, toolchains
from copydesk.processes.cgroups import Cgroups
from copydesk.processes.confinement import Confinement, Limits, Placing
from copydesk.processes.overlay_launch import Launch
from copydesk.processes.spawn import KILL_GRACE_S, Child, start
from copydesk.processes.trial import try_out

# Of the launch itself, never of the command: that one's is in a file, and bubblewrap starts it with nothing else.
_ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_NEEDED = ("bwrap", "unshare", "mount", "grep")
_READY_LIMIT_S = 20.0
_END_LIMIT_S = 2.0
_WHY_CHARS = 400


class _Confined(Child):
    """A child whose tree ends with one process, the first of the outer namespace."""

    _first: int | None = None

    def watch(self) -> None:
        """Takes hold of the namespace's first process, which is the one child of what was started."""
        try:
            children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            self._first = os.pidfd_open(int(children[0])) if children else None
        except OSError:
            pass  # it has ended already, or this kernel does not tell

    async def kill(self, grace_s: float = KILL_GRACE_S) -> None:
        """There is no grace: no signal but the last reaches a namespace's first process."""
        with anyio.CancelScope(shield=True):
            if self.exit_code is None:
                self._end()
                with anyio.move_on_after(_END_LIMIT_S):
                    await self.wait()
            await super().kill(grace_s)

    async def close(self) -> None:
        if self._first is not None:
            os.close(self._first)
            self._first = None
        await super().close()

    def _end(self) -> None:
        try:
            if self._first is None:
                os.killpg(self.pid, signal.SIGKILL)
            else:  # what waits for it ends after everything in the namespace has
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


@frozen
class Bubblewrap:
    """A `Sandbox`. `placing` is "bind" where no overlay can be mounted: then views are copies at the real path."""

    bwrap: str
    state: Path
    placing: Placing
    holds: frozenset[Hold]
    cgroups: Cgroups
    etc: Path
    """What stands for /etc, and `of_etc` those of its folders that are the real ones."""
    of_etc: tuple[str, ...] = ()
    disable_userns: bool = True
    why: str = ""
    """Why it is not the best form, where it is not."""

    @property
    def name(self) -> BackendName:
        return "bubblewrap"

    @asynccontextmanager
    async def start(self, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        if self.placing != "overlay" and any(not mount.tree for mount in confinement.mounts):
            raise ToolFailed("No overlay can be mounted here, and the command's view is one.")
        opening = overlay_launch.opened(self.state, confinement.mounts)
        launch = await anyio.to_thread.run_sync(opening.__enter__)
        try:
            held = await anyio.to_thread.run_sync(self._prepare, launch, confinement)
            try:
                async with self._started(launch, argv, confinement) as child:
                    yield child
            finally:
                placeholders.take_away(held)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(opening.__exit__, None, None, None)

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(shutil.rmtree, self.etc, True)

    def _prepare(self, launch: Launch, confinement: Confinement) -> list[placeholders.Held]:
        widened = toolchains.widened(confinement)
        furniture = bubblewrap_root.Furniture(
            etc=str(self.etc),
            of_etc=self.of_etc,
            empty=os.path.join(launch.folder, overlay_launch.EMPTY),
            disable_userns=self.disable_userns,
        )
        root = bubblewrap_root.root(widened, launch.sources, furniture)
        launch.write_arguments(root.arguments)
        return placeholders.make(root.placeholders, Path(launch.folder))

    def _of_each(self, limits: Limits) -> Limits:
        """What is set for each process: no memory where the whole tree has a limit, which is the truer one."""
        return replace(limits, memory_bytes=None) if "memory" in self.cgroups.holds else limits

    @asynccontextmanager
    async def _started(self, launch: Launch, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        async with self.cgroups.group(confinement.limits) as group:
            command = launch.command(self.bwrap, argv, self._of_each(confinement.limits), group.files)
            ready = os.open(os.path.join(launch.folder, overlay_launch.READY), os.O_RDONLY | os.O_NONBLOCK)
            try:
                async with start(
                    [*group.prefix, *command], cwd=launch.folder, env={**_ENV, **group.env}, child_type=_Confined
                ) as child:
                    await child.stdin.aclose()
                    await _begun(child, ready)
                    if isinstance(child, _Confined):
                        child.watch()
                    yield child
            finally:
                os.close(ready)


async def _begun(child: Child, ready: int) -> None:
    """Waits until the command itself begins. Raises `ToolFailed` with what was said when it never does."""
    is_ready = False
    with anyio.move_on_after(_READY_LIMIT_S):
        async with anyio.create_task_group() as tasks:

            async def end() -> None:
                await child.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(end)
            await anyio.wait_readable(ready)
            tasks.cancel_scope.cancel()
    try:
        is_ready = os.read(ready, 1) != b""
    except BlockingIOError:
        pass
    if not is_ready:
        await child.kill()
        raise ToolFailed(f"The command could not be confined, and was not run: {await _said(child)}")


async def _said(child: Child) -> str:
    said = b""
    with anyio.move_on_after(_END_LIMIT_S):
        try:
            while len(said) < _WHY_CHARS:
                said += await child.stderr.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if "dmesg(1)" not in line]
    return " ".join(lines)[:_WHY_CHARS] or "it ended at once, without a word."


# --- trying it -------------------------------------------------------------------------------------------


async def attempt(state_dir: str) -> Bubblewrap | str:
    """The best that works here, or why nothing does. `state_dir` is outside every workspace."""
    missing = [name for name in _NEEDED if shutil.which(name, path=_ENV["PATH"]) is None]
    if missing:
        what = "bubblewrap" if "bwrap" in missing else ", ".join(missing)
        return f"{what} is not installed (on Debian and Ubuntu: `apt install bubblewrap util-linux`)."
    bwrap = shutil.which("bwrap", path=_ENV["PATH"]) or "bwrap"
    state = Path(state_dir)
    await anyio.to_thread.run_sync(overlay_launch.sweep, state)
    etc = await anyio.to_thread.run_sync(overlay_launch.folder_in, state)
    of_etc = await anyio.to_thread.run_sync(system_settings.gather, etc, abandon_on_cancel=True)
    found = await _best_form(Bubblewrap(bwrap, state, "none", frozenset(), Cgroups(), etc, of_etc))
    if isinstance(found, str):
        return f"bubblewrap was tried and does not work here: {found}"
    groups = await cgroups.attempt()
    why = " ".join(each for each in (found.why, groups.why) if each)
    return replace(found, holds=found.holds | groups.holds, cgroups=groups, why=why)


# The best first. A bubblewrap before 0.8 cannot forbid further user namespaces.
_FORMS: tuple[tuple[Placing, bool], ...] = (("overlay", True), ("overlay", False), ("bind", True), ("bind", False))


async def _best_form(untried: Bubblewrap) -> Bubblewrap | str:
    whys: list[str] = []
    for placing, disable_userns in _FORMS:
        box = replace(untried, placing=placing, disable_userns=disable_userns)
        holds = await try_out(box, str(box.state))
        if isinstance(holds, frozenset):
            counted = await _counted(box)
            lacking: set[Hold] = set() if disable_userns else {"privileges"}
            return replace(box, holds=holds - lacking | counted, why=whys[0] if whys else "")
        whys.append(_explained(holds))
    return whys[0]


async def _counted(box: Bubblewrap) -> frozenset[Hold]:
    """Whether the kernel counts the processes of one user namespace by themselves, which it does since 5.14, but not
    for root. Else a limit would count everything that the person runs.
    """
    argv = ["/bin/sh", "-c", f"{cgroups.FORKS} && echo all"]
    try:
        async with box.start(argv, Confinement((), cwd="/", limits=Limits(n_processes=cgroups.FORK_LIMIT))) as child:
            with anyio.move_on_after(_READY_LIMIT_S):
                return frozenset() if await child.wait() == 0 else frozenset({"process_count"})
    except ToolFailed:
        pass
    return frozenset()


def _explained(why: str) -> str:
    """The words of the tools, with what is known to be behind them."""
    if "overlay" in why and "mount" in why:
        return f"{why} No overlay can be mounted here: {_about_overlays()}"
    if "unshare" in why or "namespace" in why or "uid map" in why or "Permission denied" in why:
        return f"{why} {_about_namespaces()}"
    return why


def _about_overlays() -> str:
    return (
        "the kernel must be 5.11 or newer, and the folder of Copydesk's state must not be on an overlay itself, as in "
        "most containers (set COPYDESK_STATE_DIR to a folder on a volume)."
    )


def _about_namespaces() -> str:
    """Who forbids user namespaces here, as far as it can be read."""
    for path, forbids, what in _SWITCHES:
        try:
            if Path(path).read_text().strip() == forbids:
                return what
        except OSError:
            continue
    return (
        "User namespaces are forbidden here: by the container that this runs in (Docker's seccomp profile), or by a "
        "security module."
    )


_SWITCHES = (
    ("/proc/sys/user/max_user_namespaces", "0", "User namespaces are switched off (sysctl user.max_user_namespaces)."),
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "User namespaces are switched off for users (sysctl kernel.unprivileged_userns_clone).",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        (
            "AppArmor restricts user namespaces (Ubuntu 24.04 and newer): give `bwrap` and `unshare` a profile with "
            "`userns,`, or as root `sysctl kernel.apparmor_restrict_unprivileged_userns=0`."
        ),
    ),
)
