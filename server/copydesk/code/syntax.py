"""A parsed file: the tree-sitter tree, its bytes, and the way between bytes and (line, column).

Owns the cache of trees and parsing anew only what changed. Knows no language's meaning. Start with `SyntaxCache.get`.
"""

import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from copydesk.code.grammars import Grammar, grammar_for
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import FileHandle

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_N_CACHED = 48


@dataclass(slots=True)
class Syntax:
    """One text, parsed. Lines are broken at LF, CRLF and CR only; columns are code points."""

    uri: str
    content_hash: str
    data: bytes
    grammar: Grammar
    tree: "Tree"
    line_starts: list[int] = field(default_factory=list[int])
    is_ascii: bool = True

    @property
    def root(self) -> "Node":
        return self.tree.root_node

    def text(self, node: "Node") -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def line_text(self, line: int) -> str:
        end = self.line_starts[line + 1] if line + 1 < len(self.line_starts) else len(self.data)
        return self.data[self.line_starts[line] : end].decode("utf-8", "replace").rstrip("\r\n")

    def line_at(self, byte: int) -> int:
        return bisect_right(self.line_starts, byte) - 1

    def position_at(self, byte: int) -> tuple[int, int]:
        line = self.line_at(byte)
        start = self.line_starts[line]
        column = byte - start if self.is_ascii else len(self.data[start:byte].decode("utf-8", "replace"))
        return line, column

    def byte_at(self, line: int, column: int) -> int | None:
        """None when the position is past the end of its line or of the text."""
        if not 0 <= line < len(self.line_starts):
            return None
        start = self.line_starts[line]
        if self.is_ascii:
            width = column
        else:
            width = len(self.line_text(line)[:column].encode("utf-8", "replace"))
        end = self.line_starts[line + 1] if line + 1 < len(self.line_starts) else len(self.data)
        return start + width if start + width <= end else None

    def range_of(self, node: "Node") -> LineRange:
        return LineRange(*self.position_at(node.start_byte), *self.position_at(node.end_byte))

    def leaf_at(self, line: int, column: int) -> "Node | None":
        byte = self.byte_at(line, column)
        if byte is None or byte >= len(self.data):
            return None
        return self.root.descendant_for_byte_range(byte, byte + 1)

    def occurrences(self, name: str, within: "Node | None" = None) -> Iterator["Node"]:
        """Every identifier with this name (in one node), in order; strings and comments are passed over."""
        pattern = re.compile(rb"(?<![\w$\x80-\xff])" + re.escape(name.encode()) + rb"(?![\w$\x80-\xff])")
        root = self.root
        start, end = (within.start_byte, within.end_byte) if within is not None else (0, len(self.data))
        for match in pattern.finditer(self.data, start, end):
            node = root.descendant_for_byte_range(match.start(), match.end())
            if node is not None and node.type.endswith("identifier") and node.start_byte == match.start():
                yield node


LARGEST_CHARACTERS = 2_000_000
"""Longer texts are data, not code: no person reads facts about them, and parsing them takes seconds."""


class SyntaxCache:
    """The newest tree of each URI, least recently used dropped first. For several threads."""

    def __init__(self, n_cached: int = _N_CACHED) -> None:
        self._n_cached = n_cached
        self._by_uri: OrderedDict[str, Syntax] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, handle: FileHandle) -> Syntax | None:
        """The tree of this text; None when there is no grammar for the language, or the text is too long for one.

        A tree takes some 150 times the memory of its text.
        """
        if len(handle.text) > LARGEST_CHARACTERS:
            return None
        with self._lock:
            old = self._by_uri.get(handle.uri)
        if old is not None and old.content_hash == handle.content_hash:
            return old
        grammar = grammar_for(handle.uri)
        if grammar is None:
            return None
        parsed = parse(handle, grammar, old)
        with self._lock:
            self._by_uri[handle.uri] = parsed
            self._by_uri.move_to_end(handle.uri)
            while len(self._by_uri) > self._n_cached:
                self._by_uri.popitem(last=False)
        return parsed


def parse(handle: FileHandle, grammar: Grammar, old: Syntax | None = None) -> Syntax:
    """Parses a text; with an `old` tree of the same file only what differs is parsed anew."""
    data = handle.text.encode("utf-8", "replace")
    lines = data.splitlines(keepends=True)  # of bytes: at LF, CRLF and CR only
    starts = list(accumulate(map(len, lines), initial=0))
    if lines and not lines[-1].endswith((b"\n", b"\r")):
        starts.pop()
    with grammar.lock:
        if old is None or old.grammar is not grammar:
            tree = grammar.parser.parse(data)
        else:
            tree = grammar.parser.parse(data, _edited(old, data))
    assert tree is not None
    return Syntax(handle.uri, handle.content_hash, data, grammar, tree, starts, data.isascii())


def _edited(old: Syntax, new: bytes) -> "Tree":
    """A copy of the old tree, told which one span changed."""
    before = old.data
    start = _n_common_prefix(before, new)
    n_tail = min(_n_common_suffix(before, new), min(len(before), len(new)) - start)
    tree = old.tree.copy()
    tree.edit(
        start,
        len(before) - n_tail,
        len(new) - n_tail,
        _point(before, start),
        _point(before, len(before) - n_tail),
        _point(new, len(new) - n_tail),
    )
    return tree


def _point(data: bytes, byte: int) -> tuple[int, int]:
    """tree-sitter's own (row, byte column): rows break at LF only."""
    row = data.count(b"\n", 0, byte)
    return row, byte - (data.rfind(b"\n", 0, byte) + 1)


def _n_common_prefix(a: bytes, b: bytes) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _n_common_suffix(a: bytes, b: bytes) -> int:
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]:
            low = middle
        else:
            high = middle - 1
    return low
