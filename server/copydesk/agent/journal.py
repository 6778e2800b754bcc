"""What the loop is given: the journal it tells everything to, and what one turn runs with.

The loop never keeps state of its own: `Journal.messages` is the history, derived from what was recorded.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from anyio.lowlevel import checkpoint

from copydesk.agent.prefix import Prefix
from copydesk.domain.errors import ContextOverflow
from copydesk.domain.events import Event
from copydesk.domain.messages import Message
from copydesk.domain.ports import Approver, Model, Tool, Work
from copydesk.domain.secrets import NoSecrets, Secrets
from copydesk.domain.stream import Thinking
from copydesk.domain.tools import ToolSpec


class Journal(Protocol):
    """The session as its running turn sees it."""

    @property
    def messages(self) -> tuple[Message, ...]: ...

    def emit(self, event: Event) -> None:
        """Records and publishes. Never blocks, never raises."""
        ...

    @property
    def steering_waits(self) -> bool: ...

    def take_steering(self) -> tuple[str, ...]:
        """Texts sent since the last call, oldest first."""
        ...

    def take_news(self) -> str:
        """What became of the turn's edits since the last call, for the model; empty when nothing did."""
        ...


class Tools(Protocol):
    """The tool set of a turn, in a fixed order: it is part of the cached prefix."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]: ...

    def get(self, name: str) -> Tool | None: ...

    def find(self, name: str) -> Tool:
        """The tool of this name. Raises `InvalidArguments` that names the nearest one."""
        ...


@dataclass(frozen=True, slots=True)
class TurnParts:
    """Everything one turn runs with. `work(call_id, tool)` makes the frozen view of one tool call; `validate` gives the
    arguments a tool may see, or raises `InvalidArguments`.
    """

    session: str
    turn: str
    model: Model
    system: str
    tools: Tools
    approver: Approver
    work: Callable[[str, str], Work]
    validate: Callable[[ToolSpec, object], dict[str, Any]]
    journal: Journal
    max_steps: int = 50
    max_output_tokens: int | None = None
    thinking: Thinking = "auto"
    prefix: Prefix = field(default_factory=Prefix)
    secrets: Secrets = field(default_factory=NoSecrets)
    make_room: Callable[[tuple[Message, ...], ContextOverflow], tuple[str, ...]] = lambda messages, error: ()
    """The calls whose results may give way when a request was too long for the model; empty when nothing can."""
    confined: Callable[[], Awaitable[object]] = checkpoint
    """Returns when it is known how commands are confined: the approver judges them by that."""

    def emit(self, event: Event) -> None:
        self.journal.emit(event)
