"""Notebooks for tests: their JSON, and an editor that has one open as VS Code does, cell by cell."""

import json
from collections.abc import Sequence
from typing import Any

from tests.support.fake_editor import Buffer, FakeEditor

Json = dict[str, Any]


def notebook_json(*sources: str, indent: int | str | None = 1, as_list: bool = True, **top: Any) -> str:
    """A notebook of format 4: code cells with outputs, ids `c1`, `c2`, …"""
    cells = [
        {
            "cell_type": "code",
            "execution_count": number,
            "id": f"c{number}",
            "metadata": {"tags": ["größe"]},
            "outputs": [{"name": "stdout", "output_type": "stream", "text": ["é\n", "x = 1"]}],
            "source": source.splitlines(keepends=True) if as_list else source,
        }
        for number, source in enumerate(sources, 1)
    ]
    whole = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **top}
    return json.dumps(whole, indent=indent, ensure_ascii=False) + "\n"


class OpenNotebook:
    """A notebook in the fake editor: its cells are buffers, and their changes go out as the notebook's."""

    def __init__(self, editor: FakeEditor, uri: str, sources: Sequence[str]) -> None:
        self.editor, self.uri = editor, uri
        self.cells: list[str] = []
        self._n_made = 0
        self._notify = editor._send
        editor._send = self._send
        items = [self._buffer(source) for source in sources]
        self.cells = [item["uri"] for item in items]
        cells = [{"kind": 2, "document": cell} for cell in self.cells]
        notebook = {"uri": uri, "notebookType": "jupyter-notebook", "version": 1, "cells": cells}
        self._notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": items})

    def text(self, number: int) -> str:
        return self.editor.buffers[self.cells[number]].text

    def insert(self, at: int, source: str) -> None:
        """A person adds a cell."""
        item = self._buffer(source)
        array = {"start": at, "deleteCount": 0, "cells": [{"kind": 2, "document": item["uri"]}]}
        self.cells.insert(at, item["uri"])
        self._changed({"structure": {"array": array, "didOpen": [item]}})

    def remove(self, at: int) -> None:
        cell = self.cells.pop(at)
        del self.editor.buffers[cell]
        array = {"start": at, "deleteCount": 1}
        self._changed({"structure": {"array": array, "didClose": [{"uri": cell}]}})

    def close(self) -> None:
        documents = [{"uri": cell} for cell in self.cells]
        for cell in self.cells:
            del self.editor.buffers[cell]
        self._notify(
            "notebookDocument/didClose", {"notebookDocument": {"uri": self.uri}, "cellTextDocuments": documents}
        )

    def _buffer(self, source: str) -> Json:
        self._n_made += 1
        uri = f"vscode-notebook-cell:{self.uri.removeprefix('file://')}#W{self._n_made}sZmlsZQ%3D%3D"
        self.editor.buffers[uri] = Buffer(uri, source, 1)
        return {"uri": uri, "languageId": "python", "version": 1, "text": source}

    def _send(self, method: str, params: Json) -> None:
        if method == "textDocument/didChange" and params["textDocument"]["uri"] in self.cells:
            self._changed({"textContent": [{"document": params["textDocument"], "changes": params["contentChanges"]}]})
        else:
            self._notify(method, params)

    def _changed(self, cells: Json) -> None:
        identifier = {"uri": self.uri, "version": 2}
        self._notify("notebookDocument/didChange", {"notebookDocument": identifier, "change": {"cells": cells}})
