"""The closed set of events that every model's stream is made of, and the request that starts one.

Order: any number of deltas, then exactly one `Finished`. A stream raises only `ModelError`.
Tool-call deltas are keyed by `index` (position of the call in the message); parallel calls may interleave.
"""

from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Message, Usage
from copydesk.domain.tools import ToolSpec

FinishReason: TypeAlias = Literal["end_turn", "tool_calls", "max_tokens", "refusal", "cut_off"]
Thinking: TypeAlias = Literal["auto", "off", "low", "medium", "high"]


@frozen
class ModelRequest:
    """One step's request. `system` and `tools` are the stable prefix; messages only ever grow within a session."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int | None = None
    thinking: Thinking = "auto"


@frozen
class TextDelta:
    text: str


@frozen
class ThinkingDelta:
    text: str


@frozen
class ThinkingEnd:
    """Closes one thinking block. `signature` / `redacted` must travel back unchanged."""

    signature: str = ""
    redacted: str = ""


@frozen
class RefusalDelta:
    """The model declines, in its own words."""

    text: str


@frozen
class ToolCallStart:
    index: int
    id: str
    name: str


@frozen
class ToolCallDelta:
    """A piece of the call's argument JSON, as text."""

    index: int
    json: str


@frozen
class UsageReport:
    """Usage of this request so far; a later one replaces an earlier one."""

    usage: Usage


@frozen
class Finished:
    """`cut_off`: the stream ended without saying so. Half-sent calls must then never run."""

    reason: FinishReason


StreamEvent: TypeAlias = (
    TextDelta | ThinkingDelta | ThinkingEnd | RefusalDelta | ToolCallStart | ToolCallDelta | UsageReport | Finished
)
