"""A `CodeIntel` of regular expressions over any `FileSource`: enough Python for the tools' own tests."""

import re
from collections.abc import Sequence

from copydesk.domain.edits import ChangeText, PendingEdit
from copydesk.domain.messages import LineRange, Problem
from copydesk.domain.ports import FileSource, Found, Symbol
from copydesk.domain.tools import Location

_DEF = re.compile(r"^( *)(def|class) (\w+)", re.MULTILINE)


class TinyIntel:
    """Definitions are `def` and `class` lines; references are equal words; each `undefined` word is a problem."""

    def symbols(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        text = files.read(uri).text
        found: list[Symbol] = []
        owner = ""
        for match in _DEF.finditer(text):
            line = text.count("\n", 0, match.start())
            column = match.start(3) - match.start()
            kind = "function" if match[2] == "def" else "class"
            container = owner if match[1] else ""
            owner = owner if match[1] else match[3]
            found.append(Symbol(match[3], kind, uri, line, column, LineRange(line, 0, line + 1, 4), container))
        return tuple(found)

    async def outline(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        return self.symbols(files, uri)

    async def find_symbols(self, files: FileSource, query: str) -> tuple[Symbol, ...]:
        every = (symbol for uri in sorted(files.changed()) for symbol in self.symbols(files, uri))
        return tuple(symbol for symbol in every if query in symbol.name)

    async def definition(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
        name = _word(files, uri, line, column)
        found = [one for one in await self.find_symbols(files, name) if one.name == name]
        return tuple(Found(Location(one.uri, one.line), one.column, name, f"def {name}") for one in found)

    async def references(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]:
        name = _word(files, uri, line, column)
        return tuple(
            Found(Location(one, number), match.start(), name, row)
            for one in sorted(files.changed())
            for number, row in enumerate(files.read(one).text.split("\n"))
            for match in re.finditer(rf"\b{name}\b", row)
        )

    async def hover(self, files: FileSource, uri: str, line: int, column: int) -> str:
        return f"{_word(files, uri, line, column)}: a name" if _word(files, uri, line, column) != "x" else ""

    async def problems(self, files: FileSource, uri: str) -> tuple[Problem, ...]:
        rows = enumerate(files.read(uri).text.split("\n"))
        return tuple(
            Problem(
                uri,
                LineRange(number, row.index("undefined"), number, len(row)),
                "Undefined name",
                "error",
                "ruff",
                "F821",
            )
            for number, row in rows
            if "undefined" in row
        )

    async def all_problems(self, files: FileSource, uris: Sequence[str]) -> tuple[Problem, ...]:
        return tuple([problem for uri in uris for problem in await self.problems(files, uri)])

    async def fix(self, files: FileSource, uri: str, rules: str) -> tuple[PendingEdit, ...]:
        handle = files.read(uri)
        at = handle.text.find(rules)
        return (ChangeText(handle.base, ((at, at + len(rules), ""),)),) if at >= 0 else ()

    async def annotate(
        self, files: FileSource, uri: str, line: int, end_line: int | None = None
    ) -> tuple[PendingEdit, ...]:
        handle = files.read(uri)
        at = sum(len(row) + 1 for row in handle.text.split("\n")[:line]) + handle.text.split("\n")[line].index(":")
        return (ChangeText(handle.base, ((at, at, " -> int"),)),)

    async def rename(
        self, files: FileSource, uri: str, line: int, column: int, new_name: str
    ) -> tuple[PendingEdit, ...]:
        name = _word(files, uri, line, column)
        edits: list[PendingEdit] = []
        for one in sorted(files.changed()):
            handle = files.read(one)
            spans = [(m.start(), m.end(), new_name) for m in re.finditer(rf"\b{name}\b", handle.text)]
            edits += [ChangeText(handle.base, tuple(spans))] if spans else []
        return tuple(edits)

    async def extract(
        self, files: FileSource, uri: str, range: LineRange, new_name: str, kind: str
    ) -> tuple[PendingEdit, ...]:
        self.extracted = (range, new_name, kind)
        return ()


def _word(files: FileSource, uri: str, line: int, column: int) -> str:
    row = files.read(uri).text.split("\n")[line]
    return next(match[0] for match in re.finditer(r"\w+", row) if match.start() <= column <= match.end())
