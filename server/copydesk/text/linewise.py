"""A change seen line by line: the smallest parts a person can take or leave, and the text with some of them taken.

Line numbers count from 0 in the old text and in the new one. Start with `parts`.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from copydesk.text.diffs import aligned
from copydesk.text.edits import Edit
from copydesk.text.lines import content_length, has_break, line_end, split_lines


class Part(NamedTuple):
    """At most one line on each side: old[i:i2] becomes new[j:j2]."""

    i: int
    i2: int
    j: int
    j2: int


class Group(NamedTuple):
    """Parts with nothing but a trivial line between them: what a person decides as one."""

    parts: tuple[Part, ...]

    @property
    def old(self) -> tuple[int, int]:
        """First and last (exclusive) line of the old text."""
        return self.parts[0].i, self.parts[-1].i2

    @property
    def new(self) -> tuple[int, int]:
        return self.parts[0].j, self.parts[-1].j2


class Lines:
    """Two texts as lines, and the groups in which they differ."""

    def __init__(self, old: str, new: str) -> None:
        self.old = file_lines(old)
        self.new = file_lines(new)
        self._end = line_end(old or new)
        self.groups = tuple(_grouped(self.old, _parts(self.old, self.new)))

    def taken(self, wanted: Collection[Part]) -> str:
        """The old text with the wanted parts as in the new one. Lines keep apart, whatever is left out."""
        lines: list[str] = []
        done = 0
        for part in self._all():
            lines += self.old[done : part.i]
            lines += self.new[part.j : part.j2] if part in wanted else self.old[part.i : part.i2]
            done = part.i2
        lines += self.old[done:]
        return "".join([*(self._ended(line) for line in lines[:-1]), *lines[-1:]])

    def edits(self) -> tuple[Edit, ...]:
        """The whole change, one edit of whole lines for each group."""
        starts = self.starts
        return tuple(
            Edit(starts[group.old[0]], starts[group.old[1]], "".join(self.new[group.new[0] : group.new[1]]))
            for group in self.groups
        )

    @cached_property
    def starts(self) -> list[int]:
        """Where each line of the old text starts, and its end."""
        return list(accumulate(map(len, self.old), initial=0))

    @cached_property
    def new_starts(self) -> list[int]:
        return list(accumulate(map(len, self.new), initial=0))

    def _all(self) -> Iterable[Part]:
        return (part for group in self.groups for part in group.parts)

    def _ended(self, line: str) -> str:
        """Only the last line of a text has no end."""
        return line if has_break(line) else line + self._end


def file_lines(text: str) -> list[str]:
    """The lines with their ends; what follows the last break only if it is there."""
    lines = split_lines(text)
    return lines if lines[-1] else lines[:-1]


def _parts(old: Sequence[str], new: Sequence[str]) -> Iterable[Part]:
    for i1, i2, j1, j2 in aligned(old, new):
        if i2 - i1 == j2 - j1:
            yield from (Part(i1 + k, i1 + k + 1, j1 + k, j1 + k + 1) for k in range(i2 - i1))
        else:
            yield from (Part(i, i + 1, j1, j1) for i in range(i1, i2))
            yield from (Part(i2, i2, j, j + 1) for j in range(j1, j2))


def _grouped(old: Sequence[str], parts: Iterable[Part]) -> Iterable[Group]:
    group: list[Part] = []
    for part in parts:
        if group and not _belongs(old[group[-1].i2 : part.i]):
            yield Group(tuple(group))
            group = []
        group.append(part)
    if group:
        yield Group(tuple(group))


def _belongs(between: Sequence[str]) -> bool:
    """Whether lines that stay are too little to part two changes: none, or one with no word in it but a bracket."""
    if not between:
        return True
    return len(between) == 1 and bool(between[0].strip()) and not any(char.isalnum() for char in between[0])


def content(line: str) -> str:
    """A line without its end."""
    return line[: content_length(line)]
