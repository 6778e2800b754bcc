"""Who wrote what in one text. Pure; offsets are code points in the text as it is now.

The theory: every character that was ever written here keeps its place in one row of runs, also when it is not in the
text any more. An edit of an author's is a piece; a run says which piece wrote it and which pieces removed it, and it is
in the text when the first stands and all the others are taken back. Taking a piece back, and giving it again, is
therefore one switch: the order of the pieces does not matter, and nothing has to be found again. Only what a person
deletes of people's text leaves the row. Start with `written` and `overtyped`; `text.taking` turns the switches.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple

from copydesk.text.edits import Edit, normalised

MAX_OVERTYPED = 64
"""So many deletions of authors' text are remembered, the newest: an editor's undo seldom reaches back further."""


class Run(NamedTuple):
    """`size` characters with one history. `text` is what they say while they are not in the text, else ''.

    `by` is the piece that wrote them, '' where a person did or nobody knows; `gone` are the pieces that removed them.
    """

    size: int
    text: str = ""
    by: str = ""
    gone: tuple[str, ...] = ()

    @property
    def shown(self) -> int:
        """How many characters of the text it is."""
        return 0 if self.text else self.size


class Piece(NamedTuple):
    """One edit of an author's: how much it wrote and took at first, and whether it is taken back now.

    One without an author is a person's, made where an author's text was deleted: its editor may undo that. `doubt`: a
    person's change was just this piece's switch, and too small to know whether it was one or was typed.
    """

    id: str
    author: str
    wrote: int
    took: int
    back: bool = False
    doubt: bool = False


class Pieces(NamedTuple):
    """`made` is in the order of writing. What lies after the last run is a person's, so `Pieces()` fits any text."""

    runs: tuple[Run, ...] = ()
    made: tuple[Piece, ...] = ()

    @property
    def back(self) -> frozenset[str]:
        return frozenset(piece.id for piece in self.made if piece.back)

    def of(self, author: str) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.made if piece.author == author)

    @property
    def names(self) -> dict[str, str]:
        """Each piece's author."""
        return {piece.id: piece.author for piece in self.made}


# --- who wrote it ----------------------------------------------------------------------------------------


def authors(pieces: Pieces) -> Iterator[tuple[int, int, str]]:
    """(start, end, author) of every stretch an author's piece wrote, in order."""
    names = pieces.names
    at = 0
    for run in pieces.runs:
        if run.by and not run.text and names[run.by]:
            yield at, at + run.size, names[run.by]
        at += run.shown


def author_at(pieces: Pieces, offset: int) -> str:
    """Whose piece wrote the character at `offset`; '' for a person's."""
    return next((author for start, end, author in authors(pieces) if start <= offset < end), "")


def spans_of(pieces: Pieces, author: str) -> tuple[tuple[int, int], ...]:
    """The stretches of the text that this author wrote, adjacent ones as one."""
    found: list[tuple[int, int]] = []
    for start, end, who in authors(pieces):
        if who == author:
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, end))
    return tuple(found)


def newest_authors(pieces: Pieces, places: Iterable[tuple[int, int]]) -> list[str]:
    """For each stretch of the text: the author of the newest piece with a part in it, what that removed there
    included; '' for none.
    """
    order = {piece.id: number for number, piece in enumerate(pieces.made)}
    ends = list(accumulate(run.shown for run in pieces.runs))
    newest = [max((order[id] for id in (*run.gone, run.by) if id), default=-1) for run in pieces.runs]
    found: list[str] = []
    for start, end in places:
        best = -1
        for index in range(bisect_left(ends, start), len(ends)):
            begin = ends[index] - pieces.runs[index].shown
            if begin > end:
                break
            if begin == ends[index] or (begin < end and ends[index] > start):
                best = max(best, newest[index])
        found.append(pieces.made[best].author if best >= 0 else "")
    return found


# --- weaving edits in ------------------------------------------------------------------------------------


