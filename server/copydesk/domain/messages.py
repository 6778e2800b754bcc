"""Messages and their parts: what a session says and hears. The wires map these to each provider's JSON.

A tool call and its result are parts; every call has exactly one result with the same `call_id`.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from copydesk.domain.frozen import frozen

Json: TypeAlias = "dict[str, Any] | list[Any] | str | int | float | bool | None"
Role: TypeAlias = Literal["user", "assistant", "tool"]
Verb: TypeAlias = Literal["prompt", "ask", "explain", "fix", "document", "test", "refactor"]

VERBS: tuple[Verb, ...] = ("prompt", "ask", "explain", "fix", "document", "test", "refactor")


@frozen
class Text:
    text: str


@frozen
class Thinking:
    """Reasoning. `signature` and `redacted` are opaque provider bytes, sent back unchanged, and only to `source`.

    `source` names the wire that gave them ("anthropic", "openai_responses", "gemini"); another one refuses them.
    """

    text: str
    signature: str = ""
    redacted: str = ""
    source: str = ""


@frozen
class ToolCall:
    """A call the model asks for. `problem` is set when its JSON cannot be used: such a call never runs.

    `raw` is the argument text as the model wrote it. `signature` is opaque and travels back unchanged (Gemini's thought
    signatures stand on calls).
    """

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    raw: str = ""
    problem: str = ""
    signature: str = ""


@frozen
class Image:
    """An image, base64 in `data`."""

    media_type: str
    data: str


@frozen
class ToolResult:
    """What a call gave. `content` and `images` are for the model; `details` (JSON) is for the person's view."""

    call_id: str
    name: str
    content: str
    is_error: bool = False
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    images: tuple[Image, ...] = ()


def cleared(result: ToolResult) -> ToolResult:
    """The same result with a note in place of what it was, once it had to make room."""
    note = f"[cleared to make room: {len(result.content):,} characters. Call {result.name} again if you need them.]"
    return ToolResult(result.call_id, result.name, note, result.is_error, result.details)


Part: TypeAlias = Text | Thinking | ToolCall | ToolResult | Image


@frozen
class LineRange:
    """Whole or partial lines of a document: 0-based lines, columns in code points, end exclusive."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int

    @property
    def is_empty(self) -> bool:
        return (self.start_line, self.start_column) == (self.end_line, self.end_column)


@frozen
class Problem:
    """A diagnostic, from the client or from our own analysers. `severity`: error, warning, information, hint."""

    uri: str
    range: LineRange
    message: str
    severity: str = "error"
    source: str = ""
    code: str = ""


@frozen
class Task:
    """What a person asked, as structure: the wires ignore it, the offline model plans from it.

    `path` is the workspace path tools accept; `selection` the selected text, empty without one; `subject` what the
    place is called, for titles.
    """

    verb: Verb
    text: str = ""
    uri: str = ""
    path: str = ""
    language: str = ""
    range: LineRange | None = None
    selection: str = ""
    problems: tuple[Problem, ...] = ()
    instruction_comment: bool = False
    subject: str = ""


@frozen
class Message:
    role: Role
    parts: tuple[Part, ...]
    task: Task | None = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


@frozen
class Usage:
    """Tokens of one request or a sum of them. `input` includes the cached ones."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def cached_share(self) -> float:
        """The part of the input that a cache served, 0 to 1."""
        return min(1.0, self.cache_read / self.input) if self.input else 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.reasoning + other.reasoning,
        )
