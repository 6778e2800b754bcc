"""The laws of the edit algebra.

Where a law has an "unless", it is in the test's docstring and exact: two edits *touch* where their ranges, ends
included, share an offset.
"""

import random
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from copydesk.text.edits import Edit, apply, compose, compose_all, entangled, invert, map_offset, normalised, rebase
from tests.support.examples import examples

TEXT = st.text(st.sampled_from("abc\n"), max_size=24)


@st.composite
def edits_on(draw: st.DrawFn, length: int) -> tuple[Edit, ...]:
    cuts = sorted(draw(st.lists(st.integers(0, length), max_size=8)))
    found: list[Edit] = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        found.append(Edit(start, end, draw(st.text(st.sampled_from("XY\n"), max_size=3))))
    return normalised(found)


@st.composite
def text_and_changes(draw: st.DrawFn, n: int = 2) -> tuple[str, list[tuple[Edit, ...]]]:
    """A text, and changes in a row: each on what the one before made."""
    text = draw(TEXT)
    many: list[tuple[Edit, ...]] = []
    now = text
    for _ in range(n):
        many.append(draw(edits_on(len(now))))
        now = apply(now, many[-1])
    return text, many


@st.composite
def text_and_two_changes_on_it(draw: st.DrawFn) -> tuple[str, tuple[Edit, ...], tuple[Edit, ...]]:
    text = draw(TEXT)
    return text, draw(edits_on(len(text))), draw(edits_on(len(text)))


@given(text_and_changes(1))
def test_invert_undoes(case: tuple[str, list[tuple[Edit, ...]]]) -> None:
    text, (change,) = case
    assert apply(apply(text, change), invert(text, change)) == text


@examples(300)
@given(text_and_changes(2))
def test_compose_is_one_after_the_other(case: tuple[str, list[tuple[Edit, ...]]]) -> None:
    text, (first, second) = case
    assert apply(text, compose(first, second)) == apply(apply(text, first), second)


@given(text_and_changes(7))
def test_compose_all(case: tuple[str, list[tuple[Edit, ...]]]) -> None:
    text, many = case
    now = text
    for change in many:
        now = apply(now, change)
    assert apply(text, compose_all(many)) == now


@examples(500)
@given(text_and_two_changes_on_it())
def test_rebase_loses_nothing(case: tuple[str, tuple[Edit, ...], tuple[Edit, ...]]) -> None:
    text, ours, theirs = case
    moved, conflicts = rebase(ours, theirs)
    after = apply(apply(text, theirs), moved)
    collapsed = Counter(ours) & Counter(theirs)
    assert len(moved) + len(conflicts) + sum(collapsed.values()) == len(ours)
    kept = list((Counter(ours) - Counter(conflicts) - collapsed).elements())
    assume(not collapsed)
    back = rebase(theirs, normalised(kept))
    assert not back.conflicts
    other_order = apply(apply(text, kept), back.edits)
    assert Counter(after) == Counter(other_order)
    inserted = "".join(edit.text for edit in (*kept, *theirs))
    removed = sum(edit.end - edit.start for edit in (*kept, *theirs))
    assert Counter(after) - Counter(inserted) <= Counter(text)
    assert len(after) == len(text) - removed + len(inserted)


@given(text_and_two_changes_on_it())
def test_rebase_without_theirs_and_over_itself(case: tuple[str, tuple[Edit, ...], tuple[Edit, ...]]) -> None:
    _, ours, _ = case
    assert rebase(ours, ()) == (ours, ())
    assert rebase(ours, ours) == ((), ())


@pytest.mark.parametrize(
    ("ours", "theirs", "moved", "conflicts"),
    [
        (Edit(5, 5, "o"), Edit(5, 5, "tt"), [Edit(7, 7, "o")], []),
        (Edit(5, 5, "o"), Edit(3, 7, "t"), [], [Edit(5, 5, "o")]),
        (Edit(3, 7, "o"), Edit(5, 5, "t"), [], [Edit(3, 7, "o")]),
        (Edit(3, 7, "o"), Edit(6, 9, "t"), [], [Edit(3, 7, "o")]),
        (Edit(3, 7, "o"), Edit(7, 9, ""), [Edit(3, 7, "o")], []),
        (Edit(3, 7, "o"), Edit(1, 3, ""), [Edit(1, 5, "o")], []),
        (Edit(3, 7, "o"), Edit(3, 3, "tt"), [Edit(5, 9, "o")], []),
        (Edit(3, 7, "o"), Edit(7, 7, "tt"), [Edit(3, 7, "o")], []),
        (Edit(3, 7, "o"), Edit(3, 7, "o"), [], []),
        (Edit(3, 7, "o"), Edit(3, 7, "t"), [], [Edit(3, 7, "o")]),
    ],
)
def test_rebase_table(ours: Edit, theirs: Edit, moved: list[Edit], conflicts: list[Edit]) -> None:
    assert rebase([ours], [theirs]) == (tuple(moved), tuple(conflicts))


