"""Values that are known to be secret, and finding them anywhere: as they are, in part where a text was cut, and in the
encodings that a command prints them in (base64, hexadecimal, URL, base32, backwards).

Thousands are looked for at once: of each pattern, the eight-letter pieces at its first eight offsets are kept, and of a
text every eighth piece is looked up, so wherever a pattern stands one of its pieces is met. Start with `KnownValues`.
"""

import base64
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import TypeAlias
from urllib.parse import quote, quote_plus

from copydesk.safety.secrets.finding import Span
from copydesk.safety.secrets.judging import MIN_CHARS, randomness
from copydesk.safety.secrets.views import RUN_CHARS, View

_LONG = 8
_SHORT = 4
_SIZES = (_LONG, _SHORT)
_N_RUN = {_LONG: 12, _SHORT: 7}
"""Patterns of the letters that runs are made of, and what is left of one that was cut, stand in runs so long."""
_RUN_CHARS = RUN_CHARS.decode()
_PART_CHARS = 12
"""Of a longer value, so much of it is replaced where the rest was cut off."""

FEW = 16
"""So many short patterns are quicker looked for one by one."""
MAX_VALUES = 20_000
MAX_VALUE_CHARS = 16_384

Table: TypeAlias = dict[int, list[tuple[str, int, bool]]]
"""Under each piece, as a number: the patterns that have it, at which offset, and whether a part of them counts."""


