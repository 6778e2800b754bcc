"""`edit_file` and `write_file`: text changes, proposed and never written.

What is proposed is small: minimal spans on the text that was read, so that a person may type beside them. Line ends,
encoding and BOM stay the file's. Start with `edit_file`.
"""

from collections.abc import Sequence

from copydesk.domain.edits import ChangeText, CreateFile
from copydesk.domain.errors import FileExists, InvalidArguments, ToolFailed
from copydesk.domain.ports import FileHandle, Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.text.diffs import n_hunks
from copydesk.text.edits import Edit, apply
from copydesk.text.lines import split_lines
from copydesk.text.matching import Ambiguous, Match, NoMatch
from copydesk.tools.functions import BOOLEAN, STRING, Arguments, FunctionTool, counted, schema, text
from copydesk.tools.line_ends import replaced, rewritten
from copydesk.tools.places import changed_uri, opened, prepared
from copydesk.tools.reading import cut, file_lines, numbered
from copydesk.tools.threads import in_thread

_BIG_CHARS = 100_000
_N_SHOWN = 12
_N_CONTEXT = 2
_N_NAMED = 20
_LOOSE = {
    "trailing_space": " Matched ignoring spaces at line ends.",
    "indentation": " Matched with other indentation; the new text was indented to fit.",
}

_EDIT = ToolSpec(
    "edit_file",
    "Replace old_text by new_text in a file. old_text must be copied exactly from the file, without line numbers, "
    "and occur once: include lines around it to make it unique. replace_all replaces every occurrence.",
    schema("path", "old_text", "new_text", path=STRING, old_text=STRING, new_text=STRING, replace_all=BOOLEAN),
    "edit",
    "edit",
)
_WRITE = ToolSpec(
    "write_file",
    "Create a file with the given content; missing folders are made. overwrite=true replaces an existing file.",
    schema("path", "content", path=STRING, content=text("the whole text"), overwrite=BOOLEAN),
    "edit",
    "edit",
)


def edit_file() -> FunctionTool:
    return FunctionTool(_EDIT, _prepare_edit, _edit)


def write_file() -> FunctionTool:
    return FunctionTool(_WRITE, _prepare_write, _write)


# --- edit_file -------------------------------------------------------------------------------------------


def _prepare_edit(arguments: Arguments, work: Work) -> Prepared:
    if not arguments["old_text"]:
        raise InvalidArguments("`old_text` is empty, so there is nothing to replace.", advice="Use write_file.")
    if arguments["old_text"] == arguments["new_text"]:
        raise InvalidArguments("`old_text` and `new_text` are the same, so nothing would change.")
    return prepared("Edit", arguments, work)


async def _edit(arguments: Arguments, work: Work) -> ToolOutput:
    uri = changed_uri(work, arguments["path"])
    handle = await opened(work, uri)
    path = work.display(uri)
    if len(handle.text) > _BIG_CHARS:
        match = await in_thread(lambda _: _matched(path, handle, arguments))
    else:
        match = _matched(path, handle, arguments)
    if not match.edits:
        raise InvalidArguments("The texts differ only in line ends, and edit_file keeps the file's.")
    check_encodable(path, handle, match.edits)
    work.propose(ChangeText(handle.base, match.edits))
    return _edited(path, handle.text, match, _n_places(handle.text, match, arguments))


def _matched(path: str, handle: FileHandle, arguments: Arguments) -> Match:
    old, new = arguments["old_text"], arguments["new_text"]
    try:
        return replaced(handle.text, old, new, arguments.get("replace_all", False))
    except Ambiguous as error:
        raise _ambiguous(path, handle.text, error.lines) from error
    except NoMatch as error:
        raise _missing(path, handle.text, error.nearest) from error


def _missing(path: str, content: str, nearest: Sequence[tuple[int, str]]) -> ToolFailed:
    if not content:
        return ToolFailed(f"{path!r} is empty.", advice="Use write_file with overwrite=true.")
    near = "\n".join(f"{number + 1}→{cut(row, 200)}" for number, row in sorted(nearest))
    said = f" The nearest lines now:\n{near}" if near else " No line is like its first one."
    return ToolFailed(
        f"`old_text` is not in {path!r} as the file is now.{said}\n",
        advice="Read the file again there and copy the text exactly.",
    )


def _ambiguous(path: str, content: str, places: Sequence[int]) -> ToolFailed:
    lines = split_lines(content)
    rows = "\n".join(f"{number + 1}→{cut(lines[number].rstrip(), 200)}" for number in places[:_N_NAMED])
    more = f"\n… and {len(places) - _N_NAMED} more" if len(places) > _N_NAMED else ""
    return ToolFailed(
        f"`old_text` occurs {len(places)} times in {path!r}, starting at lines:\n{rows}{more}\n",
        advice="Include more of the lines around the one you mean, or set replace_all.",
    )


