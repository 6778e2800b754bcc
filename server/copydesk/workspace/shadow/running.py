"""A command that runs in its trees: its output as it comes, its end, and what it changed.

Satisfies `domain.shadows.RunningCommand`. Start with `Running`.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Literal

import anyio
from anyio import to_thread
from anyio.abc import ByteReceiveStream
from anyio.streams.memory import MemoryObjectSendStream

from copydesk.domain.commands import Harvest, Output
from copydesk.domain.errors import ToolFailed
from copydesk.processes.spawn import Child
from copydesk.workspace.shadow.trees import Tree

_CHUNK_BYTES = 65536
_LATE_OUTPUT_S = 0.25
"""How long what was started in the background may still write after the command itself has ended."""
_QUEUE = 16


class Running:
    """`read_back` harvests the trees once; it blocks on the disk."""

    def __init__(self, child: Child, trees: Sequence[Tree], read_back: Callable[[], Harvest]) -> None:
        self._child = child
        self._trees = trees
        self._read_back = read_back
        self._harvest: Harvest | None = None
        self._lock = anyio.Lock()

    async def output(self) -> AsyncIterator[Output]:
        send, receive = anyio.create_memory_object_stream[Output](_QUEUE)
        async with anyio.create_task_group() as tasks, receive:
            tasks.start_soon(self._end_with_the_command, tasks.cancel_scope)
            async with send:
                tasks.start_soon(_pump, self._child.stdout, "stdout", send.clone())
                tasks.start_soon(_pump, self._child.stderr, "stderr", send.clone())
            async for output in receive:
                yield output
            tasks.cancel_scope.cancel()

    async def _end_with_the_command(self, scope: anyio.CancelScope) -> None:
        await self._child.wait()
        scope.deadline = anyio.current_time() + _LATE_OUTPUT_S

    async def wait(self) -> int:
        return await self._child.wait()

    async def kill(self) -> None:
        await self._child.kill()

    async def harvest(self) -> Harvest:
        """Raises `ToolFailed` where its folder is gone."""
        if self._child.exit_code is None:
            raise ToolFailed("The command still runs, so that what it changed is not known yet.")
        async with self._lock:
            if self._harvest is None:
                await self._child.kill()  # what it left in the background must not write on
                self._harvest = await to_thread.run_sync(self._read_back)
            return self._harvest


async def _pump(
    stream: ByteReceiveStream, name: Literal["stdout", "stderr"], send: MemoryObjectSendStream[Output]
) -> None:
    async with send:
        try:
            while True:
                await send.send(Output(name, await stream.receive(_CHUNK_BYTES)))
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
