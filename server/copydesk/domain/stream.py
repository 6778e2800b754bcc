"""The closed set of events that every model's stream is made of, and the request that starts one.

Order: any number of deltas, then exactly one `Finished`. A stream raises only `ModelError`.
Tool-call deltas are keyed by `index` (position of the call in the message); parallel calls may interleave.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Message, Usage
from copydesk.domain.tools import ToolSpec

FinishReason: TypeAlias = Literal["end_turn", "tool_calls", "max_tokens", "refusal", "cut_off"]
Thinking: TypeAlias = Literal["auto", "off", "low", "medium", "high"]


@frozen
class OutputSchema:
    """What the answer must look like: a JSON Schema (draft 2020-12) of an object, under a name a provider takes."""

    name: str
    schema: Mapping[str, Any]


@frozen
class ModelRequest:
    """One step's request. `system` and `tools` are the stable prefix; messages only ever grow within a session.

    `input_tokens` is what the rest is estimated to be, 0 when nobody knows: thinking shrinks as the window fills.
    `session` lets providers send what shares a prefix to the same cache; it is opaque and says nothing of anybody.
    """

    system: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    max_output_tokens: int | None = None
    thinking: Thinking = "auto"
    schema: OutputSchema | None = None
    input_tokens: int = 0
    session: str = ""


@frozen
class TextDelta:
    text: str


@frozen
class ThinkingDelta:
    text: str


@frozen
class ThinkingEnd:
    """Closes one thinking block. `signature` / `redacted` must travel back unchanged, to the wire named `source`."""

    signature: str = ""
    redacted: str = ""
    source: str = ""


@frozen
class RefusalDelta:
    """The model declines, in its own words."""

    text: str


@frozen
class ToolCallStart:
    """`signature`: opaque, travels back with the call."""

    index: int
    id: str
    name: str
    signature: str = ""


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
