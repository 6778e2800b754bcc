"""Where two sequences (of lines, of words) differ. Pure; knows nothing of texts. Start with `changes`.

Three ways, each for what the one before leaves: items that occur once on both sides are matched in order; a small area
by its longest common runs, as difflib does, whose matches people find natural; what is large and repeats itself by the
shortest path (Myers), a stretch at a time. Each has a budget of steps in proportion to the area, so that the time is
near linear whatever the sequences are: where one runs out, the result is coarser and as true.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TypeAlias

Change: TypeAlias = tuple[int, int, int, int]
"""old[i1:i2] becomes new[j1:j2]; an area of both sequences."""

_Pair: TypeAlias = tuple[int, int]

_SMALL_PAIRS = 250_000
_RUN_STEPS = 64
_RUN_STEPS_LEAST = 2_000
_PATH_STEPS = 100
_STRETCH = 128
"""How many differing items a shortest path may have before its best beginning is kept and a new one is begun."""


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """The differing stretches of two sequences, in order, never adjacent."""
    found: list[Change] = []
    todo = [(0, len(old), 0, len(new))]
    while todo:
        area = i1, i2, j1, j2 = trimmed(old, new, todo.pop())
        if i1 == i2 or j1 == j2:
            found += [area] if i1 < i2 or j1 < j2 else []
        elif (i2 - i1) * (j2 - j1) <= _SMALL_PAIRS:
            found += by_runs(old, new, area)
        elif anchors := _anchors(old, new, area):
            todo += reversed(_between(anchors, area))
        else:
            found += by_paths(old, new, area)
    return _joined(found)


def trimmed(old: Sequence[str], new: Sequence[str], area: Change) -> Change:
    """The area without what is equal at its start and at its end."""
    i1, i2, j1, j2 = area
    while i1 < i2 and j1 < j2 and old[i1] == new[j1]:
        i1, j1 = i1 + 1, j1 + 1
    while i1 < i2 and j1 < j2 and old[i2 - 1] == new[j2 - 1]:
        i2, j2 = i2 - 1, j2 - 1
    return i1, i2, j1, j2


def _between(pairs: Iterable[_Pair], area: Change) -> list[Change]:
    """What lies before, between and after the matched items."""
    i1, i2, j1, j2 = area
    areas: list[Change] = []
    for i, j in pairs:
        areas.append((i1, i, j1, j))
        i1, j1 = i + 1, j + 1
    return [*areas, (i1, i2, j1, j2)]


def _filled(areas: Iterable[Change]) -> list[Change]:
    return [area for area in areas if area[0] < area[1] or area[2] < area[3]]


def _joined(found: Iterable[Change]) -> list[Change]:
    joined: list[Change] = []
    for change in found:
        if joined and joined[-1][1] == change[0] and joined[-1][3] == change[2]:
            change = (joined[-1][0], change[1], joined.pop()[2], change[3])
        joined.append(change)
    return joined


# --- items that occur once -------------------------------------------------------------------------------


def _anchors(old: Sequence[str], new: Sequence[str], area: Change) -> list[_Pair]:
    """Pairs of items that occur once on each side, as many as keep their order (longest increasing run)."""
    i1, i2, j1, j2 = area
    n_old, n_new = Counter(old[i1:i2]), Counter(new[j1:j2])
    where = {new[j]: j for j in range(j1, j2) if n_new[new[j]] == 1}
    pairs = [(i, where[old[i]]) for i in range(i1, i2) if n_old[old[i]] == 1 and old[i] in where]
    return _increasing(pairs)


def _increasing(pairs: list[_Pair]) -> list[_Pair]:
    tops: list[int] = []
    piles: list[int] = []
    previous = [-1] * len(pairs)
    for index, (_, j) in enumerate(pairs):
        pile = bisect_right(tops, j)
        previous[index] = piles[pile - 1] if pile else -1
        tops[pile : pile + 1] = [j]
        piles[pile : pile + 1] = [index]
    run: list[_Pair] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        run.append(pairs[at])
        at = previous[at]
    return run[::-1]


# --- longest common runs ---------------------------------------------------------------------------------


def by_runs(old: Sequence[str], new: Sequence[str], area: Change) -> list[Change]:
    """The longest run that both sides have, then the same to its left and right; by paths once the budget is spent.

    One look for a run costs as many steps as there are equal pairs: with many equal items, and as many looks, that
    would be cubic.
    """
    i1, i2, j1, j2 = area
    matcher = SequenceMatcher(None, old[i1:i2], new[j1:j2], autojunk=False)
    occurrences = Counter(new[j1:j2])
    costs = list(accumulate((1 + occurrences[item] for item in old[i1:i2]), initial=0))
    budget = _RUN_STEPS_LEAST + _RUN_STEPS * (i2 - i1 + j2 - j1)
    found: list[Change] = []
    todo = [(0, i2 - i1, 0, j2 - j1)]
    while todo:
        a1, a2, b1, b2 = todo.pop()
        if a1 == a2 or b1 == b2:
            found += _filled([(i1 + a1, i1 + a2, j1 + b1, j1 + b2)])
            continue
        budget -= costs[a2] - costs[a1]
        if budget < 0:
            found += by_paths(old, new, (i1 + a1, i1 + a2, j1 + b1, j1 + b2))
            continue
        a, b, size = matcher.find_longest_match(a1, a2, b1, b2)
        if size:
            todo += ((a + size, a2, b + size, b2), (a1, a, b1, b))
        else:
            found.append((i1 + a1, i1 + a2, j1 + b1, j1 + b2))
    return _joined(found)


# --- shortest paths --------------------------------------------------------------------------------------
# A path goes from (0, 0) to (n, m); a step right drops an old item, one down takes a new one, and equal items are
# passed in both for nothing. Diagonal k holds the places with x - y = k; `reach[k]` is the furthest x there.


def by_paths(old: Sequence[str], new: Sequence[str], area: Change) -> list[Change]:
    """As `by_runs`, with the fewest items that differ. Only items that both sides have take part."""
    i1, i2, j1, j2 = trimmed(old, new, area)
    common = set(old[i1:i2]).intersection(new[j1:j2])
    left = [i for i in range(i1, i2) if old[i] in common]
    right = [j for j in range(j1, j2) if new[j] in common]
    numbers = {item: number for number, item in enumerate(common)}
    pairs = _matched([numbers[old[i]] for i in left], [numbers[new[j]] for j in right])
    return _filled(_between(((left[x], right[y]) for x, y in pairs), (i1, i2, j1, j2)))


def _matched(a: Sequence[int], b: Sequence[int]) -> list[_Pair]:
    """Pairs of equal items in order: stretch by stretch, as far as the budget goes."""
    found: list[_Pair] = []
    x = y = 0
    budget = _PATH_STEPS * (len(a) + len(b))
    while x < len(a) and y < len(b) and budget > 0:
        stretch, n_steps = _stretch(a, b, x, y)
        for at, to, size in stretch:
            found += zip(range(at, at + size), range(to, to + size), strict=True)
        x, y = stretch[-1][0] + stretch[-1][2], stretch[-1][1] + stretch[-1][2]
        budget -= n_steps
    return found


def _stretch(a: Sequence[int], b: Sequence[int], x0: int, y0: int) -> tuple[list[tuple[int, int, int]], int]:
    """One shortest path's runs of equal items, (x, y, size), the last ending where it does; and its cost in steps."""
    n, m = len(a) - x0, len(b) - y0
    reach: dict[int, int] = {}
    rounds: list[dict[int, int]] = []
    for d in range(min(_STRETCH, n + m) + 1):
        before, reach = reach, {}
        rounds.append(reach)
        for k in range(-d + 2 * max(0, d - m), d - 2 * max(0, d - n) + 1, 2):
            x = _entered(before, k, n, m) if d else 0
            if x < 0:
                continue
            y = x - k
            while x < n and y < m and a[x0 + x] == b[y0 + y]:
                x, y = x + 1, y + 1
            reach[k] = x
            if x == n and y == m:
                return _walked(rounds, k, x0, y0, n, m), d * d // 2 + n
    k = max(reach, key=lambda k: 2 * reach[k] - k)
    return _walked(rounds, k, x0, y0, n, m), _STRETCH * _STRETCH // 2


def _entered(before: dict[int, int], k: int, n: int, m: int) -> int:
    """The furthest x at which diagonal k can be entered from its neighbours' places; -1: from none."""
    right = before.get(k - 1, -2) + 1
    down = before.get(k + 1, -1)
    right = right if 0 <= right <= n else -1
    down = down if down - k <= m else -1
    return max(right, down)


def _walked(rounds: list[dict[int, int]], k: int, x0: int, y0: int, n: int, m: int) -> list[tuple[int, int, int]]:
    """The runs of the path that ends on diagonal k in the last round, from its start."""
    runs: list[tuple[int, int, int]] = []
    for d in range(len(rounds) - 1, -1, -1):
        end = rounds[d][k]
        start = _entered(rounds[d - 1], k, n, m) if d else 0
        runs.append((x0 + start, y0 + start - k, end - start))
        if d:
            right = rounds[d - 1].get(k - 1, -2) + 1
            k = k - 1 if 0 <= right <= n and right == start else k + 1
    return runs[::-1]
