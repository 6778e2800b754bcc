"""The code actions on pending hunks: beside a hunk, in its file, in the documents that show it, and anywhere.

Owns which there are and what they are called. Built from what was last worked out, so that listing costs nothing;
each names a hunk by its id, which typing does not change. Start with `ReviewOffers.at`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from copydesk.domain.messages import LineRange
from copydesk.domain.review import Hunk, LineChange, Standing
from copydesk.lsp.arguments import Fields, as_fields
from copydesk.lsp.offers import QUICK_FIX, Offer
from copydesk.lsp.pending import Reviews, counts, hunks_in, is_ours, is_whole_file, line_summary, lines_at, touches

if TYPE_CHECKING:
    from copydesk.lsp.diff_documents import DiffDocuments
    from copydesk.lsp.proposed import ProposedDocuments
    from copydesk.text.documents import Document

JsonObject: TypeAlias = dict[str, Any]

ACCEPT, REJECT, SHOW = "copydesk.review.accept", "copydesk.review.reject", "copydesk.review.show"
MAX_HUNKS = 5
MAX_LINES = 10
"""Offered at one place; more would drown the menu."""


class ReviewOffers:
    def __init__(self, reviews: Reviews, diffs: "DiffDocuments", proposed: "ProposedDocuments") -> None:
        self._reviews = reviews
        self._diffs = diffs
        self._proposed = proposed

    def is_view(self, uri: str) -> bool:
        """Whether the document is one that shows what waits."""
        return self._diffs.has(uri) or self._proposed.has(uri)

    def at(self, uri: str, at: LineRange, diagnostics: Sequence[Fields], opened: "Document | None") -> list[Offer]:
        """What can be decided at these lines of the document, given where it is open."""
        hunks = self._reviews.hunks()
        if not hunks:
            return []
        first = at.start_line
        last = at.end_line - 1 if at.end_line > first and at.end_column == 0 else at.end_line
        text = opened.text if opened else None
        if self._diffs.has(uri):
            return [*self._in_diff(uri, text, first, last, hunks), *everywhere(hunks)]
        if self._proposed.has(uri):
            return [*self._in_proposed(uri, text, first, last, hunks), *everywhere(hunks)]
        here = hunks_in(hunks, uri)
        offers: list[Offer] = []
        touched = [hunk for hunk in here if touches(hunk, first, last)]
        for hunk, name in _named(touched):
            hints = tuple(item for item in diagnostics if is_ours(item) and _hunk_of(item) in ("", hunk.id))
            offers += hunk_offers(hunk, lines_at(hunk, first, last), name, hints)
        return [*offers, *file_offers(here, uri), *everywhere(hunks, (touched or here)[:1])]

    def _in_diff(self, uri: str, text: str | None, first: int, last: int, hunks: Sequence[Hunk]) -> Iterator[Offer]:
        """On the lines of a diff document: each `+` and `-` belongs to a line of a hunk."""
        found = self._diffs.lines_at(uri, text, first, last)
        if found is None:
            return
        waiting = {hunk.id: hunk for hunk in hunks}
        touched = [waiting[id] for id in found.numbers if id in waiting]
        for hunk, name in _named(touched):
            changes = tuple(line for line in hunk.lines if line.number in found.numbers[hunk.id])
            yield from hunk_offers(hunk, changes, name)
        if found.uri:
            yield from file_offers(hunks_in(hunks, found.uri), found.uri)

    def _in_proposed(self, uri: str, text: str | None, first: int, last: int, hunks: Sequence[Hunk]) -> Iterator[Offer]:
        """On a file as it is proposed: what a hunk brings is on its lines, what it takes away between two."""
        shown = self._proposed.shown(uri, text)
        found = shown.with_hunks(hunks) if shown else []
        touched = [(each, hunk) for each, hunk in found if is_whole_file(hunk) or _stands_at(each, first, last)]
        named = _named([replace(hunk, start_line=each.start_line) for each, hunk in touched])
        for (each, hunk), (_, name) in zip(touched, named, strict=False):
            yield from hunk_offers(hunk, _standing_at(each, hunk, first, last), name)
        if shown:
            yield from file_offers([hunk for _, hunk in found], shown.uri, shown.session)


def _stands_at(standing: Standing, first: int, last: int) -> bool:
    if standing.start_line == standing.end_line:
        return first <= standing.start_line <= last + 1
    return first < standing.end_line and last >= standing.start_line


def _standing_at(standing: Standing, hunk: Hunk, first: int, last: int) -> tuple[LineChange, ...]:
    """The lines of the hunk that lines `first` to `last` of the proposed text touch."""
    placed = zip(hunk.lines, standing.lines, strict=False)
    return tuple(change for change, line in placed if first <= line <= last + (change.after is None))


def _hunk_of(diagnostic: Fields) -> str:
    """Clients without data support send our hints back without it."""
    return str(as_fields(diagnostic.get("data")).get("hunk") or "")


def _named(hunks: Sequence[Hunk]) -> Iterator[tuple[Hunk, str]]:
    """A lone hunk needs no name; of several each says where it is."""
    for hunk in hunks[:MAX_HUNKS]:
        yield hunk, "" if len(hunks) == 1 else f" (line {hunk.start_line + 1}: {counts(hunk) or hunk.kind})"


def hunk_offers(
    hunk: Hunk, lines: Sequence[LineChange], name: str = "", hints: tuple[Fields, ...] = ()
) -> Iterator[Offer]:
    argument: JsonObject = {"hunk": hunk.id}
    if not hunk.held:
        yield Offer(f"Copydesk: Accept hunk{name}", QUICK_FIX, ACCEPT, argument, hints)
    yield Offer(f"Copydesk: Reject hunk{name}", QUICK_FIX, REJECT, argument, hints)
    if not hunk.held:
        yield from _line_offers(hunk, lines, name, hints)
    why = {**argument, "ask": True}
    yield Offer(f"Copydesk: Reject hunk{name}, saying why…", QUICK_FIX, REJECT, why, hints)


def _line_offers(hunk: Hunk, lines: Sequence[LineChange], name: str, hints: tuple[Fields, ...]) -> Iterator[Offer]:
    for line in lines[:MAX_LINES]:
        title = f"Copydesk: Accept line{name}" if len(lines) == 1 else f"Copydesk: Accept line: {line_summary(line)}"
        argument: JsonObject = {"hunk": hunk.id, "lines": [line.number], "of": len(hunk.lines)}
        yield Offer(title, QUICK_FIX, ACCEPT, argument, hints)


def file_offers(here: Sequence[Hunk], uri: str, session: str = "") -> Iterator[Offer]:
    """`session`: only what waits in that one; of others nothing is seen there."""
    argument: JsonObject = {"uri": uri, "session": session} if session else {"uri": uri}
    if any(not hunk.held for hunk in here):
        yield Offer("Copydesk: Accept all in file", QUICK_FIX, ACCEPT, argument)
    if here:
        yield Offer("Copydesk: Reject all in file", QUICK_FIX, REJECT, argument)


def everywhere(hunks: Sequence[Hunk], near: Sequence[Hunk] = ()) -> Iterator[Offer]:
    """`near`: the hunk at which the diff is to open."""
    if any(not hunk.held for hunk in hunks):
        yield Offer("Copydesk: Accept all", QUICK_FIX, ACCEPT, {"all": True})
    if hunks:
        yield Offer("Copydesk: Reject all", QUICK_FIX, REJECT, {"all": True})
        yield Offer("Copydesk: Show pending edits", QUICK_FIX, SHOW, {"hunk": near[0].id} if near else {})
