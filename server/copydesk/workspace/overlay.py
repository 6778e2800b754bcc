"""The editor's truth: open documents with their versions and what was typed, and the texts we expect of closed ones.

Plain methods, called in order from the protocol's synchronous handlers; they do no I/O. Documents are immutable, so
a snapshot (`freeze`) is two dictionaries that writers replace; each knows its own `history`. Who wants every change
of a document takes a `watch`. Start with `change`.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple
from weakref import WeakSet

import anyio

from copydesk.domain.messages import LineRange
from copydesk.text.diffs import diff
from copydesk.text.documents import Document
from copydesk.text.edits import Edit
from copydesk.text.hashing import content_hash
from copydesk.text.notebooks import is_notebook
from copydesk.text.proofs import Rewritten
from copydesk.workspace.cells import cells_below
from copydesk.workspace.history import ContentChange, History
from copydesk.workspace.uris import normalise
from copydesk.workspace.watches import Watch

NEVER_S = float("-inf")


@dataclass(frozen=True)
class OpenDocument:
    """`uri` is canonical, `client_uri` as the editor spells it: send that one back. `epoch` counts openings from 1.

    `unsaved`: changed since it was opened or saved, as far as the editor's messages say. `typed_s`: when it was last
    changed by other than an edit of ours, in monotonic seconds.
    """

    uri: str
    client_uri: str
    language: str
    version: int
    epoch: int
    document: Document
    history: History
    unsaved: bool = False
    typed_s: float = NEVER_S

    @cached_property
    def content_hash(self) -> str:
        return content_hash(self.document.text)

    def changes_since(self, older: "OpenDocument") -> tuple[ContentChange, ...] | None:
        """What was changed since an older state of the same epoch, one by one. None: reopened, or too long ago."""
        return self.history.changes_since(older.history.n) if older.epoch == self.epoch else None


class Prediction(NamedTuple):
    """The text a closed file will have. `disk_hash`: what stood on disk when we said so, '' where not known."""

    text: str
    disk_hash: str = ""


class OverlayView(Mapping[str, OpenDocument]):
    """The open documents at one moment, by any spelling of their URI; and `predicted` texts of closed files."""

    __slots__ = ("_notebooks", "_open", "predicted")

    def __init__(
        self,
        documents: Mapping[str, OpenDocument],
        predicted: Mapping[str, Prediction],
        notebooks: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        self._open = documents
        self._notebooks = notebooks
        self.predicted = predicted

    def cells_of(self, uri: str) -> tuple[str, ...] | None:
        """The URIs of an open notebook's cells, in its order; None for what is not open as a notebook."""
        if not is_notebook(uri):
            return None
        found = self._notebooks.get(normalise(uri))
        return found if found is not None else cells_below(self._open, normalise(uri)) or None

    def __getitem__(self, uri: str) -> OpenDocument:
        found = self._open.get(uri)
        return found if found is not None else self._open[normalise(uri)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)


