"""The rungs of the ladder on which quoted text is looked for, each forgiving more than the one above.

A rung is a folding of characters and a spacing of lines. Below "exact" whole lines are compared (but for folded
characters, which may be found within lines), so nothing that differs in more than the rung forgives is ever replaced.
What was forgiven stays in the file wherever the new text leaves the line as it was. Works on texts whose breaks are
all `\\n`. Start with `Searched`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple, TypeAlias

from copydesk.text.diffs import changes
from copydesk.text.foldings import Folded, Folding, carried, fold, folded
from copydesk.text.indents import Prefix, Shift, indent_of, shift_between, shifted

Spacing: TypeAlias = Literal["literal", "trailing", "indentation"]
Rung: TypeAlias = Literal[
    "exact",
    "line_ends",
    "trailing_space",
    "indentation",
    "typography",
    "unicode_form",
    "blank_edges",
    "line_numbers",
    "elided",
]
_Change: TypeAlias = tuple[int, int, int, int]
_SAME = Prefix("", "")


class Step(NamedTuple):
    rung: Rung
    folding: Folding
    spacing: Spacing


STEPS: tuple[Step, ...] = (
    Step("exact", "literal", "literal"),
    Step("trailing_space", "literal", "trailing"),
    Step("indentation", "literal", "indentation"),
    Step("typography", "typography", "literal"),
    Step("typography", "typography", "trailing"),
    Step("typography", "typography", "indentation"),
    Step("unicode_form", "unicode_form", "literal"),
    Step("unicode_form", "unicode_form", "trailing"),
    Step("unicode_form", "unicode_form", "indentation"),
)


_N_LITERAL = 3
_WORD = re.compile(r"[A-Za-z0-9_]+|[^\x00-\x7f\W]")
_WORDS_CHARS = 200


class Place(NamedTuple):
    """text[start:end] becomes `new`; it begins in the 0-based line `first`."""

    start: int
    end: int
    new: str
    first: int


class Run(NamedTuple):
    """The `n_lines` whole lines from the 0-based line `first` on become the lines `new`."""

    first: int
    n_lines: int
    new: tuple[str, ...]


class Lines(NamedTuple):
    """Quoted whole lines, without their ends, and those to stand there. `with_end`: the last break belongs to them."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    with_end: bool = True


def as_lines(old: str, new: str) -> Lines:
    """Quoted text as lines. Lines that are quoted to their end are never joined with the next one."""
    with_end = old.endswith("\n")
    if not with_end:
        return Lines(tuple(old.split("\n")), tuple(new.split("\n")), False)
    after = () if not new else tuple(new.removesuffix("\n").split("\n"))
    return Lines(tuple(old[:-1].split("\n")), after)


