"""Code intelligence from all there is: our own analysers, and every language server that the editor runs.

Implements `domain.ports.CodeIntel` over another one and `domain.ports.EditorCode`. Owns when the editor is asked, how
its places are moved onto the text the caller sees, and how two answers become one. Start with `WiderIntel`.
The editor knows the texts that it has: it is asked about a file only where the caller sees the same text, and what it
says of files in which something is pending is moved over what is pending. Both are asked at the same time, so that the
editor can add an answer and never delay or replace one of ours.
"""

import os
import re
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import anyio

from copydesk.code.grammars import language_of
from copydesk.domain.editor_code import CodeSpot, EditorCode, EditorTexts
from copydesk.domain.edits import PendingEdit
from copydesk.domain.errors import CopydeskError, OutsideWorkspace, WorkspaceError
from copydesk.domain.messages import LineRange, Problem
from copydesk.domain.ports import (
    CodeIntel,
    FileHandle,
    FileSource,
    Found,
    Symbol,
)
from copydesk.domain.tools import Location
from copydesk.safety.paths import is_secret
from copydesk.text.diffs import diff
from copydesk.text.documents import Document
from copydesk.text.edits import Edit, map_offset
from copydesk.text.lines import content_length
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.uris import normalise, to_path
from copydesk.workspace.workspace import Workspace

T = TypeVar("T")
_LISTED_KINDS = frozenset(
    {"class", "function", "method", "constructor", "interface", "enum", "struct", "module", "namespace", "package"}
)
"""What an outline takes from the editor beside our own: servers list every local variable too."""


