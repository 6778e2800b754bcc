"""How an open document came to be: the changes since it was opened, as its editor told them.

One `History` stands for one state of the text and points to the state before, so every version shares what it has in
common with the others, and a frozen one answers for itself. It stays small: past `MAX_STATES` the older half is
composed, and only states whose text somebody has read (`was_read`) remain to be asked about. Start with `edits_since`.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from copydesk.text.edits import Edit, compose, compose_all
from copydesk.text.proofs import Rewritten

ContentChange: TypeAlias = Edit | Rewritten
"""One change of a message, on the text that the change before it left."""

MAX_STATES = 1024
MAX_READ = 128
"""How many states of the composed part can still be asked about."""


class History:
    """The state after `changes`; `n` counts the states from the opening's 0. Nothing but `was_read` ever changes."""

    __slots__ = ("changes", "length", "n", "previous", "version", "was_read")

    def __init__(
        self, version: int, changes: tuple[ContentChange, ...] = (), previous: "History | None" = None
    ) -> None:
        self.version = version
        self.changes = changes
        self.previous = previous
        self.n = previous.n + 1 if previous else 0
        self.length = previous.length + 1 if previous else 1
        self.was_read = False

    def then(self, version: int, changes: tuple[ContentChange, ...]) -> "History":
        """The state after one more change message."""
        return History(version, changes, self if self.length < MAX_STATES else _shortened(self))

    def changes_since(self, n: int) -> tuple[ContentChange, ...] | None:
        """What was changed after state `n`, one by one, in order. None: not known (any more)."""
        later: list[History] = []
        for state in self._back():
            if state.n <= n:
                return _in_order(later) if state.n == n else None
            later.append(state)
        return None

    def at(self, version: int) -> "History | None":
        """The newest state of that version."""
        return next((state for state in self._back() if state.version == version), None)

    def edits_since(self, version: int) -> Iterator[tuple[Edit, ...]]:
        """What leads from that version to this state, as one change; versions may repeat: the newest comes first."""
        later: list[History] = []
        for state in self._back():
            if state.version == version:
                yield _joined(later)
            later.append(state)

    def edits_since_opening(self) -> tuple[Edit, ...]:
        return _joined(list(self._back()))

    def _back(self) -> Iterator["History"]:
        state: History | None = self
        while state is not None:
            yield state
            state = state.previous


def _in_order(newest_first: Sequence[History]) -> tuple[ContentChange, ...]:
    return tuple(change for state in reversed(newest_first) for change in state.changes)


def _joined(newest_first: Sequence[History]) -> tuple[Edit, ...]:
    return composed(_in_order(newest_first))


def composed(changes: Sequence[ContentChange]) -> tuple[Edit, ...]:
    """Changes in order, each on the text the one before made, as one."""
    runs: list[tuple[Edit, ...]] = []
    typed: Edit | None = None
    for change in changes:
        if isinstance(change, Rewritten):
            runs += [(typed,)] if typed else []
            runs.append(change.edits)
            typed = None
        elif typed and change.start == change.end == typed.start + len(typed.text):
            typed = Edit(typed.start, typed.end, typed.text + change.text)
        else:
            runs += [(typed,)] if typed else []
            typed = change
    runs += [(typed,)] if typed else []
    if len(runs) > 2 and len(runs[0]) > len(runs):
        return compose(runs[0], compose_all(runs[1:]))  # the big one goes through once, not at every halving
    return compose_all(runs)


def _shortened(newest: History) -> History:
    """The same history with its older half composed, but for the states that somebody has read."""
    states = list(newest._back())[::-1]  # pyright: ignore[reportPrivateUsage]
    older, newer = states[: len(states) // 2], states[len(states) // 2 :]
    kept = {state.n for state in older if state.was_read}
    kept = {older[0].n, older[-1].n, *sorted(kept)[-MAX_READ:]}
    top: History | None = None
    run: list[ContentChange] = []
    for state in older:
        run += state.changes
        if state.n in kept:
            edits = composed(run) if top else ()
            top = _renumbered(state, (Rewritten(edits),) if edits else (), top)
            run = []
    for state in newer:
        top = _renumbered(state, state.changes, top)
    assert top is not None
    return top


def _renumbered(state: History, changes: tuple[ContentChange, ...], previous: History | None) -> History:
    made = History(state.version, changes, previous)
    made.n = state.n
    made.was_read = state.was_read
    return made
