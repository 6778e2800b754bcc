"""What must hold of every history, whatever happened in it."""

from copydesk.domain.messages import Message, ToolCall, ToolResult
from copydesk.models.scripted import ScriptedModel


def check_pairs(messages: tuple[Message, ...]) -> None:
    calls = [part.id for message in messages for part in message.parts if isinstance(part, ToolCall)]
    results = [part.call_id for message in messages for part in message.parts if isinstance(part, ToolResult)]
    assert results == calls, "every call has exactly one result, in order"


def check_prefix(model: ScriptedModel) -> None:
    for earlier, later in zip(model.requests, model.requests[1:], strict=False):
        assert later.system == earlier.system
        assert later.tools == earlier.tools
        assert later.messages[: len(earlier.messages)] == earlier.messages, "the prompt prefix changed"
