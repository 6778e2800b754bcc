"""What a search looks for: a checked regular expression, matched line by line. Pure.

Python's engine holds the interpreter while it matches, so no deadline can stop one bad match: a pattern whose
repetitions can share the same text in exponentially many ways is refused before it runs.
"""

import re
from typing import NamedTuple

from copydesk.domain.errors import ToolFailed

_SAMPLE = "".join(map(chr, range(32, 127))) + "\té"
_SIMPLER = "Write a simpler one, or escape what is meant literally."
# A group that ends in, or is nothing but, a repetition, and is itself repeated without end.
_GROUP = r"(?<!\\)\((?:\?:|\?P<\w+>)?((?:[^()\\\[\]]|\\.|\[(?:[^\]\\]|\\.)*\])*)\)"
_REPEATED_GROUP = re.compile(_GROUP + r"(?:[*+]|\{\d*,\})(?!\+)")
_PLAIN = re.compile(r"[\w ,:;=<>@%&~!\"'/-]+")
_CLASS = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]")
_GROUP_ITEM = re.compile(_GROUP + r"((?:[*+?]|\{\d*,?\d*\})?)")
_ITEM = re.compile(r"(\\.|\[(?:[^\]\\]|\\.)*\]|[^\\])([*+?]\??|\{\d*,?\d*\}\??)?")

_ESCAPED_MARK = re.compile(r"\\\W")
_SEES_LINES = re.compile(r"[$^\n\r]|\(\?(?!:|P<)|\\[sWDnrvfAZ0-9xuUN]")

# Escapes of several characters, and classes that begin with a bracket: their characters do not stand for themselves.
_UNPLAIN = re.compile(r"\\[xuUN0-9]|\[\^?\]")


class _Item(NamedTuple):
    """One character's worth of a pattern: which samples it accepts, and how often."""

    chars: frozenset[str]
    quantifier: str

    @property
    def repeats(self) -> bool:
        return self.quantifier[:1] in ("*", "+") or "," in self.quantifier

    @property
    def may_be_empty(self) -> bool:
        """Zero-width items (anchors) accept no character and are passed over too."""
        return not self.chars or self.quantifier[:1] in ("*", "?") or self.quantifier[:2] in ("{0", "{,")


