"""OpenAI Chat Completions, encoding: a request → JSON bytes. Deterministic, so that prefixes stay cached.

Pure. Start with `encode`. What differs from family to family comes from the catalog's entry, and what a server has
refused from its `refuses` (see `models.refusals`).
"""

import hashlib
from collections.abc import Iterator
from typing import Any, TypeAlias, cast

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models import refusals, thinking
from copydesk.models.catalog import Entry
from copydesk.models.wires import reasoning_details
from copydesk.models.wires.history import arguments_text, paired, system_text, to_bytes
from copydesk.models.wires.schemas import ANSWER, DESCRIPTION

EMPTY = "(empty)"
FILLER = "OK."
EPHEMERAL = {"type": "ephemeral"}
_MISTRAL = ("mistral", "ministral", "devstral", "codestral", "magistral", "pixtral")
"""Their API wants ids of nine letters and digits, and no user's message right behind a tool's."""
_NAMED_THINKING = ("deepseek", "kimi")
"""Their chat templates call the switch `thinking`; the others (Qwen, GLM) `enable_thinking`."""

Said: TypeAlias = dict[str, object]


def encode(request: ModelRequest, model: str, entry: Entry) -> bytes:
    """The body of one request. What stays the same from step to step comes first."""
    body: Said = {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    if request.max_output_tokens:
        body[entry.max_tokens_field] = min(request.max_output_tokens, entry.output_limit_tokens)
    if request.session:
        body["prompt_cache_key"] = request.session
    if entry.cache_marks:
        body["cache_control"] = EPHEMERAL  # OpenRouter sets Claude's marks itself where this stands
    body |= _schema(request, entry)
    tools = _tools(request, entry)
    body |= _thinking(request, model, entry, with_tools=bool(tools))
    if tools:
        body["tools"] = tools
    body["messages"] = list(_messages(request, model, entry))
    return to_bytes({name: value for name, value in body.items() if name not in entry.refuses})


def _thinking(request: ModelRequest, model: str, entry: Entry, *, with_tools: bool) -> Said:
    if entry.effort_with_tools and with_tools:
        return {"reasoning_effort": entry.effort_with_tools}
    if request.thinking == "auto":
        return {}
    if request.thinking == "off":
        return _no_thinking(model, entry)
    level = thinking.steered(request.thinking, thinking.fill(request, entry.window_tokens))
    match entry.thinking:
        case "effort" | "gemini_budget" | "gemini_level" | "anthropic_budget" | "anthropic_adaptive":
            return {"reasoning_effort": level}  # what gateways to others take, and Google's own endpoint
        case "deepseek":
            return {"thinking": {"type": "enabled"}, "reasoning_effort": level}
        case "openrouter":
            return {"reasoning": {"effort": level}}
        case "template":
            return {"chat_template_kwargs": {_switch(model): True}}
        case _:
            return {}


def _no_thinking(model: str, entry: Entry) -> Said:
    match entry.thinking:
        case "effort":
            return {"reasoning_effort": entry.effort_off or thinking.SMALLEST}
        case "gemini_budget" | "gemini_level" | "anthropic_budget" | "anthropic_adaptive":
            return {"reasoning_effort": "none" if entry.effort_off else thinking.SMALLEST}
        case "deepseek":
            return {"thinking": {"type": "disabled"}}
        case "openrouter":
            return {"reasoning": {"enabled": False}}
        case "template":
            return {"chat_template_kwargs": {_switch(model): False}}
        case _:
            return {}


def _switch(model: str) -> str:
    return "thinking" if _is_of(model, _NAMED_THINKING) else "enable_thinking"


def _is_of(model: str, names: tuple[str, ...]) -> bool:
    lowered = model.lower()
    return any(name in lowered for name in names)


def _schema(request: ModelRequest, entry: Entry) -> Said:
    schema = request.schema
    if schema is None:
        return {}
    match entry.schema:
        case "json_schema":
            form = _json_schema(schema)
            return {"response_format": {"type": "json_schema", "json_schema": form}}
        case "json_object":
            return {"response_format": {"type": "json_object"}}
        case "tool":
            return {"tool_choice": {"type": "function", "function": {"name": ANSWER}}}
        case "words":
            return {}


def _json_schema(schema: OutputSchema) -> Said:
    """Strict where that can say all that the schema says; servers with a grammar of their own follow either."""
    from copydesk.models.schemas import fits_strict, schema_name, strict_schema

    strict = fits_strict(schema.schema)
    return {
        "name": schema_name(schema.name),
        "schema": strict_schema(schema.schema) if strict else dict(schema.schema),
        "strict": strict,
    }


def _tools(request: ModelRequest, entry: Entry) -> list[Said]:
    tools = [_tool(spec) for spec in request.tools] if entry.tools else []
    if request.schema is not None and entry.schema == "tool":
        tools.append(_function(ANSWER, DESCRIPTION, dict(request.schema.schema)))
    return tools


def _tool(spec: ToolSpec) -> Said:
    return _function(spec.name, spec.description, dict(spec.parameters))


def _function(name: str, description: str, parameters: dict[str, Any]) -> Said:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def _messages(request: ModelRequest, model: str, entry: Entry) -> Iterator[Said]:
    """The history in the order and the words that this model's servers take."""
    refused = entry.refuses | _MISTRALS if _is_of(model, _MISTRAL) else entry.refuses
    said = _plain_messages(request, model, entry)
    if refusals.SYSTEM_ROLE in refused:
        said = _without_system(said)
    if refusals.NEIGHBOURS in refused:
        said = _merged(said)
    if refusals.USER_AFTER_TOOL in refused:
        said = _answered(said)
    if refusals.LONG_IDS in refused:
        said = map(_with_short_ids, said)
    return said


_MISTRALS = frozenset({refusals.LONG_IDS, refusals.USER_AFTER_TOOL})


def _plain_messages(request: ModelRequest, model: str, entry: Entry) -> Iterator[Said]:
    in_words = request.schema is not None and entry.schema in ("json_object", "words")
    if system := system_text(request, entry, in_words=in_words):
        yield {"role": "system", "content": system}
    for message in paired(request.messages):
        match message.role:
            case "user":
                yield {"role": "user", "content": _content(message.parts, entry)}
            case "tool":
                yield from _results(message, entry)
            case "assistant":
                yield from _assistant(message, model, entry)


def _assistant(message: Message, model: str, entry: Entry) -> Iterator[Said]:
    text = message.text
    if not text and not message.calls:
        return  # only thinking, which this wire cannot say alone
    content = text if text or refusals.NULL_CONTENT in entry.refuses else None
    said: Said = {"role": "assistant", "content": content}
    if refusals.REASONING_BACK not in entry.refuses:
        said |= _reasoning(message, entry)
    if message.calls:
        said["tool_calls"] = [_call(call, model) for call in message.calls]
    yield said


def _reasoning(message: Message, entry: Entry) -> Said:
    thoughts = [part for part in message.parts if isinstance(part, Thinking)]
    if entry.echo_reasoning:
        # All or none: one message without the field makes the provider reject the whole history.
        return {"reasoning_content": "".join(part.text for part in thoughts)}
    kept = [part.redacted for part in thoughts if part.source == reasoning_details.SOURCE and part.redacted]
    if kept and entry.thinking == "openrouter":
        return {"reasoning_details": [block for text in kept for block in reasoning_details.blocks(text)]}
    return {}


def _call(call: ToolCall, model: str) -> Said:
    function = {"name": call.name, "arguments": arguments_text(call)}
    said: Said = {"id": call.id, "type": "function", "function": function}
    if call.signature and "gemini" in model.lower():
        said["extra_content"] = {"google": {"thought_signature": call.signature}}
    return said


def _results(message: Message, entry: Entry) -> Iterator[Said]:
    """One message a result. This wire has no images in them: those come behind, as if the person showed them."""
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for result in results:
        yield {"role": "tool", "tool_call_id": result.call_id, "content": result.content or EMPTY}
    shown: list[Part] = []
    for result in results:
        if result.images:
            shown += [Text(f"What {result.name} (call {result.call_id}) shows:"), *result.images]
    if shown:
        yield {"role": "user", "content": _content(tuple(shown), entry)}


def _content(parts: tuple[Part, ...], entry: Entry) -> str | list[Said]:
    if not any(isinstance(part, Image) for part in parts):
        return "".join(part.text for part in parts if isinstance(part, Text)) or EMPTY
    return [shown for part in parts if (shown := _part(part, entry)) is not None]


def _part(part: Part, entry: Entry) -> Said | None:
    match part:
        case Text(text) if text:
            return {"type": "text", "text": text}
        case Image(media_type, data) if entry.images or not entry.known:
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}
        case Image(media_type):
            return {"type": "text", "text": f"(an image, {media_type}: this model cannot see images)"}
        case _:
            return None


