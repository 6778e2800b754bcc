"""Who wrote what, and taking it back: every character carries its writer, so that losses are counted, not guessed."""

from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.edits import Edit, apply, invert
from copydesk.text.pieces import Pieces, author_at, authors, decode, encode, forgotten, joined, spans_of, written
from copydesk.text.taking import SURE, given_again, taken_back, turned, typed

AUTHORS = "ABC"
FIRST = {"": 0x4E00, "A": 0xAC00, "B": 0xA000, "C": 0x1400}
"""Each writer's characters are from a block of their own, and each is used once."""


def writer_of(character: str) -> str:
    return max((who for who in FIRST if FIRST[who] <= ord(character)), key=lambda who: FIRST[who])


class Desk:
    """A text that several write in, what is known of it, and what really happened."""

    def __init__(self, n_characters: int = 20) -> None:
        self._next = {who: count(first) for who, first in FIRST.items()}
        self._ids = count(1)
        self.pieces = Pieces()
        self.text = self.fresh("", n_characters)
        self.human = set(self.text)
        self.deleted: set[str] = set()

    def fresh(self, who: str, n: int) -> str:
        return "".join(chr(next(self._next[who])) for _ in range(n))

    def id(self) -> str:
        return f"p{next(self._ids)}"

    def edits(self, who: str, places: list[tuple[int, int, int]]) -> tuple[Edit, ...]:
        """(how far after the last edit, how many go, how many come): as far as the text reaches."""
        at, found = 0, list[Edit]()
        for skip, go, come in places:
            start = min(at + skip, len(self.text))
            end = min(start + go, len(self.text))
            if end > start or come:
                found.append(Edit(start, end, self.fresh(who, come)))
            at = end + 1
            if at > len(self.text):
                break
        return tuple(found)

    def write(self, who: str, places: list[tuple[int, int, int]]) -> None:
        edits = self.edits(who, places)
        self.pieces = written(self.pieces, self.text, edits, who, self.id)
        self.text = apply(self.text, edits)

    def type(self, places: list[tuple[int, int, int]]) -> None:
        edits = self.edits("", places)
        self.human |= {character for edit in edits for character in edit.text}
        self.deleted |= {character for edit in edits for character in self.text[edit.start : edit.end]}
        self.pieces = typed(self.pieces, self.text, edits)
        self.text = apply(self.text, edits)

    def take_back(self, who: str) -> tuple[tuple[str, ...], bool]:
        """The ids that were switched, and whether anything was kept as replaced by a person."""
        taken = taken_back(self.pieces, self.text, who)
        self.pieces, self.text = taken.pieces, apply(self.text, taken.edits)
        return taken.ids, any(kept.why == "instead" for kept in taken.kept)

    def give_again(self, ids: tuple[str, ...]) -> None:
        taken = given_again(self.pieces, self.text, ids)
        self.pieces, self.text = taken.pieces, apply(self.text, taken.edits)

    def check(self) -> None:
        assert len(self.text) >= sum(run.shown for run in self.pieces.runs)
        assert author_of_each(self.pieces, self.text) == list(map(writer_of, self.text))
        assert len(set(self.text)) == len(self.text)
        assert decode(encode(self.pieces)) == self.pieces
        assert joined(self.pieces.runs) == self.pieces.runs


def author_of_each(pieces: Pieces, text: str) -> list[str]:
    found = [""] * len(text)
    for start, end, who in authors(pieces):
        found[start:end] = [who] * (end - start)
    return found


places = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=4)
steps = st.lists(st.tuples(st.sampled_from(["", "", *AUTHORS]), places), max_size=8)


def play(desk: Desk, script: list[tuple[str, list[tuple[int, int, int]]]]) -> None:
    for who, where in script:
        if who:
            desk.write(who, where)
        else:
            desk.type(where)


# --- properties ------------------------------------------------------------------------------------------


@given(steps, places)
def test_taking_back_at_once_gives_the_text_before(
    script: list[tuple[str, list[tuple[int, int, int]]]], last: list[tuple[int, int, int]]
) -> None:
    desk = Desk()
    play(desk, script)
    before, pieces = desk.text, desk.pieces
    edits = desk.edits("A", last)
    made = written(pieces, before, edits, "Z", desk.id)
    taken = taken_back(made, apply(before, edits), "Z")
    assert apply(apply(before, edits), taken.edits) == before
    assert taken.kept == ()
    assert author_of_each(taken.pieces, before) == author_of_each(pieces, before)


@given(steps)
def test_every_character_is_known_by_its_writer(script: list[tuple[str, list[tuple[int, int, int]]]]) -> None:
    desk = Desk()
    play(desk, script)
    desk.check()


