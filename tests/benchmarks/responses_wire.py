"""A script's step as the bytes of OpenAI's Responses stream, which codex speaks. Tool calls and text only."""

import json
from collections.abc import Iterator

from copydesk.models.script import Call, Fail, Say, Step, Wait
from tests.support.wire_events import sse


def responses(step: Step, number: int) -> Iterator[bytes | Wait | Fail]:
    """A tool named `custom.NAME` is a free-form one: its argument `input` is sent bare."""
    head = {"id": f"resp_{number}", "object": "response", "created_at": 0, "model": "scripted"}
    items = [
        _item(action, f"{number}_{index}")
        for index, action in enumerate(step.actions)
        if isinstance(action, Call | Say)
    ]
    yield _event("response.created", response=head | {"status": "in_progress", "output": []})
    for index, item in enumerate(items):
        yield _event("response.output_item.added", output_index=index, item=item | {"status": "in_progress"})
        yield _event("response.output_item.done", output_index=index, item=item)
    usage = {
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 10, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 20,
    }  # fmt: skip
    yield _event("response.completed", response=head | {"status": "completed", "output": items, "usage": usage})


def _event(kind: str, **fields: object) -> bytes:
    return sse({"type": kind, **fields}, kind)


def _item(action: Call | Say, id: str) -> dict[str, object]:
    if isinstance(action, Say):
        content = [{"type": "output_text", "text": action.text, "annotations": []}]
        return {"type": "message", "id": f"msg_{id}", "role": "assistant", "status": "completed", "content": content}
    if action.name.startswith("custom."):
        text = json.loads(action.json)["input"]
        return {
            "type": "custom_tool_call",
            "id": f"ct_{id}",
            "call_id": f"call_{id}",
            "name": action.name[7:],
            "input": text,
        }
    return {
        "type": "function_call", "id": f"fc_{id}", "call_id": f"call_{id}", "status": "completed",
        "name": action.name, "arguments": action.json,
    }  # fmt: skip
