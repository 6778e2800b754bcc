"""Finding the text that an edit means to replace, when what was quoted may differ in small, harmless ways.

A ladder: each rung is tried only when the ones above found nothing, and must find exactly one place (or all, when
asked). Rungs: exact; line ends; spaces at line ends; indentation shifted as a whole. Edits come out minimal, so
that a quoted but unchanged line may be typed on meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple, TypeAlias

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, normalised
from copydesk.text.lines import content_length, line_end, split_lines, with_line_ends

Rung: TypeAlias = Literal["exact", "line_ends", "trailing_space", "indentation"]
_N_NEAREST = 3
_NEAREST_MAX_LINES = 20_000


class Match(NamedTuple):
    """`edits` on the text; `rung` says how literally the quoted text was found."""

    edits: tuple[Edit, ...]
    rung: Rung


class NoMatch(ValueError):
    """The text is not there. `nearest`: (0-based line, its text) that resemble the quoted text's first line."""

    def __init__(self, reason: str, nearest: Sequence[tuple[int, str]] = ()) -> None:
        super().__init__(reason)
        self.nearest = tuple(nearest)


class Ambiguous(ValueError):
    """The text is there more than once. `lines`: 0-based lines where each place starts."""

    def __init__(self, lines: Sequence[int]) -> None:
        super().__init__(f"the text occurs {len(lines)} times")
        self.lines = tuple(lines)


class _Place(NamedTuple):
    start: int
    end: int
    new: str


def find_edit(text: str, old: str, new: str, replace_all: bool = False) -> Match:
    """The edits that replace `old` by `new`. New text takes the file's line ends.

    Raises NoMatch, or Ambiguous unless `replace_all`.
    """
    if not old:
        return _in_empty(text, new)
    ladder: tuple[tuple[Rung, Callable[[str, str, str], list[_Place]]], ...] = (
        ("exact", _exact),
        ("line_ends", _with_other_line_ends),
        ("trailing_space", _by_lines(_without_trailing_space)),
        ("indentation", _by_lines(_without_indentation)),
    )
    for rung, find in ladder:
        if places := find(text, old, new):
            if len(places) > 1 and not replace_all:
                raise Ambiguous([_line_of(text, place.start) for place in places])
            return Match(_edits(text, places), rung)
    raise NoMatch("the text does not occur", nearest_lines(text, old))


def _in_empty(text: str, new: str) -> Match:
    if text:
        raise NoMatch("the text to replace is empty, which is only possible in an empty file")
    return Match(normalised([Edit(0, 0, new)]), "exact")


def _edits(text: str, places: Sequence[_Place]) -> tuple[Edit, ...]:
    found: list[Edit] = []
    for start, end, new in places:
        found += (Edit(start + a, start + b, part) for a, b, part in diff(text[start:end], new))
    return normalised(found)


def _line_of(text: str, offset: int) -> int:
    return len(split_lines(text[:offset])) - 1


# --- rungs -----------------------------------------------------------------------------------------------


def _exact(text: str, old: str, new: str) -> list[_Place]:
    written = new if "\r" in old else with_line_ends(new, line_end(text))
    return [_Place(start, start + len(old), written) for start in _occurrences(text, old)]


def _with_other_line_ends(text: str, old: str, new: str) -> list[_Place]:
    """Compares with every break as `\\n`, and maps what is found back."""
    if "\r" not in text and "\r" not in old:
        return []
    plain, wanted = with_line_ends(text, "\n"), with_line_ends(old, "\n")
    offsets = _offsets_of_plain(text)
    written = with_line_ends(new, line_end(text))
    return [_Place(offsets[start], offsets[start + len(wanted)], written) for start in _occurrences(plain, wanted)]


def _offsets_of_plain(text: str) -> list[int]:
    """For each offset in the text with `\\n` ends: the offset in the text itself."""
    offsets = [i for i, char in enumerate(text) if char != "\n" or not i or text[i - 1] != "\r"]
    return [*offsets, len(text)]


def _occurrences(text: str, wanted: str) -> list[int]:
    found: list[int] = []
    at = text.find(wanted)
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + len(wanted))
    return found


def _without_trailing_space(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _without_indentation(lines: Sequence[str]) -> list[str]:
    return [line.strip() for line in lines]


def _by_lines(key: Callable[[Sequence[str]], list[str]]) -> Callable[[str, str, str], list[_Place]]:
    """A rung that compares whole lines by a key."""

    def find(text: str, old: str, new: str) -> list[_Place]:
        wanted = split_lines(old)
        has_last_end = wanted[-1] == "" and len(wanted) > 1
        if has_last_end:
            wanted.pop()
        sought = key(wanted)
        if not any(sought):
            return []
        lines = split_lines(text)
        return [
            place for first in _runs(key(lines), sought) if (place := _place(lines, first, wanted, new, has_last_end))
        ]

    return find


def _runs(lines: Sequence[str], sought: Sequence[str]) -> Iterator[int]:
    first = 0
    while first <= len(lines) - len(sought):
        if lines[first] == sought[0] and list(lines[first : first + len(sought)]) == list(sought):
            yield first
            first += len(sought)
        else:
            first += 1


def _place(lines: Sequence[str], first: int, wanted: Sequence[str], new: str, with_end: bool) -> _Place | None:
    """The whole lines found, with `new` indented as they are; None where the indentation differs line by line."""
    found = lines[first : first + len(wanted)]
    shift = _shift(wanted, found)
    if shift is None:
        return None
    start = sum(map(len, lines[:first]))
    size = sum(map(len, found))
    if not with_end:
        size -= len(found[-1]) - content_length(found[-1])
    written = with_line_ends(_indented(new, *shift), line_end("".join(lines)))
    return _Place(start, start + size, written)


def _shift(wanted: Sequence[str], found: Sequence[str]) -> tuple[str, str] | None:
    """(indentation to take away, indentation to put) when it is the same for every line that has text."""
    shift: tuple[str, str] | None = None
    for ours, theirs in zip(wanted, found, strict=True):
        if not ours.strip():
            continue
        pair = _leading(ours), _leading(theirs)
        if shift is None:
            shift = _without_common_tail(*pair)
        elif not (pair[0].startswith(shift[0]) and pair[1] == shift[1] + pair[0][len(shift[0]) :]):
            return None
    return shift


def _without_common_tail(ours: str, theirs: str) -> tuple[str, str]:
    while ours and theirs and ours[-1] == theirs[-1]:
        ours, theirs = ours[:-1], theirs[:-1]
    return ours, theirs


def _leading(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def _indented(new: str, away: str, put: str) -> str:
    if away == put:
        return new
    return "".join(
        put + line[len(away) :] if line.strip() and line.startswith(away) else line for line in split_lines(new)
    )


# --- advice ----------------------------------------------------------------------------------------------


def nearest_lines(text: str, old: str) -> list[tuple[int, str]]:
    """Up to three lines that resemble the first line with text in `old`, best first: (0-based line, its text)."""
    wanted = next((line.strip() for line in split_lines(old) if line.strip()), "")
    if not wanted:
        return []
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    scored: list[tuple[float, int, str]] = []
    for number, line in enumerate(split_lines(text)[:_NEAREST_MAX_LINES]):
        matcher.set_seq1(line.strip()[:400])
        if line.strip() and matcher.real_quick_ratio() > 0.6 and matcher.quick_ratio() > 0.6:
            scored.append((matcher.ratio(), -number, line.rstrip("\r\n")))
    best = sorted(scored, reverse=True)[:_N_NEAREST]
    return [(-number, line) for ratio, number, line in best if ratio > 0.6]
