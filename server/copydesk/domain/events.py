"""Session events: everything observable about a session, in order. Each is one record; state is derived from them.

`store.records` gives each its `seq` and writes it before anyone sees it. The faces turn events into their protocol.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from copydesk.domain.commands import SideFile
from copydesk.domain.edits import PendingEdit
from copydesk.domain.evidence import Evidence
from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Message, Usage, Verb
from copydesk.domain.money import Cost
from copydesk.domain.permissions import Mode, PermissionRequest
from copydesk.domain.tools import Location, ToolKind

StopReason: TypeAlias = Literal["end_turn", "max_tokens", "max_steps", "refusal", "cancelled", "error"]
CallStatus: TypeAlias = Literal["pending", "in_progress", "completed", "failed"]
ReviewState: TypeAlias = Literal[
    "none", "pending", "applied", "partial", "deferred", "unconfirmed", "refused", "draft", "discarded"
]
"""none: the turn proposed nothing. draft: kept, not offered (cancelled, or the client would not take it)."""


@frozen
class SessionStarted:
    session: str
    roots: tuple[str, ...]
    created: str
    version: str


@frozen
class TurnStarted:
    turn: str
    verb: Verb
    title: str
    model: str
    mode: Mode


@frozen
class ModelChosen:
    """The model that really answers, once `auto` was resolved."""

    turn: str
    model: str


@frozen
class StepStarted:
    turn: str
    step: int
    max_steps: int


@frozen
class MessageChunk:
    turn: str
    text: str


@frozen
class ThoughtChunk:
    turn: str
    text: str


@frozen
class MessageAdded:
    """A whole message joined the history: the user's, the assistant's (with its calls) or the tools' results."""

    turn: str
    message: Message


@frozen
class Steered:
    """Text sent while the turn ran; it joins the next step."""

    turn: str
    text: str


@frozen
class ToolCallStarted:
    turn: str
    call: str
    tool: str
    title: str
    kind: ToolKind
    locations: tuple[Location, ...] = ()


@frozen
class ToolCallUpdated:
    turn: str
    call: str
    status: CallStatus
    content: str = ""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@frozen
class EditProposed:
    turn: str
    edit: PendingEdit


@frozen
class PermissionAsked:
    turn: str
    request: PermissionRequest


@frozen
class PermissionAnswered:
    """`option` is what the person chose; empty when nobody chose. `cancelled`: the turn was stopped meanwhile."""

    turn: str
    request: str
    allowed: bool
    reason: str = ""
    option: str = ""
    cancelled: bool = False


@frozen
class UsageUpdated:
    turn: str
    usage: Usage
    total: Usage


@frozen
class CostExpected:
    """Before a turn's first request: what the turn is likely to cost, in USD; None where no price is known.

    `low_usd` is one request answered shortly, `high_usd` a turn as long as this session's turns are.
    """

    turn: str
    model: str
    input_tokens: int
    low_usd: float | None = None
    high_usd: float | None = None


@frozen
class CostUpdated:
    """After a request: money so far, in USD. `usd` is this request's, None where no price is known.

    `context_tokens` of `window_tokens` are in use. `cached_share` is the part of the turn's input that a cache served,
    0 to 1. `estimated`: the provider did not report the usage (the request was cancelled, say). `total` is the turn's.
    """

    turn: str
    model: str
    usage: Usage
    usd: float | None
    turn_usd: float
    session_usd: float
    day_usd: float
    context_tokens: int = 0
    window_tokens: int = 0
    cached_share: float = 0.0
    estimated: bool = False
    total: Usage = Usage()


@frozen
class PrefixBroken:
    """This request does not begin as the one before it did, so the provider's cache is of no use. `why`: one of
    "model", "system", "tools", "schema", "thinking", "history", "images".
    """

    turn: str
    why: str
    kept_messages: int = 0


@frozen
class ResultsCleared:
    """Results of these calls gave way to a note of what they were, to make room in the window."""

    turn: str
    calls: tuple[str, ...]
    why: str = ""


@frozen
class Retried:
    """A model request failed before output began and is tried again after `delay_s`."""

    turn: str
    attempt: int
    delay_s: float
    why: str


@frozen
class FileReview:
    """What became of one file's edits. `note` says why when it is not applied."""

    uri: str
    state: ReviewState
    n_hunks: int = 0
    note: str = ""
    saved: bool = False


@frozen
class ReviewUpdated:
    turn: str
    state: ReviewState
    files: tuple[FileReview, ...] = ()


@frozen
class ReviewDecided:
    """A person accepted or rejected hunks. `hunks` are their ids; `reason` is theirs."""

    turn: str
    decision: Literal["accepted", "rejected"]
    files: tuple[FileReview, ...]
    hunks: tuple[str, ...] = ()
    reason: str = ""


@frozen
class EvidenceUpdated:
    """The runs that judge this turn's edits, as they stand; a later one replaces it."""

    turn: str
    evidence: Evidence


@frozen
class SideFilesProposed:
    """Changes that no text edit can carry; written by the server when a person accepts them."""

    turn: str
    files: tuple[SideFile, ...]


@frozen
class Notice:
    """Something a person should know. `level`: info, warning, error."""

    turn: str
    level: Literal["info", "warning", "error"]
    text: str


@frozen
class TurnEnded:
    """`output` is the answer as JSON where a schema was given. `error_type` is a name of `domain.errors`, or empty."""

    turn: str
    stop_reason: StopReason
    message: str
    usage: Usage
    review: ReviewState = "none"
    error: str = ""
    cost: Cost = Cost()
    output: Mapping[str, Any] | None = None
    error_type: str = ""


Event: TypeAlias = (
    SessionStarted
    | TurnStarted
    | ModelChosen
    | StepStarted
    | MessageChunk
    | ThoughtChunk
    | MessageAdded
    | Steered
    | ToolCallStarted
    | ToolCallUpdated
    | EditProposed
    | PermissionAsked
    | PermissionAnswered
    | UsageUpdated
    | CostExpected
    | CostUpdated
    | PrefixBroken
    | ResultsCleared
    | Retried
    | ReviewUpdated
    | ReviewDecided
    | EvidenceUpdated
    | SideFilesProposed
    | Notice
    | TurnEnded
)
