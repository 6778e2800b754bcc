"""How large each part of a request is: its texts and what stands around them, remembered by identity.

Messages are frozen and a history only grows, so each is measured once. Owns that memory, and its bound. Knows no usage.
Start with `Sizes.request`.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models.tokens.estimates import estimate
from copydesk.models.tokens.families import Family

MAX_KEPT = 8_192
MAX_KEPT_CHARS = 32 * 1024 * 1024
"""What is measured is held on to, else its identity would mean nothing; the older half goes when it is too much."""

ECHOING = ("deepseek", "kimi")
"""Families whose reasoning travels back on the chat wire."""


@dataclass(slots=True)
class Size:
    """What was measured: `value` tokens, of which `around` do not stand in texts. Exact ones replace the estimate."""

    owner: object
    value: float
    around: float
    factor: float = 1.0
    n_chars: int = 0

    def take(self, counts: Iterable[int]) -> None:
        """The texts' exact counts."""
        self.value = self.around + self.factor * sum(counts)


Measured: TypeAlias = Callable[[Size, list[str]], None]
"""Told of each new size and its texts, so that they can be counted exactly."""


def ignore(_size: Size, _texts: list[str]) -> None:
    """Estimates are all there is."""


@dataclass(slots=True)
class Sizes:
    """Of one tokenizer. `source`: the wire whose opaque reasoning goes back."""

    family: Family
    source: str = ""
    measured: Measured = ignore
    _known: dict[int, Size] = field(default_factory=dict[int, Size])
    _n_chars: int = 0

    def request(self, request: ModelRequest) -> float:
        """Tokens of the whole input."""
        return self.around(request) + self.messages(request.messages)

    def around(self, request: ModelRequest) -> float:
        """Everything but the messages: the system text, the tools, the schema."""
        total = 3.0
        if request.system:
            total += self._of(request.system, self._system)
        if request.tools:
            total += self._of(request.tools, self._tools)
        if request.schema:
            total += self._of(request.schema, self._schema)
        return total

    def messages(self, messages: Iterable[Message]) -> float:
        total = 0.0
        known = self._known
        for message in messages:
            size = known.get(id(message))
            if size is None or size.owner is not message:
                size = self._add(message, *self._message(message))
            total += size.value
        return total

    def _of(self, owner: object, measure: Callable[..., tuple[list[str], float, float]]) -> float:
        size = self._known.get(id(owner))
        if size is None or size.owner is not owner:
            size = self._add(owner, *measure(owner))
        return size.value

    def _add(self, owner: object, texts: list[str], around: float, factor: float) -> Size:
        n_chars = sum(map(len, texts))
        value = around + factor * sum(estimate(text, self.family) for text in texts)
        size = self._known[id(owner)] = Size(owner, value, around, factor, n_chars)
        self._n_chars += n_chars
        if len(self._known) > MAX_KEPT or self._n_chars > MAX_KEPT_CHARS:
            self._forget(size)
        self.measured(size, texts)
        return size

    def _forget(self, newest: Size) -> None:
        kept = list(self._known.values())[len(self._known) // 2 :]
        self._known = {id(size.owner): size for size in (*kept, newest)}
        self._n_chars = sum(size.n_chars for size in self._known.values())

    def _system(self, text: str) -> tuple[list[str], float, float]:
        return [text], self.family.message, 1.0

    def _tools(self, tools: tuple[ToolSpec, ...]) -> tuple[list[str], float, float]:
        texts = [_json([spec.name, spec.description, dict(spec.parameters)]) for spec in tools]
        return ["\n".join(texts)], self.family.tools + self.family.tool * len(tools), self.family.tools_factor

    def _schema(self, schema: OutputSchema) -> tuple[list[str], float, float]:
        return [schema.name, _json(dict(schema.schema))], self.family.tool, 1.0

    def _message(self, message: Message) -> tuple[list[str], float, float]:
        texts: list[str] = []
        around = self.family.message
        for part in message.parts:
            around += self._part(part, texts)
        return texts, around, 1.0

    def _part(self, part: Part, texts: list[str]) -> float:
        """Adds the part's texts, and gives what it costs beside them."""
        match part:
            case Text(text):
                texts.append(text)
            case ToolCall():
                texts += [part.name, part.raw or _json(dict(part.arguments))]
                return self.family.call
            case ToolResult():
                texts.append(part.content)
                return self.family.call
            case Image():
                from copydesk.models.tokens import images

                return images.tokens(part, self.family.vision)
            case Thinking() if self._goes_back(part):
                texts.append(part.text)
            case Thinking():
                pass
        return 0.0

    def _goes_back(self, part: Thinking) -> bool:
        return bool(part.source and part.source == self.source) or self.family.name in ECHOING


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        return str(type(value))
