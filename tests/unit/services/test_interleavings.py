"""People, editors and our edits, interleaved at random: nothing typed is lost, nothing is falsely said to be applied.

A failure names the command that plays it again. Fix it, then put the seed in `ONCE_BROKEN`. With SLOW=1 thousands are
played, and `make bench ONLY=interleavings` plays a hundred thousand.
"""

import os

import pytest

from tests.support.interleavings import Interleaving, Played, again, played
from tests.support.reviewing import Reviewing
from tests.support.several_files import SeveralFiles
from tests.support.simulated import KINDS

SLOW = os.environ.get("SLOW") == "1"
TELLING = {"nvim-0.10": 300, "nvim-0.12": 250, "vscode-race": 250, "rogue": 250}
"""The editors that tell of several changes in one, or do not tell the truth, break the most."""

N_PLAYED = {kind: 600 if SLOW else TELLING.get(kind, 150) for kind in KINDS}
N_SEVERAL = 200 if SLOW else 50
N_REVIEWED = 200 if SLOW else 50
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
    ("nvim-0.10", 681),  # an old range, and a rest of what it was to replace
    ("nvim-0.10", 1555),  # an old range, and below it all that it was to replace
    ("nvim-0.10", 1917),  # an old range among empty lines
    ("silent", 1299),  # closed with newer text, then landed: the judgement was wrong
    ("nvim-0.10", 2603),  # ours not seen among equal words, and sent again
    ("nvim-0.10", 11174),  # the beginning of ours deleted in the same change
    ("nvim-0.12", 14336),  # an old range, told shorter than it was
    ("nvim-0.10", 15933),  # less was typed if ours stands astray
)

ONCE_BROKEN_OTHERS = (
    ("vscode", 16, SeveralFiles),  # another file was made where ours was to be moved
    ("full-sync", 105, SeveralFiles),  # a key in a file that was to be deleted kept back the others for good
    ("helix", 197, SeveralFiles),  # moved, then stopped at a stale file: the move was not seen
    ("nvim-0.12", 3, SeveralFiles),  # keys in a file that was just moved
    ("vscode", 160, Reviewing),  # part of an accepted edit was held back at the last moment, the rest came twice
)


def broken(found: list[Played]) -> list[str]:
    return [f"{problem}    {again(one)}" for one in found for problem in one.problems]


@pytest.mark.parametrize("kind", KINDS)
def test_random_interleavings(kind: str) -> None:
    found = played(kind, range(N_PLAYED[kind]))
    assert not broken(found)
    assert sum(one.n_chars for one in found) > len(found), "the people really type"
    check_landed(found)


def check_landed(found: list[Played], most_held_back: float = MOST_HELD_BACK) -> None:
    n_apart = sum(one.n_apart for one in found)
    n_landed = sum(one.n_apart_landed for one in found)
    assert n_landed >= n_apart * (1 - most_held_back) - (not SLOW), [again(one) for one in found if one.not_landed]


@pytest.mark.parametrize("kind", KINDS)
def test_several_files_at_once(kind: str) -> None:
    found = played(kind, range(N_SEVERAL), story=SeveralFiles)
    assert not broken(found)
    if SLOW:  # too few otherwise for a share
        # Emacs tells of the files it has changed only when typing stops: what it may have taken is not sent again.
        check_landed(found, 0.06 if "eglot" in kind else MOST_HELD_BACK)


@pytest.mark.parametrize("kind", KINDS)
def test_decisions_while_people_type(kind: str) -> None:
    assert not broken(played(kind, range(N_REVIEWED), story=Reviewing))


@pytest.mark.parametrize(("kind", "seed"), ONCE_BROKEN)
def test_what_was_broken_once(kind: str, seed: int) -> None:
    assert not broken(played(kind, range(seed, seed + 1)))


@pytest.mark.parametrize(("kind", "seed", "story"), ONCE_BROKEN_OTHERS)
def test_what_was_broken_once_in_other_stories(kind: str, seed: int, story: type[Interleaving]) -> None:
    assert not broken(played(kind, range(seed, seed + 1), story=story))


def test_the_same_seed_is_the_same_story() -> None:
    first, second = (played("nvim-0.10", range(7, 8), with_story=True)[0] for _ in range(2))
    assert first.story == second.story
