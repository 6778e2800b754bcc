"""When a failed model request is tried again, and how long to wait first.

Only before output has begun. Owns no request; who sees each try (`Watch`) is in `watching`. Start with `tried`, then
`Retries.pause`.
"""

import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import field, replace
from typing import NoReturn, Protocol, TypeAlias

import anyio

from copydesk.domain.errors import ModelError, TransientModelError
from copydesk.domain.frozen import frozen
from copydesk.domain.stream import Finished, StreamEvent, UsageReport
from copydesk.egress.failures import NothingListens, StaleConnection
from copydesk.models.waits import NEVER_S, in_words, sentence

OnRetry: TypeAlias = Callable[[int, float, str], None]
"""Told before each wait: the number of the failed try (from 1), the wait in seconds, and why."""

ORDINARY_S = 180.0
"""`model.retryForS` unless it is set. Who sets more wants to outlast an outage: then only the time counts."""
OUTAGE_DELAY_S = 300.0
"""Longest wait between two tries in an outage, unless the host asks for more."""
SHORT_S = 15.0
SHORT_TRIES = 3
"""How long a model is tried when there is another one that can answer."""


class Tries(Protocol):
    """Hears of a request's tries, since one that failed may have cost something."""

    def failed(self, error: TransientModelError) -> None:
        """Called once for each that may be followed by another."""
        ...

    def again(self) -> None:
        """Called before each but the first. Raises `ModelError` where there must be no other."""
        ...


TRIES: ContextVar[Tries | None] = ContextVar("tries", default=None)
"""Who hears of the tries of the request that is being streamed; set around `stream`."""


def ignore_retry(_attempt: int, _delay_s: float, _why: str) -> None:
    """Nobody listens."""


class Watch(Protocol):
    """Sees the requests of one model. One object a request: `admit` is called first, `left` last."""

    def admit(self) -> None:
        """Raises `CircuitOpen` when there is to be no request."""
        ...

    def failed(self, number: int, error: ModelError, wait_s: float | None, elapsed_s: float) -> None:
        """A try failed; with `wait_s` None the request has."""
        ...

    def began(self) -> None:
        """Output has begun."""
        ...

    def ended(self, number: int, kind: str, elapsed_s: float) -> None:
        """The answer is there: "answered" or "cut_off"."""
        ...

    def left(self, number: int, elapsed_s: float) -> None:
        """The request is over, however it went; without an end before, it was cancelled."""
        ...


class Unwatched:
    """Nobody looks."""

    def admit(self) -> None: ...

    def failed(self, number: int, error: ModelError, wait_s: float | None, elapsed_s: float) -> None: ...

    def began(self) -> None: ...

    def ended(self, number: int, kind: str, elapsed_s: float) -> None: ...

    def left(self, number: int, elapsed_s: float) -> None: ...


@frozen
class RetryPolicy:
    """`total_s` bounds tries and waits together; a host that asks for more than that is not waited for.

    `max_tries` None: as many as fit into `total_s`.
    """

    max_tries: int | None = 5
    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    jitter: float = 0.25
    total_s: float = ORDINARY_S
    sleep: Callable[[float], Awaitable[object]] = field(default=anyio.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)
    chance: Callable[[], float] = field(default=random.random)

    def lasting(self, total_s: float) -> "RetryPolicy":
        """This policy for `model.retryForS`: beyond the ordinary, hours of outage are waited through."""
        if total_s <= ORDINARY_S:
            return replace(self, total_s=total_s)
        return replace(self, total_s=total_s, max_tries=None, max_delay_s=OUTAGE_DELAY_S)

    def short(self) -> "RetryPolicy":
        """This policy where another model can answer instead."""
        return replace(self, max_tries=SHORT_TRIES, total_s=min(self.total_s, SHORT_S))


def _unwatched(_model: str, _address: str) -> Callable[[], Watch]:
    return Unwatched


@frozen
class Trying:
    """How the requests of a model are tried, and who is told. `watch`: a model's name and address → what makes a watch
    for each of its requests.
    """

    policy: RetryPolicy = field(default_factory=RetryPolicy)
    on_retry: OnRetry = ignore_retry
    watch: Callable[[str, str], Callable[[], Watch]] = _unwatched


ORDINARY = Trying()


def _as_it_is(_error: ModelError) -> None:
    """Nothing in the error has to be hidden."""


def _nothing_to_mend(_error: ModelError) -> str:
    return ""