def compile_search(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """Raises ToolFailed that names the pattern, and the position where it is wrong."""
    try:
        found = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        where = f" at position {error.pos}" if isinstance(error, re.error) and error.pos is not None else ""
        why = error.msg if isinstance(error, re.error) else str(error)
        raise ToolFailed(f"{pattern!r} is not a regular expression: {why}{where}.", advice=_SIMPLER) from error
    if explodes(pattern):
        raise ToolFailed(f"{pattern!r} could take forever: a repetition repeats a repetition.", advice=_SIMPLER)
    return found


def reach_chars(pattern: str) -> int:
    """How much of a line may be searched: the more repetitions, the steeper the time grows with the length."""
    n_repeats = sum(item.repeats for item in _items(pattern))
    return 100_000 if n_repeats == 0 else 10_000 if n_repeats == 1 else 2_000


def literal_start(expression: re.Pattern[str]) -> str:
    """Text that every match begins with, maybe '': a file without it need not be searched line by line."""
    pattern = expression.pattern.removeprefix("^")
    found = _PLAIN.match(pattern)
    if found is None or "|" in pattern or expression.flags & re.IGNORECASE:
        return ""
    is_counted = pattern[found.end() : found.end() + 1] in tuple("?*+{")
    return found[0][:-1] if is_counted else found[0]


def is_blind_to_lines(expression: re.Pattern[str]) -> bool:
    """Whether what matches in a line also matches in the whole text around it, in time that grows with its lines.

    So it is where nothing looks at what stands beside the match and nothing repeated reaches over a line's end.
    """
    pattern = _ESCAPED_MARK.sub("", expression.pattern)
    return not _SEES_LINES.search(pattern) and not expression.flags & (re.DOTALL | re.MULTILINE | re.VERBOSE)


def needed_char(expression: re.Pattern[str]) -> tuple[str, bool]:
    """A character that every match has in it, or '', and whether matches end with it.

    A line without it need not be searched. That matters most where it is missing: `\\w+\\s*\\(` on one long word
    tries every start and every length before it gives up.
    """
    pattern = expression.pattern
    items = list(_ITEM.finditer(pattern))
    if not items or _UNPLAIN.search(pattern) or any(item[1] in "()|" for item in items):
        return "", False
    found = [char if _is_needed(item[2] or "") else "" for item in items for char in (_one_char(item[1]),)]
    if expression.flags & re.IGNORECASE:
        found = [char if char.lower() == char.upper() else "" for char in found]
    needed = next((char for char in reversed(found) if char), "")
    return needed, bool(found[-1]) and not items[-1][2]


def _one_char(item: str) -> str:
    """The one character that an item stands for, or ''."""
    if len(item) == 1:
        return "" if item in ".^$*+?{}[]\\" else item
    return item[1] if len(item) == 2 and item[0] == "\\" and not item[1].isalnum() else ""


def _is_needed(quantifier: str) -> bool:
    return quantifier[:1] in ("", "+")


def explodes(pattern: str) -> bool:
    """Whether an innermost group, repeated without end, can be passed through in many ways for the same text."""
    # Brackets inside a class are no groups.
    seen = _CLASS.sub(lambda found: re.sub(r"(?<!\\)[()]", r"\\\g<0>", found[0]), pattern)
    for _ in range(20):
        if any(_is_ambiguous(found[1]) for found in _REPEATED_GROUP.finditer(seen)):
            return True
        flat = _GROUP_ITEM.sub(_flattened, seen)
        if flat == seen:
            return False
        seen = flat
    return True


def _flattened(found: re.Match[str]) -> str:
    """A group as items of the group around it: as it is, or any characters where it repeats or chooses."""
    if not found[2] and "|" not in found[1]:
        return found[1]
    return ".*" if found[2] not in ("", "?") or any(item.repeats for item in _items(found[1])) else ".?"


def _is_ambiguous(body: str) -> bool:
    """Whether a loop over this body could read the same text in two ways."""
    alternatives = [_items(part) for part in _alternatives(body)]
    pairs = ((one, other) for one in alternatives for other in alternatives if one is not other)
    return any(map(_can_slide, alternatives)) or any(_begins(one, other) for one, other in pairs)


def _alternatives(body: str) -> list[str]:
    parts = [""]
    for item in _ITEM.finditer(body):
        if item[0].startswith("|"):
            parts.append("")
        else:
            parts[-1] += item[0]
    return parts


def _items(body: str) -> list[_Item]:
    return [_Item(_accepted(found[1]), found[2] or "") for found in _ITEM.finditer(body)]


def _can_slide(items: list[_Item]) -> bool:
    """Whether what one repetition takes, a later one (or itself, in the next round) could take instead."""
    for at, item in enumerate(items):
        if not item.repeats:
            continue
        for after in (*items[at + 1 :], *items[: at + 1]):
            if after.chars & item.chars:
                return True
            if not after.may_be_empty:
                break
    return False


def _begins(one: list[_Item], other: list[_Item]) -> bool:
    """Whether an alternative could be the beginning of another: then both might read on from there."""
    return 0 < len(one) <= len(other) and all(
        mine.chars & theirs.chars for mine, theirs in zip(one, other, strict=False)
    )


def _accepted(item: str) -> frozenset[str]:
    """The sample characters that an item accepts; all of them for what cannot be told (a back reference, say)."""
    try:
        return frozenset(char for char in _SAMPLE if re.fullmatch(item, char, re.IGNORECASE))
    except re.error:
        return frozenset(_SAMPLE)
