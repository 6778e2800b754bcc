"""`definitions`, `code_intel` and `diagnostics`: what analysers know about the code as it is now.

Lines and columns are 1-based for the model and 0-based below. Knows no analyser: `CodeIntel` is passed in.
Start with `code_intel`.
"""

from collections.abc import Iterable, Sequence

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.messages import Problem
from copydesk.domain.ports import CodeIntel, Found, Symbol, Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import LINE, STRING, Arguments, FunctionTool, counted, one_of, schema, text
from copydesk.tools.places import file_uri, hides, opened, prepared
from copydesk.tools.reading import cut
from copydesk.tools.symbols import Spot, find_spot, outline
from copydesk.tools.threads import in_thread

_N_FOUND = 100
_N_FILES = 20
_ROW_CHARS = 200

_DEFINITIONS = ToolSpec(
    "definitions",
    "Outline of a file: its classes and functions with their line ranges.",
    schema("path", path=STRING),
    "read",
    "read",
)
_CODE_INTEL = ToolSpec(
    "code_intel",
    "Ask about the name `symbol` at `line` of `path`: where it is defined, every reference, or its signature and "
    "documentation (hover). symbols finds definitions in the workspace whose name contains `query`.",
    schema(
        "action",
        action=one_of("definition", "references", "hover", "symbols"),
        path=STRING,
        line=LINE,
        column=LINE,
        symbol=text("instead of column"),
        query=STRING,
    ),
    "search",
    "read",
)
_DIAGNOSTICS = ToolSpec(
    "diagnostics",
    "Errors and warnings in a file as it is now, proposed changes included; without path, in all known files.",
    schema(path=STRING),
    "read",
    "read",
)


def definitions(code: CodeIntel) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        uri = file_uri(work, arguments["path"])
        await opened(work, uri)  # for its errors: they say more than an empty outline
        found = await code.outline(work.files, uri)
        path = work.display(uri)
        rows = outline(found)
        return ToolOutput("\n".join([f"{path} ({counted(len(found), 'definition')})", *rows]), details={"path": path})

    return FunctionTool(_DEFINITIONS, lambda arguments, work: prepared("Outline", arguments, work), run)


# --- code_intel ------------------------------------------------------------------------------------------


def code_intel(code: CodeIntel) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        if arguments["action"] == "symbols":
            return await _symbols(code, arguments, work)
        spot = await find_spot(code, arguments, work)
        return await _asked(code, arguments["action"], spot, work)

    return FunctionTool(_CODE_INTEL, _prepare_code_intel, run)


def _prepare_code_intel(arguments: Arguments, work: Work) -> Prepared:
    action = arguments["action"]
    if action == "symbols" and not (arguments.get("query") or arguments.get("path")):
        raise InvalidArguments("`query` is required for symbols.", advice="Give a part of the name.")
    if action == "symbols" and not arguments.get("path"):
        return Prepared(f"Find symbols {arguments['query']!r}")
    if not arguments.get("path"):
        raise InvalidArguments(f"`path` is required for {action}.", advice="Give the file that uses the name.")
    if action != "symbols" and not (arguments.get("symbol") or arguments.get("line")):
        raise InvalidArguments(f"`line` is required for {action}.", advice="Give `line` and `symbol`.")
    return prepared(action.capitalize(), arguments, work)


async def _symbols(code: CodeIntel, arguments: Arguments, work: Work) -> ToolOutput:
    query = arguments.get("query", "")
    if path := arguments.get("path", ""):
        uri = file_uri(work, path)
        in_file = await code.outline(work.files, uri)
        found = tuple(symbol for symbol in in_file if query.casefold() in symbol.name.casefold())
    else:
        found = await code.find_symbols(work.files, query)
    rows = [_symbol_row(symbol, work) for symbol in found[:_N_FOUND]]
    return _listed(rows, len(found), "symbol", f"No definition contains {query!r}.")


def _symbol_row(symbol: Symbol, work: Work) -> str:
    name = f"{symbol.container}.{symbol.name}" if symbol.container else symbol.name
    return f"{work.display(symbol.uri)}:{symbol.line + 1}:{symbol.column + 1} {symbol.kind} {name}"


