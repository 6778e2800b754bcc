"""A long-lived child that answers requests: newline-delimited JSON over its stdin and stdout, in the order sent.

Owns starting on first use, time limits, restart after a crash (bounded) and ending with the block. A request that
outlives its limit while it is the one being worked on costs the child its life: nothing else can stop it. Knows
nothing of what is asked. The child ends by itself when its stdin closes. Start with `Worker.request`.
"""

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, cast

import anyio
from anyio.abc import TaskGroup

from copydesk.domain.errors import ToolFailed
from copydesk.processes.spawn import Child, start

_CHUNK_BYTES = 262_144
_N_STDERR_LINES = 20
_N_CRASHES = 5
_CRASH_WINDOW_S = 60.0
_START_LIMIT_S = 10.0


class WorkerLost(ToolFailed):
    """The child ended before it answered. Asking again starts a fresh one."""


class WorkerTimeout(ToolFailed):
    """No answer within the limit."""


@dataclass(slots=True)
class _Waiting:
    """One request on its way. `answer` is set before `done`; None means that the child is lost."""

    id: int
    done: anyio.Event = field(default_factory=anyio.Event)
    answer: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Running:
    """One life of the child: who waits for it, in the order asked, and what it complained of."""

    child: Child
    scope: anyio.CancelScope
    waiting: dict[int, _Waiting] = field(default_factory=dict[int, _Waiting])
    stderr: deque[str] = field(default_factory=lambda: deque(maxlen=_N_STDERR_LINES))
    lost: bool = False


class Worker:
    """An async context manager. `generation` counts the child's lives: state sent to an older one is gone."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str, name: str) -> None:
        self._command, self._env, self._cwd, self._name = command, env, cwd, name
        self._tasks: TaskGroup | None = None
        self._running: _Running | None = None
        self._sending = anyio.Lock()
        self._next_id = 0
        self._crashes: deque[float] = deque(maxlen=_N_CRASHES)
        self.generation = 0

    async def __aenter__(self) -> "Worker":
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._tasks is not None
        tasks, self._tasks = self._tasks, None
        tasks.cancel_scope.cancel()
        return await tasks.__aexit__(kind, error, trace)

    @property
    def pid(self) -> int | None:
        return self._running.child.pid if self._running else None

    async def request(self, build: Callable[[int], Mapping[str, Any]], *, timeout_s: float) -> Mapping[str, Any]:
        """Sends `build(generation)` and returns the answer's `result` object.

        `build` runs at the moment of sending, in sending order, so that it can tell what this life of the child
        knows already. Raises `WorkerTimeout`, `WorkerLost`, or `ToolFailed` with the child's own message.
        """
        waiting: _Waiting | None = None
        running: _Running | None = None
        with anyio.move_on_after(timeout_s) as scope:
            async with self._sending:
                running = await self._started()
                waiting = await self._send(running, build)
            await waiting.done.wait()
        if scope.cancelled_caught:
            self._give_up(running, waiting)
            raise WorkerTimeout(f"The {self._name} did not answer within {timeout_s:g} s.")
        assert waiting is not None
        return self._result(waiting)

    def _result(self, waiting: _Waiting) -> Mapping[str, Any]:
        match waiting.answer:
            case None:
                raise WorkerLost(f"The {self._name} ended before it answered.", advice="Try again.")
            case {"error": str(message)}:
                raise ToolFailed(message)
            case answer:
                return answer["result"]

    async def _send(self, running: _Running, build: Callable[[int], Mapping[str, Any]]) -> _Waiting:
        self._next_id += 1
        waiting = running.waiting[self._next_id] = _Waiting(self._next_id)
        line = json.dumps({"id": waiting.id, **build(self.generation)}, separators=(",", ":")) + "\n"
        try:
            # Half a line would garble every later one, so a started line is finished or the child is ended.
            with anyio.CancelScope(shield=True), anyio.move_on_after(_START_LIMIT_S) as scope:
                await running.child.stdin.send(line.encode("ascii"))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            self._lose(running)
        else:
            if scope.cancelled_caught:
                self._lose(running)
        return waiting

    def _give_up(self, running: _Running | None, waiting: _Waiting | None) -> None:
        if running is None or waiting is None:
            return
        oldest = next(iter(running.waiting), None)
        running.waiting.pop(waiting.id, None)
        if oldest == waiting.id:
            self._lose(running)

    async def _started(self) -> _Running:
        if self._running is not None and not self._running.lost:
            return self._running
        if self._tasks is None:
            raise ToolFailed(f"The {self._name} is closed.")
        self._check_crashes()
        # Shielded: a hover that gives up after 40 ms must not undo the start that the next one needs.
        with anyio.CancelScope(shield=True):
            self._running = await self._tasks.start(self._live)
        self.generation += 1
        return cast(_Running, self._running)

    def _check_crashes(self) -> None:
        if len(self._crashes) == _N_CRASHES and anyio.current_time() - self._crashes[0] < _CRASH_WINDOW_S:
            advice = f"It is tried again after {_CRASH_WINDOW_S:g} s."
            raise ToolFailed(f"The {self._name} ended {_N_CRASHES} times in a short while.", advice=advice)

    async def _live(self, *, task_status: anyio.abc.TaskStatus[_Running]) -> None:
        async with start(self._command, env=self._env, cwd=self._cwd) as child:
            running = _Running(child, anyio.CancelScope())
            _lower_priority(child.pid)
            task_status.started(running)
            with running.scope:
                await self._listen(running)
            self._lose(running)

    async def _listen(self, running: _Running) -> None:
        async with anyio.create_task_group() as readers:
            readers.start_soon(self._complaints, running)
            await self._answers(running)
            readers.cancel_scope.cancel()

    async def _answers(self, running: _Running) -> None:
        rest = bytearray()
        try:
            while True:
                rest += await running.child.stdout.receive(_CHUNK_BYTES)
                if b"\n" in rest:
                    *lines, last = rest.split(b"\n")
                    rest = bytearray(last)
                    for line in lines:
                        self._answered(running, bytes(line))
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass

    def _answered(self, running: _Running, line: bytes) -> None:
        try:
            answer = json.loads(line)
        except ValueError:
            running.stderr.append(line[:200].decode("utf-8", "replace"))
            return
        waiting = running.waiting.pop(answer.get("id"), None)
        if waiting is not None:
            waiting.answer = answer
            waiting.done.set()

    async def _complaints(self, running: _Running) -> None:
        try:
            while True:
                chunk = await running.child.stderr.receive(_CHUNK_BYTES)
                running.stderr.extend(chunk.decode("utf-8", "replace").splitlines())
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass

    def _lose(self, running: _Running) -> None:
        """Ends this life: everybody who waits is told, and the block around the child kills it."""
        if running.lost:
            return
        running.lost = True
        self._crashes.append(anyio.current_time())
        running.scope.cancel()
        for waiting in running.waiting.values():
            waiting.done.set()
        running.waiting.clear()


def _lower_priority(pid: int) -> None:
    if sys.platform == "win32":
        return
    try:
        os.setpriority(os.PRIO_PROCESS, pid, 10)
    except (OSError, AttributeError):
        pass
