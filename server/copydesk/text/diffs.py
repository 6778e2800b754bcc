"""Differences between two texts: minimal edits (lines, then words within changed lines) and unified diffs.

How two sequences are matched is in `sequences`. A cut never falls within a `\\r\\n`, or between a character and the
marks that belong to it. Round trip: apply(old, diff(old, new)) == new. The time is near linear in the texts.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from copydesk.text.edits import Edit, normalised
from copydesk.text.lines import split_lines
from copydesk.text.sequences import Change, by_runs, changes, trimmed

_TOKEN = re.compile(r"\r\n|\w+|[ \t]+|[\s\S]")
_BREAK = re.compile(r"\r\n|\r|\n")
_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_WORD = re.compile(r"\w+")
_LIKENESS_PAIRS = 2_500
_WORD_PAIRS = 1_000_000
_N_CONTEXT = 3


def diff(old: str, new: str) -> tuple[Edit, ...]:
    """Edits that turn `old` into `new`, small enough that typing beside them does not touch them."""
    if old == new:
        return ()
    start, end, new_end = differing(old, new)
    before, after = split_lines(old[start:end]), split_lines(new[start:new_end])
    offsets = list(accumulate(map(len, before), initial=start))
    edits: list[Edit] = []
    for change in changes(before, after):
        for i1, i2, j1, j2 in _by_likeness(before, after, change):
            edits += _refined("".join(before[i1:i2]), "".join(after[j1:j2]), offsets[i1])
    return normalised(_merged(old, edits))


def _merged(old: str, edits: Iterable[Edit]) -> list[Edit]:
    """Edits that touch each other are one: two insertions at one place would have no order."""
    chains: list[list[Edit]] = []
    for edit in edits:
        if chains and chains[-1][-1].end == edit.start:
            chains[-1].append(edit)
        else:
            chains.append([edit])
    return [chain[0] if len(chain) == 1 else _cut_down(old, chain) for chain in chains]


def _cut_down(old: str, chain: Sequence[Edit]) -> Edit:
    """Touching edits as one, without the words that both sides of it start or end with."""
    start, end = chain[0].start, chain[-1].end
    before, after = _tokens(old[start:end]), _tokens("".join(edit.text for edit in chain))
    i1, i2, j1, j2 = trimmed(before, after, (0, len(before), 0, len(after)))
    n_left, n_right = sum(map(len, before[:i1])), sum(map(len, before[i2:]))
    return Edit(start + n_left, end - n_right, "".join(after[j1:j2]))


def differing(old: str, new: str) -> tuple[int, int, int]:
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


def aligned(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """The differing stretches of two texts' lines, cut so that lines which are alike stand side by side."""
    return [part for change in changes(old, new) for part in _by_likeness(old, new, change)]


def _by_likeness(old: Sequence[str], new: Sequence[str], area: Change) -> list[Change]:
    """A changed stretch cut where lines on both sides are alike, so that whole lines go or come by themselves.

    Each edit then makes sense alone: VS Code's preview shows them one by one, and a person may take only some.
    """
    i1, i2, j1, j2 = area
    n, m = i2 - i1, j2 - j1
    if n * m > _LIKENESS_PAIRS:
        return _cut(_alike_but_for_space(old, new, area), area)
    if n == m or not n * m:
        return [area]
    return _cut(_alike(old, new, area), area)


def _alike_but_for_space(old: Sequence[str], new: Sequence[str], area: Change) -> list[tuple[int, int]]:
    """In a large stretch: lines that differ in white space alone, and alike ones side by side."""
    i1, i2, j1, j2 = area
    before, after = (["".join(line.split()) for line in side] for side in (old[i1:i2], new[j1:j2]))
    pairs: list[tuple[int, int]] = []
    i, j = i1, j1
    for a1, a2, b1, b2 in [*changes(before, after), (i2 - i1, i2 - i1, j2 - j1, j2 - j1)]:
        pairs += zip(range(i, i1 + a1), range(j, j1 + b1), strict=True)
        i, j = i1 + a2, j1 + b2
        if a2 - a1 == b2 - b1:
            side_by_side = zip(range(i1 + a1, i), range(j1 + b1, j), strict=True)
            pairs += (pair for pair in side_by_side if _likeness(_words(old[pair[0]]), _words(new[pair[1]])))
    return pairs


