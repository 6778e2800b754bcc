"""Taking back what an author wrote, and giving it again, in the middle of what others wrote since. Pure.

Owns what is spared and what counts as taken over by a person; the rows of runs are `text.pieces`'. Start with
`taken_back`. `typed` is how other people's changes reach the pieces: it knows an editor's own undo when it sees one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

from copydesk.text.edits import Edit, apply, map_offset, normalised
from copydesk.text.lines import split_lines
from copydesk.text.pieces import Piece, Pieces, Run, joined, overtyped

SURE = 4
"""So many characters of an author's that come back at their old place are not there by chance: the editor's redo.

With fewer they are a person's: they are never taken back, but it is said that the same text stands there.
"""

MAX_CANDIDATES = 64


Why = Literal["again", "inside", "instead"]


class Kept(NamedTuple):
    """A place where people's text stands: `inside` what was taken back, or `instead` of it, so that nothing was.

    `again`: a person deleted text of the author's, and then the same stood there again.
    """

    at: int
    why: Why


class Taken(NamedTuple):
    """`edits` on the text as it was, `pieces` after them, the ids that were switched, and places in the new text."""

    edits: tuple[Edit, ...]
    pieces: Pieces
    ids: tuple[str, ...]
    kept: tuple[Kept, ...] = ()


def taken_back(pieces: Pieces, text: str, author: str) -> Taken:
    """The author's surviving characters go, what the author removed comes back; people's text inside stays.

    Nothing is put back for a piece of which a person has replaced every character.
    """
    standing = [piece for piece in pieces.made if piece.author == author and not piece.back]
    lost = _taken_over(pieces, text)
    taken = _switched(pieces, text, standing, lost)
    names = pieces.names
    under = _people(pieces) | {piece.id for piece in pieces.made if piece.doubt}
    gone = {*_again(pieces, text), *(_again(pieces, text, under) if under else ())}
    again = (Kept(map_offset(taken.edits, at), "again") for id, at in gone if names.get(id) == author)
    return taken._replace(kept=tuple(sorted({*taken.kept, *again})))


def given_again(pieces: Pieces, text: str, ids: Collection[str]) -> Taken:
    """The inverse of `taken_back`, for the `ids` it switched: people's text stays this time too."""
    people = _people(pieces)
    there = {id for run in pieces.runs if people.isdisjoint(run.gone) for id in run.gone}
    wanted = [piece for piece in pieces.made if piece.id in ids and piece.back]
    return _switched(pieces, text, wanted, {piece.id for piece in wanted if piece.took and piece.id not in there})


def typed(pieces: Pieces, text: str, edits: Iterable[tuple[int, int, str]]) -> Pieces:
    """The pieces after a person's edits on `text`. One that undoes or redoes pieces exactly switches them."""
    given = tuple(_without_equal_lines(text, edit) for edit in normalised(edits))
    if not pieces.made or not given:
        return pieces
    ids, doubts, rest = _reverted(pieces, text, given)
    pieces = overtyped(pieces, text, rest)
    if doubts:
        pieces = pieces._replace(made=tuple(p._replace(doubt=p.doubt or p.id in doubts) for p in pieces.made))
    return turned(pieces, apply(text, rest), ids)[1] if ids else pieces


def _without_equal_lines(text: str, edit: Edit) -> Edit:
    """Whole lines that an edit replaces by themselves, at its start and end, keep their writer."""
    old, new = split_lines(text[edit.start : edit.end]), split_lines(edit.text)
    shortest = min(len(old), len(new))
    head = next((n for n in range(shortest) if old[n] != new[n]), shortest)
    tail = next((n for n in range(shortest - head) if old[-1 - n] != new[-1 - n]), shortest - head)
    start, end = edit.start + sum(map(len, old[:head])), edit.end - sum(map(len, old[len(old) - tail :]))
    return Edit(start, end, "".join(new[head : len(new) - tail]))


# --- the switch ------------------------------------------------------------------------------------------


