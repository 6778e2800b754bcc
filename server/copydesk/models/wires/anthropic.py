"""Anthropic Messages, decoding: the events of a stream → our events.

No I/O. Start with `MessagesDecoder.feed`; encoding is in `anthropic_encode`. Blocks of kinds that we do not know
(server tools, say) are passed over.
"""

import json
from dataclasses import dataclass
from typing import Any, cast

from copydesk.domain.messages import Usage
from copydesk.domain.stream import (
    Finished,
    FinishReason,
    ModelRequest,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models import failures
from copydesk.models.catalog import Entry
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires import Decoder
from copydesk.models.wires.anthropic_encode import betas, encode
from copydesk.models.wires.schemas import ANSWER

VERSION = "2023-06-01"

_STOP: dict[str, FinishReason] = {
    "end_turn": "end_turn",
    "stop_sequence": "end_turn",
    "pause_turn": "end_turn",
    "tool_use": "tool_calls",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "refusal": "refusal",
}


class AnthropicMessages:
    """The wire. Stateless."""

    def path(self, model: str) -> str:
        return "/messages"

    def headers(self, key: str) -> dict[str, str]:
        return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})

    def headers_for(self, entry: Entry) -> dict[str, str]:
        return {"anthropic-beta": found} if (found := betas(entry)) else {}

    def encode(self, request: ModelRequest, model: str, entry: Entry) -> bytes:
        return encode(request, model, entry)

    def decoder(self, origin: Origin) -> Decoder:
        return MessagesDecoder(origin)


@dataclass(slots=True)
class _Block:
    kind: str
    position: int = 0
    input: object = None
    n_json: int = 0
    signature: str = ""
    redacted: str = ""


