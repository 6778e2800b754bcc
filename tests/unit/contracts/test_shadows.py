"""What every `Shadow` does, the real one in a sandbox that works here and the plain one that tests use."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from copydesk.app.compose import compose
from copydesk.domain.commands import Command
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile
from copydesk.domain.shadows import RunningCommand, Shadow
from copydesk.text.edits import apply
from copydesk.text.hashing import content_hash
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.buffer_editor import BufferEditor
from tests.support.plain_shadow import PlainShadow
from tests.support.spies import marked, nasty

Make = Callable[[Workspace], Shadow]


@pytest.fixture(params=["plain", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    if request.param == "plain":
        return lambda workspace: PlainShadow(workspace, namespace=True)
    return lambda workspace: composed(workspace, tmp_path / "state")


def composed(workspace: Workspace, state: Path) -> Shadow:
    """The one that every session gets."""
    core = compose(roots=(), workspace=workspace, editor=BufferEditor, state=state)
    assert core.host.parts.shadow is not None
    return core.host.parts.shadow


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    root = tmp_path / "work"
    root.mkdir()
    (root / "a.py").write_text("x = 1\ny = 2\n")
    (root / "b.txt").write_text("b\n")
    workspace = Workspace([to_uri(str(root))])
    workspace.overlay.open(uri(workspace, "a.py"), "python", 1, "x = 1\ny = 3\n")
    return workspace


def uri(workspace: Workspace, name: str) -> str:
    return f"{workspace.roots[0]}/{name}"


@asynccontextmanager
async def running(make: Make, workspace: Workspace, text: str, **more: object) -> AsyncIterator[RunningCommand]:
    shadow = make(workspace)
    report = await shadow.report()
    assert not report.refused, report.refused
    async with shadow.run(Command(text, **more), workspace.snapshot()) as command:  # type: ignore[arg-type]
        yield command


async def said(command: RunningCommand) -> dict[str, bytes]:
    found = {"stdout": b"", "stderr": b""}
    async for piece in command.output():
        found[piece.stream] += piece.data
    return found


async def up(command: RunningCommand) -> None:
    """Until it says so. The rest of its output is not read: cancelled as a tool call would be."""
    with anyio.move_on_after(30) as scope:
        async for piece in command.output():
            if b"up" in piece.data:
                scope.cancel()


async def test_it_runs_on_the_text_of_the_view_and_both_streams_are_read(make: Make, workspace: Workspace) -> None:
    async with running(make, workspace, "cat a.py; cat >&2; echo oh >&2; exit 7") as command:
        assert await said(command) == {"stdout": b"x = 1\ny = 3\n", "stderr": b"oh\n"}
        assert await command.wait() == 7


async def test_what_it_changed_is_harvested_against_that_text(make: Make, workspace: Workspace, tmp_path: Path) -> None:
    before = sorted((path.name, path.read_bytes()) for path in (tmp_path / "work").iterdir())
    async with running(make, workspace, "sed -i s/3/33/ a.py; rm b.txt; mkdir d; echo new > d/c.txt") as command:
        await said(command)
        assert await command.wait() == 0
        harvest = await command.harvest()
    found = {edit.uri: edit for edit in harvest.edits}
    change = found[uri(workspace, "a.py")]
    assert isinstance(change, ChangeText)
    assert change.base.content_hash == content_hash("x = 1\ny = 3\n")
    assert apply("x = 1\ny = 3\n", change.spans) == "x = 1\ny = 33\n"
    assert isinstance(found[uri(workspace, "b.txt")], DeleteFile)
    created = found[uri(workspace, "d/c.txt")]
    assert isinstance(created, CreateFile)
    assert created.text == "new\n"
    assert len(found) == 3
    assert sorted((path.name, path.read_bytes()) for path in (tmp_path / "work").iterdir()) == before


async def test_a_check_is_not_harvested(make: Make, workspace: Workspace) -> None:
    async with running(make, workspace, "echo z > b.txt", check=True) as command:
        await said(command)
        await command.wait()
        assert (await command.harvest()).n_files == 0


async def test_the_output_ends_with_the_command_though_a_child_holds_it(make: Make, workspace: Workspace) -> None:
    began = time.monotonic()
    async with running(make, workspace, "sleep 60 & echo done") as command:
        assert (await said(command))["stdout"] == b"done\n"
        assert await command.wait() == 0
    assert time.monotonic() - began < 10


async def test_killing_ends_the_whole_tree(make: Make, workspace: Workspace, tmp_path: Path) -> None:
    mark = f"contract-{tmp_path.name}"
    async with running(make, workspace, nasty(mark)) as command:
        await up(command)
        assert marked(mark)
        await command.kill()
        with anyio.fail_after(2):
            while marked(mark):  # noqa: ASYNC110  # the kernel takes its moment
                await anyio.sleep(0.01)
        assert await command.wait() != 0


async def test_leaving_ends_the_whole_tree(make: Make, workspace: Workspace, tmp_path: Path) -> None:
    mark = f"contract-{tmp_path.name}"
    async with running(make, workspace, nasty(mark)) as command:
        await up(command)
        assert marked(mark)
    with anyio.fail_after(2):
        while marked(mark):  # noqa: ASYNC110
            await anyio.sleep(0.01)
