"""Notebooks as the model reads and edits them: the cells' sources under a heading each, nothing of the JSON.

A change of that text becomes changes of the cells: of their open documents where the notebook is open in the editor,
else of the JSON strings in the file (`text.notebooks`). The headings cannot be changed. Start with `Rendering`.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from copydesk.domain.edits import ChangeText, CreateFile, PendingEdit
from copydesk.domain.errors import StaleEdit, UnreadableFile, WorkspaceError
from copydesk.domain.ports import Entry, FileHandle, FileSource
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, normalised
from copydesk.text.hashing import content_hash
from copydesk.text.notebooks import Cell, NotebookError, is_by_cells, is_notebook, read_cells, with_source
from copydesk.workspace.uris import normalise, to_path

CELL_SCHEME = "vscode-notebook-cell:"
EDIT_CELLS = "Read it with read_file, and change the source of its cells with edit_file."
_NOT_HEADINGS = (
    "Change only the sources below the headings; ask the person to add, remove, move or convert cells in the editor."
)


class _Part(NamedTuple):
    """A cell's source in the rendering: `start`..`end`, then a line break that is not its own."""

    start: int
    end: int
    source: str


class Rendering:
    """A notebook's cells as one text. `open_cells` are the documents of an open one, `cells` those of a file."""

    def __init__(self, headings: Sequence[str], sources: Sequence[str]) -> None:
        pieces: list[str] = []
        self.parts: list[_Part] = []
        at = 0
        for heading, source in zip(headings, sources, strict=True):
            start = at + len(heading) + 1
            self.parts.append(_Part(start, start + len(source), source))
            pieces += [heading, "\n", source, "\n"]
            at = start + len(source) + 1
        self.text = "".join(pieces)

    def changed(self, shown: str, edits: Iterable[tuple[int, int, str]]) -> dict[int, str]:
        """The new sources, by the cells' places in the list. Raises WorkspaceError where a heading is touched."""
        by_part: dict[int, list[Edit]] = {}
        for edit in normalised(edits):
            by_part.setdefault(self._part_of(shown, edit), []).append(edit)
        found: dict[int, str] = {}
        for number, inside in by_part.items():
            part = self.parts[number]
            moved = [Edit(start - part.start, end - part.start, new) for start, end, new in inside]
            source = apply(part.source + "\n", moved).removesuffix("\n")
            if source != part.source:
                found[number] = source
        return found

    def _part_of(self, shown: str, edit: Edit) -> int:
        for number, part in enumerate(self.parts):
            if part.start <= edit.start and edit.end <= part.end + 1:
                return number
        raise WorkspaceError(f"The edit of {shown!r} changes more than the sources of its cells.", advice=_NOT_HEADINGS)


class NotebookFiles:
    """A `FileSource` over another in which notebooks read as their cells."""

    def __init__(self, below: FileSource) -> None:
        self.below = below

    def read(self, uri: str) -> FileHandle:
        if not is_notebook(uri):
            return self.below.read(uri)
        try:
            text = rendering(self.below, uri).text
        except NotebookError:
            return self.below.read(uri)
        return FileHandle(normalise(uri), text, content_hash(text))

    def exists(self, uri: str) -> bool:
        return self.below.exists(uri)

    def children(self, uri: str) -> Iterable[Entry]:
        return self.below.children(uri)

    def changed(self) -> Mapping[str, FileHandle | None]:
        return self.below.changed()


def rendering(files: FileSource, uri: str) -> Rendering:
    """Raises NotebookError for what is not a notebook, and what reading raises."""
    if (cells := open_cells(files, uri)) is not None:
        handles = [files.read(cell) for cell in cells]
        n_cells = len(cells)
        headings = [f"# %% cell {number} of {n_cells}: {cell}" for number, cell in enumerate(cells, 1)]
        return Rendering(headings, [handle.text for handle in handles])
    found = read_cells(files.read(uri).text)
    return Rendering([_heading(cell, len(found)) for cell in found], [cell.source for cell in found])


def as_cell_edits(files: FileSource, shown: str, edit: ChangeText) -> tuple[PendingEdit, ...]:
    """A change of the rendering as changes of cells. Raises WorkspaceError."""
    try:
        now = rendering(files, edit.uri)
    except NotebookError as error:
        raise refusal(shown, str(error)) from error
    if content_hash(now.text) != edit.base.content_hash:
        raise StaleEdit(f"{shown!r} has changed since it was read.", advice="Read it again.")
    sources = now.changed(shown, edit.spans)
    if (cells := open_cells(files, edit.uri)) is not None:
        handles = {number: files.read(cells[number]) for number in sources}
        return tuple(ChangeText(h.base, diff(h.text, sources[number])) for number, h in handles.items())
    handle = files.read(edit.uri)
    return (ChangeText(handle.base, diff(handle.text, _in_json(shown, handle.text, sources))),)


def check_notebook(files: FileSource, edit: PendingEdit) -> None:
    """Raises WorkspaceError for a change of a notebook's text that is not one of its cells."""
    if not isinstance(edit, ChangeText | CreateFile) or not _is_really_notebook(edit.uri):
        return
    if isinstance(edit, CreateFile):
        _check_new(files, edit)
        return
    before = files.read(edit.uri).text
    try:
        is_kept = is_by_cells(before, apply(before, normalised(edit.spans)))
    except ValueError:
        is_kept = False
    if not is_kept:
        raise refusal(normalise(edit.uri), "editing its JSON as text can corrupt it")


def refusal(shown: str, why: str) -> UnreadableFile:
    return UnreadableFile(f"{shown!r} is a notebook and is changed by its cells only: {why}.", advice=EDIT_CELLS)


def open_cells(files: FileSource, uri: str) -> tuple[str, ...] | None:
    """The cells of a notebook that is open as one in the editor."""
    cells_of = getattr(files, "cells_of", None)
    return cells_of(uri) if cells_of else None


def cells_below(uris: Iterable[str], notebook: str) -> tuple[str, ...]:
    """Documents that are cells of a notebook by their URIs, where a client told of no order."""
    path = to_path(notebook)
    return tuple(uri for uri in uris if uri.startswith(CELL_SCHEME) and _path_of_cell(uri) == path)


def _path_of_cell(uri: str) -> str | None:
    rest = uri[len(CELL_SCHEME) :].partition("#")[0].partition("?")[0]
    return to_path(normalise(f"file:{rest}" if rest.startswith("//") else f"file://{rest}"))


def _heading(cell: Cell, n_cells: int) -> str:
    name = f", id {cell.id}" if cell.id else ""
    return f"# %% cell {cell.number} of {n_cells}: {cell.kind}{name}"


def _in_json(shown: str, text: str, sources: dict[int, str]) -> str:
    try:
        for number, source in sources.items():
            text = with_source(text, read_cells(text)[number], source)
    except NotebookError as error:
        raise refusal(shown, str(error)) from error
    return text


def _is_really_notebook(uri: str) -> bool:
    path = to_path(uri)
    return is_notebook(uri) or (path is not None and is_notebook(os.path.realpath(path)))


def _check_new(files: FileSource, edit: CreateFile) -> None:
    if files.exists(edit.uri):
        raise refusal(normalise(edit.uri), "it exists already, and cannot be written whole")
    try:
        read_cells(edit.text)
    except NotebookError as error:
        raise UnreadableFile(
            f"{normalise(edit.uri)!r} cannot be made: {error}.", advice="Give a notebook's whole JSON (nbformat 4)."
        ) from error