def test_overlaps_and_ends_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        normalised([(0, 3, ""), (2, 4, "")])
    with pytest.raises(ValueError, match="past the end"):
        apply("abc", [(2, 9, "")])


def test_map_offset() -> None:
    edits = [Edit(2, 2, "XX"), Edit(4, 6, "Y")]
    assert [map_offset(edits, at) for at in range(8)] == [0, 1, 2, 5, 6, 6, 7, 8]
    assert [map_offset(edits, at, "right") for at in range(8)] == [0, 1, 4, 5, 6, 7, 7, 8]


# --- laws of composition ---------------------------------------------------------------------------------

Changes = tuple[str, list[tuple[Edit, ...]]]
Pair = tuple[str, tuple[Edit, ...], tuple[Edit, ...]]


@given(text_and_changes(1))
def test_an_undo_is_undone(case: Changes) -> None:
    text, (change,) = case
    assert invert(apply(text, change), invert(text, change)) == change


@given(text_and_changes(1))
def test_a_change_and_its_undo_leave_every_text_as_it_was(case: Changes) -> None:
    text, (change,) = case
    assert apply(text, compose(change, invert(text, change))) == text


@examples(400)
@given(text_and_changes(3))
def test_compose_is_associative(case: Changes) -> None:
    """Not only as functions: the edits are the same, because what both keep decides where one ends."""
    _, (a, b, c) = case
    assert compose(compose(a, b), c) == compose(a, compose(b, c))


@given(text_and_changes(1))
def test_nothing_composed_is_the_change_with_touching_edits_joined(case: Changes) -> None:
    text, (change,) = case
    once = compose(change, ())
    assert once == compose((), change) == compose(once, ())
    assert apply(text, once) == apply(text, change)
    assert all(left.end < right.start for left, right in pairwise(once))