@given(steps, st.permutations(AUTHORS), steps)
def test_taking_back_leaves_no_character_of_the_author_and_all_of_the_person(
    script: list[tuple[str, list[tuple[int, int, int]]]],
    order: list[str],
    between: list[tuple[str, list[tuple[int, int, int]]]],
) -> None:
    desk = Desk()
    play(desk, script)
    for who in order:
        play(desk, [("", where) for _, where in between[:1]])
        before = desk.text
        others = set(AUTHORS) - {who}
        desk.take_back(who)
        desk.check()
        present = set(desk.text)
        assert not any(writer_of(character) == who for character in present)
        lost = {character for character in before if writer_of(character) != who} - present
        assert not any(writer_of(character) in ("", *others) for character in lost)


@given(steps, st.permutations(AUTHORS))
def test_all_that_people_wrote_is_there_once_all_turns_are_taken_back(
    script: list[tuple[str, list[tuple[int, int, int]]]], order: list[str]
) -> None:
    desk = Desk()
    play(desk, script)
    replaced = [desk.take_back(who)[1] for who in order]
    left = desk.human - desk.deleted
    assert set(desk.text) <= left
    if not any(replaced):
        assert set(desk.text) == left


@given(steps, st.permutations(AUTHORS))
def test_the_undo_of_the_undo_gives_back_exactly_the_text(
    script: list[tuple[str, list[tuple[int, int, int]]]], order: list[str]
) -> None:
    desk = Desk()
    play(desk, script)
    texts, undone = [desk.text], list[tuple[str, ...]]()
    for who in order:
        undone.append(desk.take_back(who)[0])
        texts.append(desk.text)
    for ids in reversed(undone):
        assert desk.text == texts.pop()
        desk.give_again(ids)
        desk.check()
    assert desk.text == texts.pop()


@given(steps, st.permutations(AUTHORS), steps)
def test_typing_between_undo_and_redo_is_spared(
    script: list[tuple[str, list[tuple[int, int, int]]]],
    order: list[str],
    later: list[tuple[str, list[tuple[int, int, int]]]],
) -> None:
    desk = Desk()
    play(desk, script)
    undone = [desk.take_back(who)[0] for who in order[:2]]
    play(desk, later)
    for ids in undone:
        before = {character for character in desk.text if not writer_of(character)}
        desk.give_again(ids)
        desk.check()
        lost = before - set(desk.text)
        assert lost.isdisjoint(desk.text)
    for who in AUTHORS:
        replaced = desk.take_back(who)[1]
        if replaced:
            return
    assert all(not writer_of(character) for character in desk.text)


@given(steps, places)
def test_the_editors_own_undo_and_redo_are_seen(
    script: list[tuple[str, list[tuple[int, int, int]]]], last: list[tuple[int, int, int]]
) -> None:
    """The editor puts back just what was there: the pieces know, so nothing is taken back twice."""
    desk = Desk()
    play(desk, script)
    before, pieces = desk.text, desk.pieces
    edits = desk.edits("A", [(skip, go, come + 8) for skip, go, come in last])
    made = written(pieces, before, edits, "Z", desk.id)
    after = apply(before, edits)
    undone = typed(made, after, invert(before, edits))
    assert author_of_each(undone, before) == author_of_each(pieces, before)
    assert taken_back(undone, before, "Z").edits == ()
    redone = typed(undone, before, edits)
    assert apply(after, taken_back(redone, after, "Z").edits) == before


@given(steps, st.integers(0, 20), st.integers(1, 20), st.text("xyz", max_size=3))
def test_what_a_person_deletes_and_brings_back_keeps_its_writer(
    script: list[tuple[str, list[tuple[int, int, int]]]], start: int, length: int, said: str
) -> None:
    desk = Desk()
    play(desk, script)
    desk.write("A", [(2, 3, 12)])
    before = author_of_each(desk.pieces, desk.text)
    start = min(start, len(desk.text))
    edits = (Edit(start, min(start + length, len(desk.text)), said),)
    changed = typed(desk.pieces, desk.text, edits)
    back = typed(changed, apply(desk.text, edits), invert(desk.text, edits))
    found = author_of_each(back, desk.text)
    wrong = [at for at, (is_now, was) in enumerate(zip(found, before, strict=True)) if is_now != was]
    assert all(found[at] == "" for at in wrong), "never another's"
    if wrong:  # too little to be sure of: then it is said
        assert sum(map(bool, before[edits[0].start : edits[0].end])) < SURE


@given(steps, st.sampled_from(AUTHORS))
def test_what_is_forgotten_is_a_persons(script: list[tuple[str, list[tuple[int, int, int]]]], who: str) -> None:
    desk = Desk()
    play(desk, script)
    ids = {piece.id for piece in desk.pieces.of(who)}
    left = forgotten(desk.pieces, ids)
    assert not left.of(who)
    assert spans_of(left, who) == ()
    expected = ["" if writer_of(each) == who else writer_of(each) for each in desk.text]
    assert author_of_each(left, desk.text) == expected
    assert decode(encode(left)) == left


