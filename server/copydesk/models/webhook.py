"""One message to the person's own address when models keep failing: for runs that nobody watches.

Sent once in an outage, after `model.webhookAfter` failed tries in a row, to `model.webhookUrl`; an answer ends the
outage. It goes through the door, so it is redacted, in the ledger, and kept in by the offline switch. What it says is
in `body`; never a word of a prompt or an answer. A failure is only logged. Start with `Webhook.failed`.
"""

import json
import logging
from collections import deque
from dataclasses import dataclass, field

import anyio

from copydesk.domain.attempts import Attempt
from copydesk.domain.errors import ModelError
from copydesk.egress.door import Door, Limits
from copydesk.egress.hosts import host_of

log = logging.getLogger("copydesk.webhook")

EVENT = "model_failing"
N_ERRORS = 5
MAX_RUNS = 256
"""Sessions whose runs of failures are counted at a time."""
LIMITS = Limits(connect_s=3, first_byte_s=3, between_bytes_s=3, pool_s=3)
SEND_LIMIT_S = 3.0
"""For one message. The program's end waits for one under way, too: half-sent, it might come twice or not at all."""


@dataclass(slots=True)
class _Run:
    """Failed tries in a row, of one session."""

    n: int = 0
    last: deque[Attempt] = field(default_factory=lambda: deque(maxlen=N_ERRORS))


class Webhook:
    """`url` empty: nothing is sent. `tend` sends what is due, for as long as the server runs."""

    def __init__(self, door: Door, url: str = "", after: int = 10) -> None:
        self.url = url
        self.after = after
        self._door = door
        self._runs: dict[str, _Run] = {}
        self._told = False
        self._due: deque[bytes] = deque()
        self._wake = anyio.Event()

    def failed(self, attempt: Attempt) -> None:
        if attempt.session not in self._runs and len(self._runs) >= MAX_RUNS:
            del self._runs[next(iter(self._runs))]
        run = self._runs.setdefault(attempt.session, _Run())
        run.n += 1
        run.last.append(attempt)
        if run.n >= max(1, self.after) and self.url and not self._told:
            self._told = True
            self._due.append(body(run.n, tuple(run.last)))
            self._wake.set()

    def answered(self, attempt: Attempt) -> None:
        """A model answers: the outage is over."""
        self._runs.pop(attempt.session, None)
        self._told = False

    async def tend(self) -> None:
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            await self._send_due()

    async def aclose(self) -> None:
        """Sends what is due: a run that ends in failure is what a person wants to hear of."""
        await self._send_due()

    async def _send_due(self) -> None:
        while self._due:
            message = self._due.popleft()
            with anyio.move_on_after(SEND_LIMIT_S, shield=True) as limit:
                await self._send(message)
            if limit.cancelled_caught:
                log.warning("the webhook at %r did not answer within %g s", host_of(self.url), SEND_LIMIT_S)

    async def _send(self, message: bytes) -> None:
        host = host_of(self.url)
        headers = {"content-type": "application/json", "user-agent": "copydesk"}
        try:
            async with self._door.stream("POST", self.url, headers, message, LIMITS, what="POST webhook") as response:
                if not 200 <= response.status < 300:
                    log.warning("the webhook at %r answered %d", host, response.status)
        except ModelError as error:
            log.warning("the webhook at %r was not reached: %s", host, error.message)


def body(n_failed: int, last: tuple[Attempt, ...]) -> bytes:
    """The message: what failed, how often, and the newest errors in our own words."""
    newest = last[-1]
    message = {
        "event": EVENT,
        "model": newest.model,
        "attempts": n_failed,
        "errors": [
            {"when": each.when, "model": each.model, "error": each.kind, "status": each.status, "try": each.number}
            for each in last
        ],
        "session": newest.session,
    }
    return json.dumps(message, separators=(",", ":")).encode()
