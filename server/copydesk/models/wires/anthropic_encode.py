"""Anthropic Messages, encoding: a request → JSON bytes. Deterministic apart from where the cache marks stand.

Pure. Start with `encode`. Facts are from platform.claude.com/docs (October 2026): "Adaptive thinking", "Effort",
"What's new in Claude Sonnet 5.5", "Structured outputs", "Prompt caching".
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models import refusals, thinking
from copydesk.models.catalog import Entry
from copydesk.models.wires.history import arguments_object, paired, system_text, to_bytes
from copydesk.models.wires.schemas import ANSWER, DESCRIPTION

Block: TypeAlias = dict[str, object]
Blocks: TypeAlias = list[Block]

EPHEMERAL = {"type": "ephemeral"}
"""Five minutes. An hour costs 2 instead of 1.25 for every token taken in and saves only pauses of that length: a step
follows within seconds, and what a long pause costs is one writing of the history."""
DEFAULT_OUTPUT_TOKENS = 32_000
SMALLEST_BUDGET = 1_024
START = "(The conversation goes on from here.)"
INTERLEAVED = "interleaved-thinking-2025-05-14"
"""Lets Claude 4 with a thinking budget reason between tool calls too; adaptive thinking does so by itself."""
SEEN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

Nature: TypeAlias = Literal["asked", "disabled", "between_tools", "always"]
"""How a family with adaptive thinking is kept from it. asked: it thinks only when it is asked to. disabled: it has a
switch. between_tools: only what comes before the first word can be switched off. always: it cannot be switched off."""
_NATURES: tuple[tuple[str, Nature], ...] = (
    (r"fable|mythos|opus-(5[-.][5-9]|[6-9])", "always"),
    (r"sonnet-(5[-.][5-9]|[6-9])", "between_tools"),
    (r"(opus|sonnet|haiku)-[5-9]", "disabled"),
)


def encode(request: ModelRequest, model: str, entry: Entry) -> bytes:
    """The body of one request. What stays the same from step to step comes first."""
    limit = min(request.max_output_tokens or DEFAULT_OUTPUT_TOKENS, entry.output_limit_tokens)
    body: Block = {"model": model, "max_tokens": limit, "stream": True}
    form = _schema_form(request, model, entry)
    body |= _thinking(request, model, entry, limit, forced=form == "tool")
    marked = entry.cache_marks and refusals.MARKS not in entry.refuses
    if tools := _tools(request, entry, form):
        if marked:
            tools[-1]["cache_control"] = EPHEMERAL
        body["tools"] = tools
    if form == "tool":
        body["tool_choice"] = {"type": "tool", "name": ANSWER}
    if isinstance(form, dict):
        config = body.get("output_config")
        body["output_config"] = (config if isinstance(config, dict) else {}) | {"format": form}
    if system := system_text(request, entry, in_words=form == "words"):
        block: Block = {"type": "text", "text": system}
        body["system"] = [block | {"cache_control": EPHEMERAL} if marked else block]
    messages = _messages(request.messages, entry)
    if marked:
        _mark(messages)
    body["messages"] = [{"role": role, "content": blocks} for role, blocks in messages]
    return to_bytes({name: value for name, value in body.items() if name not in entry.refuses})


def betas(entry: Entry) -> str:
    """What stands in `anthropic-beta`; empty for nothing."""
    return INTERLEAVED if entry.thinking == "anthropic_budget" and refusals.BETAS not in entry.refuses else ""


def nature(model: str, entry: Entry) -> Nature:
    if entry.thinking != "anthropic_adaptive":
        return "asked"
    for pattern, found in _NATURES:
        if re.search(pattern, model.lower()):
            return found
    return "asked"


def _thinking(request: ModelRequest, model: str, entry: Entry, limit: int, *, forced: bool) -> Block:
    """`forced`: a tool must be called, which the API refuses beside thinking."""
    if entry.thinking == "anthropic_adaptive":
        return _adaptive(request, entry, nature(model, entry), forced=forced)
    if entry.thinking != "anthropic_budget" or request.thinking in ("auto", "off") or forced:
        return {}
    if _breaks_thinking(request.messages) or refusals.SIGNED_THINKING in entry.refuses:
        return {}
    budget = thinking.budget_tokens(request.thinking, thinking.fill(request, entry.window_tokens), limit)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= SMALLEST_BUDGET else {}


def _adaptive(request: ModelRequest, entry: Entry, nature: Nature, *, forced: bool) -> Block:
    # Newer models leave the reasoning's text out where nobody asks for it, and a person would see nothing happen.
    on: Block = {"thinking": {"type": "adaptive", "display": "summarized"}}
    if request.thinking == "off" or forced:
        match nature:
            case "asked":
                return {}
            case "always":
                return on | {"output_config": {"effort": "low"}}
            case _:
                return {"thinking": {"type": nature}}
    if request.thinking == "auto":
        return {} if nature == "asked" else on
    level = thinking.steered(request.thinking, thinking.fill(request, entry.window_tokens))
    return on | {"output_config": {"effort": level}}


def _breaks_thinking(messages: tuple[Message, ...]) -> bool:
    """Within a run of tool calls the API wants each answer's own signed thinking, which another model has not."""
    for message in reversed(messages):
        if message.role == "assistant":
            return bool(message.calls) and not any(_is_signed(part) for part in message.parts)
        if message.role == "user":
            return False
    return False


