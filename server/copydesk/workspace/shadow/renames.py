"""Which of the files that came are files that went: by the same bytes, else by much of the same lines. Pure.

Empty files are nobody's. Start with `pairs`.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

LIKENESS = 0.6
_MOST_PAIRS = 10_000
_MOST_BYTES = 256 * 1024


class Pair(NamedTuple):
    source: str
    target: str
    exact: bool


def pairs(gone: Sequence[tuple[str, bytes]], made: Sequence[tuple[str, bytes]]) -> list[Pair]:
    """Each file is in one pair at most."""
    exact = _exact(gone, made)
    sources, targets = {pair.source for pair in exact}, {pair.target for pair in exact}
    rest = [each for each in gone if each[0] not in sources]
    new = [each for each in made if each[0] not in targets]
    return exact + _alike(rest, new)


def _exact(gone: Sequence[tuple[str, bytes]], made: Sequence[tuple[str, bytes]]) -> list[Pair]:
    waiting: defaultdict[bytes, list[str]] = defaultdict(list)
    for relative, data in gone:
        if data:
            waiting[data].append(relative)
    found: list[Pair] = []
    for relative, data in made:
        if sources := waiting.get(data):
            best = max(sources, key=lambda source: _nearness(source, relative))
            sources.remove(best)
            found.append(Pair(best, relative, True))
    return found


def _nearness(source: str, target: str) -> tuple[int, int]:
    """The same name first, then the most folders in common."""
    same = os.path.basename(source) == os.path.basename(target)
    common = takewhile(lambda pair: pair[0] == pair[1], zip(source.split("/"), target.split("/"), strict=False))
    return same, len(list(common))


def _alike(gone: Sequence[tuple[str, bytes]], made: Sequence[tuple[str, bytes]]) -> list[Pair]:
    """The most alike first, among files with the same ending."""
    old = [(relative, _lines(data), len(data)) for relative, data in gone if 0 < len(data) <= _MOST_BYTES]
    new = [(relative, _lines(data), len(data)) for relative, data in made if 0 < len(data) <= _MOST_BYTES]
    if len(old) * len(new) > _MOST_PAIRS:
        return []
    scores: list[tuple[float, str, str]] = []
    for source, before, n_old in old:
        for target, after, n_new in new:
            if _ending(source) == _ending(target) and min(n_old, n_new) >= LIKENESS * max(n_old, n_new):
                score = _likeness(before, after, max(n_old, n_new))
                if score >= LIKENESS:
                    scores.append((score, source, target))
    return _best_of(scores)


def _best_of(scores: list[tuple[float, str, str]]) -> list[Pair]:
    found: list[Pair] = []
    taken: set[str] = set()
    given: set[str] = set()
    for _, source, target in sorted(scores, reverse=True):
        if source not in given and target not in taken:
            given.add(source)
            taken.add(target)
            found.append(Pair(source, target, False))
    return found


def _lines(data: bytes) -> Counter[bytes]:
    return Counter(data.splitlines(keepends=True))


def _likeness(before: Counter[bytes], after: Counter[bytes], n_bytes: int) -> float:
    """The share of bytes in lines that both have."""
    return sum(len(line) * count for line, count in (before & after).items()) / n_bytes


def _ending(path: str) -> str:
    return os.path.splitext(path)[1]
