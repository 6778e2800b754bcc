"""History made fit for any wire: every call has exactly one result right behind it, under an id that is unique.

Pure and deterministic: what stands for a message depends only on it and on what came before, so that the
serialised history of one step is a prefix of the next one's. Start with `paired`.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import cast

from copydesk.domain.messages import Message, Part, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest
from copydesk.models.catalog import Entry

STEP_BY_STEP = (
    "Before you act or answer, think step by step in a few sentences: what is asked, what you know for certain, what "
    "could go wrong, what the next step is. Then do it, and check the result against what was asked."
)
"""What asks a model to reason that has no switch for it. The same at every level: the text is part of the prefix."""
INTERRUPTED = "This call was interrupted: it has no result. Whether it had any effect is not known."
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_ID_LIMIT = 40


def paired(messages: tuple[Message, ...]) -> Iterator[Message]:
    """The same history, where each assistant message with calls is followed by one message with all their results.

    Results without a call are dropped; a call without a result gets an honest one. Messages with nothing to say
    are dropped.
    """
    used: set[str] = set()
    for position, message in enumerate(messages):
        if message.role == "assistant" and message.calls:
            names = _new_ids(message.calls, used)
            yield replace(message, parts=_renamed(message.parts, names))
            yield Message("tool", tuple(_results(message.calls, messages[position + 1 :], names)))
        else:
            kept = tuple(part for part in message.parts if not isinstance(part, ToolResult | ToolCall))
            if kept:
                yield Message(message.role if message.role != "tool" else "user", kept)


def system_text(request: ModelRequest, entry: Entry, *, in_words: bool) -> str:
    """The system text, with what the model has no fields for. `in_words`: the output schema stands here too."""
    texts = [request.system]
    if entry.thinking == "instruction" and request.thinking in ("low", "medium", "high"):
        texts.append(STEP_BY_STEP)
    if in_words and request.schema is not None:
        from copydesk.models.schemas import schema_words

        texts.append(schema_words(request.schema.schema))
    return "\n\n".join(text for text in texts if text)


def _results(calls: tuple[ToolCall, ...], later: tuple[Message, ...], names: list[str]) -> Iterator[ToolResult]:
    waiting = list(_until_assistant(later))
    for call, name in zip(calls, names, strict=True):
        found = next((result for result in waiting if result.call_id == call.id), None)
        if found is None:
            yield ToolResult(name, call.name, INTERRUPTED, is_error=True)
        else:
            waiting.remove(found)
            yield replace(found, call_id=name, name=call.name)


def _until_assistant(later: tuple[Message, ...]) -> Iterator[ToolResult]:
    for message in later:
        if message.role == "assistant":
            return
        yield from (part for part in message.parts if isinstance(part, ToolResult))


def _new_ids(calls: Iterable[ToolCall], used: set[str]) -> list[str]:
    """Ids as every provider takes them: letters, digits, `_`, `-`; short; never twice in one history."""
    names: list[str] = []
    for call in calls:
        base = _UNSAFE.sub("_", call.id)[:_ID_LIMIT] or "call"
        name, n = base, 1
        while name in used:
            n += 1
            name = f"{base}_{n}"
        used.add(name)
        names.append(name)
    return names


def _renamed(parts: tuple[Part, ...], names: list[str]) -> tuple[Part, ...]:
    fresh = iter(names)
    return tuple(replace(part, id=next(fresh)) if isinstance(part, ToolCall) else part for part in parts)


def arguments_text(call: ToolCall) -> str:
    """The call's arguments as JSON text of an object, as the model wrote them where that can be sent back.

    Servers parse this text again, so that broken text would break every later request: such a call is sent with
    none, and its result tells the model what was wrong.
    """
    if call.raw and not call.problem:
        return call.raw
    return json.dumps(arguments_object(call), ensure_ascii=False, separators=(",", ":"))


def arguments_object(call: ToolCall) -> dict[str, object]:
    if call.arguments or not call.raw:
        return dict(call.arguments)
    try:
        parsed: object = json.loads(call.raw)
    except (ValueError, RecursionError):
        return {}
    return cast(dict[str, object], parsed) if isinstance(parsed, dict) else {}


def to_bytes(body: dict[str, object]) -> bytes:
    """JSON as it goes on the wire: keys in the given order. Half characters (lone surrogates) become `?`."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
