"""Differences between two texts: minimal edits (lines, then words within changed lines) and unified diffs.

Lines are matched by the lines that occur once on both sides, then by difflib in what is left, so that big files stay
near linear. A cut never falls within a `\\r\\n`, or between a character and the marks that belong to it.
Round trip: apply(old, diff(old, new)) == new.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import TypeAlias

from copydesk.text.edits import Edit, normalised
from copydesk.text.lines import split_lines

_Change: TypeAlias = tuple[int, int, int, int]
"""old[i1:i2] becomes new[j1:j2]."""

_TOKEN = re.compile(r"\r\n|\w+|[ \t]+|[\s\S]")
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")
_WORD = re.compile(r"\w+")
_LIKENESS_PAIRS = 2_500
_EXACT_PAIRS = 250_000
_WORD_PAIRS = 1_000_000
_N_CONTEXT = 3


def diff(old: str, new: str) -> tuple[Edit, ...]:
    """Edits that turn `old` into `new`, small enough that typing beside them does not touch them."""
    if old == new:
        return ()
    start, end, new_end = _differing(old, new)
    before, after = split_lines(old[start:end]), split_lines(new[start:new_end])
    offsets = list(accumulate(map(len, before), initial=start))
    edits: list[Edit] = []
    for change in changes(before, after):
        for i1, i2, j1, j2 in _by_likeness(before, after, change):
            edits += _refined("".join(before[i1:i2]), "".join(after[j1:j2]), offsets[i1])
    return normalised(_merged(edits))


def _merged(edits: Iterable[Edit]) -> list[Edit]:
    """Edits that touch each other are one: two insertions at one place would have no order."""
    merged: list[Edit] = []
    for edit in edits:
        if merged and merged[-1].end == edit.start:
            start, _, text = merged.pop()
            edit = Edit(start, edit.end, text + edit.text)
        merged.append(edit)
    return merged


def _differing(old: str, new: str) -> tuple[int, int, int]:
    """(start, end in old, end in new) of the whole lines that differ; found without splitting what is equal."""
    shortest = min(len(old), len(new))
    start = old.rfind("\n", 0, _n_common(shortest, lambda n, m: old[n:m] == new[n:m])) + 1
    room = shortest - start
    a, b = len(old), len(new)
    tail = _n_common(room, lambda n, m: old[a - m : a - n] == new[b - m : b - n])
    line = old.find("\n", a - tail)
    tail = a - line - 1 if tail and line >= 0 else 0
    return start, a - tail, b - tail


def _n_common(limit: int, equal: Callable[[int, int], bool]) -> int:
    """How many leading items are equal, by doubling and then halving steps: slices compare at C speed."""
    known, step = 0, 64
    while known < limit:
        reach = min(known + step, limit)
        if equal(known, reach):
            known, step = reach, step * 2
        elif reach - known == 1:
            break
        else:
            limit, step = reach, (reach - known) // 2
    return known


# --- lines -----------------------------------------------------------------------------------------------


def changes(old: Sequence[str], new: Sequence[str]) -> list[_Change]:
    """The differing stretches of two sequences, in order, never adjacent."""
    found: list[_Change] = []
    todo = [(0, len(old), 0, len(new))]
    while todo:
        i1, i2, j1, j2 = _trimmed(old, new, *todo.pop())
        if i1 == i2 or j1 == j2:
            if i1 < i2 or j1 < j2:
                found.append((i1, i2, j1, j2))
        elif (i2 - i1) * (j2 - j1) <= _EXACT_PAIRS:
            found += _by_difflib(old[i1:i2], new[j1:j2], i1, j1)
        elif anchors := _anchors(old, new, (i1, i2, j1, j2)):
            todo += reversed(_between(anchors, (i1, i2, j1, j2)))
        else:
            found.append((i1, i2, j1, j2))
    return _joined(found)


def aligned(old: Sequence[str], new: Sequence[str]) -> list[_Change]:
    """The differing stretches of two texts' lines, cut so that lines which are alike stand side by side."""
    return [part for change in changes(old, new) for part in _by_likeness(old, new, change)]