def _alike(old: Sequence[str], new: Sequence[str], area: Change) -> list[tuple[int, int]]:
    """The pairs of lines, in order, that have the most words in common."""
    i1, i2, j1, j2 = area
    n, m = i2 - i1, j2 - j1
    words_old, words_new = (list(map(_words, side)) for side in (old[i1:i2], new[j1:j2]))
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
    return pairs


def _words(line: str) -> Counter[str]:
    return Counter(_WORD.findall(line))


def _likeness(first: Counter[str], second: Counter[str]) -> float:
    """The share of words in common, 0 to 1; less than half counts as nothing."""
    total = first.total() + second.total()
    share = 2 * (first & second).total() / total if total else 0.0
    return share if share >= 0.5 else 0.0


def _cut(pairs: Sequence[tuple[int, int]], area: Change) -> list[Change]:
    """The paired lines as changes of their own, with what lies between them."""
    ends = [*((i, i + 1, j, j + 1) for i, j in pairs), (area[1], area[1], area[3], area[3])]
    cut: list[Change] = []
    i, j = area[0], area[2]
    for end in ends:
        cut += [(i, end[0], j, end[2]), end]
        i, j = end[1], end[3]
    return [change for change in cut if change[0] < change[1] or change[2] < change[3]]


# --- words -----------------------------------------------------------------------------------------------


def _refined(old: str, new: str, offset: int) -> list[Edit]:
    """One changed stretch, cut down to the words that differ."""
    before, after = _tokens(old), _tokens(new)
    area = i1, i2, j1, j2 = trimmed(before, after, (0, len(before), 0, len(after)))
    is_fine = 0 < (i2 - i1) * (j2 - j1) <= _WORD_PAIRS
    found = by_runs(before, after, area) if is_fine else [area]
    offsets = list(accumulate(map(len, before), initial=offset))
    return [Edit(offsets[a], offsets[b], "".join(after[c:d])) for a, b, c, d in found]


def _tokens(text: str) -> list[str]:
    tokens: list[str] = _TOKEN.findall(text)
    return tokens if text.isascii() else _with_marks(tokens)


def _with_marks(tokens: list[str]) -> list[str]:
    """Combining marks, variation selectors and joined emoji stay with the character they belong to."""
    merged: list[str] = []
    for token in tokens:
        if merged and _belong_together(merged[-1][-1], token[0]):
            merged[-1] += token
        else:
            merged.append(token)
    return merged


def _belong_together(left: str, right: str) -> bool:
    """Whether a person sees two characters as one, or as parts of one. A line break is always by itself."""
    if left in "\r\n" or right in "\r\n":
        return False
    return left == "\u200d" or _is_mark(right) or _is_half(left, right)


def _is_mark(char: str) -> bool:
    """Skin tones and the letters within a region's flag are marks too."""
    is_skin_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    is_tag = "\U000e0020" <= char <= "\U000e007f"
    return char in _JOINERS or is_skin_tone or is_tag or unicodedata.category(char).startswith("M")


def _is_half(left: str, right: str) -> bool:
    """Two lone surrogates, or two regional indicators, that make one character together."""
    is_pair = "\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff"
    return is_pair or ("\U0001f1e6" <= left <= "\U0001f1ff" and "\U0001f1e6" <= right <= "\U0001f1ff")


# --- for reading -----------------------------------------------------------------------------------------


def n_hunks(edits: Iterable[tuple[int, int, str]], text: str) -> int:
    """How many separate places the edits touch: edits on the same or neighbouring lines of `text` are one."""
    count, last = 0, -1
    for edit in normalised(edits):
        count += last < 0 or _are_apart(text, last, edit.start)
        last = max(edit.start, edit.end - 1)
    return count


def _are_apart(text: str, last: int, start: int) -> bool:
    """Whether a whole line lies between the line of offset `last` and the one of `start`."""
    first = _BREAK.search(text, last)
    second = _BREAK.search(text, first.end()) if first else None
    return second is not None and second.end() <= start


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


def _grouped(found: Iterable[Change]) -> list[list[Change]]:
    groups: list[list[Change]] = []
    for change in found:
        if groups and change[0] - groups[-1][-1][1] <= 2 * _N_CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups


def _hunk(old: Sequence[str], new: Sequence[str], group: Sequence[Change]) -> str:
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
