"""People, editors and our edits, interleaved at random: nothing typed is lost, nothing is falsely said to be applied.

A failure names the command that plays it again. Fix it, then put the seed in `ONCE_BROKEN`. `make bench
ONLY=interleavings` plays a hundred thousand.
"""

import pytest

from tests.support.interleavings import Played, again, played
from tests.support.simulated import KINDS

N_PLAYED = 200
MOST_HELD_BACK = 0.01
"""The share of edits apart from all typing that may fail to land in an honest editor."""

ONCE_BROKEN = (
    ("vscode-race", 26),  # a range that was clamped on newer text
    ("nvim-0.10", 112),  # keys within our text, in one change with both of our hunks
    ("nvim-0.10", 201),  # our text typed over within the same change
    ("nvim-0.10", 29),  # an insertion that slid over an equal line end
    ("nvim-0.10", 2084),  # version 0 is not checked: the old range, between what was typed and the rest of its line
    ("nvim-0.12", 43),  # changes told every 150 ms look like pauses
    ("rogue", 38),  # twice, in a document that is only opened afterwards
    ("rogue", 169),  # twice, and closed at once
    ("rogue", 39),  # astray and twice in a document that was not open
    ("rogue", 11397),  # astray among equal lines in a document that was not open
)


def broken(found: list[Played]) -> list[str]:
    return [f"{problem}    {again(one)}" for one in found for problem in one.problems]


@pytest.mark.parametrize("kind", KINDS)
def test_random_interleavings(kind: str) -> None:
    found = played(kind, range(N_PLAYED))
    assert not broken(found)
    assert sum(one.n_chars for one in found) > N_PLAYED, "the people really type"
    n_apart = sum(one.n_apart for one in found)
    n_landed = sum(one.n_apart_landed for one in found)
    assert n_landed >= n_apart * (1 - MOST_HELD_BACK), [again(one) for one in found if one.not_landed]


@pytest.mark.parametrize(("kind", "seed"), ONCE_BROKEN)
def test_what_was_broken_once(kind: str, seed: int) -> None:
    assert not broken(played(kind, range(seed, seed + 1)))


def test_the_same_seed_is_the_same_story() -> None:
    first, second = (played("nvim-0.10", range(7, 8), with_story=True)[0] for _ in range(2))
    assert first.story == second.story