def _is_signed(part: Part) -> bool:
    return isinstance(part, Thinking) and bool(part.signature or part.redacted) and part.source in ("", "anthropic")


_Form: TypeAlias = "Block | Literal['tool', 'words'] | None"


def _schema_form(request: ModelRequest, model: str, entry: Entry) -> _Form:
    """How the schema is asked for: the `format` field, a tool that must be called, or words."""
    if request.schema is None:
        return None
    from copydesk.models.schemas import fits_strict, strict_schema

    schema = request.schema.schema
    if entry.schema == "json_schema" and fits_strict(schema, "anthropic"):
        return {"type": "json_schema", "schema": strict_schema(schema, "anthropic")}
    forces = nature(model, entry) in ("asked", "disabled") and "tool" not in entry.refuses
    return "tool" if forces and entry.schema in ("json_schema", "tool") else "words"


def _tools(request: ModelRequest, entry: Entry, form: _Form) -> Blocks:
    tools = [_tool(spec) for spec in request.tools] if entry.tools else []
    if form == "tool" and request.schema is not None:
        tools.append(_answer_tool(request.schema))
    return tools


def _tool(spec: ToolSpec) -> Block:
    return {"name": spec.name, "description": spec.description, "input_schema": dict(spec.parameters)}


def _answer_tool(schema: OutputSchema) -> Block:
    return {
        "name": ANSWER,
        "description": DESCRIPTION,
        "input_schema": dict(schema.schema),
    }


_Role: TypeAlias = Literal["user", "assistant"]


def _messages(history: tuple[Message, ...], entry: Entry) -> list[tuple[_Role, Blocks]]:
    """Roles alternate, beginning with the user: neighbours of one role become one message."""
    messages: list[tuple[_Role, Blocks]] = []
    for message in paired(history):
        role: _Role = "assistant" if message.role == "assistant" else "user"
        blocks = [block for part in _ordered(message) if (block := _block(part, entry)) is not None]
        if not blocks:
            continue
        if not messages and role == "assistant":
            messages.append(("user", [{"type": "text", "text": START}]))
        if messages and messages[-1][0] == role:
            messages[-1][1].extend(blocks)
        else:
            messages.append((role, blocks))
    return messages


def _ordered(message: Message) -> Iterator[Part]:
    """An answer ends with its calls; thinking alone says nothing and is left out."""
    if message.role != "assistant":
        yield from message.parts
    elif message.text.strip() or message.calls:
        yield from (part for part in message.parts if not isinstance(part, ToolCall))
        yield from message.calls


def _block(part: Part, entry: Entry) -> Block | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Thinking():
            return _thought(part) if refusals.SIGNED_THINKING not in entry.refuses else None
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments_object(part)}
        case ToolResult():
            return _result(part, entry)
        case Image():
            return _image(part, entry)


def _thought(part: Thinking) -> Block | None:
    if part.source not in ("", "anthropic"):
        return None  # signed by another provider
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature} if part.signature else None


def _image(image: Image, entry: Entry) -> Block:
    if not (entry.images or not entry.known):
        return {"type": "text", "text": f"(an image, {image.media_type}: this model cannot see images)"}
    if image.media_type not in SEEN:
        return {"type": "text", "text": f"(an image, {image.media_type}: the provider does not take this format)"}
    source = {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "image", "source": source}


def _result(result: ToolResult, entry: Entry) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    if result.images:
        text: Blocks = [{"type": "text", "text": result.content}] if result.content.strip() else []
        block["content"] = [*text, *(_image(image, entry) for image in result.images)]
    elif result.content.strip():
        block["content"] = result.content
    return block | {"is_error": True} if result.is_error else block


def _mark(messages: list[tuple[_Role, Blocks]]) -> None:
    """Marks the last block of the last two user messages; with the tools and the system text that makes four.

    The last one is where this step's history is taken in; the one before is where the last step's was, so that it is
    found exactly, however many blocks came between: from a mark alone the API looks back only twenty. What is too
    short to be cached (512 to 4,096 tokens, by model) is not, and costs nothing more.
    """
    users = [blocks for role, blocks in messages if role == "user"]
    for blocks in users[-2:]:
        blocks[-1]["cache_control"] = EPHEMERAL
