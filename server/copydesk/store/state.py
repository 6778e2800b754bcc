"""What a session *is*, derived from its records and from nothing else.

`apply` is a pure step; replaying a transcript gives the same state as having lived it.
"""

from dataclasses import replace

from copydesk.domain.edits import PendingEdit
from copydesk.domain.events import (
    CostUpdated,
    EditProposed,
    Event,
    EvidenceUpdated,
    MessageAdded,
    ResultsCleared,
    ReviewUpdated,
    SessionStarted,
    TurnEnded,
    TurnStarted,
    UsageUpdated,
)
from copydesk.domain.evidence import Evidence
from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Message, ToolResult, Usage, cleared
from copydesk.domain.money import Cost

_NOTHING = Usage()
N_TURNS_USD = 8
"""Turns whose cost says what the next one may come to."""


@frozen
class SessionState:
    """`messages` is what the model is sent; `edits` what was proposed since the last turn that settled.

    `billed` and `cost` are of all turns; `turns_usd` what the newest ones came to, as far as their price was known.
    """

    session: str = ""
    created: str = ""
    title: str = ""
    turn: str = ""
    n_turns: int = 0
    messages: tuple[Message, ...] = ()
    edits: tuple[PendingEdit, ...] = ()
    usage: Usage = _NOTHING
    review: ReviewUpdated | None = None
    evidence: Evidence | None = None
    last: TurnEnded | None = None
    billed: Usage = _NOTHING
    cost: Cost = Cost()
    turns_usd: tuple[float, ...] = ()


def apply(state: SessionState, event: Event) -> SessionState:
    match event:
        case SessionStarted():
            return replace(state, session=event.session, created=event.created)
        case TurnStarted():
            title = state.title or event.title
            return replace(state, turn=event.turn, n_turns=state.n_turns + 1, title=title)
        case MessageAdded():
            return replace(state, messages=(*state.messages, event.message))
        case ResultsCleared():
            calls = frozenset(event.calls)
            return replace(state, messages=tuple(_without_results(message, calls) for message in state.messages))
        case EditProposed():
            return replace(state, edits=(*state.edits, event.edit))
        case UsageUpdated():
            return replace(state, usage=state.usage + event.usage)
        case ReviewUpdated():
            settled = event.state not in ("pending", "draft", "deferred")
            return replace(state, review=event, edits=() if settled else state.edits)
        case EvidenceUpdated():
            return replace(state, evidence=event.evidence)
        case CostUpdated():
            billed = state.billed + event.usage
            return replace(state, billed=billed, cost=_cost(state.cost, event, billed))
        case TurnEnded():
            known = () if event.cost.usd is None else (event.cost.usd,)
            return replace(state, turn="", last=event, turns_usd=(*state.turns_usd, *known)[-N_TURNS_USD:])
        case _:
            return state


def _without_results(message: Message, calls: frozenset[str]) -> Message:
    if not any(isinstance(part, ToolResult) and part.call_id in calls for part in message.parts):
        return message
    parts = (
        cleared(part) if isinstance(part, ToolResult) and part.call_id in calls else part for part in message.parts
    )
    return replace(message, parts=tuple(parts))


def _cost(before: Cost, event: CostUpdated, billed: Usage) -> Cost:
    usd = before.usd if event.usd is None else event.session_usd
    return Cost(usd, billed.cached_share, before.estimated or event.estimated)