class _Loom:
    """Goes over the runs from left to right and lays them down again with edits woven in. `at`: offset reached."""

    __slots__ = ("_next", "_rest", "_runs", "at", "out")

    def __init__(self, runs: Sequence[Run]) -> None:
        self.out: list[Run] = []
        self.at = 0
        self._runs = runs
        self._next = 0
        self._rest: Run | None = None

    def keep_to(self, offset: int) -> None:
        """Keeps what comes before the character at `offset`; hidden runs right before it are still to come."""
        while self.at < offset:
            self.out.append(self.take(offset - self.at))

    def take(self, most: int) -> Run:
        """The next run, or the first `most` characters of one that is shown."""
        run = self._rest or (self._runs[self._next] if self._next < len(self._runs) else Run(most))
        if self._rest is None:
            self._next += 1
        self._rest = None
        if not run.text and run.size > most:
            self._rest = run._replace(size=run.size - most)
            run = run._replace(size=most)
        self.at += run.shown
        return run

    def hidden(self) -> list[Run]:
        """The hidden runs that come next, without passing them."""
        found: list[Run] = []
        if self._rest is None:
            for run in self._runs[self._next :]:
                if not run.text:
                    break
                found.append(run)
        return found

    def keep(self, n_runs: int) -> None:
        for _ in range(n_runs):
            self.out.append(self.take(0))

    def finished(self) -> tuple[Run, ...]:
        rest = [self._rest] if self._rest else []
        return joined([*self.out, *rest, *self._runs[self._next :]])


