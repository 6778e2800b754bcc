"""Gemini `generateContent`, encoding: a request → JSON bytes. Deterministic, so that the implicit cache can hit.

Pure. Start with `encode`. What stays the same from step to step comes first, the conversation last. Fields are those
of ai.google.dev/api/generate-content; levels and budgets those of ai.google.dev/gemini-api/docs/thinking.

Thought signatures go back where they came from (ai.google.dev/gemini-api/docs/thought-signatures): on a call, on a
thought, on the text before (`ON_TEXT`), or on an empty part of their own. Gemini 3 and later refuse a call without
one; calls of other models get the value that Google names for this.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import Entry
from copydesk.models.thinking import budget_tokens, fill, steered
from copydesk.models.wires.history import arguments_object, paired, system_text, to_bytes

Object: TypeAlias = dict[str, object]

SOURCE: Final = "gemini"
ON_TEXT: Final = "gemini:text"
"""`Thinking.source` of a signature that stood on visible text."""
UNSIGNED: Final = "skip_thought_signature_validator"
START: Final = "(The conversation goes on from here.)"
GO_ON: Final = "(Go on.)"
LEAST_BUDGET: Final = 512
"""The smallest budget that every 2.5 model takes, but for `off`."""
_UNSAFE: Final = re.compile(r"[^a-zA-Z0-9_.:-]")
_NAME_LIMIT: Final = 64


def encode(request: ModelRequest, model: str, entry: Entry) -> bytes:
    """The body of one request; the model's name stands in the URL."""
    del model
    body: Object = {}
    in_words = entry.schema != "json_schema" or not _takes_json(request, entry)
    if system := system_text(request, entry, in_words=in_words):
        body["systemInstruction"] = {"parts": [{"text": system}]}
    if request.tools and entry.tools:
        body["tools"] = [{"functionDeclarations": [_tool(spec) for spec in request.tools]}]
        body["toolConfig"] = {"functionCallingConfig": {"mode": "AUTO"}}
    if config := _config(request, entry):
        body["generationConfig"] = config
    body["contents"] = [{"role": role, "parts": parts} for role, parts in _contents(request.messages, entry)]
    return to_bytes(body)


def _tool(spec: ToolSpec) -> Object:
    return {
        "name": spec.name,
        "description": spec.description,
        "parametersJsonSchema": dict(spec.parameters),
    }


def _config(request: ModelRequest, entry: Entry) -> Object:
    config: Object = {}
    if request.max_output_tokens:
        config["maxOutputTokens"] = min(request.max_output_tokens, entry.output_limit_tokens)
    if thinking := _thinking(request, entry):
        config["thinkingConfig"] = thinking
    if request.schema is not None and _takes_json(request, entry):
        config["responseMimeType"] = "application/json"
        if entry.schema == "json_schema":
            config |= _schema(request.schema.schema)
    return config


def _schema(schema: Mapping[str, Any]) -> Object:
    """`responseSchema` for what it can say, else its younger sister, which takes JSON Schema with references."""
    from copydesk.models.schemas import fits_gemini, gemini_schema  # only where somebody asks

    if fits_gemini(schema):
        return {"responseSchema": gemini_schema(schema)}
    return {"responseJsonSchema": dict(schema)}


def _thinking(request: ModelRequest, entry: Entry) -> Object:
    """Summaries of thoughts cost nothing more than the thoughts, and show that the model is at work."""
    if entry.thinking not in ("gemini_level", "gemini_budget"):
        return {}
    if request.thinking == "auto":
        return {"includeThoughts": True}
    by_level = entry.thinking == "gemini_level"
    if request.thinking == "off":
        if by_level:
            return {"thinkingLevel": (entry.effort_off or "low").upper()}  # the least that the model allows
        return {"thinkingBudget": int(entry.effort_off) if entry.effort_off.isdecimal() else LEAST_BUDGET}
    filled = fill(request, entry.window_tokens)
    if by_level:
        return {"thinkingLevel": steered(request.thinking, filled).upper(), "includeThoughts": True}
    limit = min(request.max_output_tokens or entry.output_limit_tokens, entry.output_limit_tokens)
    return {
        "thinkingBudget": max(LEAST_BUDGET, budget_tokens(request.thinking, filled, limit)),
        "includeThoughts": True,
    }


