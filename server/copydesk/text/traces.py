"""What single changes do to a text, and whether it is what a hunk of ours would do there. Pure.

The comparisons that `text.proofs` draws its conclusions from. Offsets are code points.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple, TypeAlias

from copydesk.text.diffs import diff, differing
from copydesk.text.edits import Edit, apply, normalised, rebase
from copydesk.text.sequences import by_paths

_MAX_GROUP = 8
_TELLING = 3
"""How many characters that are no blanks make a text telling: two of the same are no chance."""

_MAX_CHARACTERS = 4_000

_WORD = re.compile(rf"\w{{{_TELLING},}}")


class Rewritten(NamedTuple):
    """A change that came as the whole text: where it was really made is not known, `edits` is the smallest."""

    edits: tuple[Edit, ...]


Change: TypeAlias = Edit | Rewritten


def refined(text: str, edits: Iterable[Edit], *, within_lines: bool = False) -> tuple[Edit, ...]:
    """The same change, with every replacement of several lines (or of any text) cut down to what differs in it."""
    found: list[Edit] = []
    for edit in edits:
        old = text[edit.start : edit.end]
        if not edit.text or not old or not (within_lines or "\n" in old):
            found.append(edit)
        else:
            found += (Edit(edit.start + a, edit.start + b, new) for a, b, new in diff(old, edit.text))
    return tuple(found)


def texts_of(sent: str, changes: Iterable[Change]) -> list[str]:
    texts = [sent]
    for change in changes:
        texts.append(applied(texts[-1], change.edits if isinstance(change, Rewritten) else (change,)))
    return texts


def by_characters(text: str, new: str) -> tuple[Edit, ...]:
    """The fewest characters that differ, whatever words they are in; empty where they are too far apart for that."""
    start, end, new_end = differing(text, new)
    if max(end, new_end) - start > _MAX_CHARACTERS:
        return ()
    areas = by_paths(text, new, (start, end, start, new_end))
    return normalised(Edit(i1, i2, new[j1:j2]) for i1, i2, j1, j2 in areas)


def is_mostly_there(text: str, new: str, hunk: Edit) -> bool:
    """Whether most of what a hunk does to `text` must not be typed any more to come to `new`."""
    with_it, without = by_characters(applied(text, [hunk]), new), by_characters(text, new)
    return is_telling(hunk.text) and 2 * (size_of(without) - size_of(with_it)) > size_of([hunk])


def leaves_an_end(text: str, new: str, hunk: Edit) -> bool:
    """Whether a hunk's text begins or ends in the new text as it did not before: the rest of it was typed over."""
    said = hunk.text.strip()
    ends = {said[:_TELLING], said[-_TELLING:]} if is_telling(said) else set[str]()
    return any(new.count(end) > text.count(end) for end in ends if is_telling(end))


def leads(text: str, edits: Sequence[Edit], to: str) -> bool:
    try:
        return apply(text, edits) == to
    except ValueError:
        return False


def applied(text: str, edits: Sequence[Edit]) -> str:
    if len(edits) == 1:
        start, end, new = edits[0]
        return text[:start] + new + text[end:]
    return apply(text, edits)