def _n_places(content: str, match: Match, arguments: Arguments) -> int:
    if not arguments.get("replace_all"):
        return 1
    return content.count(arguments["old_text"]) if match.rung == "exact" else n_hunks(match.edits, content)


def _edited(path: str, before: str, match: Match, n_places: int) -> ToolOutput:
    after = apply(before, match.edits)
    areas = changed_lines(after, match.edits)
    where = ranges(areas)
    head = f"Edited {path} ({counted(n_places, 'place')}, {where}).{_LOOSE.get(match.rung, '')}"
    details = {"path": path, "n_places": n_places, "rung": match.rung, "lines": [list(area) for area in areas]}
    return ToolOutput("\n".join([head, *around(after, areas)]), details=details)


# --- write_file ------------------------------------------------------------------------------------------


def _prepare_write(arguments: Arguments, work: Work) -> Prepared:
    return prepared("Write", arguments, work)


async def _write(arguments: Arguments, work: Work) -> ToolOutput:
    uri = changed_uri(work, arguments["path"])
    path, content = work.display(uri), arguments["content"].removeprefix("\ufeff")
    if not await in_thread(lambda _: work.files.exists(uri)):
        work.propose(CreateFile(uri, content))
        n_lines = len(file_lines(content))
        return ToolOutput(f"Created {path} ({counted(n_lines, 'line')}).", details={"path": path})
    handle = await opened(work, uri)
    if not arguments.get("overwrite"):
        raise FileExists(
            f"{path!r} exists already ({counted(len(file_lines(handle.text)), 'line')}).",
            advice="Use edit_file to change a part, or overwrite=true to replace all of it.",
        )
    return await _overwrite(path, handle, content, work)


async def _overwrite(path: str, handle: FileHandle, content: str, work: Work) -> ToolOutput:
    edits = await in_thread(lambda _: rewritten(handle.text, content))
    if not edits:
        return ToolOutput(f"{path} has exactly this text already; nothing changed.", details={"path": path})
    check_encodable(path, handle, edits)
    work.propose(ChangeText(handle.base, edits))
    after = apply(handle.text, edits)
    areas = changed_lines(after, edits)
    n_lines = counted(len(file_lines(after)), "line")
    places = counted(n_hunks(edits, handle.text), "place")
    return ToolOutput(f"Overwrote {path} ({n_lines} now; {places} changed, {ranges(areas)}).", details={"path": path})


# --- what both say ---------------------------------------------------------------------------------------


def check_encodable(path: str, handle: FileHandle, edits: Sequence[Edit]) -> None:
    """Raises `ToolFailed` when the file's encoding has no bytes for a new character: saving would fail or lose it."""
    for edit in edits:
        try:
            edit.text.encode(handle.encoding)
        except UnicodeEncodeError as error:
            bad = edit.text[error.start]
            raise ToolFailed(
                f"{bad!r} (U+{ord(bad):04X}) cannot be written in {path!r}: its encoding is {handle.encoding}.",
                advice="Use characters of that encoding, or an escape.",
            ) from error


def changed_lines(after: str, edits: Sequence[Edit]) -> list[tuple[int, int]]:
    """The 1-based first and last lines of each changed stretch in the text after; touching ones are joined."""
    areas: list[tuple[int, int]] = []
    shift = n_breaks = done = 0
    for start, end, new in edits:
        at = start + shift
        n_breaks += len(split_lines(after[done:at])) - 1
        done = at
        last = n_breaks + len(split_lines(new)) - (2 if new.endswith(("\n", "\r")) else 1)
        first_line, last_line = n_breaks + 1, max(n_breaks, last) + 1
        if areas and first_line <= areas[-1][1] + 1:
            first_line, last_line = areas[-1][0], max(areas.pop()[1], last_line)
        areas.append((first_line, last_line))
        shift += len(new) - (end - start)
    return areas


def ranges(areas: Sequence[tuple[int, int]]) -> str:
    """`line 3`, `lines 3–5, 9`."""
    named = ", ".join(f"{a}–{b}" if a < b else f"{a}" for a, b in areas[:_N_NAMED])
    more = ", …" if len(areas) > _N_NAMED else ""
    return f"{'line' if len(areas) == 1 and areas[0][0] == areas[0][1] else 'lines'} {named}{more}"


def around(after: str, areas: Sequence[tuple[int, int]]) -> list[str]:
    """At most twelve numbered lines of the text after, around the first change."""
    lines = file_lines(after)
    first = max(areas[0][0] - _N_CONTEXT, 1)
    last = min(areas[0][1] + _N_CONTEXT, len(lines))
    shown, _ = numbered([cut(row, 200) for row in lines[first - 1 : min(last, first + _N_SHOWN - 1)]], first)
    return shown
