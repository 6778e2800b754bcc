"""What a run without an editor prints while it goes on: each call's title, and what its commands write.

What comes while a command runs is its newest lines again and again; here each is given once. Start with `lines`.
"""

from collections.abc import Iterator

from copydesk.domain.events import Event, ToolCallStarted, ToolCallUpdated

N_LAST = 8
"""Most lines of a command's output that are printed at its end, where none were before."""


class CommandLines:
    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {}

    def lines(self, event: Event) -> Iterator[str]:
        """The lines to print for one event, indented."""
        if isinstance(event, ToolCallStarted):
            yield f"  {event.title}"
            if event.kind == "execute":
                self._shown[event.call] = []
        elif isinstance(event, ToolCallUpdated) and event.call in self._shown and event.content:
            yield from (f"    {line}" for line in self._newer(event))

    def _newer(self, event: ToolCallUpdated) -> list[str]:
        shown, now = self._shown[event.call], event.content.splitlines()
        if event.status == "in_progress":
            self._shown[event.call] = now
            return now[overlap(shown, now) :]
        del self._shown[event.call]
        if event.status == "failed" or not event.details:
            return now[:N_LAST]
        heading, output = now[0], now[1:]
        rest = output[_after(shown, output) :] if shown else output
        return [*rest[-N_LAST:], heading]


def overlap(before: list[str], now: list[str]) -> int:
    """How many of the first lines of `now` are the last ones of `before`."""
    most = min(len(before), len(now))
    return next((n for n in range(most, 0, -1) if before[-n:] == now[:n]), 0)


def _after(shown: list[str], output: list[str]) -> int:
    """Where in the whole output what was shown last ends."""
    n = len(shown)
    found = (at + n for at in range(len(output) - n, -1, -1) if output[at : at + n] == shown)
    return next(found, 0)
