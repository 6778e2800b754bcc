"""A turn as its callers hold it: what was asked, how to wait for it, how to stop it, what came of it."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from copydesk.domain.events import ReviewUpdated, StopReason
from copydesk.domain.evidence import CheckRun
from copydesk.domain.messages import Image, Task, Usage
from copydesk.domain.money import Cost
from copydesk.domain.permissions import Mode

if TYPE_CHECKING:
    from copydesk.agent.shaping import AnswerShape


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """One thing a person asked for. Without `session`, prompt and ask continue the current one, the rest start one."""

    task: Task
    session: str | None = None
    mode: Mode | None = None
    model: str | None = None
    queue: bool = False
    shape: "AnswerShape | None" = None
    """The answer is to be a JSON object in it; then the prompt never joins a turn that runs."""
    images: tuple[Image, ...] = ()
    """Checked by `services.images`; a prompt with some never joins a turn that runs either."""


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """`message` is for the person: the model's last words and what is unsaved. `error` says what went wrong.

    `output` is the answer as JSON where a shape was given.
    """

    session: str
    turn: str
    stop_reason: StopReason
    message: str
    review: ReviewUpdated
    usage: Usage = field(default_factory=Usage)
    error: str = ""
    evidence: tuple[CheckRun, ...] = ()
    cost: Cost = field(default_factory=Cost)
    output: Mapping[str, Any] | None = None
    error_type: str = ""


class _Result:
    """Set once; shared by every handle on the turn."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.outcome: TurnOutcome | None = None


class Turn:
    """`steered` is true on the handle of a prompt that joined a turn which was already running."""

    def __init__(self, id: str, session: str, request: PromptRequest) -> None:
        self.id = id
        self.session = session
        self.request = request
        self.steered = False
        self.scope = anyio.CancelScope()
        self._result = _Result()

    def joined(self) -> "Turn":
        """Another handle on this turn, for a prompt that steered it."""
        handle = copy(self)
        handle.steered = True
        return handle

    @property
    def outcome(self) -> TurnOutcome | None:
        return self._result.outcome

    def cancel(self) -> None:
        """Stops the running turn. What it proposed stays as a draft of its session."""
        self.scope.cancel()

    def finish(self, outcome: TurnOutcome) -> None:
        self._result.outcome = outcome
        self._result.done.set()

    async def wait(self) -> TurnOutcome:
        """Waits for as long as the turn takes; the turn itself is bounded by its steps and its model's limits."""
        await self._result.done.wait()
        assert self._result.outcome is not None
        return self._result.outcome
