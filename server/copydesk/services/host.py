"""Many sessions: the one object the faces talk to. Submits, cancels, lists, and relays every session's events.

`run` owns the task group all sessions live in; when it is cancelled, they all are. Nothing here blocks.
"""

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup, TaskStatus

from copydesk.agent.execution import interrupted
from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import Event, MessageAdded, SideFilesProposed
from copydesk.domain.evidence import Evidence
from copydesk.domain.messages import Problem
from copydesk.domain.money import to_amount
from copydesk.domain.permissions import MODES, Mode, mode_of
from copydesk.services.keeping import Draft, Keeper
from copydesk.services.parts import SessionParts
from copydesk.services.review import Reviewed, ReviewParts, Reviews
from copydesk.services.session import Session
from copydesk.services.turns import PromptRequest, Turn
from copydesk.store.records import Listener, RecordWriter, read_records
from copydesk.store.state import SessionState, apply

MAX_SESSIONS = 256
"""Sessions kept in memory; the oldest idle one is let go first (its transcript stays)."""

LOCK_LIMIT_S = 2.0
"""How long a session that an ending server still holds is waited for."""


class Host:
    def __init__(self, parts: SessionParts, records: Path | None) -> None:
        self.current: str | None = None
        self._chosen_mode: Mode | None = None
        self._chosen_model: str | None = None
        self._records = records
        self._sessions: dict[str, Session] = {}
        self._listeners: list[Listener] = []
        self._group: TaskGroup | None = None
        self._problems: dict[str, tuple[int | None, tuple[Problem, ...]]] = {}
        self.keeper = (
            Keeper(records.parent / "drafts", lambda: parts.workspace.roots) if records and parts.offers else None
        )
        self.reviews = Reviews(ReviewParts(parts.workspace, self._by_use, self._review_changed, sides=parts.sides))
        if self.keeper:
            self.reviews.written = self.keeper.written
        self.parts = replace(
            parts,
            mode=self.mode,
            model_name=self.chosen_model,
            problems=self.problems,
            reviews=self.reviews,
            kept=self._review_changed,
            start=self.start,
        )

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Lives as long as the host does; cancelling it cancels every session."""
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self.reviews.run)
            if self.keeper:
                group.start_soon(self.keeper.run)
            for session in self._sessions.values():
                group.start_soon(session.drain)
            task_status.started()
            await anyio.sleep_forever()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs something bounded beside the turns, as long as the host lives."""
        if self._group is not None:
            self._group.start_soon(work)

    # --- turns ---

    def prompt(self, request: PromptRequest) -> Turn:
        """Starts, queues or steers. Raises `CopydeskError` for a session that is not there."""
        session = self._session_for(request)
        talks = request.task.verb in ("prompt", "ask") and not request.task.instruction_comment
        joins = talks and not (request.queue or request.shape or request.images)
        if joins and (running := session.steerable()) is not None:
            return session.steer(running, request.task)
        turn = session.submit(request)
        if self._group is not None:  # else `run` starts it
            self._group.start_soon(session.drain)
        return turn

    def cancel(self, turn: str | None = None) -> tuple[str, ...]:
        """Stops one turn, or all that run or wait. Returns the ids that were stopped."""
        return tuple(id for session in tuple(self._sessions.values()) for id in session.cancel(turn))

    def running(self) -> tuple[str, ...]:
        """Ids of the turns that run or wait, oldest session first."""
        return tuple(turn.id for session in self._sessions.values() for turn in session.turns())

    # --- sessions ---

    def _session_for(self, request: PromptRequest) -> Session:
        continues = request.task.verb in ("prompt", "ask")
        wanted = request.session or (self.current if continues else None)
        if wanted is None:
            return self.new_session(make_current=continues or self.current is None)
        session = self._sessions.get(wanted)
        if session is None:
            raise CopydeskError(
                f"There is no session {wanted!r} in this server.", advice="copydesk.session.list names those there are."
            )
        return session

    def new_session(self, *, make_current: bool = True) -> Session:
        self._make_room()
        id = f"s-{secrets.token_hex(5)}"
        writer = RecordWriter(id, self._records, self.parts.now)
        writer.subscribe(self._relay)
        session = Session(id, self.parts, writer)
        self._sessions[id] = session
        if make_current:
            self.current = id
        return session

    def _make_room(self) -> None:
        idle = [id for id, session in self._sessions.items() if not session.is_running and id != self.current]
        if len(self._sessions) >= MAX_SESSIONS and idle:
            self._sessions.pop(idle[0]).close()

    def sessions(self) -> list[dict[str, Any]]:
        """This server's sessions as `copydesk.session.list` shows them, newest first."""
        listed = [
            {
                "session": session.id,
                "title": session.state.title,
                "updated": session.updated,
                "turns": session.state.n_turns,
                "cost": to_amount(session.state.cost.usd),
                "state": "running" if session.is_running else "idle",
            }
            for session in self._sessions.values()
        ]
        return sorted(listed, key=lambda item: str(item["updated"]), reverse=True)

    # --- review ---

    def _by_use(self) -> tuple[Session, ...]:
        """The sessions, the one that was used last at the end."""
        return tuple(sorted(self._sessions.values(), key=lambda session: session.updated))

    def _review_changed(self, session: Reviewed) -> None:
        self.reviews.touch()
        if self.keeper:
            self.keeper.touch(session)

    async def restore(self) -> tuple[str, ...]:
        """Brings back the sessions in which an earlier server left edits undecided. Returns their ids."""
        if self.keeper is None:
            return ()
        with self.reviews.awaiting():
            drafts = await to_thread.run_sync(self.keeper.load)
            for draft in drafts:
                if draft.session not in self._sessions and len(self._sessions) < MAX_SESSIONS:
                    await self._revive(draft)
        revived = tuple(draft.session for draft in drafts if draft.session in self._sessions)
        if revived:
            await self.reviews.refresh()
        return revived

    async def _revive(self, draft: Draft) -> None:
        """Goes on with a session, unless another server has it."""
        state, last = await to_thread.run_sync(self._replayed, draft.session)
        writer = await self._writer_of(draft.session, last)
        if writer is None:
            return
        writer.subscribe(self._relay)
        session = Session(draft.session, self.parts, writer, state)
        for file in draft.files:
            session.pending.put(file)
        for side, turn in draft.sides:
            session.pending.propose_side_files((side,), turn)
        if state.messages and state.messages[-1].calls:  # it ended in the middle of them
            session.emit(MessageAdded(state.turn, interrupted(state.messages[-1].calls)))
        self._sessions[draft.session] = session

    async def _writer_of(self, session: str, last: int) -> RecordWriter | None:
        """The session's transcript, to go on with; None when another server keeps it. It may be ending."""
        until_s = anyio.current_time() + LOCK_LIMIT_S
        while True:
            writer = RecordWriter(session, self._records, self.parts.now, last)
            if writer.owned:
                return writer
            writer.close()
            if anyio.current_time() > until_s:
                return None
            await anyio.sleep(0.05)

    def _replayed(self, id: str) -> tuple[SessionState, int]:
        assert self._records is not None
        state, last = SessionState(id), 0
        try:
            for record in read_records(self._records / f"{id}.jsonl"):
                state, last = apply(state, record.event), record.seq
        except OSError:  # the transcript is gone: what was proposed can be decided all the same
            pass
        return state, last

    def close(self) -> None:
        """Lets go of every transcript; called after the task group ended."""
        if self.keeper:
            self.keeper.flush()
        for session in self._sessions.values():
            session.close()

    def session(self, id: str) -> Session | None:
        return self._sessions.get(id)

    def evidence(self, turn: str) -> Evidence | None:
        """What was run to check the edits of a turn of this server."""
        found = (session.checks.of(turn) for session in self._sessions.values())
        return next((each for each in found if each is not None), None)

    # --- events ---

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """`listener(session, seq, event)` for every event of every session; it must not block or raise."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _relay(self, session: str, seq: int, event: Event) -> None:
        if isinstance(event, SideFilesProposed):
            self._has_side_files(session)
        for listener in tuple(self._listeners):
            listener(session, seq, event)

    def _has_side_files(self, id: str) -> None:
        if session := self._sessions.get(id):
            session.awaits_review = session.awaits_review or session.current is None  # made in the background
            self._review_changed(session)

    # --- choices ---

    def mode(self) -> Mode:
        if self._chosen_mode:
            return self._chosen_mode
        return mode_of(self.parts.settings().text("permissions.mode")) or "ask"

    def set_mode(self, mode: str) -> Mode:
        """For the turns that start from now on. Raises `CopydeskError` for a word that is no mode."""
        known = mode_of(mode)
        if known is None:
            raise CopydeskError(f"{mode!r} is not a mode.", advice=f"Choose one of {', '.join(MODES)}.")
        self._chosen_mode = known
        return known

    def chosen_model(self) -> str | None:
        """The model chosen by command; None leaves it to the settings."""
        return self._chosen_model

    def model_name(self) -> str:
        """As a person knows it: chosen by command, else as set."""
        return self._chosen_model or self.parts.settings().text("model.name")

    def set_model(self, name: str) -> None:
        """For the turns that start from now on; whether it answers is found out then."""
        if not name.strip():
            raise CopydeskError("The model's name is empty.", advice='Give `provider/model`, "offline" or "auto".')
        self._chosen_model = name.strip()

    # --- what the client reports ---

    def note_problems(self, uri: str, version: int | None, problems: tuple[Problem, ...]) -> None:
        """The client's newest diagnostics for a document, and the version they were made for."""
        self._problems[uri] = (version, problems)

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        """Only those made for the text as it is now."""
        chosen = self._problems if uri is None else {uri: self._problems[uri]} if uri in self._problems else {}
        fresh: list[Problem] = []
        for key, (version, found) in chosen.items():
            document = self.parts.workspace.overlay.get(key)
            if document is not None and document.version == version:
                fresh.extend(found)
        return tuple(fresh)
