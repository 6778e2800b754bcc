"""A `Shadow` of plain processes in a copy of the folders: no sandbox, for tests of what uses one.

Passes the same contract tests as the real one (tests/unit/contracts/test_shadows.py). With `namespace`, commands run
in a PID namespace of their own, so that what they leave behind dies with them; else only their process group does.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from copydesk.domain.commands import Command, Harvest, Output, SideFile
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, PendingEdit
from copydesk.domain.errors import ToolFailed, WorkspaceError
from copydesk.domain.ports import FileSource
from copydesk.domain.sandboxes import HOLDS, SandboxReport
from copydesk.processes.environment import minimal_env
from copydesk.processes.spawn import Child, start
from copydesk.text.diffs import diff
from copydesk.text.hashing import content_hash
from copydesk.workspace.uris import to_path, to_uri
from copydesk.workspace.workspace import Workspace

NAMESPACE = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
LATE_S = 0.1
WORKING = SandboxReport("process", holds=frozenset(HOLDS), why="a test says so")


class PlainShadow:
    """`report` is what it says of itself; `n_running` how many views there are now."""

    def __init__(self, workspace: Workspace, *, namespace: bool = False, says: SandboxReport = WORKING) -> None:
        self._workspace = workspace
        self._prefix = NAMESPACE if namespace else ()
        self.says = says
        self.n_running = 0
        self.commands: list[Command] = []

    async def report(self) -> SandboxReport:
        return self.says

    @asynccontextmanager
    async def run(self, command: Command, view: FileSource) -> AsyncIterator["PlainRunning"]:
        if self.says.refused:
            raise ToolFailed(f"{command.text!r} was not run: {self.says.refused}")
        self.commands.append(command)
        self.n_running += 1
        try:
            with tempfile.TemporaryDirectory(prefix="plain-shadow-") as folder:
                trees = {root: Path(folder) / str(n) for n, root in enumerate(self._workspace.roots)}
                seen = {} if command.in_place else await anyio.to_thread.run_sync(_lay_out, trees, view)
                first = self._workspace.roots[0]
                cwd = to_path(command.cwd or first) if command.in_place else str(trees[first])
                argv = [*self._prefix, "bash", "-c", command.text]
                async with start(argv, cwd=cwd, env=minimal_env()) as child:
                    await child.stdin.aclose()
                    running = PlainRunning(child, command, trees, seen)
                    try:
                        yield running
                    finally:
                        await running.kill()
        finally:
            self.n_running -= 1


def _lay_out(trees: Mapping[str, Path], view: FileSource) -> dict[str, bytes]:
    """Copies the folders with what differs from disk, and gives the bytes of every file there then, by URI."""
    changed = view.changed()
    for root, tree in trees.items():
        shutil.copytree(to_path(root) or "", tree, symlinks=True)
        for uri, handle in changed.items():
            if not uri.startswith(root + "/"):
                continue
            path = tree / Path(to_path(uri) or "").relative_to(to_path(root) or "")
            if handle is None:
                path.unlink(missing_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(handle.text.encode(handle.encoding))
    return _files(trees)


def _files(trees: Mapping[str, Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for root, tree in trees.items():
        for path in sorted(tree.rglob("*")):
            relative = path.relative_to(tree)
            if path.is_file() and ".git" not in relative.parts:
                found[to_uri(str(Path(to_path(root) or "") / relative))] = path.read_bytes()
    return found


class PlainRunning:
    def __init__(self, child: Child, command: Command, trees: Mapping[str, Path], seen: dict[str, bytes]) -> None:
        self._child = child
        self._command = command
        self._trees = trees
        self._seen = seen

    async def output(self) -> AsyncIterator[Output]:
        send, receive = anyio.create_memory_object_stream[Output](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._pump, "stdout", send.clone())
            tasks.start_soon(self._pump, "stderr", send.clone())
            tasks.start_soon(self._cut, tasks.cancel_scope)
            send.close()
            async with receive:
                async for piece in receive:
                    yield piece
            tasks.cancel_scope.cancel()

    async def _pump(self, stream, send) -> None:
        source = self._child.stdout if stream == "stdout" else self._child.stderr
        async with send:
            try:
                while True:
                    await send.send(Output(stream, await source.receive(65536)))
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    async def _cut(self, scope: anyio.CancelScope) -> None:
        await self._child.wait()
        await anyio.sleep(LATE_S)
        scope.cancel()

    async def wait(self) -> int:
        return await self._child.wait()

    async def kill(self) -> None:
        await self._child.kill(0)

    async def harvest(self) -> Harvest:
        if self._command.in_place or self._command.check:
            return Harvest()
        return await anyio.to_thread.run_sync(_harvest, self._seen, _files(self._trees))


def _harvest(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Harvest:
    edits: list[PendingEdit] = []
    sides: list[SideFile] = []
    for uri in sorted({*before, *after}):
        old, new = before.get(uri), after.get(uri)
        if old == new:
            continue
        try:
            edits.append(_edit(uri, old, new))
        except (UnicodeDecodeError, WorkspaceError):
            sides.append(SideFile(uri, "write", n_bytes=len(new or b"")))
    return Harvest(tuple(edits), tuple(sides))


def _edit(uri: str, old: bytes | None, new: bytes | None) -> PendingEdit:
    from copydesk.domain.edits import Base

    if old is None:
        return CreateFile(uri, (new or b"").decode())
    base = Base(uri, content_hash(old.decode()))
    if new is None:
        return DeleteFile(base)
    return ChangeText(base, tuple(diff(old.decode(), new.decode())))