async def _asked(code: CodeIntel, action: str, spot: Spot, work: Work) -> ToolOutput:
    place = (work.files, spot.uri, spot.line, spot.column)
    where = f"{spot.name!r} at {work.display(spot.uri)}:{spot.line + 1}"
    if action == "hover":
        told = (await code.hover(*place)).strip()
        return ToolOutput(cut(told, 4000) or f"Nothing is known about {where}.")
    found = await (code.definition(*place) if action == "definition" else code.references(*place))
    rows = [_found_row(one, work) for one in found[:_N_FOUND]]
    return _listed(rows, len(found), action.rstrip("s"), f"No {action} found for {where}.")


def _found_row(found: Found, work: Work) -> str:
    uri, line = found.location.uri, found.location.line
    content = "" if hides(work, uri) else found.text.strip()
    return f"{work.display(uri)}:{(line or 0) + 1}:{found.column + 1} {cut(content or found.name, _ROW_CHARS)}"


def _listed(rows: Sequence[str], n_found: int, noun: str, nothing: str) -> ToolOutput:
    if not rows:
        return ToolOutput(nothing, details={"n_found": 0})
    more = [f"(first {len(rows)} of {n_found})"] if n_found > len(rows) else []
    return ToolOutput("\n".join([counted(n_found, noun), *rows, *more]), details={"n_found": n_found})


# --- diagnostics -----------------------------------------------------------------------------------------


def diagnostics(code: CodeIntel) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        if path := arguments.get("path", ""):
            uri = file_uri(work, path)
            await opened(work, uri)
            known = await code.problems(work.files, uri)
            return _reported((*work.problems(uri), *known), work, f"No problems known in {work.display(uri)}.", "")
        uris, note = await _changed_files(work)
        known = await code.all_problems(work.files, uris)
        return _reported((*work.problems(None), *known), work, "No problems known in the open and changed files.", note)

    return FunctionTool(_DIAGNOSTICS, _prepare_diagnostics, run)


def _prepare_diagnostics(arguments: Arguments, work: Work) -> Prepared:
    return prepared("Check", arguments, work) if arguments.get("path") else Prepared("Check the changed files")


async def _changed_files(work: Work) -> tuple[list[str], str]:
    """The files whose text is not the disk's, the first ones; and a note when there are more."""
    changed = await in_thread(lambda _: work.files.changed())
    uris = sorted(uri for uri, handle in changed.items() if handle is not None)
    n_more = len(uris) - _N_FILES
    return uris[:_N_FILES], f"({n_more} more changed files were not checked)" if n_more > 0 else ""


def _reported(problems: Iterable[Problem], work: Work, nothing: str, note: str) -> ToolOutput:
    found = sorted(_distinct(problems), key=lambda one: (one.uri, one.range.start_line, one.range.start_column))
    rows = [_problem_row(problem, work) for problem in found[:_N_FOUND]]
    listed = _listed(rows, len(found), "problem", nothing)
    return ToolOutput("\n".join(filter(None, [listed.content, note])), details={"n_problems": len(found)})


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    """The same finding of two analysers once: same line and same code, or the same words."""
    kept: list[Problem] = []
    seen: set[tuple[str, int, str]] = set()
    for problem in problems:
        keys = {(problem.uri, problem.range.start_line, word) for word in _identities(problem)}
        if seen.isdisjoint(keys):
            kept.append(problem)
        seen |= keys
    return kept


def _identities(problem: Problem) -> list[str]:
    column = problem.range.start_column
    said = " ".join(problem.message.casefold().split()).rstrip(".")
    return [f"says {said}", *([f"{column} {problem.code}"] if problem.code else [])]


def _problem_row(problem: Problem, work: Work) -> str:
    start = problem.range
    by = " ".join(filter(None, [problem.source, problem.code]))
    said = cut(" ".join(problem.message.split()), 400)
    place = f"{work.display(problem.uri)}:{start.start_line + 1}:{start.start_column + 1}"
    return f"{place} {problem.severity}: {said}{f' ({by})' if by else ''}"
