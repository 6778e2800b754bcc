"""Definitions and references for languages jedi does not know: by identifier, over the files at hand. No meaning.

Looks at the file itself and at what `files.changed()` names. Start with `definition` and `references`.
"""

from collections.abc import Iterator

from copydesk.code.grammars import language_of
from copydesk.code.symbols import SymbolTable, note_for
from copydesk.code.syntax import Syntax
from copydesk.domain.errors import ToolFailed
from copydesk.domain.ports import FileSource, Found
from copydesk.domain.tools import Location

_FAMILIES = {"typescript": "script", "tsx": "script", "javascript": "script"}
LABEL = "[by name only] "


def definition(table: SymbolTable, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
    """Definitions with the name at the place; each line's text is labelled as found by name only."""
    name = _name_at(table, files, uri, line, column)
    found: list[Found] = []
    for syntax in _syntaxes(table, files, uri) if name else ():
        symbols = table.symbols(files.read(syntax.uri))
        for one in (symbol for symbol in symbols if symbol.name == name):
            text = LABEL + syntax.line_text(one.line).strip()
            found.append(Found(Location(one.uri, one.line), one.column, one.name, text))
    return tuple(found)


def references(table: SymbolTable, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
    """Every identifier with the name at the place, in the files at hand."""
    name = _name_at(table, files, uri, line, column)
    found: list[Found] = []
    for syntax in _syntaxes(table, files, uri) if name else ():
        for node in syntax.occurrences(name):
            at_line, at_column = syntax.position_at(node.start_byte)
            text = LABEL + syntax.line_text(at_line).strip()
            found.append(Found(Location(syntax.uri, at_line), at_column, name, text))
    return tuple(found)


def _name_at(table: SymbolTable, files: FileSource, uri: str, line: int, column: int) -> str:
    syntax = table.syntaxes.get(files.read(uri))
    if syntax is None:
        raise ToolFailed(f"Nothing is known about the language of {uri!r}.", advice=note_for(uri))
    node = syntax.leaf_at(line, column)
    return syntax.text(node) if node is not None and node.type.endswith("identifier") else ""


def _syntaxes(table: SymbolTable, files: FileSource, uri: str) -> Iterator[Syntax]:
    family = _family(uri)
    for other, handle in {uri: files.read(uri), **files.changed()}.items():
        syntax = table.syntaxes.get(handle) if handle is not None and _family(other) == family else None
        if syntax is not None:
            yield syntax


def _family(uri: str) -> str | None:
    language = language_of(uri)
    return _FAMILIES.get(language, language) if language else None
