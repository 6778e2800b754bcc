"""The launcher's own process: starts the command, waits for it, and ends with all that came of it.

Start with `main`.
"""

# pyright: reportConstantRedefinition=false, reportUnknownMemberType=false
from __future__ import annotations

import _signal  # pyright: ignore[reportMissingImports]  `signal` would import much more
import marshal
import os
import time

from .becoming import become
from .kernel import (
    CLONE_NEWPID,
    FAILED,
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    SIGCHLD,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGTERM,
    code,
    fail,
    guarded,
    prctl,
    read_all,
    write,
)
from .rooting import enter_namespaces, first_process

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` takes longer to import than all else here
    from typing import Any, NoReturn

_MAX_SWEEPS = 500


def main() -> NoReturn:
    try:
        spec = marshal.loads(read_all(0))
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        code = _launch(spec)
    except OSError as error:
        fail(f"{error.strerror} ({error.filename or 'a system call'})")
    os._exit(code)


def _launch(spec: dict[str, Any]) -> int:
    """Starts the command and ends with all that came of it, whoever else ends first."""
    for file in spec["groups"]:
        write(file, "0")
    signals = (SIGTERM, SIGINT, SIGHUP, SIGCHLD)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, signals)
    # A leash that kills us at once would leave the command's children behind: we are asked to end, and end them.
    prctl(PR_SET_PDEATHSIG, SIGTERM)
    # Whatever loses its parent becomes ours, so that it can be found and ended.
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    watched, held = os.pipe()
    if spec["namespaces"]:
        enter_namespaces(spec)
    pid = os.fork()
    if pid == 0:
        os.close(held)
        guarded(first_process if spec["namespaces"] & CLONE_NEWPID else become, spec, watched)
    os.close(watched)
    for stream in (1, 2):
        # Whoever reads must see the end when the command ends, not when we do.
        os.close(stream)
    return _supervise(pid, signals, _signal.sigwait)


def _supervise(pid: int, signals: tuple[int, ...], sigwait: Any) -> int:
    while True:
        number = sigwait(signals)
        if number != SIGCHLD:
            _end_all(pid)
            return 128 + number
        while True:
            try:
                found, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return FAILED
            if found == 0:
                break
            if found == pid:
                _end_all(0)
                return code(status)


def _end_all(pid: int) -> None:
    """Kills everything that is below us, again and again until nothing is left. `pid` is the first to go."""
    if pid:
        _kill(pid, SIGKILL)
    for _ in range(_MAX_SWEEPS):
        for one in _descendants():
            _kill(one, SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _descendants() -> list[int]:
    me, parents = os.getpid(), dict[int, int]()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The name of the program stands in brackets and may hold anything, brackets too.
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            if fields[0] != b"Z":
                parents[int(name)] = int(fields[1])
    found = {me}
    while True:
        more = {pid for pid, parent in parents.items() if parent in found and pid not in found}
        if not more:
            return list(found - {me})
        found |= more


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except OSError:
        pass
