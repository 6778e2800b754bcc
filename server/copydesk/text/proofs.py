"""What became of an edit that was sent, read off the changes that came back. Pure; offsets are code points.

Theory: the changes since the edit was sent are ours and a person's in some order. Each hunk of ours is carried along
over the person's changes (`rebase`); a change counts as ours only where it does to the text what a hunk does *at the
hunk's place*, since a person may type the same line elsewhere. A change may be several hunks, a hunk several
changes, and one change may hold both ours and keys (some clients merge what happened within a moment): then it counts
as ours when what is left beside our hunks is less than what would have to be typed without them. What looks like ours
at another place (applied to newer text with the old ranges) or twice is `unknown`: never believed, never sent again.
Start with `explain`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, compose_all, invert, rebase

Kind: TypeAlias = Literal["applied", "partial", "undone", "absent", "unknown"]

_MAX_CHARS = 20_000_000
"""Texts times changes that are looked at one by one; beyond it only the last text is."""

_MAX_GROUP = 8
_TELLING = 3
"""How many characters that are no blanks make a text telling: two of the same are no chance."""


_WORD = re.compile(rf"\w{{{_TELLING},}}")


class Rewritten(NamedTuple):
    """A change that came as the whole text: where it was really made is not known, `edits` is the smallest."""

    edits: tuple[Edit, ...]


Change: TypeAlias = Edit | Rewritten


class Explanation(NamedTuple):
    """applied: now == apply(typed_after, apply(ours, apply(typed_before, sent))), with all hunks in `ours`.

    partial: the same with some hunks only, `n_landed` of them. undone: it was applied and taken back. absent: only
    typing, all of it in `typed_before`. unknown: neither fits; `why` says what it looks like.
    """

    kind: Kind
    typed_before: tuple[Edit, ...] = ()
    ours: tuple[Edit, ...] = ()
    typed_after: tuple[Edit, ...] = ()
    n_landed: int = 0
    why: str = ""


def explain(
    sent: str, ours: Sequence[Edit], changes: Sequence[Change] | None, now: str, *, claimed: bool = True
) -> Explanation:
    """`sent` is the text that `ours` was sent for, `changes` what led from it to `now` (None: not known).

    `claimed`: the client said that it applied the edit. It is no proof; it makes a look-alike suspicious sooner.
    """
    if changes is None or len(sent) * len(changes) > _MAX_CHARS:
        changes = (Rewritten(diff(sent, now)),) if sent != now else ()
    return _Reading(sent, tuple(ours), tuple(changes), claimed=claimed).result(now)


class _Step(NamedTuple):
    is_ours: bool
    edits: tuple[Edit, ...]
    n_hunks: int = 0


class _Mark(NamedTuple):
    """How things stood before a change that was ours: for seeing it taken back."""

    text: str
    n_steps: int
    left: tuple[Edit | None, ...]


class _Reading:
    """Goes over the changes once. `left` are the hunks still looked for, said on the present text; None: landed, or
    typed over."""

    def __init__(self, sent: str, ours: tuple[Edit, ...], changes: tuple[Change, ...], *, claimed: bool) -> None:
        self.sent = sent
        self.ours = ours
        self.changes = changes
        self.claimed = claimed
        self.texts = _texts(sent, changes)
        self.left: list[Edit | None] = list(ours)
        self.steps: list[_Step] = []
        self.marks: list[_Mark] = []
        self.landed_by: tuple[Change, ...] = ()
        self.undone = False
        self.why = ""

    # --- going over the changes ---

    def result(self, now: str) -> Explanation:
        at = 0
        while at < len(self.changes):
            at = self._ours_in_several(at) or self._one(at)
            self._see_undone(self.texts[at])
        if self.texts[-1] != now:
            return Explanation("unknown", why="the changes that came do not lead to the text that is there")
        return self._concluded(now)

    def _one(self, at: int) -> int:
        change, text = self.changes[at], self.texts[at]
        edits = change.edits if isinstance(change, Rewritten) else (change,)
        if isinstance(change, Rewritten):
            self._take_merged(text, edits, range(len(self.left)), anywhere=True)
        elif not self._take_exact(text, change):
            self._suspect(at, text, change)
            self._take_merged(text, edits, self._within(text, change))
        return at + 1

    def _theirs(self, text: str, edits: tuple[Edit, ...]) -> None:
        """A person's: what is left of ours moves along; hunks whose text it touches are no longer looked for."""
        edits = refined(text, edits)
        if not edits:
            return
        self.steps.append(_Step(False, edits))
        for index, hunk in enumerate(self.left):
            if hunk is not None:
                moved = rebase((hunk,), edits)
                # An equal edit is not told apart from ours: it was taken as ours before it came here.
                self.left[index] = moved.edits[0] if moved.edits else None

    def _took(self, text: str, hunks: Sequence[int], by: tuple[Change, ...]) -> None:
        """Our hunks have landed in `text`; the others move along."""
        edits = tuple(sorted((hunk for index in hunks if (hunk := self.left[index]) is not None), key=_place))
        self.marks.append(_Mark(text, len(self.steps), tuple(self.left)))
        self.steps.append(_Step(True, edits, len(hunks)))
        self.landed_by += by
        for index, hunk in enumerate(self.left):
            if index in hunks or hunk is None:
                self.left[index] = None
            else:
                shift = sum(edit.delta for edit in edits if _place(edit) <= _place(hunk))
                self.left[index] = Edit(hunk.start + shift, hunk.end + shift, hunk.text)

    def _see_undone(self, text: str) -> None:
        """The text is again what it was before ours came: a person took it back."""
        for depth, mark in enumerate(self.marks):
            if mark.text == text and len(self.steps) > mark.n_steps:
                del self.marks[depth:], self.steps[mark.n_steps :]
                self.left = list(mark.left)
                self.undone, self.landed_by = True, ()
                return

    # --- ours, exactly ---

    def _ours_in_several(self, at: int) -> int | None:
        """Where a run of changes ends that together do what all the hunks left do, and do it there."""
        hunks = self._indices()
        text = self.texts[at]
        if not hunks or isinstance(self.changes[at], Rewritten) or len(self.changes) - at < 2:
            return None
        wanted_edits = [hunk for index in hunks if (hunk := self.left[index]) is not None]
        n_wanted = len(text) + sum(hunk.delta for hunk in wanted_edits)
        wanted = ""
        for end in range(at + 2, len(self.texts)):
            if len(self.texts[end]) != n_wanted or isinstance(self.changes[end - 1], Rewritten):
                continue
            wanted = wanted or _applied(text, wanted_edits)
            run = self.changes[at:end]
            if self.texts[end] == wanted and self._is_in_place(text, run, wanted_edits):
                self._took(text, hunks, run)
                return end
        return None

    def _is_in_place(self, text: str, run: Sequence[Change], hunks: Sequence[Edit]) -> bool:
        edits = compose_all([change.edits if isinstance(change, Rewritten) else (change,) for change in run])
        return all(any(_is_near(text, edit, hunk) for hunk in hunks) for edit in edits)

    def _take_exact(self, text: str, change: Edit) -> bool:
        """Whether the change does what one hunk, or some beside each other, would do at their place."""
        near = [index for index in self._indices() if _meets_lines(text, change, self.left[index])]
        for group in _groups(near):
            hunks = [hunk for index in group if (hunk := self.left[index]) is not None]
            if _same_effect(text, change, hunks) and _is_near(text, change, _hull(hunks)):
                self._took(text, group, (change,))
                return True
        return False

    # --- ours and keys in one change ---

    def _within(self, text: str, change: Edit) -> list[int]:
        """The hunks whose place the change covers."""
        return [index for index, hunk in enumerate(self.left) if hunk is not None and _covers(text, change, hunk)]

    def _take_merged(
        self, text: str, edits: tuple[Edit, ...], within: Iterable[int], *, anywhere: bool = False
    ) -> None:
        indices = [index for index in within if self.left[index] is not None]
        new = _applied(text, edits)
        least = diff(text, new) if indices else edits
        alone = [[index] for index in indices] if 1 < len(indices) <= _MAX_GROUP else []
        for group in [indices, *alone]:
            if group and self._is_merged(text, new, group, _size(least), anywhere=anywhere):
                hunks = [hunk for index in group if (hunk := self.left[index]) is not None]
                made = _applied(text, hunks)
                self._took(text, group, ())
                left = [index for index in indices if index not in group]
                self._take_merged(made, diff(made, new), left, anywhere=anywhere)
                return
        self._suspect_within(text, new, indices, least)
        self._theirs(text, least if len(least) > 1 else edits)

    def _is_merged(self, text: str, new: str, group: Sequence[int], n_without: int, *, anywhere: bool) -> bool:
        hunks = [hunk for index in group if (hunk := self.left[index]) is not None]
        made = _applied(text, hunks)
        typed = diff(made, new)
        if _size(typed) >= n_without:
            return False
        places = invert(text, hunks)
        if any(_disturbs(_trimmed(made, their), place) for place in places for their in typed):
            return False
        pairs = list(zip(places, hunks, strict=True))
        again = any(_is_again(their, place, hunk, anywhere=anywhere) for place, hunk in pairs for their in typed)
        if again or (anywhere and _says_more(hunks, made, new)):
            self.why = self.why or "it seems to have been applied twice"
        return True

    # --- what looks like ours and is not in its place ---

    def _suspect(self, at: int, text: str, change: Edit) -> None:
        if text != self.sent and any(self._is_displaced(text, change, hunk) for hunk in self.ours):
            self.why = self.why or "the editor applied it to newer text, in the wrong place"
        run = self.changes[at : at + len(self.landed_by)]
        if self.landed_by and run == self.landed_by and not self._indices():
            self.why = self.why or "it seems to have been applied twice"

    def _is_displaced(self, text: str, change: Edit, hunk: Edit) -> bool:
        """Whether it is the very range and text that was sent, as the client reads them on newer text."""
        if change.text != hunk.text or (change.start == change.end and not change.text):
            return False
        places = zip((hunk.start, hunk.end), (change.start, change.end), strict=True)
        return all(_offset(text, *_line_and_column(self.sent, was)) == now for was, now in places)

    def _suspect_within(self, text: str, new: str, places: Sequence[int], edits: Iterable[Edit]) -> None:
        """A change that is not explained by ours and yet says what ours would say, or at our place a part of it."""
        whole = [hunk.text.strip() for hunk in self.left if hunk is not None and _is_telling(hunk.text)]
        here = [hunk for index in places if (hunk := self.left[index]) is not None]
        if _says_more(here, text, new) or any(said in edit.text for said in whole for edit in edits):
            self.why = self.why or "what it would write came back, but not where it was to go"

    # --- the end ---

    def _concluded(self, now: str) -> Explanation:
        n_landed = sum(step.n_hunks for step in self.steps)
        if self.why:
            return Explanation("unknown", n_landed=n_landed, why=self.why)
        if not n_landed:
            typed = compose_all([step.edits for step in self.steps])
            return Explanation("undone" if self.undone else "absent", typed)
        before, ours, after = self._parts(now)
        kind: Kind = "applied" if n_landed == len(self.ours) else "partial"
        return Explanation(kind, before, ours, after, n_landed)

    def _parts(self, now: str) -> tuple[tuple[Edit, ...], tuple[Edit, ...], tuple[Edit, ...]]:
        flags = [step.is_ours for step in self.steps]
        first, last = flags.index(True), len(flags) - 1 - flags[::-1].index(True)
        before = compose_all([step.edits for step in self.steps[:first]])
        start = apply(self.sent, before)
        ours = compose_all([step.edits for step in self.steps[first : last + 1] if step.is_ours])
        if all(flags[first : last + 1]):
            return before, ours, compose_all([step.edits for step in self.steps[last + 1 :]])
        ours = self._together(start, first, last)
        return before, ours, diff(apply(start, ours), now)

    def _together(self, start: str, first: int, last: int) -> tuple[Edit, ...]:
        """Ours as one change on `start`, though keys came in between: each part is moved back before them."""
        typed: list[tuple[Edit, ...]] = []
        ours: tuple[Edit, ...] = ()
        text = start
        for step in self.steps[first : last + 1]:
            if step.is_ours:
                keys = compose_all(typed)
                back = rebase(step.edits, invert(text, keys)).edits if keys else step.edits
                ours = compose_all([ours, back]) if ours else back
                text, typed = apply(text, back), [rebase(keys, back).edits] if keys else []
            else:
                typed.append(step.edits)
        return ours

    def _indices(self) -> list[int]:
        return [index for index, hunk in enumerate(self.left) if hunk is not None]


