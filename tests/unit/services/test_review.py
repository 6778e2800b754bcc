"""Reviewing hunk by hunk: what is shown, what lands, what stays, and what the model is told."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import anyio
import anyio.lowlevel
import pytest

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile, Origin, PendingEdit
from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import Event, ReviewDecided
from copydesk.domain.review import Choice, Hunk
from copydesk.services.keeping import Keeper
from copydesk.services.landed import Landed, OnLanded
from copydesk.services.landing import Landing
from copydesk.services.review import ReviewParts, Reviews
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.buffer_editor import BufferEditor

OLD = "".join(f"line {number}\n" for number in range(1, 21))


class FakeSession:
    def __init__(self, workspace: Workspace, editor: BufferEditor, landed: OnLanded, id: str = "s-1") -> None:
        self.id = id
        self.on_landed = [landed]
        self.landing = Landing(workspace, editor, self._has_landed)
        self.pending = Pending()
        self.review_lock = anyio.Lock()
        self.awaits_review = True
        self.events: list[Event] = []
        self.told: list[str] = []

    def _has_landed(self, record: Landed) -> None:
        for listener in tuple(self.on_landed):
            listener(record)

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def tell(self, line: str) -> None:
        self.told.append(line)


class Desk:
    def __init__(self, root: Path, text: str = OLD) -> None:
        self.root = root
        (root / "a.py").write_bytes(text.encode())
        self.uri = to_uri(str(root / "a.py"))
        self.workspace = Workspace((to_uri(str(root)),))
        self.editor = BufferEditor(self.workspace)
        self.landed: list[Landed] = []
        self.sessions = [self.new_session("s-1")]
        self.n_kept = 0
        self.reviews = Reviews(ReviewParts(self.workspace, lambda: self.sessions, self._kept))
        self.editor.open(self.uri, text)

    def new_session(self, id: str) -> FakeSession:
        return FakeSession(self.workspace, self.editor, self.landed.append, id)

    def _kept(self, _session: object) -> None:
        self.n_kept += 1

    @property
    def session(self) -> FakeSession:
        return self.sessions[0]

    @property
    def text(self) -> str:
        document = self.workspace.overlay.get(self.uri)
        assert document is not None
        return document.document.text

    def type(self, *edits: Edit) -> None:
        self.editor.type(self.uri, edits)

    def type_over(self, old: str, new: str) -> None:
        at = self.text.index(old)
        self.type(Edit(at, at + len(old), new))

    def propose(self, new: str, *, turn: str = "t-1", session: FakeSession | None = None, uri: str = "") -> None:
        to = session or self.session
        view = self.workspace.snapshot(to.pending)
        handle = view.read(uri or self.uri)
        change = ChangeText(handle.base, diff(handle.text, new), Origin(to.id, turn))
        to.pending.propose([change], view)

    def add(self, *edits: PendingEdit) -> None:
        self.session.pending.propose(edits, self.workspace.snapshot(self.session.pending))

    def replaced(self, *lines: int) -> str:
        """The text with these lines (from 1) in capitals."""
        rows = self.text.splitlines(keepends=True)
        for line in lines:
            rows[line - 1] = rows[line - 1].upper()
        return "".join(rows)

    async def hunks(self) -> tuple[Hunk, ...]:
        with anyio.fail_after(10):
            return await self.reviews.refresh()

    async def accept(self, **choice: object) -> tuple[Hunk, ...]:
        with anyio.fail_after(20):
            return (await self.reviews.accept(Choice(**choice))).pending  # type: ignore[arg-type]

    async def reject(self, reason: str = "", **choice: object) -> tuple[Hunk, ...]:
        with anyio.fail_after(20):
            return (await self.reviews.reject(Choice(**choice), reason)).pending  # type: ignore[arg-type]

    @property
    def proposed(self) -> str:
        return self.workspace.snapshot(self.session.pending).read(self.uri).text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# --- what waits ---


async def test_changes_that_are_apart_are_hunks_of_their_own(desk: Desk) -> None:
    desk.propose(desk.replaced(2, 3, 9).replace("line 15\n", "").replace("line 18\n", "line 18\nnew\n"))
    hunks = await desk.hunks()
    assert [(hunk.start_line, hunk.end_line) for hunk in hunks] == [(1, 3), (8, 9), (14, 15), (18, 18)]
    assert [hunk.before for hunk in hunks] == ["line 2\nline 3\n", "line 9\n", "line 15\n", ""]
    assert [hunk.after for hunk in hunks] == ["LINE 2\nLINE 3\n", "LINE 9\n", "", "new\n"]
    assert len({hunk.id for hunk in hunks}) == 4
    first = hunks[0].lines
    assert [(line.number, line.line, line.before, line.after) for line in first] == [
        (1, 1, "line 2", "LINE 2"),
        (2, 2, "line 3", "LINE 3"),
    ]
    assert desk.text == OLD


async def test_hunks_keep_their_names_while_people_type_around_them(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10, 15))
    names = [hunk.id for hunk in await desk.hunks()]
    desk.type(Edit(0, 0, "# typed above\n# twice\n"))
    desk.type_over("line 12", "line twelve")
    desk.type(Edit(len(desk.text), len(desk.text), "the end\n"))
    hunks = await desk.hunks()
    assert [hunk.id for hunk in hunks] == names
    assert [hunk.start_line for hunk in hunks] == [6, 11, 16]
    desk.propose(desk.proposed.replace("line 2\n", "LINE 2\n"), turn="t-2")
    assert [hunk.id for hunk in await desk.hunks()][1:] == names


async def test_typing_into_a_hunk_holds_it_back_and_taking_that_back_frees_it(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10))
    name = (await desk.hunks())[1].id
    desk.type_over("line 10", "mine 10")
    hunks = await desk.hunks()
    assert [(hunk.id == name, hunk.held) for hunk in hunks] == [(False, False), (True, True)]
    assert any("typed over" in line and "line 10" in line for line in desk.session.told)
    with pytest.raises(CopydeskError, match="Newer typing"):
        await desk.accept(hunk=name)
    desk.type_over("mine 10", "line 10")
    assert [(hunk.id, hunk.held) for hunk in await desk.hunks()][1] == (name, False)
    assert await desk.accept(hunk=name)
    assert "LINE 10\n" in desk.text


async def test_a_hunk_that_is_held_back_stays_one_hunk_of_whole_lines(desk: Desk) -> None:
    """Its edit is many small ones within the lines: nobody has decided those one by one."""
    after = "sum(of, _, line, 6, and, 8)\n"
    desk.propose(desk.text.replace("line 5\nline 6\nline 7\nline 8\n", after))
    (whole,) = await desk.hunks()
    desk.type_over("line 6", "line 6  # mine")
    (hunk,) = await desk.hunks()
    assert (hunk.id, hunk.held, hunk.start_line, hunk.end_line) == (whole.id, True, whole.start_line, whole.end_line)
    assert hunk.before.startswith("line 5\n")
    assert hunk.before.endswith("line 8\n")
    assert hunk.after == after
    assert await desk.reject(hunk=hunk.id) == ()
    assert desk.session.pending.files() == {}


async def test_a_hunk_that_was_held_back_can_be_rejected(desk: Desk) -> None:
    desk.propose(desk.replaced(5))
    desk.type_over("line 5", "mine 5")
    (hunk,) = await desk.hunks()
    assert hunk.held
    assert await desk.reject(hunk=hunk.id) == ()
    assert desk.session.pending.files() == {}


# --- accepting ---


async def test_one_hunk_is_accepted_and_the_others_stay(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10, 15))
    first, second, third = await desk.hunks()
    left = await desk.accept(hunk=second.id)
    assert desk.text == OLD.replace("line 10\n", "LINE 10\n")
    assert [hunk.id for hunk in left] == [first.id, third.id]
    assert desk.proposed == desk.replaced(5, 10, 15)
    assert [each.kind for each in desk.landed] == ["change"]
    assert desk.n_kept == 1
    decided = [event for event in desk.session.events if isinstance(event, ReviewDecided)]
    assert [(event.decision, event.hunks) for event in decided] == [("accepted", (second.id,))]
    assert any("accepted" in line and "a.py (line 10)" in line for line in desk.session.told)


async def test_a_second_click_decides_nothing_else(desk: Desk) -> None:
    """Hunks that say the same are still not each other."""
    text = "same\n" + "keep\n" * 3 + "same\n" + "keep\n" * 3 + "same\n"
    desk.type(Edit(0, len(desk.text), text))
    desk.propose(text.replace("same", "other"))
    first, _, _ = await desk.hunks()
    await desk.accept(hunk=first.id)
    with pytest.raises(CopydeskError, match="may have been decided"):
        await desk.accept(hunk=first.id)
    assert desk.text == text.replace("same", "other", 1)


async def test_a_line_is_accepted_alone(desk: Desk) -> None:
    desk.propose(OLD.replace("line 5\n", "line 5\none\ntwo\nthree\n"))
    (hunk,) = await desk.hunks()
    assert [line.after for line in hunk.lines] == ["one", "two", "three"]
    above, below = await desk.accept(hunk=hunk.id, lines=(2,))
    assert desk.text == OLD.replace("line 5\n", "line 5\ntwo\n")
    assert (above.id, above.after, below.after) == (hunk.id, "one\n", "three\n")
    await desk.accept()
    assert desk.text == OLD.replace("line 5\n", "line 5\none\ntwo\nthree\n")
    assert desk.session.pending.files() == {}


async def test_a_line_after_an_unended_last_line_keeps_apart(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "a\nlast")
    desk.propose("a\nlast one\nadded")
    (hunk,) = await desk.hunks()
    numbers = [line.number for line in hunk.lines if line.after == "added"]
    await desk.accept(hunk=hunk.id, lines=tuple(numbers))
    assert desk.text == "a\nlast\nadded"
    await desk.accept()
    assert desk.text == "a\nlast one\nadded"


async def test_typing_while_it_lands_is_kept(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10))
    first, _ = await desk.hunks()
    desk.editor.typing = {desk.uri: [Edit(0, 0, "typed\n")]}
    (left,) = await desk.accept(hunk=first.id)
    assert desk.text == "typed\n" + OLD.replace("line 5\n", "LINE 5\n")
    assert (left.before, left.start_line) == ("line 10\n", 10)


async def test_an_editor_that_refuses_leaves_everything_waiting(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10))
    first, second = await desk.hunks()
    desk.editor.refuse = "no"
    left = await desk.accept(hunk=first.id)
    assert [hunk.id for hunk in left] == [first.id, second.id]
    assert desk.text == OLD
    desk.editor.refuse = ""
    assert await desk.accept() == ()


async def test_the_agent_goes_on_while_an_edit_lands(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10))
    first, _ = await desk.hunks()

    async def go_on() -> None:
        while not any(file.pinned for file in desk.session.pending.files().values()):
            await anyio.lowlevel.checkpoint()
        desk.propose(desk.proposed.replace("line 18", "LINE 18"), turn="t-2")

    async with anyio.create_task_group() as group:
        group.start_soon(go_on)
        await desk.accept(hunk=first.id)
    assert desk.proposed == desk.text.replace("line 10", "LINE 10").replace("line 18", "LINE 18")
    assert [hunk.before for hunk in await desk.hunks()] == ["line 10\n", "line 18\n"]


async def test_lines_need_a_hunk_that_has_them(desk: Desk) -> None:
    desk.propose(desk.replaced(5))
    (hunk,) = await desk.hunks()
    with pytest.raises(CopydeskError, match="within one hunk"):
        await desk.accept(lines=(1,))
    with pytest.raises(CopydeskError, match="has no line 7; it has lines 1 to 1"):
        await desk.accept(hunk=hunk.id, lines=(7,))
    with pytest.raises(CopydeskError, match="hunk 'h-nothing'"):
        await desk.accept(hunk="h-nothing")


# --- rejecting ---


async def test_a_rejected_hunk_is_gone_and_the_model_hears_why(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 10))
    first, second = await desk.hunks()
    left = await desk.reject("five is a name", hunk=first.id)
    assert [hunk.id for hunk in left] == [second.id]
    assert desk.proposed == desk.replaced(10)
    assert desk.text == OLD
    assert any("rejected" in line and "five is a name" in line for line in desk.session.told)


async def test_a_line_is_rejected_alone(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 6, 7))
    (hunk,) = await desk.hunks()
    left = await desk.reject(hunk=hunk.id, lines=(2,))
    assert desk.proposed == desk.replaced(5, 7)
    assert len(left) == 2
    assert left[0].id == hunk.id


# --- whole files, several sessions ---


async def test_files_that_come_and_go_are_one_hunk_each(desk: Desk) -> None:
    (desk.root / "old.py").write_text("old\n")
    (desk.root / "gone.py").write_text("gone\n")
    view = desk.workspace.snapshot()
    old, gone, new = (to_uri(str(desk.root / name)) for name in ("old.py", "gone.py", "new.py"))
    moved = to_uri(str(desk.root / "moved.py"))
    desk.add(CreateFile(new, "new\n"), DeleteFile(view.read(gone).base), MoveFile(view.read(old).base, moved))
    hunks = {hunk.kind: hunk for hunk in await desk.hunks()}
    assert set(hunks) == {"create", "delete", "move"}
    assert hunks["move"].moved_from == old
    assert "+new" in desk.reviews.diff(tuple(hunks.values()))
    assert "# move old.py → moved.py" in desk.reviews.diff(tuple(hunks.values()))
    left = await desk.accept(uri=new)
    assert {hunk.kind for hunk in left} == {"delete", "move"}
    assert await desk.reject(uri=gone) == tuple(hunk for hunk in left if hunk.kind == "move")
    await desk.accept()
    assert (desk.root / "gone.py").exists()
    assert (desk.root / "moved.py").exists()


async def test_two_sessions_on_one_file(desk: Desk) -> None:
    desk.sessions.append(desk.new_session("s-2"))
    desk.propose(desk.replaced(5))
    desk.propose(desk.replaced(15), session=desk.sessions[1], turn="t-9")
    await desk.hunks()
    (left,) = await desk.accept(session="s-2")
    assert left.session == "s-1"
    await desk.accept()
    assert desk.text == desk.replaced(5, 15)


async def test_a_diff_shows_the_chosen_hunks_alone(desk: Desk) -> None:
    desk.propose(desk.replaced(5, 15))
    first, _ = await desk.hunks()
    text = desk.reviews.diff([first])
    assert "+LINE 5" in text
    assert "LINE 15" not in text
    assert text.startswith("--- a/a.py\n+++ b/a.py\n@@")


async def test_listeners_hear_of_changes_and_of_typing(desk: Desk) -> None:
    heard: list[frozenset[str]] = []
    desk.reviews.listeners.append(heard.append)
    desk.propose(desk.replaced(5))
    await desk.hunks()
    assert heard == [frozenset({desk.uri})]
    await desk.hunks()
    assert len(heard) == 1
    async with anyio.create_task_group() as group:
        group.start_soon(desk.reviews.run)
        desk.type(Edit(0, 0, "typed\n"))
        with anyio.fail_after(5):
            while len(heard) < 2:  # noqa: ASYNC110
                await anyio.sleep(0.01)
        group.cancel_scope.cancel()


# --- keeping ---


async def test_what_waits_outlives_the_server(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "drafts"
    keeper = Keeper(folder, lambda: desk.workspace.roots)
    desk.propose(desk.replaced(5, 10))
    names = [hunk.id for hunk in await desk.hunks()]
    keeper.touch(desk.session)
    keeper.flush()
    (draft,) = Keeper(folder, lambda: desk.workspace.roots).load()
    assert Keeper(folder, lambda: ("file:///elsewhere",)).load() == []
    desk.session.pending.discard()
    desk.type(Edit(0, 0, "typed before it came back\n"))
    for file in draft.files:
        desk.session.pending.put(file)
    assert [hunk.id for hunk in await desk.hunks()] == names
    await desk.accept()
    assert desk.text == "typed before it came back\n" + OLD.replace("line 5\n", "LINE 5\n").replace(
        "line 10", "LINE 10"
    )
    keeper.touch(desk.session)
    keeper.flush()
    assert list(folder.iterdir()) == []


async def test_a_broken_draft_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "drafts"
    folder.mkdir()
    (folder / "s-1.json").write_bytes(b"{half")
    (folder / "s-2.json").write_text('{"v": 99, "roots": ["file:///x"], "files": []}')
    (folder / "s-3.json").write_text('{"v": 1, "roots": ["file:///x"], "files": [{"uri": 1}]}')
    assert Keeper(folder, lambda: ("file:///x",)).load() == []
    assert len(list(folder.iterdir())) == 3


# --- at random ---


async def decided_at_random(desk: Desk, random: Random) -> AsyncIterator[str]:
    marks = iter(chr(0x4E00 + number) for number in range(2_000))
    typed: list[str] = []
    for _ in range(12):
        step = random.choice(("propose", "type", "accept", "reject", "line"))
        hunks = [hunk for hunk in await desk.hunks() if not hunk.held]
        if step == "propose":
            rows = desk.proposed.splitlines(keepends=True)
            at = random.randrange(len(rows))
            rows[at : at + random.randrange(3)] = [f"agent {random.randrange(99)}\n"] * random.randrange(3)
            desk.propose("".join(rows))
        elif step == "type":
            mark = next(marks)
            typed.append(mark)
            at = random.randrange(len(desk.text) + 1)
            desk.type(Edit(at, at, mark))
        elif hunks:
            hunk = random.choice(hunks)
            numbers = (random.choice(hunk.lines).number,) if step == "line" and hunk.lines else ()
            before = desk.proposed
            if step == "reject":
                await desk.reject(hunk=hunk.id)
            else:
                await desk.accept(hunk=hunk.id, lines=numbers)
                assert desk.proposed == before
        assert all(mark in desk.text for mark in typed)
        yield step


@pytest.mark.parametrize("seed", range(40))
async def test_any_order_of_decisions_loses_nothing(tmp_path: Path, seed: int) -> None:
    """Accepting moves text from the proposal into the file and changes neither what is proposed nor what was typed."""
    desk = Desk(tmp_path)
    async for _ in decided_at_random(desk, Random(seed)):
        pass
    hunks = [hunk for hunk in await desk.hunks() if not hunk.held]
    wanted = desk.proposed
    if hunks:
        await desk.accept()
    assert desk.text == wanted
