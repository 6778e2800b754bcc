"""OpenAI Responses, decoding: the typed events of a stream → our events. OpenAI, vLLM, LM Studio, llama.cpp, Ollama.

An answer is a list of items (messages, function calls, reasoning), each told in pieces and once more as a whole when
it is done: whatever the pieces left out is taken from the whole, and nothing is said twice. Names and fields as in
openai-python's `types/responses`. No I/O. Start with `ResponsesDecoder.feed`; items are in `openai_items`, encoding
is in `openai_responses_encode`.
"""

import json
from typing import Any, cast

from copydesk.domain.messages import Usage
from copydesk.domain.stream import Finished, FinishReason, ModelRequest, StreamEvent, UsageReport
from copydesk.models import failures
from copydesk.models.catalog import Entry
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires import Decoder
from copydesk.models.wires.openai_items import Items, Slot
from copydesk.models.wires.openai_responses_encode import encode

_DELTAS: dict[str, Slot] = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "summary",
    "response.reasoning_summary.delta": "summary",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning.delta": "reasoning",
    "response.function_call_arguments.delta": "arguments",
}
"""Those without `_text` are what some servers sent before OpenAI settled on its names."""

_WHOLES: dict[str, tuple[Slot, str]] = {
    "response.output_text.done": ("text", "text"),
    "response.refusal.done": ("refusal", "refusal"),
    "response.reasoning_summary_text.done": ("summary", "text"),
    "response.reasoning_summary.done": ("summary", "text"),
    "response.reasoning_text.done": ("reasoning", "text"),
    "response.reasoning.done": ("reasoning", "text"),
    "response.function_call_arguments.done": ("arguments", "arguments"),
}
"""A whole piece: where it goes, and the field that has it."""

_ENDS: dict[str, str] = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
"""The status that an end has when the response does not name one itself."""

_INCOMPLETE: dict[str, FinishReason] = {
    "max_output_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "length": "max_tokens",
    "content_filter": "refusal",
}
"""Any other reason to stop early cuts the answer off."""


class OpenAIResponses:
    """The wire. Stateless."""

    def path(self, model: str) -> str:
        return "/responses"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def headers_for(self, entry: Entry) -> dict[str, str]:
        return {}

    def encode(self, request: ModelRequest, model: str, entry: Entry) -> bytes:
        return encode(request, model, entry)

    def decoder(self, origin: Origin) -> Decoder:
        return ResponsesDecoder(origin)


class ResponsesDecoder:
    """One answer."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._items = Items(origin.model)
        self._usage: Usage | None = None
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    @property
    def ending(self) -> bool:
        return self._done  # the event that names the reason is the last one, and has the usage too

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        data = event.data.strip()
        if self._done or not data:
            return []
        if data == "[DONE]":
            # Not OpenAI's own, but a server that says so after whole items has said all it had.
            return self._finish("end_turn" if self._items.all_done else "cut_off")
        payload = _object(data)
        if payload is None and "\n" in data:
            # A server that forgets the empty line between its events: each line is one.
            return [found for line in data.split("\n") for found in self.feed(ServerSentEvent(event.event, line))]
        if payload is None:
            raise failures.broken_json(data, self._origin)
        return self._payload(payload, event.event)

    def whole(self, body: str) -> list[StreamEvent]:
        response = _object(body)
        if response is None:
            raise failures.broken_json(body, self._origin)
        if response.get("error") and response.get("status") != "failed":
            raise failures.from_object(response["error"], self._origin)
        if not isinstance(response.get("output"), list) and not isinstance(response.get("status"), str):
            raise failures.not_a_stream(body.encode(), "application/json", self._origin)
        status = response.get("status")
        return self._last(response, status if isinstance(status, str) else "completed")

    def end(self) -> list[StreamEvent]:
        return [] if self._done else self._finish("cut_off")

    def _payload(self, payload: dict[str, Any], name: str) -> list[StreamEvent]:
        kind = payload.get("type")
        kind = kind if isinstance(kind, str) and kind else name
        if "error" in (kind, name) or payload.get("error"):
            raise failures.from_object(payload.get("error") or payload, self._origin)
        if kind in _DELTAS:
            return self._items.piece(payload, _DELTAS[kind])
        if kind in _WHOLES:
            slot, field = _WHOLES[kind]
            return self._items.whole(payload, slot, payload.get(field))
        match kind:
            case "response.output_item.added":
                return self._items.added(payload)
            case "response.output_item.done":
                return self._items.done(payload)
            case "response.content_part.done" | "response.reasoning_summary_part.done":
                return self._items.part_done(payload)
            case "response.created" | "response.in_progress" | "response.queued":
                return self._report(_dict(payload.get("response")))
            case _ if kind in _ENDS:
                response = _dict(payload.get("response"))
                status = response.get("status")
                named = status in ("completed", "incomplete", "failed", "cancelled")
                return self._last(response, str(status) if named else _ENDS[kind])
            case _:
                return []  # annotations, tools that run at the provider, and kinds to come

    def _last(self, response: dict[str, Any], status: str) -> list[StreamEvent]:
        events = self._report(response)
        if status == "failed":
            error = response.get("error") or {"message": "the response failed", "code": "server_error"}
            raise failures.from_object(error, self._origin)
        events += self._items.fill(response.get("output"))
        match status:
            case "completed":
                return events + self._finish("end_turn")
            case "incomplete":
                why = _dict(response.get("incomplete_details")).get("reason")
                return events + self._finish(_INCOMPLETE.get(str(why), "cut_off"))
            case _:
                return events + self._finish("cut_off")

    def _finish(self, reason: FinishReason) -> list[StreamEvent]:
        self._done = True
        events = self._items.end()
        if reason == "end_turn":
            reason = self._items.natural_end()
        return [*events, Finished(reason)]

    def _report(self, response: dict[str, Any]) -> list[StreamEvent]:
        usage = _dict(response.get("usage"))
        if not usage or (found := _usage(usage)) == self._usage:
            return []
        self._usage = found
        return [UsageReport(found)]


def _usage(usage: dict[str, Any]) -> Usage:
    """`output_tokens` includes the reasoning, `input_tokens` what the cache served."""
    details, output_details = _dict(usage.get("input_tokens_details")), _dict(usage.get("output_tokens_details"))
    return Usage(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_read=_count(details, "cached_tokens"),
        cache_write=_count(details, "cache_write_tokens"),
        reasoning=_count(output_details, "reasoning_tokens"),
    )


def _object(data: str) -> dict[str, Any] | None:
    try:
        payload: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], payload) if isinstance(payload, dict) else None


def _dict(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) and 0 < value < 1e12 else 0
