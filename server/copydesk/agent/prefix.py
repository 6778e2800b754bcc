"""Whether a request begins as the one before it did, and if not, why: providers cache what comes first.

One `Prefix` a session. It costs a few microseconds: what a history has in common with the one before are the same
objects. Start with `Prefix.note`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from copydesk.domain.events import PrefixBroken
from copydesk.domain.messages import Image, Message, Part, ToolResult
from copydesk.domain.models import facts_of
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest
from copydesk.models import thinking

_Sent: TypeAlias = tuple[str, ModelRequest, int]
"""The model's name, what it was sent, and how much less than asked it was to think."""


class Prefix:
    """The last request of a session."""

    def __init__(self) -> None:
        self._last: _Sent | None = None

    def note(self, turn: str, model: Model, request: ModelRequest, emit: Callable[[PrefixBroken], None]) -> None:
        """Takes `request` for the last one, and tells when it does not begin with the one before it."""
        last, now = self._last, (model.name, request, _zone(request, facts_of(model).window_tokens))
        self._last = now
        found = _broken(last, now) if last is not None else None
        if found is not None:
            emit(PrefixBroken(turn, *found))


def _broken(last: _Sent, now: _Sent) -> tuple[str, int] | None:
    """Why, and how many messages are still the same; None when all of the last request is."""
    before, request = last[1], now[1]
    if last[0] != now[0]:
        return "model", 0
    if before.tools is not request.tools and before.tools != request.tools:
        return "tools", 0
    if before.system != request.system:
        return "system", 0
    kept = _shared(before.messages, request.messages)
    if (before.thinking, last[2]) != (request.thinking, now[2]):
        return "thinking", kept
    if kept < len(before.messages):
        return _what_changed(before.messages, request.messages, kept), kept
    return None


def _zone(request: ModelRequest, window_tokens: int) -> int:
    """Where the window's fill makes the model think less than before: 0, 1 or 2."""
    if request.thinking in ("auto", "off"):
        return 0
    filled = thinking.fill(request, window_tokens)
    return (filled > thinking.FULL) + (filled > thinking.VERY_FULL)


def _shared(before: tuple[Message, ...], now: tuple[Message, ...]) -> int:
    """How many messages both begin with."""
    if now[: len(before)] == before:  # compares by identity first
        return len(before)
    pairs = zip(before, now, strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one is not other and one != other), len(now))


def _what_changed(before: tuple[Message, ...], now: tuple[Message, ...], kept: int) -> str:
    is_other = kept >= len(now) or before[kept].role != now[kept].role
    return "history" if is_other or _without_images(before[kept]) != _without_images(now[kept]) else "images"


def _without_images(message: Message) -> tuple[Part, ...]:
    parts = (part for part in message.parts if not isinstance(part, Image))
    return tuple(replace(part, images=()) if isinstance(part, ToolResult) else part for part in parts)
