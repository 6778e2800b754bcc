"""Undo by turn over a desk in memory: what goes, what comes back, what stays, and what is said of it."""

from pathlib import Path

import pytest

from copydesk.domain.errors import CopydeskError
from copydesk.services.undoing import WAITS
from copydesk.text.edits import Edit
from tests.support.undo_desk import UndoDesk

A = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"


@pytest.fixture
def desk(tmp_path: Path) -> UndoDesk:
    return UndoDesk(tmp_path)


def put(desk: UndoDesk, name: str, text: str, *, opened: bool = True) -> str:
    uri = desk.uri(name)
    (desk.folder / name).write_text(text)
    if opened:
        desk.editor.open(uri)
    return uri


def replacing(text: str, old: str, new: str) -> Edit:
    start = text.index(old)
    return Edit(start, start + len(old), new)


async def turn_that(desk: UndoDesk, name: str, *changes: tuple[str, str]) -> str:
    turn = desk.begin_turn()
    for old, new in changes:
        spans = (replacing(desk.text(name), old, new),)
        review = await desk.land(turn, desk.edit(turn, desk.uri(name), spans))
        assert review.state in ("applied", "unconfirmed"), review
    return turn


def type_over(desk: UndoDesk, name: str, old: str, new: str) -> None:
    desk.type(desk.uri(name), (replacing(desk.text(name), old, new),))


