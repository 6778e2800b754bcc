"""Whether a request begins as the one before it did, and if not, why: providers cache what comes first.

One `Prefix` a session. It costs a few microseconds: what a history has in common with the one before are the same
objects. Start with `Prefix.note`, which the loop calls; what only the meter knows comes in through `Prefix.watching`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, TypeAlias

from copydesk.domain.events import PrefixBroken
from copydesk.domain.messages import Image, Message, Part, ToolResult
from copydesk.domain.models import facts_of
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, StreamEvent
from copydesk.models import thinking

Emit: TypeAlias = Callable[[PrefixBroken], None]


class Prefix:
    """The last request of a session."""

    def __init__(self) -> None:
        self._last: tuple[str, ModelRequest] | None = None
        self._zone: int | None = None
        self._n_kept = 0

    def note(self, turn: str, model: Model, request: ModelRequest, emit: Emit) -> None:
        """Takes `request` for the last one, and tells when it does not begin with the one before it."""
        last, self._last = self._last, (model.name, request)
        found = _broken(last, self._last) if last is not None else None
        self._n_kept = found[1] if found is not None else len(last[1].messages) if last is not None else 0
        if found is not None:
            self._zone = None  # what it is now is nobody's news
            emit(PrefixBroken(turn, *found))

    def watching(self, model: Model, turn: str, emit: Emit) -> "Watched":
        """The same model, which tells when it is to think less because the window fills."""
        return Watched(model, lambda request: self._sent(turn, model, request, emit))

    def _sent(self, turn: str, model: Model, request: ModelRequest, emit: Emit) -> None:
        last, self._zone = self._zone, _zone(request, facts_of(model).window_tokens)
        if last is not None and last != self._zone:
            emit(PrefixBroken(turn, "thinking", self._n_kept))


class Watched:
    """A model as it is; `sent` sees each request on its way, when it is known how much of the window it fills."""

    def __init__(self, inner: Model, sent: Callable[[ModelRequest], None]) -> None:
        self._inner = inner
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @property
    def name(self) -> str:
        return self._inner.name

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        self._sent(request)
        return self._inner.stream(request)


def _broken(last: tuple[str, ModelRequest], now: tuple[str, ModelRequest]) -> tuple[str, int] | None:
    """Why, and how many messages are still the same; None when all of the last request is."""
    before, request = last[1], now[1]
    if last[0] != now[0]:
        return "model", 0
    if before.tools is not request.tools and before.tools != request.tools:
        return "tools", 0
    if before.system != request.system:
        return "system", 0
    if before.schema != request.schema:
        return "schema", 0  # providers put it before all else, or it stands in the system text
    kept = _shared(before.messages, request.messages)
    if before.thinking != request.thinking:
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
