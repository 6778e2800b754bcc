"""Documents that open when a turn ends, when nobody has asked for one at that moment.

Owns whether one may open; it knows nothing of what is in it. Start with `Unasked.open`.
Most editors put a shown document in front of the one that is being typed in, also where they are told to leave the
focus: what is typed then goes nowhere, or into the wrong text. Neovim and Emacs do not. So where somebody types, a
button takes the document's place.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from copydesk.lsp import clients
from copydesk.lsp.answers import is_short
from copydesk.lsp.client import ClientError
from copydesk.lsp.pending import OpenDocuments
from copydesk.lsp.progress import first_line

if TYPE_CHECKING:
    from copydesk.lsp.answers import Answers
    from copydesk.lsp.client import Client
    from copydesk.lsp.questions import Questions

TYPING_S = 3.0
"""Who has typed so recently is still at it."""
SHOW = "Show"


class Unasked:
    def __init__(self, client: "Client", answers: "Answers", questions: "Questions", documents: OpenDocuments) -> None:
        self._client = client
        self._answers = answers
        self._questions = questions
        self._documents = documents

    @property
    def takes_keys(self) -> bool:
        """Whether a document that opens now would take what is being typed."""
        if not self._client.supports("window.showDocument.support"):
            return False  # a message says where it is
        return not clients.keeps_keys(self._client.name) and self.is_typing()

    def is_typing(self) -> bool:
        """Whether somebody has typed a moment ago, in any document."""
        since_s = self._documents.clock() - TYPING_S
        return any(opened.typed_s > since_s for opened in self._documents.all())

    def has_open(self, uri: str) -> bool:
        return self._documents.get(uri) is not None

    async def answer(self, level: str, text: str, name: str) -> None:
        """Shows the text: a short one as a message, a longer one as the document `name`."""
        if is_short(text) or not self.takes_keys:
            await self._answers.show(level, text, name)
            return

        async def show(focus: bool) -> None:
            await self._answers.open(name, text, focus=focus)

        await self.open(first_line(text), show)

    async def open(self, said: str, show: Callable[[bool], Awaitable[object]]) -> None:
        """Calls `show`, with whether to take the focus; where that takes keys, only when `said` was answered by Show.

        Waits for that answer without a limit.
        """
        if not self.takes_keys:
            await show(False)
            return
        with suppress(ClientError):  # it is gone
            if await self._questions.choose(said, (SHOW,)) == SHOW:
                await show(True)