class KnownValues:
    """Values are only ever added; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._values: dict[str, bool] = {}
        """True: looked for in encodings too."""
        self._short: dict[str, None] = {}
        self._tables: dict[tuple[int, bool], Table] = {(size, runs): {} for size in _SIZES for runs in (True, False)}
        self._pieces: dict[tuple[int, bool], set[int]] = {key: set() for key in self._tables}

    def __len__(self) -> int:
        return len(self._values)

    def add(self, values: Iterable[str], *, encoded: bool = True) -> bool:
        """Remembers values; True when there is a new one. `encoded`: looked for in encodings too."""
        fresh = [v for v in dict.fromkeys(values) if self._is_new(v, encoded)]
        for value in fresh:
            self._values[value] = encoded
            partly = len(value) >= 2 * _LONG and randomness(value) > 0
            for pattern in {value, *(encodings(value) if encoded else escapes(value))}:
                self._index(pattern, partly=partly)
        if len(self._values) > MAX_VALUES:
            self._forget()
        return bool(fresh)

    def _is_new(self, value: str, encoded: bool) -> bool:
        """Or known so far only as it is, and to be looked for in encodings from now on."""
        if not MIN_CHARS <= len(value) <= MAX_VALUE_CHARS:
            return False
        return value not in self._values or (encoded and not self._values[value])

    def _index(self, pattern: str, *, partly: bool) -> None:
        size = _LONG if len(pattern) >= 2 * _LONG - 1 else _SHORT
        key = (size, not pattern.strip(_RUN_CHARS))
        offsets = [*range(size)]
        if partly and size == _LONG:  # its end alone, where a text begins in its middle
            offsets += range(max(size, len(pattern) - 2 * size + 1), len(pattern) - size + 1)
        if size == _SHORT:
            self._short[pattern] = None
        data = pattern.encode("latin-1", "replace")
        for offset in offsets:
            piece = int.from_bytes(data[offset : offset + size], sys.byteorder)
            self._tables[key].setdefault(piece, []).append((pattern, offset, partly))
            self._pieces[key].add(piece)

    def _forget(self) -> None:
        kept = list(self._values)[-MAX_VALUES // 2 :]
        self.__init__()
        self.add(kept, encoded=False)

    def find(self, view: View) -> Iterator[Span]:
        """Where they stand."""
        for key in self._tables:
            if key[0] == _SHORT and len(self._short) <= FEW:
                continue
            yield from self._find(view, key)
        for pattern in self._short if len(self._short) <= FEW else ():
            yield from _everywhere(view.text, pattern)
        for lines in wrapped(view) if self._values else ():
            yield from self._find_in_lines(view.text, lines)

    def _find_in_lines(self, text: str, lines: list[Span]) -> Iterator[Span]:
        """In lines that one encoded text was broken into, as `base64` does: each line's share by itself."""
        joined = "".join(text[start:end] for start, end in lines)
        for start, end in self._find(View(joined), (_LONG, True)):
            at = 0
            for first, stop in lines:
                length = stop - first
                if start < at + length and end > at:
                    yield first + max(0, start - at), first + min(length, end - at)
                at += length

    def _find(self, view: View, key: tuple[int, bool]) -> Iterator[Span]:
        """Pieces are looked up in what can hold such patterns at all, and then looked for in the whole text."""
        table, (size, in_runs) = self._tables[key], key
        if not table or len(view.text) < size:
            return
        data = view.joined_runs(_N_RUN[size]) if in_runs else view.raw
        pieces = memoryview(data)[: len(data) // size * size].cast("Q" if size == _LONG else "I")
        for piece in self._pieces[key].intersection(pieces.tolist()):
            word = piece.to_bytes(size, sys.byteorder)
            at = view.raw.find(word)
            while at >= 0:
                yield from _matched(view.text, at, table[piece])
                at = view.raw.find(word, at + 1)


def _everywhere(text: str, pattern: str) -> Iterator[Span]:
    at = text.find(pattern)
    while at >= 0:
        yield at, at + len(pattern)
        at = text.find(pattern, at + len(pattern))


def _matched(text: str, at: int, places: Iterable[tuple[str, int, bool]]) -> Iterator[Span]:
    for pattern, offset, partly in places:
        start = at - offset
        if start >= 0 and text.startswith(pattern, start):
            yield start, start + len(pattern)
        elif partly and (span := _part(text, at, pattern, offset)):
            yield span


def _part(text: str, at: int, pattern: str, offset: int) -> Span | None:
    """As much of the pattern as stands around a piece of it."""
    start, back = at, offset
    while start > 0 and back > 0 and text[start - 1] == pattern[back - 1]:
        start, back = start - 1, back - 1
    end, ahead = at, offset
    while end < len(text) and ahead < len(pattern) and text[end] == pattern[ahead]:
        end, ahead = end + 1, ahead + 1
    return (start, end) if end - start >= _PART_CHARS and (back == 0 or ahead == len(pattern)) else None


_LINE = re.compile(r"[A-Za-z0-9+/=_-]+")
_LINE_CHARS = 57
"""Encoders break lines at 60, 64 or 76 characters."""


def wrapped(view: View) -> Iterator[list[Span]]:
    """The lines of each encoded text that is broken into lines of one length."""
    text, done = view.text, 0
    for start, end in view.runs(_LINE_CHARS):
        if start < done or end - start > 80 or text[end : end + 1] not in ("\r", "\n"):
            continue
        lines: list[Span] = []
        at, width = start, end - start
        while (line := _LINE.match(text, at)) and len(line[0]) <= width:
            lines.append(line.span())
            done = line.end()
            at = done + (2 if text.startswith("\r\n", done) else 1)
            if len(line[0]) < width or text[done : done + 1] not in ("\r", "\n"):
                break
        if len(lines) > 1:
            yield lines


# --- encodings -------------------------------------------------------------------------------------------


def escapes(value: str) -> set[str]:
    """As the value stands inside a string of JSON and of most languages."""
    return {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], value.replace("\\", "\\\\")} - {value}


def encodings(value: str) -> set[str]:
    """How the value looks in the usual encodings, also in the middle of something longer that was encoded."""
    data = value.encode("utf-8", "surrogatepass")
    made = escapes(value)
    made |= {quote(data, safe=""), quote(data), quote_plus(data), _lower_escapes(quote(data, safe=""))}
    made |= {data.hex(), data.hex().upper(), value[::-1]}
    made.add(base64.b32encode(data).decode().rstrip("="))
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            made.add(_inner(encode(b"\0" * shift + data).decode(), shift, len(data)))
    return {each for each in made if len(each) >= MIN_CHARS} - {value}


def _inner(encoded: str, shift: int, size: int) -> str:
    """The part of a base64 text that does not depend on what stands before and after."""
    return encoded[(0, 2, 3)[shift] : (shift + size) * 8 // 6]


def _lower_escapes(quoted: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quoted)
