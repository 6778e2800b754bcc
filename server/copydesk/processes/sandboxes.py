"""Which sandbox confines commands here: found by trying each, once per process. Never a silent fall-back.

`auto` is the first that works of: a container where one is configured, bubblewrap, Landlock with seccomp, process
limits. A backend that is asked for by name and cannot be had is a refusal: then nothing runs. Start with `choose`.
"""

import importlib
import os
from collections.abc import Awaitable, Callable
from typing import cast

import anyio
import anyio.to_thread

from copydesk.domain.frozen import frozen
from copydesk.domain.sandboxes import BackendName, Hold, SandboxReport
from copydesk.processes.confinement import Sandbox

_TRIAL_LIMIT_S = 60.0
_MODULES: dict[BackendName, str] = {
    "container": "container",
    "bubblewrap": "bubblewrap",
    "landlock": "landlock",
    "process": "limited",
}
_AUTO: tuple[BackendName, ...] = ("bubblewrap", "landlock", "process")
_WORDS: dict[Hold, str] = {
    "write_outside": "writes outside the workspace",
    "read_outside": "reads of homes, keys and other projects",
    "network": "the network",
    "local_sockets": "UNIX sockets of this machine",
    "processes": "other processes",
    "children_die": "the end of what goes to the background",
    "privileges": "privileges",
    "memory": "memory",
    "cpu": "CPU",
    "process_count": "the number of processes",
    "same_path": "the workspace's own path",
    "shadow": "the real files",
}

Attempt = Callable[..., Awaitable[Sandbox | str]]


@frozen
class Chosen:
    """`sandbox` is None where the report refuses."""

    report: SandboxReport
    sandbox: Sandbox | None = None


_tried: dict[tuple[BackendName, str, str | None], Sandbox | str] = {}
_lock: anyio.Lock | None = None


async def choose(wanted: str, *, image: str | None, state: str | os.PathLike[str]) -> Chosen:
    """`wanted` is the setting; `state` a folder outside every workspace, which is made.

    The first call takes 0.1 s or so, later ones answer at once.
    """
    folder = await anyio.to_thread.run_sync(_made, os.fspath(state))
    if wanted == "off":
        return await _unconfined(folder)
    failures: list[str] = []
    for name in _candidates(wanted, image):
        found = await _try(name, folder, image)
        if not isinstance(found, str):
            return Chosen(_report(found, wanted, failures), found)
        failures.append(f"{name}: {found}")
    return Chosen(_refusal(wanted, failures))


async def _unconfined(state: str) -> Chosen:
    """Switched off on purpose: commands run as they are, in a copy, and every one asks."""
    found = await _try("process", state, None)
    report = SandboxReport("off", "off", why="Sandboxes are switched off (`sandbox.backend`): every command asks.")
    return Chosen(report, None if isinstance(found, str) else found)


def _candidates(wanted: str, image: str | None) -> tuple[BackendName, ...]:
    if wanted == "auto":
        return ("container", *_AUTO) if image else _AUTO
    return tuple(name for name in _MODULES if name == wanted)


async def _try(name: BackendName, state: str, image: str | None) -> Sandbox | str:
    global _lock
    key = (name, state, image if name == "container" else None)
    _lock = _lock or anyio.Lock()
    async with _lock:
        if key not in _tried:
            _tried[key] = await _attempt(name, state, image)
        return _tried[key]


async def _attempt(name: BackendName, state: str, image: str | None) -> Sandbox | str:
    try:
        module = importlib.import_module(f"copydesk.processes.{_MODULES[name]}")
    except ModuleNotFoundError:
        return "it is not part of this installation."
    attempt = cast(Attempt, module.attempt)
    with anyio.move_on_after(_TRIAL_LIMIT_S):
        return await (attempt(state, image) if name == "container" else attempt(state))
    return f"trying it took longer than {_TRIAL_LIMIT_S:.0f} s."


def _report(sandbox: Sandbox, wanted: str, failures: list[str]) -> SandboxReport:
    own = str(getattr(sandbox, "why", ""))
    why = " ".join([own, *(f"Not {failure}" for failure in failures)]).strip()
    return SandboxReport(sandbox.name, wanted, sandbox.holds, why)


def _refusal(wanted: str, failures: list[str]) -> SandboxReport:
    backend = wanted if wanted in _MODULES else "process"
    if not failures:
        return SandboxReport(backend, wanted, refused=f"There is no sandbox {wanted!r}.")
    refused = f"No command runs, for no sandbox can be had ({'; '.join(failures)})"
    if wanted != "auto":
        refused = f"No command runs, for the sandbox that `sandbox.backend` names cannot be had ({failures[0]})"
    return SandboxReport(backend, wanted, refused=f"{refused}.".replace(".).", ".)"))


def describe(report: SandboxReport) -> str:
    """For a status line or the doctor: the backend, and what it does not hold."""
    if report.refused:
        return report.refused
    lacks = [_WORDS[hold] for hold in report.lacks]
    held = "holds everything" if not lacks else f"does not hold: {', '.join(lacks)}"
    return f"{report.backend}; {held}"


async def aclose(state: str | os.PathLike[str]) -> None:
    """Ends what was tried with this folder and is kept between commands."""
    folder = await anyio.to_thread.run_sync(os.path.realpath, os.fspath(state))
    for key in [key for key in _tried if key[1] == folder]:
        found = _tried.pop(key)
        if not isinstance(found, str):
            await found.aclose()


def _made(folder: str) -> str:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.realpath(folder)
