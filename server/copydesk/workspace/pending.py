"""A session's undecided edits over what the editor and disk hold: proposed, folded together, read through.

The mapping of files is replaced, never changed, so a view is a reference. What a file's proposal is, and how it is
read, is in `proposals`; how one more joins is in `folding`.
"""

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from copydesk.domain.commands import SideFile
from copydesk.domain.edits import PendingEdit
from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import FileSource
from copydesk.workspace.folding import fold
from copydesk.workspace.proposals import Authored, Files, Held, Mark, PendingFile, PendingView, gone
from copydesk.workspace.side_files import NONE, SideFiles, followed, joined
from copydesk.workspace.uris import normalise

__all__ = ["Authored", "Files", "Held", "Layered", "Mark", "Pending", "PendingFile", "PendingView"]


@runtime_checkable
class Layered(Protocol):
    """A source that can show what lies below the pending edits in it."""

    @property
    def below(self) -> FileSource: ...


class Pending:
    def __init__(self) -> None:
        self._files: Files = MappingProxyType({})
        self._sides: SideFiles = NONE
        self._side_turns: dict[str, str] = {}

    def files(self) -> Files:
        """By URI; a moved file stands under its destination only. What `rebase` held back is in `held`."""
        return self._files

    def touched(self) -> frozenset[str]:
        """Every URI that reads differently because of this, sources of moves included."""
        return frozenset(self._files) | gone(self._files)

    def view(self, base: FileSource) -> "PendingView":
        """The proposals as they are now, over `base`."""
        return PendingView(self._files, base, self._remember_held)

    def propose(self, edits: Iterable[PendingEdit], view: FileSource) -> None:
        """Adds edits planned on `view`: all or none. Raises StaleEdit, MissingFile or FileExists, naming the file."""
        below = view.below if isinstance(view, Layered) else view
        planned = tuple(edits)
        self._files = MappingProxyType(fold(self._files, planned, below, view))
        if self._sides:
            self._sides = followed(self._sides, planned)

    # --- what no text edit carries ---

    def side_files(self) -> SideFiles:
        return self._sides

    def side_turn(self, uri: str) -> str:
        """The newest turn that had a part in a side file."""
        return self._side_turns.get(uri, "")

    @property
    def is_empty(self) -> bool:
        return not self._files and not self._sides

    def propose_side_files(self, files: Iterable[SideFile], turn: str = "") -> None:
        """Adds what a command changed after what waits already."""
        newer = tuple(files)
        self._sides = joined(self._sides, newer)
        for side in newer:
            self._side_turns[normalise(side.uri)] = turn

    def drop_side_files(self, uris: Iterable[str]) -> None:
        """They are decided."""
        gone = {normalise(uri) for uri in uris}
        self._sides = MappingProxyType({uri: side for uri, side in self._sides.items() if uri not in gone})

    # --- what becomes of them ---

    def rebase(self, base: FileSource) -> Files:
        """Moves every proposal onto the text that `base` has now; a file that is gone from it holds back all."""
        self._files = MappingProxyType({uri: rebased_onto(file, base) for uri, file in self._files.items()})
        return self._files

    def discard(self, uri: str | None = None) -> None:
        """Forgets everything, or one file's proposal (for a move: named by its destination or its source)."""
        key = normalise(uri) if uri is not None else None
        kept = {
            name: file for name, file in self._files.items() if key is not None and key not in (name, file.moved_from)
        }
        self._files = MappingProxyType(kept)

    def put(self, file: PendingFile, known: PendingFile | None = None) -> bool:
        """Sets what is proposed for a file, or nothing any more where it says no change. With `known`: only if that
        still is what is proposed; False when it is not.
        """
        if known is not None and self._files.get(known.uri) is not known:
            return False
        kept = {uri: each for uri, each in self._files.items() if known is None or uri != known.uri}
        if not file.is_void:
            kept[file.uri] = file
        self._files = MappingProxyType(kept)
        return True

    def _remember_held(self, file: PendingFile, held: tuple[Held, ...]) -> None:
        """A view found that typing meets these edits; `files()` says so from now on."""
        if file.held != held:
            self.put(replace(file, held=held), file)


def rebased_onto(file: PendingFile, base: FileSource) -> PendingFile:
    if file.base is None or file.kind == "delete":
        return file
    try:
        return file.rebased(base.read(file.base_uri), base)
    except WorkspaceError:
        return file.all_held()
