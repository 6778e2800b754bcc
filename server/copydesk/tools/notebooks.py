"""Tools that take files, when the file is a notebook: they see its cells' sources, and their edits become the cells'.

Wraps any tool; calls that name no notebook pass straight through. Start with `with_notebooks`.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from copydesk.domain.edits import ChangeText, PendingEdit
from copydesk.domain.errors import WorkspaceError
from copydesk.domain.messages import Problem
from copydesk.domain.ports import FileSource, Question, Tool, Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.text.notebooks import is_notebook
from copydesk.workspace.cells import NotebookFiles, as_cell_edits


def with_notebooks(tool: Tool) -> Tool:
    return _NotebookTool(tool)


class _NotebookTool:
    def __init__(self, tool: Tool) -> None:
        self._tool = tool

    @property
    def spec(self) -> ToolSpec:
        return self._tool.spec

    def prepare(self, arguments: Mapping[str, Any], work: Work) -> Prepared:
        return self._tool.prepare(arguments, work)

    async def execute(self, arguments: Mapping[str, Any], work: Work) -> ToolOutput:
        named = any(isinstance(value, str) and ".ipynb" in value.lower() for value in arguments.values())
        return await self._tool.execute(arguments, _CellWork(work) if named else work)


class _CellWork:
    """A `Work` in which notebooks are their cells."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.shell = work.shell
        self.secrets = work.secrets

    @property
    def files(self) -> FileSource:
        return NotebookFiles(self._work.files)

    @property
    def roots(self) -> tuple[str, ...]:
        return self._work.roots

    def resolve(self, path: str) -> str:
        return self._work.resolve(path)

    def display(self, uri: str) -> str:
        return self._work.display(uri)

    def propose(self, *edits: PendingEdit) -> None:
        made: list[PendingEdit] = []
        for edit in edits:
            if isinstance(edit, ChangeText) and is_notebook(edit.uri):
                made += as_cell_edits(self._work.files, self.display(edit.uri), edit)
            else:
                made.append(edit)
        self._work.propose(*made)

    def note_read(self, uri: str, text: str) -> None:
        if is_notebook(uri):  # a new one was given as JSON, and will be read as its cells
            with suppress(WorkspaceError):
                text = self.files.read(uri).text
        self._work.note_read(uri, text)

    def last_read(self, uri: str) -> str | None:
        return self._work.last_read(uri)

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        return self._work.problems(uri)

    async def ask(self, question: Question) -> str | None:
        return await self._work.ask(question)
