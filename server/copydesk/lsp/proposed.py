"""The documents that show a file as it is proposed: with all that waits in it in one session. For diff editors.

Owns which a client has asked for, where each hunk stands in the texts it was given, and keeping them true; it decides
nothing. Start with `ProposedDocuments.content`.
A text is made when it is asked for; of those that were given, only where the hunks stand is kept, by a hash: a client
may still show an older one, and on a text that is not known nothing is offered. Where nothing waits any more the text
is the file's own, and follows it, so that a diff that is still open shows no difference.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from copydesk.domain.errors import CopydeskError
from copydesk.domain.review import Hunk, Proposed, Standing
from copydesk.lsp.arguments import ClientRange
from copydesk.lsp.client import ClientError
from copydesk.lsp.jobs import Spawn
from copydesk.lsp.pending import OpenDocuments, Reviews, hunks_in, is_whole_file
from copydesk.lsp.proposed_uris import key_of, read_proposed_uri
from copydesk.text.documents import Document
from copydesk.text.hashing import content_hash
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.lsp.client import Client

MAX_DOCUMENTS = 50
MAX_TEXTS = 20
"""Texts of one document in which the hunks' places are kept."""
REFRESH_LIMIT_S = 5.0
REFRESH = "workspace/textDocumentContent/refresh"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a text that the client shows holds. `uri` is the file's."""

    session: str
    uri: str
    standing: tuple[Standing, ...]
    n_lines: int

    def with_hunks(self, hunks: Sequence[Hunk]) -> list[tuple[Standing, Hunk]]:
        """Those of its hunks that wait still, in the order they stand."""
        waiting = {hunk.id: hunk for hunk in hunks}
        return [(each, waiting[each.hunk]) for each in self.standing if each.hunk in waiting]


@dataclass(slots=True)
class _Asked:
    """`told`: the mark of the newest text that the client has, or was told to fetch. `last`: what it was made of."""

    uri: str
    session: str
    file: str
    moved_from: str = ""
    told: str = ""
    last: Proposed | None = None
    own: "Document | None" = None
    texts: OrderedDict[str, Shown] = field(default_factory=OrderedDict[str, Shown])
    was_open: bool = False
    refreshing: bool = False
    stale: bool = False

    def keep(self, document: Document, standing: tuple[Standing, ...]) -> bool:
        """Whether it is another text than the client was told of."""
        mark = _mark(document.text)
        self.texts[mark] = Shown(self.session, self.file, standing, document.n_lines)
        self.texts.move_to_end(mark)
        while len(self.texts) > MAX_TEXTS:
            self.texts.popitem(last=False)
        is_new = mark != self.told
        self.told = mark
        return is_new