def _without_system(said: Iterator[Said]) -> Iterator[Said]:
    """For chat templates that know no system role: its text opens the first message of the user."""
    system = ""
    for one in said:
        if one["role"] == "system":
            system = str(one["content"])
        elif system and one["role"] == "user":
            yield one | {"content": _joined(system, one["content"])}
            system = ""
        else:
            yield one


def _merged(said: Iterator[Said]) -> Iterator[Said]:
    """Neighbouring messages of the user as one, for templates that want the roles to alternate."""
    waiting: Said | None = None
    for one in said:
        if waiting is not None and waiting["role"] == one["role"] == "user":
            waiting = waiting | {"content": _joined(waiting["content"], one["content"])}
            continue
        if waiting is not None:
            yield waiting
        waiting = one
    if waiting is not None:
        yield waiting


def _joined(first: object, second: object) -> str | list[object]:
    if isinstance(first, str) and isinstance(second, str):
        return f"{first}\n\n{second}"
    return [*_as_parts(first), *_as_parts(second)]


def _as_parts(content: object) -> list[object]:
    return cast("list[object]", content) if isinstance(content, list) else [{"type": "text", "text": content}]


def _answered(said: Iterator[Said]) -> Iterator[Said]:
    """A word of the model between a tool's result and the user's next message."""
    before: object = ""
    for one in said:
        if before == "tool" and one["role"] == "user":
            yield {"role": "assistant", "content": FILLER}
        before = one["role"]
        yield one


def _with_short_ids(said: Said) -> Said:
    if "tool_call_id" in said:
        return said | {"tool_call_id": _short(str(said["tool_call_id"]))}
    if "tool_calls" in said:
        calls = cast("list[Said]", said["tool_calls"])
        return said | {"tool_calls": [call | {"id": _short(str(call["id"]))} for call in calls]}
    return said


def _short(id: str) -> str:
    return id if len(id) == 9 and id.isascii() and id.isalnum() else hashlib.sha256(id.encode()).hexdigest()[:9]
