"""A model of the editor's own: one request, its tries, and the stream of events that comes back.

Puts together the port to the editor, its wire (`wires.editor`) and the retry policy; knows no LSP. What it is asked
leaves this machine by way of the editor, so `network.offline` closes it too. Start with `EditorModel.stream`.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import replace
from typing import Any

import anyio

from copydesk.domain import errors
from copydesk.domain.models import ModelFacts
from copydesk.domain.ports import EditorModels, EditorPart, OfferedModel
from copydesk.domain.stream import ModelRequest, StreamEvent
from copydesk.models import catalog
from copydesk.models.retry import OnRetry, Retries, RetryPolicy, Unwatched, Watch, ignore_retry, tried
from copydesk.models.wires.editor import EditorDecoder, encode

SILENCE_S = 600.0
"""For anything that means something. Long: the editor may first ask the person, and sends a call only when it is whole,
which for a big file takes minutes."""


class EditorModel:
    """One of the editor's models. Stateless between requests: any number of streams may run at once."""

    is_local = False

    def __init__(
        self,
        offered: OfferedModel,
        editor: EditorModels,
        *,
        offline: Callable[[], bool] = lambda: False,
        on_retry: OnRetry = ignore_retry,
        retry: RetryPolicy | None = None,
        silence_s: float = SILENCE_S,
        watch: Callable[[], Watch] = Unwatched,
    ) -> None:
        self._id = offered.id
        self._editor = editor
        self._offline = offline
        self._on_retry = on_retry
        self._retry = retry or RetryPolicy()
        self._silence_s = silence_s
        self._watch = watch
        self.entry = _entry(offered)
        self.facts = self.entry.facts("elsewhere")

    @property
    def name(self) -> str:
        return f"editor/{self._id}"

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        body = encode(request, self._id, self.entry)
        return aclosing(tried(lambda: self._once(body), Retries(self._retry, self._on_retry, self._watch())))

    async def _once(self, body: Mapping[str, Any]) -> AsyncGenerator[StreamEvent]:
        if self._offline():
            raise offline_error(self.name)
        decoder = EditorDecoder(self._id)
        heard_s = time.monotonic()
        async with self._editor.stream(body) as parts:
            while not decoder.done:
                events = decoder.feed(await self._next(parts, heard_s + self._silence_s))
                heard_s = time.monotonic() if events else heard_s
                for event in events:
                    yield event

    async def _next(self, parts: AsyncIterator[EditorPart], due_s: float) -> EditorPart:
        with anyio.move_on_after(max(0.0, due_s - time.monotonic())):
            return await anext(parts)
        raise errors.ModelTimeout(
            f"The editor's model {self._id!r} said nothing for {self._silence_s:g} s.",
            advice="See whether the editor waits for an answer of yours, try again, or set another model.name.",
        )


def offline_error(name: str) -> errors.Offline:
    return errors.Offline(
        f"network.offline is on, and {name!r} is not on this machine: the editor would send the request out.",
        advice='Turn network.offline off, or set model.name to "offline" or to a local model.',
    )


def _entry(offered: OfferedModel) -> catalog.Entry:
    """What is known of its family, and what the editor says about this one."""
    known = catalog.entry(f"editor/{offered.id}")
    window = offered.max_input_tokens or known.window_tokens
    return replace(known, window_tokens=window, tools=offered.tools, images=False, cache_marks=False)


def facts_of_offer(offered: OfferedModel) -> ModelFacts:
    """What is known of a model of the editor's."""
    return _entry(offered).facts("elsewhere")