# --- edits ---


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


def _texts(sent: str, changes: Iterable[Change]) -> list[str]:
    texts = [sent]
    for change in changes:
        texts.append(_applied(texts[-1], change.edits if isinstance(change, Rewritten) else (change,)))
    return texts


def _applied(text: str, edits: Sequence[Edit]) -> str:
    if len(edits) == 1:
        start, end, new = edits[0]
        return text[:start] + new + text[end:]
    return apply(text, edits)


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _size(edits: Iterable[Edit]) -> int:
    return sum(len(edit.text) + edit.end - edit.start for edit in edits)


def _hull(hunks: Sequence[Edit]) -> Edit:
    return Edit(min(hunk.start for hunk in hunks), max(hunk.end for hunk in hunks), "")


def _groups(indices: Sequence[int]) -> list[list[int]]:
    """Neighbours that one change may stand for: each alone, then runs, longest first."""
    groups = [[index] for index in indices]
    if len(indices) > _MAX_GROUP:
        return [*groups, list(indices)]
    sizes = range(len(indices), 1, -1)
    return groups + [list(indices[at : at + n]) for n in sizes for at in range(len(indices) - n + 1)]


def _same_effect(text: str, change: Edit, hunks: Sequence[Edit]) -> bool:
    if change.delta != sum(hunk.delta for hunk in hunks):
        return False
    hull = _hull([change, *hunks])
    part = text[hull.start : hull.end]
    moved = [Edit(edit.start - hull.start, edit.end - hull.start, edit.text) for edit in hunks]
    mine = Edit(change.start - hull.start, change.end - hull.start, change.text)
    return _applied(part, moved) == _applied(part, [mine])


