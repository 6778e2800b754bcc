"""`refactor`: changes that an analyser computes, proposed like any other edit.

Rename, extract, annotate, fix and organise imports. Knows no analyser. Start with `refactor`.
"""

from collections import Counter
from collections.abc import Sequence

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile, PendingEdit
from copydesk.domain.errors import InvalidArguments, ToolFailed
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import CodeIntel, Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.safety.paths import refuse_secret
from copydesk.tools.functions import LINE, STRING, Arguments, FunctionTool, counted, one_of, schema, text
from copydesk.tools.places import file_uri, opened, prepared
from copydesk.tools.reading import file_lines
from copydesk.tools.symbols import find_spot

_NEEDS = {
    "rename": ("new_name",),
    "extract_variable": ("line", "new_name"),
    "extract_function": ("line", "new_name"),
    "annotate": ("line",),
    "fix": ("rules",),
    "organize_imports": (),
}
_VERBS = {
    "rename": "Rename in",
    "extract_variable": "Extract a variable in",
    "extract_function": "Extract a function in",
    "annotate": "Annotate",
    "fix": "Fix",
    "organize_imports": "Organize imports of",
}
_SPEC = ToolSpec(
    "refactor",
    "Let an analyser change the code: rename the symbol at line everywhere; extract the expression `text` on line, or "
    "lines line–end_line, as new_name; annotate the function at line, or those in line–end_line; fix lint rules; "
    "organize_imports.",
    schema(
        "action",
        "path",
        action=one_of(*_NEEDS),
        path=STRING,
        line=LINE,
        symbol=STRING,
        new_name=STRING,
        end_line=LINE,
        text=STRING,
        column=LINE,
        end_column=LINE,
        rules=text("such as F401,UP"),
    ),
    "edit",
    "edit",
)


def refactor(code: CodeIntel) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        edits = await _computed(code, arguments, work)
        for edit in edits:
            refuse_secret(work.display(edit.uri), edit.uri, hides=work.secrets.hides)
        if not edits:
            return ToolOutput(f"{arguments['action']}: nothing to change.", details={"n_files": 0})
        work.propose(*edits)
        return _reported(arguments["action"], edits, work)

    return FunctionTool(_SPEC, _prepare, run)


def _prepare(arguments: Arguments, work: Work) -> Prepared:
    action = arguments["action"]
    missing = [name for name in _NEEDS[action] if not arguments.get(name)]
    if action == "rename" and not (arguments.get("line") or arguments.get("symbol")):
        missing.append("line")
    if missing:
        raise InvalidArguments(f"{action} needs {', '.join(f'`{name}`' for name in missing)}.")
    return prepared(_VERBS[action], arguments, work)


async def _computed(code: CodeIntel, arguments: Arguments, work: Work) -> tuple[PendingEdit, ...]:
    uri = file_uri(work, arguments["path"])
    match arguments["action"]:
        case "rename":
            spot = await find_spot(code, arguments, work)
            return await code.rename(work.files, uri, spot.line, spot.column, arguments["new_name"])
        case "extract_variable" | "extract_function" as action:
            area = await _area(arguments, work, uri)
            return await code.extract(work.files, uri, area, arguments["new_name"], action.removeprefix("extract_"))
        case "annotate":
            last = arguments.get("end_line")
            return await code.annotate(work.files, uri, arguments["line"] - 1, last - 1 if last else None)
        case "fix":
            return await code.fix(work.files, uri, arguments["rules"])
        case _:
            return await code.fix(work.files, uri, "I")


# --- what to extract -------------------------------------------------------------------------------------


async def _area(arguments: Arguments, work: Work, uri: str) -> LineRange:
    """Columns when given; else the text quoted; else whole lines from their first character to their last."""
    lines = file_lines((await opened(work, uri)).text)
    first: int = arguments["line"] - 1
    last: int = arguments.get("end_line", arguments["line"]) - 1
    if not first <= last < len(lines):
        raise InvalidArguments(
            f"lines {first + 1}–{last + 1} are not in the file, which has {counted(len(lines), 'line')}."
        )
    if quoted := arguments.get("text", ""):
        return _quoted(lines, first, quoted)
    start = arguments.get("column", _indent(lines[first]) + 1) - 1
    end = arguments.get("end_column", len(lines[last].rstrip()) + 1) - 1
    return LineRange(first, min(start, len(lines[first])), last, min(end, len(lines[last])))


def _indent(content: str) -> int:
    return len(content) - len(content.lstrip())


def _quoted(lines: Sequence[str], first: int, quoted: str) -> LineRange:
    wanted = quoted.strip()
    n_more = wanted.count("\n")
    joined = "\n".join(lines[first : first + n_more + 1])
    at = joined.find(wanted)
    if at < 0 or at > len(lines[first]):
        raise ToolFailed(f"`text` is not on line {first + 1}: {lines[first].strip()!r}.", advice="Copy it exactly.")
    end = at + len(wanted)
    last_start = joined.rfind("\n", 0, end) + 1
    return LineRange(first, at, first + n_more, end - last_start)


# --- what is said ----------------------------------------------------------------------------------------


def _reported(action: str, edits: Sequence[PendingEdit], work: Work) -> ToolOutput:
    n_places = Counter[str]()
    rows: list[str] = []
    for edit in edits:
        path = work.display(edit.uri)
        match edit:
            case ChangeText():
                n_places[path] += len(edit.spans)
            case CreateFile():
                rows.append(f"{path} (created)")
            case DeleteFile():
                rows.append(f"{path} (deleted)")
            case MoveFile():
                rows.append(f"{path} (moved to {work.display(edit.destination)})")
    rows = [f"{path} ({counted(n, 'place')})" for path, n in n_places.items()] + rows
    head = f"{action}: changed {counted(len(rows), 'file')}."
    return ToolOutput("\n".join([head, *rows]), details={"n_files": len(rows), "n_places": n_places.total()})
