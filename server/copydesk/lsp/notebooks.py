"""Notebook synchronisation: the cells of an open notebook are documents of the overlay, in the notebook's order.

The text of a cell is synchronised as any document's is (`documents`); this module owns which cells there are. Like
document sync it takes raw JSON and answers nothing. Start with `NotebookSync.did_change`.
"""

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from copydesk.lsp.documents import as_object, as_text
from copydesk.lsp.handlers import Handlers, invalid_params

if TYPE_CHECKING:
    from copydesk.lsp.documents import DocumentSync
    from copydesk.workspace.overlay import Overlay


class NotebookSync:
    def __init__(self, documents: "DocumentSync", overlay: "Overlay") -> None:
        self._documents = documents
        self._overlay = overlay

    def register(self, handlers: Handlers) -> None:
        handlers.notification(types.NOTEBOOK_DOCUMENT_DID_OPEN, self.did_open, raw=True)
        handlers.notification(types.NOTEBOOK_DOCUMENT_DID_CHANGE, self.did_change, raw=True)
        handlers.notification(types.NOTEBOOK_DOCUMENT_DID_SAVE, self.did_save, raw=True)
        handlers.notification(types.NOTEBOOK_DOCUMENT_DID_CLOSE, self.did_close, raw=True)

    def did_open(self, params: Any) -> None:
        notebook = as_object(as_object(params, "params").get("notebookDocument"), "params.notebookDocument")
        uri, cells = as_text(notebook.get("uri"), "params.notebookDocument.uri"), _cells(notebook.get("cells"))
        self._open_texts(params.get("cellTextDocuments"))
        self._overlay.arrange(uri, cells)

    def did_change(self, params: Any) -> None:
        uri = _notebook_uri(params)
        change = as_object(params.get("change"), "params.change").get("cells")
        if not isinstance(change, dict):
            return  # metadata only
        cells = cast("dict[str, Any]", change)
        if isinstance(structure := cells.get("structure"), dict):
            self._restructure(uri, cast("dict[str, Any]", structure))
        for entry in _list(cells.get("textContent")):
            content = as_object(entry, "params.change.cells.textContent")
            self._documents.did_change(
                {"textDocument": content.get("document"), "contentChanges": content.get("changes")}
            )

    def did_save(self, params: Any) -> None:
        for cell in self._overlay.cells_of(_notebook_uri(params)):
            self._overlay.saved(cell)

    def did_close(self, params: Any) -> None:
        uri = _notebook_uri(params)
        cells = {*self._overlay.cells_of(uri)}
        cells.update(_document_uri(each) for each in _list(params.get("cellTextDocuments")))
        self._overlay.arrange(uri, None)
        for cell in cells:
            self._overlay.close(cell)

    def _restructure(self, uri: str, structure: dict[str, Any]) -> None:
        """Cells that came, went or moved. A moved cell leaves and comes back in one array change."""
        array = as_object(structure.get("array"), "params.change.cells.structure.array")
        start, n_deleted = _count(array.get("start")), _count(array.get("deleteCount"))
        now = self._overlay.cells_of(uri)
        self._open_texts(structure.get("didOpen"))
        self._overlay.arrange(uri, [*now[:start], *_cells(array.get("cells")), *now[start + n_deleted :]])
        for each in _list(structure.get("didClose")):
            self._overlay.close(_document_uri(each))

    def _open_texts(self, given: Any) -> None:
        for item in _list(given):
            self._documents.did_open({"textDocument": item})


def _cells(given: Any) -> list[str]:
    return [as_text(as_object(cell, "a notebook cell").get("document"), "a cell's document") for cell in _list(given)]


def _notebook_uri(params: Any) -> str:
    notebook = as_object(as_object(params, "params").get("notebookDocument"), "params.notebookDocument")
    return as_text(notebook.get("uri"), "params.notebookDocument.uri")


def _document_uri(item: Any) -> str:
    return as_text(as_object(item, "a document").get("uri"), "a document's uri")


def _list(given: Any) -> list[Any]:
    return cast("list[Any]", given) if isinstance(given, list) else []


def _count(given: Any) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    raise invalid_params("params.change.cells.structure.array: start and deleteCount are needed")
