"""Code intelligence over any FileSource: symbols in process, the rest through jedi's worker and ruff, all limited.

Implements `domain.ports.CodeIntel`. Owns which engine answers what; knows no engine's inside. The worker is started
on first use. Start with `Intel`; close it with `aclose`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import anyio

from copydesk.code import elsewhere, ruff
from copydesk.code.edits import moved_and_changed, replaced
from copydesk.code.grammars import language_of
from copydesk.code.jedi_client import JediClient
from copydesk.code.places import path_for, to_path, to_uri
from copydesk.code.symbols import SymbolTable
from copydesk.code.syntax_problems import syntax_problems
from copydesk.domain.edits import PendingEdit
from copydesk.domain.errors import ToolFailed, WorkspaceError
from copydesk.domain.messages import LineRange, Problem
from copydesk.domain.ports import FileHandle, FileSource, Found, Symbol
from copydesk.domain.tools import Location

TIMEOUT_S = 5.0
REFACTORING_TIMEOUT_S = 20.0
IDLE_S = 300.0
"""After so long without a question the worker ends: it holds as much memory as all the rest."""
_N_FILES_SEARCHED = 2000
_N_SYMBOLS_FOUND = 200
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv", "target", "dist", "build", "site-packages"})


class Roots(Protocol):
    """The part of a workspace that is needed here: the URIs of its folders, which may change."""

    @property
    def roots(self) -> tuple[str, ...]: ...


class Intel:
    def __init__(self, workspace: Roots, *, timeout_s: float = TIMEOUT_S, table: SymbolTable | None = None) -> None:
        self._workspace = workspace
        self._timeout_s = timeout_s
        self.table = table or SymbolTable()
        self._jedi = JediClient()

    async def aclose(self) -> None:
        await self._jedi.aclose()

    async def tend(self, idle_s: float = IDLE_S) -> None:
        """For a task of its owner, without end: ends the worker while nobody asks it anything."""
        await self._jedi.tend(idle_s)

    async def __aenter__(self) -> "Intel":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # --- what is where ---------------------------------------------------------------------------------

    def symbols(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        return self.table.symbols(files.read(uri))

    async def outline(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        return await anyio.to_thread.run_sync(self.symbols, files, uri, abandon_on_cancel=True)

    async def find_symbols(self, files: FileSource, query: str) -> tuple[Symbol, ...]:
        return await anyio.to_thread.run_sync(self._find_symbols, files, query, abandon_on_cancel=True)

    def _find_symbols(self, files: FileSource, query: str) -> tuple[Symbol, ...]:
        wanted = query.casefold()
        found: list[Symbol] = []
        for uri in _source_files(files, self._workspace.roots):
            try:
                symbols = self.symbols(files, uri)
            except WorkspaceError:
                continue  # binary, unreadable, gone since: it has no symbols
            found.extend(symbol for symbol in symbols if wanted in symbol.name.casefold())
            if len(found) >= _N_SYMBOLS_FOUND:
                break
        found.sort(key=lambda symbol: (symbol.name.casefold() != wanted, len(symbol.name)))
        return tuple(found[:_N_SYMBOLS_FOUND])

    async def definition(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
        if language_of(uri) != "python":
            return elsewhere.definition(self.table, files, uri, line, column)
        answer = await self._ask(files, uri, {"op": "definition", "line": line, "column": column})
        return _found(files, uri, answer)

    async def references(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
        if language_of(uri) != "python":
            return elsewhere.references(self.table, files, uri, line, column)
        answer = await self._ask(files, uri, {"op": "references", "line": line, "column": column})
        return _found(files, uri, answer)

    async def hover(
        self, files: FileSource, uri: str, line: int, column: int, *, timeout_s: float | None = None
    ) -> str:
        """Signature and documentation. With a short `timeout_s` a late answer is there for the next hover."""
        if language_of(uri) != "python":
            return self._signature(files, uri, line, column)
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        return await self._jedi.hover(files, self._workspace.roots, uri, line, column, limit_s)

    def _signature(self, files: FileSource, uri: str, line: int, column: int) -> str:
        found = elsewhere.definition(self.table, files, uri, line, column)
        places = {(one.location.uri, one.location.line) for one in found}
        symbols = (symbol for one in found for symbol in self.symbols(files, one.location.uri))
        return "\n".join(dict.fromkeys(one.signature for one in symbols if (one.uri, one.line) in places))

    async def near_names(self, files: FileSource, uri: str, line: int, column: int) -> tuple[str, ...]:
        """Names that could stand at a place in a Python file, from jedi's completion."""
        return tuple((await self._ask(files, uri, {"op": "complete", "line": line, "column": column}))["names"])

    # --- what is wrong -----------------------------------------------------------------------------------

    async def problems(self, files: FileSource, uri: str) -> tuple[Problem, ...]:
        handle = files.read(uri)
        if language_of(uri) != "python":
            return syntax_problems(self.table.syntaxes.get(handle))
        path = path_for(uri)
        return await ruff.check(uri, path, self._root_paths(), handle.text, self._timeout_s)

    async def all_problems(self, files: FileSource, uris: Sequence[str]) -> tuple[Problem, ...]:
        return tuple([problem for uri in uris for problem in await self.problems(files, uri)])

    async def fix(self, files: FileSource, uri: str, rules: str) -> tuple[PendingEdit, ...]:
        handle = _python(files, uri, "fixed")
        path = path_for(uri)
        new = await ruff.fixed(path, self._root_paths(), handle.text, rules, self._timeout_s)
        return replaced(handle, new)

    # --- what can be changed -----------------------------------------------------------------------------

    async def annotate(
        self, files: FileSource, uri: str, line: int, end_line: int | None = None
    ) -> tuple[PendingEdit, ...]:
        handle = _python(files, uri, "annotated")
        answer = await self._refactor(files, uri, {"op": "annotate", "line": line, "end_line": end_line})
        return moved_and_changed(
            files, {"files": {path_for(uri): answer["spans"]}, "moves": []}, {path_for(uri): handle}
        )

    async def rename(
        self, files: FileSource, uri: str, line: int, column: int, new_name: str
    ) -> tuple[PendingEdit, ...]:
        handle = _python(files, uri, "renamed in")
        question = {"op": "rename", "line": line, "column": column, "new_name": new_name}
        return moved_and_changed(files, await self._refactor(files, uri, question), {path_for(uri): handle})

    async def extract(
        self, files: FileSource, uri: str, range: LineRange, new_name: str, kind: str
    ) -> tuple[PendingEdit, ...]:
        handle = _python(files, uri, "refactored")
        if kind not in ("variable", "function"):
            raise ToolFailed(f"{kind!r} cannot be extracted.", advice="Ask for 'variable' or 'function'.")
        where = [range.start_line, range.start_column, range.end_line, range.end_column]
        question = {"op": "extract", "range": where, "new_name": new_name, "kind": kind}
        return replaced(handle, (await self._refactor(files, uri, question))["text"])

    # --- the worker --------------------------------------------------------------------------------------

    async def _ask(self, files: FileSource, uri: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._jedi.ask(files, self._workspace.roots, uri, question, self._timeout_s)

    async def _refactor(self, files: FileSource, uri: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        limit_s = max(self._timeout_s, REFACTORING_TIMEOUT_S)
        return await self._jedi.ask(files, self._workspace.roots, uri, question, limit_s)

    def _root_paths(self) -> tuple[str, ...]:
        return tuple(path for path in map(to_path, self._workspace.roots) if path is not None)


def _python(files: FileSource, uri: str, what: str) -> FileHandle:
    if language_of(uri) != "python":
        raise ToolFailed(f"{uri!r} cannot be {what}: this works for Python files only.")
    return files.read(uri)


def _found(files: FileSource, uri: str, answer: Mapping[str, Any]) -> tuple[Found, ...]:
    known = {path_for(one): one for one in (*files.changed(), uri)}
    return tuple(
        Found(
            Location(known.get(row["path"]) or to_uri(row["path"]), row["line"]),
            row["column"],
            row["name"],
            row["text"],
        )
        for row in answer["found"]
    )


def _source_files(files: FileSource, roots: tuple[str, ...]) -> "list[str]":
    """Files with a grammar: changed ones first, then folder by folder, up to a limit."""
    found = [uri for uri, handle in files.changed().items() if handle is not None and language_of(uri)]
    seen = set(files.changed())
    folders = list(roots)
    while folders and len(found) < _N_FILES_SEARCHED:
        folder = folders.pop(0)
        for entry in files.children(folder):
            if entry.is_dir and not entry.name.startswith(".") and entry.name not in _SKIPPED:
                folders.append(entry.uri)
            elif not entry.is_dir and entry.uri not in seen and language_of(entry.uri):
                found.append(entry.uri)
    return found
