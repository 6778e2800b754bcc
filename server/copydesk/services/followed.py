"""One file's pieces, following its text: what is typed, what turns land, what an undo switches.

Owns the order in which these reach the pieces; where the text comes from and goes to is `services.attribution`'s.
All on the event loop: a `Watch` is no thing for threads. Start with `FollowedFile.land`.
"""

import zlib
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from difflib import SequenceMatcher
from itertools import accumulate
from typing import NamedTuple

from copydesk.services.landed import Landed
from copydesk.store.authored import AuthoredText
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply
from copydesk.text.lines import split_lines
from copydesk.text.pieces import Pieces, authors, forgotten, spans_of, written
from copydesk.text.taking import turned, typed
from copydesk.workspace.history import History
from copydesk.workspace.watches import Watch

MAX_STEPS_BACK = 32
MAX_TEXT_BACK = 4_000_000
"""States before the newest, and characters in all of them, that can be returned to: a landing is told of only when
it is proven, and what it changed was heard of before that."""

MAX_KEY_TEXT, MAX_KEY_RUNS = 50_000, 200
MAX_CHANGE_TEXT = 1_000_000
"""Up to here a keystroke, or a change of more than that, is taken in by itself: an editor's undo is known best so."""

MAX_TURNS, MAX_PIECES = 64, 4096
"""Turns, and edits of theirs, that are remembered in one file: the oldest turns go first, the newest never."""

MAX_COMPARED = 250_000
MIN_SHARED = 3
"""So many characters in the middle of two texts are no chance."""

MIN_LONG = 20

Take = Callable[[tuple[Edit, ...]], frozenset[str]]


class _State(NamedTuple):
    text: str
    pieces: Pieces


class FollowedFile:
    """`pieces` stand on `text`. `lines` are marks of the lines each turn wrote, as it left them."""

    def __init__(
        self, stored: AuthoredText, watch: Callable[[str, str | None], Watch], since: Watch | None = None
    ) -> None:
        """`watch` makes a watch of a document; `since` is one that was made when it was opened."""
        self.uri = stored.uri
        self.text = stored.text
        self.pieces = stored.pieces
        self.lines = dict(stored.lines)
        self._make_watch = watch
        self._watch = since or watch(self.uri, self.text)
        self._trail: deque[_State] = deque(maxlen=MAX_STEPS_BACK)
        if self._watch.text not in (None, self.text):
            self._step(compared(self.text, self._watch.text or ""), self._watch.text or "")

    def stored(self) -> AuthoredText:
        return AuthoredText(self.uri, self.text, self.pieces, dict(self.lines))

    # --- following ---

    def advance(self, version: int | None = None) -> None:
        """Takes in what was typed up to that version, or up to now, where the document is or was open."""
        known = self._watch.text
        edits = self._watch.take(version)
        now = self._watch.text
        if now is None or now == self.text:
            return
        if known != self.text:
            edits = compared(self.text, now)
        self._step(edits, now)

    def hear(self, history: History) -> None:
        """The document has just changed. Cheap: what would take long waits until it is needed."""
        is_key = all(isinstance(each, Edit) and _is_key(each) for each in history.changes)
        if is_key and (len(self.text) > MAX_KEY_TEXT or len(self.pieces.runs) > MAX_KEY_RUNS):
            return
        if len(self.text) <= MAX_CHANGE_TEXT:
            if history.previous is not None:
                self.advance(history.previous.version)
            self.advance()

    def reach(self, text: str) -> None:
        """Takes in how the text was changed out of our sight."""
        if text != self.text:
            self._step(compared(self.text, text), text)
            self._watch = self._make_watch(self.uri, text)

    def _step(self, edits: Iterable[Edit], now: str) -> None:
        self._trail.append(_State(self.text, self.pieces))
        while len(self._trail) > 1 and len(self._trail) * len(self.text) > MAX_TEXT_BACK:
            self._trail.popleft()
        self.pieces = typed(self.pieces, self.text, edits)
        self.text = now

    def _type(self, edits: tuple[Edit, ...]) -> None:
        """Edits that landing tells of. Long replacements come of comparing texts, not of keys."""
        if edits:
            long = any(min(edit.end - edit.start, len(edit.text)) >= MIN_LONG for edit in edits)
            now = apply(self.text, edits)
            self._step(compared(self.text, now) if long else edits, now)

    # --- landing ---

    def land(self, record: Landed, take: Take) -> frozenset[str]:
        """Takes in a landing; `take` does so with its edits: `write` or `turn`. Returns the ids that gives."""
        before = record.before or ""
        self.stand_on(before, _version_of(record))
        self._type(record.typed_before)
        made = take(_whole(record, self.text))
        self._type(record.typed_after)
        self._watch.take(record.version)
        self.reach(record.now or "")
        return made

    def stand_on(self, text: str, version: int | None) -> None:
        """Takes in what led to `text`, of that version if open: typed since the last look, or looked at before."""
        if self.text == text:
            return
        if earlier := next((state for state in reversed(self._trail) if state.text == text), None):
            self.text, self.pieces = earlier.text, earlier.pieces
            return
        if version is not None or self._watch.text == self.text:
            self.advance(version)
        self.reach(text)

    def write(self, parts: Iterable[tuple[str, tuple[Edit, ...]]], ids: Callable[[], str]) -> frozenset[str]:
        """What turns wrote, each on the text that the one before made. Returns the ids of the new pieces."""
        known = len(self.pieces.made)
        for turn, edits in parts:
            self.pieces, self.text = written(self.pieces, self.text, edits, turn, ids), apply(self.text, edits)
            self._mark(turn)
        made = frozenset(piece.id for piece in self.pieces.made[known:])
        self._bound()
        return made

    def _bound(self) -> None:
        """Forgets the oldest turns where there are too many: every one of them makes every change dearer."""
        counts = Counter(piece.author for piece in reversed(self.pieces.made) if piece.author)
        n_pieces = 0
        old: set[str] = set()
        for place, (turn, count) in enumerate(counts.items()):
            n_pieces += count
            if place and (place >= MAX_TURNS or n_pieces > MAX_PIECES):
                old.add(turn)
        if old:
            self.forget(old)

    def turn(self, ours: tuple[Edit, ...], switch: Collection[str]) -> frozenset[str]:
        """An undo's edits: turns those pieces whose part of the undo has landed; what else it did counts as typed."""
        wanted = apply(self.text, ours)
        edits, pieces = turned(self.pieces, self.text, switch)
        done = frozenset(switch)
        if apply(self.text, edits) != wanted:
            done = frozenset(id for id in switch if set(turned(self.pieces, self.text, {id})[0]) <= set(ours))
            edits, pieces = turned(self.pieces, self.text, done)
        self.text, self.pieces = apply(self.text, edits), pieces
        self._type(diff(self.text, wanted))
        return done

    def moved(self, uri: str, text: str) -> None:
        self.uri = uri
        self._watch = self._make_watch(uri, text)

    def forget(self, turns: Collection[str]) -> None:
        self.pieces = forgotten(self.pieces, {piece.id for piece in self.pieces.made if piece.author in turns})
        self.lines = {turn: marks for turn, marks in self.lines.items() if turn not in turns}

    # --- lines ---

    def _mark(self, turn: str) -> None:
        """Remembers the lines in which the turn's text stands, as they are now."""
        lines = split_lines(self.text)
        starts = list(accumulate(map(len, lines), initial=0))
        marks = {*self.lines.get(turn, ())}
        for start, end in spans_of(self.pieces, turn):
            for number in range(bisect_right(starts, start) - 1, bisect_right(starts, end - 1)):
                if number < len(lines):
                    marks.add(mark_of(lines[number]))
        self.lines[turn] = tuple(sorted(marks))

    def turn_of_line(self, start: int, end: int) -> str:
        """The turn that wrote in text[start:end], a line, which reads as that turn left it; '' where none did."""
        mark = mark_of(self.text[start:end])
        if mark == mark_of(""):
            return ""
        writers = [who for first, last, who in authors(self.pieces) if first < end and last > start]
        newest = [piece.author for piece in self.pieces.made if piece.author in writers]
        return next((who for who in reversed(newest) if mark in self.lines.get(who, ())), "")


