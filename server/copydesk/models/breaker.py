"""The circuit breaker: a model that failed too often in a row is left alone for a while, by every session of a server.

Knows no request and no clock of its own. closed: requests go out. open: none does. half-open: one probe goes out, and
how it fares decides. Start with `Breaker.admit`.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from copydesk.domain.errors import CircuitOpen
from copydesk.models.waits import in_words, sentence

THRESHOLD = 3
"""Failed requests in a row, after their retries."""
FIRST_S = 30.0
LONGEST_S = 300.0
MAX_KNOWN = 256
"""Models that are remembered; the oldest are forgotten first."""


class Breaker:
    """Of one model at one address."""

    def __init__(self, model: str, clock: Callable[[], float]) -> None:
        self._model = model
        self._clock = clock
        self._n_failed = 0
        self._period_s = 0.0
        self._until_s = 0.0
        self._probing: object | None = None
        self._last = ""

    @property
    def is_open(self) -> bool:
        """Requests are refused, or one probe at most is let through."""
        return self._period_s > 0 and self._n_failed >= THRESHOLD

    def admit(self, request: object) -> None:
        """Lets a request go out, or raises `CircuitOpen`. Whoever is let in calls `leave` in the end."""
        if not self.is_open:
            return
        left_s = self._until_s - self._clock()
        if left_s > 0:
            raise self._refusal(left_s)
        if self._probing is not None:
            raise self._refusal(0.0)
        self._probing = request

    def answers(self) -> None:
        """It has begun to answer: others may ask it again, but it takes only one more failure to leave it alone."""
        if self.is_open:
            self._n_failed = THRESHOLD - 1

    def succeeded(self) -> None:
        """A request ended well, or the model refused it for good: either way it is there."""
        self._n_failed, self._period_s, self._last = 0, 0.0, ""

    def failed(self, request: object, why: str, asked_s: float | None = None) -> None:
        """A request failed in a way that may pass. `asked_s`: the host asks to be left alone that long."""
        if self.is_open and request is not self._probing:
            return  # it went out before, beside those that failed
        was_open = self._period_s > 0
        self._n_failed += 1
        self._last = why
        if self._n_failed >= THRESHOLD:
            self._period_s = min(self._period_s * 2, LONGEST_S) if was_open else FIRST_S
            self._until_s = self._clock() + min(max(self._period_s, asked_s or 0.0), LONGEST_S)

    def leave(self, request: object) -> None:
        if self._probing is request:
            self._probing = None

    def close(self) -> None:
        """Somebody decided that it is worth a try."""
        self.succeeded()
        self._probing = None

    def _refusal(self, left_s: float) -> CircuitOpen:
        if left_s > 0:
            due = (datetime.now() + timedelta(seconds=left_s)).astimezone().strftime("%H:%M:%S")
            when = f"It is tried again in {in_words(max(left_s, 1.0))}, at {due}."
        else:
            when = "It is being tried again right now, by one request."
        return CircuitOpen(
            f"{self._model} failed {self._n_failed} times in a row and is left alone for a while. "
            f"The last error: {sentence(self._last)} {when}",
            advice="Ask again then, choose the model again (copydesk.model.set) to try it at once, or set another "
            "model.name or model.fallbacks.",
        )


class Breakers:
    """Those of one server, by the model's name and its address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], Breaker] = {}

    def of(self, model: str, address: str) -> Breaker:
        key = (model, address)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MAX_KNOWN:
                del self._known[next(iter(self._known))]
            found = self._known[key] = Breaker(model, self._clock)
        return found

    def close(self) -> None:
        """Every model is worth a try again: somebody chose one, or changed the settings."""
        for breaker in self._known.values():
            breaker.close()
