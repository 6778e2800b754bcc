"""What happens meanwhile: a person saves, commands overlap, one is killed, the state folder goes."""

import os
import shutil
from pathlib import Path

import anyio
import pytest

from copydesk.domain.commands import Command
from copydesk.domain.errors import ToolFailed
from tests.support.plain_sandbox import SANDBOXES, OverlaySandbox
from tests.support.shadow_desk import Desk


@pytest.fixture(params=SANDBOXES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    made = Desk(tmp_path, request.param())
    made.write({"a.txt": "one\ntwo\nthree\n", "b.txt": "b\n", ".gitignore": "build/\n"})
    return made


def save(path: Path, text: str) -> None:
    """As editors do: a new file takes the old one's place."""
    beside = path.with_name("." + path.name)
    beside.write_text(text)
    os.replace(beside, path)


async def test_a_file_that_is_saved_meanwhile_is_not_taken_back(desk: Desk):
    async with desk.runner.run(Command("sed -i s/two/2/ a.txt; echo new > c.txt"), desk.view()) as running:
        await running.wait()
        save(desk.ws / "a.txt", "one\ntwo\nthree\nfour, by the person\n")
        harvest = await running.harvest()
    assert desk.said(harvest) == ["+ c.txt"]
    assert any("a.txt" in note for note in harvest.notes)


async def test_an_open_file_that_is_saved_meanwhile_is_changed_where_the_command_changed_it(desk: Desk):
    desk.open("a.txt", "one\ntwo\nthree\n")
    view = desk.view()
    async with desk.runner.run(Command("sed -i s/two/2/ a.txt"), view) as running:
        await running.wait()
        desk.workspace.overlay.change(desk.uri("a.txt"), 2, [(None, "one\ntwo\nthree\nfour\n")])
        save(desk.ws / "a.txt", "one\ntwo\nthree\nfour\n")
        harvest = await running.harvest()
    desk.pending.propose(harvest.edits, view)
    assert desk.view().read(desk.uri("a.txt")).text == "one\n2\nthree\nfour\n"


async def test_a_file_that_comes_and_one_that_goes_meanwhile(desk: Desk):
    async with desk.runner.run(Command("rm -rf b.txt; mkdir d; echo x > d/x"), desk.view()) as running:
        await running.wait()
        (desk.ws / "b.txt").unlink()
        (desk.ws / "d").mkdir()
        (desk.ws / "d" / "mine.txt").write_text("mine")
        harvest = await running.harvest()
    assert "- d/mine.txt" not in desk.said(harvest)
    assert "+ d/x" in desk.said(harvest)


async def test_commands_at_the_same_time_have_views_of_their_own(desk: Desk):
    async def run(name: str, into: dict[str, list[str]]) -> None:
        line = f"echo {name} > a.txt; mkdir -p build; echo {name} > build/{name}; sleep 0.2; cat a.txt; ls"
        ran = await desk.run(line, propose=False)
        assert ran.out == f"{name}\na.txt\nb.txt\nbuild\n"
        into[name] = desk.said(ran.harvest)

    found: dict[str, list[str]] = {}
    async with anyio.create_task_group() as tasks:
        for name in ("x", "y", "z"):
            tasks.start_soon(run, name, found)
    assert found == {name: ["~ a.txt"] for name in ("x", "y", "z")}
    if isinstance(desk.sandbox, OverlaySandbox):
        assert (await desk.run("ls build")).out.split() == ["x", "y", "z"]


async def test_a_command_that_is_left_in_the_middle_leaves_nothing(desk: Desk):
    before = desk.state()
    with anyio.move_on_after(0.5):
        async with desk.runner.run(Command("echo x > a.txt; sleep 60"), desk.view()) as running:
            await running.wait()
    assert desk.state() == before
    ran = await desk.run("cat a.txt")
    assert ran.out == "one\ntwo\nthree\n"
    assert ran.harvest.n_files == 0


async def test_one_that_is_killed_can_still_be_read_back(desk: Desk):
    async with desk.runner.run(Command("echo x > c.txt; sleep 60"), desk.view()) as running:
        with pytest.raises(ToolFailed, match="still runs"):
            await running.harvest()
        await anyio.sleep(0.5)
        with anyio.fail_after(2):
            await running.kill()
        assert desk.said(await running.harvest()) == ["+ c.txt"]


async def test_the_state_folder_is_taken_away(desk: Desk):
    async with desk.runner.run(Command("echo x > a.txt"), desk.view()) as running:
        await running.wait()
        shutil.rmtree(desk.folder / "state")
        with pytest.raises(ToolFailed, match="taken away meanwhile"):
            await running.harvest()
    ran = await desk.run("cat a.txt b.txt; echo y > b.txt")
    assert ran.out == "one\ntwo\nthree\nb\n"
    assert desk.said(ran.harvest) == ["~ b.txt"]
