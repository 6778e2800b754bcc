"""`copydesk/session/update`: a session's events in the Agent Client Protocol's words, for clients that take them.

Owns the translation from events to JSON and the queue towards the client; it decides nothing. Start with `Updates`.
The listener only queues, so that nothing a client does can hold a turn up. Message chunks that arrive within
`COALESCE_S` of each other go out as one. Lines in `locations` count from 0, as everywhere in LSP.
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

import anyio

from copydesk.domain import events
from copydesk.domain.messages import Usage
from copydesk.domain.money import Cost, to_amount
from copydesk.domain.permissions import OPTION_NAMES, PermissionRequest
from copydesk.domain.tools import Location
from copydesk.lsp.evidence import evidence_to_json, runs_to_json
from copydesk.lsp.pending import file_to_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from copydesk.lsp.client import Client
    from copydesk.services.turns import TurnOutcome

JsonObject: TypeAlias = dict[str, Any]

METHOD = "copydesk/session/update"
COALESCE_S = 0.03
MAX_QUEUED = 5_000
"""When a client reads slower than this many updates, the oldest chunks of text are let go; the end message has it."""


@dataclass(slots=True)
class _Queued:
    session: str
    turn: str
    seq: int
    update: JsonObject

    @property
    def is_chunk(self) -> bool:
        return self.update["sessionUpdate"] in ("agent_message_chunk", "agent_thought_chunk")

    @property
    def is_review(self) -> bool:
        return self.update["sessionUpdate"] == "review"


class Updates:
    def __init__(self, client: "Client", pending: "Callable[[str], Awaitable[list[JsonObject]]] | None" = None) -> None:
        """`pending` gives a turn's hunks that wait, as JSON."""
        self._client = client
        self._pending = pending
        self._queue: deque[_Queued] = deque()
        self._waiting = anyio.Event()

    @property
    def wanted(self) -> bool:
        return METHOD in self._client.experimental

    def listen(self, session: str, seq: int, event: events.Event) -> None:
        """Takes one event; never blocks, never raises for an event that has no update."""
        update = to_update(event) if self.wanted else None
        if update is None:
            return
        item = _Queued(session, event.turn if not isinstance(event, events.SessionStarted) else "", seq, update)
        if not self._joins_last(item):
            self._make_room()
            self._queue.append(item)
        self._waiting.set()

    async def run(self) -> None:
        while True:
            await self._waiting.wait()
            if self._queue and self._queue[0].is_chunk and len(self._queue) == 1:
                await anyio.sleep(COALESCE_S)
            await self._add_hunks()
            self._waiting = anyio.Event()
            self.flush()

    async def _add_hunks(self) -> None:
        """As they are when the update goes out: its event may come before they were worked out again."""
        while self._pending:
            bare = [item for item in self._queue if item.is_review and "hunksPending" not in item.update]
            if not bare:
                return
            for item in bare:
                item.update["hunksPending"] = await self._pending(item.turn)

    def flush(self) -> None:
        """Sends what is queued, now."""
        while self._queue:
            item = self._queue.popleft()
            params = {"session": item.session, "turn": item.turn, "seq": item.seq, "update": item.update}
            self._client.notify(METHOD, params)

    def _joins_last(self, item: _Queued) -> bool:
        last = self._queue[-1] if self._queue else None
        if last is None or not item.is_chunk or last.turn != item.turn:
            return False
        if last.update["sessionUpdate"] != item.update["sessionUpdate"]:
            return False
        last.update["content"]["text"] += item.update["content"]["text"]
        last.seq = item.seq
        return True

    def _make_room(self) -> None:
        if len(self._queue) < MAX_QUEUED:
            return
        oldest = next((item for item in self._queue if item.is_chunk), self._queue[0])
        self._queue.remove(oldest)


def to_update(event: events.Event) -> JsonObject | None:
    """One event as the `update` object; None for events that are not for clients."""
    match event:
        case events.TurnStarted(verb=verb, title=title, model=model, mode=mode):
            return _update("turn_started", verb=verb, title=title, model=model, mode=mode)
        case events.ModelChosen(model=model):
            return _update("model_chosen", model=model)
        case events.StepStarted(step=step, max_steps=max_steps):
            return _update("step_started", step=step, maxSteps=max_steps)
        case events.Steered(text=text):
            return _chunk("user_message_chunk", text)
        case events.Retried(attempt=attempt, delay_s=delay_s, why=why):
            return _update("retried", attempt=attempt, delayMs=round(1000 * delay_s), why=why)
        case events.Notice(level=level, text=text):
            return _update("notice", level=level, text=text)
        case events.ResultsCleared(calls=calls, why=why):
            return _update("compaction", kind="results_cleared", toolCallIds=list(calls), why=why)
        case _:
            return _progress_update(event)


def _progress_update(event: events.Event) -> JsonObject | None:
    match event:
        case events.MessageChunk(text=text):
            return _chunk("agent_message_chunk", text)
        case events.ThoughtChunk(text=text):
            return _chunk("agent_thought_chunk", text)
        case events.ToolCallStarted():
            return _tool_call(event)
        case events.ToolCallUpdated():
            return _tool_call_update(event)
        case events.CostExpected():
            return _cost_expected(event)
        case events.CostUpdated():
            return _usage_update(event)
        case events.ReviewUpdated():
            return _update("review", **review_to_json(event))
        case events.PermissionAsked(request=request):
            return _update("permission", state="asked", request=permission_to_json(request))
        case events.PermissionAnswered():
            return _permission_answered(event)
        case events.EvidenceUpdated(evidence=evidence):
            return _update("evidence", **evidence_to_json(evidence))
        case events.TurnEnded():
            return _turn_ended(event)
        case _:
            return None