def _trimmed(old: Sequence[str], new: Sequence[str], i1: int, i2: int, j1: int, j2: int) -> _Change:
    while i1 < i2 and j1 < j2 and old[i1] == new[j1]:
        i1, j1 = i1 + 1, j1 + 1
    while i1 < i2 and j1 < j2 and old[i2 - 1] == new[j2 - 1]:
        i2, j2 = i2 - 1, j2 - 1
    return i1, i2, j1, j2


def _by_difflib(old: Sequence[str], new: Sequence[str], i: int, j: int) -> list[_Change]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(i + i1, i + i2, j + j1, j + j2) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]


def _anchors(old: Sequence[str], new: Sequence[str], area: _Change) -> list[tuple[int, int]]:
    """Pairs of lines that occur once on each side, as many as keep their order (longest increasing run)."""
    i1, i2, j1, j2 = area
    n_old, n_new = Counter(old[i1:i2]), Counter(new[j1:j2])
    where = {new[j]: j for j in range(j1, j2) if n_new[new[j]] == 1}
    pairs = [(i, where[old[i]]) for i in range(i1, i2) if n_old[old[i]] == 1 and old[i] in where]
    return _increasing(pairs)


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    tops: list[int] = []
    piles: list[int] = []
    previous = [-1] * len(pairs)
    for index, (_, j) in enumerate(pairs):
        pile = bisect_right(tops, j)
        previous[index] = piles[pile - 1] if pile else -1
        tops[pile : pile + 1] = [j]
        piles[pile : pile + 1] = [index]
    run: list[tuple[int, int]] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        run.append(pairs[at])
        at = previous[at]
    return run[::-1]


def _between(anchors: Iterable[tuple[int, int]], area: _Change) -> list[_Change]:
    i1, i2, j1, j2 = area
    areas: list[_Change] = []
    for i, j in anchors:
        areas.append((i1, i, j1, j))
        i1, j1 = i + 1, j + 1
    return [*areas, (i1, i2, j1, j2)]


def _joined(found: Iterable[_Change]) -> list[_Change]:
    joined: list[_Change] = []
    for change in found:
        if joined and joined[-1][1] == change[0] and joined[-1][3] == change[2]:
            change = (joined[-1][0], change[1], joined.pop()[2], change[3])
        joined.append(change)
    return joined


def _by_likeness(old: Sequence[str], new: Sequence[str], area: _Change) -> list[_Change]:
    """A changed stretch cut where lines on both sides are alike, so that whole lines go or come by themselves.

    Each edit then makes sense alone: VS Code's preview shows them one by one, and a person may take only some.
    """
    i1, i2, j1, j2 = area
    n, m = i2 - i1, j2 - j1
    if n == m or not 0 < n * m <= _LIKENESS_PAIRS:
        return [area]
    words_old, words_new = ([Counter(_WORD.findall(line)) for line in side] for side in (old[i1:i2], new[j1:j2]))
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            paired = best[i + 1][j + 1] + _likeness(words_old[i], words_new[j])
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired)
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < n and j < m:
        if best[i][j] == best[i + 1][j]:
            i += 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            pairs.append((i1 + i, j1 + j))
            i, j = i + 1, j + 1
    return _cut(pairs, area)


def _likeness(first: Counter[str], second: Counter[str]) -> float:
    """The share of words in common, 0 to 1; less than half counts as nothing."""
    total = first.total() + second.total()
    share = 2 * (first & second).total() / total if total else 0.0
    return share if share >= 0.5 else 0.0


def _cut(pairs: Sequence[tuple[int, int]], area: _Change) -> list[_Change]:
    """The paired lines as changes of their own, with what lies between them."""
    ends = [*((i, i + 1, j, j + 1) for i, j in pairs), (area[1], area[1], area[3], area[3])]
    cut: list[_Change] = []
    i, j = area[0], area[2]
    for end in ends:
        cut += [(i, end[0], j, end[2]), end]
        i, j = end[1], end[3]
    return [change for change in cut if change[0] < change[1] or change[2] < change[3]]


# --- words -----------------------------------------------------------------------------------------------


