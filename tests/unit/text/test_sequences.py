"""Matching two sequences: what is said to be equal is, in order, and budgets change how fine it is, not whether it is so."""

from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text import sequences
from copydesk.text.sequences import Change, by_runs, changes, trimmed
from tests.support.examples import examples

ITEMS = st.lists(st.sampled_from("abcd"), max_size=30)


def _check(old: list[str], new: list[str], found: list[Change]) -> None:
    """Equal between the changes, none of which is empty or touches the next."""
    i = j = 0
    for i1, i2, j1, j2 in found:
        assert old[i:i1] == new[j:j1]
        assert i1 > i or (i, j) == (0, 0)
        assert i1 < i2 or j1 < j2
        i, j = i2, j2
    assert old[i:] == new[j:]


def _longest_common(old: list[str], new: list[str]) -> int:
    row = [0] * (len(new) + 1)
    for item in old:
        previous = row
        row = [0]
        for j, other in enumerate(new):
            row.append(previous[j] + 1 if item == other else max(previous[j + 1], row[j]))
    return row[-1]


def _n_kept(old: list[str], found: list[Change]) -> int:
    return len(old) - sum(i2 - i1 for i1, i2, _, _ in found)


def _no_anchors(*_: object) -> list[tuple[int, int]]:
    return []


@examples(300)
@given(ITEMS, ITEMS)
def test_what_lies_between_changes_is_equal(old: list[str], new: list[str]) -> None:
    _check(old, new, changes(old, new))


@given(ITEMS, ITEMS)
def test_within_its_budget_it_is_what_difflib_finds(old: list[str], new: list[str]) -> None:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    expected = [codes[1:] for codes in matcher.get_opcodes() if codes[0] != "equal"]
    assert by_runs(old, new, (0, len(old), 0, len(new))) == expected


@examples(300)
@given(old=ITEMS, new=ITEMS)
@pytest.mark.parametrize("stretch", [1, 2, 5, 1000])
def test_paths_are_true_and_shortest_where_one_stretch_does(old: list[str], new: list[str], stretch: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sequences, "_SMALL_PAIRS", 0)
        patched.setattr(sequences, "_STRETCH", stretch)
        patched.setattr(sequences, "_anchors", _no_anchors)
        found = changes(old, new)
    _check(old, new, found)
    if stretch == 1000:
        assert _n_kept(old, found) == _longest_common(old, new)


@given(old=ITEMS, new=ITEMS)
@pytest.mark.parametrize(("run_steps", "path_steps"), [(0, 100), (0, 0), (1, 1), (2, 0)])
def test_true_with_any_budget(old: list[str], new: list[str], run_steps: int, path_steps: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sequences, "_RUN_STEPS", run_steps)
        patched.setattr(sequences, "_RUN_STEPS_LEAST", 0)
        patched.setattr(sequences, "_PATH_STEPS", path_steps)
        _check(old, new, changes(old, new))


def test_lines_that_occur_once_hold_the_rest_in_place() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sequences, "_SMALL_PAIRS", 0)
        assert changes(list("x1y2z"), list("1yy2z")) == [(0, 1, 0, 0), (2, 2, 1, 2)]
    assert trimmed("abcd", "axd", (0, 4, 0, 3)) == (1, 3, 1, 2)
