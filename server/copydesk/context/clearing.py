"""Which old tool results give way when a request was too long for the model. Pure.

Only results of steps before the last one, the largest first, and only as many as it takes; never a word of a person's,
and never a call: pairs stay whole. Start with `make_room`.
"""

import re
from collections.abc import Iterator

from copydesk.domain.errors import ContextOverflow
from copydesk.domain.messages import Message, Text, Thinking, ToolCall, ToolResult, cleared

SMALLEST_CHARS = 400
"""Shorter results are left: their notes would be hardly shorter."""
SHARE = 0.4
"""Of the history's characters that are freed where nobody says how much is too much."""
CHARS_A_TOKEN = 4
LEAST_CHARS_A_TOKEN = 2
SPARE = 1.25
"""More is freed than the host's numbers ask for, since a token is not four characters everywhere."""

_OVER = (
    re.compile(r"(\d[\d,]*) tokens? > (\d[\d,]*)"),  # Anthropic: prompt is too long: 213462 tokens > 200000 maximum
    re.compile(r"input token count \(?(\d[\d,]*)\)? exceeds .{0,60}?(\d[\d,]*)"),  # Gemini
)
_OVER_TURNED = re.compile(  # OpenAI: maximum context length is 128000 tokens. However, … resulted in 204308 tokens
    r"maximum context length is (\d[\d,]*) tokens.{0,60}?(\d[\d,]*) tokens"
)


def make_room(messages: tuple[Message, ...], error: ContextOverflow) -> tuple[str, ...]:
    """The calls whose results give way, in the order of the history; empty when that would free too little."""
    over = _over_tokens(error.message)
    wanted = max(SHARE * sum(_chars(message) for message in messages), over * CHARS_A_TOKEN * SPARE)
    chosen: set[str] = set()
    freed = 0
    for result in sorted(_old_results(messages), key=lambda result: len(result.content), reverse=True):
        if freed >= wanted:
            break
        chosen.add(result.call_id)
        freed += _freed(result)
    if freed < over * LEAST_CHARS_A_TOKEN:
        return ()
    return tuple(result.call_id for result in _old_results(messages) if result.call_id in chosen)


def _old_results(messages: tuple[Message, ...]) -> Iterator[ToolResult]:
    """Those worth clearing, of all steps but the last that called a tool."""
    last = max((at for at, message in enumerate(messages) if message.role == "tool"), default=0)
    for message in messages[:last]:
        for part in message.parts:
            if isinstance(part, ToolResult) and len(part.content) >= SMALLEST_CHARS and _freed(part) > 0:
                yield part


def _freed(result: ToolResult) -> int:
    return len(result.content) - len(cleared(result).content)


def _over_tokens(said: str) -> int:
    """By how much the request was too long, as the host says it; 0 when it does not."""
    for pattern in _OVER:
        if found := pattern.search(said):
            return max(0, _number(found[1]) - _number(found[2]))
    if found := _OVER_TURNED.search(said):
        return max(0, _number(found[2]) - _number(found[1]))
    return 0


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def _chars(message: Message) -> int:
    n_chars = 0
    for part in message.parts:
        match part:
            case Text(text) | Thinking(text):
                n_chars += len(text)
            case ToolCall(raw=raw):
                n_chars += len(raw)
            case ToolResult(content=content):
                n_chars += len(content)
            case _:
                pass
    return n_chars
