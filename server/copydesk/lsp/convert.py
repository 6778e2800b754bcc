"""Between our words and lsprotocol's: positions, ranges, workspace edits.

Ours are offsets and columns in code points; the client's are code units of the negotiated encoding. Start with
`to_lsp_workspace_edit`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias, cast

from lsprotocol import types

from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import FileEdit, WorkspaceChange
from copydesk.text.documents import Document
from copydesk.text.positions import Encoding, from_codepoints, to_codepoints

LspPosition: TypeAlias = "types.Position | dict[str, Any]"
LspRange: TypeAlias = "types.Range | dict[str, Any]"
DocumentChange: TypeAlias = types.TextDocumentEdit | types.CreateFile | types.RenameFile | types.DeleteFile
ANNOTATION = "copydesk"
_PAST_EVERY_LINE = 2**31 - 1


class UnsupportedFileOperations(CopydeskError):
    """The client cannot move or delete files itself. `moves` are (from, to)."""

    def __init__(self, moves: tuple[tuple[str, str], ...], deletes: tuple[str, ...]) -> None:
        wanted = [f"move {old!r} to {new!r}" for old, new in moves] + [f"delete {uri!r}" for uri in deletes]
        super().__init__(
            f"The editor does not take file operations: {', '.join(wanted)}.",
            advice="Do these by hand; the text edits can be applied without them.",
        )
        self.moves = moves
        self.deletes = deletes


# --- positions -------------------------------------------------------------------------------------------


def to_lsp_position(document: Document, offset: int, encoding: Encoding) -> types.Position:
    line, column = document.position_at(offset)
    return types.Position(line, from_codepoints(document.line(line), column, encoding))


def to_lsp_range(document: Document, start: int, end: int, encoding: Encoding) -> types.Range:
    """`start` and `end` are offsets."""
    return types.Range(to_lsp_position(document, start, encoding), to_lsp_position(document, end, encoding))


def to_lsp_line_range(document: Document, place: LineRange, encoding: Encoding) -> types.Range:
    start = from_codepoints(document.line(place.start_line), place.start_column, encoding)
    end = from_codepoints(document.line(place.end_line), place.end_column, encoding)
    return types.Range(types.Position(place.start_line, start), types.Position(place.end_line, end))


def from_lsp_position(document: Document, position: LspPosition, encoding: Encoding) -> tuple[int, int]:
    """(line, column) in code points, clamped to the document. Takes raw JSON too, as commands get it.

    Raises ValueError when the JSON is no position.
    """
    line, character = _line_and_character(position)
    if line < 0:
        return 0, 0
    if line >= document.n_lines:
        line, character = document.n_lines - 1, _PAST_EVERY_LINE
    return line, to_codepoints(document.line(line), character, encoding)


def from_lsp_range(document: Document, place: LspRange, encoding: Encoding) -> LineRange:
    """Clamped; an end before the start is swapped with it. Raises ValueError when the JSON is no range."""
    start, end = _ends(place)
    first = from_lsp_position(document, start, encoding)
    last = from_lsp_position(document, end, encoding)
    return LineRange(*first, *last) if first <= last else LineRange(*last, *first)


def _ends(place: object) -> tuple[Any, Any]:
    if isinstance(place, types.Range):
        return place.start, place.end
    given = cast("dict[str, Any]", place) if isinstance(place, dict) else {}
    if "start" not in given or "end" not in given:
        raise ValueError(f"range: a start and an end are needed, not {place!r}")
    return given["start"], given["end"]


def _line_and_character(position: object) -> tuple[int, int]:
    if isinstance(position, types.Position):
        return position.line, position.character
    given = cast("dict[str, Any]", position) if isinstance(position, dict) else {}
    line, character = given.get("line"), given.get("character")
    if isinstance(line, int) and isinstance(character, int):
        return line, character
    raise ValueError(f"position: a line and a character are needed, not {position!r}")


# --- workspace edits -------------------------------------------------------------------------------------


def to_lsp_workspace_edit(
    change: WorkspaceChange,
    capabilities: types.ClientCapabilities,
    encoding: Encoding,
    annotation: types.ChangeAnnotation | None = None,
    *,
    spell: Callable[[str], str] = str,
    ends_lines: bool = False,
) -> types.WorkspaceEdit:
    """One workspace edit in the richest form this client takes. `spell` gives a URI as the editor writes it.

    Versioned `documentChanges` wherever the client says anything of workspace edits: Neovim does not advertise them
    and handles them. A file is created by CreateFile, or by the text edit alone where the client has no file
    operations. `ends_lines`: the client ends a new file's last line by itself, and takes a version of 0 for none.
    `annotation` is left out where the client knows none. Raises `UnsupportedFileOperations`.
    """
    client = _client_edits(capabilities)
    _check_operations(change, client)
    if client is None or client.document_changes is False:
        return types.WorkspaceEdit(changes=_plain_changes(change, encoding, spell))
    if ends_lines:
        change = _for_neovim(change)
    noted = annotation if client.change_annotation_support is not None else None
    build = _Builder(encoding, ANNOTATION if noted else None, spell)
    return types.WorkspaceEdit(
        document_changes=build.all(change, can_create=_takes(client, types.ResourceOperationKind.Create)),
        change_annotations={ANNOTATION: noted} if noted else None,
    )


def _for_neovim(change: WorkspaceChange) -> WorkspaceChange:
    """It applies an edit for version 0 to whatever there is. After 0 comes 5: 1 says the same, and is checked."""
    return replace(
        change,
        creates=tuple((uri, text.removesuffix("\n")) for uri, text in change.creates),
        edits=tuple(replace(edit, version=1) if edit.version == 0 else edit for edit in change.edits),
    )


class _Builder:
    def __init__(self, encoding: Encoding, annotation_id: str | None, spell: Callable[[str], str]) -> None:
        self._encoding: Encoding = encoding
        self._annotation_id = annotation_id
        self._spell = spell

    def all(self, change: WorkspaceChange, *, can_create: bool) -> list[DocumentChange]:
        """File operations first, then text, then deletes."""
        built: list[DocumentChange] = []
        if can_create:
            built += [self._create(uri, overwrite=uri in change.overwrite) for uri, _ in change.creates]
        built += [self._move(old, new) for old, new in change.moves]
        for uri, text in change.creates:
            if text or not can_create:
                replaced = uri in change.overwrite and not can_create
                built.append(self._text(uri, None, [_new_text(text, replace=replaced)]))
        built += [self._text(edit.uri, edit.version, _text_edits(edit, self._encoding)) for edit in change.edits]
        built += [self._delete(uri) for uri in change.deletes]
        return built

    def _create(self, uri: str, *, overwrite: bool) -> types.CreateFile:
        # Without ignoreIfExists Neovim truncates a file that is there.
        options = types.CreateFileOptions(overwrite=overwrite, ignore_if_exists=not overwrite)
        return types.CreateFile(uri=self._spell(uri), options=options, annotation_id=self._annotation_id)

    def _move(self, old: str, new: str) -> types.RenameFile:
        options = types.RenameFileOptions(overwrite=False, ignore_if_exists=False)
        return types.RenameFile(
            old_uri=self._spell(old), new_uri=self._spell(new), options=options, annotation_id=self._annotation_id
        )

    def _delete(self, uri: str) -> types.DeleteFile:
        options = types.DeleteFileOptions(recursive=False, ignore_if_not_exists=True)
        return types.DeleteFile(uri=self._spell(uri), options=options, annotation_id=self._annotation_id)

    def _text(self, uri: str, version: int | None, edits: Sequence[types.TextEdit]) -> types.TextDocumentEdit:
        document = types.OptionalVersionedTextDocumentIdentifier(uri=self._spell(uri), version=version)
        return types.TextDocumentEdit(text_document=document, edits=[self._annotated(edit) for edit in edits])

    def _annotated(self, edit: types.TextEdit) -> types.TextEdit | types.AnnotatedTextEdit:
        if self._annotation_id is None:
            return edit
        return types.AnnotatedTextEdit(annotation_id=self._annotation_id, range=edit.range, new_text=edit.new_text)


def _client_edits(capabilities: types.ClientCapabilities) -> types.WorkspaceEditClientCapabilities | None:
    return capabilities.workspace.workspace_edit if capabilities.workspace else None


def _takes(client: types.WorkspaceEditClientCapabilities | None, kind: types.ResourceOperationKind) -> bool:
    return client is not None and kind in (client.resource_operations or ())


def _check_operations(change: WorkspaceChange, client: types.WorkspaceEditClientCapabilities | None) -> None:
    plain = client is None or client.document_changes is False
    moves = change.moves if plain or not _takes(client, types.ResourceOperationKind.Rename) else ()
    deletes = change.deletes if plain or not _takes(client, types.ResourceOperationKind.Delete) else ()
    if moves or deletes:
        raise UnsupportedFileOperations(moves, deletes)


def _plain_changes(
    change: WorkspaceChange, encoding: Encoding, spell: Callable[[str], str]
) -> dict[str, Sequence[types.TextEdit]]:
    created = {spell(uri): [_new_text(text, replace=uri in change.overwrite)] for uri, text in change.creates}
    return {**created, **{spell(edit.uri): _text_edits(edit, encoding) for edit in change.edits}}


def _text_edits(edit: FileEdit, encoding: Encoding) -> list[types.TextEdit]:
    document = Document.of(edit.text)
    return [types.TextEdit(to_lsp_range(document, start, end, encoding), text) for start, end, text in edit.spans]


def _new_text(text: str, *, replace: bool) -> types.TextEdit:
    end = types.Position(_PAST_EVERY_LINE, 0) if replace else types.Position(0, 0)
    return types.TextEdit(types.Range(types.Position(0, 0), end), text)
