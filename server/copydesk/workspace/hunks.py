"""A pending file as hunks: their places, their names, and the file with some of them taken or left.

Works on one `PendingFile` that stands on the text as it is now. A hunk's name is kept as a `Mark` in that file: it
follows typing, and goes to whichever hunk stands there later. Start with `Cut`.
"""

import secrets
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import FileSource
from copydesk.domain.review import Hunk, LineChange, Proposed, Standing
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, invert
from copydesk.text.linewise import Group, Lines, Part, content, file_lines
from copydesk.text.pieces import Pieces, newest_authors
from copydesk.workspace.proposals import Held, Mark, PendingFile, typed_since

Named = Callable[[], str]


def new_id() -> str:
    return f"h-{secrets.token_hex(4)}"


class Cut:
    """One pending file cut into hunks. `file` carries the marks that name them."""

    def __init__(self, file: PendingFile, session: str, named: Named = new_id) -> None:
        self.session = session
        self._groups: dict[str, Group] = {}
        self._held: dict[str, tuple[Held, ...]] = {}
        self.file = self._marked_whole(file, named) if is_whole(file) else self._marked(file, named)
        self.hunks = self._whole_hunks() if is_whole(file) else self._text_hunks()

    # --- names ---

    def _marked_whole(self, file: PendingFile, named: Named) -> PendingFile:
        self._lines = Lines("", "")
        return file if file.marks else replace(file, marks=(Mark(named(), 0, 0),))

    def _marked(self, file: PendingFile, named: Named) -> PendingFile:
        assert file.base is not None
        self._lines = Lines(file.base.text, file.text or "")
        starts = self._lines.starts
        places = [(starts[group.old[0]], starts[group.old[1]]) for group in self._lines.groups]
        names = _names(places, list(file.marks), named)
        left = [mark for mark in file.marks if mark.id not in names]
        runs = _runs(file.held, starts)
        held_names = _names([_place(run) for run in runs], left, named)
        self._groups = dict(zip(names, self._lines.groups, strict=True))
        self._held = dict(zip(held_names, runs, strict=True))
        marks = [Mark(name, *place) for name, place in zip(names, places, strict=True)]
        marks += [Mark(name, *_place(run)) for name, run in self._held.items()]
        return replace(file, marks=tuple(marks))

    # --- hunks ---

    def _whole_hunks(self) -> tuple[Hunk, ...]:
        file = self.file
        before = file.base.text if file.base else ""
        n_lines = len(Lines(before, before).old)
        id, turn, kind = file.marks[0].id, turn_of(file), file.kind
        hunk = Hunk(id, self.session, turn, file.uri, kind, 0, n_lines, before, file.text or "", (), file.moved_from)
        return (replace(hunk, held=bool(file.held)),)

    def _text_hunks(self) -> tuple[Hunk, ...]:
        starts = self._lines.new_starts
        places = [(starts[group.new[0]], starts[group.new[1]]) for group in self._groups.values()]
        turns = newest_authors(self.file.pieces, places)
        last = turn_of(self.file)
        texts = [
            self._hunk(id, each, turn or last) for (id, each), turn in zip(self._groups.items(), turns, strict=True)
        ]
        held = [self._held_hunk(id, held) for id, held in self._held.items()]
        return tuple(sorted((*texts, *held), key=lambda hunk: (hunk.start_line, hunk.end_line)))

    def _hunk(self, id: str, group: Group, turn: str) -> Hunk:
        old, new = self._lines.old, self._lines.new
        (i, i2), (j, j2) = group.old, group.new
        changes = tuple(_line_change(number, part, old, new) for number, part in enumerate(group.parts, 1))
        return Hunk(
            id, self.session, turn, self.file.uri, "change", i, i2, "".join(old[i:i2]), "".join(new[j:j2]), changes
        )

    def _held_hunk(self, id: str, run: tuple[Held, ...]) -> Hunk:
        starts, text = self._lines.starts, "".join(self._lines.old)
        first, last = _lines_of(*_place(run), starts)
        before = after = text[starts[first] : run[0].start]
        at = run[0].start
        for held in run:
            before += text[at : held.start] + held.before
            after += text[at : held.start] + held.after
            at = max(at, held.end)
        rest = text[at : starts[min(last + 1, len(starts) - 1)]]
        turn, uri = turn_of(self.file), self.file.uri
        return Hunk(id, self.session, turn, uri, "change", first, last + 1, before + rest, after + rest, held=True)

    # --- all of them ---

    @cached_property
    def proposed(self) -> Proposed | None:
        """The file with all of its hunks; None where it is not text. What is held back is not in it."""
        if is_whole(self.file):
            text = "" if self.file.kind == "delete" else self.file.text
            whole = Standing(self.hunks[0].id, 0, len(file_lines(text or "")))
            return None if text is None else Proposed(text, (whole,))
        free = [Standing(id, *group.new, tuple(part.j for part in group.parts)) for id, group in self._groups.items()]
        held = [
            Standing(hunk.id, self._now_at(hunk.start_line), self._now_at(hunk.end_line))
            for hunk in self.hunks
            if hunk.held
        ]
        in_order = sorted((*free, *held), key=lambda each: (each.start_line, each.end_line))
        return Proposed(self.file.text or "", tuple(in_order))

    def _now_at(self, line: int) -> int:
        """Where a line of the text as it is stands in the proposed one."""
        shift = 0
        for group in self._lines.groups:
            if line < group.old[1]:
                return group.new[0] if line > group.old[0] else line + shift
            shift = group.new[1] - group.old[1]
        return line + shift

    # --- some of them ---

    def taking(self, wanted: Sequence[tuple[str, Collection[int]]]) -> PendingFile:
        """The file with these hunks alone, or with some lines of them (numbers; none: all). Held ones cannot be."""
        if is_whole(self.file):
            return self.file
        parts = {part for id, numbers in wanted if id in self._groups for part in self._parts(id, numbers)}
        name = ",".join(f"{id}:{'.'.join(map(str, sorted(numbers)))}" for id, numbers in sorted(wanted))
        text = self._lines.taken(parts)
        file = replace(self.file, part=name)
        turns = {piece.author for piece in file.pieces.made}
        if len(turns) == 1:  # nobody to tell apart
            authored = tuple(each for each in file.authored if each.origin.turn in turns)
            file = replace(file, pieces=Pieces(), authored=authored or file.authored)
        return self._with_text(file, text, ())

    def leaving(self, unwanted: Sequence[tuple[str, Collection[int]]]) -> PendingFile | None:
        """The file without these hunks, or without some lines of them; None where nothing is left of it."""
        if is_whole(self.file):
            return None
        out = {part for id, numbers in unwanted if id in self._groups for part in self._parts(id, numbers)}
        parts = {part for group in self._lines.groups for part in group.parts} - out
        gone = {held for id, _ in unwanted for held in self._held.get(id, ())}
        held = tuple(each for each in self.file.held if each not in gone)
        # The name of what is gone must not go to its neighbour: a second decision would reach that.
        names = {id for id, numbers in unwanted if id in self._held or not numbers}
        marks = tuple(mark for mark in self.file.marks if mark.id not in names)
        left = self._with_text(replace(self.file, marks=marks), self._lines.taken(parts), held)
        return None if left.is_void else left

    def _parts(self, id: str, numbers: Collection[int]) -> Iterable[Part]:
        return (part for n, part in enumerate(self._groups[id].parts, 1) if not numbers or n in numbers)

    def _with_text(self, file: PendingFile, text: str, held: tuple[Held, ...]) -> PendingFile:
        assert file.base is not None
        edits = diff(file.base.text, text)
        return replace(file, edits=edits, held=held, dropped=held).with_text(text)


