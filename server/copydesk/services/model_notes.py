"""What a person is told of the model that answers, each thing once: a window that is assumed, or one that is small.

What a model's server says may come while the turn runs already. Owns what was said. Start with `ModelNotes.during`.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

Tell: TypeAlias = Callable[[str], None]


def nothing_known(name: str) -> tuple[str, ...]:
    del name
    return ()


class ModelNotes:
    """`notes` gives what there is to say of a model, by its name."""

    def __init__(self, notes: Callable[[str], tuple[str, ...]] = nothing_known) -> None:
        self._notes = notes
        self._said: set[str] = set()
        self._tells: dict[str, Tell] = {}

    @contextmanager
    def during(self, name: str, tell: Tell) -> Generator[None]:
        """A turn with this model: what is known and was not said is told at once, and what is learnt while it runs."""
        self._tells[name] = tell
        self.learnt(name)
        try:
            yield
        finally:
            if self._tells.get(name) is tell:
                del self._tells[name]

    def learnt(self, name: str) -> None:
        """More may be known of a model."""
        tell = self._tells.get(name)
        if tell is None:
            return
        for note in self._notes(name):
            if note not in self._said:
                self._said.add(note)
                tell(note)