def place_of(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def size_of(edits: Iterable[Edit]) -> int:
    return sum(len(edit.text) + edit.end - edit.start for edit in edits)


def hull_of(hunks: Sequence[Edit]) -> Edit:
    return Edit(min(hunk.start for hunk in hunks), max(hunk.end for hunk in hunks), "")


def groups_of(indices: Sequence[int]) -> list[list[int]]:
    """Neighbours that one change may stand for: each alone, then runs, longest first."""
    groups = [[index] for index in indices]
    if len(indices) > _MAX_GROUP:
        return [*groups, list(indices)]
    sizes = range(len(indices), 1, -1)
    return groups + [list(indices[at : at + n]) for n in sizes for at in range(len(indices) - n + 1)]


def has_same_effect(text: str, change: Edit, hunks: Sequence[Edit]) -> bool:
    if change.delta != sum(hunk.delta for hunk in hunks):
        return False
    hull = hull_of([change, *hunks])
    part = text[hull.start : hull.end]
    moved = [Edit(edit.start - hull.start, edit.end - hull.start, edit.text) for edit in hunks]
    mine = Edit(change.start - hull.start, change.end - hull.start, change.text)
    return applied(part, moved) == applied(part, [mine])


def _lines_of(text: str, edit: Edit) -> tuple[int, int]:
    """The stretch in which a client may say that an edit was made: its lines, and the break before them."""
    end = text.find("\n", edit.end)
    return max(text.rfind("\n", 0, edit.start), 0), len(text) if end < 0 else end + 1


def is_near(text: str, change: Edit, hunk: Edit) -> bool:
    start, end = _lines_of(text, hunk)
    return start <= change.start and change.end <= end


def covers(text: str, change: Edit, hunk: Edit) -> bool:
    """Whether a hunk may be in a change: what of its place lies outside is what it leaves as it was."""
    head = text[hunk.start : change.start]
    tail = text[change.end : hunk.end]
    return hunk.text.startswith(head) and hunk.text.endswith(tail)


def meets_lines(text: str, change: Edit, hunk: Edit | None) -> bool:
    if hunk is None:
        return False
    start, end = _lines_of(text, hunk)
    return change.start <= end and start <= change.end


def disturbs(text: str, their: Edit, place: Edit) -> bool:
    """Whether a change of our result `text` spoils one of our hunks; `place` is the hunk's undoing, in it.

    Typing beside our text or within it leaves it there. What we replaced or deleted must not come back, nor a rest
    of it stay: the range is then rather one for another text.
    """
    if is_beside(their, place) and place.text and (place.text in their.text or _is_rest(their, place)):
        return True
    if is_telling(place.text) and place.text in their.text and is_near(text, their, place):
        return True
    if place.end > place.start:
        is_typing = their.start == their.end
        return not is_typing and their.start < place.end and their.end > place.start
    return their.start < place.start < their.end


def is_beside(their: Edit, place: Edit) -> bool:
    return their.start <= place.end and place.start <= their.end


def _is_rest(their: Edit, place: Edit) -> bool:
    """Whether what is typed right after ours in its line is, or has, the end of what we replaced; or before, the
    beginning."""
    old = place.text
    after = re.split(r"[\r\n]", their.text, maxsplit=1)[0] if their.start == place.end else ""
    before = re.split(r"[\r\n]", their.text)[-1] if their.end == place.start else ""
    ends = bool(after) and (old.endswith(after) or (len(old) > 1 and old[-2:] in after))
    return ends or (bool(before) and (old.startswith(before) or (len(old) > 1 and old[:2] in before)))


def takes_from_beside(text: str, their: Edit, place: Edit) -> bool:
    """Whether text goes right beside one of our hunks: among equal lines ours may then stand astray."""
    return their.start < their.end and is_beside(_slid(text, their, place), place)


def _slid(text: str, their: Edit, place: Edit) -> Edit:
    """A deletion as near to the place as it can be said to be: of two equal lines, either may have gone.

    Of a replacement it is the line end that went with it.
    """
    start, end, new = their
    if new and (new.endswith("\n") or not text.endswith("\n", start, end)):
        return their
    if new:
        start = end - (2 if text.endswith("\r\n", start, end) else 1)
    while end < place.start and text[start] == text[end]:
        start, end = start + 1, end + 1
    while start > place.end and text[start - 1] == text[end - 1]:
        start, end = start - 1, end - 1
    return Edit(start, end, "")


def moves_across(text: str, typed: Sequence[Edit], place: Edit) -> bool:
    """Whether what goes on one side of ours comes on its other side: it is rather ours that stands astray."""
    for edit in typed:
        went = text[edit.start : edit.end].strip()
        if is_telling(went) and any(went in other.text and _are_apart(edit, other, place) for other in typed):
            return True
    return False


def _are_apart(one: Edit, other: Edit, place: Edit) -> bool:
    return (one.end <= place.start and place.end <= other.start) or (
        other.end <= place.start and place.end <= one.start
    )


def is_astray(text: str, made: str, new: str, places: Sequence[Edit], typed: Sequence[Edit]) -> bool:
    """Whether less would have been typed if ours had gone to another place than its own.

    Typing costs the same with ours and without it where ours is in its place. `places` undo ours in `made`, which it
    made of `text`; `typed` leads on to `new`.
    """
    without = applied(new, rebase(places, typed).edits)
    fewest = by_characters(text, without)
    return bool(fewest) and size_of(fewest) < size_of(by_characters(made, new))


def trimmed(text: str, edit: Edit) -> Edit:
    """The same edit without what is equal at its ends: a word that grew is a word with something typed in it."""
    start, end, new = edit
    old = text[start:end]
    head = _n_equal(zip(old, new, strict=False))
    tail = _n_equal(zip(old[head:][::-1], new[head:][::-1], strict=False))
    return Edit(start + head, end - tail, new[head : len(new) - tail])


def _n_equal(pairs: Iterable[tuple[str, str]]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def is_again(their: Edit, place: Edit, hunk: Edit, *, anywhere: bool) -> bool:
    """Whether what is typed beside one of our hunks says the same once more; `anywhere`: or a good part of it."""
    theirs, ours = their.text.strip(), hunk.text.strip()
    is_same = (is_telling(ours) and ours in theirs) or (anywhere and is_telling(theirs) and theirs in ours)
    return is_beside(their, place) and is_same


def says_more(hunks: Iterable[Edit], made: str, new: str) -> bool:
    """Whether some word of ours stands in the new text more often than it should."""
    words = {word for hunk in hunks for word in _WORD.findall(hunk.text)}
    return any(new.count(word) > made.count(word) for word in words)


def is_telling(text: str) -> bool:
    return len(text.strip()) >= _TELLING


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1


def offset_of(text: str, line: int, column: int) -> int:
    """Clamped, as clients do."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    end = text.find("\n", start)
    return min(start + column, len(text) if end < 0 else end)
