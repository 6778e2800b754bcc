"""What a model adds to the text that it quotes: blank lines around it, line numbers, `...` for what it leaves out.

Each of these is undone here, or named where it cannot be. Knows lines only, no file. Start with `variants`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from copydesk.text.rungs import Lines, Rung

_NUMBER = re.compile(r"\s*L?(\d+)(→|\t|: ?|\| ?| \| ?)")
_SURE = ("→", "\t")
_OPEN = r"(?:#+|//+|/\*+|<!--|--+|;+|%+|\{/\*|\"|')?\s*"
_CLOSE = r"\s*(?:\*/\}?|-->)?"
_ELISION = re.compile(rf"\s*{_OPEN}(?:\[?(?:\.\.\.+|…)\]?)(?P<words>[^\n]*?){_CLOSE}\s*$")
_LAZY = re.compile(
    r"\s*(?:#+|//+|/\*+|<!--|--+|;+|%+|\{/\*)\s*(?:\.\.\.+|…)\s*"
    r"(?:(?:the )?rest of|existing|unchanged|same as|remaining|other|previous)\b",
    re.IGNORECASE,
)


class BadQuote(ValueError):
    """The quoted text or its replacement says something that no file does; the message names it."""


class Variant(NamedTuple):
    rung: Rung
    lines: Lines


def variants(quoted: Lines) -> Iterator[Variant]:
    """The quoted lines without what is often added to them, most literal first. Raises `BadQuote`."""
    trimmed = without_blank_edges(quoted)
    if trimmed != quoted:
        yield Variant("blank_edges", trimmed)
    if bare := without_numbers(quoted):
        yield Variant("line_numbers", bare)
        if (trimmed := without_blank_edges(bare)) != bare:
            yield Variant("line_numbers", trimmed)


# --- blank lines around ----------------------------------------------------------------------------------


def without_blank_edges(quoted: Lines) -> Lines:
    """Without blank lines at both ends; as many of the new text's go with them."""
    old, new = list(quoted.old), list(quoted.new)
    for at in (0, -1):
        while len(old) > 1 and not old[at].strip():
            old.pop(at)
            if new and not new[at].strip():
                new.pop(at)
    return Lines(tuple(old), tuple(new), quoted.with_end or len(old) < len(quoted.old))


# --- line numbers ----------------------------------------------------------------------------------------


def without_numbers(quoted: Lines) -> Lines | None:
    """Without the numbers that a listing puts before lines; None where there are none."""
    numbered = _numbered(quoted.old)
    if numbered is None:
        return None
    matches = [_NUMBER.match(line) for line in quoted.new if line.strip()]
    if not any(matches):
        return Lines(numbered, quoted.new, quoted.with_end)
    if not all(matches):
        raise BadQuote("`old_text` carries line numbers (`12→`), and so do some lines of the new text but not all")
    return Lines(numbered, tuple(_NUMBER.sub("", line, count=1) for line in quoted.new), quoted.with_end)


def _numbered(lines: Sequence[str]) -> tuple[str, ...] | None:
    """The lines without their numbers, where every one has the next number and the same sign after it."""
    matches = [_NUMBER.match(line) for line in lines if line.strip()]
    found = [match for match in matches if match]
    if not found or len(found) < len(matches) or len({match[2].strip(" ") for match in found}) > 1:
        return None
    if len(found) == 1 and found[0][2] not in _SURE:
        return None
    if any(int(b[1]) != int(a[1]) + 1 for a, b in pairwise(found)):
        return None
    return tuple(_NUMBER.sub("", line, count=1) for line in lines)


def refuse_listing(quoted: Lines) -> None:
    """Raises `BadQuote` where the new text is a numbered listing, or stands for lines it does not hold."""
    new = [line for line in quoted.new if line.strip()]
    if new and all(re.match(r"\s*\d+→", line) for line in new) and not any("→" in line for line in quoted.old):
        raise BadQuote("every line of the new text begins with a line number (`12→`), which would be written too")
    lazy = next((line.strip() for line in new if _LAZY.match(line) and line not in quoted.old), None)
    if lazy is not None:
        raise BadQuote(f"the new text says {lazy!r} where `old_text` leaves nothing out, and would write just that")


# --- what is left out ------------------------------------------------------------------------------------


def is_elision(line: str) -> bool:
    """`...`, `# ...`, `// ... existing code ...`: a line that stands for lines not quoted."""
    match = _ELISION.match(line)
    if not match:
        return False
    words = match["words"].strip().rstrip(".…])").strip()
    is_comment = line.strip()[:1] in "#/<-;%{"
    return not words or (is_comment and len(words) <= 60 and re.fullmatch(r"[\w\s,'()/`.-]+", words) is not None)


def elided(quoted: Lines) -> list[Lines] | None:
    """The stretches between what is left out, in order; None where nothing is. Raises `BadQuote`.

    Left out at the start or end of both texts, it says nothing. At one of them it would leave open where that ends.
    """
    if not any(map(is_elision, quoted.old)):
        return None
    old, new = _stretches(quoted.old), _stretches(quoted.new)
    if len(old) != len(new):
        raise BadQuote(
            f"`old_text` has {len(old) - 1} of the lines that stand for others (`...`), the new text {len(new) - 1}; "
            "both must have as many, in the same order"
        )
    for at in (0, -1):
        if not old[at]:
            if new[at]:
                raise BadQuote("`old_text` begins or ends with `...`, so where the new lines go is open")
            old.pop(at)
            new.pop(at)
    if not all(any(line.strip() for line in part) for part in old):
        raise BadQuote("`old_text` has no line between two `...`, so what they stand for is open")
    last = len(old) - 1
    return [
        Lines(tuple(a), tuple(b), quoted.with_end or i < last) for i, (a, b) in enumerate(zip(old, new, strict=True))
    ]


def _stretches(lines: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:
        if is_elision(line):
            parts.append([])
        else:
            parts[-1].append(line)
    return parts
