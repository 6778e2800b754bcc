"""A document: immutable text that a keystroke replaces cheaply, and whose snapshot is a reference.

Lines live in chunks of at most `CHUNK_LINES`, each with its counts cached. A change rebuilds the chunks it touches
and the short tuple of chunks; everything else is shared with the document before it. Positions are 0-based lines
and code-point columns, clamped as LSP says: a column past a line is the line's end (before its break), a line past
the document is the document's end. Start with `replaced`.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from operator import attrgetter

from copydesk.text.lines import content_length, has_break, split_lines

CHUNK_LINES = 256
_SPLIT_TO = CHUNK_LINES // 2
_SMALL = CHUNK_LINES // 8


class _Chunk:
    """Some consecutive lines, never none."""

    __slots__ = ("lines", "n_chars")

    def __init__(self, lines: tuple[str, ...], n_chars: int) -> None:
        self.lines = lines
        self.n_chars = n_chars


_n_chars = attrgetter("n_chars")


class Document:
    """At least one line; only the last has no line end. Compare by `text`."""

    __slots__ = ("_char_starts", "_chunks", "_line_starts", "_text")

    def __init__(self, chunks: tuple[_Chunk, ...], text: str | None = None) -> None:
        self._chunks = chunks
        self._text = text
        self._line_starts: list[int] | None = None
        self._char_starts: list[int] | None = None

    @classmethod
    def of(cls, text: str) -> "Document":
        return cls(tuple(_chunked(split_lines(text))), text)

    # --- reading ---

    @property
    def text(self) -> str:
        """The whole text; joined at first use and kept."""
        if self._text is None:
            self._text = "".join(self.lines())
        return self._text

    @property
    def n_lines(self) -> int:
        return self._lines_before()[-1]

    @property
    def n_chars(self) -> int:
        return self._chars_before()[-1]

    def lines(self) -> Iterator[str]:
        """Every line with its end."""
        return chain.from_iterable(chunk.lines for chunk in self._chunks)

    def line(self, index: int) -> str:
        """One line with its end; '' past the last one."""
        if not 0 <= index < self.n_lines:
            return ""
        at, inside = self._find_line(index)
        return self._chunks[at].lines[inside]

    def offset_at(self, line: int, column: int) -> int:
        """Offset of a position in code points."""
        if not 0 <= line < self.n_lines:
            return 0 if line < 0 else self.n_chars
        at, inside = self._find_line(line)
        lines = self._chunks[at].lines
        column = min(max(column, 0), content_length(lines[inside]))
        return self._chars_before()[at] + sum(map(len, lines[:inside])) + column

    def position_at(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, clamped; an offset inside a line break is that line's end."""
        starts = self._chars_before()
        offset = min(max(offset, 0), starts[-1])
        at = min(bisect_right(starts, offset) - 1, len(self._chunks) - 1)
        left = offset - starts[at]
        lines = self._chunks[at].lines
        index = 0
        while index < len(lines) - 1 and left >= len(lines[index]):
            left -= len(lines[index])
            index += 1
        return self._lines_before()[at] + index, min(left, content_length(lines[index]))

    def slice(self, start: int, end: int) -> str:
        """The text between two offsets (clamped)."""
        starts = self._chars_before()
        start, end = max(start, 0), min(end, starts[-1])
        if start >= end:
            return ""
        first, last = bisect_right(starts, start) - 1, bisect_right(starts, end - 1) - 1
        part = "".join(chain.from_iterable(chunk.lines for chunk in self._chunks[first : last + 1]))
        return part[start - starts[first] : end - starts[first]]

    # --- changing ---

    def replaced(self, start_line: int, start_col: int, end_line: int, end_col: int, new_text: str) -> "Document":
        """The document with the text between two positions replaced. An end before the start counts as the start."""
        if start_line == end_line and start_col > 0 and not has_break(new_text) and 0 <= start_line < self.n_lines:
            return self._typed(start_line, start_col, end_col, new_text)
        start_line, start_col = self._clamped(start_line, start_col)
        end_line, end_col = max(self._clamped(end_line, end_col), (start_line, start_col))
        first = self.line(start_line)
        middle = first[:start_col] + new_text + self.line(end_line)[end_col:]
        if start_line > 0 and middle.startswith("\n") and self.line(start_line - 1).endswith("\r"):
            start_line -= 1  # the break before and the new text have become one "\r\n"
            middle = self.line(start_line) + middle
        return self._spliced(start_line, end_line, middle)

    def _typed(self, number: int, start: int, end: int, new_text: str) -> "Document":
        """The fast path of typing: one line changes, after its first character, and no line break does."""
        at, inside = self._find_line(number)
        chunk = self._chunks[at]
        lines = chunk.lines
        old = lines[inside]
        length = content_length(old)
        start = min(start, length)
        line = old[:start] + new_text + old[min(max(start, end), length) :]
        changed = _Chunk((*lines[:inside], line, *lines[inside + 1 :]), chunk.n_chars + len(line) - len(old))
        document = Document((*self._chunks[:at], changed, *self._chunks[at + 1 :]))
        document._line_starts = self._line_starts
        return document

    def _spliced(self, first_line: int, last_line: int, middle: str) -> "Document":
        """Lines first..last (both included) become the lines of `middle`."""
        is_end = last_line == self.n_lines - 1
        lines = split_lines(middle)
        if not is_end:
            lines.pop()  # every line but the document's last ends with a break, so the split's tail is ''
        first, before = self._find_line(first_line)
        last, after = self._find_line(last_line)
        merged = [*self._chunks[first].lines[:before], *lines, *self._chunks[last].lines[after + 1 :]]
        first, last, merged = self._with_neighbour(first, last, merged)
        return Document((*self._chunks[:first], *_chunked(merged), *self._chunks[last + 1 :]))

    def _with_neighbour(self, first: int, last: int, lines: list[str]) -> tuple[int, int, list[str]]:
        """Joins a run of lines that became small to the chunk beside it, so that chunks stay few."""
        if len(lines) >= _SMALL:
            return first, last, lines
        if last + 1 < len(self._chunks):
            return first, last + 1, [*lines, *self._chunks[last + 1].lines]
        if first > 0:
            return first - 1, last, [*self._chunks[first - 1].lines, *lines]
        return first, last, lines

    # --- finding ---

    def _lines_before(self) -> list[int]:
        if self._line_starts is None:
            self._line_starts = list(accumulate((len(chunk.lines) for chunk in self._chunks), initial=0))
        return self._line_starts

    def _chars_before(self) -> list[int]:
        if self._char_starts is None:
            self._char_starts = list(accumulate(map(_n_chars, self._chunks), initial=0))
        return self._char_starts

    def _find_line(self, line: int) -> tuple[int, int]:
        starts = self._lines_before()
        at = bisect_right(starts, line) - 1
        return at, line - starts[at]

    def _clamped(self, line: int, column: int) -> tuple[int, int]:
        if line < 0:
            return 0, 0
        last = self.n_lines - 1
        if line > last:
            return last, len(self.line(last))
        return line, min(max(column, 0), content_length(self.line(line)))


def _chunked(lines: Sequence[str]) -> Iterator[_Chunk]:
    if len(lines) <= CHUNK_LINES:
        yield _Chunk(tuple(lines), sum(map(len, lines)))
        return
    for start in range(0, len(lines), _SPLIT_TO):
        part = tuple(lines[start : start + _SPLIT_TO])
        yield _Chunk(part, sum(map(len, part)))