def _update(name: str, /, **fields: Any) -> JsonObject:
    return {"sessionUpdate": name, **fields}


def _chunk(kind: str, text: str) -> JsonObject:
    return _update(kind, content={"type": "text", "text": text})


def _tool_call(event: events.ToolCallStarted) -> JsonObject:
    return _update(
        "tool_call",
        toolCallId=event.call,
        title=event.title,
        kind=event.kind,
        status="pending",
        locations=[_location(location) for location in event.locations],
        rawInput={"tool": event.tool},
    )


def _tool_call_update(event: events.ToolCallUpdated) -> JsonObject:
    update = _update("tool_call_update", toolCallId=event.call, status=event.status)
    if event.content:
        update["content"] = [{"type": "content", "content": {"type": "text", "text": event.content}}]
    if event.details:
        update["rawOutput"] = dict(event.details)
    return update


def _cost_expected(event: events.CostExpected) -> JsonObject:
    return _update(
        "cost_expected",
        model=event.model,
        inputTokens=event.input_tokens,
        low=to_amount(event.low_usd),
        high=to_amount(event.high_usd),
    )


def _usage_update(event: events.CostUpdated) -> JsonObject:
    """`used`, `size` and `cost` (of the session) are the Agent Client Protocol's; the rest is ours."""
    return _update(
        "usage_update",
        used=event.context_tokens,
        size=event.window_tokens,
        cost=to_amount(event.session_usd if event.usd is not None or event.session_usd else None),
        model=event.model,
        usage=usage_to_json(event.usage, Cost(event.usd, event.usage.cached_share, event.estimated)),
        total=usage_to_json(event.total, Cost(_turn_usd(event), event.cached_share, event.estimated)),
        dayCost=to_amount(event.day_usd),
    )


def _turn_usd(event: events.CostUpdated) -> float | None:
    return event.turn_usd if event.usd is not None or event.turn_usd else None


def _turn_ended(event: events.TurnEnded) -> JsonObject:
    update = _update(
        "turn_ended",
        stopReason=event.stop_reason,
        message=event.message,
        review=event.review,
        usage=usage_to_json(event.usage, event.cost),
    )
    return {**update, **_end_to_json(event)}


def permission_to_json(request: PermissionRequest) -> JsonObject:
    """A question as a client draws it: what is asked word for word, why, and what each answer would mean.

    `text` is what a dialog says, `whole` everything, both with what a screen would hide written out.
    """
    from copydesk.services.wording import question

    words = question(request)
    options = [{"optionId": option, "kind": option, "name": OPTION_NAMES[option]} for option in request.options]
    return {
        "id": request.id,
        "toolCallId": request.id.removeprefix(f"{request.turn}/"),
        "tool": request.tool,
        "kind": request.kind,
        "title": request.title,
        "target": request.target,
        "command": request.command,
        "inPlace": request.in_place,
        "reason": request.asks or request.reason,
        "level": request.level,
        "locations": [_location(Location(uri)) for uri in request.locations],
        "remember": list(request.remember),
        "options": options,
        "text": words.text,
        "whole": words.whole,
    }


def _permission_answered(event: events.PermissionAnswered) -> JsonObject:
    state = "cancelled" if event.cancelled else "allowed" if event.allowed else "rejected"
    update = _update("permission", state=state, request={"id": event.request}, reason=event.reason)
    return {**update, "option": event.option} if event.option else update


def _location(location: Location) -> JsonObject:
    parts = urlsplit(location.uri)
    path = unquote(parts.path) if parts.scheme == "file" else location.uri
    place: JsonObject = {"path": path, "uri": location.uri}
    return place if location.line is None else {**place, "line": location.line}


# --- results, shared with the commands --------------------------------------------------------------------


def usage_to_json(usage: Usage, cost: Cost) -> JsonObject:
    """`cost` is None where no price is known. `estimated`: the provider did not report all of it."""
    return {
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.output,
        "cachedReadTokens": usage.cache_read,
        "cachedWriteTokens": usage.cache_write,
        "thoughtTokens": usage.reasoning,
        "cachedShare": round(cost.cached_share, 4),
        "cost": to_amount(cost.usd),
        "estimated": cost.estimated,
    }


def review_to_json(review: events.ReviewUpdated) -> JsonObject:
    return {"state": review.state, "files": [file_to_json(file, file.uri) for file in review.files]}


def outcome_to_json(outcome: "TurnOutcome") -> JsonObject:
    """What a command with `wait: true` answers."""
    result: JsonObject = {
        "session": outcome.session,
        "turn": outcome.turn,
        "stopReason": outcome.stop_reason,
        "message": outcome.message,
        "review": review_to_json(outcome.review),
        "usage": usage_to_json(outcome.usage, outcome.cost),
        "evidence": runs_to_json(outcome.evidence),
    }
    return {**result, **_end_to_json(outcome)}


def _end_to_json(end: "events.TurnEnded | TurnOutcome") -> JsonObject:
    """What only some turns have: an answer as JSON, an error."""
    found: JsonObject = {} if end.output is None else {"output": dict(end.output)}
    if end.error:
        found["error"] = end.error
    return {**found, "errorType": end.error_type} if end.error_type else found