class Overlay:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._open: dict[str, OpenDocument] = {}
        self._watches: dict[str, WeakSet[Watch]] = {}
        self._epochs: dict[str, int] = {}
        self._predicted: dict[str, Prediction] = {}
        self._notebooks: dict[str, tuple[str, ...]] = {}
        self._events: dict[str, anyio.Event] = {}
        self._frozen: OverlayView | None = None
        self.listeners: list[Callable[[str], None]] = []
        """Called with the URI after a document was opened, changed or closed; must not block or raise."""

    # --- what the editor says ---

    def open(self, uri: str, language: str, version: int, text: str) -> OpenDocument:
        """A document is opened; opening one that is open starts a new epoch too."""
        key = normalise(uri)
        epoch = self._epochs[key] = self._epochs.get(key, 0) + 1
        opened = OpenDocument(key, uri, language, version, epoch, Document.of(text), History(version))
        if before := self._open.get(key):
            self._tell_closed(before)
        for watch in self._watches.get(key, ()):
            watch.opened(opened.history, text)
        self._predicted.pop(key, None)
        self._put(opened)
        return opened

    def change(self, uri: str, version: int, changes: Sequence[tuple[LineRange | None, str]]) -> bool:
        """Changes in order, each on the text the one before made; no range means the whole text. False: not open."""
        now = self.get(uri)
        if now is None:
            return False
        document = now.document
        made: list[ContentChange] = []
        for where, text in changes:
            change, document = _changed(document, where, text)
            made.append(change)
        history = now.history.then(version, tuple(made))
        uri, client_uri, language = now.uri, now.client_uri, now.language
        self._put(OpenDocument(uri, client_uri, language, version, now.epoch, document, history, True, self.clock()))
        return True

    def close(self, uri: str) -> bool:
        key = normalise(uri)
        closed = self._open.pop(key, None)
        if closed is None:
            return False
        self._tell_closed(closed)
        self._wake(key)
        return True

    def saved(self, uri: str) -> bool:
        now = self.get(uri)
        if now is None:
            return False
        self._put(replace(now, unsaved=False))
        return True

    def arrange(self, uri: str, cells: Iterable[str] | None) -> None:
        """The cells of an open notebook, in order; each is a document of its own. None: the notebook is closed."""
        self._notebooks.pop(normalise(uri), None)
        if cells is not None:
            self._notebooks[normalise(uri)] = tuple(map(normalise, cells))
        self._frozen = None

    def cells_of(self, uri: str) -> tuple[str, ...]:
        return self._notebooks.get(normalise(uri), ())

    def place_of(self, cell: str) -> tuple[str, int] | None:
        """The open notebook that a cell is of, and its number there, from 1."""
        found = ((uri, cells) for uri, cells in self._notebooks.items() if cell in cells)
        return next(((uri, cells.index(cell) + 1) for uri, cells in found), None)

    def predict(self, uri: str, text: str | None, disk_hash: str = "") -> None:
        """The text a closed file will have once the editor writes our edit; None forgets it. Open ones need none.

        It stands until the file is opened, the disk has that text, or (with `disk_hash`) has any other than before.
        """
        key = normalise(uri)
        if text is None or key in self._open:
            self._predicted.pop(key, None)
        else:
            self._predicted[key] = Prediction(text, disk_hash)
        self._frozen = None

    def forget_prediction(self, uri: str, text: str) -> None:
        """The disk has moved on from what stood there when `text` was predicted."""
        key = normalise(uri)
        known = self._predicted.get(key)
        if known and known.text == text:
            self.predict(key, None)

    # --- reading ---

    def get(self, uri: str) -> OpenDocument | None:
        found = self._open.get(uri)
        return found if found is not None else self._open.get(normalise(uri))

    def all(self) -> tuple[OpenDocument, ...]:
        return tuple(self._open.values())

    def freeze(self) -> OverlayView:
        """The overlay as it is now. Copies two dictionaries of references, once after each write."""
        if self._frozen is None:
            self._frozen = OverlayView(self._open.copy(), self._predicted.copy(), self._notebooks.copy())
        return self._frozen

    def watch(self, uri: str, text: str | None = None) -> Watch:
        """From now on, everything that is typed in one document; `text` is what is known of it if it is not open."""
        key = normalise(uri)
        document = self._open.get(key)
        watch = Watch(document.document.text if document else text, document and document.history, self.get, key)
        self._watches.setdefault(key, WeakSet()).add(watch)
        return watch

    def was_ours(self, document: OpenDocument, typed_s: float) -> None:
        """The newest change of the document was our edit: nobody has typed in it since `typed_s`."""
        if self._open.get(document.uri) is document:
            self._open[document.uri] = replace(document, typed_s=typed_s)
            self._frozen = None

    async def wait_change(self, uri: str, since: OpenDocument | None, timeout_s: float) -> OpenDocument | None:
        """The document once it is another than `since`: changed, saved, opened or (None) closed; or time is up."""
        key = normalise(uri)
        with anyio.move_on_after(timeout_s):
            while self._open.get(key) is since:
                await self._events.setdefault(key, anyio.Event()).wait()
        return self._open.get(key)

    # --- writing ---

    def _tell_closed(self, document: OpenDocument) -> None:
        for watch in self._watches.get(document.uri, ()):
            watch.closed(document.history, document.document.text)

    def _put(self, document: OpenDocument) -> None:
        self._open[document.uri] = document
        self._wake(document.uri)

    def _wake(self, key: str) -> None:
        self._frozen = None
        if self._events and (event := self._events.pop(key, None)):
            event.set()
        for listener in self.listeners:
            listener(key)


def _changed(document: Document, where: LineRange | None, text: str) -> tuple[ContentChange, Document]:
    if where is None:
        return Rewritten(diff(document.text, text)), Document.of(text)
    start = document.offset_at(where.start_line, where.start_column)
    end = start
    if not where.is_empty:
        end = max(start, document.offset_at(where.end_line, where.end_column))
    after = document.replaced(where.start_line, where.start_column, where.end_line, where.end_column, text)
    return Edit(start, end, text), after
