"""How one more proposal joins those there are: each pair of kinds folds into what became of the file in all.

Works on a copy and raises before anything is kept. Create then edit is a create; delete then create a change; move
then edit a move with edits; create then delete nothing. Start with `Folding.add`.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import count

from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile, MoveFile, Origin, PendingEdit
from copydesk.domain.errors import (
    BinaryFile,
    FileExists,
    FileTooLarge,
    MissingFile,
    StaleEdit,
    UnknownEncoding,
    WorkspaceError,
)
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, compose, normalised, rebase
from copydesk.text.pieces import Pieces, written
from copydesk.workspace.proposals import Authored, Files, PendingFile, PendingView, gone
from copydesk.workspace.uris import normalise

_READ_AGAIN = "Read it again and plan the edit on what it says now."
_UNREADABLE = (BinaryFile, UnknownEncoding, FileTooLarge)


class Folding:
    """`files` is the result so far; `below` the base under all proposals; `planned` what the edits were planned on."""

    def __init__(self, files: Files, below: FileSource, planned: FileSource) -> None:
        self.files: dict[str, PendingFile] = dict(files)
        self._below = below
        self._planned = planned

    def add(self, edit: PendingEdit) -> None:
        match edit:
            case ChangeText():
                self._change(edit)
            case CreateFile():
                self._create(normalise(edit.uri), edit.text, edit.overwrite, edit.origin)
            case DeleteFile():
                self._delete(normalise(edit.uri), edit.base, edit.origin)
            case MoveFile():
                self._move(edit)

    # --- text ---

    def _change(self, edit: ChangeText) -> None:
        uri = normalise(edit.uri)
        now = self._view().read(uri)
        spans = self._on_text_now(normalised(edit.spans), edit.base, now)
        try:
            apply(now.text, spans)
        except ValueError as error:
            raise StaleEdit(f"The edit does not fit {uri!r}: {error}.", advice=_READ_AGAIN) from error
        self._put_text(uri, now, spans, edit.origin)

    def _on_text_now(self, spans: tuple[Edit, ...], base: Base, now: FileHandle) -> tuple[Edit, ...]:
        """The spans on the text as it is with all proposals; rebased where they were planned on an older view."""
        if base.content_hash == now.content_hash:
            return spans
        planned = self._read_planned(now.uri)
        if planned is None or planned.content_hash != base.content_hash:
            raise StaleEdit(f"{now.uri!r} is not the text that the edit was planned on.", advice=_READ_AGAIN)
        moved, conflicts = rebase(spans, diff(planned.text, now.text))
        if conflicts:
            raise StaleEdit(f"{now.uri!r} was changed where the edit would go.", advice=_READ_AGAIN)
        return moved

    def _put_text(self, uri: str, now: FileHandle, spans: tuple[Edit, ...], origin: Origin) -> None:
        authored = Authored(origin, spans)
        file = self._current(uri)
        if file is None:
            file = PendingFile(uri, "change", base=now, text=now.text)
        edits = compose(file.edits, spans) if file.base is not None else ()
        text = apply(file.text or "", spans)
        pieces = written(file.pieces, file.text or "", spans, origin.turn, _piece_ids(file.pieces))
        self._put(replace(file, edits=edits, text=text, pieces=pieces, authored=(*file.authored, authored)))

    # --- whole files ---

    def _create(self, uri: str, text: str, overwrite: bool, origin: Origin) -> None:
        if self._exists(uri) and not overwrite:
            raise FileExists(f"{uri!r} exists.", advice="Edit it, or say overwrite to replace it.")
        self._split_move_from(uri)
        file = self._current(uri)
        made_by = (*(file.authored if file else ()), Authored(origin))
        base = self._base_for(uri, file)
        if base is not None:
            kind = "move" if file and file.kind == "move" else "change"
            start = file if file and kind == "move" else PendingFile(uri, kind)
            edits = diff(base.text, text)
            pieces = written(Pieces(), base.text, edits, origin.turn, _piece_ids(Pieces()))
            self._put(replace(start, base=base, text=text, edits=edits, pieces=pieces, authored=made_by))
            return
        replaces = self._below.exists(uri)
        self._put(PendingFile(uri, "create", text=text, overwrite=replaces, authored=made_by))

    def _base_for(self, uri: str, file: PendingFile | None) -> FileHandle | None:
        """The text that a new whole text of `uri` should be said as a change of; None where there is none."""
        if file and file.kind == "move":
            return file.base
        return self._text_below(uri)

    def _delete(self, uri: str, base: Base, origin: Origin) -> None:
        self._check_there(uri, base)
        file = self.files.pop(uri, None)
        made_by = (*(file.authored if file else ()), Authored(origin))
        if file and file.kind == "move":
            self._put(PendingFile(file.moved_from, "delete", base=file.base, authored=made_by))
        if self._below.exists(uri) and uri not in gone(self.files):
            self._put(PendingFile(uri, "delete", base=self._text_below(uri), authored=made_by))

    def _move(self, edit: MoveFile) -> None:
        source, target = normalise(edit.uri), normalise(edit.destination)
        self._check_there(source, edit.base)
        if source == target:
            return
        if self._exists(target):
            if not edit.overwrite:
                raise FileExists(f"{target!r} exists.", advice="Choose another name, or say overwrite.")
            self._drop_target(target, edit.origin)
        self._split_move_from(target, unless=source)
        file = self._current(source) or self._untouched(source)
        self.files.pop(source, None)
        self._put_moved(file, target, edit.origin)

    def _drop_target(self, target: str, origin: Origin) -> None:
        """What a move replaces: a pending file there is forgotten, and where it was moved from it is deleted."""
        replaced = self.files.pop(target, None)
        if replaced and replaced.kind == "move":
            self._put(PendingFile(replaced.moved_from, "delete", base=replaced.base, authored=(Authored(origin),)))

    def _put_moved(self, file: PendingFile, target: str, origin: Origin) -> None:
        self.files.pop(target, None)
        authored = (*file.authored, Authored(origin))
        replaces = self._below.exists(target)
        if file.kind == "create":
            self._put(replace(file, uri=target, overwrite=replaces, authored=authored))
        elif file.base_uri == target:  # back where it came from
            if file.edits:
                self._put(replace(file, uri=target, kind="change", moved_from="", overwrite=False, authored=authored))
        else:
            came_from = file.base_uri
            self._put(
                replace(file, uri=target, kind="move", moved_from=came_from, overwrite=replaces, authored=authored)
            )

    def _split_move_from(self, uri: str, unless: str = "") -> None:
        """Something new will stand where a pending move began: the move becomes a create, and order no matter."""
        for name, file in list(self.files.items()):
            if file.kind == "move" and file.moved_from == uri and name != unless:
                if file.text is None:
                    raise FileExists(f"{uri!r} is being moved and is not text.", advice="Choose another name.")
                self._put(replace(file, kind="create", base=None, edits=(), moved_from=""))

    # --- looking ---

    def _view(self) -> PendingView:
        return PendingView(self.files, self._below, lambda _file, _held: None)

    def _exists(self, uri: str) -> bool:
        return self._view().exists(uri)

    def _current(self, uri: str) -> PendingFile | None:
        """What is proposed for the file, on the base as it is now; None where nothing, or a delete, is."""
        file = self.files.get(uri)
        if file is None or file.kind == "delete":
            return None
        return file.rebased(self._below.read(file.base_uri), self._below) if file.base else file

    def _untouched(self, uri: str) -> PendingFile:
        base = self._text_below(uri)
        return PendingFile(uri, "change", base=base, text=base.text if base else None)

    def _text_below(self, uri: str) -> FileHandle | None:
        try:
            return self._below.read(uri)
        except (MissingFile, *_UNREADABLE):
            return None

    def _read_planned(self, uri: str) -> FileHandle | None:
        try:
            return self._planned.read(uri)
        except WorkspaceError:
            return None

    def _check_there(self, uri: str, base: Base) -> None:
        """The file is there and, where it is text, is what the edit was planned on. Directories are refused."""
        try:
            now = self._view().read(uri)
        except _UNREADABLE:
            return
        if base.content_hash and base.content_hash != now.content_hash:
            raise StaleEdit(f"{uri!r} has changed since it was read.", advice=_READ_AGAIN)

    def _put(self, file: PendingFile) -> None:
        self.files[file.uri] = file


def _piece_ids(pieces: Pieces) -> Callable[[], str]:
    numbers = count(len(pieces.made) + 1)
    return lambda: f"p{next(numbers)}"


def fold(files: Files, edits: Iterable[PendingEdit], below: FileSource, planned: FileSource) -> dict[str, PendingFile]:
    """All the edits folded in, or the error of the first that cannot be."""
    folding = Folding(files, below, planned)
    for edit in edits:
        folding.add(edit)
    return folding.files