class Searched:
    """A text made ready for many searches: what one of them worked out, the next ones use."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.has_last_end = text.endswith("\n")
        rows = text.split("\n")
        self.starts = list(accumulate((len(row) + 1 for row in rows), initial=0))[:-1]
        self.lines = rows[:-1] if rows[-1] == "" else rows
        self._keys: dict[tuple[Folding, Spacing], list[str]] = {}
        self._places: dict[tuple[Folding, Spacing], dict[str, list[int]]] = {}
        self._folded: dict[Folding, Folded] = {}
        self._words: dict[str, list[int]] = {}
        self._is_ascii = text.isascii()

    def line_of(self, offset: int) -> int:
        """The 0-based line that the offset is in."""
        return bisect_right(self.starts, offset) - 1

    def steps(self, old: str) -> tuple[Step, ...]:
        """The steps worth trying: with nothing to fold, folding finds nothing new."""
        return STEPS[:_N_LITERAL] if self._is_ascii and old.isascii() else STEPS

    def words(self) -> dict[str, list[int]]:
        """The lines of each word, and of each whole line without the space around it (said with `=` before it)."""
        if not self._words:
            for number, line in enumerate(self.lines):
                if line.strip():
                    for word in (*words_of(line), whole_line(line)):
                        self._words.setdefault(word, []).append(number)
        return self._words

    # --- within lines ---

    def within(self, old: str, new: str, folding: Folding) -> list[Place]:
        """Every occurrence of the very characters, overlapping ones too; folded ones only where no word is cut."""
        if folding == "literal":
            return [Place(at, at + len(old), new, self.line_of(at)) for at in occurrences(self.text, old)]
        if old[:1] == "\n" or (new and old[-1:] == "\n" != new[-1:]):
            return []  # taken to the letter it would join lines: a whole line is meant
        whole, wanted = self._folded_text(folding), fold(old, folding)
        found: list[Place] = []
        for at in occurrences(whole.text, wanted) if wanted.strip() else ():
            start, end = whole.source(at), whole.source(at + len(wanted))
            if start is not None and end is not None and not self._cuts_word(start, end):
                new_there = carried(old, self.text[start:end], new, folding)
                found.append(Place(start, end, new_there, self.line_of(start)))
        return found

    def _folded_text(self, folding: Folding) -> Folded:
        if folding not in self._folded:
            self._folded[folding] = folded(self.text, folding)
        return self._folded[folding]

    def _cuts_word(self, start: int, end: int) -> bool:
        return any(0 < at < len(self.text) and _is_word(self.text[at - 1 : at + 1]) for at in (start, end))

    # --- whole lines ---

    def by_lines(self, quoted: Lines, step: Step) -> list[Run]:
        """Every run of lines that equals the quoted ones as the step compares them."""
        sought = [_key(line, step) for line in quoted.old]
        if step.spacing != "literal" and not any(sought):
            return []
        changed = changes(quoted.old, quoted.new)
        runs = (self._run(first, quoted, changed, step) for first in self._firsts(sought, step))
        return [run for run in runs if run is not None]

    def _firsts(self, sought: Sequence[str], step: Step) -> Iterator[int]:
        keys, places = self.keys(step), self._index(step)
        rarest = min(range(len(sought)), key=lambda i: len(places.get(sought[i], ())))
        n = len(sought)
        for at in places.get(sought[rarest], ()):
            first = at - rarest
            if 0 <= first <= len(keys) - n and keys[first : first + n] == sought:
                yield first

    def keys(self, step: Step) -> list[str]:
        name = step.folding, step.spacing
        if name not in self._keys:
            self._keys[name] = [_key(line, step) for line in self.lines]
        return self._keys[name]

    def _index(self, step: Step) -> dict[str, list[int]]:
        name = step.folding, step.spacing
        if name not in self._places:
            index: dict[str, list[int]] = {}
            for number, key in enumerate(self.keys(step)):
                index.setdefault(key, []).append(number)
            self._places[name] = index
        return self._places[name]

    def _run(self, first: int, quoted: Lines, changed: Sequence[_Change], step: Step) -> Run | None:
        found = self.lines[first : first + len(quoted.old)]
        shift: Shift | None = _SAME
        if step.spacing == "indentation":
            shift = shift_between(quoted.old, found, quoted.new)
            if shift is None:
                quoted = _first_indented(quoted, found)
                changed = changes(quoted.old, quoted.new)
                shift = shift_between(quoted.old, found, quoted.new)
        if shift is None:
            return None
        return Run(first, len(found), _replaced(quoted, changed, found, shift, step.folding))

    def place(self, run: Run, *, with_end: bool) -> Place:
        """The run as offsets; a missing last break stays missing. `with_end`: no lines in their place means none."""
        start = self.starts[run.first]
        last = run.first + run.n_lines - 1
        end = self.starts[last] + len(self.lines[last])
        if with_end and not run.new:
            if end < len(self.text):
                end += 1
            elif start:
                start -= 1
        return Place(start, end, "\n".join(run.new), run.first)


def words_of(line: str) -> list[str]:
    """The different words of a line, or of the beginning of a long one."""
    return list(dict.fromkeys(_WORD.findall(line[:_WORDS_CHARS])))


def whole_line(line: str) -> str:
    return "=" + line.strip()


def occurrences(text: str, wanted: str) -> list[int]:
    """Where `wanted` stands, overlapping places too."""
    found: list[int] = []
    at = text.find(wanted)
    while at >= 0:
        found.append(at)
        at = text.find(wanted, at + 1)
    return found


def apart(places: Sequence[Place]) -> list[Place]:
    """The places from the first on, without those that overlap one before."""
    kept: list[Place] = []
    for place in sorted(places):
        if not kept or place.start >= kept[-1].end:
            kept.append(place)
    return kept


def _is_word(pair: str) -> bool:
    return len(pair) == 2 and all(char.isalnum() or char == "_" for char in pair)


def _key(line: str, step: Step) -> str:
    line = fold(line, step.folding)
    if step.spacing == "literal":
        return line
    return line.rstrip(" \t") if step.spacing == "trailing" else line.strip(" \t")


def _first_indented(quoted: Lines, found: Sequence[str]) -> Lines:
    """Copied from within its first line, the quoted text begins without that line's indentation."""
    lead = indent_of(found[0])
    old, new = list(quoted.old), list(quoted.new)
    if indent_of(old[0]) or not lead:
        return quoted
    old[0] = lead + old[0]
    if new and new[0].strip() and not indent_of(new[0]):
        new[0] = lead + new[0]
    return Lines(tuple(old), tuple(new), quoted.with_end)


def _replaced(
    quoted: Lines, changed: Sequence[_Change], found: Sequence[str], shift: Shift, folding: Folding
) -> tuple[str, ...]:
    """The new lines as the file writes them: those that stay are the file's own."""
    lines: list[str] = []
    done = 0
    for i1, i2, j1, j2 in changed:
        lines += found[done:i1]
        if i2 - i1 == j2 - j1:
            pairs = zip(quoted.old[i1:i2], found[i1:i2], quoted.new[j1:j2], strict=True)
            lines += (_carried_line(old, there, new, shift, folding) for old, there, new in pairs)
        else:
            lines += (shifted(line, shift) for line in quoted.new[j1:j2])
        done = i2
    return (*lines, *found[done:])


def _carried_line(old: str, found: str, new: str, shift: Shift, folding: Folding) -> str:
    """One changed line: indentation and space at its end are the file's where the new line leaves the old one's."""
    if not new.strip() or not old.strip():
        return shifted(new, shift)
    (lead, body, tail), (lead_there, there, tail_there), (lead_new, text, tail_new) = map(_parts, (old, found, new))
    lead = lead_there if lead_new == lead else indent_of(shifted(new, shift))
    return lead + carried(body, there, text, folding) + (tail_there if tail_new == tail else tail_new)


def _parts(line: str) -> tuple[str, str, str]:
    body = line.strip(" \t")
    lead = indent_of(line)
    return lead, body, line[len(lead) + len(body) :]