def _lines_of(text: str, edit: Edit) -> tuple[int, int]:
    """The stretch in which a client may say that an edit was made: its lines, and the break before them."""
    end = text.find("\n", edit.end)
    return max(text.rfind("\n", 0, edit.start), 0), len(text) if end < 0 else end + 1


def _is_near(text: str, change: Edit, hunk: Edit) -> bool:
    start, end = _lines_of(text, hunk)
    return start <= change.start and change.end <= end


def _covers(text: str, change: Edit, hunk: Edit) -> bool:
    """Whether a hunk may be in a change: what of its place lies outside is what it leaves as it was."""
    head = text[hunk.start : change.start]
    tail = text[change.end : hunk.end]
    return hunk.text.startswith(head) and hunk.text.endswith(tail)


def _meets_lines(text: str, change: Edit, hunk: Edit | None) -> bool:
    if hunk is None:
        return False
    start, end = _lines_of(text, hunk)
    return change.start <= end and start <= change.end


def _disturbs(their: Edit, place: Edit) -> bool:
    """Whether a change of our result spoils one of our hunks; `place` is the hunk's undoing, in the result's offsets.

    Typing beside our text or within it leaves it there. Where we only deleted, text must not come back.
    """
    if place.end > place.start:
        is_typing = their.start == their.end
        return not is_typing and their.start < place.end and their.end > place.start
    inside = their.start < place.start < their.end
    return inside or (their.start <= place.start <= their.end and bool(place.text) and place.text in their.text)