def test_compose_is_linear_where_many_small_edits_stand_in_one_big_insertion() -> None:
    size, n = 4_000_000, 4_000
    written = [Edit(0, 0, "x" * size)]
    typed = [Edit(at, at + 1, "y") for at in range(0, size, size // n)]
    start = time.perf_counter()
    (done,) = compose(written, typed)
    assert time.perf_counter() - start < 1
    assert done.text.count("y") == n
    assert len(done.text) == size


# --- laws of rebasing ------------------------------------------------------------------------------------


def _marked(text: str, change: tuple[Edit, ...], first: int) -> tuple[Edit, ...]:
    """The same change, every character it inserts being one that occurs nowhere else."""
    marks = iter(range(first, first + 5_000))
    return tuple(Edit(edit.start, edit.end, "".join(chr(next(marks)) for _ in edit.text)) for edit in change)


def _removed(text: str, change: tuple[Edit, ...]) -> set[str]:
    return {char for edit in change for char in text[edit.start : edit.end]}


def _touch(one: tuple[Edit, ...], other: tuple[Edit, ...]) -> bool:
    return any(a.start <= b.end and b.start <= a.end for a in one for b in other)


def _both_insert_at_one_place(one: tuple[Edit, ...], other: tuple[Edit, ...]) -> bool:
    places = {edit.start for edit in one if edit.start == edit.end}
    return any(edit.start == edit.end and edit.start in places for edit in other)


@examples(300)
@given(text_and_two_changes_on_it())
def test_every_character_of_theirs_and_of_what_was_moved_is_there_and_in_order(case: Pair) -> None:
    shape, ours, theirs = case
    text = "".join(chr(0x4E00 + i) for i in range(len(shape)))
    ours, theirs = _marked(text, ours, 0xE000), _marked(text, theirs, 0xF0000)
    moved, conflicts = rebase(ours, theirs)
    kept = tuple(edit for edit in ours if edit not in conflicts and edit not in theirs)
    assert [edit.text for edit in moved] == [edit.text for edit in kept]
    assert all(conflict in ours for conflict in conflicts)
    after = apply(apply(text, theirs), moved)
    for mine, others in ((kept, theirs), (theirs, kept)):
        alone = apply(text, mine)
        gone = _removed(text, others)
        assert [c for c in after if c in alone] == [c for c in alone if c not in gone]
    assert len(set(after)) == len(after)


@examples(300)
@given(text_and_two_changes_on_it())
def test_two_sides_come_to_one_text(case: Pair) -> None:
    """Unless both insert at one offset: each side then puts its own after the other's."""
    text, ours, theirs = case
    first, second = rebase(ours, theirs), rebase(theirs, ours)
    ours = tuple(edit for edit in ours if edit not in first.conflicts)
    theirs = tuple(edit for edit in theirs if edit not in second.conflicts)
    assume(not _both_insert_at_one_place(ours, theirs))
    assert not rebase(ours, theirs).conflicts
    one = apply(apply(text, theirs), rebase(ours, theirs).edits)
    assert one == apply(apply(text, ours), rebase(theirs, ours).edits)


@given(text_and_two_changes_on_it())
def test_a_conflict_is_one_on_both_sides(case: Pair) -> None:
    text, ours, theirs = case
    ours, theirs = _marked(text, ours, 0xE000), _marked(text, theirs, 0xF0000)
    one, other = rebase(ours, theirs).conflicts, rebase(theirs, ours).conflicts
    assert bool(one) == bool(other)
    for mine, of_others in ((one, other), (other, one)):
        assert all(rebase([edit], of_others).conflicts for edit in mine)


@st.composite
def ours_and_two_of_theirs(draw: st.DrawFn) -> tuple[str, tuple[Edit, ...], tuple[Edit, ...], tuple[Edit, ...]]:
    text = draw(st.text(st.sampled_from("abc\n"), min_size=1, max_size=40))
    first = draw(edits_on(len(text)))
    return text, draw(edits_on(len(text))), first, draw(edits_on(len(apply(text, first))))


Three = tuple[str, tuple[Edit, ...], tuple[Edit, ...], tuple[Edit, ...]]


@examples(300)
@given(ours_and_two_of_theirs())
@example(("abcdef", (Edit(3, 3, "O"),), (Edit(3, 3, "t"),), (Edit(3, 4, ""),)))
def test_rebase_commutes_with_composing_theirs(case: Three) -> None:
    """Exactly so for every edit of ours that conflicts neither way, is equal to none of theirs, and does not touch
    the composed change.

    What lies beside such an edit is kept by both changes with nothing between, so its place can only be one. An edit
    that touches the composed change may differ in the order of what is inserted at one place; one that met text which
    came and went again conflicts with the two changes one by one, and not with both as one; one that stood between
    two edits conflicts with both as one, where composing joined them.
    """
    text, ours, first, second = case
    both = compose(first, second)
    for edit in ours:
        step = rebase([edit], first)
        at_once, in_turn = rebase([edit], both), rebase(step.edits, second)
        if step.conflicts or in_turn.conflicts or at_once.conflicts or not (at_once.edits and in_turn.edits):
            continue
        if not _touch((edit,), both):
            assert at_once.edits == in_turn.edits
        else:
            now = apply(apply(text, first), second)
            assert Counter(apply(now, at_once.edits)) == Counter(apply(now, in_turn.edits))


@examples(200)
@given(ours_and_two_of_theirs())
def test_an_edit_that_touches_nothing_never_conflicts_and_commutes(case: Three) -> None:
    """The other way round: what touches no change on its way needs no "unless"."""
    _, ours, first, second = case
    for edit in ours:
        step = rebase([edit], first)
        if _touch((edit,), first) or _touch(step.edits, second):
            continue
        in_turn = rebase(step.edits, second)
        assert (step.conflicts, in_turn.conflicts) == ((), ())
        assert rebase([edit], compose(first, second)) == in_turn


@examples(200)
@given(ours_and_two_of_theirs())
def test_rebase_commutes_with_composing_ours(case: Three) -> None:
    """Unless an edit of either of ours touches theirs."""
    text, theirs, first, second = case
    moved_theirs = rebase(theirs, first).edits
    assume(not _touch(first, theirs) and not _touch(second, moved_theirs))
    in_turn = compose(rebase(first, theirs).edits, rebase(second, moved_theirs).edits)
    at_once = rebase(compose(first, second), theirs)
    assert at_once == (in_turn, ())
    assert apply(apply(text, theirs), in_turn) == apply(
        apply(apply(text, first), second), rebase(moved_theirs, second).edits
    )


def test_rebase_over_a_thousand_keystrokes_one_by_one_and_at_once() -> None:
    """Typing that meets none of the hunks: all 500 stay, at the same places both ways."""
    lines = [f"line {i}\n" for i in range(10_000)]
    starts = [sum(map(len, lines[:i])) for i in range(0, 10_000, 20)]
    text = "".join(lines)
    ours = normalised((start, start + 4, "LINE") for start in starts)
    chance = random.Random(5)
    moved, now = ours, text
    typed: list[tuple[Edit, ...]] = []
    for _ in range(1_000):
        at = map_offset(compose_all(typed[-1:]), chance.choice(starts), "right")
        at = now.index("\n", min(at, len(now) - 1))
        typed.append((Edit(at, at, "k"),))
        now = apply(now, typed[-1])
        moved, conflicts = rebase(moved, typed[-1])
        assert not conflicts
    assert rebase(ours, compose_all(typed)) == (moved, ())
    assert apply(now, moved).count("LINE") == 500


# --- mapping an offset -----------------------------------------------------------------------------------


def _slowly_mapped(text: str, edits: tuple[Edit, ...], offset: int, stick: str) -> int:
    """Character by character: how much stands before the offset afterwards."""
    before = 0
    for edit in edits:
        if edit.start < offset < edit.end:
            kept = sum(e.end - e.start for e in edits if e.end <= edit.start)
            put = sum(len(e.text) for e in edits if e.end <= edit.start and e != edit)
            return edit.start - kept + put + (len(edit.text) if stick == "right" else 0)
        is_insertion_here = edit.start == edit.end == offset
        is_before = edit.end <= offset and not is_insertion_here
        if is_before or (is_insertion_here and stick == "right"):
            before += edit.delta
    return offset + before


@examples(400)
@given(text_and_changes(1), st.sampled_from(["left", "right"]))
def test_map_offset_is_what_stands_before_it(case: Changes, stick: str) -> None:
    text, (edits,) = case
    mapped = [map_offset(edits, at, "right" if stick == "right" else "left") for at in range(len(text) + 1)]
    assert mapped == [_slowly_mapped(text, edits, at, stick) for at in range(len(text) + 1)]
    assert mapped == sorted(mapped)


@given(text_and_changes(1))
def test_left_is_never_right_of_right(case: Changes) -> None:
    text, (edits,) = case
    for at in range(len(text) + 1):
        assert map_offset(edits, at) <= map_offset(edits, at, "right")


def test_an_offset_that_sticks_right_is_behind_all_that_is_inserted_there() -> None:
    edits = [Edit(2, 2, "X"), Edit(2, 2, "YY"), Edit(2, 3, "Z")]
    assert (map_offset(edits, 2), map_offset(edits, 2, "right")) == (2, 5)


@examples(300)
@given(text_and_changes(2), st.integers(0, 24))
def test_offsets_that_touch_no_edit_map_the_same_one_by_one_and_at_once(case: Changes, offset: int) -> None:
    text, (first, second) = case
    both = compose(first, second)
    here = (Edit(min(offset, len(text)), min(offset, len(text)), "."),)
    assume(not _touch(here, both) and not _touch(here, first))
    assert map_offset(second, map_offset(first, here[0].start)) == map_offset(both, here[0].start)


# --- entangled -------------------------------------------------------------------------------------------


def _slowly_entangled(text: str, ours: tuple[Edit, ...], theirs: tuple[Edit, ...]) -> tuple[Edit, ...]:
    def groups(edits: tuple[Edit, ...]) -> list[list[Edit]]:
        found: list[list[Edit]] = []
        for edit in edits:
            between = text[found[-1][-1].end : edit.start] if found else "\n"
            if not {"\n", "\r"}.intersection(between):
                found[-1].append(edit)
            else:
                found.append([edit])
        return found

    return tuple(
        edit
        for group in groups(ours)
        if any(
            other[0].start < group[-1].end and group[0].start < other[-1].end and not set(other) >= set(group)
            for other in groups(theirs)
        )
        for edit in group
    )


@examples(400)
@given(text_and_two_changes_on_it())
def test_entangled_is_the_plain_definition(case: Pair) -> None:
    text, ours, theirs = case
    assert entangled(text, ours, theirs) == _slowly_entangled(text, ours, theirs)


def test_entangled_is_linear() -> None:
    text = "ab cd\n" * 50_000
    ours = normalised((at, at + 2, "x") for at in range(0, len(text), 6))
    theirs = normalised((at + 3, at + 5, "y") for at in range(0, len(text), 6))
    start = time.perf_counter()
    assert entangled(text, ours, theirs) == ()
    assert time.perf_counter() - start < 2
    assert entangled("x + x\n", [Edit(0, 1, "2")], [Edit(4, 5, "x * x")]) == ()
    assert entangled("x + x\n", [Edit(0, 1, "2"), Edit(5, 5, "!")], [Edit(4, 5, "y")]) == (
        Edit(0, 1, "2"),
        Edit(5, 5, "!"),
    )
