"""Review: the hunks that wait for a person, and what a decision about them does.

Owns which hunks there are and how they land or go; a face shows them and asks. An accepted hunk goes the way of
every edit (`services.landing`): planned on the text as it is, sent, proven. What was not chosen stays pending, on the
text that came of it. Start with `Reviews.accept`.
"""

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import anyio

from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import Event, FileReview, ReviewDecided, ReviewUpdated
from copydesk.domain.review import Choice, Decided, Hunk, Proposed
from copydesk.services.cutting import Cutting
from copydesk.services.decisions import Picked, named, news, picked, placeable
from copydesk.services.landed import Landed, OnLanded
from copydesk.services.landing import Landing, in_thread, overall
from copydesk.services.proving import InThread
from copydesk.services.settling import LANDED, SentPart, left_of
from copydesk.services.side_files import SideFiles, fitting, hunks_of
from copydesk.text.diffs import unified
from copydesk.workspace.hunks import Cut, is_whole
from copydesk.workspace.pending import Pending
from copydesk.workspace.proposals import PendingFile
from copydesk.workspace.workspace import Workspace

QUIET_S = 0.2
"""How long a person must pause before the hunks are worked out again."""

BUSY_LIMIT_S = 15.0
"""How long a decision waits for another one of the same session."""

RESTORE_LIMIT_S = 5.0


class Reviewed(Protocol):
    """A session, as its review sees it."""

    id: str
    pending: Pending
    review_lock: anyio.Lock
    landing: Landing
    on_landed: list[OnLanded]
    """Told of what `landing` has proven."""

    @property
    def awaits_review(self) -> bool:
        """Whether its pending edits are shown for decision: not while a turn is at work on its first ones."""
        ...

    def emit(self, event: Event) -> None: ...

    def tell(self, line: str) -> None:
        """Something the model should know at its next step."""
        ...


async def _nothing() -> None:
    """Where nothing is kept."""


@dataclass(slots=True)
class ReviewParts:
    """`sessions`: the newest last. `kept` is called when what waits in a session has changed."""

    workspace: Workspace
    sessions: Callable[[], Iterable[Reviewed]]
    kept: Callable[[Reviewed], None]
    in_thread: InThread = in_thread
    sides: SideFiles | None = None


