"""From what a model says ("`parse` on line 12") to a place an analyser takes, and outlines of files.

Lines and columns come in 1-based and leave 0-based. Start with `find_spot`.
"""

import re
from collections.abc import Iterable, Sequence

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import CodeIntel, Symbol, Work
from copydesk.tools.functions import Arguments, counted
from copydesk.tools.places import file_uri, opened
from copydesk.tools.reading import cut, file_lines
from copydesk.tools.threads import in_thread

_N_NAMED = 10


@frozen
class Spot:
    """A name in a file: 0-based line, column in code points, and the name as it stands there."""

    uri: str
    line: int
    column: int
    name: str


async def find_spot(code: CodeIntel, arguments: Arguments, work: Work) -> Spot:
    """The place that `path`, `line` and `column` or `symbol` mean. Raises `InvalidArguments` that says what is there.

    A symbol is looked for on the line; else it may be the only definition, or the only use, of that name in the file.
    """
    uri = file_uri(work, arguments["path"])
    lines = file_lines((await opened(work, uri)).text)
    number: int | None = arguments.get("line")
    if number is not None and number > len(lines):
        raise InvalidArguments(
            f"`line` {number} is past the end: {work.display(uri)!r} has {counted(len(lines), 'line')}."
        )
    symbol: str = arguments.get("symbol", "").strip().removesuffix("()")
    if symbol and number is not None and (column := _column_of(lines[number - 1], symbol)) is not None:
        return Spot(uri, number - 1, column, symbol)
    if number is not None and "column" in arguments:
        column = min(arguments["column"] - 1, len(lines[number - 1]))
        return Spot(uri, number - 1, column, _word_at(lines[number - 1], column))
    defined = await in_thread(lambda _: code.symbols(work.files, uri))
    if symbol:
        return _only(uri, symbol, lines, defined)
    return _defined_on(uri, (number or 1) - 1, lines, defined)


def _column_of(content: str, symbol: str) -> int | None:
    """Where the last part of a dotted name starts, at its first occurrence as whole words."""
    match = re.search(rf"(?<!\w){re.escape(symbol)}(?!\w)", content)
    return match.end() - len(symbol.rpartition(".")[2]) if match else None


def _word_at(content: str, column: int) -> str:
    words = (match for match in re.finditer(r"\w+", content) if match.start() <= column <= match.end())
    return next((match[0] for match in words), "")


def _only(uri: str, symbol: str, lines: Sequence[str], defined: Iterable[Symbol]) -> Spot:
    named = [one for one in defined if symbol in (one.name, f"{one.container}.{one.name}")]
    if len(named) == 1:
        return Spot(uri, named[0].line, named[0].column, symbol)
    columns = ((number, _column_of(content, symbol)) for number, content in enumerate(lines))
    used = [(number, column) for number, column in columns if column is not None]
    if not used:
        raise InvalidArguments(f"`symbol` {symbol!r} does not occur in the file.", advice="Use grep to find it.")
    if len(used) == 1:
        return Spot(uri, *used[0], symbol)
    places = [one.line for one in named] or [number for number, _ in used]
    named_lines = ", ".join(str(number + 1) for number in places[:_N_NAMED])
    more = ", …" if len(places) > _N_NAMED else ""
    raise InvalidArguments(
        f"`symbol` {symbol!r} is not on that line; the file has it on lines {named_lines}{more}.",
        advice="Give one of them as `line`.",
    )


def _defined_on(uri: str, number: int, lines: Sequence[str], defined: Iterable[Symbol]) -> Spot:
    for one in defined:
        if one.line == number:
            return Spot(uri, number, one.column, one.name)
    raise InvalidArguments(
        f"line {number + 1} defines nothing: it is {cut(lines[number].strip(), 120)!r}.",
        advice="Give `symbol`, the name on that line that you mean.",
    )


def outline(found: Sequence[Symbol]) -> list[str]:
    """One row a definition, indented by nesting: `12–40 class Parser`."""
    rows: list[str] = []
    for symbol in found:
        depth = symbol.container.count(".") + 1 if symbol.container else 0
        first, last = symbol.range.start_line + 1, _last_line(symbol)
        span = f"{first}–{last}" if last > first else f"{first}"
        rows.append(f"{'  ' * depth}{span} {cut(symbol.signature or f'{symbol.kind} {symbol.name}', 200)}")
    return rows


def _last_line(symbol: Symbol) -> int:
    """1-based; a range that ends before a line's first character ends on the line above."""
    area = symbol.range
    return area.end_line + (1 if area.end_column > 0 or area.end_line == area.start_line else 0)
