"""Landing edits: the text that comes back is the only proof, and nothing a person typed is lost."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile
from copydesk.domain.events import ReviewUpdated
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import ApplyReply, WorkspaceChange
from copydesk.services.landed import Landed
from copydesk.services.landing import InFlight, Landing, LandingLimits
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.buffer_editor import BufferEditor

OLD = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
NEW = OLD.replace("return 2", "return 3")


class Desk:
    """A workspace of one file, an editor, and pending edits on it."""

    def __init__(self, root: Path, *, opened: bool = True, text: str = OLD) -> None:
        self.root = root
        (root / "a.py").write_bytes(text.encode())
        self.uri = to_uri(str(root / "a.py"))
        self.workspace = Workspace((to_uri(str(root)),))
        self.editor = BufferEditor(self.workspace)
        self.pending = Pending()
        self.landed: list[Landed] = []
        self.limits = LandingLimits()
        self.in_flight = InFlight()
        if opened:
            self.editor.open(self.uri, text)

    def propose(self, new: str = NEW) -> None:
        view = self.workspace.snapshot(self.pending)
        handle = view.read(self.uri)
        self.pending.propose([ChangeText(handle.base, diff(handle.text, new))], view)

    async def offer(self, *, confirm: bool = False) -> ReviewUpdated:
        with anyio.fail_after(20):
            landing = Landing(
                self.workspace, self.editor, self.landed.append, limits=self.limits, in_flight=self.in_flight
            )
            return await landing.offer(self.pending, "t", "Copydesk: test", confirm=confirm)

    @property
    def text(self) -> str:
        document = self.workspace.overlay.get(self.uri)
        assert document is not None
        return document.document.text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_an_edit_lands_and_leaves_pending(desk: Desk) -> None:
    desk.propose()
    review = await desk.offer()
    assert review.state == "applied"
    assert desk.text == NEW
    assert not desk.pending.files()
    assert [(file.state, file.saved, file.n_hunks) for file in review.files] == [("applied", False, 1)]
    assert desk.editor.changes[0].edits[0].version == 1


async def test_nothing_proposed_is_nothing_sent(desk: Desk) -> None:
    assert (await desk.offer()).state == "none"
    assert desk.editor.changes == []


async def test_typing_elsewhere_while_the_edit_is_on_its_way(desk: Desk) -> None:
    desk.propose()
    desk.editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    assert (await desk.offer()).state == "applied"
    assert desk.text == "# hello\n" + NEW
    assert len(desk.editor.changes) == 2


async def test_a_client_that_skips_the_edit_and_says_applied(desk: Desk) -> None:
    desk.editor.lies = True
    desk.propose()
    desk.editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    assert (await desk.offer()).state == "applied"
    assert desk.text == "# hello\n" + NEW


async def test_typing_in_the_same_place_is_kept_and_the_edit_held_back(desk: Desk) -> None:
    desk.propose()
    at = OLD.index("2\n")
    desk.editor.typing[desk.uri] = [Edit(at, at + 1, "2000")]
    review = await desk.offer()
    assert desk.text == OLD.replace("return 2", "return 2000")
    assert review.state != "applied"
    assert review.files[0].note


async def test_a_client_that_says_applied_and_does_nothing_is_not_believed(desk: Desk) -> None:
    class Liar(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            return ApplyReply(True)

    desk.limits = LandingLimits(sync_s=0.05)
    desk.editor = Liar(desk.workspace)
    desk.propose()
    review = await desk.offer()
    assert review.state == "refused"
    assert "the text did not change" in review.files[0].note
    assert desk.pending.files(), "the edit is kept as a draft"


async def test_a_refusal_keeps_the_edit_as_a_draft_and_says_why(desk: Desk) -> None:
    desk.editor.refuse = "read-only"
    desk.propose()
    review = await desk.offer()
    assert review.state == "refused"
    assert "read-only" in review.files[0].note
    assert desk.pending.files()
    assert desk.text == OLD


async def test_a_declined_confirmation_discards(desk: Desk) -> None:
    desk.editor.refuse = "discarded"
    desk.propose()
    assert (await desk.offer(confirm=True)).state == "discarded"
    assert not desk.pending.files()


async def test_an_editor_that_tells_nothing_while_its_person_types(desk: Desk) -> None:
    """Emacs sends its changes half a second after the last key, however long that takes."""
    desk.limits = LandingLimits(sync_s=0.2)

    class Late(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            tasks.start_soon(self.send_late, change)
            return ApplyReply(True, consent=True)

        async def send_late(self, change: WorkspaceChange) -> None:
            await anyio.sleep(0.4)
            await super().apply(change, confirm=False)

    desk.editor = Late(desk.workspace)
    desk.propose()
    async with anyio.create_task_group() as tasks:
        assert (await desk.offer(confirm=True)).state == "applied"
    assert desk.text == NEW


class Confirming(BufferEditor):
    """The person types elsewhere while the question stands, then says `choice`; None: the editor asks, unseen by us."""

    choice: bool | None = False
    skips = False
    n_asked = 0

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        self.n_asked += confirm
        if confirm and (self.choice is False or self.skips):
            for uri in list(self.typing):
                self.type(uri, self.typing.pop(uri))
            return ApplyReply(self.skips, "" if self.skips else "you chose Discard", consent=self.choice)
        reply = await super().apply(change, confirm=confirm)
        return replace(reply, consent=self.choice if confirm else None)


def confirming(desk: Desk, choice: bool | None) -> Confirming:
    editor = Confirming(desk.workspace)
    editor.choice = choice
    desk.editor = editor
    desk.propose()
    return editor


async def test_a_no_while_typing_is_a_no(desk: Desk) -> None:
    editor = confirming(desk, False)
    editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    review = await desk.offer(confirm=True)
    assert (review.state, desk.text, editor.n_asked) == ("discarded", "# hello\n" + OLD, 1)


async def test_a_yes_holds_for_the_text_that_was_typed_meanwhile(desk: Desk) -> None:
    editor = confirming(desk, True)
    editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    review = await desk.offer(confirm=True)
    assert (review.state, desk.text, editor.n_asked) == ("applied", "# hello\n" + NEW, 1)


async def test_where_only_the_editor_knows_the_answer_it_asks_again(desk: Desk) -> None:
    editor = confirming(desk, None)
    editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    review = await desk.offer(confirm=True)
    assert (review.state, editor.n_asked) == ("applied", 2)


@pytest.mark.parametrize(
    ("answer", "state", "n_previews"), [("Show again", "applied", 2), ("Discard", "discarded", 1), (None, "draft", 1)]
)
async def test_a_preview_that_was_read_is_not_forced_on_the_person_again(
    desk: Desk, answer: str | None, state: str, n_previews: int
) -> None:
    """VS Code answers the same after Discard as after Apply on a text that was typed in."""
    desk.limits = LandingLimits(read_s=0)
    editor = confirming(desk, None)
    editor.answers = [answer]
    editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    review = await desk.offer(confirm=True)
    assert (review.state, editor.n_asked) == (state, n_previews)
    assert [question.choices for question in editor.asked] == [("Show again", "Discard")]
    assert bool(desk.pending.files()) == (state == "draft")
    assert desk.text == "# hello\n" + (NEW if state == "applied" else OLD)


async def test_the_places_that_a_person_ticked_are_the_whole_answer(desk: Desk) -> None:
    """VS Code applies the ticked entries of its preview and says `applied`."""

    class Ticking(BufferEditor):
        n_asked = 0

        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            self.n_asked += 1
            ticked = tuple(replace(edit, spans=edit.spans[:1]) for edit in change.edits)
            return await super().apply(replace(change, edits=ticked), confirm=confirm)

    editor = Ticking(desk.workspace)
    desk.editor = editor
    desk.propose(OLD.replace("return 1", "return 7").replace("return 2", "return 3"))
    review = await desk.offer(confirm=True)
    assert (review.state, desk.text, editor.n_asked) == ("applied", OLD.replace("return 1", "return 7"), 1)
    assert review.files[0].note == "1 of 2 places, as you chose"
    assert not desk.pending.files()


async def test_a_file_that_is_not_open_is_not_believed_where_some_were_left_out(desk: Desk) -> None:
    desk.limits = LandingLimits(sync_s=0.1, open_s=0.1)

    class FirstOnly(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            ticked = tuple(edit for edit in change.edits if edit.uri == desk.uri)
            return await super().apply(replace(change, edits=ticked), confirm=confirm)

    editor = FirstOnly(desk.workspace)
    desk.editor = editor
    others = [to_uri(str(desk.root / name)) for name in ("b.py", "c.py")]
    for uri, name in zip(others, ("b.py", "c.py"), strict=True):
        (desk.root / name).write_text("x = 1\n", encoding="utf-8")
        view = desk.workspace.snapshot(desk.pending)
        desk.pending.propose([ChangeText(view.read(uri).base, diff("x = 1\n", "x = 2\n"))], view)
    editor.open(others[0], "x = 1\n")
    desk.propose()
    review = await desk.offer(confirm=True)
    states = {Path(file.uri).name: file.state for file in review.files}
    assert states == {"a.py": "applied", "b.py": "discarded", "c.py": "unconfirmed"}
    assert desk.workspace.snapshot().read(others[1]).text == "x = 1\n", "the agent goes on from what is on disk"
    assert not desk.pending.files()


async def test_a_file_that_the_preview_opened_and_closed_again_was_left_out(desk: Desk) -> None:
    """VS Code opens every document that it previews, and closes the one in which nothing was ticked."""
    desk.limits = LandingLimits(sync_s=0.1, open_s=0.1)
    (desk.root / "b.py").write_text("x = 1\n", encoding="utf-8")
    other = to_uri(str(desk.root / "b.py"))

    class Previewing(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            ticked = replace(change, edits=tuple(edit for edit in change.edits if edit.uri == desk.uri), creates=())
            self.open(other, "x = 1\n")
            await anyio.lowlevel.checkpoint()
            self.workspace.overlay.close(other)
            return await super().apply(ticked, confirm=confirm)

    desk.editor = Previewing(desk.workspace)
    view = desk.workspace.snapshot(desk.pending)
    made = CreateFile(to_uri(str(desk.root / "new.py")), "x = 1\n")
    desk.pending.propose([ChangeText(view.read(other).base, diff("x = 1\n", "x = 2\n")), made], view)
    desk.propose()
    review = await desk.offer(confirm=True)
    found = {Path(file.uri).name: (file.state, file.note) for file in review.files}
    assert found["a.py"][0] == "applied"
    assert found["b.py"] == ("discarded", "left as it was, as you chose")
    assert found["new.py"] == ("unconfirmed", "made only if you chose it; it is not open here")


async def test_a_new_file_in_a_new_folder_can_be_saved(desk: Desk) -> None:
    """Neovim opens a buffer for it, says so before it answers, and makes no folder."""

    class Opening(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            for uri, text in change.creates:
                self.open(uri, text)
            return ApplyReply(applied=True)

    desk.editor = Opening(desk.workspace)
    view = desk.workspace.snapshot(desk.pending)
    desk.pending.propose([CreateFile(to_uri(str(desk.root / "sub" / "new.py")), "x = 1\n")], view)
    review = await desk.offer()
    assert review.state == "applied"
    assert (desk.root / "sub").is_dir()


async def test_a_new_file_that_is_opened_empty_and_then_filled(desk: Desk) -> None:
    """Neovim: an empty buffer has a line end of its own, so it is opened with that, and what is written goes before it."""

    class Filling(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            for uri, text in change.creates:
                self.open(uri, "\n")
                self.type(uri, [Edit(0, 0, text.removesuffix("\n"))])
            return ApplyReply(applied=True)

    desk.editor = Filling(desk.workspace)
    view = desk.workspace.snapshot(desk.pending)
    desk.pending.propose([CreateFile(to_uri(str(desk.root / "new.py")), "x = 1\n")], view)
    review = await desk.offer()
    assert review.state == "applied", review
    assert not desk.pending.files()


async def test_a_no_that_comes_back_as_applied(desk: Desk) -> None:
    """Neovim 0.12 after its own question."""
    desk.limits = LandingLimits(sync_s=0.05)
    editor = confirming(desk, None)
    editor.skips = True
    review = await desk.offer(confirm=True)
    assert (review.state, desk.text, editor.n_asked) == ("discarded", OLD, 1)
    assert not desk.pending.files()


async def test_a_new_file_that_is_only_a_buffer_can_be_saved(desk: Desk) -> None:
    """Neovim makes no folder for a file that is created with ignoreIfExists."""

    class BuffersOnly(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            return ApplyReply(True)

    desk.limits = LandingLimits(open_s=0.1)
    desk.editor = BuffersOnly(desk.workspace)
    desk.pending.propose(
        [CreateFile(to_uri(str(desk.root / "sub" / "new.py")), "a = 1\n")], desk.workspace.snapshot(desk.pending)
    )
    review = await desk.offer()
    assert review.state == "unconfirmed"
    assert (desk.root / "sub").is_dir()
    assert not (desk.root / "sub" / "new.py").exists(), "the file itself is the editor's to write"


async def test_a_client_that_mangles_the_edit_is_reported_and_nothing_more_is_touched(desk: Desk) -> None:
    class Mangler(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            self.changes.append(change)
            self.type(desk.uri, [Edit(0, len(OLD), OLD.replace("return 2", "return mangled"))])
            return ApplyReply(True)

    desk.limits = LandingLimits(sync_s=0.05)
    desk.editor = Mangler(desk.workspace)
    desk.propose()
    review = await desk.offer()
    assert len(desk.editor.changes) == 1
    assert review.files[0].state in ("partial", "draft", "refused")
    assert desk.text == OLD.replace("return 2", "return mangled")


async def test_a_file_that_was_not_open(tmp_path: Path) -> None:
    desk = Desk(tmp_path, opened=False)
    desk.propose()
    assert (await desk.offer()).state == "applied"
    assert desk.editor.changes[0].edits[0].version is None
    assert desk.text == NEW


async def test_creates_moves_and_deletes(desk: Desk) -> None:
    (desk.root / "dead.py").write_text("pass\n")
    (desk.root / "old.py").write_text("value = 1\n")
    view = desk.workspace.snapshot(desk.pending)
    desk.pending.propose(
        [
            CreateFile(to_uri(str(desk.root / "new.py")), "text = 'new'\n"),
            DeleteFile(view.read(to_uri(str(desk.root / "dead.py"))).base),
            MoveFile(view.read(to_uri(str(desk.root / "old.py"))).base, to_uri(str(desk.root / "pkg" / "moved.py"))),
        ],
        view,
    )
    review = await desk.offer()
    assert review.state == "applied", review
    assert not (desk.root / "dead.py").exists()
    assert not (desk.root / "old.py").exists()
    assert (desk.root / "pkg" / "moved.py").read_text() == "value = 1\n"
    assert not desk.pending.files()


@pytest.mark.parametrize("opened", [True, False])
async def test_an_edit_of_many_files_is_proven_at_once(tmp_path: Path, opened: bool) -> None:
    """Every file is told from the others, and none waits for the one before it."""
    desk = Desk(tmp_path)
    uris = [to_uri(str(tmp_path / f"many-{number}.py")) for number in range(60)]
    for number, uri in enumerate(uris):
        (tmp_path / f"many-{number}.py").write_text(OLD)
        if opened:
            desk.editor.open(uri, OLD)
    view = desk.workspace.snapshot()
    desk.pending.propose([ChangeText(view.read(uri).base, diff(OLD, NEW)) for uri in uris], view)
    with anyio.fail_after(5):
        review = await desk.offer()
    assert {file.state for file in review.files} == {"applied"}
    assert len(review.files) == 60


# --- what is said of it ---


async def test_what_has_landed_is_told_part_by_part(desk: Desk) -> None:
    desk.propose()
    desk.editor.typing[desk.uri] = [Edit(0, 0, "# hello\n")]
    assert (await desk.offer()).state == "applied"
    (landed,) = desk.landed
    assert (landed.turn, landed.uri, landed.kind, landed.before) == ("t", desk.uri, "change", OLD)
    assert (landed.typed_before, landed.typed_after) == ((Edit(0, 0, "# hello\n"),), ())
    assert apply(apply(OLD, landed.typed_before), landed.ours) == landed.now == desk.text
    document = desk.workspace.overlay.get(desk.uri)
    assert document is not None
    assert (landed.epoch, landed.version) == (document.epoch, document.version)


async def test_whole_files_are_told_too(desk: Desk) -> None:
    (desk.root / "dead.py").write_text("pass\n")
    view = desk.workspace.snapshot(desk.pending)
    new, dead = to_uri(str(desk.root / "new.py")), to_uri(str(desk.root / "dead.py"))
    desk.pending.propose([CreateFile(new, "a = 1\n"), DeleteFile(view.read(dead).base)], view)
    await desk.offer()
    told = {landed.uri: (landed.kind, landed.before, landed.now) for landed in desk.landed}
    assert told == {new: ("create", None, "a = 1\n"), dead: ("delete", "pass\n", None)}


# --- when it is sent ---


async def test_nobody_types_nothing_waits(desk: Desk) -> None:
    desk.propose()
    begun_s = anyio.current_time()
    await desk.offer()
    desk.propose(NEW + "more\n")
    await desk.offer()
    assert anyio.current_time() - begun_s < desk.limits.quiet_s, "our own edit is no typing"


async def test_an_edit_waits_for_a_pause(desk: Desk) -> None:
    desk.limits = LandingLimits(quiet_s=0.05)
    desk.propose()
    typed_s = 0.0

    async def person() -> None:
        nonlocal typed_s
        for _ in range(5):
            desk.editor.type(desk.uri, [Edit(0, 0, "k")])
            typed_s = anyio.current_time()
            await anyio.sleep(0.02)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(person)
        await anyio.sleep(0.001)
        assert (await desk.offer()).state == "applied"
    assert anyio.current_time() - typed_s >= 0.05
    assert len(desk.editor.changes) == 1
    assert desk.text == "kkkkk" + NEW


async def test_and_not_longer_than_its_patience(desk: Desk) -> None:
    desk.limits = LandingLimits(quiet_s=5, patience_s=0.05)
    desk.propose()
    desk.editor.type(desk.uri, [Edit(0, 0, "k")])
    with anyio.fail_after(1):
        assert (await desk.offer()).state == "applied"


class Typist(BufferEditor):
    """Types just before each edit arrives, `n_times`."""

    n_times = 100
    at = ""

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        if self.n_times and any(edit.uri == self.at for edit in change.edits):
            self.n_times -= 1
            self.typing[self.at] = [Edit(0, 0, "k")]
        return await super().apply(change, confirm=confirm)


async def test_tries_have_an_end_and_the_draft_is_kept(desk: Desk) -> None:
    desk.limits = LandingLimits(quiet_s=0, refused_s=0)
    desk.editor = editor = Typist(desk.workspace)
    editor.at = desk.uri
    desk.propose()
    review = await desk.offer()
    assert (review.state, len(desk.editor.changes)) == ("draft", 6)
    assert review.files[0].note == "newer typing came in between"
    assert desk.pending.files()
    assert desk.text == "k" * 6 + OLD


async def test_a_file_that_is_typed_in_does_not_keep_back_the_others(desk: Desk) -> None:
    desk.limits = LandingLimits(quiet_s=0, refused_s=0, refused_silent_s=0)
    (desk.root / "b.py").write_text("x = 1\n", encoding="utf-8")
    other = to_uri(str(desk.root / "b.py"))
    desk.editor = editor = Typist(desk.workspace)
    editor.at = desk.uri
    desk.editor.open(other, "x = 1\n")
    desk.propose()
    view = desk.workspace.snapshot(desk.pending)
    desk.pending.propose([ChangeText(view.read(other).base, diff("x = 1\n", "x = 2\n"))], view)
    review = await desk.offer()
    assert {Path(file.uri).name: file.state for file in review.files} == {"a.py": "draft", "b.py": "applied"}
    assert set(desk.pending.files()) == {desk.uri}


# --- what is not touched ---


async def test_a_file_that_was_typed_in_is_not_deleted(desk: Desk) -> None:
    view = desk.workspace.snapshot(desk.pending)
    desk.pending.propose([DeleteFile(view.read(desk.uri).base)], view)
    desk.editor.type(desk.uri, [Edit(0, 0, "precious\n")])
    review = await desk.offer()
    assert (review.state, desk.editor.changes) == ("draft", [])
    assert "was not deleted" in review.files[0].note


async def test_the_deletion_of_an_open_file_names_its_version(desk: Desk) -> None:
    view = desk.workspace.snapshot(desk.pending)
    desk.pending.propose([DeleteFile(view.read(desk.uri).base)], view)
    desk.editor.typing[desk.uri] = [Edit(0, 0, "precious\n")]
    review = await desk.offer()
    assert [(edit.version, edit.spans) for edit in desk.editor.changes[0].edits] == [(1, ())]
    assert review.state in ("draft", "refused")
    assert desk.text == "precious\n" + OLD


async def test_what_somebody_else_made_meanwhile_is_not_overwritten(desk: Desk) -> None:
    uri = to_uri(str(desk.root / "new.py"))
    desk.pending.propose([CreateFile(uri, "ours\n")], desk.workspace.snapshot(desk.pending))
    (desk.root / "new.py").write_text("theirs\n", encoding="utf-8")
    review = await desk.offer()
    assert (review.state, desk.editor.changes) == ("draft", [])
    assert "something else has been written there" in review.files[0].note


# --- late and in part ---


async def test_an_edit_that_arrives_after_all_is_not_sent_twice(desk: Desk) -> None:
    """eglot shows a diff, says no, and the person applies it later, with keys beside it in the same change."""

    class Later(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            self.changes.append(change)
            return ApplyReply(False, "decision to apply manually")

    desk.limits = LandingLimits(refused_silent_s=0)
    desk.editor = Later(desk.workspace)
    desk.propose(OLD + "# ours, at length\n")
    assert (await desk.offer()).state == "deferred"
    desk.editor.type(desk.uri, [Edit(len(OLD), len(OLD), "# ours, at length\n# typed\n")])
    review = await desk.offer()
    assert (review.state, len(desk.editor.changes)) == ("applied", 1)
    assert desk.text == OLD + "# ours, at length\n# typed\n"


async def test_a_part_only_is_said_and_the_rest_kept(desk: Desk) -> None:
    class FirstOnly(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            some = tuple(replace(edit, spans=edit.spans[:1]) for edit in change.edits)
            return await super().apply(replace(change, edits=some), confirm=confirm)

    desk.limits = LandingLimits(settle_s=0)
    desk.editor = FirstOnly(desk.workspace)
    desk.propose(OLD.replace("return 1", "return 7").replace("return 2", "return 3"))
    review = await desk.offer()
    assert review.state == "partial"
    assert "only 1 of 2 places" in review.files[0].note
    assert len(desk.editor.changes) == 1
    assert desk.pending.files()
    assert len(desk.landed[0].ours) == 1


async def test_taken_back_at_once_is_a_decision(desk: Desk) -> None:
    class Undoing(BufferEditor):
        async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
            document = self.workspace.overlay.get(desk.uri)
            assert document is not None
            there = LineRange(5, 11, 5, 12)
            self.workspace.overlay.change(desk.uri, document.version + 2, [(there, "3"), (there, "2")])
            return ApplyReply(True)

    desk.editor = Undoing(desk.workspace)
    desk.propose()
    review = await desk.offer()
    assert (review.state, desk.text) == ("discarded", OLD)
    assert "taken back" in review.files[0].note


async def test_a_turn_can_be_cancelled_while_it_waits(desk: Desk) -> None:
    desk.limits = LandingLimits(quiet_s=60, patience_s=60)
    desk.propose()
    desk.editor.type(desk.uri, [Edit(0, 0, "k")])
    with anyio.move_on_after(0.05) as scope:
        await desk.offer()
    assert scope.cancelled_caught
    assert desk.pending.files()


async def test_what_was_held_back_stays_to_be_seen_and_is_not_offered_again(desk: Desk) -> None:
    desk.propose(NEW.replace("return 1", "return 10"))
    at = OLD.index("return 2")
    desk.editor.typing[desk.uri] = [Edit(at, at + 8, "return 22")]
    review = await desk.offer()
    assert review.state == "applied"
    assert "held back" in review.files[0].note
    assert desk.text == OLD.replace("return 1", "return 10").replace("return 2", "return 22")
    (file,) = desk.pending.files().values()
    assert [(held.before, held.after) for held in file.held] == [("2", "3")]
    assert desk.text[file.held[0].start :].startswith("22")
    assert (await desk.offer()).state == "none"
    assert len(desk.pending.files()) == 1


async def test_what_a_person_ticks_is_whole_lines(desk: Desk) -> None:
    """Words that change within a line are one entry of a preview; an edit nobody is asked about stays small."""
    desk.propose(OLD.replace("def two():\n    return 2", "def second() -> int:\n    return 22"))
    await desk.offer(confirm=True)
    (edit,) = desk.editor.changes[0].edits
    assert [(OLD[start:end], text) for start, end, text in edit.spans] == [
        ("def two():\n    return 2\n", "def second() -> int:\n    return 22\n")
    ]
    desk.propose(desk.text.replace("return 1", "return 11"))
    await desk.offer(confirm=False)
    (edit,) = desk.editor.changes[1].edits
    assert [text for _, _, text in edit.spans] in (["1"], ["11"])