class Reviews:
    def __init__(self, parts: ReviewParts) -> None:
        self._parts = parts
        self._cuts: dict[tuple[str, str], Cut] = {}
        self._sides: dict[tuple[str, str], Hunk] = {}
        self._cutting = Cutting(parts.workspace, parts.in_thread)
        self._told: set[str] = set()
        self._landing: frozenset[tuple[str, str]] = frozenset()
        self._dirty = anyio.Event()
        self.written: Callable[[], Awaitable[None]] = _nothing
        """Returns when what waits is safe from a kill."""
        self._refreshing = anyio.Lock()
        self._complete = anyio.Event()
        self._complete.set()
        self.listeners: list[Callable[[frozenset[str]], None]] = []
        """Called on the loop with the URIs whose hunks may have changed; must not block."""
        parts.workspace.overlay.listeners.append(self._typed)

    # --- what waits ---

    def hunks(self, choice: Choice = Choice()) -> tuple[Hunk, ...]:  # noqa: B008  immutable
        """As last worked out; costs nothing."""
        text = (hunk for cut in self._cuts.values() for hunk in cut.hunks)
        return tuple(hunk for hunk in (*text, *self._sides.values()) if choice.fits(hunk))

    def proposed(self, session: str, uri: str) -> Proposed | None:
        """A file with all that waits in it in one session, as last worked out; None where nothing does."""
        cut = self._cuts.get((session, uri))
        return cut.proposed if cut else None

    def is_landing(self, session: str, uri: str) -> bool:
        """Whether a part of the file is on its way to the editor: what waits in it is known again when it is there."""
        found = next((each.pending.files().get(uri) for each in self._parts.sessions() if each.id == session), None)
        return found is not None and found.pinned

    @contextmanager
    def awaiting(self) -> Generator[None]:
        """While more sessions are being brought back: who asks for the hunks waits for them."""
        self._complete = anyio.Event()
        try:
            yield
        finally:
            self._complete.set()

    async def refresh(self) -> tuple[Hunk, ...]:
        """Works out all hunks on the text as it is now."""
        with anyio.move_on_after(RESTORE_LIMIT_S):
            await self._complete.wait()
        async with self._refreshing:
            await self._refresh()
        return self.hunks()

    async def _refresh(self) -> None:
        before, before_sides = self._cuts, self._sides
        cuts: dict[tuple[str, str], Cut] = {}
        sides: dict[tuple[str, str], Hunk] = {}
        landing: set[tuple[str, str]] = set()
        for session in tuple(self._parts.sessions()):
            landing |= {(session.id, uri) for uri, file in session.pending.files().items() if file.pinned}
            if session.awaits_review and session.pending.files():
                for cut in await self._cutting.cut(session.id, session.pending):
                    cuts[session.id, cut.file.uri] = cut
                    self._tell_held(session, cut)
            if session.awaits_review and self._parts.sides:
                sides |= {(session.id, hunk.uri): hunk for hunk in hunks_of(session.id, session.pending)}
        self._cuts, self._sides = cuts, sides
        self._cutting.forget_others(cuts.keys())
        landed, self._landing = self._landing - landing, frozenset(landing)
        decided = {uri for _, uri in landed} | {hunk.uri for hunk in {*before_sides.values()} ^ {*sides.values()}}
        if changed := _changed(before, cuts) | decided:
            self._say(changed)

    def _tell_held(self, session: Reviewed, cut: Cut) -> None:
        for hunk in cut.hunks:
            if hunk.held and hunk.id not in self._told:
                self._told.add(hunk.id)
                where = named(self._parts.workspace.display(hunk.uri), (hunk,))
                session.tell(f"- typed over by the person: your edit of {where}; it is held back.")

    def diff(self, hunks: Sequence[Hunk]) -> str:
        """A unified diff of these hunks, file by file, as if all of them were accepted."""
        texts: list[str] = []
        for cut in self._cuts.values():
            chosen = [hunk for hunk in hunks if hunk.uri == cut.file.uri and hunk in cut.hunks]
            if chosen:
                texts.append(self._file_diff(cut, chosen))
        shown = (hunk for hunk in hunks if hunk in self._sides.values())
        texts += [f"# {self._parts.workspace.display(hunk.uri)}: {hunk.after or hunk.before}" for hunk in shown]
        return "".join(texts)

    def _file_diff(self, cut: Cut, chosen: Sequence[Hunk]) -> str:
        display = self._parts.workspace.display
        path = display(cut.file.uri)
        held = "".join(_held_note(hunk) for hunk in chosen if hunk.held)
        file = cut.taking([(hunk.id, ()) for hunk in chosen])
        before = file.base.text if file.base else ""
        if file.kind == "delete":
            return held + unified(before, "", path, deleted=True)
        if file.kind == "create":
            return unified("", file.text or "", path, created=True)
        moved = f"# move {display(file.moved_from)} → {path}\n" if file.moved_from else ""
        return moved + held + unified(before, file.text if file.text is not None else before, path)

    # --- keeping up ---

    def touch(self) -> None:
        """Something has changed what waits; it is worked out again soon."""
        self._dirty.set()

    def _typed(self, uri: str) -> None:
        if any(key[1] == uri for key in self._cuts):
            self._dirty.set()

    async def run(self) -> None:
        """A task of the host: follows typing, a pause later."""
        while True:
            await self._dirty.wait()
            self._dirty = anyio.Event()
            await anyio.sleep(QUIET_S)
            if not self._dirty.is_set():
                await self.refresh()

    def _say(self, uris: frozenset[str]) -> None:
        for listener in tuple(self.listeners):
            listener(uris)

    # --- deciding ---

    async def accept(self, choice: Choice) -> Decided:
        """Lands the chosen hunks. Raises `CopydeskError` when none fits, or newer typing conflicts with all of them.

        Side files are written after the text of their session has landed.
        """
        await self.refresh()
        sides = fitting(self._sides, choice)
        items = placeable(picked(self._cuts, choice)) if not sides or self._has_text(choice) else []
        files: list[FileReview] = []
        for session in self._sessions_of(items, sides):
            async with _Turned(session):
                await self.refresh()
                mine = [item for item in _again(self._cuts, items) if item.cut.session == session.id]
                if mine:
                    files += await self._land(session, mine)
                if self._parts.sides:
                    files += await self._parts.sides.accept(session, _of_session(sides, session.id))
                    self._parts.kept(session)
        return await self._decided(files)

    async def reject(self, choice: Choice, reason: str = "") -> Decided:
        """Drops the chosen hunks. Raises `CopydeskError` when none fits."""
        await self.refresh()
        sides = fitting(self._sides, choice)
        items = picked(self._cuts, choice) if not sides or self._has_text(choice) else []
        files: list[FileReview] = []
        for session in self._sessions_of(items, sides):
            async with _Turned(session):
                await self.refresh()
                for item in _again(self._cuts, items):
                    if item.cut.session == session.id:
                        files.append(self._drop(session, item, reason))
                if self._parts.sides:
                    files += self._parts.sides.reject(session, _of_session(sides, session.id), reason)
                    self._parts.kept(session)
        return await self._decided(files)

    def _has_text(self, choice: Choice) -> bool:
        return any(choice.fits(hunk) for cut in self._cuts.values() for hunk in cut.hunks)

    async def _decided(self, files: Sequence[FileReview]) -> Decided:
        await self.written()
        pending = await self.refresh()
        return Decided(tuple(files), pending)

    def _sessions_of(self, items: Iterable[Picked], sides: Iterable[Hunk]) -> list[Reviewed]:
        ids = {item.cut.session for item in items} | {hunk.session for hunk in sides}
        return [session for session in self._parts.sessions() if session.id in ids]

    # --- accepting ---

    async def _land(self, session: Reviewed, items: Sequence[Picked]) -> list[FileReview]:
        landed: dict[str, Landed] = {}
        taken: dict[str, PendingFile] = {}
        reviews: dict[str, FileReview] = {}
        offered = Pending()

        def note(record: Landed) -> None:
            landed[record.uri] = record

        session.on_landed.append(note)
        for item in items:
            session.pending.put(replace(item.cut.file, pinned=True))
        try:
            taken |= await self._parts.in_thread(lambda: _taken(items))
            given = await self._offer(session, taken, items[-1].hunks[-1].turn, offered)
            counts = {item.uri: len(item.hunks) for item in items}
            reviews |= {uri: replace(file, n_hunks=counts.get(uri, file.n_hunks)) for uri, file in given.items()}
        finally:
            session.on_landed.remove(note)
            with anyio.CancelScope(shield=True):
                for item in items:
                    left = offered.files().get(item.uri)
                    held = left.held if left else ()
                    part = SentPart(item, taken.get(item.uri), reviews.get(item.uri), landed.get(item.uri), held)
                    await self._settle(session, part)
        self._record(session, "accepted", items, tuple(reviews.values()))
        return list(reviews.values())

    async def _offer(
        self, session: Reviewed, taken: dict[str, PendingFile], turn: str, pending: Pending
    ) -> dict[str, FileReview]:
        for file in taken.values():
            pending.put(file)
        outcome = await session.landing.offer(pending, turn, "Copydesk: accepted edit", confirm=False)
        return {file.uri: file for file in outcome.files}

    async def _settle(self, session: Reviewed, part: SentPart) -> None:
        """What of the file stays pending after its part was sent. The agent may change it meanwhile: then once more."""
        uri = part.item.uri
        while (file := session.pending.files().get(uri)) is not None:
            if part.taken is None or part.review is None or part.review.state not in LANDED:
                left: PendingFile | None = replace(file, pinned=False)
            elif is_whole(part.taken):
                left = None
            else:
                left = await self._left(file, part.taken, part)
            if left is None:
                session.pending.discard(uri)
            elif session.pending.put(left, file):
                return

    async def _left(self, file: PendingFile, taken: PendingFile, part: SentPart) -> PendingFile:
        return await self._parts.in_thread(lambda: left_of(self._parts.workspace, file, taken, part))

    # --- both ---

    def _drop(self, session: Reviewed, item: Picked, reason: str) -> FileReview:
        known = session.pending.files().get(item.uri)
        left = item.cut.leaving(item.wanted)
        if left is None:
            session.pending.discard(item.uri)
        elif known is not None:
            session.pending.put(left, known)
        file = FileReview(item.uri, "discarded", len(item.hunks), reason)
        self._record(session, "rejected", (item,), (file,), reason)
        return file

    def _record(
        self,
        session: Reviewed,
        decision: str,
        items: Sequence[Picked],
        files: tuple[FileReview, ...],
        reason: str = "",
    ) -> None:
        hunks = tuple(hunk for item in items for hunk in item.hunks)
        word = "accepted" if decision == "accepted" else "rejected"
        turn = hunks[-1].turn
        session.emit(ReviewDecided(turn, word, files, tuple(hunk.id for hunk in hunks), reason))
        states = {file.uri: file.state for file in files}
        for item in items:
            happened = decision if states.get(item.uri) in (*LANDED, "discarded") else "accepted, but not applied yet,"
            session.tell(news(happened, self._parts.workspace.display(item.uri), item, reason))
        waiting = tuple(FileReview(uri, "pending") for uri in session.pending.files() if uri not in states)
        state = "pending" if session.pending.files() else overall(files)
        session.emit(ReviewUpdated(turn, state, (*files, *waiting)))
        self._parts.kept(session)


