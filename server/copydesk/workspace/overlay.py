"""The editor's truth: open documents with their versions and what was typed, and the texts we expect of closed ones.

Plain methods, called in order from the protocol's synchronous handlers; they do no I/O. Documents are immutable, so
a snapshot (`freeze`) is two dictionaries that writers replace. The log of changes is bounded; `edits_since` answers
None where it does not reach. Start with `change`.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import dropwhile
from types import MappingProxyType
from typing import NamedTuple

import anyio

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import LineRange
from copydesk.text.diffs import diff
from copydesk.text.documents import Document
from copydesk.text.edits import Edit, compose_all
from copydesk.text.hashing import content_hash
from copydesk.text.notebooks import is_notebook
from copydesk.workspace.cells import cells_below
from copydesk.workspace.uris import normalise

LOG_LENGTH = 512


@dataclass(frozen=True)
class OpenDocument:
    """`uri` is canonical, `client_uri` as the editor spells it: send that one back. `epoch` counts openings from 1.

    `unsaved`: changed since it was opened or saved, as far as the editor's messages say.
    """

    uri: str
    client_uri: str
    language: str
    version: int
    epoch: int
    document: Document
    unsaved: bool = False

    @cached_property
    def content_hash(self) -> str:
        return content_hash(self.document.text)


@frozen
class _Logged:
    """One change message: `edits[0]` on the text of version `before`, each next one on what that made."""

    before: int
    edits: tuple[tuple[Edit], ...] | tuple[tuple[Edit, ...], ...]


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
    def __init__(self) -> None:
        self._open: dict[str, OpenDocument] = {}
        self._logs: dict[str, deque[_Logged]] = {}
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
        opened = OpenDocument(key, uri, language, version, epoch, Document.of(text))
        self._logs[key] = deque(maxlen=LOG_LENGTH)
        self._predicted.pop(key, None)
        self._put(opened)
        return opened

    def change(self, uri: str, version: int, changes: Sequence[tuple[LineRange | None, str]]) -> bool:
        """Changes in order, each on the text the one before made; no range means the whole text. False: not open."""
        now = self.get(uri)
        if now is None:
            return False
        document = now.document
        edits: list[tuple[Edit, ...]] = []
        for where, text in changes:
            edit, document = _changed(document, where, text)
            edits.append(edit)
        self._logs[now.uri].append(_Logged(now.version, tuple(edits)))
        self._put(OpenDocument(now.uri, now.client_uri, now.language, version, now.epoch, document, unsaved=True))
        return True

    def close(self, uri: str) -> bool:
        key = normalise(uri)
        if self._open.pop(key, None) is None:
            return False
        del self._logs[key]
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

    def edits_since(self, uri: str, epoch: int, version: int) -> tuple[Edit, ...] | None:
        """What was changed since that version, as one change on its text. None: closed, reopened, or too long ago."""
        now = self.get(uri)
        if now is None or now.epoch != epoch:
            return None
        if now.version == version:
            return ()
        logged = list(dropwhile(lambda entry: entry.before != version, self._logs[now.uri]))
        if not logged:
            return None
        return compose_all([edits for entry in logged for edits in entry.edits])

    async def wait_change(self, uri: str, after_version: int, timeout_s: float) -> OpenDocument | None:
        """The document once its version is beyond `after_version`, or it is opened anew. None: closed, or no time."""
        key = normalise(uri)
        before = self._open.get(key)
        with anyio.move_on_after(timeout_s):
            while True:
                now = self._open.get(key)
                if now is not None and (now.version > after_version or before is None or now.epoch != before.epoch):
                    return now
                if now is None and before is not None:
                    return None
                await self._events.setdefault(key, anyio.Event()).wait()
        return None

    # --- writing ---

    def _put(self, document: OpenDocument) -> None:
        self._open[document.uri] = document
        self._wake(document.uri)

    def _wake(self, key: str) -> None:
        self._frozen = None
        if self._events and (event := self._events.pop(key, None)):
            event.set()
        for listener in self.listeners:
            listener(key)


def _changed(document: Document, where: LineRange | None, text: str) -> tuple[tuple[Edit, ...], Document]:
    if where is None:
        return diff(document.text, text), Document.of(text)
    start = document.offset_at(where.start_line, where.start_column)
    end = start
    if not where.is_empty:
        end = max(start, document.offset_at(where.end_line, where.end_column))
    after = document.replaced(where.start_line, where.start_column, where.end_line, where.end_column, text)
    return (Edit(start, end, text),), after