def turned(pieces: Pieces, text: str, ids: Collection[str]) -> tuple[tuple[Edit, ...], Pieces]:
    """Switches pieces: those that stand are taken back, the others given again. The edits are on `text`."""
    made = tuple(piece._replace(back=piece.back != (piece.id in ids)) for piece in pieces.made)
    after = Pieces(pieces.runs, made)
    back = after.back
    runs: list[Run] = []
    edits: list[Edit] = []
    at = 0
    for run in pieces.runs:
        shown = is_shown(run, back)
        if shown and run.text:
            edits.append(Edit(at, at, run.text))
            runs.append(run._replace(text=""))
        elif not shown and not run.text:
            edits.append(Edit(at, at + run.size, ""))
            runs.append(run._replace(text=text[at : at + run.size]))
        else:
            runs.append(run)
        at += run.shown
    return _merged(edits), after._replace(runs=joined(runs))


def is_shown(run: Run, back: Collection[str]) -> bool:
    return run.by not in back and all(id in back for id in run.gone)


def _merged(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Edits that touch, in their order, as one."""
    merged: list[Edit] = []
    for edit in edits:
        if merged and merged[-1].end == edit.start:
            last = merged.pop()
            edit = Edit(last.start, edit.end, last.text + edit.text)
        merged.append(edit)
    return tuple(merged)


def _switched(pieces: Pieces, text: str, wanted: Sequence[Piece], lost: Collection[str]) -> Taken:
    """Those that are neither replaced by a person nor in doubt are switched."""
    doubts = frozenset(piece.id for piece in wanted if piece.doubt)
    replaced = frozenset(piece.id for piece in wanted if piece.id in lost and piece.wrote and piece.took) - doubts
    ids = tuple(piece.id for piece in wanted if piece.id not in replaced | doubts)
    edits, after = turned(pieces, text, ids)
    places = (
        *_inside(pieces, after.back, frozenset(ids)),
        *_places(after, replaced, "instead"),
        *_places(after, doubts, "again"),
    )
    return Taken(edits, after, ids, tuple(sorted(places)))


def _taken_over(pieces: Pieces, text: str) -> frozenset[str]:
    """Standing pieces that replaced something, and of whose own text no more than white space is left, if anything.

    What lies under the text of other turns is left; what lies under a person's, or under others like these, is not.
    """
    written: dict[str, list[tuple[Run, str]]] = {}
    at = 0
    for run in pieces.runs:
        if run.by:
            written.setdefault(run.by, []).append((run, run.text or text[at : at + run.size]))
        at += run.shown
    lost = set(_people(pieces))
    for piece in reversed(pieces.made):
        if piece.author and piece.wrote and piece.took and not piece.back:
            left = [said for run, said in written.get(piece.id, ()) if lost.isdisjoint(run.gone)]
            n_left = sum(map(len, left))
            if not n_left or (n_left < piece.wrote and not any(said.strip() for said in left)):
                lost.add(piece.id)
    return frozenset(lost)


def _people(pieces: Pieces) -> frozenset[str]:
    """A person's own pieces that stand: what is under them, a person has deleted."""
    return frozenset(piece.id for piece in pieces.of("") if not piece.back)


def _inside(pieces: Pieces, back: Collection[str], ids: frozenset[str]) -> Iterator[Kept]:
    """Where people's text lay between characters of one switched piece, as offsets after the switch."""
    last: dict[str, int] = {}
    names = pieces.names
    sides = [ids.intersection((run.by, *run.gone)) for run in pieces.runs]
    for index, run in enumerate(pieces.runs):
        if not run.text:
            last.update((id, index) for id in sides[index])
    at = 0
    begun: set[str] = set()
    for index, run in enumerate(pieces.runs):
        if not run.text:
            begun |= sides[index]
            if not names.get(run.by) and not sides[index] and any(last[id] > index for id in begun):
                yield Kept(at, "inside")
        at += run.size if is_shown(run, back) else 0


def _places(pieces: Pieces, lost: frozenset[str], why: Why) -> Iterator[Kept]:
    at = 0
    seen: set[str] = set()
    for run in pieces.runs:
        sides = lost.intersection((run.by, *run.gone)) - seen
        if sides:
            seen |= sides
            yield Kept(at, why)
        at += run.shown


def _again(pieces: Pieces, text: str, under: frozenset[str] = frozenset()) -> Iterator[tuple[str, int]]:
    """Pieces of which the text is gone (taken back, or `under` some others), and the same stands right there."""
    back = pieces.back
    at = 0
    for run in pieces.runs:
        is_gone = not under.isdisjoint(run.gone) if under else run.by in back
        if is_gone and run.text.strip() and (text.startswith(run.text, at) or text.endswith(run.text, 0, at)):
            yield run.by, at
        at += run.shown


# --- an editor's own undo and redo -----------------------------------------------------------------------


class _Map(NamedTuple):
    """Where each run begins in the text, and the first and last run of each piece."""

    starts: Sequence[int]
    reach: dict[str, tuple[int, int]]


class _Reverted(NamedTuple):
    """The pieces that some edits switch, those that they may have switched, and the edits that are typing."""

    ids: frozenset[str]
    doubts: frozenset[str]
    rest: tuple[Edit, ...]


def _reverted(pieces: Pieces, text: str, edits: tuple[Edit, ...]) -> _Reverted:
    where = _mapped(pieces)
    ids: frozenset[str] = frozenset()
    doubts: frozenset[str] = frozenset()
    left = edits
    for candidate in _candidates(pieces, where, edits):
        if candidate & ids:
            continue
        rest, is_sure = _without(pieces, text, where, left, candidate)
        if is_sure:
            ids, left = ids | candidate, rest
        elif len(rest) < len(left):
            doubts |= candidate
    return _Reverted(ids, doubts - ids, left)


def _mapped(pieces: Pieces) -> _Map:
    reach: dict[str, tuple[int, int]] = {}
    for index, run in enumerate(pieces.runs):
        for id in (run.by, *run.gone) if run.by else run.gone:
            reach[id] = (reach[id][0] if id in reach else index, index)
    return _Map(list(accumulate((run.shown for run in pieces.runs), initial=0)), reach)


def _candidates(pieces: Pieces, where: _Map, edits: Sequence[Edit]) -> list[frozenset[str]]:
    """Pieces that the edits touch: all that are in one state, those of one author, then each by itself."""
    touched: set[str] = set()
    for edit in edits:
        first = max(bisect_left(where.starts, edit.start) - 1, 0)
        for run in pieces.runs[first : bisect_right(where.starts, edit.end)]:
            touched.update((run.by, *run.gone))
    groups: dict[tuple[str, bool], list[str]] = {}
    for piece in pieces.made:
        if piece.id in touched:
            groups.setdefault((piece.author, piece.back), []).append(piece.id)
    states = [
        frozenset(id for (_, is_back), group in groups.items() if is_back is state for id in group)
        for state in (True, False)
    ]
    whole = [*filter(None, states), *(frozenset(group) for group in groups.values())]
    single = [frozenset((id,)) for group in groups.values() if len(group) > 1 for id in group]
    return (whole + single)[:MAX_CANDIDATES]


def _without(
    pieces: Pieces, text: str, where: _Map, edits: tuple[Edit, ...], ids: frozenset[str]
) -> tuple[tuple[Edit, ...], bool]:
    """The edits that are left when those around these pieces are just their switch, and whether that is sure."""
    first = min(where.reach[id][0] for id in ids)
    last = max(where.reach[id][1] for id in ids)
    low, high = where.starts[first], where.starts[last + 1]
    near = [edit for edit in edits if edit.start <= high and edit.end >= low]
    if not near:
        return edits, False
    start, end = min(low, near[0].start), max(high, near[-1].end)
    wanted = apply(text[start:end], [Edit(edit.start - start, edit.end - start, edit.text) for edit in near])
    part = Pieces(pieces.runs[first : last + 1], pieces.made)
    switch, after = turned(part, text[low:high], ids)
    if text[start:low] + apply(text[low:high], switch) + text[high:end] != wanted:
        return edits, False
    return tuple(edit for edit in edits if edit not in near), _is_sure(part, after, ids)


def _is_sure(before: Pieces, after: Pieces, ids: frozenset[str]) -> bool:
    """Whether so much changes at once that no person typed an author's text by chance. An undo may bring back none."""
    back, names = after.back, after.names
    switched = [run for run in before.runs if bool(run.text) == is_shown(run, back)]
    if not any(run.text and names.get(run.by) for run in switched):
        return ids <= back
    return sum(run.size for run in switched) >= SURE
