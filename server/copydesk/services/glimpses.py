"""The newest lines of a running command, shown to the person while they come.

Each glimpse replaces the one before and is a record like every event, so there are few of them and they are short:
at most `MAX_GLIMPSES` for a command and `LONG_CHARS` characters, after that one line each. Start with `Glimpses.run`.
"""

from collections.abc import Callable

import anyio

from copydesk.services.outputs import CommandOutput

GAP_S = 0.03
MAX_GAP_S = 3.0
GAP_SHARE = 0.05
"""The longer a command has run, the less often somebody looks: the gap is this part of its time."""
N_LINES, N_CHARS = 12, 800
LINE_CHARS = 160
LONG_CHARS = 20_000
MAX_GLIMPSES = 700


class Glimpses:
    """`show` gets the text to show in place of the last one; `now_s` is the clock of the gaps."""

    def __init__(
        self, output: CommandOutput, show: Callable[[str], None], now_s: Callable[[], float] = anyio.current_time
    ) -> None:
        self._output = output
        self._show = show
        self._now_s = now_s
        self._came: anyio.Event = anyio.Event()
        self._n_shown = 0
        self._n_chars = 0
        self._last: str = ""
        output.came = self._take

    def _take(self) -> None:
        self._came.set()

    async def run(self) -> None:
        """Until it is cancelled. What came last is not waited for: the call's result has it."""
        began_s = self._now_s()
        while self._n_shown < MAX_GLIMPSES:
            await self._came.wait()
            self._came = anyio.Event()
            self._look()
            await anyio.sleep(gap_s(self._now_s() - began_s))

    def _look(self) -> None:
        long = self._n_chars < LONG_CHARS
        text = self._output.tail(N_LINES, N_CHARS) if long else self._output.tail(1, LINE_CHARS)
        if text.strip() and text != self._last:
            self._last = text
            self._n_shown += 1
            self._n_chars += len(text)
            self._show(text)


def gap_s(ran_s: float) -> float:
    """How long after one glimpse the next one may come."""
    return min(MAX_GAP_S, max(GAP_S, GAP_SHARE * ran_s))
