"""Indentation as a whole: how far quoted lines are shifted from those found, in which unit, and new lines said so.

A shift is either a prefix taken away and one put, or, where tabs and spaces or two widths meet, a number of levels.
It must hold for every line with text. Start with `shift_between`.
"""

from collections.abc import Iterable, Sequence
from functools import reduce
from math import gcd
from typing import NamedTuple, TypeAlias

_WIDTHS = (4, 2, 8, 3)


class Prefix(NamedTuple):
    """Lines lose `away` and get `put`."""

    away: str
    put: str

    def moved(self, indent: str) -> str:
        return self.put + indent[len(self.away) :] if indent.startswith(self.away) else indent


class Levels(NamedTuple):
    """Every `unit` becomes `other`, then `n` levels are added; what is left of an indentation stays, as spaces."""

    unit: str
    other: str
    n: int

    def moved(self, indent: str) -> str:
        depth, rest = _depth(indent, self.unit)
        return self.other * max(depth + self.n, 0) + rest


Shift: TypeAlias = Prefix | Levels


def indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def shift_between(ours: Sequence[str], theirs: Sequence[str], more: Iterable[str] = ()) -> Shift | None:
    """How `ours` must be moved to stand as `theirs`; None where no one shift does. `more`: lines to be moved later."""
    pairs = [(indent_of(a), indent_of(b)) for a, b in zip(ours, theirs, strict=True) if a.strip() and b.strip()]
    if not pairs:
        return None
    indents = [a for a, _ in pairs] + [indent_of(line) for line in more if line.strip()]
    if _is_one_kind([*indents, *(b for _, b in pairs)]) and (shift := _prefix(pairs)):
        return shift
    return _levels(pairs, indents) or _prefix(pairs)


def shifted(line: str, shift: Shift) -> str:
    if not line.strip():
        return line
    indent = indent_of(line)
    return shift.moved(indent) + line[len(indent) :]


def _is_one_kind(indents: Iterable[str]) -> bool:
    return len({char for indent in indents for char in indent}) <= 1


def _prefix(pairs: Sequence[tuple[str, str]]) -> Prefix | None:
    shift = Prefix(*_without_common_tail(*pairs[0]))
    fits = (a.startswith(shift.away) and b == shift.put + a[len(shift.away) :] for a, b in pairs)
    return shift if all(fits) else None


def _without_common_tail(ours: str, theirs: str) -> tuple[str, str]:
    while ours and theirs and ours[-1] == theirs[-1]:
        ours, theirs = ours[:-1], theirs[:-1]
    return ours, theirs


def _levels(pairs: Sequence[tuple[str, str]], indents: Sequence[str]) -> Levels | None:
    others = [b for _, b in pairs]
    for unit in _units(indents):
        for other in _units(others):
            shift = Levels(unit, other, _depth(others[0], other)[0] - _depth(pairs[0][0], unit)[0])
            if all(shift.moved(a) == b for a, b in pairs):
                return shift
    return None


def _units(indents: Sequence[str]) -> list[str]:
    """What one level may be, the likeliest first."""
    if any(indent.startswith("\t") for indent in indents):
        return ["\t"]
    width = reduce(gcd, map(len, indents), 0)
    return [" " * n for n in dict.fromkeys((width, *_WIDTHS)) if 2 <= n <= 8] or [" " * 4]


def _depth(indent: str, unit: str) -> tuple[int, str]:
    depth = 0
    while indent.startswith(unit):
        indent, depth = indent[len(unit) :], depth + 1
    return depth, indent
