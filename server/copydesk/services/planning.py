"""What one send is made of: each pending file on the text as it is now, or why it cannot be sent.

Looks at files and pending edits; sends nothing. What would overwrite or delete text that nobody has decided about is
not planned but said. Start with `plan_of`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

from copydesk.domain.errors import MissingFile, WorkspaceError
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileEdit, FileHandle, FileSource, WorkspaceChange
from copydesk.services.landed import Landed
from copydesk.text.edits import Edit, compose_all, invert
from copydesk.text.hashing import content_hash
from copydesk.text.linewise import Lines
from copydesk.text.pieces import Pieces
from copydesk.text.proofs import refined
from copydesk.workspace.overlay import OpenDocument
from copydesk.workspace.pending import Pending, PendingFile, rebased_onto
from copydesk.workspace.proposals import PendingKind, typed_since
from copydesk.workspace.snapshot import Snapshot


@frozen
class PlannedFile:
    """One file's part of the edit. `before` is None for a new file and for what is not text, `after` for a deleted one.

    `edits` lead from `before` to `after`. `proposed` is what was pending, `file` the same as it is sent. `document` is
    the open document as it was when this was planned; `typed` leads from the text it was proposed on to `before`.
    """

    uri: str
    kind: PendingKind
    file: PendingFile
    proposed: PendingFile
    before: FileHandle | None
    after: str | None
    edits: tuple[Edit, ...] = ()
    moved_from: str = ""
    overwrite: bool = False
    n_held: int = 0
    document: OpenDocument | None = None
    typed: tuple[Edit, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.document is not None

    @property
    def text(self) -> str:
        """The text that the edit is sent for."""
        return self.before.text if self.before else ""

    @property
    def n_hunks(self) -> int:
        return len(self.edits)


@frozen
class Unplanned:
    """A file that is not sent. `done`: there is nothing left to do for it."""

    uri: str
    note: str
    done: bool = False


def plan_of(pending: Pending, base: Snapshot, skip: Callable[[str], bool]) -> list[PlannedFile | Unplanned]:
    """Every pending file that is not skipped. May block on the disk."""
    view = pending.view(base)
    todo = [uri for uri, file in pending.files().items() if not skip(uri) and not file.is_only_held]
    return [_planned(uri, pending, base, view) for uri in todo]


def _planned(uri: str, pending: Pending, base: Snapshot, view: FileSource) -> PlannedFile | Unplanned:
    file = pending.files()[uri]
    if file.kind == "move" and base.exists(uri):
        if base.exists(file.moved_from) and not file.overwrite:
            return Unplanned(uri, "something else has been put there meanwhile; it was not moved")
        return _moved_already(file, base)
    try:
        if file.text is not None and view.exists(uri):
            view.read(uri)  # so that the view notes what is held
        now = rebased_onto(file, base)
        before = base.read(file.base_uri) if file.base is not None or file.kind == "create" else None
    except MissingFile as error:
        if file.kind == "create":
            now, before = file, None
        elif file.kind == "delete":
            return Unplanned(uri, "it is deleted already", done=True)
        else:
            return Unplanned(uri, str(error))
    except WorkspaceError as error:
        return Unplanned(uri, str(error))
    document = base.view.get(file.base_uri)
    planned = _checked(uri, file, now, before, document)
    if isinstance(planned, Unplanned) or before is None or file.base is None:
        return planned
    return replace(planned, typed=typed_since(base.below, file.base, before))


def _moved_already(file: PendingFile, base: Snapshot) -> PlannedFile | Unplanned:
    """A move of which only the text is left to do: Helix keeps what it did before an edit was refused."""
    uri, first = file.uri, file.base
    try:
        before = base.read(uri)
    except WorkspaceError as error:
        return Unplanned(uri, str(error), done=first is None)
    if first is None or before.content_hash != first.content_hash:
        return Unplanned(uri, "it is moved already, and its text is another; nothing more was touched")
    if not file.edits:
        return Unplanned(uri, "it is moved already", done=True)
    now = replace(file, kind="change", base=before, moved_from="")
    return _checked(uri, now, now, before, base.view.get(uri))


def _checked(
    uri: str, proposed: PendingFile, file: PendingFile, before: FileHandle | None, document: OpenDocument | None
) -> PlannedFile | Unplanned:
    n_held, edits = len(file.held), file.edits
    if file.kind == "create" and before is not None:
        if before.text not in ("", file.text):
            return Unplanned(uri, "something else has been written there meanwhile; nothing was touched")
        edits = (Edit(0, 0, file.text or ""),) if not before.text and file.text else ()
    if file.kind == "create" and before is None:
        edits = (Edit(0, 0, file.text),) if file.text else ()
    if file.kind == "delete" and before and file.base and before.content_hash != file.base.content_hash:
        return Unplanned(uri, "it was changed since its deletion was proposed, and was not deleted")
    if before is not None and file.kind in ("change", "create") and not edits:
        return Unplanned(uri, held_note(n_held) or "it already says that", done=not n_held)
    edits = refined(before.text, edits, within_lines=True) if before else edits
    file = replace(file, edits=edits)
    after = None if file.kind == "delete" else file.text
    return PlannedFile(
        uri, file.kind, file, proposed, before, after, edits, file.moved_from, file.overwrite, n_held, document
    )


def misread_note(file: PlannedFile) -> str:
    """Why an editor should not be sent the edit of a file that it has not opened; empty where it may be.

    Nobody knows which encoding it will choose. VS Code reads Latin-1 and Shift-JIS as UTF-8: the edit lands at another
    column, and saving writes U+FFFD over every character that it could not read.
    """
    before = file.before
    if file.is_open or before is None or not file.edits or before.bom or before.encoding == "utf-8":
        return ""
    if before.text.isascii() and (file.after or "").isascii() and not before.encoding.startswith("utf-"):
        return ""
    return (
        f"it is in {before.encoding} and not open, and the editor may read it as something else and lose characters: "
        "open it there in that encoding, then accept the edit or ask again"
    )


def held_note(n_held: int) -> str:
    return f"{n_held} of its edits conflict with newer typing and were held back" if n_held else ""


def by_lines(file: PlannedFile) -> PlannedFile:
    """The same as whole lines: what a person reads and ticks in an editor's preview. May take a moment."""
    if file.before is None or file.after is None or not file.edits:
        return file
    return replace(file, edits=Lines(file.before.text, file.after).edits())


