"""OpenAI Responses, encoding: a request → JSON bytes. Deterministic, and `input` stands last: one step's body is the
beginning of the next one's.

Nothing is stored at the provider (`store: false`), so that reasoning travels back encrypted. Items carry no ids of
messages and calls: with them the API insists on the reasoning item beside each. Pure. Start with `encode`.
"""

from collections.abc import Iterator
from typing import cast

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import Entry
from copydesk.models.thinking import fill, steered
from copydesk.models.wires.history import arguments_text, paired, system_text, to_bytes
from copydesk.models.wires.openai_reasoning import origins_of, to_item

EMPTY = "(empty)"
LONGEST_KEY = 64
PHASES = ("gpt-5.4+",)
"""Families whose messages say whether they are a comment on the way or the answer; OpenAI asks to send that back."""


def encode(request: ModelRequest, model: str, entry: Entry) -> bytes:
    """The body of one request. What stays the same from step to step comes first."""
    body: dict[str, object] = {"model": model, "stream": True, "store": False}
    body |= _reasoning(request, entry)
    if request.max_output_tokens:
        body["max_output_tokens"] = min(request.max_output_tokens, entry.output_limit_tokens)
    if request.schema is not None:
        body["text"] = {"format": _format(request.schema, entry)}
    if request.session:
        body["prompt_cache_key"] = request.session[:LONGEST_KEY]
    if system := system_text(request, entry, in_words=entry.schema == "json_object"):
        body["instructions"] = system
    if request.tools and entry.tools:
        body["parallel_tool_calls"] = True
        body["tools"] = [_tool(spec) for spec in request.tools]
    body["input"] = list(_input(request, model, entry))
    return to_bytes(body)


def _reasoning(request: ModelRequest, entry: Entry) -> dict[str, object]:
    if not _reasons(entry):
        return {}
    reasoning: dict[str, object] = {}
    match request.thinking:
        case "auto":
            pass
        case "off":
            reasoning["effort"] = entry.effort_off or "low"  # the least there is
        case level:
            reasoning["effort"] = steered(level, fill(request, entry.window_tokens))
    if reasoning.get("effort") != "none":
        reasoning["summary"] = "auto"
    return {"reasoning": reasoning, "include": ["reasoning.encrypted_content"]}


def _reasons(entry: Entry) -> bool:
    """Whatever a model's own form is elsewhere: here it is `reasoning`."""
    return entry.thinking not in ("none", "instruction")


def _format(schema: OutputSchema, entry: Entry) -> dict[str, object]:
    if entry.schema == "json_object":
        return {"type": "json_object"}
    from copydesk.models.schemas import fits_strict, schema_name, strict_schema, untitled

    strict = fits_strict(schema.schema)
    form = strict_schema(schema.schema) if strict else untitled(schema.schema)
    return {"type": "json_schema", "name": schema_name(schema.name), "schema": form, "strict": strict}


def _tool(spec: ToolSpec) -> dict[str, object]:
    """Not strict, which is this API's default: strict mode knows no optional arguments."""
    parameters: dict[str, object] = {"type": "object", "properties": cast(object, {}), **spec.parameters}
    return {
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": parameters,
        "strict": False,
    }


def _input(request: ModelRequest, model: str, entry: Entry) -> Iterator[dict[str, object]]:
    for message in paired(request.messages):
        match message.role:
            case "user":
                yield {"type": "message", "role": "user", "content": _content(message.parts, entry)}
            case "tool":
                yield from (_result(part, entry) for part in message.parts if isinstance(part, ToolResult))
            case "assistant":
                yield from _assistant(message, model, entry)


def _assistant(message: Message, model: str, entry: Entry) -> Iterator[dict[str, object]]:
    """The answer's items: text first, then its calls, so that each result follows them at once.

    Reasoning stands before the item it led to; the API refuses any that nothing follows, as when an answer broke off.
    """
    before: dict[int, list[dict[str, object]]] = {}
    held: list[dict[str, object]] = []
    for part in message.parts:
        match part:
            case Text(text) if text:
                yield from held
                held = []
                yield _said(text, message, entry)
            case Thinking():
                origins = origins_of(part)
                item = origins and to_item(part, origins, model, reasons=_reasons(entry))
                if origins is not None and item and origins.n_calls_before:
                    before.setdefault(origins.n_calls_before, []).append(item)
                elif item:
                    held.append(item)
            case _:
                pass
    for n_before, call in enumerate(message.calls):
        yield from held if n_before == 0 else before.get(n_before, ())
        yield _call(call)


def _said(text: str, message: Message, entry: Entry) -> dict[str, object]:
    said: dict[str, object] = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text}],
    }
    if entry.family in PHASES:
        said["phase"] = "commentary" if message.calls else "final_answer"
    return said


def _call(call: ToolCall) -> dict[str, object]:
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments_text(call)}


def _result(result: ToolResult, entry: Entry) -> dict[str, object]:
    output: object = result.content or EMPTY
    if result.images:
        output = _content((Text(result.content), *result.images), entry)
    return {"type": "function_call_output", "call_id": result.call_id, "output": output}


def _content(parts: tuple[Part, ...], entry: Entry) -> list[dict[str, object]]:
    shown = [found for part in parts if (found := _part(part, entry)) is not None]
    return shown or [{"type": "input_text", "text": EMPTY}]


def _part(part: Part, entry: Entry) -> dict[str, object] | None:
    match part:
        case Text(text) if text:
            return {"type": "input_text", "text": text}
        case Image(media_type, data) if entry.images or not entry.known:
            return {"type": "input_image", "image_url": f"data:{media_type};base64,{data}", "detail": "auto"}
        case Image(media_type):
            return {"type": "input_text", "text": f"(an image, {media_type}: this model cannot see images)"}
        case _:
            return None
