"""`list_dir`, `tree`, `glob` and `grep`: finding places in the workspace as it is now.

Owns limits and rows; the walking and matching is `workspace.search`, run in a thread that stops with the call. Files
of secrets are listed by name, and no line of them is shown or counted. Start with `grep`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from copydesk.domain.errors import InvalidArguments, WorkspaceError
from copydesk.domain.ports import Entry, Work
from copydesk.domain.tools import Location, Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import BOOLEAN, STRING, Arguments, FunctionTool, counted, one_of, schema, text
from copydesk.tools.places import file_uri, hides
from copydesk.tools.reading import cut
from copydesk.tools.restoring import learn
from copydesk.tools.threads import in_thread
from copydesk.workspace import search
from copydesk.workspace.search import FoundFile, Grepped
from copydesk.workspace.workspace import Workspace

N_ENTRIES = 400
N_PATHS = 200
N_ROWS = 200
PAGE_CHARS = 30_000
_ROW_CHARS = 460
_N_IGNORED = 5
_N_NOTED = 20
_DEPTH = 3
_GAP = "--"

_LIST = ToolSpec("list_dir", "List a directory.", schema(path=STRING), "read", "read")
_TREE = ToolSpec(
    "tree",
    "Show the directories and files below path, nested.",
    schema(path=STRING, depth={"type": "integer", "minimum": 1, "maximum": 20, "description": f"default {_DEPTH}"}),
    "read",
    "read",
)
_GLOB = ToolSpec(
    "glob",
    "Find files by name, newest first; pattern such as `**/*.{ts,tsx}`.",
    schema("pattern", pattern=STRING, path=text("directory")),
    "search",
    "read",
)
_GREP = ToolSpec(
    "grep",
    "Search file contents line by line with a regular expression. glob says which files; mode files or count gives "
    "no lines.",
    schema(
        "pattern",
        pattern=STRING,
        path=text("file or directory"),
        glob=STRING,
        mode=one_of("content", "files", "count"),
        ignore_case=BOOLEAN,
        context={"type": "integer", "minimum": 0, "maximum": 20, "description": "lines around"},
    ),
    "search",
    "read",
)


# --- directories -----------------------------------------------------------------------------------------


def list_dir(workspace: Workspace) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        uri = _base(arguments, work)
        if uri is None:
            return ToolOutput("\n".join(["The workspace folders:", *(f"{work.display(one)}/" for one in work.roots)]))
        shown, ignored = await in_thread(lambda _: _split(workspace, work.files.children(uri)))
        return _directory(work.display(uri), shown, ignored)

    return FunctionTool(_LIST, lambda arguments, work: _prepare_in("List", arguments, work), run)


def _split(workspace: Workspace, entries: Iterable[Entry]) -> tuple[list[str], list[str]]:
    shown: list[str] = []
    ignored: list[str] = []
    for entry in entries:
        rows = ignored if workspace.is_ignored(entry.uri, entry.is_dir) else shown
        rows.append(entry.name + "/" * entry.is_dir)
    return shown, ignored


def _directory(path: str, shown: Sequence[str], ignored: Sequence[str]) -> ToolOutput:
    rows = [f"{path}/ ({counted(len(shown), 'entry', 'entries')})", *shown[:N_ENTRIES]]
    if len(shown) > N_ENTRIES:
        rows.append(f"(first {N_ENTRIES} of {len(shown)}; use glob to narrow)")
    if ignored:
        named = ", ".join(ignored[:_N_IGNORED]) + (", …" if len(ignored) > _N_IGNORED else "")
        rows.append(f"({len(ignored)} ignored: {named})")
    return ToolOutput("\n".join(rows), details={"path": path, "n_entries": len(shown)})


def tree(workspace: Workspace) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        uri, depth, files = _base(arguments, work), arguments.get("depth", _DEPTH), work.files
        found = await in_thread(lambda stop: search.tree(files, workspace, uri, depth, N_ENTRIES, should_stop=stop))
        rows = [found.text, *([] if found.n_entries else ["(empty)"]), *_note(found.cut)]
        return ToolOutput("\n".join(rows), details={"n_entries": found.n_entries})

    return FunctionTool(_TREE, lambda arguments, work: _prepare_in("Tree of", arguments, work), run)


# --- patterns --------------------------------------------------------------------------------------------


def glob(workspace: Workspace) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        uri, pattern, files = _base(arguments, work), arguments["pattern"], work.files
        found = await in_thread(lambda stop: search.glob(files, workspace, pattern, uri, N_PATHS, should_stop=stop))
        paths = [work.display(one) for one in found.uris]
        if not paths:
            return _nothing(f"No file matches {pattern!r}.", found.cut)
        rows = [counted(found.n_total, "file"), *paths, *_note(found.cut)]
        return ToolOutput("\n".join(rows), details={"n_found": found.n_total})

    return FunctionTool(_GLOB, _prepare_pattern, run)


def grep(workspace: Workspace) -> FunctionTool:
    async def run(arguments: Arguments, work: Work) -> ToolOutput:
        uri, files = _base(arguments, work), work.files
        found = await in_thread(
            lambda stop: search.grep(
                files,
                workspace,
                arguments["pattern"],
                uri,
                arguments.get("glob") or None,
                arguments.get("mode", "content"),
                arguments.get("ignore_case", False),
                arguments.get("context", 0),
                N_ROWS,
                should_stop=stop,
            )
        )
        found = _without_secrets(found, work)
        await in_thread(lambda _: _learn_from(found, work))
        if arguments.get("mode", "content") == "content":
            for shown, content in await in_thread(lambda _: _news_in(found, work)):
                work.note_read(shown, content)
        return _grepped(found, arguments, work)

    return FunctionTool(_GREP, _prepare_pattern, run)


def _news_in(found: Grepped, work: Work) -> list[tuple[str, str]]:
    """URIs and texts of files, where they are few, that the model is shown lines of for the first time."""
    texts: list[tuple[str, str]] = []
    for file in found.files if len(found.files) <= _N_NOTED else ():
        if work.last_read(file.uri) is None:
            with suppress(WorkspaceError):
                texts.append((file.uri, work.files.read(file.uri).text))
    return texts


def _learn_from(found: Grepped, work: Work) -> None:
    for file in found.files if any(file.lines for file in found.files) else ():
        with suppress(WorkspaceError):
            learn(work, work.files.read(file.uri).text)


def _without_secrets(found: Grepped, work: Work) -> Grepped:
    """Not even counted: a count per pattern would tell the text, one guess at a time."""
    kept = tuple(file for file in found.files if not hides(work, file.uri))
    if len(kept) == len(found.files):
        return found
    return Grepped(kept, sum(file.n_matches for file in kept), len(kept), "there may be more" if found.cut else "")


def _grepped(found: Grepped, arguments: Arguments, work: Work) -> ToolOutput:
    if not found.files:
        return _nothing(f"No line matches {arguments['pattern']!r}.", found.cut)
    head = f"{counted(found.n_matches, 'match', 'matches')} in {counted(found.n_files, 'file')}"
    match arguments.get("mode", "content"):
        case "files":
            rows = [work.display(file.uri) for file in found.files]
        case "count":
            rows = [f"{work.display(file.uri)}: {file.n_matches}" for file in found.files]
        case _:
            return _lines(head, found, arguments, work)
    return ToolOutput("\n".join([head, *rows, *_note(found.cut)]), details={"n_found": found.n_matches})


def _lines(head: str, found: Grepped, arguments: Arguments, work: Work) -> ToolOutput:
    """Rows `path:12: text`, those of context `path-13- text`, up to a page's worth of characters."""
    rows: list[str] = []
    n_chars, notes = 0, _note(found.cut)
    every = (row for file in found.files for row in _file_rows(file, work, bool(arguments.get("context"))))
    for row in every:
        if row == _GAP and not rows:
            continue
        n_chars += len(row) + 1
        if n_chars > PAGE_CHARS:
            notes = [f"(only the first {len(rows)} lines of them; narrow the pattern or give a path)"]
            break
        rows.append(row)
    return ToolOutput("\n".join([head, *rows, *notes]), details={"n_found": found.n_matches})


