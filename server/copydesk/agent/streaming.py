"""One model response: a stream of events becomes one assistant message, told to the journal as it arrives.

Arguments that cannot be used (see `arguments`) give a call with a `problem`; such a call never runs. A stream that is
cut off taints every call in it: half an argument must never be executed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from copydesk.agent.arguments import read_arguments
from copydesk.agent.journal import TurnParts
from copydesk.agent.words import Words
from copydesk.domain.events import MessageChunk, ThoughtChunk
from copydesk.domain.messages import Message, Part, Text, Thinking, ToolCall, Usage
from copydesk.domain.stream import (
    Finished,
    FinishReason,
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

CUT_OFF = "the response was cut off before the call was complete; it was not run. Send it again."


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished response. `reason` is `cut_off` when the stream ended without saying so."""

    message: Message
    reason: FinishReason
    usage: Usage
    refusal: str = ""


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    json: list[str] = field(default_factory=list[str])
    signature: str = ""


@dataclass(slots=True)
class Assembly:
    """The message so far. Feeding it is pure; `message` is valid at any moment (a cancel may come at any).

    `taken` are the ids of the session's calls: servers that number calls from 0 in every answer, or name two alike,
    would otherwise mix up results, records and what the editor shows.
    """

    taken: set[str] = field(default_factory=set[str])
    parts: list[Part] = field(default_factory=list[Part])
    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    text: list[str] = field(default_factory=list[str])
    thought: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    usage: Usage = field(default_factory=Usage)
    reason: FinishReason = "cut_off"

    def feed(self, event: StreamEvent) -> None:
        match event:
            case TextDelta(text):
                self._close_thought(ThinkingEnd())
                self.text.append(text)
            case ThinkingDelta(text):
                self._close_text()
                self.thought.append(text)
            case ThinkingEnd():
                opaque = bool(event.signature or event.redacted)
                if opaque:
                    self._close_text()  # what is opaque stays where it stood
                self._close_thought(event, always=opaque)
            case RefusalDelta(text):
                self.refusal.append(text)
            case ToolCallStart(index, id, name, signature):
                self.calls[index] = _Call(self._unique(id or f"call_{index}"), name, signature=signature)
            case ToolCallDelta(index, piece):
                self.calls[index].json.append(piece)
            case UsageReport(usage):
                self.usage = usage
            case Finished(reason):
                self.reason = reason

    def _unique(self, base: str) -> str:
        name, n = base, 1
        while name in self.taken:
            n += 1
            name = f"{base}_{n}"
        self.taken.add(name)
        return name

    def _close_text(self) -> None:
        if self.text:
            self.parts.append(Text("".join(self.text)))
            self.text = []

    def _close_thought(self, end: ThinkingEnd, *, always: bool = False) -> None:
        if self.thought or always:
            self.parts.append(Thinking("".join(self.thought), end.signature, end.redacted, end.source))
            self.thought = []

    def message(self) -> Message:
        """The whole message; calls are usable only when the response ended properly."""
        self._close_thought(ThinkingEnd())
        self._close_text()
        whole = self.reason in ("tool_calls", "end_turn")
        calls = [read_call(self.calls[index], whole=whole) for index in sorted(self.calls)]
        return Message("assistant", (*self.parts, *calls))


def read_call(call: _Call, *, whole: bool) -> ToolCall:
    """A call with its arguments parsed; with a `problem` when they cannot be used."""
    raw = "".join(call.json)
    if not whole:
        return ToolCall(call.id, call.name, {}, raw, CUT_OFF, call.signature)
    found = read_arguments(raw)
    return ToolCall(
        call.id, call.name, found.values, raw if found.problem else found.text, found.problem, call.signature
    )


async def read_reply(parts: TurnParts, request: ModelRequest, assembly: Assembly) -> Reply:
    """Streams one response into `assembly`, which the caller keeps if this is cancelled. Raises ModelError."""
    async with parts.model.stream(request) as events:
        await _consume(parts, events, assembly)
    message = assembly.message()
    return Reply(message, assembly.reason, assembly.usage, "".join(assembly.refusal))


async def _consume(parts: TurnParts, events: AsyncIterator[StreamEvent], assembly: Assembly) -> None:
    """Tells what comes, at the ends of words: what is told is looked through for secrets."""
    said, thought = Words(parts.secrets.redact), Words(parts.secrets.redact)

    def tell(say: str, think: str) -> None:
        if think:
            parts.emit(ThoughtChunk(parts.turn, think))
        if say:
            parts.emit(MessageChunk(parts.turn, say))

    try:
        async for event in events:
            assembly.feed(event)
            match event:
                case TextDelta(text) | RefusalDelta(text):
                    tell(said.add(text), thought.end())
                case ThinkingDelta(text):
                    tell(said.end(), thought.add(text))
                case UsageReport():
                    pass
                case _:
                    tell(said.end(), thought.end())
    finally:
        tell(said.end(), thought.end())