async def tried(
    once: Callable[[], AsyncGenerator[StreamEvent]],
    retries: "Retries",
    clean: Callable[[ModelError], None] = _as_it_is,
    mend: Callable[[ModelError], str] = _nothing_to_mend,
) -> AsyncGenerator[StreamEvent]:
    """The events of `once`, made again after what may pass, until the first event that a person could have seen.

    `clean` takes out of each error what nobody may read, before anyone does. `mend` may change what is sent next so
    that this error does not come again, and then says how; it does so once.
    """
    retries.begin()
    try:
        while True:
            begun = False
            try:
                async with aclosing(once()) as events:
                    async for event in events:
                        if not begun and not isinstance(event, UsageReport):
                            begun = True
                            retries.watch.began()
                        if isinstance(event, Finished):
                            retries.ended(event)
                        yield event
                return
            except ModelError as exc:
                clean(exc)
                if begun:
                    retries.give_up(exc)
                elif not isinstance(exc, TransientModelError):
                    retries.mended(exc, mend(exc))
                else:
                    await _pause(exc, retries)
    finally:
        retries.leave()


async def _pause(error: TransientModelError, retries: "Retries") -> None:
    heard = TRIES.get()
    if heard is not None:
        heard.failed(error)
    await retries.pause(error)
    if heard is not None:
        heard.again()


class Retries:
    """The tries of one request."""

    def __init__(self, policy: RetryPolicy, on_retry: OnRetry = ignore_retry, watch: Watch | None = None) -> None:
        self.watch: Watch = watch or Unwatched()
        self._policy = policy
        self._on_retry = on_retry
        self._began_s = self._try_began_s = policy.clock()
        self._n_failed = 0
        self._n_stale = 0

    def begin(self) -> None:
        """Raises `CircuitOpen` when the request must not be made."""
        self.watch.admit()

    def ended(self, end: Finished) -> None:
        kind = "cut_off" if end.reason == "cut_off" else "answered"
        self.watch.ended(self._n_failed + 1, kind, self._elapsed_s())

    def leave(self) -> None:
        self.watch.left(self._n_failed + 1, self._elapsed_s())

    def give_up(self, error: ModelError) -> NoReturn:
        """Raises `error`: there is no further try."""
        self._n_failed += 1
        self.watch.failed(self._n_failed, error, None, self._elapsed_s())
        raise error

    def mended(self, error: ModelError, how: str) -> None:
        """The next try differs in what made this one fail; raises `error` when `how` is empty."""
        if not how:
            self.give_up(error)
        self._next(error, 0.0, how)

    async def pause(self, error: TransientModelError) -> None:
        """Waits until the next try is due; raises `error` when there is to be none."""
        delay_s = self._delay_s(error)
        if delay_s is None:
            self._explain(error)
            self.give_up(error)
        self._next(error, delay_s, error.message)
        if delay_s > 0:
            await self._policy.sleep(delay_s)
        self._try_began_s = self._policy.clock()

    def _next(self, error: ModelError, delay_s: float, why: str) -> None:
        self._n_failed += 1
        self.watch.failed(self._n_failed, error, delay_s, self._elapsed_s())
        self._on_retry(self._n_failed, delay_s, why)
        self._try_began_s = self._policy.clock()

    def _elapsed_s(self) -> float:
        return self._policy.clock() - self._try_began_s

    def _delay_s(self, error: TransientModelError) -> float | None:
        """How long to wait after this failure; None when there is no further try."""
        policy, n_failed = self._policy, self._n_failed + 1
        if (policy.max_tries is not None and n_failed >= policy.max_tries) or isinstance(error, NothingListens):
            return None
        if isinstance(error, StaleConnection) and not self._n_stale:
            # Nobody has seen this request: the pooled connection was already closed.
            self._n_stale += 1
            return 0.0
        # A host that asks for no wait at all is not to be hammered.
        delay_s = error.retry_after_s or self._backoff_s(n_failed)
        spent_s = policy.clock() - self._began_s
        return delay_s if spent_s + delay_s <= policy.total_s else None

    def _backoff_s(self, n_failed: int) -> float:
        policy = self._policy
        delay_s = min(policy.first_delay_s * 2 ** min(n_failed - 1, 32), policy.max_delay_s)
        return min(delay_s * (1 + policy.jitter * (2 * policy.chance() - 1)), policy.max_delay_s)

    def _explain(self, error: TransientModelError) -> None:
        """Puts into the error why there is no further try."""
        asked_s, total_s = error.retry_after_s or 0.0, self._policy.total_s
        n_tries = self._n_failed + 1
        if asked_s >= NEVER_S:
            error.message = f"{sentence(error.message)} The host says that trying again is of no use."
        elif asked_s > total_s:
            least, most = in_words(asked_s), in_words(total_s)
            waits = f"The host asks to wait {least}; Copydesk waits at most {most} (model.retryForS)."
            error.message = f"{sentence(error.message)} {waits}"
        elif n_tries > 1:
            spent = in_words(self._policy.clock() - self._began_s)
            error.message = f"{sentence(error.message)} Copydesk tried {n_tries} times in {spent}."