class ProposedDocuments:
    """`read` gives the text of a file that is not open; it raises `CopydeskError`."""

    def __init__(
        self,
        client: "Client",
        reviews: Reviews,
        documents: OpenDocuments,
        read: Callable[[str], Awaitable[Document]],
        spawn: Spawn,
    ) -> None:
        self._client = client
        self._reviews = reviews
        self._documents = documents
        self._read = read
        self._spawn = spawn
        self._asked: OrderedDict[tuple[str, str], _Asked] = OrderedDict()

    @staticmethod
    def has(uri: str) -> bool:
        return read_proposed_uri(uri) is not None

    async def content(self, uri: str) -> str:
        """The text now; it is kept true from here on."""
        asked = self._asked_for(uri)
        if asked is None:
            return f"{uri} is not known any more. Open the review again: copydesk.review.show.\n"
        document, standing = await self._now(asked)
        asked.keep(document, standing)
        return document.text

    async def update(self) -> None:
        """Tells the client which of the texts it has are no longer true."""
        for asked in tuple(self._asked.values()):
            is_open = self._documents.get(asked.uri) is not None
            if asked.was_open and not is_open:
                continue  # nobody looks at it; when it is opened again, so is this
            asked.was_open = is_open
            if self._is_as_before(asked):
                continue
            document, standing = await self._now(asked)
            if asked.keep(document, standing):
                asked.stale = True
                self._refresh(asked)

    def follows(self, uri: str) -> bool:
        """Whether typing in a file changes what is shown, though nothing waits in it. `uri` is canonical."""
        return any(uri in (asked.file, asked.moved_from) for asked in self._asked.values())

    def shown(self, uri: str, text: str | None) -> Shown | None:
        """Where the hunks stand in the text the client shows (None: not said). None where that is not known."""
        asked = self._asked.get(read_proposed_uri(uri) or ("", ""))
        return asked and asked.texts.get(asked.told if text is None else _mark(text))

    def source_of(self, uri: str, at: ClientRange | None) -> tuple[str, ClientRange | None] | None:
        """The file that a document of ours shows, and a place in it where the hunks' places are known."""
        name = read_proposed_uri(uri)
        asked = name and (self._asked.get(name) or self._found(uri, *name))
        if not asked:
            return None
        opened = self._documents.get(uri)
        shown = self.shown(uri, opened.document.text if opened else None)
        if at is None or shown is None:
            return asked.file, None
        hunks = shown.with_hunks(self._reviews.hunks())
        first, last = _line_below(hunks, at.start_line), _line_below(hunks, at.end_line)
        return asked.file, ClientRange(first, at.start_units, max(first, last), at.end_units)

    # --- which file ---

    def _asked_for(self, uri: str) -> _Asked | None:
        name = read_proposed_uri(uri)
        if name is None:
            return None
        asked = self._asked.get(name) or self._found(uri, *name)
        if asked:
            asked.uri = uri
            self._asked[name] = asked
            self._asked.move_to_end(name)
            while len(self._asked) > MAX_DOCUMENTS:
                self._asked.popitem(last=False)
        return asked

    def _found(self, uri: str, session: str, key: str) -> _Asked | None:
        """A file in which something waits, or one that is open: a diff that outlived the server shows one that is."""
        files = [(hunk.uri, hunk.moved_from) for hunk in self._reviews.hunks()]
        files += [(opened.uri, "") for opened in self._documents.all()]
        found = next(((file, old) for file, old in files if key_of(file) == key), None)
        return found and _Asked(uri, session, normalise(found[0]), found[1])

    # --- what it says ---

    def _is_as_before(self, asked: _Asked) -> bool:
        """Costs nothing: asked after every pause in typing, anywhere."""
        if self._reviews.is_landing(asked.session, asked.file):
            return True
        proposed = self._reviews.proposed(asked.session, asked.file)
        if proposed is not None or asked.last is not None:
            return proposed is asked.last
        return self._opened(asked) is asked.own

    async def _now(self, asked: _Asked) -> tuple[Document, tuple[Standing, ...]]:
        proposed = self._reviews.proposed(asked.session, asked.file)
        if proposed is None and self._reviews.is_landing(asked.session, asked.file):
            proposed = asked.last
        asked.last = proposed
        if proposed is not None:
            hunks = hunks_in(self._reviews.hunks(), asked.file)
            asked.moved_from = next((hunk.moved_from for hunk in hunks if hunk.moved_from), asked.moved_from)
            return Document.of(proposed.text), proposed.standing
        asked.own = self._opened(asked)
        return asked.own or await self._own_text(asked), ()

    def _opened(self, asked: _Asked) -> "Document | None":
        """A move that was not accepted leaves the file at its old place."""
        found = self._documents.get(asked.file) or (asked.moved_from and self._documents.get(asked.moved_from))
        return found.document if found else None

    async def _own_text(self, asked: _Asked) -> Document:
        """Of a file that is not open; empty where there is none."""
        for uri in filter(None, (asked.file, asked.moved_from)):
            with suppress(CopydeskError):
                return await self._read(uri)
        return Document.of("")

    # --- telling ---

    def _refresh(self, asked: _Asked) -> None:
        """One request at a time for each document: a client that is slow is told once of many changes."""
        if not asked.refreshing:
            asked.refreshing = True
            self._spawn(lambda: self._tell(asked))

    async def _tell(self, asked: _Asked) -> None:
        try:
            while asked.stale:
                asked.stale = False
                with suppress(ClientError):  # it was closed, or the client only ever fetches once
                    await self._client.request(REFRESH, {"uri": asked.uri}, timeout_s=REFRESH_LIMIT_S)
        finally:
            asked.refreshing = False


def _line_below(hunks: Sequence[tuple[Standing, Hunk]], line: int) -> int:
    """The line of the file that a line of the proposed text was, or stands for."""
    shift = 0
    for standing, hunk in hunks:
        if line < standing.start_line:
            break
        if hunk.held or is_whole_file(hunk):
            continue
        if line < standing.end_line:
            return min(hunk.start_line + line - standing.start_line, max(hunk.end_line - 1, hunk.start_line))
        shift = hunk.end_line - standing.end_line
    return max(line + shift, 0)


def _mark(text: str) -> str:
    """Names a text for all that matters here: a client may change line ends, and the end of the last line."""
    return content_hash(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n"))
