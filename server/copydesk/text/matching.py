"""Finding the one place that an edit means, when what was quoted may differ in small, harmless ways.

A ladder: each rung is tried only when the ones above found nothing, and must find exactly one place (or all, when
asked). Rungs and what they forgive are in `rungs`; what models add to quoted text is in `quoting`. Edits come out
minimal, so that a quoted but unchanged line may be typed on meanwhile. Start with `find_edit`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from copydesk.text.chains import in_order
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, normalised
from copydesk.text.endings import plain, restored
from copydesk.text.nearest import Near, nearest
from copydesk.text.quoting import BadQuote, elided, refuse_listing, variants
from copydesk.text.rungs import STEPS, Lines, Place, Run, Rung, Searched, Step, apart, as_lines
from copydesk.text.scopes import leaves_block

__all__ = ["Ambiguous", "BadQuote", "Match", "Near", "NoMatch", "Rung", "find_edit", "runs_of"]


Keep: TypeAlias = Callable[[list[Run]], list[Run]]


class Match(NamedTuple):
    """`edits` on the text; `rung` says how literally the quoted text was found, and in how many places."""

    edits: tuple[Edit, ...]
    rung: Rung
    n_places: int = 1


class NoMatch(ValueError):
    """The text is not there; the message says more where more is known. `near` is the place that is most like it."""

    def __init__(self, reason: str, near: Near | None = None) -> None:
        super().__init__(reason)
        self.near = near


class Ambiguous(ValueError):
    """The text is there more than once. `lines`: 0-based lines where each place starts."""

    def __init__(self, lines: Sequence[int]) -> None:
        super().__init__(f"the text occurs {len(lines)} times")
        self.lines = tuple(lines)


class _Found(NamedTuple):
    rung: Rung
    places: list[Place]


def find_edit(text: str, old: str, new: str, replace_all: bool = False) -> Match:
    """The edits that replace `old` by `new`. New text takes the file's line ends and, where shifted, indentation.

    Raises NoMatch, Ambiguous unless `replace_all`, or BadQuote where `old` or `new` cannot mean what it says.
    """
    if not old:
        return _in_empty(text, new)
    source, quoted = Searched(plain(text)), as_lines(plain(old), plain(new))
    refuse_listing(quoted)
    found = _found(source, plain(old), plain(new), quoted)
    if len(found.places) > 1 and not replace_all and found.rung != "elided":
        raise Ambiguous([place.first for place in found.places])
    places = apart(found.places)
    n_places = 1 if found.rung == "elided" else len(places)
    rung = "line_ends" if found.rung == "exact" and old not in text else found.rung
    return Match(restored(text, _edits(source.text, places)), rung, n_places)


def _in_empty(text: str, new: str) -> Match:
    if text:
        raise NoMatch("the text to replace is empty, which is only possible in an empty file")
    return Match(normalised([Edit(0, 0, new)]), "exact")


def _edits(text: str, places: Sequence[Place]) -> tuple[Edit, ...]:
    found: list[Edit] = []
    for place in places:
        parts = diff(text[place.start : place.end], place.new)
        found += (Edit(place.start + a, place.start + b, part) for a, b, part in parts)
    return normalised(found)


# --- the ladder ------------------------------------------------------------------------------------------


def _found(source: Searched, old: str, new: str, quoted: Lines) -> _Found:
    """The first rung with any place. Raises NoMatch, or Ambiguous for what only `...` could tell apart."""
    for rung, places in _tried(source, old, new, quoted):
        if places:
            return _Found(rung, places)
    try:
        if places := _elided(source, quoted):
            return _Found("elided", places)
    except BadQuote as error:  # `...` may just as well be a line of code
        raise NoMatch(str(error), nearest(source, quoted.old)) from error
    raise NoMatch("", nearest(source, quoted.old))


def _tried(source: Searched, old: str, new: str, quoted: Lines) -> Iterator[tuple[Rung, list[Place]]]:
    for step in source.steps(old):
        if step.spacing == "literal":
            yield step.rung, source.within(old, new, step.folding)
        if step != STEPS[0]:
            yield step.rung, _placed(source, quoted, step)
        elif quoted.with_end:  # the file's last line has no end
            yield "blank_edges", _placed(source, quoted, step)
    for variant in variants(quoted):
        for step in source.steps(old):
            yield variant.rung, _placed(source, variant.lines, step)


def _placed(source: Searched, quoted: Lines, step: Step) -> list[Place]:
    return [source.place(run, with_end=quoted.with_end) for run in source.by_lines(quoted, step)]


def runs_of(source: Searched, quoted: Lines, keep: Keep = list) -> tuple[Rung, list[Run]]:
    """The first rung on which whole lines are found that `keep` lets through; none where no rung has any."""
    steps = source.steps("\n".join(quoted.old))
    for step in steps:
        if runs := keep(source.by_lines(quoted, step)):
            return step.rung, runs
    for variant in variants(quoted):
        for step in steps:
            if runs := keep(source.by_lines(variant.lines, step)):
                return variant.rung, runs
    return "exact", []


# --- what is left out ------------------------------------------------------------------------------------


class _Option(NamedTuple):
    begin: int
    stop: int
    run: Run


def _elided(source: Searched, quoted: Lines) -> list[Place]:
    """The places of the stretches that change. Raises Ambiguous where one of them may stand in several places."""
    parts = elided(quoted)
    if parts is None:
        return []
    options = [[_Option(run.first, run.first + run.n_lines, run) for run in runs_of(source, part)[1]] for part in parts]
    places: list[Place] = []
    before: list[_Option] = []
    for part, choices in zip(parts, in_order(options), strict=True):
        if not choices:
            return []
        if part.old != part.new:
            if len(choices) > 1:
                raise Ambiguous([option.run.first for option in choices])
            if before and all(_is_elsewhere(source, one.run, choices[0].run) for one in before):
                return []
            places.append(source.place(choices[0].run, with_end=part.with_end))
        before = choices
    return places


def _is_elsewhere(source: Searched, head: Run, tail: Run) -> bool:
    """Whether a stretch stands in another block than the one before it opens."""
    return leaves_block(source.lines, head.first, head.first + head.n_lines, tail.first)