def _trimmed(text: str, edit: Edit) -> Edit:
    """The same edit without what is equal at its ends: a word that grew is a word with something typed in it."""
    start, end, new = edit
    while start < end and new and text[start] == new[0]:
        start, new = start + 1, new[1:]
    while start < end and new and text[end - 1] == new[-1]:
        end, new = end - 1, new[:-1]
    return Edit(start, end, new)


def _is_again(their: Edit, place: Edit, hunk: Edit, *, anywhere: bool) -> bool:
    """Whether what is typed beside one of our hunks says the same once more; `anywhere`: or a good part of it."""
    theirs, ours = their.text.strip(), hunk.text.strip()
    beside = their.start <= place.end and place.start <= their.end
    is_same = (_is_telling(ours) and ours in theirs) or (anywhere and _is_telling(theirs) and theirs in ours)
    return beside and is_same


def _says_more(hunks: Iterable[Edit], made: str, new: str) -> bool:
    """Whether some word of ours stands in the new text more often than it should."""
    words = {word for hunk in hunks for word in _WORD.findall(hunk.text)}
    return any(new.count(word) > made.count(word) for word in words)


def _is_telling(text: str) -> bool:
    return len(text.strip()) >= _TELLING


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset), offset - text.rfind("\n", 0, offset) - 1


def _offset(text: str, line: int, column: int) -> int:
    """Clamped, as clients do."""
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    end = text.find("\n", start)
    return min(start + column, len(text) if end < 0 else end)
