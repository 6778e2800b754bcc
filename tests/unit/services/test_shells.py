"""A session's commands, through the tools that a model calls: limits, ends, big harvests, what a person does meanwhile."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.app.compose import Core, compose
from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import Event, Notice, ToolCallUpdated
from copydesk.domain.permissions import Decision
from copydesk.domain.sandboxes import SandboxReport
from copydesk.domain.tools import ToolOutput
from copydesk.models.scripted import Script, ScriptedModel
from copydesk.services.harvesting import DROP, MAX_FILES, TAKE
from copydesk.services.session import Session
from copydesk.services.shells import MAX_BACKGROUND
from copydesk.services.turns import PromptRequest, Task, Turn
from copydesk.text.edits import Edit
from copydesk.workspace.uris import to_uri
from tests.support.approving import approver_for
from tests.support.buffer_editor import BufferEditor
from tests.support.plain_shadow import WORKING, PlainShadow


class Desk:
    """A session in a turn, and the tools as its model would call them."""

    def __init__(self, core: Core, session: Session, turn: Turn, shadow: PlainShadow, root: Path) -> None:
        self.core, self.session, self.turn, self.shadow, self.root = core, session, turn, shadow, root
        self.events: list[Event] = []
        core.host.subscribe(lambda session, seq, event: self.events.append(event))
        self._n = 0

    @property
    def editor(self) -> BufferEditor:
        assert isinstance(self.core.editor, BufferEditor)
        return self.core.editor

    def uri(self, name: str) -> str:
        return to_uri(str(self.root / name))

    async def call(self, name: str, **arguments: Any) -> ToolOutput:
        self._n += 1
        parts = self.core.host.parts
        tool = parts.tools.find(name)
        work = self.session._work(self.turn, f"call_{self._n}", name)
        good = parts.validate(tool.spec, arguments)
        tool.prepare(good, work)
        return await tool.execute(good, work)

    async def shell(self, command: str, **more: Any) -> str:
        return (await self.call("shell", command=command, **more)).content

    def text(self, name: str) -> str:
        return self.core.workspace.snapshot(self.session.pending).read(self.uri(name)).text


@asynccontextmanager
async def desk(tmp_path: Path, says: SandboxReport = WORKING, **files: str) -> AsyncIterator[Desk]:
    root = tmp_path / "work"
    root.mkdir()
    for name, text in ({"a_txt": "one\ntwo\nthree\n"} | files).items():
        (root / name.replace("_", ".")).write_text(text)
    shadows: list[PlainShadow] = []

    def shadow(workspace: Any) -> PlainShadow:
        shadows.append(PlainShadow(workspace, says=says))
        return shadows[0]

    core = compose(
        roots=(to_uri(str(root)),), editor=BufferEditor, state=tmp_path / "state", shadow=shadow,
        editor_settings={"permissions.mode": "acceptEdits"}, model=ScriptedModel(Script.parse("delay: 60\ntext: late")),
    )  # fmt: skip

    async def yes(request: object) -> Decision:
        return Decision(True)

    core.host.parts.approver = approver_for(yes)
    async with core.running():
        turn = core.host.prompt(PromptRequest(Task("prompt", "go")))
        session = core.host.session(turn.session)
        assert session is not None
        with anyio.fail_after(5):
            while session.current is None:  # noqa: ASYNC110
                await anyio.sleep(0.005)
        yield Desk(core, session, turn, shadows[0], root)


async def test_a_time_limit_is_said_plainly_and_half_done_work_is_not_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        said = await d.shell("echo before; echo half > a.txt; sleep 60", timeout_s=0.4)
        assert said.startswith("Killed at its time limit, after 0.")
        assert "before\n" in said
        assert "raise timeout_s" in said
        assert "not kept: 1 file (a.txt) is as it was" in said
        assert d.text("a.txt") == "one\ntwo\nthree\n"
        assert d.shadow.n_running == 0


async def test_a_failing_command_is_an_answer_and_no_error(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        output = await d.call("shell", command="echo out; echo err >&2; kill -9 $$")
        assert not output.is_error
        assert output.content.splitlines()[0].startswith("killed by SIGKILL after")
        assert {"out", "err"} <= set(output.content.splitlines())
        assert output.details["exitCode"] == -9
        output = await d.call("shell", command="exit 3")
        assert (output.is_error, output.details["exitCode"]) == (False, 3)
        assert "(no output)" in output.content


async def test_long_output_is_cut_in_its_middle_and_paged_whole(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        said = await d.shell("seq 1 40000; sleep 0.3; echo oh >&2; exit 1")
        assert said.splitlines()[1:3] == ["1", "2"]
        assert said.splitlines()[-3:] == ["40000", "[stderr]", "oh"]
        assert len(said) < 11_000
        assert "shell_output with id=sh-1 offset=" in said
        offset, pages = 0, []
        while True:
            page = (await d.call("shell_output", id="sh-1", offset=offset)).content
            head, _, text = page.partition("\n")
            pages.append(text)
            if "this is the end" in head:
                break
            offset = int(head.rpartition("offset=")[2])
        assert "".join(pages) == "".join(f"{n}\n" for n in range(1, 40_001)) + "[stderr]\noh\n"


async def test_many_files_are_taken_only_when_the_person_says_so(tmp_path: Path) -> None:
    make = f"for n in $(seq {MAX_FILES + 1}); do echo x > made$n.txt; done"
    async with desk(tmp_path) as d:
        said = await d.shell(make)
        assert "the person did not take that many" in said
        assert not d.session.pending.files()
        assert d.editor.asked[0].choices == (TAKE, DROP)
        d.editor.answers.append(TAKE)
        said = await d.shell(make)
        assert len(d.session.pending.files()) == MAX_FILES + 1
        assert f"and {MAX_FILES + 1 - 30} more." in said
        assert len(said) < 2_000


async def test_what_is_typed_meanwhile_stays_and_moves_the_change(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        d.editor.open(d.uri("a.txt"), "one\ntwo\nthree\n")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(d.shell, "sed -i s/three/THREE/ a.txt; sleep 0.4")
            await anyio.sleep(0.15)
            d.editor.type(d.uri("a.txt"), [Edit(0, 0, "zero\n")])
        assert d.text("a.txt") == "zero\none\ntwo\nTHREE\n"


async def test_a_background_command_proposes_at_its_end_and_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        said = await d.shell("sleep 0.6; sed -i s/two/TWO/ a.txt; echo x > new.txt", background=True)
        assert said.startswith("sh-1 is running")
        await d.call("edit_file", path="a.txt", old_text="one", new_text="ONE")
        with anyio.fail_after(5):
            while "new.txt" not in str(d.session._news):  # noqa: ASYNC110
                await anyio.sleep(0.02)
        assert d.text("a.txt") == "ONE\nTWO\nthree\n"
        news = d.session.take_news()
        assert news.startswith("Background command sh-1 (`sleep 0.6;")
        assert "exit 0 after" in news
        assert "a.txt (+1 −1), new.txt (new, +1)" in news
        assert any(isinstance(event, Notice) and "new.txt" in event.text for event in d.events)


async def test_what_no_longer_fits_is_said_and_the_rest_is_taken(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        await d.shell("sleep 0.6; sed -i s/two/TWO/ a.txt; echo x > new.txt", background=True)
        await d.call("edit_file", path="a.txt", old_text="two", new_text="deux")
        said = (await d.call("shell_output", id="sh-1", wait_s=5)).content
        assert "Its change of a.txt was not taken:" in said
        assert "Pending edits now: new.txt (new, +1)." in said
        assert d.text("a.txt") == "one\ndeux\nthree\n"
        assert d.session.take_news() == ""  # who waits for it has been told


async def test_background_commands_are_few_and_end_with_their_turn(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        for _ in range(MAX_BACKGROUND):
            await d.shell("sleep 60", background=True)
        with pytest.raises(CopydeskError, match=r"already run in the background.*shell_stop"):
            await d.shell("sleep 60", background=True)
        assert (await d.call("shell_stop", id="sh-2")).content.startswith("stopped after")
        await d.shell("echo half > a.txt; sleep 60", background=True)
        assert d.shadow.n_running == MAX_BACKGROUND
        d.core.host.cancel(d.turn.id)
        assert (await d.turn.wait()).stop_reason == "cancelled"
        assert d.shadow.n_running == 0
        assert not d.session.pending.files()
        assert "was stopped when its turn was cancelled" in d.session.take_news()


async def test_a_command_that_cannot_start_is_an_error_of_the_call(tmp_path: Path) -> None:
    async with desk(tmp_path, SandboxReport("process", refused="bubblewrap is wanted and does not work.")) as d:
        for background in (False, True):
            with pytest.raises(CopydeskError, match="bubblewrap is wanted"):
                await d.shell("true", background=background)
        assert d.shadow.commands == []


async def test_in_place_needs_a_sandbox_that_works(tmp_path: Path) -> None:
    async with desk(tmp_path, SandboxReport("process", why="nothing else is here")) as d:
        with pytest.raises(CopydeskError, match="no sandbox that works here"):
            await d.shell("echo x > a.txt", in_place=True)
        assert (d.root / "a.txt").read_text() == "one\ntwo\nthree\n"


async def test_in_place_is_on_the_real_files_and_open_ones_are_named(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        d.editor.open(d.uri("a.txt"), "one\ntwo\nthree\n")
        said = await d.shell("echo real > a.txt; echo real > b.txt", in_place=True)
        assert (d.root / "a.txt").read_text() == "real\n"
        assert "On disk it changed a.txt, open in the editor" in said
        assert not d.session.pending.files()
        assert d.text("b.txt") == "real\n"
        assert d.text("a.txt") == "one\ntwo\nthree\n"


async def test_what_runs_is_shown_while_it_runs(tmp_path: Path) -> None:
    async with desk(tmp_path) as d:
        await d.shell("for n in 1 2 3 4; do echo line $n; sleep 0.1; done; yes | head -c 3000000")
        shown = [
            e.content for e in d.events if isinstance(e, ToolCallUpdated) and e.status == "in_progress" and e.content
        ]
        assert shown[0] == "line 1"
        assert "line 1\nline 2\nline 3" in shown
        assert sum(map(len, shown)) < 30_000
    lines = [
        json.loads(line) for path in (tmp_path / "state/sessions").iterdir() for line in path.read_text().splitlines()
    ]
    assert sum(len(json.dumps(line)) for line in lines) < 60_000


@pytest.mark.parametrize("arguments", [
    {"command": " \n"}, {"command": "a\0b"}, {"command": "a\ud800"}, {"command": "x" * 200_000},
    {"command": "true", "timeout_s": 0}, {"command": "true", "timeout_s": -1}, {"command": "true", "timeout_s": 1e300},
    {"command": "true", "timeout_s": float("nan")}, {"command": "true", "timeout_s": float("inf")},
])  # fmt: skip
async def test_calls_that_make_no_sense(tmp_path: Path, arguments: dict[str, Any]) -> None:
    async with desk(tmp_path) as d:
        with pytest.raises(CopydeskError):
            await d.call("shell", **arguments)
        assert d.shadow.commands == []
