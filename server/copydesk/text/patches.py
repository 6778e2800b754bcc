"""A patch as data: which files, and in each which lines become which.

`patch_reading` makes it of text in one of two formats, `patch_places` finds where its hunks go. Start with `FilePatch`.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

Mark: TypeAlias = Literal[" ", "-", "+"]
PatchKind: TypeAlias = Literal["add", "update", "delete"]
Numbered: TypeAlias = tuple[int, str]
"""A line of the patch with its 1-based number in what the model wrote."""


class PatchSyntax(ValueError):
    """Not a patch, or one that cannot be read; the message says where (1-based line) and why."""


class Claim(NamedTuple):
    """What a hunk's header says: 1-based lines and counts of the old and the new side."""

    old_line: int
    n_old: int
    new_line: int
    n_new: int


class Hunk(NamedTuple):
    """Lines in order, each with its mark. `line` is where the hunk starts in the patch, 1-based.

    `anchors` are lines that stand before it, outermost first. `at_end`: it stands at the file's end. `last_end`:
    whether the text afterwards ends with a line break; None where nothing is said of it.
    """

    rows: tuple[tuple[Mark, str], ...]
    anchors: tuple[str, ...] = ()
    at_end: bool = False
    claim: Claim | None = None
    last_end: bool | None = None
    line: int = 0

    @property
    def old(self) -> tuple[str, ...]:
        return tuple(text for mark, text in self.rows if mark != "+")

    @property
    def new(self) -> tuple[str, ...]:
        return tuple(text for mark, text in self.rows if mark != "-")


class FilePatch(NamedTuple):
    """What becomes of one file. `text` is an added file's; `other` a second name that it may have instead."""

    kind: PatchKind
    path: str
    hunks: tuple[Hunk, ...] = ()
    text: str = ""
    move_to: str = ""
    other: str = ""
    line: int = 0


_CLAIM = re.compile(r"@@+\s*-(\d+)(?:,(\d+))?\s+\+(\d+)(?:,(\d+))?\s*(?:@@+)?(.*)")


def claim_of(header: str) -> Claim | None:
    """What `@@ -1,3 +1,4 @@` says; None for any other line. A count that is left out is 1."""
    match = _CLAIM.match(header.strip())
    if match is None:
        return None
    old, n_old, new, n_new, _ = match.groups()
    return Claim(int(old), int(n_old or 1) if n_old != "0" else 0, int(new), int(n_new or 1) if n_new != "0" else 0)


class HunkRows:
    """Collects one hunk's lines as they come."""

    def __init__(self, line: int, anchors: Sequence[str] = (), claim: Claim | None = None) -> None:
        self.line = line
        self.anchors = list(anchors)
        self.claim = claim
        self.rows: list[tuple[Mark, str]] = []
        self.at_end = False
        self._old_end = self._new_end = True

    def add(self, line: str) -> None:
        """A marked line; one without a mark is context whose leading space was lost."""
        mark: Mark = "-" if line[:1] == "-" else "+" if line[:1] == "+" else " "
        # Formats count lines by `\n` alone; a lone `\r` within one ends a line of the file all the same.
        self.rows.extend((mark, row) for row in line.removeprefix(mark).split("\r"))

    def no_end(self) -> None:
        """The line before was said to have no end: it is the file's last one, on its side."""
        mark = self.rows[-1][0] if self.rows else " "
        self._old_end = self._old_end and mark == "+"
        self._new_end = self._new_end and mark == "-"

    def finished(self) -> Hunk:
        last_end = None if self._old_end == self._new_end else self._new_end
        return Hunk(tuple(self.rows), tuple(self.anchors), self.at_end, self.claim, last_end, self.line)

    def drop_blank_tail(self) -> None:
        """Blank lines at the end that carry no mark stand between hunks, and say nothing."""
        while self.rows and self.rows[-1] == (" ", ""):
            self.rows.pop()
