"""The chain of sources over the disk: what the editor holds, then a session's pending edits, frozen at one moment.

Taking one is O(1): it holds references. Each disk file is fixed at its first read. May be used from worker threads;
two first reads of one file at once settle on one answer. Start with `Snapshot`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from copydesk.domain.errors import BinaryFile, FileTooLarge, WorkspaceError
from copydesk.domain.ports import Entry, FileHandle, FileSource
from copydesk.text.edits import Edit, apply
from copydesk.text.hashing import content_hash
from copydesk.text.proofs import refined
from copydesk.workspace.cells import EDIT_CELLS
from copydesk.workspace.disk import LIMIT_BYTES, Disk
from copydesk.workspace.listing import with_entries
from copydesk.workspace.overlay import OpenDocument, OverlayView, Prediction
from copydesk.workspace.pending import Pending
from copydesk.workspace.proposals import unread_moves
from copydesk.workspace.side_files import NONE, SideFiles
from copydesk.workspace.uris import is_own, normalise


class FixedDisk:
    """A disk whose files stay what they were when first read, failures included. Listings are not fixed."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._read: dict[str, FileHandle | WorkspaceError] = {}

    def read(self, uri: str) -> FileHandle:
        key = normalise(uri)
        found = self._read.get(key)
        if found is None:
            found = self._read.setdefault(key, self._first(key))
        if isinstance(found, WorkspaceError):
            raise found.with_traceback(None)
        return found

    def fixed(self) -> Collection[str]:
        """URIs that were read, so that they stay what they were."""
        return self._read.keys()

    def text_once(self, uri: str) -> str:
        """The text without keeping it, unless it is fixed already."""
        return self.read(uri).text if normalise(uri) in self._read else self._disk.text(uri)

    def exists(self, uri: str) -> bool:
        return self._disk.exists(uri)

    def children(self, uri: str) -> Iterable[Entry]:
        return self._disk.children(uri)

    def changed(self) -> Mapping[str, FileHandle | None]:
        return {}

    def _first(self, uri: str) -> FileHandle | WorkspaceError:
        try:
            return self._disk.read(uri)
        except WorkspaceError as error:
            return error


class OverlayFiles:
    """Open documents and predicted texts over a disk. `forget` is told of predictions that the disk outran."""

    def __init__(self, view: OverlayView, disk: FixedDisk, forget: Callable[[str, str], None]) -> None:
        self._view = view
        self._disk = disk
        self._forget = forget

    def read(self, uri: str) -> FileHandle:
        if self._view.cells_of(uri) is not None:
            raise BinaryFile(f"{normalise(uri)!r} is open as a notebook, not as text.", advice=EDIT_CELLS)
        if document := self._view.get(uri):
            _check_length(document)
        return self._handle(uri)

    def _handle(self, uri: str) -> FileHandle:
        if document := self._view.get(uri):
            return self._of_open(document)
        predicted = self._view.predicted.get(normalise(uri))
        return self._disk.read(uri) if predicted is None else self._of_predicted(uri, predicted)

    def typed_since(self, base: FileHandle) -> tuple[Edit, ...] | None:
        """What was typed since `base` was read, as far as this view goes; None where it is not known exactly.

        Some clients send one change for all lines from the first to the last that was typed in: it is cut down.
        """
        document = self._view.get(base.uri)
        if document is None:
            return None
        if base.epoch == document.epoch and base.version is not None:
            known: Iterable[tuple[Edit, ...]] = document.history.edits_since(base.version)
        else:
            known = (document.history.edits_since_opening(),)
        now = document.document.text
        found = next((edits for edits in known if _leads(base.text, edits, now)), None)
        return None if found is None else refined(base.text, found)

    def exists(self, uri: str) -> bool:
        return uri in self._view or normalise(uri) in self._view.predicted or self._disk.exists(uri)

    def children(self, uri: str) -> Iterable[Entry]:
        """The disk's, and open or predicted files that are not there yet."""
        extra = (*self._view, *self._view.predicted)
        return with_entries(self._disk, uri, extra, ())

    def changed(self) -> Mapping[str, FileHandle | None]:
        found: dict[str, FileHandle | None] = {}
        for uri in (*self._view, *self._view.predicted):
            if is_own(uri):
                continue
            handle = self._handle(uri)
            if not handle.same_as_disk:
                found[uri] = handle
        return found

    def fixed(self) -> Collection[str]:
        return self._disk.fixed()

    def text_once(self, uri: str) -> str:
        held = uri in self._view or normalise(uri) in self._view.predicted
        return self.read(uri).text if held else self._disk.text_once(uri)

    def _of_open(self, document: OpenDocument) -> FileHandle:
        on_disk = self._on_disk(document.uri)
        document.history.was_read = True
        return FileHandle(
            document.uri,
            document.document.text,
            document.content_hash,
            on_disk.encoding if on_disk else "utf-8",
            on_disk.bom if on_disk else False,
            document.epoch,
            document.version,
            same_as_disk=on_disk is not None and on_disk.content_hash == document.content_hash,
        )

    def _of_predicted(self, uri: str, predicted: Prediction) -> FileHandle:
        on_disk, text = self._on_disk(uri), predicted.text
        if on_disk and (on_disk.text == text or predicted.disk_hash not in ("", on_disk.content_hash)):
            self._forget(uri, text)
            return on_disk
        encoding, bom = (on_disk.encoding, on_disk.bom) if on_disk else ("utf-8", False)
        return FileHandle(normalise(uri), text, content_hash(text), encoding, bom, same_as_disk=False)

    def _on_disk(self, uri: str) -> FileHandle | None:
        try:
            return self._disk.read(uri)
        except WorkspaceError:
            return None


