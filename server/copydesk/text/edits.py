"""The algebra of edits: apply, compose, invert, rebase. Pure; offsets are code points.

An edit replaces text[start:end]; a change is a sorted tuple of edits on one text that never overlap. Insertions at
one offset keep their order. Theory: a change is a function on texts. `compose(a, b)` is b after a as one function on
a's text; `invert` undoes; `rebase(ours, theirs)` says ours on the text that theirs made, holding back every edit of
ours whose text theirs touched, so that nobody's characters are lost or guessed at.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Literal, NamedTuple


class Edit(NamedTuple):
    """text[start:end] becomes `text`. It is a `domain.edits.Span`."""

    start: int
    end: int
    text: str

    @property
    def delta(self) -> int:
        """How much longer the text gets."""
        return len(self.text) - (self.end - self.start)


class Rebased(NamedTuple):
    """`edits` on the newer text; `conflicts` as they were given, on the old one."""

    edits: tuple[Edit, ...]
    conflicts: tuple[Edit, ...]


def normalised(edits: Iterable[tuple[int, int, str]]) -> tuple[Edit, ...]:
    """Sorted, empty ones dropped. Raises ValueError where two overlap or one is backwards."""
    ordered = [edit if isinstance(edit, Edit) else Edit(*edit) for edit in edits]
    ordered.sort(key=_place)
    previous_end = 0
    for edit in ordered:
        if edit.start < previous_end or edit.end < edit.start:
            raise ValueError(f"the edit at {edit.start}..{edit.end} overlaps another or is backwards")
        previous_end = edit.end
    return tuple(edit for edit in ordered if edit.text or edit.end > edit.start)


_place = itemgetter(0, 1)


def apply(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text after the edits. Raises ValueError for an edit past the end, or overlapping ones."""
    pieces: list[str] = []
    done = 0
    for edit in normalised(edits):
        if edit.end > len(text):
            raise ValueError(f"the edit at {edit.start}..{edit.end} is past the end of a text of {len(text)}")
        pieces += (text[done : edit.start], edit.text)
        done = edit.end
    pieces.append(text[done:])
    return "".join(pieces)


def invert(text: str, edits: Iterable[tuple[int, int, str]]) -> tuple[Edit, ...]:
    """The change that leads from apply(text, edits) back to text."""
    undo: list[Edit] = []
    shift = 0
    for edit in normalised(edits):
        start = edit.start + shift
        undo.append(Edit(start, start + len(edit.text), text[edit.start : edit.end]))
        shift += edit.delta
    return tuple(undo)


# --- compose ---------------------------------------------------------------------------------------------
# Both changes are read as streams of steps over a text that never ends: keep n, drop n, insert text. The second
# stream runs over what the first lets through.

_Kind = Literal["keep", "drop", "insert"]
_FOREVER = 1 << 62


class _Steps:
    """A cursor over one change's steps; `size` is what is left of the current one."""

    __slots__ = ("_edits", "_next", "_position", "_text", "kind", "size")

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self._next = 0
        self._position = 0
        self.kind: _Kind = "keep"
        self.size = 0
        self._text = ""
        self._advance()

    @property
    def at_end(self) -> bool:
        return self.size == _FOREVER

    def take(self, n: int) -> str:
        """Uses up `n` of the current step; gives the text where it is an insertion."""
        if self.kind == "insert":
            start = len(self._text) - self.size
            taken = self._text[start : start + n]
        else:
            taken = ""
        if self.size != _FOREVER:
            self.size -= n
            if self.size == 0:
                self._advance()
        return taken

    def _advance(self) -> None:
        """Steps of one edit come as: keep up to it, drop, insert."""
        while self.size == 0:
            if self._next == len(self._edits):
                self.kind, self.size = "keep", _FOREVER
                return
            edit = self._edits[self._next]
            if self._position < edit.start:
                self.kind, self.size = "keep", edit.start - self._position
                self._position = edit.start
            elif self._position < edit.end:
                self.kind, self.size = "drop", edit.end - self._position
                self._position = edit.end
            else:
                self.kind, self.size, self._text = "insert", len(edit.text), edit.text
                self._next += 1


class _Builder:
    """Collects keep, drop and insert into the fewest edits."""

    __slots__ = ("_done", "_dropped", "_inserted", "_position")

    def __init__(self) -> None:
        self._done: list[Edit] = []
        self._position = 0
        self._dropped = 0
        self._inserted: list[str] = []

    def keep(self, n: int) -> None:
        self.flush()
        self._position += n

    def drop(self, n: int) -> None:
        self._dropped += n

    def insert(self, text: str) -> None:
        self._inserted.append(text)

    def flush(self) -> None:
        if self._dropped or self._inserted:
            end = self._position + self._dropped
            self._done.append(Edit(self._position, end, "".join(self._inserted)))
            self._position, self._dropped, self._inserted = end, 0, []

    def finished(self) -> tuple[Edit, ...]:
        self.flush()
        return tuple(edit for edit in self._done if edit.text or edit.end > edit.start)


