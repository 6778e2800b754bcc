"""Answers of language servers, read: every shape that LSP has for a place, a hover, a symbol and a diagnostic.

Owns the shapes and their positions, which become code points by the texts that the editor has. What is malformed, or
stands where its text has no line, is left out and counted; it knows nobody who asks. Start with `CodeReader`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar, cast

from copydesk.domain.editor_code import EditorTexts
from copydesk.domain.messages import LineRange, Problem
from copydesk.domain.ports import Found, Symbol
from copydesk.domain.tools import Location
from copydesk.lsp.arguments import ClientRange, Fields, as_fields, read_range
from copydesk.lsp.pending import SOURCE as OURS
from copydesk.lsp.places import to_line_range, to_problem
from copydesk.text.documents import Document
from copydesk.text.lines import content_length
from copydesk.workspace.uris import is_own

if TYPE_CHECKING:
    from copydesk.text.positions import Encoding

T = TypeVar("T")
MAX_ITEMS = 2_000
MAX_DEPTH = 40
MAX_NAME = 200
MAX_TEXT = 20_000
_FENCE = re.compile(r"^```[\w+-]*[ \t]*\n?", re.MULTILINE)
_KINDS = (
    "", "file", "module", "namespace", "package", "class", "method", "property", "field", "constructor", "enum",
    "interface", "function", "variable", "constant", "string", "number", "boolean", "array", "object", "key", "null",
    "enum member", "struct", "event", "operator", "type parameter",
)  # fmt: skip


class NotUnderstood(Exception):
    """The answer as a whole is none of the shapes."""


class _Malformed(Exception):
    """An item is not, or is about a text that the editor does not have."""


class CodeReader:
    """Reads one answer. `n_ignored`: how many of its items were left out as malformed."""

    def __init__(self, encoding: "Encoding", texts: EditorTexts) -> None:
        self.n_ignored = 0
        self._encoding: Encoding = encoding
        self._texts = texts
        self._documents: dict[str, tuple[str, Document | None]] = {}

    def places(self, answer: object) -> tuple[Found, ...]:
        """`Location`, `LocationLink`, or a list of either."""
        return self._each([cast("object", answer)] if isinstance(answer, dict) else _listed(answer), self._found)

    def symbols(self, answer: object, uri: str = "") -> tuple[Symbol, ...]:
        """`DocumentSymbol` of the document `uri`, `SymbolInformation` or `WorkspaceSymbol`."""
        return self._each(_unfolded(_listed(answer)), lambda pair: self._symbol(as_fields(pair[0]), uri, pair[1]))

    def problems(self, answer: object) -> tuple[Problem, ...]:
        """A list of `{uri, diagnostics}`. Files that may not be read are left out: a message quotes the text."""
        return tuple(islice((one for file in self._each(_listed(answer), self._file) for one in file), MAX_ITEMS))

    # --- one of them; None is left out without a word ---

    def _found(self, given: object) -> Found | None:
        item = as_fields(given)
        uri = _text(item.get("uri") or item.get("targetUri"))
        at = _place(item.get("targetSelectionRange") or item.get("targetRange") or item.get("range"))
        if is_own(uri):
            return None
        canonical, document = self._document(uri)
        if document is None:
            return Found(Location(canonical, at.start_line), at.start_units, "")
        place = self._range(document, at)
        line = _line(document, place.start_line)
        return Found(Location(canonical, place.start_line), place.start_column, _name_at(line, place), line)

    def _symbol(self, item: Fields, uri: str, container: str) -> Symbol | None:
        name, location = _text(item.get("name")), as_fields(item.get("location"))
        if is_own(uri := _text(location.get("uri") if location else uri)):
            return None
        # A workspace symbol may leave its place to be asked for.
        start = ClientRange(0, 0, 0, 0) if location and location.get("range") is None else None
        whole = start or _place(location.get("range") if location else item.get("range"))
        at = read_range(item.get("selectionRange")) or whole
        canonical, document = self._document(uri)
        area, spot = self._range(document, whole), self._range(document, at)
        column = spot.start_column
        if document is not None and at is whole:
            column = _column_of(name, _line(document, spot.start_line), column)
        holder = item.get("containerName") if location else container
        inside = holder if isinstance(holder, str) else ""
        kind = _kind(item.get("kind"))
        return Symbol(name[:MAX_NAME], kind, canonical, spot.start_line, column, area, inside[:MAX_NAME])

    def _file(self, given: object) -> tuple[Problem, ...] | None:
        file = as_fields(given)
        items = file.get("diagnostics")
        canonical, document = self._document(_text(file.get("uri")))
        if not isinstance(items, list):
            raise _Malformed
        if document is None:
            return None
        listed = cast("list[object]", items)
        return self._each(listed, lambda item: self._problem(canonical, document, as_fields(item)))

    def _problem(self, uri: str, document: Document, item: Fields) -> Problem | None:
        self._range(document, _place(item.get("range")))
        problem = to_problem(uri, item, document, self._encoding)
        if not problem.message:
            raise _Malformed
        return None if problem.source == OURS else problem

    # --- texts and counts ---

    def _each(self, items: Iterable[object], read: "Callable[[Any], T | None]") -> tuple[T, ...]:
        found: list[T] = []
        for item in islice(items, MAX_ITEMS):
            try:
                one = read(item)
            except _Malformed:
                self.n_ignored += 1
                continue
            if one is not None:
                found.append(one)
        return tuple(found)

    def _range(self, document: Document | None, at: ClientRange) -> LineRange:
        """As given where there is no text. A line that the text has not: the answer is about another text."""
        if document is None:
            return LineRange(at.start_line, at.start_units, at.end_line, at.end_units)
        if at.start_line >= document.n_lines:
            raise _Malformed
        return to_line_range(document, at, self._encoding)

    def _document(self, uri: str) -> tuple[str, Document | None]:
        if uri not in self._documents:
            canonical = self._texts.resolve(uri)
            text = self._texts.read(canonical)
            self._documents[uri] = canonical, None if text is None else Document.of(text)
        return self._documents[uri]


def read_hover(answer: object) -> str:
    """`Hover`, or a list of them, as plain text: whatever of marked strings and markup stands in them."""
    hovers = cast("list[object]", answer) if isinstance(answer, list) else [answer]
    texts: list[object] = []
    for hover in hovers[:MAX_ITEMS] if answer is not None else ():
        if "contents" not in as_fields(hover):
            raise NotUnderstood("no Hover")
        contents = as_fields(hover)["contents"]
        parts = cast("list[object]", contents) if isinstance(contents, list) else [contents]
        texts += [part if isinstance(part, str) else as_fields(part).get("value") for part in parts[:MAX_ITEMS]]
    plain = (_FENCE.sub("", text).strip() for text in texts if isinstance(text, str))
    return "\n\n".join(dict.fromkeys(text for text in plain if text))[:MAX_TEXT]


def _listed(answer: object) -> list[object]:
    if answer is None:
        return []
    if not isinstance(answer, list):
        raise NotUnderstood(f"{type(answer).__name__} for a list")
    return cast("list[object]", answer)


def _unfolded(items: Sequence[object], container: str = "", depth: int = 0) -> Iterator[tuple[object, str]]:
    """Document symbols and those inside them, in order, each with the dotted name of what holds it."""
    for item in items:
        yield item, container
        fields = as_fields(item)
        children, name = fields.get("children"), fields.get("name")
        if isinstance(children, list) and isinstance(name, str) and depth < MAX_DEPTH:
            inside = f"{container}.{name}" if container else name
            yield from _unfolded(cast("list[object]", children), inside, depth + 1)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _Malformed
    return value


def _place(value: object) -> ClientRange:
    found = read_range(value)
    if found is None:
        raise _Malformed
    return found


def _kind(number: object) -> str:
    return _KINDS[number] if isinstance(number, int) and 0 < number < len(_KINDS) else "symbol"


def _line(document: Document, number: int) -> str:
    line = document.line(number)
    return line[: content_length(line)]


def _name_at(line: str, place: LineRange) -> str:
    """What the range names, where it is a name: servers differ in whether it is that or the whole definition."""
    named = line[place.start_column : place.end_column] if place.start_line == place.end_line else ""
    return named if named.isidentifier() else ""


def _column_of(name: str, line: str, start: int) -> int:
    """Where the name stands in the line on which its definition starts; the start itself where it does not."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line[start:])
    return start + found.start() if found else start
