"""Reading what tools print: numbered pages, `path:line` listings, diagnostics. Owns every tool-output format.

Tolerant on purpose: a footer or a column more must not break a plan. Start with `read_whole`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from copydesk.domain.messages import ToolResult
from copydesk.models.offline.planning import Call, Plan

MAX_LINES = 20_000
_NUMBERED = re.compile(r"^[ \t]*(\d+)→(.*)$", re.DOTALL)
_CUT = re.compile(r"… \(\+[\d,]+ characters\)$")
_NEXT = re.compile(r"offset\D{0,12}(\d+)", re.IGNORECASE)
_PLACE = re.compile(
    r"^\s*(?:[-*] )?(?P<path>(?:[A-Za-z]:)?[^\s:][^:\n]*?):(?P<line>\d+)(?::(?P<column>\d+))?:?(?P<rest>.*)$"
)
_CODE = re.compile(
    r"(?<![\w-])([A-Z]{1,4}\d{2,4}|report[A-Z]\w+|syntax-error|invalid-syntax|unresolved-reference)(?![\w-])"
)
_NUMBER_FIRST = re.compile(r"^\s*(?:line )?(?P<line>\d+)(?::(?P<column>\d+))?[:→]?\s+(?P<rest>\S.*)$", re.IGNORECASE)

_COUNT = re.compile(r"^\s*\d[\d,]* \w+s?(?: in \S.*)?[:.]?\s*$")
"""A headline that counts what follows: `3 problems`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A whole file as its lines, without their ends."""

    path: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be had, in a sentence for the person."""

    why: str


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a listing. `line` and `column` are as printed (1-based); column 0 when it was not."""

    path: str
    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem in one file: 0-based line and column (-1: not known)."""

    line: int
    column: int
    code: str
    message: str


def read_whole(path: str) -> Plan[Source | Failure]:
    """Reads `path` page by page."""
    lines: list[str] = []
    offset: int | None = None
    while True:
        call = Call("read_file", {"path": path} if offset is None else {"path": path, "offset": offset})
        (result,) = yield (call,)
        if result.is_error:
            return Failure(f"Could not read `{path}`: {one_line(result.content)}")
        page = parse_page(result.content)
        lines.extend(page)
        cut = (
            next((i for i, line in enumerate(page) if _CUT.search(line)), None) if result.details.get("n_cut") else None
        )
        if cut is not None:
            return Failure(f"`{path}` has a line too long to read whole, so it is neither explained nor changed.")
        offset = _next_offset(result, len(lines)) if page else None
        if offset is None:
            return Source(path, tuple(lines))
        if len(lines) >= MAX_LINES:
            return Failure(f"`{path}` has more than {MAX_LINES:,} lines: too large for the offline model.")


def parse_page(content: str) -> list[str]:
    """The file lines in a numbered page; headers and footers are left out."""
    matches = (_NUMBERED.match(line) for line in content.split("\n"))
    return [match[2].removesuffix("\r") for match in matches if match]


def _next_offset(result: ToolResult, n_read: int) -> int | None:
    for key in ("next_offset", "nextOffset"):
        value = result.details.get(key)
        if isinstance(value, int) and value > n_read:
            return n_read + 1
    rest = "\n".join(line for line in result.content.split("\n")[-4:] if not _NUMBERED.match(line))
    said = _NEXT.search(rest)
    return n_read + 1 if said and int(said[1]) >= n_read else None


def places(content: str) -> list[Place]:
    """`path:line[:column] text` rows, also when a file's name stands once above its numbered rows."""
    found: list[Place] = []
    heading = ""
    for row in content.split("\n"):
        if match := _PLACE.match(row):
            found.append(
                Place(match["path"].strip("`"), int(match["line"]), int(match["column"] or 0), match["rest"].strip())
            )
        elif heading and (match := _NUMBER_FIRST.match(row)):
            found.append(Place(heading, int(match["line"]), int(match["column"] or 0), match["rest"].strip()))
        elif row.strip() and not row[0].isspace() and re.fullmatch(r"[^\s:]+:?", row.strip()):
            heading = row.strip().rstrip(":")
    return found


def findings(content: str) -> Iterator[Finding]:
    """The problems a `diagnostics` result lists."""
    for row in content.split("\n"):
        match = _PLACE.match(row) or _NUMBER_FIRST.match(row)
        if match is None or _COUNT.match(row):
            continue
        rest = re.sub(
            r"^(?:error|warning|information|info|hint)\b:?\s*", "", match["rest"].strip(), flags=re.IGNORECASE
        )
        codes = _CODE.findall(rest)
        column = int(match["column"]) - 1 if match["column"] else -1
        yield Finding(int(match["line"]) - 1, column, codes[-1] if codes else "", rest)


def one_line(text: str, limit: int = 300) -> str:
    """The first line that says something, cut to `limit` characters."""
    line = next((row.strip() for row in text.split("\n") if row.strip()), "no reason was given")
    return line if len(line) <= limit else line[: limit - 1] + "…"
