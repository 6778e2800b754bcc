"""One try of a model request, as it is noted: when, whose, how it went. Never a word that was sent or came back.

Data and the Protocol of what keeps it. Start with `Attempt`.
"""

from typing import Protocol

from copydesk.domain.frozen import frozen

ANSWERED = "answered"


@frozen
class Attempt:
    """`kind` is "answered", "cut_off", "cancelled" or the error's class; `status` the HTTP answer's, 0 without one.

    `when` is UTC, RFC 3339. `wait_s` is how long is waited before the next try; None when this was the last.
    """

    when: str
    session: str
    turn: str
    model: str
    number: int
    kind: str
    status: int = 0
    wait_s: float | None = None
    elapsed_s: float = 0.0

    @property
    def failed(self) -> bool:
        return self.kind not in (ANSWERED, "cut_off", "cancelled")


def in_words(attempt: Attempt) -> str:
    """One line for a person: `2026-11-21 10:04:05 UTC openai/gpt-5, try 2: RateLimited (429) after 0.3 s`."""
    status = f" ({attempt.status})" if attempt.status else ""
    day, _, time = attempt.when.partition("T")
    what = f"{attempt.model}, try {attempt.number}: {attempt.kind}{status} after {attempt.elapsed_s:.1f} s"
    return f"{day} {time[:8]} UTC {what}"


class AttemptLog(Protocol):
    def add(self, attempt: Attempt) -> None:
        """Keeps it. Never blocks, never raises."""
        ...
