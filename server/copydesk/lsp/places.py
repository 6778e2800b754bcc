"""Where a command works: the place it names, else that of the last hover or code-action request.

Owns turning a client's range into our words: code points, selected text, problems. Start with `Places.resolve`.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import LineRange, Problem
from copydesk.lsp.arguments import ArgumentError, ClientRange, Fields, TurnArguments, read_range
from copydesk.lsp.offers import shortened
from copydesk.lsp.pending import is_ours
from copydesk.text.positions import Encoding, to_codepoints
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.text.documents import Document

_DEFINITION = re.compile(r"\b(?:def|class|function|func|fn|struct|enum|trait|interface|module)\s+(\w+)")
_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
MAX_SELECTION = 200_000
"""Characters of a selection that travel with the task; the model reads the rest from the file."""


class OpenText(Protocol):
    @property
    def uri(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def document(self) -> "Document": ...


class OpenTexts(Protocol):
    """The open documents as they were when a request arrived."""

    def get(self, uri: str, /) -> OpenText | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """A place in our words: 0-based lines, columns in code points. `line` is the text of its first line."""

    uri: str
    language: str
    range: LineRange | None = None
    selection: str = ""
    problems: tuple[Problem, ...] = ()
    line: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The place of a hover or code-action request, as the client counts, with the diagnostics it sent."""

    uri: str
    range: ClientRange
    diagnostics: tuple[Fields, ...] = ()


SourceOf: TypeAlias = Callable[[str, ClientRange | None], tuple[str, ClientRange | None] | None]
"""(uri, range): the file that such a document shows, and the place there; None for any other document."""


class Places:
    def __init__(self, encoding: Callable[[], Encoding], read: Callable[[str], Awaitable["Document"]]) -> None:
        """`read` gives a document that is not open; it raises `WorkspaceError`."""
        self.sources: list[SourceOf] = []
        """What a place in a document of our own is a place of."""
        self.last: Seen | None = None
        self.encoding = encoding
        self._read = read

    def note(self, seen: Seen) -> None:
        """Remembers where the person is. A hover keeps the diagnostics known for that place.

        Our own hints tell of changes that wait, not of problems: they are not kept.
        """
        seen = Seen(seen.uri, seen.range, tuple(item for item in seen.diagnostics if not is_ours(item)))
        last = self.last
        if last and not seen.diagnostics and last.uri == seen.uri and _meets(last.range, seen.range):
            seen = Seen(seen.uri, seen.range, last.diagnostics)
        self.last = seen

    async def resolve(self, command: str, given: TurnArguments, files: OpenTexts) -> Place | None:
        """The place a command is about; None when nothing is known. Raises `ArgumentError`, `WorkspaceError`."""
        for source_of in self.sources if given.uri else ():
            if found := source_of(given.uri or "", given.range):
                given = replace(given, uri=found[0], range=found[1])
        uri, at, diagnostics = given.uri, given.range, given.diagnostics
        if uri is None:
            if at is not None:
                raise ArgumentError(f"{command}: a 'range' needs the 'uri' of its document.")
            if self.last is None:
                return None
            if await self._is_gone(self.last.uri, files):
                self.last = None
                return None
            uri, at = self.last.uri, self.last.range
        if diagnostics is None:
            diagnostics = self._known_diagnostics(uri, at)
        opened = files.get(uri)
        document = opened.document if opened else await self._read(uri)
        language = opened.language if opened else ""
        if given.range is not None and given.range.start_line >= document.n_lines:
            asked = given.range.start_line
            raise ArgumentError(f"{command}: 'range' starts at line {asked}, but {uri} has {document.n_lines} lines.")
        lines = None if at is None else to_line_range(document, at, self.encoding())
        foreign = (item for item in diagnostics if not is_ours(item))
        problems = tuple(to_problem(uri, item, document, self.encoding()) for item in foreign)
        first = document.line(lines.start_line) if lines else ""
        canonical = opened.uri if opened else normalise(uri)
        return Place(canonical, language, lines, _selection(document, lines), problems, first)

    async def _is_gone(self, uri: str, files: OpenTexts) -> bool:
        """Whether the file of the last request is no more: an undo takes back files that a turn made."""
        if files.get(uri):
            return False
        try:
            await self._read(uri)
        except CopydeskError:
            return True
        return False

    def _known_diagnostics(self, uri: str, at: ClientRange | None) -> tuple[Fields, ...]:
        """Those the client sent with its last code-action request, where they touch the same place."""
        if self.last is None or self.last.uri != uri:
            return ()
        touching: list[Fields] = []
        for item in self.last.diagnostics:
            found = read_range(item.get("range"))
            if at is None or (found and _meets(found, at)):
                touching.append(item)
        return tuple(touching)


def _meets(first: ClientRange, second: ClientRange) -> bool:
    """Whether two ranges share a position or touch."""
    starts = max((first.start_line, first.start_units), (second.start_line, second.start_units))
    ends = min((first.end_line, first.end_units), (second.end_line, second.end_units))
    return starts <= ends


def to_line_range(document: "Document", at: ClientRange, encoding: Encoding) -> LineRange:
    """Clamped to the document."""
    last = document.n_lines - 1

    def column(line: int, units: int) -> int:
        return to_codepoints(document.line(last), 1 << 30, encoding) if line > last else _units(line, units)

    def _units(line: int, units: int) -> int:
        return to_codepoints(document.line(line), units, encoding)

    start, end = min(at.start_line, last), min(at.end_line, last)
    return LineRange(start, column(at.start_line, at.start_units), end, column(at.end_line, at.end_units))


def _selection(document: "Document", at: LineRange | None) -> str:
    if at is None or at.is_empty:
        return ""
    start = document.offset_at(at.start_line, at.start_column)
    return document.slice(start, min(document.offset_at(at.end_line, at.end_column), start + MAX_SELECTION))


def to_problem(uri: str, item: Fields, document: "Document", encoding: Encoding) -> Problem:
    found = read_range(item.get("range")) or ClientRange(0, 0, 0, 0)
    severity = item.get("severity")
    code = item.get("code")
    return Problem(
        uri=uri,
        range=to_line_range(document, found, encoding),
        message=diagnostic_message(item),
        severity=_SEVERITIES.get(severity, "error") if isinstance(severity, int) else "error",
        source=str(item.get("source") or ""),
        code=str(code) if isinstance(code, str | int) else "",
    )


def diagnostic_message(item: Fields) -> str:
    """Plain text; LSP 3.18 allows markup there."""
    message = item.get("message")
    if isinstance(message, Mapping):
        return str(cast("Fields", message).get("value") or "")
    return message if isinstance(message, str) else ""


def as_objects(value: object) -> tuple[Fields, ...]:
    """The objects of a JSON list; anything else counts as an empty one."""
    items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()
    return tuple(cast("Fields", item) for item in items if isinstance(item, Mapping))


def subject_of(given: TurnArguments, place: Place | None) -> str:
    """What the work is about, in a word or two: as the code action said, else the definition on the first line."""
    if given.subject or place is None:
        return given.subject
    if given.diagnostics and place.problems:
        return shortened(place.problems[0].message)
    found = _DEFINITION.search(place.line)
    return found.group(1) if found else ""
