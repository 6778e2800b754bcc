"""What a tolerant comparison takes as equal, character by character, and the way back to the text as it is.

Two foldings: typography (quotes, dashes, no-break and other spaces, the ellipsis, characters that cannot be seen) and
Unicode form (composed or decomposed; emoji with or without their presentation mark). No compatibility folding: a
full-width bracket is not a half-width one. Start with `folded`.
"""

import re
import unicodedata
from bisect import bisect_left
from typing import Literal, NamedTuple, TypeAlias

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply

Folding: TypeAlias = Literal["literal", "typography", "unicode_form"]

_ALIKE = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys("\u200b\u2060\ufeff\u00ad", ""),
    "\u2026": "...",
}
_TABLE = str.maketrans(_ALIKE)
_MARKED = re.compile(r"[^\x00-\x7f]|[\x00-\x7f](?=[\u0300-\u036f\ufe0e\ufe0f\u20e3])")


class Folded(NamedTuple):
    """`text` folded; `starts` and `sources` are offsets in it and in the source, in step, where the two drift apart."""

    text: str
    starts: tuple[int, ...]
    sources: tuple[int, ...]

    def source(self, offset: int) -> int | None:
        """The offset in the source; None within something that was folded as a whole."""
        at = bisect_left(self.starts, offset)
        if at < len(self.starts) and self.starts[at] == offset:
            return self.sources[at]
        if at == 0:
            return offset
        distance = offset - self.starts[at - 1]
        return self.sources[at - 1] + distance if self._is_plain(at - 1, distance) else None

    def after(self, source: int) -> int | None:
        """The offset in the folded text for one in the source; None within something folded as a whole."""
        at = bisect_left(self.sources, source)
        if at < len(self.sources) and self.sources[at] == source:
            return self.starts[at]
        if at == 0:
            return source
        offset = self.starts[at - 1] + source - self.sources[at - 1]
        return offset if self.source(offset) == source else None

    def _is_plain(self, at: int, distance: int) -> bool:
        """Between two marks text is copied when both sides are equally long."""
        if at + 1 == len(self.starts):
            return True
        width = self.starts[at + 1] - self.starts[at]
        return width == self.sources[at + 1] - self.sources[at] and distance <= width


def fold(text: str, folding: Folding) -> str:
    """The text as the folding compares it."""
    if folding == "literal" or text.isascii():
        return text
    alike = text.translate(_TABLE)
    return _form(alike) if folding == "unicode_form" else alike


def _form(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\ufe0f", "").replace("\ufe0e", ""))


def folded(text: str, folding: Folding) -> Folded:
    """The text as the folding compares it, with the way back."""
    if folding == "literal" or text.isascii():
        return Folded(text, (), ())
    pieces: list[str] = []
    starts: list[int] = []
    sources: list[int] = []
    done = n_out = 0
    for start, end in _clusters(text):
        new = fold(text[start:end], folding)
        if new != text[start:end]:
            pieces += (text[done:start], new)
            n_out += start - done
            starts += (n_out, n_out + len(new))
            sources += (start, end)
            n_out += len(new)
            done = end
    pieces.append(text[done:])
    return Folded("".join(pieces), tuple(starts), tuple(sources))


def _clusters(text: str) -> list[tuple[int, int]]:
    """Where something that may fold stands: a character with the marks that belong to it."""
    found: list[tuple[int, int]] = []
    for match in _MARKED.finditer(text):
        start, end = match.span()
        if found and start < found[-1][1]:
            continue
        while end < len(text) and (text[end] in "\ufe0e\ufe0f" or _joins(text[end])):
            end += 1
        found.append((start, end))
    return found


def _joins(char: str) -> bool:
    """A combining mark, or a Hangul part that composes with the one before."""
    return unicodedata.combining(char) > 0 or "\u1160" <= char <= "\u11ff"


def carried(old: str, found: str, new: str, folding: Folding) -> str:
    """`new` for `old`, said on `found`, which folds to the same: what `new` leaves alone stays as `found` has it."""
    if old == found or new == old:
        return found if new == old else new
    ours, theirs = folded(old, folding), folded(found, folding)
    if ours.text != theirs.text:
        return new
    edits: list[Edit] = []
    for start, end, text in diff(old, new):
        first, last = _across(ours, theirs, start), _across(ours, theirs, end)
        if first is None or last is None or last < first:
            return new
        edits.append(Edit(first, last, text))
    return apply(found, edits)


def _across(ours: Folded, theirs: Folded, offset: int) -> int | None:
    middle = ours.after(offset)
    return None if middle is None else theirs.source(middle)
