"""What became of an edit that was sent, read off the changes that came back. Pure; offsets are code points.

Theory: the changes since the edit was sent are ours and a person's in some order. Each hunk of ours is carried along
over the person's changes (`rebase`); a change counts as ours only where it does to the text what a hunk does *at the
hunk's place*, since a person may type the same line elsewhere. A change may be several hunks, a hunk several
changes, and one change may hold both ours and keys (some clients merge what happened within a moment): then it counts
as ours when what is left beside our hunks is less than what would have to be typed without them. What looks like ours
at another place (applied to newer text with the old ranges) or twice is `unknown`: never believed, never sent again.
Start with `explain`.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, compose_all, invert, rebase
from copydesk.text.traces import (
    Change,
    Rewritten,
    applied,
    by_characters,
    covers,
    disturbs,
    groups_of,
    has_same_effect,
    hull_of,
    is_again,
    is_astray,
    is_mostly_there,
    is_near,
    is_telling,
    leads,
    leaves_an_end,
    line_and_column,
    meets_lines,
    moves_across,
    offset_of,
    place_of,
    refined,
    says_more,
    size_of,
    takes_from_beside,
    texts_of,
    trimmed,
)

__all__ = ["Change", "Explanation", "Kind", "Rewritten", "explain", "refined"]

Kind: TypeAlias = Literal["applied", "partial", "undone", "absent", "unknown"]

_MAX_CHARS = 20_000_000
"""Texts times changes that are looked at one by one; beyond it only the last text is."""

_MAX_ALONE = 8


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
        self.texts = texts_of(sent, changes)
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
        edits = tuple(sorted((hunk for index in hunks if (hunk := self.left[index]) is not None), key=place_of))
        self.marks.append(_Mark(text, len(self.steps), tuple(self.left)))
        self.steps.append(_Step(True, edits, len(hunks)))
        self.landed_by += by
        for index, hunk in enumerate(self.left):
            if index in hunks or hunk is None:
                self.left[index] = None
            else:
                shift = sum(edit.delta for edit in edits if place_of(edit) <= place_of(hunk))
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
            wanted = wanted or applied(text, wanted_edits)
            run = self.changes[at:end]
            if self.texts[end] == wanted and self._is_in_place(text, run, wanted_edits):
                self._took(text, hunks, run)
                return end
        return None

    def _is_in_place(self, text: str, run: Sequence[Change], hunks: Sequence[Edit]) -> bool:
        edits = compose_all([change.edits if isinstance(change, Rewritten) else (change,) for change in run])
        return all(any(is_near(text, edit, hunk) for hunk in hunks) for edit in edits)

    def _take_exact(self, text: str, change: Edit) -> bool:
        """Whether the change does what one hunk, or some beside each other, would do at their place."""
        near = [index for index in self._indices() if meets_lines(text, change, self.left[index])]
        for group in groups_of(near):
            hunks = [hunk for index in group if (hunk := self.left[index]) is not None]
            if has_same_effect(text, change, hunks) and is_near(text, change, hull_of(hunks)):
                self._took(text, group, (change,))
                return True
        return False

    # --- ours and keys in one change ---

    def _within(self, text: str, change: Edit) -> list[int]:
        """The hunks whose place the change covers."""
        return [index for index, hunk in enumerate(self.left) if hunk is not None and covers(text, change, hunk)]

    def _take_merged(
        self, text: str, edits: tuple[Edit, ...], within: Iterable[int], *, anywhere: bool = False
    ) -> None:
        indices = [index for index in within if self.left[index] is not None]
        new = applied(text, edits)
        least = diff(text, new) if indices else edits
        alone = [[index] for index in indices] if 1 < len(indices) <= _MAX_ALONE else []
        for group in [indices, *alone]:
            if group and self._is_merged(text, new, group, size_of(least), anywhere=anywhere):
                hunks = [hunk for index in group if (hunk := self.left[index]) is not None]
                made = applied(text, hunks)
                self._took(text, group, ())
                left = [index for index in indices if index not in group]
                self._take_merged(made, diff(made, new), left, anywhere=anywhere)
                return
        self._suspect_within(text, new, indices, least, anywhere=anywhere)
        self._theirs(text, least if len(least) > 1 else edits)

    def _is_merged(self, text: str, new: str, group: Sequence[int], n_without: int, *, anywhere: bool) -> bool:
        """Said in words at first, as people type; then in characters, since among equal words those may go astray."""
        hunks = [hunk for index in group if (hunk := self.left[index]) is not None]
        made = applied(text, hunks)
        typed = [trimmed(made, their) for their in diff(made, new)]
        if size_of(typed) < n_without and self._is_apart(text, new, hunks, typed, anywhere=anywhere):
            return True
        typed = by_characters(made, new)
        is_less = bool(typed) and size_of(typed) < size_of(by_characters(text, new))
        return is_less and self._is_apart(text, new, hunks, typed, anywhere=anywhere)

    def _is_apart(self, text: str, new: str, hunks: Sequence[Edit], typed: Sequence[Edit], *, anywhere: bool) -> bool:
        """Whether what would have been typed beside the hunks leaves them where and what they are."""
        made = applied(text, hunks)
        places = invert(text, hunks)
        if any(disturbs(made, their, place) for place in places for their in typed):
            return False
        if any(takes_from_beside(made, their, place) for place in places for their in typed):
            return False
        if any(moves_across(made, typed, place) for place in places):
            return False
        pairs = list(zip(places, hunks, strict=True))
        if is_astray(text, made, new, places, typed):
            return False
        again = any(is_again(their, place, hunk, anywhere=anywhere) for place, hunk in pairs for their in typed)
        if again or (anywhere and says_more(hunks, made, new)):
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
        if change.delta != hunk.delta or change.text not in hunk.text or change == Edit(change.start, change.start, ""):
            return False
        start, end = (offset_of(text, *line_and_column(self.sent, place)) for place in (hunk.start, hunk.end))
        return start <= end and has_same_effect(text, change, [Edit(start, end, hunk.text)])

    def _suspect_within(
        self, text: str, new: str, places: Sequence[int], edits: Iterable[Edit], *, anywhere: bool
    ) -> None:
        """A change that is not explained by ours and yet says what ours would say, or at our place a part of it."""
        whole = [hunk.text.strip() for hunk in self.left if hunk is not None and is_telling(hunk.text)]
        here = [hunk for index in places if (hunk := self.left[index]) is not None]
        is_there = any(is_mostly_there(text, new, hunk) for hunk in here[:_MAX_ALONE])
        is_there = is_there or (not anywhere and any(leaves_an_end(text, new, hunk) for hunk in here))
        if is_there or says_more(here, text, new) or any(said in edit.text for said in whole for edit in edits):
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
        ours, between = self._together(start, first, last)
        made = apply(start, ours)
        typed = compose_all([between, *(step.edits for step in self.steps[last + 1 :])])
        return before, ours, typed if leads(made, typed, now) else diff(made, now)

    def _together(self, start: str, first: int, last: int) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
        """Ours as one change on `start`, and the keys that came in between, said on what ours made."""
        keys: tuple[Edit, ...] = ()
        ours: tuple[Edit, ...] = ()
        text = start
        for step in self.steps[first : last + 1]:
            if step.is_ours:
                back = rebase(step.edits, invert(text, keys)).edits
                ours = compose_all([ours, back])
                text, keys = apply(text, back), rebase(keys, back).edits
            else:
                keys = compose_all([keys, step.edits])
        return ours, keys

    def _indices(self) -> list[int]:
        return [index for index, hunk in enumerate(self.left) if hunk is not None]