def _takes_json(request: ModelRequest, entry: Entry) -> bool:
    """JSON mode beside function calling is refused before Gemini 3."""
    with_tools = bool(request.tools) and entry.tools
    return entry.schema in ("json_schema", "json_object") and (entry.thinking == "gemini_level" or not with_tools)


_Role: TypeAlias = Literal["user", "model"]
_Content: TypeAlias = tuple[_Role, list[Object]]


def _contents(history: tuple[Message, ...], entry: Entry) -> list[_Content]:
    """Roles alternate, beginning and ending with the user: neighbours of one role become one content."""
    contents: list[_Content] = []
    for message in paired(history):
        role: _Role = "model" if message.role == "assistant" else "user"
        parts = list(_model(message, entry) if role == "model" else _user(message, entry))
        if not parts:
            continue
        if not contents and role == "model":
            contents.append(("user", [{"text": START}]))
        if contents and contents[-1][0] == role:
            contents[-1][1].extend(parts)
        else:
            contents.append((role, parts))
    if not contents or contents[-1][0] == "model":
        contents.append(("user", [{"text": GO_ON}]))  # an answer begun for the model is refused by Gemini 4
    return contents


def _user(message: Message, entry: Entry) -> Iterator[Object]:
    for part in message.parts:
        match part:
            case Text(text) if text.strip():
                yield {"text": text}
            case Image(media_type, data) if entry.images or not entry.known:
                yield {"inlineData": {"mimeType": media_type, "data": data}}
            case Image(media_type):
                yield {"text": f"(an image, {media_type}: this model cannot see images)"}
            case ToolResult():
                yield {"functionResponse": _response(part)}
            case _:
                pass


def _response(result: ToolResult) -> Object:
    """`output` and `error` are the keys that the API names for a result that is plain text."""
    answer = {"error" if result.is_error else "output": result.content}
    return {"id": result.call_id, "name": _name(result.name), "response": answer}


def _model(message: Message, entry: Entry) -> Iterator[Object]:
    """An answer ends with its calls; thinking alone says nothing and is left out."""
    if not message.text.strip() and not message.calls:
        return
    parts: list[Object] = []
    for part in message.parts:
        _add(part, parts)
    yield from parts
    must_sign = entry.thinking == "gemini_level"
    for position, call in enumerate(message.calls):
        signature = call.signature or (UNSIGNED if must_sign and position == 0 else "")
        yield _call(call, signature)


def _add(part: Part, parts: list[Object]) -> None:
    match part:
        case Text(text) if text.strip():
            parts.append({"text": text})
        case Thinking(text="", signature=signature, source="gemini:text") if (
            signature and parts and "text" in parts[-1]
        ):
            parts[-1]["thoughtSignature"] = signature
        case Thinking(text="", signature=signature, source="gemini" | "gemini:text") if signature:
            parts.append({"text": "", "thoughtSignature": signature})
        case Thinking(text=text, signature=signature, source="gemini") if signature:
            parts.append({"text": text, "thought": True, "thoughtSignature": signature})
        case _:
            pass  # of another provider, or unsigned: says nothing to this one


def _call(call: ToolCall, signature: str) -> Object:
    part: Object = {"functionCall": {"id": call.id, "name": _name(call.name), "args": arguments_object(call)}}
    return part | {"thoughtSignature": signature} if signature else part


def _name(name: str) -> str:
    """A name as the API takes it: one that a model made up must not break every later request."""
    fit = _UNSAFE.sub("_", name)[:_NAME_LIMIT] or "unknown"
    return fit if fit[0].isalpha() or fit[0] == "_" else f"_{fit}"[:_NAME_LIMIT]
