"""`read_file`: a page of a file as numbered lines, and the numbering other tools share.

Pages are bounded in lines and characters; whatever is cut is said. Start with `read_file`, then `numbered`.
"""

from collections.abc import Sequence

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.ports import Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.text.lines import bare_lines
from copydesk.tools.functions import LINE, STRING, Arguments, FunctionTool, counted, line, schema
from copydesk.tools.places import file_uri, opened, prepared
from copydesk.tools.restoring import learn

N_LINES = 1000
PAGE_CHARS = 60_000
LINE_CHARS = 2_000

_SPEC = ToolSpec(
    "read_file",
    "Read a file as numbered lines (`12→text`; the number and arrow are not part of the file). "
    "Shows unsaved and proposed changes.",
    schema("path", path=STRING, offset=line("first line"), limit=LINE),
    "read",
    "read",
)


def read_file() -> FunctionTool:
    return FunctionTool(_SPEC, _prepare, _read)


def _prepare(arguments: Arguments, work: Work) -> Prepared:
    return prepared("Read", arguments, work)


async def _read(arguments: Arguments, work: Work) -> ToolOutput:
    uri = file_uri(work, arguments["path"])
    content = (await opened(work, uri)).text
    work.note_read(uri, content)
    learn(work, content)
    lines = file_lines(content)
    path = work.display(uri)
    first = arguments.get("offset", 1)
    if not lines:
        return ToolOutput(f"{path} is an empty file.", details={"path": path, "n_lines": 0})
    if first > len(lines):
        raise InvalidArguments(f"`offset` {first} is past the end: {path!r} has {counted(len(lines), 'line')}.")
    return _page(path, lines, first, arguments.get("limit", N_LINES))


def _page(path: str, lines: Sequence[str], first: int, limit: int) -> ToolOutput:
    shown, n_cut = numbered(lines[first - 1 : first - 1 + limit], first, PAGE_CHARS)
    last = first + len(shown) - 1
    total = len(lines)
    whole = (first, last) == (1, total)
    head = f"{path} ({counted(total, 'line')})" if whole else f"{path} lines {first}–{last} of {total}"
    notes = [f"({counted(n_cut, 'line')} longer than {LINE_CHARS:,} characters cut at …)"] if n_cut else []
    details: dict[str, object] = {"path": path, "first": first, "last": last, "n_lines": total, "n_cut": n_cut}
    if last < total:
        notes.append(f"(more: continue with offset={last + 1})")
        details["next_offset"] = last + 1
    return ToolOutput("\n".join([head, *shown, *notes]), details=details)


def file_lines(text: str) -> list[str]:
    """The lines of a file as a person counts them, without their ends: no extra one after the last break."""
    lines = bare_lines(text)
    if lines[-1] == "":
        lines.pop()
    return lines


def numbered(lines: Sequence[str], first: int, limit_chars: int = PAGE_CHARS) -> tuple[list[str], int]:
    """Lines as `12→text`, numbers aligned, at least one and at most `limit_chars`; and how many were cut short."""
    width = len(str(first + len(lines) - 1))
    shown: list[str] = []
    n_chars = n_cut = 0
    for number, content in enumerate(lines, first):
        is_long = len(content) > LINE_CHARS
        row = f"{number:>{width}}→{cut(content) if is_long else content}"
        n_chars += len(row) + 1
        if shown and n_chars > limit_chars:
            break
        n_cut += is_long
        shown.append(row)
    return shown, n_cut


def cut(content: str, limit_chars: int = LINE_CHARS) -> str:
    if len(content) <= limit_chars:
        return content
    return f"{content[:limit_chars]}… (+{len(content) - limit_chars:,} characters)"