class MessagesDecoder:
    """One answer."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._blocks: dict[int, _Block] = {}
        self._n_calls = 0
        self._usage: dict[str, int] = {}
        self._reported: Usage | None = None
        self._stop: str | None = None
        self._answered = False
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    @property
    def ending(self) -> bool:
        return self._stop is not None

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        data = event.data.strip()
        if self._done or not data or data == "[DONE]":
            return []
        return self._payload(_object(data, self._origin), event.event)

    def whole(self, body: str) -> list[StreamEvent]:
        message = _object(body, self._origin)
        if message.get("type") == "error" or message.get("error"):
            raise failures.from_object(message.get("error") or message, self._origin)
        events = self._start(message)
        for index, block in enumerate(_list(message.get("content"))):
            events += self._block_start(index, block)
            events += self._block_stop(index)
        events += self._message_delta({"delta": {"stop_reason": message.get("stop_reason")}})
        return events + self.end()

    def end(self) -> list[StreamEvent]:
        if self._done:
            return []
        self._done = True
        events = [event for index in list(self._blocks) for event in self._block_stop(index)]
        return [*events, Finished(self._reason())]

    def _payload(self, payload: dict[str, Any], name: str) -> list[StreamEvent]:
        index = payload.get("index")
        at = index if isinstance(index, int) else 0
        match payload.get("type") or name:
            case "message_start":
                return self._start(_dict(payload.get("message")))
            case "content_block_start":
                return self._block_start(at, _dict(payload.get("content_block")))
            case "content_block_delta":
                return self._block_delta(at, _dict(payload.get("delta")))
            case "content_block_stop":
                return self._block_stop(at)
            case "message_delta":
                return self._message_delta(payload)
            case "message_stop":
                return self.end()
            case "error":
                raise failures.from_object(payload.get("error") or payload, self._origin)
            case _:
                return []  # ping, and kinds to come

    def _start(self, message: dict[str, Any]) -> list[StreamEvent]:
        return self._report(_dict(message.get("usage")))

    def _block_start(self, index: int, content: dict[str, Any]) -> list[StreamEvent]:
        block = self._blocks[index] = _Block(str(content.get("type")))
        match block.kind:
            case "text":
                return _text(content.get("text"))
            case "thinking":
                block.signature = _string(content.get("signature"))
                return _thought(content.get("thinking"))
            case "redacted_thinking":
                block.redacted = _string(content.get("data"))
            case "tool_use" if content.get("name") == ANSWER:
                # The answer in a given shape: its arguments are the text. A second one would spoil it.
                block.kind, block.input = "repeated" if self._answered else "answer", content.get("input")
                self._answered = True
            case "tool_use":
                block.position, block.input = self._n_calls, content.get("input")
                self._n_calls += 1
                call_id = _string(content.get("id")) or f"call_{block.position}"
                return [ToolCallStart(block.position, call_id, _string(content.get("name")))]
            case _:
                pass
        return []

    def _block_delta(self, index: int, delta: dict[str, Any]) -> list[StreamEvent]:
        block = self._blocks.get(index)
        if block is None:
            # A server that leaves out the start of plain text still means it.
            block = self._blocks[index] = _Block({"thinking_delta": "thinking"}.get(str(delta.get("type")), "text"))
        match block.kind, delta.get("type"):
            case "text", "text_delta":
                return _text(delta.get("text"))
            case "thinking", "thinking_delta":
                return _thought(delta.get("thinking"))
            case "thinking", "signature_delta":
                block.signature += _string(delta.get("signature"))
            case "tool_use", "input_json_delta":
                piece = _string(delta.get("partial_json"))
                block.n_json += len(piece)
                return [ToolCallDelta(block.position, piece)] if piece else []
            case "answer", "input_json_delta":
                piece = _string(delta.get("partial_json"))
                block.n_json += len(piece)
                return _text(piece)
            case _:
                pass
        return []

    def _block_stop(self, index: int) -> list[StreamEvent]:
        block = self._blocks.pop(index, None)
        if block is None:
            return []
        if block.kind in ("thinking", "redacted_thinking"):
            return [
                ThinkingEnd(block.signature, block.redacted, "anthropic" if block.signature or block.redacted else "")
            ]
        if block.kind not in ("tool_use", "answer") or not block.input or block.n_json:
            return []
        whole = json.dumps(block.input, ensure_ascii=False)
        return [TextDelta(whole) if block.kind == "answer" else ToolCallDelta(block.position, whole)]

    def _message_delta(self, payload: dict[str, Any]) -> list[StreamEvent]:
        reason = _dict(payload.get("delta")).get("stop_reason")
        if isinstance(reason, str) and reason:
            self._stop = reason
        return self._report(_dict(payload.get("usage")))

    def _report(self, usage: dict[str, Any]) -> list[StreamEvent]:
        """Counts are cumulative; a later event may leave some out. Input there excludes what the cache served."""
        known = {name: value for name, value in usage.items() if isinstance(value, int)}
        if not known:
            return []
        self._usage |= known
        read, written = self._usage.get("cache_read_input_tokens", 0), self._usage.get("cache_creation_input_tokens", 0)
        total = self._usage.get("input_tokens", 0) + read + written
        found = Usage(total, self._usage.get("output_tokens", 0), cache_read=read, cache_write=written)
        if found == self._reported:
            return []
        self._reported = found
        return [UsageReport(found)]

    def _reason(self) -> FinishReason:
        if self._stop is None:
            return "cut_off"
        reason = _STOP.get(self._stop, "end_turn")
        if reason == "tool_calls" and not self._n_calls:
            return "end_turn"
        return "tool_calls" if reason == "end_turn" and self._n_calls else reason


def _object(data: str, origin: Origin) -> dict[str, Any]:
    try:
        payload: object = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise failures.broken_json(data, origin) from exc
    if not isinstance(payload, dict):
        raise failures.broken_json(data, origin)
    return cast(dict[str, Any], payload)


def _dict(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[dict[str, Any]]:
    return [_dict(one) for one in cast(list[object], value)] if isinstance(value, list) else []


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text(value: object) -> list[StreamEvent]:
    return [TextDelta(value)] if isinstance(value, str) and value else []


def _thought(value: object) -> list[StreamEvent]:
    return [ThinkingDelta(value)] if isinstance(value, str) and value else []