def cut_on(file: PendingFile, base: FileSource, session: str) -> tuple[Cut, PendingFile]:
    """The file's hunks on the text that `base` has now, and what to remember of the file (see `kept`)."""
    if is_whole(file) or file.base is None:
        whole = Cut(file, session)
        return whole, whole.file
    try:
        newer = base.read(file.base_uri)
    except WorkspaceError:
        cut = Cut(file.all_held(), session)
        return cut, replace(file, held=cut.file.held, marks=cut.file.marks)
    current = file.rebased(newer, base)
    cut = Cut(current, session)
    if current.base is None or current.base.content_hash == file.base.content_hash:
        return cut, cut.file
    return cut, kept(file, cut.file, typed_since(base, file.base, newer))


def is_whole(file: PendingFile) -> bool:
    """Whether it is decided as one: what happens to a file as such, not to its text."""
    return file.kind != "change" or file.base is None or file.text is None


def turn_of(file: PendingFile) -> str:
    return file.origins[-1].turn if file.authored else ""


def kept(file: PendingFile, cut: PendingFile, typed: Sequence[Edit]) -> PendingFile:
    """What to remember of a file that was cut on newer text, to which `typed` led from the file's base.

    The newer text, unless typing has met an edit there: the person may take that back, so the edit stays whole on the
    text it was made for. Its marks are then said on that text.
    """
    if file.base is None or len(cut.held) == len(file.dropped):
        return cut
    back = invert(file.base.text, typed)
    return replace(file, held=cut.held, marks=tuple(mark.moved(back) for mark in cut.marks))


def _names(places: Sequence[tuple[int, int]], marks: list[Mark], named: Named) -> list[str]:
    """A name for each place: that of the first unused mark it meets, else a new one."""
    names: list[str] = []
    for start, end in places:
        found = next((mark for mark in marks if mark.start <= end and start <= mark.end), None)
        if found:
            marks.remove(found)
        names.append(found.id if found else named())
    return names


def _runs(held: Iterable[Held], starts: Sequence[int]) -> list[tuple[Held, ...]]:
    """Edits of the same lines, and of lines without one between them: together they are one hunk, as they were."""
    runs: list[tuple[Held, ...]] = []
    last = -2
    for each in sorted(held):
        first, end = _lines_of(each.start, each.end, starts)
        if first <= last + 1:
            runs[-1] = (*runs[-1], each)
        else:
            runs.append((each,))
        last = max(last, end)
    return runs


def _place(run: Sequence[Held]) -> tuple[int, int]:
    return run[0].start, max(held.end for held in run)


def _lines_of(start: int, end: int, starts: Sequence[int]) -> tuple[int, int]:
    """The first and the last line that a span touches."""
    first = min(bisect_right(starts, start) - 1, max(len(starts) - 2, 0))
    return first, max(first, bisect_right(starts, max(end - 1, start)) - 1)


def _line_change(number: int, part: Part, old: Sequence[str], new: Sequence[str]) -> LineChange:
    before = content(old[part.i]) if part.i < part.i2 else None
    after = content(new[part.j]) if part.j < part.j2 else None
    return LineChange(number, part.i, before, after)