async def test_a_turn_is_taken_back_and_given_again(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"), ("return 2", "return second()"))
    after = desk.text("a.py")
    undone = await desk.undo()
    assert desk.text("a.py") == A
    assert (undone.of, undone.kept, undone.review.state) == (turn, (), "applied")
    assert [(file.uri, file.places) for file in undone.undone] == [(desk.uri("a.py"), 2)]
    assert desk.editor.changes[-1].label == f"Copydesk: Undo Task {turn}"
    again = await desk.undo()
    assert desk.text("a.py") == after
    assert again.label == f"Copydesk: Redo Task {turn}"
    assert (await desk.undo()).of == turn
    assert desk.text("a.py") == A


async def test_an_undo_can_be_named_by_its_own_id_or_by_its_turns(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"))
    after = desk.text("a.py")
    undone = await desk.undo(turn)
    assert undone.turn.startswith("u-")
    await desk.undo(undone.turn)
    assert desk.text("a.py") == after
    await desk.undo(undone.turn)
    assert desk.text("a.py") == A
    await desk.undo(turn)
    assert desk.text("a.py") == after


async def test_what_people_wrote_stays_inside_and_around(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    await turn_that(desk, "a.py", ("    return 1\n", "    x = 1\n    y = 2\n    return x + y\n"))
    type_over(desk, "a.py", "    y = 2\n", "    y = 2\n    # mine\n")
    type_over(desk, "a.py", "def two", "# also mine\ndef two")
    undone = await desk.undo()
    assert desk.text("a.py") == A.replace("return 1\n", "return 1\n    # mine\n").replace(
        "def two", "# also mine\ndef two"
    )
    assert [(place.line, "inside" in place.why) for place in undone.kept] == [(2, True)]


async def test_what_a_person_replaced_whole_is_left_and_said(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    await turn_that(desk, "a.py", ("return 1", "return first()"), ("return 2", "return second()"))
    type_over(desk, "a.py", "first()", "mine")
    type_over(desk, "a.py", "return mine", "yield 5")
    undone = await desk.undo()
    assert desk.text("a.py") == A.replace("return 1", "yield 5")
    assert [place.line for place in undone.kept] == [1]
    assert "replaced" in undone.kept[0].why


async def test_the_older_turn_alone(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    first = await turn_that(desk, "a.py", ("return 1", "return first()"))
    second = await turn_that(desk, "a.py", ("def two", "def second"))
    await desk.undo(first)
    assert desk.text("a.py") == A.replace("def two", "def second")
    await desk.undo(second)
    assert desk.text("a.py") == A


async def test_nothing_to_undo_is_no_error_without_a_turn(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    undone = await desk.undo()
    assert (undone.of, undone.undone, undone.kept) == ("", (), ())


async def test_turns_that_cannot_be_undone_say_why(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"))
    desk.waiting["t-9"] = [(uri, 3)]
    desk.running = ("t-7",)
    for name, why in (("t-99", "known"), ("t-7", "copydesk.cancel"), ("t-9", "copydesk.review.reject")):
        with pytest.raises(CopydeskError, match=why):
            await desk.undo(name)
    desk.waiting[turn] = [(uri, 3)]
    assert [(place.line, place.why) for place in (await desk.undo(turn)).kept] == [(3, WAITS)]


async def test_a_running_turn_is_passed_over(desk: UndoDesk) -> None:
    put(desk, "a.py", A)
    first = await turn_that(desk, "a.py", ("return 1", "return first()"))
    desk.running = (await turn_that(desk, "a.py", ("return 2", "return second()")),)
    assert (await desk.undo()).of == first


async def test_the_editors_own_undo_leaves_nothing_to_take_back(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"))
    assert desk.undo_in_editor(uri)
    assert desk.text("a.py") == A
    assert (await desk.undo()).of == ""
    with pytest.raises(CopydeskError, match="Nothing of the turn"):
        await desk.undo(turn)


@pytest.mark.parametrize("killed", [False, True])
async def test_it_works_after_a_restart(desk: UndoDesk, *, killed: bool) -> None:
    put(desk, "a.py", A)
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"))
    type_over(desk, "a.py", "def two", "# mine\ndef two")
    after = desk.text("a.py")
    await desk.restart(killed=killed)
    undone = await desk.undo()
    assert undone.of == turn
    assert desk.text("a.py") == A.replace("def two", "# mine\ndef two")
    await desk.restart(killed=killed)
    await desk.undo()
    assert desk.text("a.py") == after


async def test_files_that_are_closed_or_changed_outside(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    await turn_that(desk, "a.py", ("return 1", "return first()"))
    desk.editor.close(uri)
    path = desk.folder / "a.py"
    path.write_text("# header\n" + path.read_text())
    undone = await desk.undo()
    assert [file.state for file in undone.undone] == ["applied"]
    assert desk.text("a.py") == "# header\n" + A


async def test_typing_that_comes_in_between_is_kept(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    await turn_that(desk, "a.py", ("return 1", "return first()"))
    typed = iter([Edit(0, 0, "# mine\n")])

    def race() -> None:
        for edit in typed:
            desk.type(uri, (edit,))

    desk.editor.race = race
    await desk.undo()
    assert desk.text("a.py") == "# mine\n" + A
    await desk.undo()
    assert desk.text("a.py") == "# mine\n" + A.replace("return 1", "return first()")


# --- files as a whole ---


async def test_a_file_that_was_made_is_deleted_and_made_again(desk: UndoDesk) -> None:
    turn = desk.begin_turn()
    uri = desk.uri("new.py")
    await desk.land(turn, desk.create(turn, uri, "x = 1\n"))
    assert (await desk.undo()).undone[0].places == 1
    assert not (desk.folder / "new.py").exists()
    await desk.undo()
    assert desk.text("new.py") == "x = 1\n"
    await desk.undo()
    assert uri not in desk.texts()


async def test_a_file_that_was_made_and_written_in_stays(desk: UndoDesk) -> None:
    turn = desk.begin_turn()
    await desk.land(turn, desk.create(turn, desk.uri("new.py"), "x = 1\ny = 2\n"))
    type_over(desk, "new.py", "y = 2", "mine = 3\ny = 2")
    undone = await desk.undo()
    assert desk.text("new.py") == "mine = 3\n"
    assert any("so does the file" in place.why for place in undone.kept)


async def test_a_deleted_file_is_made_again(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A, opened=False)
    turn = desk.begin_turn()
    await desk.land(turn, desk.delete(turn, uri))
    assert uri not in desk.texts()
    await desk.restart(killed=True)
    await desk.undo()
    assert desk.text("a.py") == A
    await desk.undo()
    assert uri not in desk.texts()


async def test_a_deleted_file_that_is_there_again_is_left(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A, opened=False)
    turn = desk.begin_turn()
    await desk.land(turn, desk.delete(turn, uri))
    put(desk, "a.py", "other\n")
    undone = await desk.undo(turn)
    assert (undone.undone, desk.text("a.py")) == ((), "other\n")
    assert "a file again" in undone.kept[0].why


async def test_a_moved_file_is_moved_back_with_what_people_wrote(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    turn = desk.begin_turn()
    await desk.land(
        turn,
        desk.edit(turn, uri, (replacing(A, "return 1", "return first()"),)),
        desk.move(turn, uri, desk.uri("b.py")),
    )
    assert list(desk.texts()) == [desk.uri("b.py")]
    type_over(desk, "b.py", "def two", "# mine\ndef two")
    moved = desk.text("b.py")
    undone = await desk.undo()
    assert desk.texts() == {uri: A.replace("def two", "# mine\ndef two")}
    assert undone.kept == ()
    await desk.undo()
    assert desk.texts() == {desk.uri("b.py"): moved}
    await desk.undo()
    assert list(desk.texts()) == [uri]


async def test_an_older_turns_text_is_found_where_a_newer_moved_it(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    first = await turn_that(desk, "a.py", ("return 1", "return first()"))
    second = desk.begin_turn()
    await desk.land(second, desk.move(second, uri, desk.uri("b.py")))
    await desk.restart(killed=True)
    await desk.undo(first)
    assert desk.texts() == {desk.uri("b.py"): A}
    await desk.undo(second)
    assert desk.texts() == {uri: A}


async def test_a_file_that_is_gone_is_said(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    put(desk, "b.py", A)
    turn = desk.begin_turn()
    spans = (replacing(A, "return 1", "return first()"),)
    await desk.land(turn, desk.edit(turn, uri, spans), desk.edit(turn, desk.uri("b.py"), spans))
    desk.editor.close(uri)
    (desk.folder / "a.py").unlink()
    undone = await desk.undo(turn)
    assert desk.texts() == {desk.uri("b.py"): A}
    assert [(place.uri, "not there" in place.why) for place in undone.kept] == [(uri, True)]


async def test_an_editor_without_file_operations_says_so(desk: UndoDesk) -> None:
    turn = desk.begin_turn()
    await desk.land(turn, desk.create(turn, desk.uri("new.py"), "x = 1\n"))
    desk.editor.refuses_operations = True
    undone = await desk.undo()
    assert (undone.undone, desk.text("new.py")) == ((), "x = 1\n")
    assert "cannot make, move or delete" in undone.kept[0].why
    desk.editor.refuses_operations = False
    await desk.undo(turn)
    assert desk.texts() == {}


async def test_only_this_folders_turns(tmp_path: Path) -> None:
    here, there = UndoDesk(tmp_path / "here"), UndoDesk(tmp_path / "there")
    here.state = there.state
    here.begin()
    put(there, "a.py", A)
    await turn_that(there, "a.py", ("return 1", "return first()"))
    await there.attribution.flush()
    assert (await here.undo()).of == ""


# --- lines ---


async def test_a_line_is_a_turns_until_a_person_changes_it(desk: UndoDesk) -> None:
    uri = put(desk, "a.py", A)
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"))
    type_over(desk, "a.py", "def one", "# mine\ndef one")
    notes = [await desk.attribution.line(uri, number) for number in range(6)]
    assert [note and (note.turn, note.title, note.model) for note in notes] == [
        None, None, (turn, f"Task {turn}", "scripted:x"), None, None, None,
    ]  # fmt: skip
    await desk.restart(killed=True)
    note = await desk.attribution.line(uri, 2)
    assert note is not None
    assert note.at.startswith("2026-01-31")
    type_over(desk, "a.py", "first()", "first() + 1")
    assert await desk.attribution.line(uri, 2) is None


async def test_looking_at_a_line_while_the_edit_is_on_its_way(desk: UndoDesk) -> None:
    """The look takes in our own edit before it is proven; it is ours all the same."""
    uri = put(desk, "a.py", A)
    await turn_that(desk, "a.py", ("return 2", "return second()"))
    landed = desk.landing._on_landed  # pyright: ignore[reportPrivateUsage]

    def late(record: object) -> None:
        file = desk.attribution.file(uri, desk.text("a.py"), desk.editor.buffers[uri].version)
        assert file is not None
        landed(record)  # type: ignore[arg-type]

    desk.landing._on_landed = late  # pyright: ignore[reportPrivateUsage]
    turn = await turn_that(desk, "a.py", ("return 1", "return first()"))
    assert (await desk.undo(turn)).of == turn
    assert desk.text("a.py") == A.replace("return 2", "return second()")
