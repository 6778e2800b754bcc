"""Which places several pieces can have when they stand one after the other and never overlap. Pure arithmetic."""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Stretch(Protocol):
    @property
    def begin(self) -> int: ...

    @property
    def stop(self) -> int: ...


S = TypeVar("S", bound=Stretch)


def in_order(options: Sequence[Sequence[S]]) -> list[list[S]]:
    """The options of each piece with which some choice for all pieces stands in order. All empty when none does."""
    kept = _forwards(options)
    latest: int | None = None
    for at in range(len(kept) - 1, -1, -1):
        kept[at] = [one for one in kept[at] if latest is None or one.stop <= latest]
        if not kept[at]:
            return [[] for _ in options]
        latest = max(one.begin for one in kept[at])
    return kept


def _forwards(options: Sequence[Sequence[S]]) -> list[list[S]]:
    kept: list[list[S]] = []
    earliest = 0
    for choices in options:
        kept.append([one for one in choices if one.begin >= earliest])
        earliest = min((one.stop for one in kept[-1]), default=earliest)
    return kept
