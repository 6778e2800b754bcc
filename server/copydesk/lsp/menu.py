"""Prompt, cancel and undo as code actions, for clients that can send no command of a person's choice.

Owns what runs and whether a turn's text has landed, as events tell; decides nothing. Start with `Menu.offers`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from copydesk.domain import events
from copydesk.lsp import clients
from copydesk.lsp.offers import QUICK_FIX, Offer, shortened

if TYPE_CHECKING:
    from copydesk.lsp.client import Client

_LANDED = ("applied", "partial", "unconfirmed")


class Menu:
    def __init__(self, client: "Client") -> None:
        self._client = client
        self._running: dict[str, str] = {}
        self._has_landed = False

    def listen(self, event: events.Event) -> None:
        match event:
            case events.TurnStarted(turn=turn, title=title):
                self._running[turn] = title.removeprefix("Copydesk: ")
            case events.TurnEnded(turn=turn):
                self._running.pop(turn, None)
            case events.ReviewUpdated(state=state) if state in _LANDED:
                self._has_landed = True
            case events.ReviewDecided(decision="accepted"):
                self._has_landed = True
            case _:
                return

    def offers(self) -> Iterator[Offer]:
        """Nothing where commands can be sent: there they would only lengthen the menu."""
        declares_edits = bool(self._client.supports("workspace.applyEdit"))
        if not clients.sends_no_commands(self._client.name, declares_edits=declares_edits):
            return
        for turn, title in self._running.items():
            yield Offer(f"Copydesk: Cancel {shortened(title)}", QUICK_FIX, "copydesk.cancel", {"turn": turn})
        if self._has_landed:
            yield Offer("Copydesk: Undo turn", QUICK_FIX, "copydesk.undo", {})
        yield Offer("Copydesk: Prompt…", QUICK_FIX, "copydesk.prompt", {})
