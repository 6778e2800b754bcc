"""A host without models: turns are made, recorded and ended by the test. Same methods as `services.host.Host`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from copydesk.context.prompt import title as prompt_title
from copydesk.domain import events
from copydesk.domain.errors import CopydeskError
from copydesk.domain.events import Event, ReviewState, ReviewUpdated, StopReason, TurnEnded, TurnStarted
from copydesk.domain.messages import Problem, Usage
from copydesk.domain.permissions import MODES, Mode
from copydesk.services.turns import PromptRequest, Turn, TurnOutcome

Listener = Callable[[str, int, Event], None]


@dataclass
class FakeSession:
    id: str


class FakeHost:
    def __init__(self) -> None:
        self.current: str | None = None
        self.requests: list[PromptRequest] = []
        self.turns: dict[str, Turn] = {}
        self.cancelled: list[str] = []
        self.fail: CopydeskError | None = None
        self._mode: Mode = "ask"
        self._model = "offline"
        self._listeners: list[Listener] = []
        self._seq = 0
        self._sessions: list[str] = []

    # --- what the features use ---

    def prompt(self, request: PromptRequest) -> Turn:
        if self.fail:
            raise self.fail
        self.requests.append(request)
        if request.session and request.session not in self._sessions:
            raise CopydeskError(f"There is no session {request.session!r} in this server.")
        session = request.session or self.new_session().id
        turn = Turn(f"t-{len(self.requests)}", session, request)
        self.turns[turn.id] = turn
        title = prompt_title(request.task)
        self.emit(session, TurnStarted(turn.id, request.task.verb, title, self._model, self._mode))
        return turn

    def cancel(self, turn: str | None = None) -> tuple[str, ...]:
        hit = tuple(id for id in self.turns if turn in (None, id))
        self.cancelled += hit
        for id in hit:
            self.end(id, "", stop_reason="cancelled")
        return hit

    def running(self) -> tuple[str, ...]:
        return tuple(self.turns)

    def sessions(self) -> list[dict[str, Any]]:
        return [
            {"session": id, "title": "", "updated": "", "turns": 0, "cost": None, "state": "idle"}
            for id in self._sessions
        ]

    def new_session(self, *, make_current: bool = True) -> FakeSession:
        session = FakeSession(f"s-{len(self._sessions) + 1}")
        self._sessions.append(session.id)
        if make_current:
            self.current = session.id
        return session

    def note_problems(self, uri: str, version: int | None, problems: tuple[Problem, ...]) -> None:
        self.noted = (uri, version, problems)

    def mode(self) -> Mode:
        return self._mode

    def set_mode(self, mode: str) -> Mode:
        if mode not in MODES:
            raise CopydeskError(f"{mode!r} is not a mode.", advice=f"Choose one of {', '.join(MODES)}.")
        self._mode = mode
        return mode

    def model_name(self) -> str:
        return self._model

    def set_model(self, name: str) -> None:
        self._model = name

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- what the test does ---

    def emit(self, session: str, event: Event) -> None:
        self._seq += 1
        for listener in self._listeners:
            listener(session, self._seq, event)

    def step(self, turn: str, step: int, title: str = "", max_steps: int = 50) -> None:
        session = self.turns[turn].session
        self.emit(session, events.StepStarted(turn, step, max_steps))
        if title:
            self.emit(session, events.ToolCallStarted(turn, f"c-{step}", "edit_file", title, "edit"))

    def end(self, turn: str, message: str, *, stop_reason: StopReason = "end_turn", error: str = "",
            review: ReviewState = "none") -> None:  # fmt: skip
        handle = self.turns.pop(turn)
        usage = Usage(10, 5)
        self.emit(handle.session, TurnEnded(turn, stop_reason, message, usage, review, error))
        reviewed = ReviewUpdated(turn, review)
        handle.finish(TurnOutcome(handle.session, turn, stop_reason, message, reviewed, usage, error))