def joined(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Neighbours of one history as one run; what a person wrote after the last other run is left out."""
    merged: list[Run] = []
    for (by, gone, hidden), group in groupby(runs, key=lambda run: (run.by, run.gone, bool(run.text))):
        same = list(group)
        if len(same) == 1:
            merged.append(same[0])
        else:
            merged.append(Run(sum(run.size for run in same), "".join(r.text for r in same) if hidden else "", by, gone))
    if merged and merged[-1] == Run(merged[-1].size):
        merged.pop()
    return tuple(merged)


def written(
    pieces: Pieces, text: str, edits: Iterable[tuple[int, int, str]], author: str, ids: Callable[[], str]
) -> Pieces:
    """The pieces after an author's edits on `text`. `ids` gives a new unique id for each piece."""
    loom = _Loom(pieces.runs)
    made: list[Piece] = []
    for edit in normalised(edits):
        piece = Piece(ids(), author, len(edit.text), edit.end - edit.start)
        made.append(piece)
        loom.keep_to(edit.start)
        loom.keep(_n_before(loom.hidden(), pieces, edit))
        while loom.at < edit.end:
            start = loom.at
            run = loom.take(edit.end - start)
            said = run.text or text[start : start + run.size]
            loom.out.append(run._replace(text=said, gone=(*run.gone, piece.id)))
        if edit.text:
            loom.out.append(Run(len(edit.text), by=piece.id))
    fresh = frozenset(piece.id for piece in made)
    return Pieces(joined(_covered(loom.finished(), pieces.back, fresh)), (*pieces.made, *made))


def put(pieces: Pieces, edits: Iterable[tuple[int, int, str]]) -> Pieces:
    """The pieces after somebody else's edits: what they delete is gone for good, what they write is theirs."""
    loom = _Loom(pieces.runs)
    for edit in normalised(edits):
        loom.keep_to(edit.start)
        loom.keep(_n_before(loom.hidden(), pieces, edit))
        while loom.at < edit.end:
            run = loom.take(edit.end - loom.at)
            if run.text:
                loom.out.append(run)
        if edit.text:
            loom.out.append(Run(len(edit.text)))
    return pieces._replace(runs=loom.finished())


def overtyped(pieces: Pieces, text: str, edits: Iterable[tuple[int, int, str]]) -> Pieces:
    """The pieces after a person's edits on `text`. As `put`, but an author's text that they delete stays in the row."""
    loom, names = _Loom(pieces.runs), pieces.names
    made: list[Piece] = []
    for edit in normalised(edits):
        loom.keep_to(edit.start)
        loom.keep(_n_before(loom.hidden(), pieces, edit))
        start, taken = loom.at, list[Run]()
        while loom.at < edit.end:
            taken.append(loom.take(edit.end - loom.at))
        id = ""
        if any(not run.text and names.get(run.by) for run in taken):
            id = _unused(pieces, made)
            made.append(Piece(id, "", len(edit.text), edit.end - edit.start))
        for run in taken:
            if run.text:
                loom.out.append(run)
            elif id:
                loom.out.append(run._replace(text=text[start : start + run.size], gone=(*run.gone, id)))
            start += run.shown
        if edit.text:
            loom.out.append(Run(len(edit.text), by=id))
    after = Pieces(loom.finished(), (*pieces.made, *made))
    return forgotten(after, {piece.id for piece in after.of("")[:-MAX_OVERTYPED]}) if made else after


def _unused(pieces: Pieces, made: Sequence[Piece]) -> str:
    last = max((int(piece.id[1:]) for piece in pieces.of("") if piece.id[0] == "~"), default=0)
    return f"~{last + len(made) + 1}"


def _n_before(hidden: Sequence[Run], pieces: Pieces, edit: Edit) -> int:
    """How many of the hidden runs at the edit's start stay before what it writes.

    Whole lines that were deleted here ended before this place, so what is typed comes after them; anything else that
    is hidden stands behind the character before, and what is typed comes between.
    """
    if edit.end > edit.start:
        return len(hidden)
    if not hidden:
        return 0
    wrote = {piece.id: piece.wrote for piece in pieces.made}
    lines = [run.text.endswith(("\n", "\r")) and not any(wrote[id] for id in run.gone) for run in hidden]
    return len(lines) - lines[::-1].index(True) if True in lines else 0


def _covered(runs: Sequence[Run], back: frozenset[str], fresh: frozenset[str]) -> Iterable[Run]:
    """Where the last that is shown of an older piece was removed, its other side is removed with it.

    Else taking back the older piece alone would put its old text beside the text that has replaced both.
    """
    shown: set[str] = set()
    by: dict[str, str] = {}
    for run in runs:
        sides = _shown_sides(run, back)
        if not run.text:
            shown.update(sides)
        elif run.gone and run.gone[-1] in fresh:
            by.update((id, run.gone[-1]) for id in sides if id not in fresh)
    covered = {id: new for id, new in by.items() if id not in shown}
    return (_under(run, back, covered) for run in runs) if covered else runs


def _shown_sides(run: Run, back: frozenset[str]) -> list[str]:
    """The pieces of which this run is what they show: what they wrote, or, taken back, what they had removed."""
    sides = [id for id in run.gone if id in back]
    return [*sides, run.by] if run.by and run.by not in back else sides


def _under(run: Run, back: frozenset[str], covered: Mapping[str, str]) -> Run:
    others = [id for id in (run.by, *run.gone) if id in covered and id not in _shown_sides(run, back)]
    new = [covered[id] for id in others if covered[id] not in run.gone]
    return run._replace(gone=(*run.gone, *dict.fromkeys(new))) if new and run.text else run


# --- forgetting, and JSON --------------------------------------------------------------------------------


def forgotten(pieces: Pieces, ids: Collection[str]) -> Pieces:
    """Without some pieces: what they wrote is a person's from now on, and what they removed is gone for good."""
    if not ids:
        return pieces
    back = pieces.back
    left = [
        run._replace(by="" if run.by in ids else run.by, gone=tuple(id for id in run.gone if id not in ids))
        for run in pieces.runs
        if not (run.by in ids and run.by in back) and not any(id in ids and id not in back for id in run.gone)
    ]
    return Pieces(joined(left), tuple(piece for piece in pieces.made if piece.id not in ids))


def encode(pieces: Pieces) -> dict[str, Any]:
    """As JSON values; `decode` is the inverse."""
    runs = [[run.text or run.size, run.by, list(run.gone)] if run.by or run.gone else [run.size] for run in pieces.runs]
    return {"runs": runs, "made": [list(piece) for piece in pieces.made]}


def decode(data: Mapping[str, Any]) -> Pieces:
    """Raises ValueError, KeyError or TypeError for what `encode` does not make."""
    made = tuple(
        Piece(str(id), str(author), int(wrote), int(took), bool(back), bool(any(doubt)))
        for id, author, wrote, took, back, *doubt in data["made"]
    )
    known = {piece.id for piece in made} | {""}
    runs = tuple(_run(*item) for item in data["runs"])
    if any(run.by not in known or not known.issuperset(run.gone) or run.size <= 0 for run in runs):
        raise ValueError("a run names a piece that is not there, or is empty")
    return Pieces(runs, made)


def _run(size: int | str, by: str = "", gone: Sequence[str] = ()) -> Run:
    if isinstance(size, str):
        return Run(len(size), size, by, tuple(gone))
    return Run(size, "", by, tuple(gone))
