"""A model behind a provider's wire: one request, its tries, and the stream of events that comes back.

Puts together the wire (`wires`), the door, the retry policy and the catalog's entry; knows no bytes of its own.
Start with `RemoteModel.stream`.
"""

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import field, replace
from typing import TypeAlias

import anyio

from copydesk.domain import errors
from copydesk.domain.frozen import frozen
from copydesk.domain.models import Billing
from copydesk.domain.stream import Finished, ModelRequest, StreamEvent, UsageReport
from copydesk.egress.door import Door, Limits, Response
from copydesk.egress.hosts import host_of, is_loopback
from copydesk.models import catalog, failures, overflow, sse
from copydesk.models.catalog import Entry
from copydesk.models.failures import Origin
from copydesk.models.joining import joined
from copydesk.models.providers import Provider, WireName
from copydesk.models.retry import OnRetry, Retries, RetryPolicy, Unwatched, Watch, ignore_retry, tried
from copydesk.models.routes import MISSING, Learnt, Plan, is_openai
from copydesk.models.waits import sentence
from copydesk.models.wires import Decoder, Wire
from copydesk.models.wires.anthropic import AnthropicMessages
from copydesk.models.wires.gemini import GeminiContent
from copydesk.models.wires.gemini_frames import Frames
from copydesk.models.wires.openai_chat import OpenAIChat
from copydesk.models.wires.openai_responses import OpenAIResponses

WIRES: dict[WireName, Wire] = {
    "openai_chat": OpenAIChat(),
    "openai_responses": OpenAIResponses(),
    "anthropic": AnthropicMessages(),
    "gemini": GeminiContent(),
}
OnAnswer: TypeAlias = Callable[[Callable[[Entry], None]], None]
"""Told once that the server answers, and how the model takes what is then found out beside its request."""
ERROR_LIMIT_BYTES = 256 * 1024
HEAD_KEPT_BYTES = 16
"""Of the white space that a body begins with: some servers keep the connection alive by it."""
LINE_BEGINS = (b":", b"data:", b"event:", b"id:", b"retry:")
"""What the lines of a stream begin with; it may have been cut inside the first."""
WHOLE_LIMIT_BYTES = 64 * 1024 * 1024


@frozen
class Patience:
    """Waits beside the door's own, in seconds.

    `after_reason_s`: for usage and the end marker once the model said why it stopped. `silence_s`: for any event, while
    keep-alive comments go on, and for a body that is no stream. `empty_s`: for an event that says something, while
    empty ones go on; long, since a model that does not show its reasoning sends nothing else meanwhile. `drain_s`: for
    the rest of a finished body. `error_s`: for the words of a refusal.
    """

    after_reason_s: float = 5.0
    silence_s: float = 600.0
    empty_s: float = 1800.0
    drain_s: float = 0.25
    error_s: float = 10.0
    limits: Limits | None = None


@frozen
class Endpoint:
    """Where a provider's requests go, and with which key. `note` says why a key that exists is not sent.

    `wires` are tried in order (see `routes`); none means the provider's own.
    """

    provider: Provider
    base_url: str
    key: str = field(default="", repr=False)
    note: str = ""
    wires: tuple[WireName, ...] = ()

    def headers(self) -> dict[str, str]:
        """The provider's own headers. Raises `AuthRejected` for a key that no header can carry."""
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise errors.AuthRejected(
                f"{self.provider.key_variable} holds characters that no key has.", advice="Copy the key again."
            )
        return WIRES[self.provider.wire].headers(self.key)