def _file_rows(file: FoundFile, work: Work, with_context: bool) -> Iterator[str]:
    path = work.display(file.uri)
    last: int | None = None
    for one in file.lines:
        if with_context and (last is None or one.line > last + 1):
            yield _GAP
        sign = ":" if one.is_match else "-"
        yield f"{path}{sign}{one.line + 1}{sign} {cut(one.text, _ROW_CHARS)}"
        last = one.line


# --- shared ----------------------------------------------------------------------------------------------


def _base(arguments: Arguments, work: Work) -> str | None:
    """The URI to look in; None stands for the whole workspace, unless that is one root."""
    path: str = arguments.get("path", "").strip()
    if path in ("", ".", "./"):
        return work.roots[0] if len(work.roots) == 1 else None
    return file_uri(work, path)


def _prepare_in(verb: str, arguments: Arguments, work: Work) -> Prepared:
    uri = _base(arguments, work)
    if uri is None or not arguments.get("path"):
        return Prepared(f"{verb} the workspace")
    return Prepared(f"{verb} {work.display(uri)}", (Location(uri),))


def _prepare_pattern(arguments: Arguments, work: Work) -> Prepared:
    if not arguments["pattern"]:
        raise InvalidArguments("`pattern` is empty.", advice="Give what to look for.")
    return _prepare_in(f"Search {arguments['pattern']!r} in", arguments, work)


def _nothing(said: str, why: str) -> ToolOutput:
    return ToolOutput("\n".join([said, *_note(why)]), details={"n_found": 0})


def _note(why: str) -> list[str]:
    return [f"({why})"] if why else []
