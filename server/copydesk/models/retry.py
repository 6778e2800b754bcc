"""When a failed model request is tried again, and how long to wait first.

Only before output has begun. Owns no request. Start with `tried`, then `Retries.pause`.
"""

import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import field
from typing import Protocol, TypeAlias

import anyio

from copydesk.domain.errors import ModelError, TransientModelError
from copydesk.domain.frozen import frozen
from copydesk.domain.stream import StreamEvent, UsageReport
from copydesk.egress.failures import NothingListens, StaleConnection

OnRetry: TypeAlias = Callable[[int, float, str], None]
"""Told before each wait: the number of the failed try (from 1), the wait in seconds, and why."""


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


@frozen
class RetryPolicy:
    """`total_s` bounds the sum of waits; a host that asks for more than that is not waited for."""

    max_tries: int = 5
    first_delay_s: float = 0.5
    max_delay_s: float = 30.0
    jitter: float = 0.25
    total_s: float = 180.0
    sleep: Callable[[float], Awaitable[object]] = field(default=anyio.sleep)
    clock: Callable[[], float] = field(default=time.monotonic)
    chance: Callable[[], float] = field(default=random.random)


def _as_it_is(_error: ModelError) -> None:
    """Nothing in the error has to be hidden."""


async def tried(
    once: Callable[[], AsyncGenerator[StreamEvent]],
    retries: "Retries",
    clean: Callable[[ModelError], None] = _as_it_is,
) -> AsyncGenerator[StreamEvent]:
    """The events of `once`, made again after what may pass, until the first event that a person could have seen.

    `clean` takes out of each error what nobody may read, before anyone does.
    """
    while True:
        begun = False
        try:
            async with aclosing(once()) as events:
                async for event in events:
                    begun = begun or not isinstance(event, UsageReport)
                    yield event
            return
        except ModelError as exc:
            clean(exc)
            if begun or not isinstance(exc, TransientModelError):
                raise
            heard = TRIES.get()
            if heard is not None:
                heard.failed(exc)
            await retries.pause(exc)
            if heard is not None:
                heard.again()


class Retries:
    """The tries of one request."""

    def __init__(self, policy: RetryPolicy, on_retry: OnRetry = ignore_retry) -> None:
        self._policy = policy
        self._on_retry = on_retry
        self._began_s = policy.clock()
        self._n_failed = 0
        self._n_stale = 0

    async def pause(self, error: TransientModelError) -> None:
        """Waits until the next try is due; raises `error` when there is to be none."""
        self._n_failed += 1
        delay_s = self._delay_s(error)
        if delay_s is None:
            raise error
        self._on_retry(self._n_failed, delay_s, error.message)
        if delay_s > 0:
            await self._policy.sleep(delay_s)

    def _delay_s(self, error: TransientModelError) -> float | None:
        policy = self._policy
        if self._n_failed >= policy.max_tries or isinstance(error, NothingListens):
            return None
        if isinstance(error, StaleConnection) and not self._n_stale:
            # Nobody has seen this request: the pooled connection was already closed.
            self._n_stale += 1
            return 0.0
        delay_s = self._backoff_s() if error.retry_after_s is None else error.retry_after_s
        spent_s = policy.clock() - self._began_s
        return delay_s if spent_s + delay_s <= policy.total_s else None

    def _backoff_s(self) -> float:
        policy = self._policy
        delay_s = min(policy.first_delay_s * 2 ** (self._n_failed - 1), policy.max_delay_s)
        return delay_s * (1 + policy.jitter * (2 * policy.chance() - 1))
