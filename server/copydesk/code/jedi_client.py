"""Questions to the jedi worker: keeps it in step with unsaved and pending text, and limits every wait.

Owns the worker process and what it was told. Knows no symbols and no edits. Start with `JediClient.ask`.
"""

import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from copydesk.code.places import path_for, root_of, to_path
from copydesk.domain.errors import ToolFailed
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.processes.environment import minimal_env
from copydesk.processes.workers import Waiting, Worker, WorkerLost, WorkerTimeout

_N_LATE = 32
_N_HOVERS = 256
_DELETED = "-"


@dataclass(slots=True)
class _Told:
    """What one life of the worker has been told: path → content hash."""

    generation: int = 0
    hashes: dict[str, str] = field(default_factory=dict[str, str])


class JediClient:
    def __init__(self) -> None:
        self._worker = Worker(_command(), env=_environment(), cwd=tempfile.gettempdir(), name="Python analyser")
        self._told = _Told()
        self._late: dict[tuple[Any, ...], Waiting] = {}
        self._hovers: dict[tuple[Any, ...], str] = {}

    async def aclose(self) -> None:
        await self._worker.aclose()

    async def tend(self, idle_s: float) -> None:
        await self._worker.tend(idle_s)

    async def ask(
        self, files: FileSource, roots: tuple[str, ...], uri: str, question: Mapping[str, Any], timeout_s: float
    ) -> Mapping[str, Any]:
        """One answer. Raises `ToolFailed`; a worker lost under us is asked once more."""
        handle, path = await _read(files, uri)
        build = self._builder(files, roots, handle, path, question)
        try:
            return await self._worker.request(build, timeout_s=timeout_s)
        except WorkerLost:
            return await self._worker.request(build, timeout_s=timeout_s)

    async def hover(
        self, files: FileSource, roots: tuple[str, ...], uri: str, line: int, column: int, timeout_s: float
    ) -> str:
        """Signature and documentation; empty when late. A late answer is kept for the next hover of the same text."""
        handle, path = await _read(files, uri)
        key = (uri, handle.content_hash, line, column, _state_of(files))
        if key in self._hovers:
            return self._hovers[key]
        question = {"op": "hover", "line": line, "column": column}
        with anyio.move_on_after(timeout_s):
            waiting = self._late.get(key)
            if waiting is None:
                self._forget_late()
                waiting = self._late[key] = await self._worker.submit(
                    self._builder(files, roots, handle, path, question)
                )
            return await self._hovered(key, waiting)
        return ""

    async def _hovered(self, key: tuple[Any, ...], waiting: Waiting) -> str:
        try:
            text = str((await self._worker.result(waiting))["text"])
        except (WorkerLost, WorkerTimeout):
            self._late.pop(key, None)
            return ""
        except ToolFailed:
            text = ""  # jedi fails on this place: asking again would not help
        self._late.pop(key, None)
        if len(self._hovers) >= _N_HOVERS:
            self._hovers.pop(next(iter(self._hovers)))
        self._hovers[key] = text
        return text

    def _forget_late(self) -> None:
        while len(self._late) >= _N_LATE:
            self._late.pop(next(iter(self._late)))

    def _builder(
        self, files: FileSource, roots: tuple[str, ...], handle: FileHandle, path: str, question: Mapping[str, Any]
    ) -> Any:
        root = root_of(path, tuple(found for found in map(to_path, roots) if found))

        def build(generation: int) -> Mapping[str, Any]:
            changed, dropped = self._delta(generation, files, handle, path)
            return {**question, "path": path, "root": root, "changed": changed, "dropped": dropped}

        return build

    def _delta(
        self, generation: int, files: FileSource, handle: FileHandle, path: str
    ) -> tuple[dict[str, str | None], list[str]]:
        """What the worker has to hear before this question: new texts, deletions, paths that are as on disk again."""
        if self._told.generation != generation:
            self._told = _Told(generation)
        wanted: dict[str, FileHandle | None] = {}
        for uri, changed in files.changed().items():
            place = to_path(uri)
            if place is not None and place.endswith((".py", ".pyi", ".pyw")):
                wanted[place] = changed
        wanted[path] = handle
        told = self._told.hashes
        dropped = [known for known in told if known not in wanted]
        delta = {
            place: one.text if one is not None else None
            for place, one in wanted.items()
            if told.get(place) != (one.content_hash if one is not None else _DELETED)
        }
        self._told.hashes = {place: one.content_hash if one else _DELETED for place, one in wanted.items()}
        return delta, dropped


async def _read(files: FileSource, uri: str) -> tuple[FileHandle, str]:
    # Only a text that is on the disk may block; what the editor holds is there at once.
    known = files.changed().get(uri)
    handle = known if known is not None else await anyio.to_thread.run_sync(files.read, uri)
    return handle, path_for(uri)


def _state_of(files: FileSource) -> int:
    return hash(tuple((uri, one.content_hash if one else _DELETED) for uri, one in files.changed().items()))


def _command() -> list[str]:
    # -P: neither the working directory nor the project can put modules in front of ours.
    return [sys.executable, "-P", "-s", "-m", "copydesk.code.jedi_worker"]


def _environment() -> dict[str, str]:
    return minimal_env({"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"})
