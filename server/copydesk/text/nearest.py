"""The place in a text that is most like a quoted text that is not in it, and the first line that differs.

Words that are rare in the text vote for where the quoted lines would begin; the best few places are then compared
line by line. Work is bounded in the size of both. Start with `nearest`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from itertools import islice
from typing import NamedTuple

from copydesk.text.rungs import STEPS, Searched, whole_line, words_of

_N_PLACES = 6
_N_VOTES = 300
_N_WORDS = 5_000
_N_RATIOS = 30
_ROW_CHARS = 200
_LIKE_ENOUGH = 0.5


class Near(NamedTuple):
    """Lines first to first + n_lines of the text (0-based); `differs` is the first that is not as `quoted` there."""

    first: int
    n_lines: int
    differs: int
    quoted: str


def nearest(source: Searched, old: Sequence[str]) -> Near | None:
    """The stretch of `old`'s length that is most like it; None where no line is like one of its."""
    wanted = _trimmed(old)
    if not wanted or not source.lines:
        return None
    votes = _votes(source, wanted)
    likely = [(_likeness(source, at, wanted), n_votes, -at) for at, n_votes in votes.most_common(_N_PLACES)]
    alike = [(likeness + n_votes, at) for likeness, n_votes, at in likely if likeness >= _LIKE_ENOUGH]
    return _near(source, -max(alike)[1], wanted) if alike else None


def _trimmed(old: Sequence[str]) -> list[str]:
    filled = [i for i, line in enumerate(old) if line.strip()]
    return list(old[filled[0] : filled[-1] + 1]) if filled else []


def _votes(source: Searched, wanted: Sequence[str]) -> Counter[int]:
    """Where the quoted text may begin, by how much says so."""
    words, places = [words_of(line) for line in wanted], source.words()
    if not any(word in places for found in words for word in found):
        words = _misspelt(source, words)
    votes: Counter[int] = Counter()
    for number, (line, found) in enumerate(zip(wanted, words, strict=True)):
        _vote(votes, source, places, [*found, whole_line(line)], number)
    return votes


def _vote(
    votes: Counter[int], source: Searched, places: Mapping[str, Sequence[int]], words: Iterable[str], at: int
) -> None:
    last = len(source.lines) - 1
    for word in words:
        found = places.get(word, ())
        for number in found if len(found) <= _N_VOTES else ():
            votes[min(max(number - at, 0), last)] += 1 / len(found)  # type: ignore[assignment]


def _misspelt(source: Searched, words: Sequence[Sequence[str]]) -> list[list[str]]:
    """The text's own words that are nearest to those quoted."""
    known = [word for word in islice(source.words(), _N_WORDS) if word[0] != "="]
    sought = list(dict.fromkeys(word for found in words for word in found if len(word) > 3))[:8]
    near = {word: get_close_matches(word, known, 1, 0.75) for word in sought}
    return [[one for word in found for one in near.get(word, ())] for found in words]


def _likeness(source: Searched, at: int, wanted: Sequence[str]) -> float:
    """The mean likeness of the lines that are like each other at all; a single one is enough to be shown."""
    total = 0.0
    n_ratios = 0
    for ours, theirs in zip(wanted, source.lines[at : at + len(wanted)], strict=False):
        a, b = ours.strip()[:_ROW_CHARS], theirs.strip()[:_ROW_CHARS]
        if a == b:
            total += 1.0 if a else 0.01
        elif a and b and n_ratios < _N_RATIOS:
            n_ratios += 1
            ratio = SequenceMatcher(None, a, b, autojunk=False).ratio()
            total += ratio if ratio >= _LIKE_ENOUGH else 0.0
    return total


def _near(source: Searched, at: int, wanted: Sequence[str]) -> Near:
    n_lines = min(len(wanted), len(source.lines) - at)
    there = source.keys(STEPS[-1])[at : at + n_lines]
    ours = Searched("\n".join(wanted)).keys(STEPS[-1]) if n_lines else []
    differing = (i for i in range(n_lines) if there[i] != ours[i])
    exactly = (i for i in range(n_lines) if source.lines[at + i] != wanted[i])
    first = next(differing, None)
    first = next(exactly, n_lines - 1) if first is None else first
    return Near(at, n_lines, at + first, wanted[first])
