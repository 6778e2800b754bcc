"""Live attribution: which turn wrote what, in every file, while people go on typing; across restarts.

Owns the turns that landed something and the files that follow them. It hears of landings (`landed`) and of turns
(`listen`), answers for a line (`line`), and gives `services.undoing` what it needs. What is kept is written in
threads, after each landing and at `flush`.
"""

import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import anyio
from anyio import to_thread

from copydesk.domain.events import Event, EvidenceUpdated, ModelChosen, TurnStarted
from copydesk.domain.frozen import frozen
from copydesk.services.followed import FollowedFile
from copydesk.services.landed import Landed
from copydesk.services.verifying.words import entries, line_of
from copydesk.store.authored import AuthoredFile, AuthoredText, AuthoredTurn, Standing
from copydesk.store.authorship import AuthorshipStore, key_of
from copydesk.text.pieces import Pieces
from copydesk.workspace.uris import normalise
from copydesk.workspace.watches import Watch
from copydesk.workspace.workspace import Workspace

MAX_FILES = 512
"""Files followed in memory; the one that was used longest ago is let go once it is saved."""

IDLE_S = 2.0
"""How long after a keystroke in a followed file its pieces are written, so that a kill loses little."""

MAX_IDLE_TEXT = 1_000_000
"""Characters of a file beyond which that waits for the next landing, or the end."""

MAX_TOLD = 512
"""Turns of which the title is remembered until they land something."""

Start = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@frozen
class LineNote:
    """Where a line comes from. `at` is RFC 3339."""

    turn: str
    title: str
    model: str
    at: str
    evidence: tuple[str, ...] = ()