def held_left(planned: PlannedFile, landed: Landed) -> PendingFile | None:
    """What is left of a file whose other edits have landed: those that typing has met, for the person to see."""
    file, first = planned.file, planned.proposed.base
    if not file.held or first is None or file.kind != "change" or landed.now is None:
        return None
    back = invert(first.text, planned.typed)
    since = compose_all([landed.typed_before, landed.ours, landed.typed_after])
    held = tuple(each.moved(back).moved(since) for each in file.held)
    hashed = content_hash(landed.now)
    base = replace(first, text=landed.now, content_hash=hashed, epoch=landed.epoch, version=landed.version)
    left = replace(file, base=base, text=landed.now, edits=(), held=held, dropped=held, marks=(), pieces=Pieces())
    return replace(left, pinned=False, part="")


def change_of(plan: Iterable[PlannedFile], label: str) -> WorkspaceChange:
    """The planned files as one workspace edit."""
    files = tuple(plan)
    new = [file for file in files if file.kind == "create" and file.before is None]
    return WorkspaceChange(
        label=label,
        edits=tuple(chain.from_iterable(_edits(file) for file in files if file not in new)),
        creates=tuple((file.uri, file.after or "") for file in new),
        moves=tuple((file.moved_from, file.uri) for file in files if file.kind == "move"),
        deletes=tuple(file.uri for file in files if file.kind == "delete"),
        overwrite=frozenset(file.uri for file in files if file.overwrite),
    )


def _edits(file: PlannedFile) -> Iterable[FileEdit]:
    """The text edit of a file. An open one that is to be deleted has an empty edit: clients check its version."""
    if file.before is None or (not file.edits and not (file.kind == "delete" and file.is_open)):
        return
    version = file.before.version if file.kind != "move" else None
    yield FileEdit(file.uri, version, file.before.text, file.edits)
