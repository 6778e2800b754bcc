"""OpenAI Chat Completions, encoding: a request → JSON bytes. Deterministic, so that prefixes stay cached.

Pure. Start with `encode`. What differs from family to family comes from the catalog's entry.
"""

from collections.abc import Iterator

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolResult
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import Entry
from copydesk.models.wires.history import arguments_text, paired, to_bytes

EMPTY = "(empty)"


def encode(request: ModelRequest, model: str, entry: Entry) -> bytes:
    """The body of one request. What stays the same from step to step comes first."""
    body: dict[str, object] = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    if request.max_output_tokens:
        body[entry.max_tokens_field] = min(request.max_output_tokens, entry.output_limit_tokens)
    body |= _thinking(request, entry)
    if request.tools and entry.tools:
        body["tools"] = [_tool(spec) for spec in request.tools]
    body["messages"] = list(_messages(request, entry))
    return to_bytes(body)


def _thinking(request: ModelRequest, entry: Entry) -> dict[str, object]:
    if entry.effort_with_tools and request.tools:
        return {"reasoning_effort": entry.effort_with_tools}
    if request.thinking == "auto":
        return {}
    effort = entry.effort_off if request.thinking == "off" else request.thinking
    match entry.thinking:
        case "effort" if effort:
            return {"reasoning_effort": effort}
        case "deepseek" if request.thinking == "off":
            return {"thinking": {"type": "disabled"}}
        case "deepseek":
            return {"thinking": {"type": "enabled"}, "reasoning_effort": effort}
        case _:
            return {}


def _tool(spec: ToolSpec) -> dict[str, object]:
    function = {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}
    return {"type": "function", "function": function}


def _messages(request: ModelRequest, entry: Entry) -> Iterator[dict[str, object]]:
    if request.system:
        yield {"role": "system", "content": request.system}
    for message in paired(request.messages):
        match message.role:
            case "user":
                yield {"role": "user", "content": _content(message.parts, entry)}
            case "tool":
                yield from (_result(part) for part in message.parts if isinstance(part, ToolResult))
            case "assistant":
                yield from _assistant(message, entry)


def _assistant(message: Message, entry: Entry) -> Iterator[dict[str, object]]:
    text = message.text
    if not text and not message.calls:
        return  # only thinking, which this wire cannot say alone
    said: dict[str, object] = {"role": "assistant", "content": text or None}
    if entry.echo_reasoning:
        # All or none: one message without the field makes the provider reject the whole history.
        said["reasoning_content"] = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    if message.calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments_text(call)}}
            for call in message.calls
        ]
    yield said


def _result(result: ToolResult) -> dict[str, object]:
    return {"role": "tool", "tool_call_id": result.call_id, "content": result.content or EMPTY}


def _content(parts: tuple[Part, ...], entry: Entry) -> str | list[dict[str, object]]:
    if not any(isinstance(part, Image) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text)) or EMPTY
    return [shown for part in parts if (shown := _part(part, entry)) is not None]


def _part(part: Part, entry: Entry) -> dict[str, object] | None:
    match part:
        case Text(text) if text:
            return {"type": "text", "text": text}
        case Image(media_type, data) if entry.images or not entry.known:
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}
        case Image(media_type):
            return {"type": "text", "text": f"(an image, {media_type}: this model cannot see images)"}
        case _:
            return None
