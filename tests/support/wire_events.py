"""A script's step as the bytes of a provider's stream: OpenAI Chat Completions, OpenAI Responses, Anthropic Messages.

Used by `model_server`. Each function gives the events of one answer, without any fault.
"""

import json
from collections.abc import Iterator
from itertools import count

from copydesk.domain.messages import Usage
from copydesk.models.script import Call, Fail, Refuse, Report, Say, Step, Think, Wait
from copydesk.models.scripted import pieces

DONE = b"data: [DONE]\n\n"
OPENAI_FINISH = {"end_turn": "stop", "tool_calls": "tool_calls", "max_tokens": "length", "refusal": "content_filter"}
ANTHROPIC_FINISH = {"end_turn": "end_turn", "tool_calls": "tool_use", "max_tokens": "max_tokens", "refusal": "refusal"}


def sse(payload: object, event: str = "") -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {json.dumps(payload, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def openai(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    """Without `finish: cut_off`, ends with a finish reason, the usage and [DONE]."""
    base = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 0, "model": "scripted"}

    def delta(**fields: object) -> bytes:
        return sse(base | {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]})

    yield delta(role="assistant", content="")
    usage, n_calls = Usage(), 0
    for action in step.actions:
        match action:
            case Say(text, size):
                yield from (delta(content=piece) for piece in pieces(text, size))
            case Think(text, size):
                yield from (delta(reasoning_content=piece) for piece in pieces(text, size))
            case Refuse(text, size):
                yield from (delta(refusal=piece) for piece in pieces(text, size))
            case Call(name, arguments, size):
                head = {"index": n_calls, "id": f"call_{number}_{n_calls}", "type": "function"}
                yield delta(tool_calls=[head | {"function": {"name": name, "arguments": ""}}])
                for piece in pieces(arguments, size):
                    yield delta(tool_calls=[{"index": n_calls, "function": {"arguments": piece}}])
                n_calls += 1
            case Report(found):
                usage = found
            case Wait() | Fail():
                yield action
    if step.finish == "cut_off":
        return
    yield sse(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": OPENAI_FINISH[step.finish]}]})
    yield sse(base | {"choices": [], "usage": _openai_usage(usage)})
    yield DONE


def _openai_usage(usage: Usage) -> dict[str, object]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def anthropic(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    """Without `finish: cut_off`, ends with message_delta and message_stop."""
    usage = next((action.usage for action in reversed(step.actions) if isinstance(action, Report)), Usage())
    counts = {
        "input_tokens": usage.input - usage.cache_read - usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
        "output_tokens": 0,
    }
    message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": [], "usage": counts}
    yield sse({"type": "message_start", "message": message}, "message_start")
    index = 0
    for action in step.actions:
        match action:
            case Wait() | Fail():
                yield action
            case Report():
                pass
            case _:
                yield from _block(action, index, number)
                index += 1
    if step.finish == "cut_off":
        return
    stop = {"stop_reason": ANTHROPIC_FINISH[step.finish], "stop_sequence": None}
    end = {"type": "message_delta", "delta": stop, "usage": {"output_tokens": usage.output}}
    yield sse(end, "message_delta")
    yield sse({"type": "message_stop"}, "message_stop")


def responses(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    """Without `finish: cut_off`, ends with response.completed or response.incomplete, as OpenAI does: no [DONE]."""
    items: list[dict[str, object]] = []
    head: dict[str, object] = {"id": f"resp_{number}", "object": "response", "model": "scripted", "error": None}
    counter = count()

    def event(kind: str, **fields: object) -> bytes:
        return sse({"type": kind, "sequence_number": next(counter), **fields}, kind)

    for kind in ("response.created", "response.in_progress"):
        yield event(kind, response=head | {"status": "in_progress", "output": [], "usage": None})
    for action in step.actions:
        match action:
            case Wait() | Fail():
                yield action
            case Report():
                pass
            case _:
                item = _item(action, f"{number}_{len(items)}")
                at: dict[str, object] = {"output_index": len(items), "item_id": item["id"]}
                yield event(
                    "response.output_item.added", item=item | _BEGUN[str(item["type"])], output_index=len(items)
                )
                if item["type"] == "message":
                    part = {"type": "output_text", "text": "", "annotations": []}
                    yield event("response.content_part.added", **at, content_index=0, part=part)
                for kind, fields in _item_events(action):
                    yield event(kind, **at, **fields)
                items.append(item)
                yield event("response.output_item.done", item=item, output_index=len(items) - 1)
    if step.finish == "cut_off":
        return
    why = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}.get(step.finish)
    refused = any(isinstance(action, Refuse) for action in step.actions)
    early = why is not None and not refused
    end = {"status": "incomplete" if early else "completed", "incomplete_details": {"reason": why} if early else None}
    end |= {"output": items, "usage": _responses_usage(step)}
    yield event("response.incomplete" if early else "response.completed", response=head | end)


_BEGUN: dict[str, dict[str, object]] = {
    "message": {"status": "in_progress", "content": []},
    "function_call": {"status": "in_progress", "arguments": ""},
    "reasoning": {"summary": [], "encrypted_content": "unfinished"},
}
"""What an item looks like when it begins."""


def _item(action: Say | Think | Refuse | Call, name: str) -> dict[str, object]:
    match action:
        case Say(text):
            content: dict[str, object] = {"type": "output_text", "text": text, "annotations": []}
        case Refuse(text):
            content = {"type": "refusal", "refusal": text}
        case Think(text):
            summary = [{"type": "summary_text", "text": text}]
            return {"type": "reasoning", "id": f"rs_{name}", "summary": summary, "encrypted_content": f"enc{name}=="}
        case Call(tool, arguments):
            call = {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "status": "completed"}
            return call | {"name": tool, "arguments": arguments}
    return {"type": "message", "id": f"msg_{name}", "role": "assistant", "status": "completed", "content": [content]}


def _item_events(action: Say | Think | Refuse | Call) -> Iterator[tuple[str, dict[str, object]]]:
    """What comes between an item's beginning and its end."""
    match action:
        case Say(text, size):
            kind, at, whole = "response.output_text", {"content_index": 0}, {"text": text}
        case Refuse(text, size):
            kind, at, whole = "response.refusal", {"content_index": 0}, {"refusal": text}
        case Think(text, size):
            kind, at, whole = "response.reasoning_summary_text", {"summary_index": 0}, {"text": text}
        case Call(name, text, size):
            kind, at, whole = "response.function_call_arguments", {}, {"arguments": text, "name": name}
    for piece in pieces(text, size):
        yield f"{kind}.delta", {**at, "delta": piece, "obfuscation": "x" * (len(piece) % 7)}
    yield f"{kind}.done", {**at, **whole}


def _responses_usage(step: Step) -> dict[str, object]:
    usage = next((action.usage for action in reversed(step.actions) if isinstance(action, Report)), Usage())
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


def _block(action: Say | Think | Refuse | Call, index: int, number: int) -> Iterator[bytes]:
    def delta(**fields: object) -> bytes:
        return sse({"type": "content_block_delta", "index": index, "delta": fields}, "content_block_delta")

    match action:
        case Say(text, size) | Refuse(text, size):
            start: dict[str, object] = {"type": "text", "text": ""}
            deltas = [delta(type="text_delta", text=piece) for piece in pieces(text, size)]
        case Think(text, size):
            start = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [delta(type="thinking_delta", thinking=piece) for piece in pieces(text, size)]
            deltas.append(delta(type="signature_delta", signature=f"sig{number}{index}=="))
        case Call(name, arguments, size):
            start = {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": name, "input": {}}
            deltas = [delta(type="input_json_delta", partial_json=piece) for piece in pieces(arguments, size)]
    yield sse({"type": "content_block_start", "index": index, "content_block": start}, "content_block_start")
    yield from deltas
    yield sse({"type": "content_block_stop", "index": index}, "content_block_stop")
