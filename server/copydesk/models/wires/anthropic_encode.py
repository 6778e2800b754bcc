"""Anthropic Messages, encoding: a request → JSON bytes. Deterministic apart from where the cache marks stand.

Pure. Start with `encode`. At most four marks: the system text, the last tool, the last two user messages.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import Entry
from copydesk.models.wires.history import arguments_object, paired, to_bytes

Block: TypeAlias = dict[str, object]
Blocks: TypeAlias = list[Block]

EPHEMERAL = {"type": "ephemeral"}
BUDGETS = {"low": 2_048, "medium": 8_192, "high": 16_384}
DEFAULT_OUTPUT_TOKENS = 32_000
START = "(The conversation goes on from here.)"


def encode(request: ModelRequest, model: str, entry: Entry) -> bytes:
    """The body of one request. What stays the same from step to step comes first."""
    limit = min(request.max_output_tokens or DEFAULT_OUTPUT_TOKENS, entry.output_limit_tokens)
    body: dict[str, object] = {"model": model, "max_tokens": limit, "stream": True}
    body |= _thinking(request, entry, limit)
    if request.tools and entry.tools:
        body["tools"] = _tools(request.tools, entry)
    if request.system:
        block: Block = {"type": "text", "text": request.system}
        body["system"] = [block | {"cache_control": EPHEMERAL} if entry.cache_marks else block]
    messages = _messages(request.messages)
    if entry.cache_marks:
        _mark(messages)
    body["messages"] = [{"role": role, "content": blocks} for role, blocks in messages]
    return to_bytes(body)


def _thinking(request: ModelRequest, entry: Entry, limit: int) -> dict[str, object]:
    if request.thinking in ("auto", "off"):
        return {}
    if entry.thinking == "anthropic_adaptive":
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": request.thinking}}
    if entry.thinking != "anthropic_budget" or _breaks_thinking(request.messages):
        return {}
    budget = min(BUDGETS[request.thinking], limit // 2)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= 1_024 else {}


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


def _tools(specs: tuple[ToolSpec, ...], entry: Entry) -> Blocks:
    tools: Blocks = [
        {"name": spec.name, "description": spec.description, "input_schema": dict(spec.parameters)} for spec in specs
    ]
    if entry.cache_marks:
        tools[-1]["cache_control"] = EPHEMERAL
    return tools


_Role: TypeAlias = Literal["user", "assistant"]


def _messages(history: tuple[Message, ...]) -> list[tuple[_Role, Blocks]]:
    """Roles alternate, beginning with the user: neighbours of one role become one message."""
    messages: list[tuple[_Role, Blocks]] = []
    for message in paired(history):
        role: _Role = "assistant" if message.role == "assistant" else "user"
        blocks = [block for part in _ordered(message) if (block := _block(part)) is not None]
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


def _block(part: Part) -> Block | None:
    match part:
        case Text(text):
            return {"type": "text", "text": text} if text.strip() else None
        case Thinking(source=source) if source not in ("", "anthropic"):
            return None  # signed by another provider
        case Thinking(redacted=redacted) if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        case Thinking(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature} if signature else None
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments_object(part)}
        case ToolResult():
            return _result(part)
        case Image(media_type, data):
            source = {"type": "base64", "media_type": media_type, "data": data}
            return {"type": "image", "source": source}


def _result(result: ToolResult) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    if result.content.strip():
        block["content"] = result.content
    return block | {"is_error": True} if result.is_error else block


def _mark(messages: list[tuple[_Role, Blocks]]) -> None:
    """Marks the last block of the last two user messages: this step's end and the one that was cached before."""
    users = [blocks for role, blocks in messages if role == "user"]
    for blocks in users[-2:]:
        blocks[-1]["cache_control"] = EPHEMERAL