def compose(first: Iterable[tuple[int, int, str]], second: Iterable[tuple[int, int, str]]) -> tuple[Edit, ...]:
    """One change on the first's text that does both, `second` being on the text that `first` made."""
    made, read, out = _Steps(normalised(first)), _Steps(normalised(second)), _Builder()
    while not (made.at_end and read.at_end):
        if read.kind == "insert":
            out.insert(read.take(read.size))
        elif made.kind == "drop":
            out.drop(made.size)
            made.take(made.size)
        else:
            _pass_through(made, read, out, min(made.size, read.size))
    return out.finished()


def _pass_through(made: _Steps, read: _Steps, out: _Builder, n: int) -> None:
    """`n` characters that the first change lets through, which the second keeps or drops."""
    kept, inserted = read.kind == "keep", made.kind == "insert"
    text = made.take(n)
    read.take(n)
    if inserted and kept:
        out.insert(text)
    elif not inserted and kept:
        out.keep(n)
    elif not inserted:
        out.drop(n)


def compose_all(changes: Sequence[Sequence[Edit]]) -> tuple[Edit, ...]:
    """Many changes, each on the text the one before made, as one. Halves at a time: n log n, not n²."""
    if len(changes) <= 1:
        return normalised(changes[0]) if changes else ()
    middle = len(changes) // 2
    return compose(compose_all(changes[:middle]), compose_all(changes[middle:]))


# --- rebase ----------------------------------------------------------------------------------------------


def rebase(ours: Iterable[tuple[int, int, str]], theirs: Iterable[tuple[int, int, str]]) -> Rebased:
    """Ours (on the same text as theirs) said on the text that theirs made.

    Equal edits collapse: ours is already there. An edit of ours is a conflict where the replaced ranges overlap or
    an insertion lies strictly inside the other's range; touching is fine. Insertions at one offset: theirs first.
    """
    other = normalised(theirs)
    there = Counter(other)
    starts = {edit.start for edit in other}
    moved: list[Edit] = []
    conflicts: list[Edit] = []
    passed = shift = 0
    for edit in normalised(ours):
        while passed < len(other) and other[passed].end <= edit.start:
            shift += other[passed].delta
            passed += 1
        if edit.start in starts and there[edit] > 0:
            there[edit] -= 1
        elif _meets(edit, other, passed):
            conflicts.append(edit)
        else:
            moved.append(Edit(edit.start + shift, edit.end + shift, edit.text))
    return Rebased(tuple(moved), tuple(conflicts))


def _meets(edit: Edit, other: Sequence[Edit], passed: int) -> bool:
    """Whether one of theirs, from the first that does not lie before `edit`, meets it."""
    return passed < len(other) and other[passed].start < edit.end and edit.start < other[passed].end


def map_offset(edits: Iterable[tuple[int, int, str]], offset: int, stick: Literal["left", "right"] = "left") -> int:
    """Where an offset is after the edits. In a replaced range, or at an insertion, it goes to the side it sticks to.

    At the start of a replaced range it stays before what is put there, at its end it goes behind.
    """
    shift = 0
    for edit in normalised(edits):
        is_insertion_here = edit.start == edit.end == offset
        if edit.start > offset or (edit.start == offset and not is_insertion_here):
            break
        if is_insertion_here and stick == "left":
            break
        if edit.end > offset:
            return edit.start + shift + (len(edit.text) if stick == "right" else 0)
        shift += edit.delta
    return offset + shift


def entangled(text: str, ours: Sequence[Edit], theirs: Sequence[Edit]) -> tuple[Edit, ...]:
    """Those of `ours` that change the same stretch of a line of `text` as one of `theirs`, if not the same word.

    Edits of one line belong together: `x + x` made `2 * x` here and `x * x * x` there has words that can be merged,
    and no sense in the result.
    """
    stretches = _by_line(text, theirs)
    ends = [stretch[-1].end for stretch in stretches]
    found: list[Edit] = []
    for group in _by_line(text, ours):
        start, end = group[0].start, group[-1].end
        at = bisect_right(ends, start)
        while at < len(stretches) and stretches[at][0].start < end:
            if not frozenset(stretches[at]).issuperset(group):
                found += group
                break
            at += 1
    return tuple(found)


def _by_line(text: str, edits: Iterable[Edit]) -> list[list[Edit]]:
    """The edits in order, in groups: two are in one when no line ends between them."""
    groups: list[list[Edit]] = []
    done = 0
    for edit in normalised(edits):
        if not groups or _has_break(text, done, edit.start):
            groups.append([])
        groups[-1].append(edit)
        done = edit.end
    return groups


def _has_break(text: str, start: int, end: int) -> bool:
    return text.find("\n", start, end) >= 0 or text.find("\r", start, end) >= 0