class RemoteModel:
    """One model of one provider. Stateless between requests: any number of streams may run at once."""

    def __init__(
        self,
        name: str,
        model: str,
        endpoint: Endpoint,
        door: Door,
        entry: Entry,
        *,
        on_retry: OnRetry = ignore_retry,
        retry: RetryPolicy | None = None,
        patience: Patience | None = None,
        watch: Callable[[], Watch] = Unwatched,
        learnt: Learnt | None = None,
        on_answer: OnAnswer | None = None,
    ) -> None:
        self._on_answer = on_answer
        self._name = name
        self._model = model
        self._endpoint = endpoint
        self._door = door
        self._on_retry = on_retry
        self._retry = retry or RetryPolicy()
        self._patience = patience or Patience()
        self._watch = watch
        self._wires = endpoint.wires or (endpoint.provider.wire,)
        self._learnt = learnt or Learnt()
        # Gemini's stream can be a JSON array, which comes in pieces too.
        self._arrays = endpoint.provider.wire == "gemini"
        self._whole_begins = (b"<", b"{") if self._arrays else (b"<", b"{", b"[")
        self._headers = {
            "content-type": "application/json",
            "accept": "text/event-stream",
            "accept-encoding": "identity",  # compression would hold the first tokens back
            "user-agent": "copydesk",
            **endpoint.headers(),
        }
        host = host_of(endpoint.base_url)
        self._origin = Origin(endpoint.provider.title, host, model, endpoint.provider.key_variable)
        self.is_local = is_loopback(host)
        self.learn(entry)

    def learn(self, entry: Entry) -> None:
        """Takes what is known of the model now; requests from here on go by it."""
        self.entry = catalog.over(self._endpoint.provider.wire, entry)
        self.facts = entry.facts(billing_of(entry, self._endpoint, is_local=self.is_local))

    def _tell_answered(self) -> None:
        if self._on_answer is not None:
            self._on_answer, told = None, self._on_answer
            told(self.learn)

    @property
    def name(self) -> str:
        return self._name

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        url, bodies = self._endpoint.base_url, dict[tuple[WireName, Entry], bytes]()
        is_smaller = False

        def encode(wire: WireName, entry: Entry) -> bytes:
            if (wire, entry) not in bodies:
                # On this wire others may refuse the field that holds it; the Responses API has it everywhere.
                unnamed = wire == "openai_chat" and not is_openai(url)
                sent = replace(request, session="") if unnamed else request
                bodies[wire, entry] = WIRES[wire].encode(sent, self._model, entry)
            return bodies[wire, entry]

        def once() -> AsyncGenerator[StreamEvent]:
            plan = Plan(url, self._model, self._wires, encode, self._learnt, self.entry, request.session)
            return self._once(plan)

        def mend(error: errors.ModelError) -> str:
            """Where only the room for the answer is too large, the same is asked once more with less of it."""
            nonlocal request, is_smaller
            limit = None if is_smaller else overflow.smaller_output(error, request, self.entry)
            if limit is None:
                return ""
            is_smaller = True
            request = replace(request, max_output_tokens=limit)
            bodies.clear()
            return f"{sentence(error.message)} Asked once more, for at most {limit:,} tokens of answer."

        return aclosing(tried(once, Retries(self._retry, self._on_retry, self._watch()), self._clean, mend))

    async def _once(self, plan: Plan) -> AsyncGenerator[StreamEvent]:
        """One try: one request, or more where a server refuses the form of the first (see `routes.Plan`)."""
        while True:
            wire, begun = WIRES[plan.wire], False
            url, headers = (
                self._endpoint.base_url + wire.path(self._model),
                self._headers | wire.headers_for(plan.entry),
            )
            async with self._door.stream("POST", url, headers, plan.body, self._patience.limits) as response:
                if response.status != 200:
                    said = await self._error_body(response)
                    if not plan.refused(response.status, said.decode("utf-8", "replace")):
                        raise self._refusal(response, said, plan)
                    continue
                plan.accepted()
                self._tell_answered()
                try:
                    async with aclosing(self._answer(response, wire)) as events:
                        async for event in events:
                            begun = True
                            yield event
                except errors.BadRequest as exc:
                    if begun or not plan.refused(400, exc.message):
                        raise
                    continue
                return

    async def _answer(self, response: Response, wire: Wire) -> AsyncGenerator[StreamEvent]:
        decoder = wire.decoder(self._origin)
        head = await self._head(response)
        if head.lstrip()[:1] in self._whole_begins:  # no line of a stream begins so, whatever the headers say
            body = head + await self._whole(response)
            for event in self._from_whole(body, decoder, response.content_type):
                yield event
            return
        async with aclosing(self._events(response, decoder, head)) as events:
            async for event in events:
                yield event

    def _refusal(self, response: Response, said: bytes, plan: Plan) -> errors.ModelError:
        error = failures.from_status(response.status, response.headers, said, self._origin)
        if len(plan.tried) > 1 and response.status in MISSING:
            paths = " and at ".join(WIRES[wire].path(self._model) for wire in plan.tried)
            error.message += f" (Asked at {paths}.)"
        return error

    async def _error_body(self, response: Response) -> bytes:
        """What the provider says about an error, if it says it at all, and soon."""
        with anyio.move_on_after(self._patience.error_s), contextlib.suppress(errors.ModelError):
            return await response.read(ERROR_LIMIT_BYTES)
        return b""

    async def _head(self, response: Response) -> bytes:
        """The first bytes, enough to see how the body begins; empty when there are none."""
        head = b""
        with anyio.move_on_after(self._patience.silence_s):
            while not head.strip() and (chunk := await response.next_chunk()) is not None:
                head = head[-HEAD_KEPT_BYTES:] + chunk
            return head
        raise self._only_alive(self._patience.silence_s)

    async def _whole(self, response: Response) -> bytes:
        with anyio.move_on_after(self._patience.silence_s):
            return await response.read(WHOLE_LIMIT_BYTES)
        raise self._only_alive(self._patience.silence_s)

    def _still_there(self, unheard_s: float, unsaid_s: float) -> None:
        """Raises when there was no event for too long, or none that says something."""
        for waited_s, limit_s in ((unheard_s, self._patience.silence_s), (unsaid_s, self._patience.empty_s)):
            if waited_s > limit_s:
                raise self._only_alive(limit_s)

    def _only_alive(self, limit_s: float) -> errors.ModelTimeout:
        return errors.ModelTimeout(
            f"{self._origin.provider} only kept the connection alive for {limit_s:g} s.",
            advice="Try again, or set another model.name.",
        )

    def _clean(self, error: errors.ModelError) -> None:
        """Some servers repeat the key they were given; a message must not. Says so when a key was held back."""
        if self._endpoint.key:
            error.message = error.message.replace(self._endpoint.key, "***")
        error.message = self._door.clean(error.message)
        if isinstance(error, errors.AuthRejected) and self._endpoint.note:
            error.advice = f"{self._endpoint.note} {error.advice}"

    def _from_whole(self, body: bytes, decoder: Decoder, content_type: str) -> list[StreamEvent]:
        text = body.decode("utf-8", "replace").strip()
        if not text.startswith("{"):
            raise failures.not_a_stream(body, content_type, self._origin)
        return decoder.whole(text)

    async def _events(self, response: Response, decoder: Decoder, head: bytes) -> AsyncGenerator[StreamEvent]:
        """The body's events. `Finished` is held until the rest of the body is read, to keep the connection."""
        lines = Frames() if self._arrays else sse.Decoder()
        n_events, given = 0, False
        heard_s = said_s = time.monotonic()
        chunk: bytes | None = head
        while chunk is not None:
            arrived = lines.feed(chunk)
            n_events += len(arrived)
            now_s = time.monotonic()
            heard_s = now_s if arrived else heard_s
            found, failed = _decoded(decoder, arrived)
            for event in joined(found):
                said_s = now_s
                if isinstance(event, Finished):
                    await response.drain(self._patience.drain_s)
                given = given or self._gives(event)
                yield event
            if failed is not None:
                raise failed
            self._still_there(now_s - heard_s, now_s - said_s)
            chunk = None if decoder.done else await self._chunk(response, decoder)
        if not decoder.done:
            for event in self._last(lines, decoder, head, n_events):
                given = given or self._gives(event)
                yield event

    def _gives(self, event: StreamEvent) -> bool:
        """Whether a person could see it. Asked before anything was: raises where it ends an answer of nothing."""
        if isinstance(event, Finished) and event.reason == "cut_off":
            raise self._nothing_said()
        return not isinstance(event, UsageReport)

    def _nothing_said(self) -> errors.ConnectionLost:
        return errors.ConnectionLost(
            f"{self._origin.provider} at {self._origin.host!r} ended the answer before it said anything.",
            advice="Try again; if it stays so, check the base URL and model.api, or set another model.name.",
        )

    async def _chunk(self, response: Response, decoder: Decoder) -> bytes | None:
        """The next bytes. Once the reason for the end is known, whatever goes wrong is just the end."""
        if not decoder.ending:
            return await response.next_chunk()
        with anyio.move_on_after(self._patience.after_reason_s):
            try:
                return await response.next_chunk()
            except errors.TransientModelError:
                return None
        return None

    def _last(self, lines: sse.Decoder | Frames, decoder: Decoder, head: bytes, n_events: int) -> list[StreamEvent]:
        """The bytes are over and the stream did not say so."""
        rest = lines.end()
        events: list[StreamEvent] = []
        if rest is not None:
            try:
                events = decoder.feed(rest)
            except errors.BadStream:
                rest = None  # half an event: the stream was cut inside it
        if n_events or rest is not None:
            return events + decoder.end()
        begins = head.lstrip(b"\xef\xbb\xbf \r\n")
        if not any(begins.startswith(name) or name.startswith(begins) for name in LINE_BEGINS):
            raise failures.not_a_stream(head, "something", self._origin)
        raise self._nothing_said()


def billing_of(entry: Entry, endpoint: Endpoint, *, is_local: bool) -> Billing:
    """A server on this machine may pass on what it is asked: with a key, or where the person gave a price."""
    passes_on = bool(endpoint.provider.needs_key and endpoint.key) or (entry.source == "user" and entry.price)
    if is_local and not passes_on:
        return "free"
    return "tokens" if entry.price else "unknown"


def _decoded(
    decoder: Decoder, arrived: list[sse.ServerSentEvent]
) -> tuple[list[StreamEvent], errors.ModelError | None]:
    """What came, and the error that it ended in."""
    found: list[StreamEvent] = []
    try:
        for one in arrived:
            found += decoder.feed(one)
    except errors.ModelError as exc:
        return found, exc
    return found, None
