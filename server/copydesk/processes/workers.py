"""A long-lived child that answers requests: newline-delimited JSON over its stdin and stdout, in the order sent.

Owns starting on first use, time limits, restart after a crash (bounded) and the end. Has no task of its own: whoever
waits first reads for all, and who wants it to end when it is idle runs `tend`. A request that outlives its limit costs
the child its life: nothing else can stop it. Knows nothing of what is asked. The child ends by itself when its stdin
closes. Start with `Worker.request`.
"""

import json
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeAlias

import anyio

from copydesk.domain.errors import ToolFailed
from copydesk.processes.spawn import Child, start

_CHUNK_BYTES = 262_144
_N_CRASHES = 5
_CRASH_WINDOW_S = 60.0
_SEND_LIMIT_S = 10.0

Build: TypeAlias = Callable[[int], Mapping[str, Any]]


class WorkerLost(ToolFailed):
    """The child ended before it answered. Asking again starts a fresh one."""


class WorkerTimeout(ToolFailed):
    """No answer within the limit."""


@dataclass(slots=True)
class Waiting:
    """One request on its way. When `is_done`, `answer` is the child's, or None if the child is lost."""

    id: int
    life: "_Life"
    is_done: bool = False
    answer: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Life:
    """One life of the child: who waits for it, in the order asked, and the start of a line not yet whole."""

    child: Child
    leave: AbstractAsyncContextManager[Child]
    waiting: dict[int, Waiting] = field(default_factory=dict[int, Waiting])
    rest: bytearray = field(default_factory=bytearray)
    is_lost: bool = False


class Worker:
    """Close it with `aclose`, or use it as an async context manager.

    `generation` counts the child's lives: state sent to an older one is gone.
    """

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str], cwd: str, name: str) -> None:
        self._command, self._env, self._cwd, self._name = command, env, cwd, name
        self._life: _Life | None = None
        self._sending, self._reading = anyio.Lock(), anyio.Lock()
        self._next_id = 0
        self._crashes: deque[float] = deque(maxlen=_N_CRASHES)
        self._is_closed = False
        self._asked_s = 0.0
        self.generation = 0

    async def __aenter__(self) -> "Worker":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the child. Later requests raise `ToolFailed`."""
        self._is_closed = True
        if self._life is not None:
            await self._lose(self._life)

    @property
    def pid(self) -> int | None:
        return self._life.child.pid if self._life else None

    async def tend(self, idle_s: float) -> None:
        """For a task of its owner, without end: ends the child when it was asked nothing for `idle_s`.

        It gives back its memory; the next request starts another.
        """
        while True:
            await anyio.sleep(max(self._asked_s + idle_s - anyio.current_time(), 0) or idle_s)
            async with self._sending:
                life = self._life
                is_idle = anyio.current_time() - self._asked_s >= idle_s and not self._reading.locked()
                if life is not None and not life.is_lost and is_idle:
                    await self._lose(life, is_crash=False)

    async def request(self, build: Build, *, timeout_s: float) -> Mapping[str, Any]:
        """Sends `build(generation)` and returns the answer's `result` object.

        `build` runs at the moment of sending, in sending order, so that it can tell what this life of the child
        knows already. Raises `WorkerTimeout`, `WorkerLost`, or `ToolFailed` with the child's own message.
        """
        waiting: list[Waiting] = []
        with anyio.move_on_after(timeout_s):
            waiting.append(await self.submit(build))
            return await self.result(waiting[0])
        for one in waiting:
            # It was at work all this time, on this or on something before it that nobody waits for any more.
            await self._lose(one.life)
        raise WorkerTimeout(f"The {self._name} did not answer within {timeout_s:g} s.")

    async def submit(self, build: Build) -> Waiting:
        """Sends a request, starting the child if need be. Ask `result` for its answer."""
        # A start or a line begun is finished: the next request needs both whole.
        async with self._sending, _shielded():
            life = await self._alive()
            self._asked_s = anyio.current_time()
            self._next_id += 1
            waiting = life.waiting[self._next_id] = Waiting(self._next_id, life)
            await self._send(life, {"id": waiting.id, **build(self.generation)})
            return waiting

    async def result(self, waiting: Waiting) -> Mapping[str, Any]:
        """Waits without limit; being cancelled leaves the request on its way, and `result` may be asked again."""
        while not waiting.is_done:
            async with self._reading:
                if not waiting.is_done:
                    await self._read(waiting.life)
        match waiting.answer:
            case None:
                raise WorkerLost(f"The {self._name} ended before it answered.", advice="Try again.")
            case {"error": str(message)}:
                raise ToolFailed(message)
            case answer:
                return answer["result"]

    async def _alive(self) -> _Life:
        if self._is_closed:
            raise ToolFailed(f"The {self._name} is closed.")
        if self._life is not None and not self._life.is_lost:
            return self._life
        self._check_crashes()
        opened = start(self._command, env=self._env, cwd=self._cwd, stderr=False)
        child = await opened.__aenter__()
        _lower_priority(child.pid)
        self._life = _Life(child, opened)
        self.generation += 1
        return self._life

    def _check_crashes(self) -> None:
        if len(self._crashes) == _N_CRASHES and anyio.current_time() - self._crashes[0] < _CRASH_WINDOW_S:
            advice = f"It is tried again after {_CRASH_WINDOW_S:g} s."
            raise ToolFailed(f"The {self._name} ended {_N_CRASHES} times in a short while.", advice=advice)

    async def _send(self, life: _Life, request: Mapping[str, Any]) -> None:
        line = json.dumps(request, separators=(",", ":")) + "\n"
        try:
            with anyio.fail_after(_SEND_LIMIT_S):
                await life.child.stdin.send(line.encode("ascii"))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await self._lose(life)

    async def _read(self, life: _Life) -> None:
        """Takes one chunk and hands out the answers in it."""
        if life.is_lost:
            return
        try:
            life.rest += await life.child.stdout.receive(_CHUNK_BYTES)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            await self._lose(life)
            return
        *lines, rest = life.rest.split(b"\n") if b"\n" in life.rest else (life.rest,)
        life.rest = bytearray(rest)
        for line in lines:
            answer = json.loads(line)
            waiting = life.waiting.pop(answer["id"], None)
            if waiting is not None:
                waiting.answer, waiting.is_done = answer, True

    async def _lose(self, life: _Life, *, is_crash: bool = True) -> None:
        """Ends this life: everybody who waits is told, and the child is killed."""
        if life.is_lost:
            return
        life.is_lost = True
        if is_crash:
            self._crashes.append(anyio.current_time())
        for waiting in life.waiting.values():
            waiting.is_done = True
        life.waiting.clear()
        with anyio.CancelScope(shield=True):
            await life.leave.__aexit__(None, None, None)


@asynccontextmanager
async def _shielded() -> AsyncGenerator[None]:
    with anyio.CancelScope(shield=True):
        yield


def _lower_priority(pid: int) -> None:
    if sys.platform == "win32":
        return
    try:
        os.setpriority(os.PRIO_PROCESS, pid, 10)
    except OSError:
        pass
