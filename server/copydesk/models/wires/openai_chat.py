"""OpenAI Chat Completions, decoding: the chunks of a stream → our events. OpenAI and everything compatible.

DeepSeek and Qwen (`reasoning_content`), OpenRouter (`reasoning`, errors inside a 200), Ollama, vLLM, llama.cpp and
LM Studio speak it too, each in its own way. No I/O. Start with `ChatDecoder.feed`; encoding is in
`openai_chat_encode`, tool calls are put together in `openai_calls`.
"""

import json
from dataclasses import replace
from typing import Any, cast

from copydesk.domain import errors
from copydesk.domain.messages import Usage
from copydesk.domain.stream import (
    Finished,
    FinishReason,
    ModelRequest,
    RefusalDelta,
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
from copydesk.models.wires.openai_calls import Calls
from copydesk.models.wires.openai_chat_encode import encode
from copydesk.models.wires.reasoning_details import SOURCE, Details
from copydesk.models.wires.schemas import ANSWER
from copydesk.models.wires.think_tags import Piece, ThinkTags

_FINISH: dict[str, FinishReason] = {
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "model_length": "max_tokens",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "content_filter": "refusal",
    "refusal": "refusal",
    "safety": "refusal",
    "recitation": "refusal",
    "malformed_function_call": "cut_off",
    "abort": "cut_off",
    "cancelled": "cut_off",
}
"""Other reasons (stop, eos, end_turn …) are a natural end."""


class OpenAIChat:
    """The wire. Stateless."""

    def path(self, model: str) -> str:
        return "/chat/completions"

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def headers_for(self, entry: Entry) -> dict[str, str]:
        return {}

    def encode(self, request: ModelRequest, model: str, entry: Entry) -> bytes:
        return encode(request, model, entry)

    def decoder(self, origin: Origin) -> Decoder:
        return ChatDecoder(origin)


class ChatDecoder:
    """One answer."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._tags = ThinkTags()
        self._calls = Calls()
        self._details = Details()
        self._answers: list[int] = []
        self._finish: str | None = None
        self._thinking = False
        self._refused = False
        self._usage: Usage | None = None
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    @property
    def ending(self) -> bool:
        return self._finish is not None

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]:
        data = event.data.strip()
        if self._done or not data:
            return []
        if data == "[DONE]":
            return self.end()
        if "\n" in data and not _is_json(data):
            # A server that forgets the empty line between its events: each line is one.
            return [found for line in data.split("\n") for found in self.feed(ServerSentEvent(event.event, line))]
        return self._payload(data, is_error=event.event == "error")

    def whole(self, body: str) -> list[StreamEvent]:
        return self._payload(body, is_error=False) + self.end()

    def end(self) -> list[StreamEvent]:
        if self._done:
            return []
        self._done = True
        events = [found for piece in self._tags.end() for found in self._from_piece(piece)]
        events += [*self._end_thinking(), *self._kept_details(), *self._from_calls(self._calls.end())]
        return [*events, Finished(self._reason())]

    def _payload(self, data: str, *, is_error: bool) -> list[StreamEvent]:
        try:
            payload: Any = json.loads(data)
        except (ValueError, RecursionError) as exc:
            raise failures.broken_json(data, self._origin) from exc
        if not isinstance(payload, dict):
            raise failures.broken_json(data, self._origin)
        fields = cast(dict[str, Any], payload)
        if fields.get("error") or is_error:
            raise failures.from_object(fields.get("error") or fields, self._origin)
        events = self._choice(fields)
        usage = _dict(fields.get("usage")) or _dict(_dict(fields.get("x_groq")).get("usage")) or _usage_within(fields)
        timings = _dict(fields.get("timings"))
        return events + self._report(usage, timings) if usage or timings else events

    def _choice(self, fields: dict[str, Any]) -> list[StreamEvent]:
        choices = fields.get("choices")
        if not isinstance(choices, list) or not choices:
            return []
        choice = _dict(cast(list[object], choices)[0])
        if choice.get("error"):
            raise failures.from_object(choice["error"], self._origin)
        events = self._delta(_dict(choice.get("delta")) or _dict(choice.get("message")))
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_with(reason.lower())
        return events

    def _finish_with(self, reason: str) -> None:
        if reason == "insufficient_system_resource":  # DeepSeek, when it has to stop for want of machines
            raise errors.Overloaded(f"{self._origin.provider} ran out of capacity.", advice="Try again later.")
        if reason == "error":
            raise failures.from_object({"message": "the answer ended with an error"}, self._origin)
        self._finish = reason

    def _delta(self, delta: dict[str, Any]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        details = self._details.feed(delta.get("reasoning_details"))
        thought = delta.get("reasoning_content") or delta.get("reasoning") or details
        if isinstance(thought, str) and thought:
            events += self._think(thought)
        for text, is_thought in _texts(delta.get("content")):
            if is_thought:
                events += self._think(text)
                continue
            for piece in self._tags.feed(text):
                events += self._from_piece(piece)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refused = True
            events += [*self._end_thinking(), RefusalDelta(refusal)]
        entries: list[object] = [{"index": 0, "function": delta["function_call"]}] if delta.get("function_call") else []
        if isinstance(delta.get("tool_calls"), list):
            entries += delta["tool_calls"]
        if entries:
            events += [*self._end_thinking(), *self._from_calls(self._calls.feed(entries))]
        return events

    def _from_calls(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """The call that stands for the answer is the answer's text; a second one would spoil it."""
        kept: list[StreamEvent] = []
        for event in events:
            match event:
                case ToolCallStart(index, _, name) if name == ANSWER:
                    self._answers.append(index)
                case ToolCallDelta(index, piece) if index in self._answers:
                    kept += [TextDelta(piece)] if index == self._answers[0] else []
                case _:
                    kept.append(event)
        return kept

    def _kept_details(self) -> list[StreamEvent]:
        """Blocks of an answer that broke off are not whole, and would be refused."""
        kept = self._details.text() if self._finish is not None else ""
        return [ThinkingEnd(redacted=kept, source=SOURCE)] if kept else []

    def _from_piece(self, piece: Piece) -> list[StreamEvent]:
        if piece.ends:
            return self._end_thinking()
        if piece.thinking:
            return self._think(piece.text)
        return [*self._end_thinking(), TextDelta(piece.text)]

    def _think(self, text: str) -> list[StreamEvent]:
        self._thinking = True
        return [ThinkingDelta(text)]

    def _end_thinking(self) -> list[StreamEvent]:
        was, self._thinking = self._thinking, False
        return [ThinkingEnd()] if was else []

    def _report(self, usage: dict[str, Any], timings: dict[str, Any]) -> list[StreamEvent]:
        found = _usage(usage) if usage else self._usage or _timed(timings)
        if not found.cache_read and (cached := _count(timings, "cache_n")):
            found = replace(found, cache_read=min(cached, found.input))
        if found == self._usage:
            return []
        self._usage = found
        return [UsageReport(found)]

    def _reason(self) -> FinishReason:
        if self._finish is None:
            return "cut_off"
        if self._refused:
            return "refusal"
        reason = _FINISH.get(self._finish)
        if reason == "tool_calls" or reason is None:
            # Some servers say `stop` after calls, some `tool_calls` after none.
            return "tool_calls" if len(self._calls) > len(self._answers) else "end_turn"
        return reason


def _is_json(data: str) -> bool:
    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def _texts(content: object) -> list[tuple[str, bool]]:
    """`content` is text, or (Mistral, some gateways) a list of parts; each with whether it is reasoning."""
    if isinstance(content, str):
        return [(content, False)] if content else []
    if not isinstance(content, list):
        return []
    parts = [cast(dict[str, Any], part) for part in cast(list[Any], content) if isinstance(part, dict)]
    return [found for part in parts for found in _part_texts(part)]


def _part_texts(part: dict[str, Any]) -> list[tuple[str, bool]]:
    if part.get("type") == "thinking" and not isinstance(part.get("text"), str):  # Mistral: texts within
        return [(text, True) for text, _ in _texts(part.get("thinking"))]
    text = part.get("text")
    return [(text, part.get("type") in ("thinking", "reasoning"))] if isinstance(text, str) and text else []


def _usage_within(fields: dict[str, Any]) -> dict[str, Any]:
    """Kimi's, in the choice."""
    choices = fields.get("choices")
    first = cast(list[object], choices)[0] if isinstance(choices, list) and choices else None
    return _dict(_dict(first).get("usage"))


def _usage(usage: dict[str, Any]) -> Usage:
    """OpenAI's names, and what others have: DeepSeek, Kimi (`cached_tokens` at the top), Mistral, gateways to Claude.

    `completion_tokens` includes the reasoning, `prompt_tokens` the cached ones.
    """
    details = _dict(usage.get("prompt_tokens_details"))
    output_details = _dict(usage.get("completion_tokens_details"))
    read = _first(details, "cached_tokens") or _first(
        usage, "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens"
    )
    return Usage(
        input=_count(usage, "prompt_tokens"),
        output=_count(usage, "completion_tokens"),
        cache_read=read,
        cache_write=_first(details, "cache_write_tokens", "cache_creation_tokens")
        or _first(usage, "cache_creation_input_tokens"),
        reasoning=_count(output_details, "reasoning_tokens") or _count(usage, "reasoning_tokens"),
    )


def _timed(timings: dict[str, Any]) -> Usage:
    """llama.cpp without usage: `prompt_n` are the tokens that its cache did not have."""
    read = _count(timings, "cache_n")
    return Usage(_count(timings, "prompt_n") + read, _count(timings, "predicted_n"), cache_read=read)


def _first(fields: dict[str, Any], *names: str) -> int:
    return next((found for name in names if (found := _count(fields, name))), 0)


def _dict(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) and 0 < value < 1e12 else 0
