"""Hunks that a test makes, and a review service that decides them at once. Same methods as `lsp.pending.Reviews`.

Give `texts` (URI → the text as it is now) and hunks made by `hunk_of`. `refresh` moves a hunk to where its lines
are now. `land` may apply what is accepted; `gate` holds decisions up until it is set.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import anyio

from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import FileReview
from copydesk.domain.review import Choice, Decided, Hunk, LineChange, Proposed, Standing
from copydesk.text.diffs import unified
from copydesk.text.lines import content_length, split_lines

EVERYTHING = Choice()


def hunk_of(text: str, start: int, end: int, after: str, **more: Any) -> Hunk:
    """Lines `start` to `end` (exclusive) of the text become `after`. `id` is `h-START` unless given."""
    before = "".join(split_lines(text)[start:end])
    fields = {"id": f"h-{start}", "session": "s-1", "turn": "t-1", "uri": "file:///w/src/a.py", "kind": "change"}
    lines = line_changes(bare(before), bare(after), start)
    return Hunk(
        **{**fields, "start_line": start, "end_line": end, "before": before, "after": after, "lines": lines, **more}
    )  # type: ignore[arg-type]


def bare(text: str) -> list[str]:
    return [line[: content_length(line)] for line in split_lines(text) if line]


def line_changes(old: Sequence[str], new: Sequence[str], start: int) -> tuple[LineChange, ...]:
    changes: list[LineChange] = []
    for n in range(max(len(old), len(new))):
        before = old[n] if n < len(old) else None
        after = new[n] if n < len(new) else None
        changes.append(LineChange(n + 1, min(start + n, start + len(old)), before, after))
    return tuple(changes)


class FakeReviews:
    def __init__(self, *hunks: Hunk, texts: Callable[[str], str] | None = None) -> None:
        self.waiting: list[Hunk] = list(hunks)
        self.listeners: list[Callable[[frozenset[str]], None]] = []
        self.texts = texts or (lambda uri: "")
        self.land: Callable[[tuple[Hunk, ...]], Awaitable[tuple[FileReview, ...]]] | None = None
        self.gate: anyio.Event | None = None
        self.fail: CopydeskError | None = None
        self.unreadable: CopydeskError | None = None
        self.accepted: list[Choice] = []
        self.rejected: list[tuple[Choice, str]] = []
        self.n_refreshed = 0
        self.landing: set[tuple[str, str]] = set()

    # --- what the features use ---

    def hunks(self, choice: Choice = EVERYTHING) -> tuple[Hunk, ...]:
        return tuple(hunk for hunk in self.waiting if choice.fits(hunk))

    async def refresh(self) -> tuple[Hunk, ...]:
        self.n_refreshed += 1
        await anyio.lowlevel.checkpoint()
        if self.unreadable:
            raise self.unreadable
        moved = [self._moved(hunk) for hunk in self.waiting]
        if moved != self.waiting:
            self.put(*moved)
        return self.hunks()

    async def accept(self, choice: Choice) -> Decided:
        fitting = await self._decide(choice)
        self.accepted.append(choice)
        if self.land:
            files = await self.land(fitting)
        else:
            files = tuple(FileReview(uri, "applied", 1) for uri in dict.fromkeys(hunk.uri for hunk in fitting))
        return self._decided(fitting, choice, files)

    async def reject(self, choice: Choice, reason: str = "") -> Decided:
        fitting = await self._decide(choice)
        self.rejected.append((choice, reason))
        files = tuple(FileReview(uri, "discarded") for uri in dict.fromkeys(hunk.uri for hunk in fitting))
        return self._decided(fitting, choice, files)

    def diff(self, hunks: Sequence[Hunk]) -> str:
        pieces: list[str] = []
        for uri in dict.fromkeys(hunk.uri for hunk in hunks):
            own = [hunk for hunk in hunks if hunk.uri == uri]
            old = self.texts(uri) if own[0].kind != "create" else ""
            lines = split_lines(old)
            for hunk in sorted(own, key=lambda hunk: hunk.start_line, reverse=True):
                lines[hunk.start_line : hunk.end_line] = [hunk.after]
            path = uri.rpartition("/w/")[2]
            pieces.append(unified(old, "".join(lines), path, created=own[0].kind == "create"))
        return "".join(pieces)

    def proposed(self, session: str, uri: str) -> Proposed | None:
        """All hunks of the file at once; those that are held back are left out of the text."""
        own = sorted(
            (hunk for hunk in self.waiting if (hunk.session, hunk.uri) == (session, uri)),
            key=lambda hunk: hunk.start_line,
        )
        if not own:
            return None
        if own[0].kind != "change":
            return Proposed(own[0].after, (Standing(own[0].id, 0, len(bare(own[0].after))),))
        lines, standing, shift = split_lines(self.texts(uri)), [], 0
        for hunk in own:
            start, after = hunk.start_line + shift, [] if hunk.held else split_lines(hunk.after)[:-1]
            n_before = 0 if hunk.held else hunk.end_line - hunk.start_line
            lines[start : start + n_before] = after
            places = tuple(min(start + n, start + len(after)) for n in range(len(hunk.lines)))
            standing.append(Standing(hunk.id, start, start + len(after), places))
            shift += len(after) - n_before
        return Proposed("".join(lines), tuple(standing))

    def is_landing(self, session: str, uri: str) -> bool:
        return (session, uri) in self.landing

    # --- what the test does ---

    def put(self, *hunks: Hunk) -> None:
        """These wait now, and the listeners hear of it."""
        uris = frozenset(hunk.uri for hunk in (*self.waiting, *hunks))
        self.waiting = list(hunks)
        for listener in self.listeners:
            listener(uris)

    async def _decide(self, choice: Choice) -> tuple[Hunk, ...]:
        if self.gate:
            await self.gate.wait()
        if self.fail:
            raise self.fail
        fitting = self.hunks(choice)
        if not fitting:
            raise CopydeskError(f"No hunk fits {choice}.")
        return fitting

    def _decided(self, fitting: tuple[Hunk, ...], choice: Choice, files: tuple[FileReview, ...]) -> Decided:
        left = [self._without(hunk, choice.lines) if hunk in fitting else hunk for hunk in self.waiting]
        self.put(*[hunk for hunk in left if hunk is not None])
        return Decided(files, self.hunks())

    def _without(self, hunk: Hunk, numbers: tuple[int, ...]) -> Hunk | None:
        rest = [line for line in hunk.lines if line.number not in numbers]
        if not numbers or not rest:
            return None
        return replace(hunk, lines=tuple(replace(line, number=n) for n, line in enumerate(rest, 1)))

    def _moved(self, hunk: Hunk) -> Hunk:
        """To where its lines are now; an insertion stays where it is."""
        if hunk.kind != "change" or not hunk.before:
            return hunk
        lines, own = split_lines(self.texts(hunk.uri)), split_lines(hunk.before)[:-1]
        places = [n for n in range(len(lines)) if lines[n : n + len(own)] == own]
        if not own or hunk.start_line in places or len(places) != 1:
            return hunk
        by = places[0] - hunk.start_line
        moved = tuple(replace(line, line=line.line + by) for line in hunk.lines)
        return replace(hunk, start_line=places[0], end_line=hunk.end_line + by, lines=moved)