@given(steps, st.sets(st.integers(0, 30)))
def test_a_switch_turned_twice_is_nothing(
    script: list[tuple[str, list[tuple[int, int, int]]]], chosen: set[int]
) -> None:
    desk = Desk()
    play(desk, script)
    ids = {piece.id for at, piece in enumerate(desk.pieces.made) if at in chosen}
    edits, once = turned(desk.pieces, desk.text, ids)
    text = apply(desk.text, edits)
    again, twice = turned(once, text, ids)
    assert apply(text, again) == desk.text
    assert twice == desk.pieces


# --- examples --------------------------------------------------------------------------------------------


def by(text: str, old: str, new: str) -> list[Edit]:
    start = text.index(old)
    return [Edit(start, start + len(old), new)]


@pytest.fixture
def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"p{next(numbers)}"


def test_what_a_person_typed_inside_stays(ids: Callable[[], str]) -> None:
    pieces = written(Pieces(), "one two", by("one two", "two", "three four"), "t", ids)
    text = "one three four"
    edits = [Edit(9, 9, " MINE")]
    pieces, text = typed(pieces, text, edits), apply(text, edits)
    assert text == "one three MINE four"
    taken = taken_back(pieces, text, "t")
    assert apply(text, taken.edits) == "one two MINE"
    assert [kept.why for kept in taken.kept] == ["inside"]


def test_what_a_person_replaced_whole_is_left_alone(ids: Callable[[], str]) -> None:
    pieces = written(Pieces(), "one two", by("one two", "two", "three"), "t", ids)
    edits = [Edit(4, 9, "mine")]
    pieces = typed(pieces, "one three", edits)
    taken = taken_back(pieces, "one mine", "t")
    assert taken.edits == ()
    assert [kept.why for kept in taken.kept] == ["instead"]


def test_the_older_of_two_turns_waits_under_the_newer(ids: Callable[[], str]) -> None:
    """Taking back the older alone would put the oldest text beside the newest."""
    pieces = written(Pieces(), "x = 1\n", by("x = 1\n", "1", "22"), "t1", ids)
    pieces = written(pieces, "x = 22\n", by("x = 22\n", "22", "333"), "t2", ids)
    first = taken_back(pieces, "x = 333\n", "t1")
    assert first.edits == ()
    second = taken_back(first.pieces, "x = 333\n", "t2")
    assert apply("x = 333\n", second.edits) == "x = 1\n"


def test_rewrites_within_a_turn_unwind(ids: Callable[[], str]) -> None:
    pieces, text = Pieces(), "def f():\n    return 1\n"
    for old, new in (("return 1", "return one()"), ("one()", "two()"), ("def f", "def g"), ("two", "three")):
        edits = by(text, old, new)
        pieces, text = written(pieces, text, edits, "t", ids), apply(text, edits)
    assert text == "def g():\n    return three()\n"
    assert apply(text, taken_back(pieces, text, "t").edits) == "def f():\n    return 1\n"


def test_typing_at_the_start_of_a_line_stays_with_it(ids: Callable[[], str]) -> None:
    """Lines above it were deleted: they come back above what was typed."""
    text = "one\ntwo\nthree\n"
    pieces, text = written(Pieces(), text, by(text, "two\n", ""), "t", ids), "one\nthree\n"
    pieces, text = typed(pieces, text, [Edit(4, 4, "# ")]), "one\n# three\n"
    assert apply(text, taken_back(pieces, text, "t").edits) == "one\ntwo\n# three\n"


def test_a_few_typed_characters_are_never_taken_for_a_redo(ids: Callable[[], str]) -> None:
    pieces = written(Pieces(), "a", [Edit(1, 1, "xyz")], "t", ids)
    pieces = typed(pieces, "axyz", [Edit(1, 4, "")])
    pieces = typed(pieces, "a", [Edit(1, 1, "xyz")])
    assert taken_back(pieces, "axyz", "t").edits == ()


def test_author_at(ids: Callable[[], str]) -> None:
    pieces = written(Pieces(), "abc", [Edit(1, 2, "XY")], "t", ids)
    assert [author_at(pieces, at) for at in range(5)] == ["", "t", "t", "", ""]


NOT_PIECES: list[dict[str, Any]] = [{}, {"runs": [[1, "p1", []]], "made": []}, {"runs": [[0]], "made": []}]


@pytest.mark.parametrize("data", NOT_PIECES)
def test_what_is_not_pieces_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        decode(data)


def test_many_pieces_cost_little_at_each_keystroke() -> None:
    desk = Desk(20_000)
    desk.write("A", [(20, 3, 5)] * 500)
    assert len(desk.pieces.made) == 500
    for _ in range(50):
        desk.type([(5000, 0, 1)])
    assert Counter(map(writer_of, desk.text))["A"] == 2500