def _leads(text: str, edits: tuple[Edit, ...], to: str) -> bool:
    try:
        return apply(text, edits) == to
    except ValueError:
        return False


def _check_length(document: OpenDocument) -> None:
    """What the disk refuses by its size is refused in the editor too: each step would hold up everything else."""
    if document.document.n_chars > LIMIT_BYTES:
        raise FileTooLarge(
            f"{document.uri!r} has {document.document.n_chars:,} characters, over the limit of {LIMIT_BYTES:,}.",
            advice="Nothing was changed. Ask the person to change it in the editor, or to split the file.",
        )


class Snapshot:
    """A `FileSource` that does not change. `below` is the same without the pending edits."""

    def __init__(
        self, view: OverlayView, disk: Disk, pending: Pending | None, forget: Callable[[str, str], None]
    ) -> None:
        self.view = view
        self._lower = OverlayFiles(view, FixedDisk(disk), forget)
        self._files: FileSource = pending.view(self._lower) if pending else self._lower
        self._touched = pending.touched() if pending else frozenset[str]()
        self._sides = pending.side_files() if pending else NONE
        self._moved = unread_moves(pending.files() if pending else {})

    @property
    def below(self) -> FileSource:
        return self._lower

    def read(self, uri: str) -> FileHandle:
        return self._files.read(uri)

    def typed_since(self, base: FileHandle) -> tuple[Edit, ...] | None:
        """What was typed in an open document since `base` was read from it; None too where edits of it are pending."""
        return None if normalise(base.uri) in self._touched else self._lower.typed_since(base)

    def exists(self, uri: str) -> bool:
        return self._files.exists(uri)

    def children(self, uri: str) -> Iterable[Entry]:
        return self._files.children(uri)

    def changed(self) -> Mapping[str, FileHandle | None]:
        return self._files.changed()

    def side_files(self) -> SideFiles:
        """What waits that no text edit carries, by URI."""
        return self._sides

    def moved_unread(self) -> Mapping[str, str]:
        """Files that are moved and are no text: destination → source."""
        return self._moved

    def text_once(self, uri: str) -> str:
        """The text, without keeping a disk file in memory: for searches over whole trees."""
        return self._files.read(uri).text if normalise(uri) in self._touched else self._lower.text_once(uri)

    def fixed_uris(self) -> frozenset[str]:
        """Disk files that were read before, and stay what they were then."""
        return frozenset(self._lower.fixed())

    def cells_of(self, uri: str) -> tuple[str, ...] | None:
        """The cells of a notebook that is open as one, as URIs of documents, in order."""
        return self.view.cells_of(uri)

    def held_uris(self) -> frozenset[str]:
        """Files whose text or existence may differ from disk: open, predicted or pending. Touches no disk."""
        return self._touched | frozenset(self.view) | frozenset(self.view.predicted)
