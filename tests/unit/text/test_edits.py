"""The laws of the edit algebra."""

from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from copydesk.text.edits import Edit, apply, compose, compose_all, invert, map_offset, normalised, rebase

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


@settings(max_examples=300)
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


@settings(max_examples=500)
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
