"""Prompt, cancel and undo as code actions, for clients that can send no command of a person's choice.

Owns whether a turn's text has landed, as events tell; decides nothing. Start with `Menu.offers`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from copydesk.domain import events
from copydesk.lsp import clients
from copydesk.lsp.offers import QUICK_FIX, Offer, shortened

if TYPE_CHECKING:
    from copydesk.lsp.client import Client
    from copydesk.lsp.progress import Progress

_LANDED = ("applied", "partial", "unconfirmed")


class Menu:
    def __init__(self, client: "Client", running: Callable[[], Iterable[str]], progress: "Progress") -> None:
        """`running` gives the turns that run, `progress` what they are called."""
        self._client = client
        self._running = running
        self._progress = progress
        self._has_landed = False

    def listen(self, event: events.Event) -> None:
        match event:
            case events.ReviewUpdated(state=state) if state in _LANDED:
                self._has_landed = True
            case events.ReviewDecided(decision="accepted"):
                self._has_landed = True
            case _:
                return

    def offers(self) -> Iterator[Offer]:
        """Nothing where commands can be sent: there they would only lengthen the menu."""
        if not clients.sends_no_commands(self._client.name, declares_edits=self._client.declares_edits):
            return
        steps = self._progress.steps()
        for turn in self._running():
            title = shortened(steps[turn]["title"].removeprefix("Copydesk: ")) if turn in steps else "turn"
            yield Offer(f"Copydesk: Cancel {title}", QUICK_FIX, "copydesk.cancel", {"turn": turn})
        if self._has_landed:
            yield Offer("Copydesk: Undo turn", QUICK_FIX, "copydesk.undo", {})
        yield Offer("Copydesk: Prompt…", QUICK_FIX, "copydesk.prompt", {})
