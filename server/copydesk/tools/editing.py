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
from copydesk.text.endings import rewritten
from copydesk.text.lines import count_breaks, split_lines
from copydesk.text.matching import Ambiguous, BadQuote, Match, NoMatch, Rung, find_edit
from copydesk.tools.functions import BOOLEAN, STRING, Arguments, FunctionTool, counted, schema, text
from copydesk.tools.misses import ambiguous, missing, note_edited
from copydesk.tools.places import changed_uri, opened, prepared
from copydesk.tools.reading import cut, file_lines, numbered
from copydesk.tools.restoring import put_back, stayed
from copydesk.tools.threads import in_thread

BIG_CHARS = 40_000
"""Longer texts are searched in a thread."""
_N_SHOWN = 12
_N_CONTEXT = 2
_N_NAMED = 20
LOOSE: dict[Rung, str] = {
    "trailing_space": " Matched ignoring spaces at line ends.",
    "indentation": " Matched with other indentation; the new text was indented to fit.",
    "typography": " Matched with other quotes, dashes or spaces; the file's own stay where you left them as they were.",
    "unicode_form": " Matched in another Unicode form; the file's own stays where you left it as it was.",
    "blank_edges": " Matched without the blank lines or line break around it.",
    "line_numbers": " Matched without the line numbers, which are not part of the file.",
    "elided": " Matched around what `...` leaves out, which was kept.",
}
"""What is said when the quoted text was not found as it was written."""

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
    texts = {name: put_back(work, arguments[name], handle.text) for name in ("old_text", "new_text")}
    arguments = {**arguments, **texts}
    if len(handle.text) > BIG_CHARS:
        match = await in_thread(lambda _: _matched(work, uri, handle, arguments))
    else:
        match = _matched(work, uri, handle, arguments)
    if not match.edits:
        raise InvalidArguments("The texts differ only in line ends, and edit_file keeps the file's.")
    check_encodable(path, handle, match.edits)
    work.propose(ChangeText(handle.base, match.edits))
    note_edited(work, uri, handle.text, match.edits)
    return _edited(path, handle.text, match, stayed(work, arguments["new_text"], handle.text))


def _matched(work: Work, uri: str, handle: FileHandle, arguments: Arguments) -> Match:
    old, new = arguments["old_text"], arguments["new_text"]
    try:
        return find_edit(handle.text, old, new, arguments.get("replace_all", False))
    except BadQuote as error:
        raise ToolFailed(f"{work.display(uri)!r} was not changed: {error}.", advice="Write every line out.") from error
    except Ambiguous as error:
        raise ambiguous(work.display(uri), handle.text, error.lines) from error
    except NoMatch as error:
        raise missing(work, uri, handle.text, error.near, str(error)) from error


def _edited(path: str, before: str, match: Match, note: str) -> ToolOutput:
    after = apply(before, match.edits)
    areas = changed_lines(after, match.edits)
    where = ranges(areas)
    head = f"Edited {path} ({counted(match.n_places, 'place')}, {where}).{LOOSE.get(match.rung, '')}"
    details = {"path": path, "n_places": match.n_places, "rung": match.rung, "lines": [list(area) for area in areas]}
    return ToolOutput("\n".join(filter(None, [head, note, *around(after, areas)])), details=details)


# --- write_file ------------------------------------------------------------------------------------------


def _prepare_write(arguments: Arguments, work: Work) -> Prepared:
    return prepared("Write", arguments, work)


async def _write(arguments: Arguments, work: Work) -> ToolOutput:
    uri = changed_uri(work, arguments["path"])
    path, content = work.display(uri), arguments["content"].removeprefix("\ufeff")
    if not await in_thread(lambda _: work.files.exists(uri)):
        work.propose(CreateFile(uri, content))
        work.note_read(uri, content)
        n_lines = len(file_lines(content))
        said = [f"Created {path} ({counted(n_lines, 'line')}).", stayed(work, content)]
        return ToolOutput("\n".join(filter(None, said)), details={"path": path})
    handle = await opened(work, uri)
    if not arguments.get("overwrite"):
        raise FileExists(
            f"{path!r} exists already ({counted(len(file_lines(handle.text)), 'line')}).",
            advice="Use edit_file to change a part, or overwrite=true to replace all of it.",
        )
    return await _overwrite(uri, handle, content, work)


async def _overwrite(uri: str, handle: FileHandle, content: str, work: Work) -> ToolOutput:
    path = work.display(uri)
    content = put_back(work, content, handle.text)
    edits = await in_thread(lambda _: rewritten(handle.text, content))
    if not edits:
        return ToolOutput(f"{path} has exactly this text already; nothing changed.", details={"path": path})
    check_encodable(path, handle, edits)
    work.propose(ChangeText(handle.base, edits))
    after = apply(handle.text, edits)
    work.note_read(uri, after)
    areas = changed_lines(after, edits)
    n_lines = counted(len(file_lines(after)), "line")
    places = counted(n_hunks(edits, handle.text), "place")
    said = [f"Overwrote {path} ({n_lines} now; {places} changed, {ranges(areas)}).", stayed(work, content, handle.text)]
    return ToolOutput("\n".join(filter(None, said)), details={"path": path})


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
        n_breaks += count_breaks(after[done:at])
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