class Attribution:
    """`start` runs something bounded in the background; `now` gives RFC 3339. Without a store nothing is kept."""

    def __init__(
        self,
        workspace: Workspace,
        store: AuthorshipStore | None,
        start: Start,
        now: Callable[[], str],
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._start = start
        self._now = now
        self._told: dict[str, AuthoredTurn] = {}
        self._turns: dict[str, AuthoredTurn] = {}
        self._files: dict[str, FollowedFile] = {}
        self._switches: dict[str, Mapping[str, tuple[str, ...]]] = {}
        self._renamed: list[tuple[str, str]] = []
        self._unsaved: set[str] = set()
        self._unsaved_turns: set[str] = set()
        self._gone: set[str] = set()
        self._keys: frozenset[str] | None = None
        self._is_loaded = store is None
        self._saving = anyio.Lock()
        self._idle_s = idle_s
        self._typed_in: set[str] = set()
        self._opened: dict[str, Watch] = {}
        self._is_loading = False
        self._is_waiting = False
        self._numbers = count(1)
        self._series = secrets.token_hex(4)
        workspace.overlay.listeners.append(self._typed)

    # --- what is told ---

    def listen(self, session: str, seq: int, event: Event) -> None:
        """A listener of the host's events."""
        match event:
            case TurnStarted():
                while len(self._told) >= MAX_TOLD:
                    del self._told[next(iter(self._told))]
                self._told[event.turn] = AuthoredTurn(event.turn, session, event.title, event.model, event.mode)
            case ModelChosen() if event.turn in self._told:
                self._told[event.turn] = replace(self._told[event.turn], model=event.model)
            case EvidenceUpdated(turn=turn, evidence=evidence):
                self._note_evidence(turn, tuple(line_of(run) for run in entries(evidence)))
            case _:
                pass

    def _note_evidence(self, turn: str, lines: tuple[str, ...]) -> None:
        """It may come before the turn has landed, after that, or not at all."""
        if turn in self._told:
            self._told[turn] = replace(self._told[turn], evidence=lines)
        if turn in self._turns and self._turns[turn].evidence != lines:
            self._put_turn(replace(self._turns[turn], evidence=lines))
            self._start(self.save)

    def landed(self, record: Landed) -> None:
        """What has landed, in the order in which it did. Does not wait."""
        source = normalise(record.moved_from or record.uri)
        file = self._held(source) or self._begun(source, record.before or "")
        undo = self._switches.get(record.turn)
        if undo is None:
            parts = record.by_turn()
            ids = file.land(
                record, lambda ours: file.write(parts if ours is record.ours else [(record.made_by, ours)], self._id)
            )
        else:
            ids = file.land(record, lambda ours: file.turn(ours, undo.get(source, ())))
        if record.moved_from:
            self._move(file, normalise(record.uri), record.now or "")
        self._note(record, file, ids, is_undo=undo is not None)
        self._changed(file)

    def _typed(self, uri: str) -> None:
        """A listener of the overlay."""
        file, document = self._files.get(uri), self._workspace.overlay.get(uri)
        if file is None:
            if document is not None and document.history.n == 0 and self._store is not None:
                self._opened[uri] = self._workspace.overlay.watch(uri)
                self._start(self._load_opened)
            return
        if document is not None and document.history.previous is not None:
            file.hear(document.history)
        self._typed_in.add(uri)
        if not self._is_waiting and self._store is not None:
            self._start(self._save_when_idle)

    async def _load_opened(self) -> None:
        """Goes on following documents that were opened, with all that was typed in them meanwhile."""
        if self._is_loading or self._store is None:
            return
        self._is_loading = True
        try:
            while uris := tuple(self._opened):
                stored = await to_thread.run_sync(self._stored, self._store, uris)
                for uri, file in zip(uris, stored, strict=True):
                    self._follow(uri, file)
        finally:
            self._is_loading = False

    def _stored(self, store: AuthorshipStore, uris: Iterable[str]) -> list[AuthoredText | None]:
        self._keys_read()
        keys = self._keys or ()
        return [store.text(uri) if key_of(uri) in keys else None for uri in uris]

    def _follow(self, uri: str, stored: AuthoredText | None) -> FollowedFile | None:
        since = self._opened.pop(uri, None)
        if stored is not None and uri not in self._files:
            self._files[uri] = FollowedFile(stored, self._workspace.overlay.watch, since)
        return self._files.get(uri)

    async def _save_when_idle(self) -> None:
        if self._is_waiting:
            return
        self._is_waiting = True
        try:
            await anyio.sleep(self._idle_s)
            uris, self._typed_in = self._typed_in, set()
            self._take_in(uris, MAX_IDLE_TEXT)
        finally:
            self._is_waiting = False
        await self.save()

    def _take_in(self, uris: Iterable[str], most: float) -> None:
        """What was typed in these files."""
        for uri in uris:
            file = self._files.get(uri)
            if file is not None and len(file.text) <= most:
                file.advance()
                self._unsaved.add(uri)

    def _id(self) -> str:
        return f"{self._series}.{next(self._numbers)}"

    def _note(self, record: Landed, file: FollowedFile, ids: frozenset[str], *, is_undo: bool) -> None:
        """Each turn's own page: what it did to this file."""
        base = record.file.base
        encoding = base.encoding if base else "utf-8" if record.now is not None else ""
        whole = record.turn if is_undo else record.made_by
        for turn in {whole, *(piece.author for piece in file.pieces.made if piece.id in ids and not is_undo)}:
            mine = [piece.id for piece in file.pieces.made if piece.id in ids and (is_undo or piece.author == turn)]
            is_whole = turn == whole
            if not mine and record.kind == "change":
                continue
            moved_from = normalise(record.moved_from) if record.moved_from and is_whole else ""
            done = AuthoredFile(file.uri, record.kind if is_whole else "change", moved_from, tuple(mine), encoding)
            self._put_turn(with_file(self._page(turn), done))

    def _page(self, turn: str) -> AuthoredTurn:
        known = self._turns.get(turn) or (self._store and self._store.turn(turn))
        if known:
            return known
        return replace(self._told.get(turn) or AuthoredTurn(turn), at=self._now(), order=time.time_ns())

    def _put_turn(self, turn: AuthoredTurn) -> None:
        self._turns[turn.turn] = turn
        self._unsaved_turns.add(turn.turn)

    # --- files ---

    def _held(self, uri: str) -> FollowedFile | None:
        """The file as it is followed, or as it was kept. A page is small, so it is read at once."""
        file = self._files.pop(uri, None)
        if file is not None:
            self._files[uri] = file  # the last in the row is the one used last
        elif self._store is not None:
            (stored,) = self._stored(self._store, (uri,))
            file = self._follow(uri, stored)
        return file

    def _begun(self, uri: str, text: str) -> FollowedFile:
        file = FollowedFile(AuthoredText(uri, text, Pieces(), {}), self._workspace.overlay.watch)
        self._files[uri] = file
        return file

    def _move(self, file: FollowedFile, uri: str, text: str) -> None:
        source = file.uri
        del self._files[source]
        file.moved(uri, text)
        self._files[uri] = file
        self._gone.add(source)
        self._gone.discard(uri)
        self._renamed.append((source, uri))
        self._rename(self._turns, source, uri)

    def _rename(self, turns: Mapping[str, AuthoredTurn], source: str, uri: str) -> None:
        for turn in list(turns.values()):
            renamed = tuple(_renamed(file, source, uri) for file in turn.files)
            if renamed != turn.files:
                self._put_turn(replace(turn, files=renamed))

    def _changed(self, file: FollowedFile) -> None:
        self._unsaved.add(file.uri)
        self._start(self.save)

    # --- what is asked ---

    async def line(self, uri: str, number: int) -> LineNote | None:
        """Which turn wrote line `number` (from 0) of an open document as it reads now; None for a person's."""
        key = normalise(uri)
        if key not in self._files and self._store is not None:
            await to_thread.run_sync(self._keys_read)
        file, opened = self._held(key), self._workspace.overlay.get(key)
        if file is None or opened is None:
            return None
        file.advance()
        document = opened.document
        start = document.offset_at(number, 0)
        turn = file.turn_of_line(start, start + len(document.line(number)))
        page = await self.page(turn) if turn else None
        return page and LineNote(page.turn, page.title, page.model, page.at, page.evidence)

    def _keys_read(self) -> None:
        if self._keys is None and self._store is not None:
            self._keys = self._store.keys()

    async def page(self, turn: str) -> AuthoredTurn | None:
        """The turn's own page, also one of an earlier server's."""
        known = self._turns.get(turn)
        if known is None and self._store is not None:
            known = await to_thread.run_sync(self._store.turn, turn)
            if known is not None:
                known = self._turns.setdefault(turn, known)
        return known

    async def pages(self) -> list[AuthoredTurn]:
        """Every turn and undo that landed something, the newest first."""
        if not self._is_loaded and self._store is not None:
            stored = await to_thread.run_sync(self._store.turns)
            self._is_loaded = True
            fresh = {id: turn for id, turn in stored.items() if id not in self._turns}
            self._turns = {**fresh, **self._turns}
            for source, uri in self._renamed:
                self._rename(fresh, source, uri)
        return sorted(self._turns.values(), key=lambda turn: turn.order, reverse=True)

    def file(self, uri: str, text: str, version: int | None) -> FollowedFile | None:
        """The file on `text`, of that version if it is open; None where no turn is known to have touched it."""
        file = self._held(normalise(uri))
        if file is not None:
            file.stand_on(text, version)
        return file

    # --- undoing ---

    def begin_undo(self, undo: AuthoredTurn, switches: Mapping[str, tuple[str, ...]]) -> None:
        """What lands under the undo's id from now on turns these pieces (by the URI before) instead of writing."""
        self._told[undo.turn] = undo
        self._switches[undo.turn] = switches

    async def end_undo(self, undo: str, states: Mapping[str, Standing]) -> None:
        """All of the undo has landed that will; `states` are what other turns are from now on."""
        self._switches.pop(undo, None)
        self._told.pop(undo, None)
        for turn, state in states.items():
            if (page := self._turns.get(turn)) is not None:
                self._put_turn(replace(page, state=state))
        await self.save()

    # --- keeping ---

    async def save(self) -> None:
        """Writes what has changed. One at a time; what changes meanwhile is written by the same run."""
        if self._store is None:
            return
        async with self._saving:
            while self._unsaved or self._unsaved_turns or self._gone:
                files = [self._files[uri].stored() for uri in sorted(self._unsaved) if uri in self._files]
                turns = [self._turns[id] for id in sorted(self._unsaved_turns)]
                gone, self._gone = self._gone, set()
                self._unsaved, self._unsaved_turns = set(), set()
                await to_thread.run_sync(self._write, self._store, files, turns, gone)
            self._let_go()

    def _write(
        self, store: AuthorshipStore, files: list[AuthoredText], turns: list[AuthoredTurn], gone: set[str]
    ) -> None:
        for file in files:
            store.put_text(file)
        for turn in turns:
            store.put_turn(turn)
        for uri in gone:
            store.forget_text(uri)

    def _let_go(self) -> None:
        if self._keys is not None:
            self._keys |= {key_of(uri) for uri in self._files}
        while len(self._files) > MAX_FILES:
            del self._files[next(iter(self._files))]

    def tidy(self) -> None:
        """Removes what is too old or too much from the disk. Blocks: in a thread."""
        if self._store is not None:
            self._store.tidy()

    async def flush(self) -> None:
        """Takes in what was typed since and writes it: the last thing a server does."""
        self._take_in(tuple(self._typed_in), float("inf"))
        await self.save()


def with_file(turn: AuthoredTurn, done: AuthoredFile) -> AuthoredTurn:
    """The page with one more thing done, joined to what the turn did to the same file before."""
    before = next((file for file in turn.files if file.uri in (done.uri, done.moved_from)), None)
    others = tuple(file for file in turn.files if file is not before)
    joined = _joined(before, done) if before else done
    return replace(turn, files=(*others, joined) if joined else others)


def _joined(before: AuthoredFile, done: AuthoredFile) -> AuthoredFile | None:
    ids = tuple(dict.fromkeys((*before.ids, *done.ids)))
    kind, moved_from = done.kind, done.moved_from
    if before.kind == "create":
        if done.kind == "delete":
            return None
        kind, moved_from = "create", ""
    elif done.kind == "change":
        kind, moved_from = before.kind, before.moved_from
    elif before.kind == done.kind == "move":
        moved_from = before.moved_from
        kind = "move" if moved_from != done.uri else "change"
    return replace(done, kind=kind, moved_from=moved_from if kind == "move" else "", ids=ids)


def _renamed(file: AuthoredFile, source: str, uri: str) -> AuthoredFile:
    """A page names a file where it is now; a move that was taken back goes on naming where it led."""
    is_return = file.kind == "move" and file.moved_from == uri
    return replace(file, uri=uri) if file.uri == source and not is_return else file