def _of_session(sides: Iterable[Hunk], session: str) -> frozenset[str]:
    return frozenset(hunk.uri for hunk in sides if hunk.session == session)


def _taken(items: Iterable[Picked]) -> dict[str, PendingFile]:
    return {item.uri: item.cut.taking(item.wanted) for item in items}


class _Turned:
    """The session's own turn at its pending edits. Raises `CopydeskError` when another decision does not end."""

    def __init__(self, session: Reviewed) -> None:
        self._lock = session.review_lock

    async def __aenter__(self) -> None:
        with anyio.move_on_after(BUSY_LIMIT_S):
            await self._lock.acquire()
            return
        raise CopydeskError("These edits are being applied right now.", advice="Answer the question that is open.")

    async def __aexit__(self, *exc: object) -> None:
        self._lock.release()


def _again(cuts: dict[tuple[str, str], Cut], items: Iterable[Picked]) -> list[Picked]:
    """The same hunks as they stand by now; those that were decided meanwhile fall out."""
    found: list[Picked] = []
    for item in items:
        cut = cuts.get((item.cut.session, item.uri))
        ids = {hunk.id for hunk in item.hunks}
        hunks = tuple(hunk for hunk in cut.hunks if hunk.id in ids) if cut else ()
        if cut and hunks:
            found.append(Picked(cut, hunks, item.numbers))
    return found


def _changed(before: dict[tuple[str, str], Cut], after: dict[tuple[str, str], Cut]) -> frozenset[str]:
    keys = before.keys() | after.keys()
    return frozenset(key[1] for key in keys if _hunks_of(before, key) != _hunks_of(after, key))


def _hunks_of(cuts: dict[tuple[str, str], Cut], key: tuple[str, str]) -> tuple[Hunk, ...]:
    return cuts[key].hunks if key in cuts else ()


def _held_note(hunk: Hunk) -> str:
    lines = [
        f"# held back, newer typing conflicts with it ({hunk.uri.rpartition('/')[2]} line {hunk.start_line + 1}):\n"
    ]
    lines += [f"#  -{line}\n" for line in hunk.before.splitlines()]
    lines += [f"#  +{line}\n" for line in hunk.after.splitlines()]
    return "".join(lines)
