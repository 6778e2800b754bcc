"""`copydesk/editor/model`: a request → the JSON that an editor is asked with, and the parts of its answer → our events.

The editor is a client of any make, so nothing that comes is taken for granted. No I/O. Start with `encode` and
`EditorDecoder.feed`; docs/PROTOCOL.md has the form.
"""

import json
import logging
from collections.abc import Iterator
from typing import Any, TypeAlias, cast

from copydesk.domain import errors
from copydesk.domain.messages import Image, Message, Part, Text, ToolCall, ToolResult, Usage
from copydesk.domain.ports import EditorPart
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
from copydesk.models.catalog import Entry
from copydesk.models.wires.history import arguments_object, paired, system_text

log = logging.getLogger("copydesk.models")

JsonObject: TypeAlias = dict[str, Any]

EMPTY = "(empty)"
_FINISH: dict[str, FinishReason] = {"max_tokens": "max_tokens", "refusal": "refusal", "cancelled": "cut_off"}
"""Other reasons are a natural end."""
_USAGE = {"inputTokens": "input", "outputTokens": "output", "cachedReadTokens": "cache_read",
          "cachedWriteTokens": "cache_write", "thoughtTokens": "reasoning"}  # fmt: skip


# --- the request ---


def encode(request: ModelRequest, model: str, entry: Entry) -> JsonObject:
    """The parameters of one request, but for the token that its parts come under."""
    tools = request.tools if entry.tools else ()
    return {
        "model": model,
        "system": system_text(request, entry, in_words=True),
        "maxOutputTokens": request.max_output_tokens,
        "messages": list(_messages(request.messages)),
        "tools": [
            {"name": spec.name, "description": spec.description, "schema": dict(spec.parameters)} for spec in tools
        ],
    }


def _messages(history: tuple[Message, ...]) -> Iterator[JsonObject]:
    for message in paired(history):
        said = [shown for part in _ordered(message) if (shown := _part(part)) is not None]
        if message.role != "assistant":
            yield {"role": "user", "content": said or [{"type": "text", "text": EMPTY}]}
        elif said:  # thinking alone says nothing to another model
            yield {"role": "assistant", "content": said}


def _ordered(message: Message) -> tuple[Part, ...]:
    """An answer ends with its calls."""
    return (*(part for part in message.parts if not isinstance(part, ToolCall)), *message.calls)


def _part(part: Part) -> JsonObject | None:
    match part:
        case Text(text) if text:
            return {"type": "text", "text": text}
        case ToolCall(id, name):
            return {"type": "tool_call", "id": id, "name": name, "arguments": _finite(arguments_object(part))}
        case ToolResult(call_id, _, content, is_error):
            return {"type": "tool_result", "id": call_id, "text": content or EMPTY, "isError": is_error}
        case Image(media_type):
            return {"type": "text", "text": f"(an image, {media_type}: it cannot be passed on to the editor's model)"}
        case _:
            return None


def _finite(arguments: JsonObject) -> JsonObject:
    """Models write NaN, and Python reads it; JSON has no such number, and an editor would stop reading there."""
    try:
        json.dumps(arguments, allow_nan=False)
    except ValueError:
        return json.loads(json.dumps(arguments), parse_constant=str)
    return arguments


# --- the answer ---


class EditorDecoder:
    """One answer. Exactly one `Finished` comes out, last; only `ModelError` is raised."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._n_calls = 0
        self._n_parts = 0
        self._thinking = False
        self._unknown: set[str] = set()
        self.done = False

    def feed(self, part: EditorPart) -> list[StreamEvent]:
        """The events of a part; none for one that says nothing."""
        if self.done:
            return []
        return self._finish(part.value) if part.last else self._part(part.value)

    def _part(self, value: object) -> list[StreamEvent]:
        fields = _dict(value)
        kind, text = fields.get("type"), fields.get("text")
        if kind == "tool_call":
            self._n_parts += 1
            return [*self._end_thinking(), *self._call(fields)]
        if kind not in ("text", "thought") or not isinstance(text, str):
            self._ignore(kind)
            return []
        if not text:
            return []
        self._n_parts += 1
        if kind == "text":
            return [*self._end_thinking(), TextDelta(text)]
        self._thinking = True
        return [ThinkingDelta(text)]

    def _call(self, fields: JsonObject) -> list[StreamEvent]:
        """Whole. What is wrong with it the model is told in its result: a call with no name, arguments of no object."""
        index, self._n_calls = self._n_calls, self._n_calls + 1
        name, given, arguments = fields.get("name"), fields.get("id"), fields.get("arguments")
        call_id = str(given) if isinstance(given, str | int) and given != "" else f"call_{index}"
        text = arguments if isinstance(arguments, str) else json.dumps({} if arguments is None else arguments)
        return [ToolCallStart(index, call_id, name if isinstance(name, str) else ""), ToolCallDelta(index, text)]

    def _end_thinking(self) -> list[StreamEvent]:
        was, self._thinking = self._thinking, False
        return [ThinkingEnd()] if was else []

    def _ignore(self, kind: object) -> None:
        shown = repr(kind)[:40]
        if shown not in self._unknown and len(self._unknown) < 10:
            self._unknown.add(shown)
            log.warning("the editor's model %r sent a part of type %s, which is ignored", self._model, shown)

    def _finish(self, result: object) -> list[StreamEvent]:
        """What the result still has to say, then the end."""
        if not isinstance(result, dict) and not (result is None and self._n_parts):
            raise self._malformed("no object")
        fields = _dict(cast("object", result))
        reason = fields.get("stopReason")
        if reason == "error":
            raise errors.Overloaded(
                f"The editor's model {self._model!r} ended its answer with an error.", advice="Try again later."
            )
        events = self._rest(fields)
        if reason == "refusal":  # the text that comes with it is why
            events = [RefusalDelta(event.text) if isinstance(event, TextDelta) else event for event in events]
        self.done = True
        usage = _usage(_dict(fields.get("usage")))
        report = [UsageReport(usage)] if usage != Usage() else []
        return [*events, *self._end_thinking(), *report, Finished(self._reason(reason))]

    def _rest(self, fields: JsonObject) -> list[StreamEvent]:
        content, text = fields.get("content"), fields.get("text")
        if content is not None and not isinstance(content, list):
            raise self._malformed("a content that is no list")
        rest: list[object] = [*(cast("list[object]", content) if content else [])]
        if isinstance(text, str):
            rest.append({"type": "text", "text": text})
        return [event for value in rest for event in self._part(value)]

    def _reason(self, reason: object) -> FinishReason:
        known = _FINISH.get(reason) if isinstance(reason, str) else None
        return known or ("tool_calls" if self._n_calls else "end_turn")

    def _malformed(self, what: str) -> errors.BadStream:
        return errors.BadStream(
            f"The editor answered for its model {self._model!r} with {what}.",
            advice="Update its plug-in, or set another model.name.",
        )


def _usage(fields: JsonObject) -> Usage:
    return Usage(**{ours: _count(fields.get(theirs)) for theirs, ours in _USAGE.items()})


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and 0 < value < 1e12 else 0


def _dict(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
