"""The ledger: what left the machine, as (when, host, how many bytes, their hash, the answer's status).

Never the bytes themselves. Bounded in memory; `persist` is where a longer-lived record hooks in.
"""

from collections import deque
from collections.abc import Callable

from copydesk.domain.frozen import frozen

MAX_ENTRIES = 1000


@frozen
class Sent:
    """One request. `when` is UTC, RFC 3339; `status` is 0 when no answer came."""

    when: str
    host: str
    n_bytes: int
    sha256: str
    status: int


class Ledger:
    def __init__(self, persist: Callable[[Sent], None] | None = None, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: deque[Sent] = deque(maxlen=max_entries)
        self._persist = persist

    def add(self, sent: Sent) -> None:
        self._entries.append(sent)
        if self._persist is not None:
            self._persist(sent)

    @property
    def entries(self) -> tuple[Sent, ...]:
        return tuple(self._entries)
