"""The features put together for one client: what `app` makes and registers with the server.

Owns the wiring only. Start with `Features.register`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio

from copydesk.domain import events
from copydesk.domain.errors import CopydeskError
from copydesk.lsp.actions import Actions, SymbolAt
from copydesk.lsp.answers import serves_documents
from copydesk.lsp.commands import Commands, Sessions, Sources
from copydesk.lsp.diff_documents import DiffDocuments
from copydesk.lsp.hints import Hints
from copydesk.lsp.hover import Explain, Hover, IsEcho, never
from copydesk.lsp.jobs import Spawn
from copydesk.lsp.lenses import Lenses
from copydesk.lsp.menu import Menu
from copydesk.lsp.pending import OpenDocuments, Reviews, Shapes
from copydesk.lsp.permissions import PermissionCommands
from copydesk.lsp.places import Places
from copydesk.lsp.progress import Progress
from copydesk.lsp.proposed import ProposedDocuments
from copydesk.lsp.review import ReviewCommands
from copydesk.lsp.review_offers import ReviewOffers
from copydesk.lsp.spoken import Spoken
from copydesk.lsp.unasked import Unasked
from copydesk.lsp.undo import Undo, UndoCommand, nothing_to_undo
from copydesk.lsp.updates import Updates
from copydesk.lsp.voice import Voice
from copydesk.text.documents import Document

if TYPE_CHECKING:
    from copydesk.domain.evidence import Evidence
    from copydesk.lsp.handlers import Handlers, RequestContext
    from copydesk.services.permissions import Permissions
    from copydesk.services.trust import Trust


class Listened(Sessions, Protocol):
    def subscribe(self, listener: Callable[[str, int, events.Event], None]) -> Callable[[], None]: ...


@dataclass(frozen=True, slots=True)
class FeatureParts:
    """What the features use of the rest. `read` gives the text of a file that is not open and may block.

    `symbol_at` (uri, text, line) names the definition a line touches; it runs in a thread with a short limit.
    `reviews` is what waits for a decision, `documents` what is open, `permissions` and `trust` what the person allowed,
    `evidence` what checked a turn's edits, `undo` takes back a turn; `is_echo` tells a hover that the client asks for
    only because we asked it.
    """

    sources: Sources
    read: Callable[[str], str]
    symbol_at: SymbolAt
    explain: Explain
    hover_budget_s: Callable[[], float]
    is_language_model: Callable[[], bool]
    reviews: Reviews
    documents: OpenDocuments
    permissions: "Permissions"
    trust: "Trust"
    roots: Callable[[], tuple[str, ...]]
    evidence: Callable[[str], "Evidence | None"] = lambda turn: None
    undo: Undo = nothing_to_undo
    is_echo: IsEcho = never


class Features:
    def __init__(self, voice: Voice, host: Listened, parts: FeatureParts, spawn: Spawn) -> None:
        """`spawn` runs work as a task of the connection (`Server.spawn`)."""
        client = voice.client
        self._voice = voice
        self._host = host
        self._spawn = spawn
        read = _reader(parts.read)
        self.places = Places(lambda: client.encoding, read)
        self._unasked = Unasked(client, voice.answers, voice.questions, parts.documents)
        voice.questions.is_typing = self._unasked.is_typing
        shapes = Shapes(
            lambda: client.encoding,
            parts.documents,
            parts.sources.display,
            lambda session, uri: parts.reviews.proposed(session, uri) if serves_documents(client) else None,
            parts.evidence,
        )
        diffs = DiffDocuments(parts.reviews, voice.answers, shapes)
        self.review = ReviewCommands(parts.reviews, voice, diffs, shapes, spawn)
        self.hints = Hints(client, parts.reviews, parts.documents, shapes, spawn)
        self.proposed = ProposedDocuments(client, parts.reviews, parts.documents, read, spawn)
        self.places.sources.append(self.proposed.source_of)
        self.hints.followers += [diffs.update, self.proposed.update]
        self.hints.interests.append(self.proposed.follows)
        self.lenses = Lenses(parts.reviews, shapes, diffs, self.proposed, parts.documents)
        self.updates = Updates(client, self.review.pending_as_json)
        self.progress = Progress(client, spawn)
        undo = UndoCommand(parts.undo, voice, shapes, spawn)
        spoken = Spoken(voice, spawn)
        consent = PermissionCommands(parts.permissions, parts.trust, voice, parts.roots, spawn)
        self.commands = Commands(
            host, self.places, voice, self.progress, parts.sources, self.review, undo, spoken, consent
        )
        offers = ReviewOffers(parts.reviews, diffs, self.proposed)
        self.menu = Menu(client, host.running, self.progress)
        symbol_at, is_language_model = parts.symbol_at, parts.is_language_model
        self.actions = Actions(voice, self.places, symbol_at, is_language_model, offers, self.menu.offers)
        self.hover = Hover(client, self.places, parts.explain, parts.hover_budget_s, offers.is_view, parts.is_echo)
        host.subscribe(self._listen)

    def register(self, handlers: "Handlers", commands: list[str]) -> None:
        """Before the server serves. Adds the commands' names to `commands`, which the server advertises."""
        commands.extend(self.commands.names)
        handlers.request("workspace/executeCommand", self.commands.execute, raw=True)
        handlers.request("textDocument/codeAction", self.actions.list_actions, raw=True)
        handlers.request("codeAction/resolve", self.actions.resolve, raw=True)
        handlers.request("textDocument/hover", self.hover.hover, raw=True)
        handlers.request("textDocument/codeLens", self.lenses.list_lenses, raw=True)
        handlers.request("workspace/textDocumentContent", self._content, raw=True)
        handlers.notification("window/workDoneProgress/cancel", self._cancel_progress, raw=True)

    async def run(self) -> None:
        """A task of the connection, from `initialized` on: sends session updates as they come."""
        self.hints.start()
        await self.updates.run()

    async def stop(self) -> None:
        """Before the server stops: takes back what the client would go on showing."""
        self.hints.stop()

    async def _content(self, params: Any, context: "RequestContext") -> dict[str, str]:
        """`workspace/textDocumentContent`."""
        uri = cast("dict[str, Any]", params).get("uri") if isinstance(params, dict) else None
        if isinstance(uri, str) and self.proposed.has(uri):
            return {"text": await self.proposed.content(uri)}
        return await self._voice.answers.content(params, context)

    def _listen(self, session: str, seq: int, event: events.Event) -> None:
        self.review.listen(event)
        self.menu.listen(event)
        self.updates.listen(session, seq, event)
        self.progress.listen(session, seq, event)
        if isinstance(event, events.TurnEnded) and not self.updates.wanted:
            self._spawn(lambda: self._show_end(event))

    async def _show_end(self, event: events.TurnEnded) -> None:
        """The answer, for clients that are not told of every step anyway."""
        level = "error" if event.stop_reason == "error" else "info"
        text = event.message or event.error
        if event.error and event.error not in text:
            text = f"{event.error}\n\n{text}"
        if event.review == "pending":
            await self.review.show_end(level, text, event.turn, self._unasked)
        else:
            await self._unasked.answer(level, text, f"turn/{event.turn}.md")

    def _cancel_progress(self, params: Any) -> None:
        token = cast("dict[str, Any]", params).get("token") if isinstance(params, dict) else None
        turn = self.progress.turn_of(token)
        if turn:
            self._host.cancel(turn)


def _reader(read: Callable[[str], str]) -> Callable[[str], Awaitable[Document]]:
    async def read_document(uri: str) -> Document:
        try:
            return Document.of(await anyio.to_thread.run_sync(read, uri))
        except CopydeskError as error:
            raise CopydeskError(str(error), advice="Open the file in the editor, or name one that is there.") from error

    return read_document