def mark_of(line: str) -> int:
    """A line's content without its indentation and end, as a number."""
    return zlib.crc32(line.strip().encode("utf-8", "surrogatepass"))


def _is_key(edit: Edit) -> bool:
    return len(edit.text) + edit.end - edit.start <= 1


def compared(old: str, new: str) -> tuple[Edit, ...]:
    """What a person may have done to the text where nobody saw it: finer than `diff`, so that what stayed is known.

    A word that was typed into is not a new word. But a line end, or a letter or two, that stand between changes are
    no sign that they stayed: what was written anew has them too, and it is the person's.
    """
    found: list[Edit] = []
    for edit in _apart(diff(old, new), old):
        was = old[edit.start : edit.end]
        found += _finer(was, edit) if was and edit.text and len(was) * len(edit.text) <= MAX_COMPARED else [edit]
    return tuple(found)


def _apart(edits: Iterable[Edit], old: str) -> list[Edit]:
    """Edits with too little between them are one."""
    found: list[Edit] = []
    for edit in edits:
        between = old[found[-1].end : edit.start] if found else ""
        if found and len(between.strip()) < MIN_SHARED:
            last = found.pop()
            edit = Edit(last.start, edit.end, last.text + between + edit.text)
        found.append(edit)
    return found


def _finer(was: str, edit: Edit) -> list[Edit]:
    matcher = SequenceMatcher(None, was, edit.text, autojunk=False)
    found: list[Edit] = []
    i = j = 0
    for at, there, size in matcher.get_matching_blocks():
        is_end = (at == there == 0) or (at + size == len(was) and there + size == len(edit.text))
        if size and len(was[at : at + size].strip()) < (1 if is_end else MIN_SHARED):
            continue
        if at > i or there > j:
            found.append(Edit(edit.start + i, edit.start + at, edit.text[j:there]))
        i, j = at + size, there + size
    return found


def _version_of(record: Landed) -> int | None:
    """The version of `record.before`, where what was pending tells it."""
    base = record.file.base
    return base.version if base is not None and base.text == record.before else None


def _whole(record: Landed, text: str) -> tuple[Edit, ...]:
    """The landed edits; a file that was made or deleted changes from or to no text at all."""
    if record.now is None:
        return (Edit(0, len(text), ""),) if text else ()
    if record.before is None and not record.ours and record.now:
        return (Edit(0, 0, record.now),)
    return record.ours
