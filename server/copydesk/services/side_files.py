"""Side files on their way: shown beside the hunks, written when a person accepts them, taken back with their turn.

What an edit cannot carry is decided as a whole, one file at a time, like any hunk. Text goes through the editor; these
are written by the server itself (`workspace.shadow.writing`). Start with `SideFiles.hunks`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from anyio import to_thread

from copydesk.domain.commands import SideFile
from copydesk.domain.errors import CopydeskError, WorkspaceError
from copydesk.domain.events import Event, FileReview, ReviewDecided, ReviewUpdated
from copydesk.domain.ports import Editor, Question
from copydesk.domain.review import Choice, Hunk
from copydesk.store.side_journal import SideJournal
from copydesk.workspace.pending import Pending
from copydesk.workspace.shadow.writing import SideWriting

WRITE, DISCARD = "Write", "Discard"
_LANDED = ("applied", "unconfirmed")


class Proposing(Protocol):
    """A session, as its side files see it."""

    id: str
    pending: Pending

    def emit(self, event: Event) -> None: ...

    def tell(self, line: str) -> None: ...


class SideFiles:
    def __init__(self, writing: SideWriting, journal: SideJournal) -> None:
        self._writing = writing
        self._journal = journal

    # --- deciding ---

    async def accept(self, session: Proposing, uris: Collection[str]) -> list[FileReview]:
        """Writes those of the session that are named. What could not be written goes on waiting, and says why."""
        reviews: list[FileReview] = []
        back: defaultdict[str, list[SideFile]] = defaultdict(list)
        for uri, side in [(uri, side) for uri, side in session.pending.side_files().items() if uri in uris]:
            turn = session.pending.side_turn(uri)
            try:
                back[turn].insert(0, await to_thread.run_sync(self._writing.write, side))
            except WorkspaceError as error:
                reviews.append(FileReview(uri, "refused", 1, str(error)))
                session.tell(f"- accepted by the person, but not written: {named(side)} {uri}: {error}")
                continue
            session.pending.drop_side_files((uri,))
            reviews.append(FileReview(uri, "applied", 1, named(side), saved=True))
            session.tell(f"- accepted by the person: {named(side)} {uri}.")
        for turn, steps in back.items():
            await self._keep(turn, steps)
        self._say(session, "accepted", reviews, "")
        return reviews

    def reject(self, session: Proposing, uris: Collection[str], reason: str) -> list[FileReview]:
        chosen = [uri for uri in session.pending.side_files() if uri in uris]
        session.pending.drop_side_files(chosen)
        reviews = [FileReview(uri, "discarded", 1, reason) for uri in chosen]
        for uri in chosen:
            session.tell(f"- rejected by the person: what a command made of {uri}. {reason}".rstrip())
        self._say(session, "rejected", reviews, reason)
        return reviews

    def _say(self, session: Proposing, word: str, reviews: list[FileReview], reason: str) -> None:
        if reviews:
            decision = "accepted" if word == "accepted" else "rejected"
            session.emit(ReviewDecided("", decision, tuple(reviews), reason=reason))

    async def _keep(self, turn: str, steps: list[SideFile]) -> None:
        def keep() -> None:
            self._journal.put(turn, steps + self._journal.get(turn))

        try:
            await to_thread.run_sync(keep)
        except OSError:
            return  # it is written; only the way back is not known after a restart

    # --- taking back ---

    async def flip(self, turn: str) -> tuple[list[str], list[tuple[str, str]]]:
        """Takes back what was written for a turn, or writes it again: the URIs that were, and those that were not
        with the reason.
        """
        steps = await to_thread.run_sync(self._journal.get, turn)
        done: list[str] = []
        kept: list[tuple[str, str]] = []
        back: list[SideFile] = []
        for step in steps:
            try:
                back.insert(0, await to_thread.run_sync(self._writing.write, step))
                done.append(step.uri)
            except CopydeskError as error:
                kept.append((step.uri, str(error)))
        if done:
            await to_thread.run_sync(self._journal.put, turn, back)
        return done, kept

    async def has(self, turn: str) -> bool:
        return bool(await to_thread.run_sync(self._journal.get, turn))

    async def newest(self) -> str:
        return await to_thread.run_sync(self._journal.newest)


async def land(
    sides: SideFiles | None, session: Proposing, editor: Editor, review: ReviewUpdated, *, confirm: bool
) -> ReviewUpdated:
    """At the end of a turn whose text has landed, or had none. With `confirm` and no text, the person is asked; where
    the text was not taken, they go on waiting.
    """
    waiting = session.pending.side_files()
    if sides is None or not waiting:
        return review
    is_taken = all(file.state in _LANDED for file in review.files)
    if confirm and not review.files:
        names = ", ".join(f"{uri.rpartition('/')[2]} ({named(side)})" for uri, side in list(waiting.items())[:5])
        is_taken = await editor.ask(Question(f"Write {len(waiting)} files? {names}", (WRITE, DISCARD))) == WRITE
    if not is_taken:
        kept = tuple(FileReview(uri, "draft", 1, named(side)) for uri, side in waiting.items())
        return replace(review, state=review.state if review.files else "draft", files=review.files + kept)
    written = tuple(await sides.accept(session, frozenset(waiting)))
    state = review.state if review.files else "applied"
    if state == "applied" and not _all_applied(written):
        state = "partial"
    return replace(review, state=state, files=review.files + written)


def hunks_of(session: str, pending: Pending) -> tuple[Hunk, ...]:
    """One for each side file, as a person decides it: as a whole."""
    return tuple(_hunk(session, pending.side_turn(uri), uri, side) for uri, side in pending.side_files().items())


def fitting(hunks: Mapping[tuple[str, str], Hunk], choice: Choice) -> list[Hunk]:
    return [hunk for hunk in hunks.values() if not choice.lines and choice.fits(hunk)]


def _hunk(session: str, turn: str, uri: str, side: SideFile) -> Hunk:
    id = "side-" + hashlib.sha256(f"{session}\n{uri}\n{side}".encode("utf-8", "surrogatepass")).hexdigest()[:10]
    kind = "delete" if side.kind == "delete" else "create"
    before, after = (f"{named(side)}\n", "") if kind == "delete" else ("", f"{named(side)}\n")
    return Hunk(id, session, turn, uri, kind, 0, 0, before, after)


def _all_applied(files: Iterable[FileReview]) -> bool:
    return all(file.state == "applied" for file in files)


def named(side: SideFile) -> str:
    """What it is, in a few words."""
    match side.kind:
        case "write":
            mode = " (executable)" if side.mode is not None and side.mode & 0o100 else ""
            return f"not text, {side.n_bytes:,} bytes{mode}"
        case "delete":
            return "deleted, not text"
        case "mode":
            return "made executable" if (side.mode or 0) & 0o100 else "made not executable"
        case "link":
            return f"link to {side.target}"