class WiderIntel:
    def __init__(
        self, own: CodeIntel, editor: EditorCode, workspace: Workspace, hides: Callable[[str], bool] = is_secret
    ) -> None:
        self._hides = hides
        self._own = own
        self._editor = editor
        self._workspace = workspace

    # --- what is where ---

    def symbols(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        return self._own.symbols(files, uri)

    async def outline(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        async def theirs() -> tuple[Symbol, ...] | None:
            handle = await self._editors_own(files, uri)
            return await self._if_same(handle, self._editor.symbols(uri, self._now)) if handle else None

        ours, others = await _both(self._own.outline(files, uri), theirs)
        if not ours:
            return others or ()
        more = [each for each in others or () if each.kind in _LISTED_KINDS]
        every = _united(_by_name, ours, more)
        return tuple(sorted(every, key=lambda each: (each.range.start_line, each.range.start_column)))

    async def find_symbols(self, files: FileSource, query: str) -> tuple[Symbol, ...]:
        wanted = query.casefold()

        async def theirs() -> tuple[Symbol, ...] | None:
            found = await self._editor.find_symbols(query, self._now) if self._editor.available else None
            named = [each for each in found or () if wanted in each.name.casefold()]
            return await self._moved(files, named, _moved_symbol)

        ours, others = await _both(self._own.find_symbols(files, query), theirs)
        foreign = [each for each in others or () if not _is_well_known(each.uri)]
        every = _united(_by_name, foreign, ours or (), others or ())
        return tuple(sorted(every, key=lambda symbol: (symbol.name.casefold() != wanted, len(symbol.name))))

    async def definition(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
        theirs = partial(self._places, self._editor.definition, files, uri, line, column)
        ours, others = await _both(self._own.definition(files, uri, line, column), theirs)
        return await self._joined(files, uri, ours or (), others or (), _by_line)

    async def references(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
        theirs = partial(self._places, self._editor.references, files, uri, line, column)
        ours, others = await _both(self._own.references(files, uri, line, column), theirs)
        return await self._joined(files, uri, ours or (), others or (), _by_column)

    async def hover(self, files: FileSource, uri: str, line: int, column: int) -> str:
        async def theirs() -> str | None:
            handle = await self._editors_own(files, uri)
            return await self._if_same(handle, self._editor.hover(_spot(handle, line, column))) if handle else None

        ours, others = await _both(self._own.hover(files, uri, line, column), theirs)
        first, second = ((ours or "").strip(), (others or "").strip())
        if not _is_well_known(uri):
            return second or first
        return _without_repeats(first, second)

    # --- what is wrong ---

    async def problems(self, files: FileSource, uri: str) -> tuple[Problem, ...]:
        async def theirs() -> tuple[Problem, ...] | None:
            handle = await self._editors_own(files, uri)
            found = await self._if_same(handle, self._editor.problems(uri, self._now)) if handle else None
            return tuple(each for each in found or () if each.uri == normalise(uri))

        ours, others = await _both(self._own.problems(files, uri), theirs)
        return (*(ours or ()), *(others or ()))

    async def all_problems(self, files: FileSource, uris: Sequence[str]) -> tuple[Problem, ...]:
        async def theirs() -> tuple[Problem, ...] | None:
            found = await self._editor.problems(None, self._now) if self._editor.available else None
            return await anyio.to_thread.run_sync(self._of_same_texts, files, found or ())

        ours, others = await _both(self._own.all_problems(files, uris), theirs)
        return (*(ours or ()), *(others or ()))

    def _of_same_texts(self, files: FileSource, found: Sequence[Problem]) -> tuple[Problem, ...]:
        now = self._workspace.snapshot()
        same = {uri: _same(files, now, uri) is not None for uri in dict.fromkeys(each.uri for each in found)}
        return tuple(each for each in found if same[each.uri])

    # --- what can be changed: nobody but us knows what is pending ---

    async def fix(self, files: FileSource, uri: str, rules: str) -> tuple[PendingEdit, ...]:
        return await self._own.fix(files, uri, rules)

    async def annotate(
        self, files: FileSource, uri: str, line: int, end_line: int | None = None
    ) -> tuple[PendingEdit, ...]:
        return await self._own.annotate(files, uri, line, end_line)

    async def rename(
        self, files: FileSource, uri: str, line: int, column: int, new_name: str
    ) -> tuple[PendingEdit, ...]:
        return await self._own.rename(files, uri, line, column, new_name)

    async def extract(
        self, files: FileSource, uri: str, range: LineRange, new_name: str, kind: str
    ) -> tuple[PendingEdit, ...]:
        return await self._own.extract(files, uri, range, new_name, kind)

    # --- asking the editor ---

    async def _places(
        self,
        ask: Callable[[CodeSpot, Callable[[], EditorTexts]], Awaitable[tuple[Found, ...] | None]],
        files: FileSource,
        uri: str,
        line: int,
        column: int,
    ) -> tuple[Found, ...] | None:
        handle = await self._editors_own(files, uri)
        if handle is None:
            return None
        spot = _spot(handle, line, column)
        found = await self._if_same(handle, ask(spot, self._now))
        named = [each if each.name else replace(each, name=_word_at(spot)) for each in found or ()]
        return await self._moved(files, named, _moved_place)

    async def _editors_own(self, files: FileSource, uri: str) -> FileHandle | None:
        """The file, where the editor can be asked about it: it has the text that the caller sees."""
        if not self._editor.available:
            return None
        return await anyio.to_thread.run_sync(lambda: _same(files, self._workspace.snapshot(), uri))

    async def _if_same(self, handle: FileHandle, answer: Awaitable[T]) -> T | None:
        """The answer, unless somebody has typed meanwhile: then it may be about another place."""
        found = await answer
        opened = self._workspace.overlay.get(handle.uri)
        is_same = (opened.content_hash if opened else handle.content_hash) == handle.content_hash
        return found if is_same else None

    def _now(self) -> EditorTexts:
        return _Texts(self._workspace, self._hides)

    async def _moved(
        self, files: FileSource, found: Sequence[T], move: "Callable[[T, _Moves], T | None]"
    ) -> tuple[T, ...]:
        if not found:
            return ()
        moves = _Moves(files, self._workspace.snapshot())
        made = await anyio.to_thread.run_sync(lambda: [move(each, moves) for each in found])
        return tuple(each for each in made if each is not None)

    # --- two answers ---

    async def _joined(
        self,
        files: FileSource,
        uri: str,
        ours: Sequence[Found],
        others: Sequence[Found],
        key: Callable[[Found], Hashable],
    ) -> tuple[Found, ...]:
        """Where we know the language, all there is. Else the editor's, and ours of files it has not this way."""
        if _is_well_known(uri) or not others:
            return _united(key, ours, others)
        now = self._workspace.snapshot()
        uris = {each.location.uri for each in ours}
        same = await anyio.to_thread.run_sync(lambda: {one for one in uris if _same(files, now, one)})
        return _united(key, others, [each for each in ours if each.location.uri not in same])


class _Texts:
    """`EditorTexts`: what the editor has at this moment, jailed."""

    def __init__(self, workspace: Workspace, hides: Callable[[str], bool]) -> None:
        self._workspace = workspace
        self._hides = hides
        self._files = workspace.snapshot()

    def resolve(self, uri: str) -> str:
        try:
            return self._workspace.resolve(uri)
        except WorkspaceError:
            return normalise(uri)

    def read(self, uri: str) -> str | None:
        path = to_path(uri)
        names = (self._workspace.display(uri), uri, os.path.realpath(path) if path else "")
        if any(map(self._hides, names)):
            return None
        try:
            return self._files.read(self._workspace.resolve(uri)).text
        except (OutsideWorkspace, WorkspaceError):
            return None


class _Moves:
    """From the editor's text of a file to the caller's, for each file once."""

    def __init__(self, files: FileSource, now: Snapshot) -> None:
        self._files = files
        self._now = now
        self._known: dict[str, tuple[Document, Document, tuple[Edit, ...]] | None] = {}

    def is_gone(self, uri: str) -> bool:
        """Whether the caller sees no such file any more, though the editor does."""
        return self._now.exists(uri) and not self._files.exists(uri)

    def of(self, uri: str) -> tuple[Document, Document, tuple[Edit, ...]] | None:
        """Both texts and what leads from one to the other; None where they are the same, or are not read."""
        if uri not in self._known:
            self._known[uri] = self._texts(uri)
        return self._known[uri]

    def _texts(self, uri: str) -> tuple[Document, Document, tuple[Edit, ...]] | None:
        try:
            before, after = self._now.read(uri), self._files.read(uri)
        except WorkspaceError:
            return None
        if before.content_hash == after.content_hash:
            return None
        return Document.of(before.text), Document.of(after.text), diff(before.text, after.text)


def _moved_place(found: Found, moves: _Moves) -> Found | None:
    """None where what stood there is gone."""
    uri, line = found.location.uri, found.location.line or 0
    if not found.text:  # outside, or not to be read: nothing is pending there
        return found
    if moves.is_gone(uri):
        return None
    if (both := moves.of(uri)) is None:
        return found
    before, after, edits = both
    offset = before.offset_at(line, found.column)
    moved = map_offset(edits, offset, "right")
    stood = found.name if before.slice(offset, offset + len(found.name)) == found.name else ""
    stood = stood or before.slice(offset, offset + 1)
    if after.slice(moved, moved + len(stood)) != stood:
        return None
    at, column = after.position_at(moved)
    text = after.line(at)
    return replace(found, location=Location(uri, at), column=column, text=text[: content_length(text)])


def _moved_symbol(symbol: Symbol, moves: _Moves) -> Symbol | None:
    if moves.is_gone(symbol.uri):
        return None
    if (both := moves.of(symbol.uri)) is None:
        return symbol
    before, after, edits = both
    offset = before.offset_at(symbol.line, symbol.column)
    moved = map_offset(edits, offset, "right")
    if before.slice(offset, offset + 1) != after.slice(moved, moved + 1):
        return None
    area = symbol.range
    start = map_offset(edits, before.offset_at(area.start_line, area.start_column), "right")
    end = max(start, map_offset(edits, before.offset_at(area.end_line, area.end_column)))
    line, column = after.position_at(moved)
    whole = LineRange(*after.position_at(start), *after.position_at(end))
    return replace(symbol, line=line, column=column, range=whole)


def _same(files: FileSource, now: FileSource, uri: str) -> FileHandle | None:
    """The file, where both see the same text of it."""
    try:
        handle = files.read(uri)
        return handle if handle.content_hash == now.read(uri).content_hash else None
    except WorkspaceError:
        return None


async def _both(own: Awaitable[T], theirs: Callable[[], Awaitable[T | None]]) -> tuple[T | None, T | None]:
    """Both answers, worked out at the same time. Raises what ours raised, where the editor knows nothing either."""
    ours: T | None = None
    error: CopydeskError | None = None
    others: list[T | None] = []

    async def ask() -> None:
        others.append(await theirs())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        try:
            ours = await own
        except CopydeskError as raised:
            error = raised
    if error is not None and not others[0]:
        raise error
    return ours, others[0]


def _is_well_known(uri: str) -> bool:
    """Whether our own analysers know what names mean there; of other languages they know how they look."""
    return language_of(uri) == "python"


def _spot(handle: FileHandle, line: int, column: int) -> CodeSpot:
    return CodeSpot(handle.uri, line, column, Document.of(handle.text).line(line))


def _word_at(spot: CodeSpot) -> str:
    words = (found for found in re.finditer(r"\w+", spot.line_text) if found.start() <= spot.column <= found.end())
    return next((found[0] for found in words), "")


def _united(key: Callable[[T], Hashable], *lists: Iterable[T]) -> tuple[T, ...]:
    """In order, the first of each."""
    found: dict[Hashable, T] = {}
    for each in (one for items in lists for one in items):
        found.setdefault(key(each), each)
    return tuple(found.values())


def _by_line(found: Found) -> Hashable:
    """Where something is defined: servers differ in whether its name or the whole of it is meant."""
    return found.location


def _by_column(found: Found) -> Hashable:
    return found.location, found.column


def _by_name(symbol: Symbol) -> Hashable:
    return symbol.uri, symbol.line, symbol.name


def _without_repeats(first: str, second: str) -> str:
    """Both texts, less the lines of the second that the first has."""
    said = {" ".join(line.split()) for line in first.splitlines()}
    more = "\n".join(line for line in second.splitlines() if " ".join(line.split()) not in said or not line.strip())
    return "\n\n".join(filter(None, [first, more.strip()]))