def _refined(old: str, new: str, offset: int) -> list[Edit]:
    """One changed stretch, cut down to the words that differ."""
    before, after = _tokens(old), _tokens(new)
    i1, i2, j1, j2 = _trimmed(before, after, 0, len(before), 0, len(after))
    found = [(i1, i2, j1, j2)]
    if 0 < (i2 - i1) * (j2 - j1) <= _WORD_PAIRS:
        found = _by_difflib(before[i1:i2], after[j1:j2], i1, j1)
    offsets = list(accumulate(map(len, before), initial=offset))
    return [Edit(offsets[a], offsets[b], "".join(after[c:d])) for a, b, c, d in found]


def _tokens(text: str) -> list[str]:
    tokens: list[str] = _TOKEN.findall(text)
    return tokens if text.isascii() else _with_marks(tokens)


def _with_marks(tokens: list[str]) -> list[str]:
    """Combining marks, variation selectors and joined emoji stay with the character they belong to."""
    merged: list[str] = []
    for token in tokens:
        if merged and (_is_mark(token[0]) or merged[-1][-1] == "\u200d" or _is_half(merged[-1][-1], token[0])):
            merged[-1] += token
        else:
            merged.append(token)
    return merged


def _is_mark(char: str) -> bool:
    is_skin_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    return char in _JOINERS or is_skin_tone or unicodedata.category(char).startswith("M")


def _is_half(left: str, right: str) -> bool:
    """Two lone surrogates, or two regional indicators, that make one character together."""
    is_pair = "\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff"
    return is_pair or ("\U0001f1e6" <= left <= "\U0001f1ff" and "\U0001f1e6" <= right <= "\U0001f1ff")


# --- for reading -----------------------------------------------------------------------------------------


def n_hunks(edits: Iterable[tuple[int, int, str]], text: str) -> int:
    """How many separate places the edits touch: edits on the same or neighbouring lines of `text` are one."""
    starts = list(accumulate(map(len, split_lines(text)), initial=0))[:-1]
    count, last_line = 0, -2
    for edit in normalised(edits):
        count += bisect_right(starts, edit.start) - 1 > last_line + 1
        last_line = bisect_right(starts, max(edit.start, edit.end - 1)) - 1
    return count


def unified(old: str, new: str, path: str, *, created: bool = False, deleted: bool = False) -> str:
    """A diff as git writes it, with three lines of context; '' where nothing differs (but for the file itself)."""
    before, after = _git_lines(old), _git_lines(new)
    found = changes(before, after)
    if not found and not created and not deleted:
        return ""
    source, target = ("/dev/null" if created else f"a/{path}"), ("/dev/null" if deleted else f"b/{path}")
    pieces = [f"--- {source}\n+++ {target}\n"]
    pieces += (_hunk(before, after, group) for group in _grouped(found))
    return "".join(pieces)


def _git_lines(text: str) -> list[str]:
    """Lines as git counts them: only `\\n` ends one."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _grouped(found: Iterable[_Change]) -> list[list[_Change]]:
    groups: list[list[_Change]] = []
    for change in found:
        if groups and change[0] - groups[-1][-1][1] <= 2 * _N_CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _hunk(old: Sequence[str], new: Sequence[str], group: Sequence[_Change]) -> str:
    start = max(group[0][0] - _N_CONTEXT, 0)
    end = min(group[-1][1] + _N_CONTEXT, len(old))
    new_start = group[0][2] - (group[0][0] - start)
    new_end = group[-1][3] + (end - group[-1][1])
    lines = [f"@@ -{_extent(start, end)} +{_extent(new_start, new_end)} @@\n"]
    done = start
    for i1, i2, j1, j2 in group:
        lines += (_marked(" ", line) for line in old[done:i1])
        lines += (_marked("-", line) for line in old[i1:i2])
        lines += (_marked("+", line) for line in new[j1:j2])
        done = i2
    lines += (_marked(" ", line) for line in old[done:end])
    return "".join(lines)


def _extent(start: int, end: int) -> str:
    if end - start == 1:
        return f"{start + 1}"
    return f"{start + 1 if end > start else start},{end - start}"


def _marked(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"
