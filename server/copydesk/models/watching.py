"""Who sees the tries of every model: the circuit breakers, the log of attempts, and what counts outages.

One `Watching` for a server; `Watching.of` makes what looks at one model for one turn. Does no I/O: the log and the
count of outages are given.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from copydesk.domain.attempts import ANSWERED, Attempt, AttemptLog
from copydesk.domain.errors import ModelError, Offline, TransientModelError
from copydesk.models.breaker import Breaker, Breakers
from copydesk.models.retry import Watch


class OutageCount(Protocol):
    """Hears of each try that failed, and of each answer."""

    def failed(self, attempt: Attempt) -> None: ...

    def answered(self, attempt: Attempt) -> None: ...


class Watching:
    """`log` and `outages` may be None: then nothing is noted."""

    def __init__(
        self,
        log: AttemptLog | None = None,
        outages: OutageCount | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.breakers = Breakers(clock)
        self._log = log
        self._outages = outages

    def of(self, model: str, address: str, session: str = "", turn: str = "") -> Callable[[], Watch]:
        """What makes the watch of each request to this model."""
        return lambda: _ModelWatch(self, self.breakers.of(model, address), Attempt("", session, turn, model, 0, ""))

    def note(self, attempt: Attempt) -> None:
        if self._log is not None:
            self._log.add(attempt)
        if self._outages is None:
            return
        if attempt.failed:
            self._outages.failed(attempt)
        elif attempt.kind == ANSWERED:
            self._outages.answered(attempt)


class _ModelWatch:
    def __init__(self, watching: Watching, breaker: Breaker, blank: Attempt) -> None:
        self._watching = watching
        self._breaker = breaker
        self._blank = blank
        self._over = False

    def admit(self) -> None:
        self._breaker.admit(self)

    def failed(self, number: int, error: ModelError, wait_s: float | None, elapsed_s: float) -> None:
        if not isinstance(error, Offline):  # then nothing was sent
            self._note(number, type(error).__name__, error.status, wait_s, elapsed_s)
        if wait_s is not None:
            return
        self._over = True
        if isinstance(error, TransientModelError):
            self._breaker.failed(self, error.message, error.retry_after_s)
        elif error.status:
            self._breaker.succeeded()  # it is there, and refuses

    def began(self) -> None:
        self._breaker.answers()

    def ended(self, number: int, kind: str, elapsed_s: float) -> None:
        self._over = True
        self._breaker.succeeded()
        self._note(number, kind, 200, None, elapsed_s)

    def left(self, number: int, elapsed_s: float) -> None:
        self._breaker.leave(self)
        if not self._over:
            self._note(number, "cancelled", 0, None, elapsed_s)

    def _note(self, number: int, kind: str, status: int, wait_s: float | None, elapsed_s: float) -> None:
        when = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        blank, waited_s = self._blank, None if wait_s is None else round(wait_s, 3)
        self._watching.note(
            Attempt(when, blank.session, blank.turn, blank.model, number, kind, status, waited_s, round(elapsed_s, 3))
        )
