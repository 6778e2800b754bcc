"""The scripted model: plays a script instead of thinking. For tests, demos, recordings and benchmarks.

Each request is answered with the next step of the script; the form of scripts is described in `script`.
Knows no network. Start with `Script.parse`, then `ScriptedModel`.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, aclosing

import anyio

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, ToolResult
from copydesk.domain.stream import (
    Finished,
    ModelRequest,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models.script import OVER, Call, Fail, Refuse, Report, Say, Script, Step, Think, Wait, load

__all__ = ["OVER", "Script", "ScriptedModel", "last_said", "load", "pieces"]


class ScriptedModel:
    """A `Model` that plays a script, one step a request, counted over the life of this object.

    `requests` keeps every request it was given, in order, for tests to look at.
    """

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self._script = script
        self._name = name
        self.requests: list[ModelRequest] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def n_played(self) -> int:
        return len(self.requests)

    def reset(self) -> None:
        """Starts the script again, as for a new session."""
        self.requests.clear()

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        index = self.n_played
        self.requests.append(request)
        return aclosing(_play(self._script.step(index), index, request))


async def _play(step: Step, index: int, request: ModelRequest) -> AsyncGenerator[StreamEvent]:
    _check(step, index, request)
    n_calls = 0
    for action in step.actions:
        match action:
            case Wait(delay_s):
                await anyio.sleep(delay_s)
            case Fail():
                raise action.error()
            case Call():
                for event in _call_events(action, n_calls, f"call_{index + 1}_{n_calls + 1}"):
                    yield event
                n_calls += 1
            case _:
                for event in _events(action):
                    yield event
    yield Finished(step.finish)


def _events(action: Say | Think | Refuse | Report) -> Iterator[StreamEvent]:
    match action:
        case Say(text, chunk):
            yield from map(TextDelta, pieces(text, chunk))
        case Refuse(text, chunk):
            yield from map(RefusalDelta, pieces(text, chunk))
        case Think(text, chunk):
            yield from map(ThinkingDelta, pieces(text, chunk))
            yield ThinkingEnd()
        case Report(usage):
            yield UsageReport(usage)


def _call_events(call: Call, position: int, call_id: str) -> Iterator[StreamEvent]:
    yield ToolCallStart(position, call_id, call.name)
    for piece in pieces(call.json, call.chunk):
        yield ToolCallDelta(position, piece)


def pieces(text: str, size: int) -> Iterator[str]:
    """`text` in pieces of `size` characters; whole when `size` is 0, nothing when it is empty."""
    if not size:
        yield from [text] if text else []
        return
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _check(step: Step, index: int, request: ModelRequest) -> None:
    if not step.expect:
        return
    seen = last_said(request.messages)
    if not re.search(step.expect, seen, re.MULTILINE | re.DOTALL):
        shown = seen if len(seen) <= 2000 else seen[:2000] + " …"
        raise errors.BadRequest(
            f"Step {index + 1} of the script expected {step.expect!r} in the last message, but saw: {shown!r}.",
            advice="Change the script or what leads to it.",
        )


def last_said(messages: tuple[Message, ...]) -> str:
    """The text of the last user or tool message: what the model has to answer."""
    for message in reversed(messages):
        if message.role != "assistant":
            said = [
                part.content if isinstance(part, ToolResult) else part.text
                for part in message.parts
                if isinstance(part, ToolResult | Text)
            ]
            return "\n".join(said)
    return ""
