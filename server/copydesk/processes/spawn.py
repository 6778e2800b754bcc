"""Starts child processes, each in its own group, and ends them with everything they started.

A child never outlives the block that started it: leaving it, a time limit or a cancellation kills the group.
It never inherits our stdin or environment. Knows nothing of what runs. Start with `run`, or `start` for a dialogue.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.processes.bounded import Bounded
from copydesk.processes.environment import minimal_env

KILL_GRACE_S = 0.1  # a stop has to be over within 250 ms, and SIGKILL follows the grace
_REAP_S = 2.0
_EXIT_POLL_S = 0.05
_LATE_OUTPUT_S = 0.25
_CHUNK_BYTES = 65536

Path: TypeAlias = str | os.PathLike[str]


@frozen
class Finished:
    """How a command ended. `exit_code` is negative for a signal; `cut_bytes` were left out of the middle."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    cut_bytes: int = 0


class Child:
    """A running process with pipes. Its own group on POSIX, its own process group on Windows."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    @property
    def stdin(self) -> ByteSendStream:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> ByteReceiveStream:
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def stderr(self) -> ByteReceiveStream:
        assert self._process.stderr is not None
        return self._process.stderr

    async def wait(self) -> int:
        """Waits for the exit of the process itself; what it started may go on until the block is left."""
        while self._process.returncode is None:
            # asyncio before 3.13 only wakes waiters once the pipes are closed, which a grandchild may keep open.
            with anyio.move_on_after(_EXIT_POLL_S):
                await self._process.wait()
        return self._process.returncode

    async def kill(self, grace_s: float = KILL_GRACE_S) -> None:
        """Ends the whole group: politely, then for good. Cannot be cancelled, and is limited in time."""
        with anyio.CancelScope(shield=True):
            if self._process.returncode is None:
                await _signal_group(self.pid, force=False)
                with anyio.move_on_after(grace_s):
                    await self.wait()
            await _signal_group(self.pid, force=True)
            with anyio.move_on_after(_REAP_S):
                await self.wait()

    async def close(self) -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(_REAP_S):
            await self._process.aclose()


async def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout_s: float,
    env: Mapping[str, str] | None = None,
    limit_bytes: int = 1_000_000,
) -> Finished:
    """Runs a command to its end. Raises `ToolFailed` when it cannot start.

    Of each stream longer than `limit_bytes` the middle is left out. After `timeout_s` the group is killed, and
    what was written so far is returned with `timed_out`.
    """
    out, err = Bounded(limit_bytes), Bounded(limit_bytes)
    async with start(command, cwd=cwd, env=env) as child:
        with anyio.move_on_after(timeout_s) as scope:
            await _converse(child, stdin, out, err)
        if scope.cancelled_caught:
            await child.kill()
        exit_code = child.exit_code
    code = -signal.SIGTERM if exit_code is None else exit_code
    return Finished(code, out.value(), err.value(), scope.cancelled_caught, out.cut_bytes + err.cut_bytes)


@asynccontextmanager
async def start(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stderr: bool = True,
    child_type: type[Child] = Child,
) -> AsyncGenerator[Child]:
    """Starts a command with three pipes, or two: without `stderr` what it writes there is dropped.

    `env` is the whole environment (`minimal_env()` when None).
    """
    child = child_type(await _open(command, cwd, minimal_env() if env is None else env, stderr))
    try:
        yield child
    finally:
        await child.kill()
        await child.close()


async def _open(command: Sequence[str], cwd: Path | None, env: Mapping[str, str], stderr: bool) -> Process:
    resolved = _resolved(command, cwd, env)
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) if sys.platform == "win32" else 0
    try:
        return await anyio.open_process(
            [*_leash(), *resolved],
            cwd=cwd,
            env=dict(env),
            stderr=subprocess.PIPE if stderr else subprocess.DEVNULL,
            start_new_session=sys.platform != "win32",
            creationflags=flags,
        )
    except OSError as error:
        advice = "Check that the program is installed and the directory exists."
        raise ToolFailed(f"Could not start {command[0]!r} in {str(cwd or '.')!r}: {error}.", advice=advice) from error


def _resolved(command: Sequence[str], cwd: Path | None, env: Mapping[str, str]) -> list[str]:
    if os.path.dirname(command[0]):
        path = os.path.join(cwd or "", command[0])
        found = path if os.path.isfile(path) else None
        first = command[0]
    else:
        found = first = shutil.which(command[0], path=env.get("PATH"))
    if found is None or first is None:
        raise ToolFailed(f"There is no program {command[0]!r}.", advice="Install it, or put it on PATH.")
    return [first, *command[1:]]


@functools.cache
def _leash() -> tuple[str, ...]:
    """A prefix that has Linux kill the child when we die. `preexec_fn` could deadlock beside our threads.

    It holds from the moment setpriv has run, about 1 ms after the fork.
    """
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    try:
        # Once per process, about 1 ms: older util-linux and busybox have no such option.
        works = subprocess.run(
            [*prefix, "/bin/true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return prefix if works.returncode == 0 else ()


async def _converse(child: Child, stdin: bytes, out: Bounded, err: Bounded) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_feed, child.stdin, stdin)
        tasks.start_soon(_drain, child.stdout, out)
        tasks.start_soon(_drain, child.stderr, err)
        await child.wait()
        # A grandchild in the background may hold the pipes open for ever.
        tasks.cancel_scope.deadline = anyio.current_time() + _LATE_OUTPUT_S


async def _feed(stream: ByteSendStream, data: bytes) -> None:
    try:
        if data:
            await stream.send(data)
        await stream.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        pass  # the child did not want all of it


async def _drain(stream: ByteReceiveStream, into: Bounded) -> None:
    try:
        while True:
            into.add(await stream.receive(_CHUNK_BYTES))
    except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass


async def _signal_group(pid: int, *, force: bool) -> None:
    if sys.platform == "win32":
        await _kill_tree_on_windows(pid, force=force)
        return
    try:
        os.killpg(pid, signal.SIGKILL if force else signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        pass  # all gone; macOS says EPERM for a group of zombies


async def _kill_tree_on_windows(pid: int, *, force: bool) -> None:
    command = ["taskkill", "/T", "/PID", str(pid), *(["/F"] if force else [])]
    with anyio.move_on_after(_REAP_S):
        await anyio.run_process(command, check=False)
