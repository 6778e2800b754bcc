"""`git_status`, `git_diff` and `git_log`: what git says, with unsaved and proposed text laid over the disk.

Owns the rows a model reads; git itself is `workspace.git`. Start with `reading_tools`.
"""

from collections.abc import Callable, Iterable

from copydesk.domain.errors import InvalidArguments, ToolFailed
from copydesk.domain.ports import Work
from copydesk.domain.tools import Location, Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import BOOLEAN, STRING, Arguments, FunctionTool, counted, schema
from copydesk.tools.places import hides
from copydesk.workspace.git import reading
from copydesk.workspace.git.reading import Entry, Status
from copydesk.workspace.git.running import Git, Repository
from copydesk.workspace.uris import is_under, to_path

N_ENTRIES = 300
N_COMMITS = 20
MAX_COMMITS = 200
DIFF_CHARS = 50_000

_STATUS = ToolSpec("git_status", "git status, unsaved and proposed text included.", schema(), "read", "read")
_DIFF = ToolSpec(
    "git_diff",
    "Diff of index to current text (unsaved, proposed included); staged: HEAD to index.",
    schema(path=STRING, staged=BOOLEAN),
    "read",
    "read",
)
_LOG = ToolSpec(
    "git_log",
    "The newest commits.",
    schema(path=STRING, limit={"type": "integer", "minimum": 1, "maximum": MAX_COMMITS}),
    "read",
    "read",
)
_SHOWN = {"?": "untracked", "U": "conflict"}
_WORDS = {"M": "modified", "A": "added", "D": "deleted", "R": "renamed", "C": "copied", "T": "type changed"}


def reading_tools(git: Git) -> tuple[FunctionTool, ...]:
    async def status(_arguments: Arguments, work: Work) -> ToolOutput:
        return await _status(git, work)

    async def diff(arguments: Arguments, work: Work) -> ToolOutput:
        return await _diff(git, arguments, work)

    async def log(arguments: Arguments, work: Work) -> ToolOutput:
        return await _log(git, arguments, work)

    return (
        FunctionTool(_STATUS, _prepared("git status"), status),
        FunctionTool(_DIFF, _prepared("git diff"), diff),
        FunctionTool(_LOG, _prepared("git log"), log),
    )


def _prepared(title: str):
    def prepare(arguments: Arguments, work: Work) -> Prepared:
        path = arguments.get("path")
        if path is None:
            return Prepared(title)
        uri = work.resolve(path)
        return Prepared(f"{title} {work.display(uri)}", (Location(uri),))

    return prepare


def folder_of(work: Work, uri: str | None) -> str:
    """The path of the workspace folder that holds a file; the first one when none is named."""
    if not work.roots:
        raise ToolFailed("No folder is open.", advice="Ask the person to open the folder of the repository.")
    roots = sorted(work.roots, key=len, reverse=True)
    found = work.roots[0] if uri is None else next((root for root in roots if is_under(uri, root)), work.roots[0])
    return to_path(found) or found


async def _status(git: Git, work: Work) -> ToolOutput:
    rows: list[str] = []
    for root in work.roots or (None,):
        repository = await git.open(folder_of(work, root))
        found = await reading.status(git, repository, work.files)
        rows += [f"{work.display(root)}:"] if root and len(work.roots) > 1 else []
        rows += _status_rows(found, repository, work)
    return ToolOutput("\n".join(rows))


def _status_rows(found: Status, repository: Repository, work: Work) -> list[str]:
    where = f"On branch {found.branch}" if found.branch else f"No branch is checked out (at {found.head[:10]})"
    apart = [f"{n} {word}" for n, word in ((found.ahead, "ahead"), (found.behind, "behind")) if n]
    if found.upstream:
        where += f", {' and '.join(apart) or 'level with'}{' of' if apart else ''} {found.upstream}"
    rows = [where + ("" if found.head else ", no commits yet") + "."]
    if not found.entries:
        return [*rows, "Nothing to commit: the text here is what the last commit has."]
    staged = [entry for entry in found.entries if entry.staged not in " ?U"]
    changed = [entry for entry in found.entries if entry.changed not in " ?U"]
    rows += _group("Staged", [(entry, _WORDS.get(entry.staged, "changed")) for entry in staged], repository, work)
    rows += _group("Not staged", [(entry, _WORDS.get(entry.changed, "changed")) for entry in changed], repository, work)
    for letter, word in _SHOWN.items():
        others = [(entry, word) for entry in found.entries if entry.changed == letter]
        rows += _group(word.capitalize(), others, repository, work)
    return rows


def _group(title: str, entries: list[tuple[Entry, str]], repository: Repository, work: Work) -> list[str]:
    if not entries:
        return []
    shown = [f"  {word}: {_named(entry, repository, work)}{_tag(entry)}" for entry, word in entries[:N_ENTRIES]]
    more = [f"  … {len(entries) - N_ENTRIES:,} more"] if len(entries) > N_ENTRIES else []
    return [f"{title}:", *shown, *more]


def _named(entry: Entry, repository: Repository, work: Work) -> str:
    end = "/" if entry.path.endswith("/") else ""
    path = work.display(reading.uri_of(repository, entry.path)) + end
    return f"{work.display(reading.uri_of(repository, entry.source))} → {path}" if entry.source else path


def _tag(entry: Entry) -> str:
    tags = [word for word, holds in (("unsaved", entry.unsaved), ("proposed", entry.proposed)) if holds]
    return f" ({', '.join(tags)})" if tags else ""


def places_of(work: Work, path: str | None) -> tuple[str | None, ...]:
    """What a call is about: the path it names, else every folder of the workspace."""
    return (work.resolve(path),) if path else (work.roots or (None,))


def _headed(work: Work, place: str | None, path: str | None) -> list[str]:
    """Where what follows stands, where a call without a path is about several folders."""
    return [f"{work.display(place)}:"] if place and path is None and len(work.roots) > 1 else []


async def _diff(git: Git, arguments: Arguments, work: Work) -> ToolOutput:
    path, staged = arguments.get("path"), arguments.get("staged", False)
    pieces: list[str] = []
    hidden = 0
    for place in places_of(work, path):
        repository = await git.open(folder_of(work, place))
        inside = reading.path_in(repository, place) if place and path else None
        shown, n_hidden = _without_secrets(
            await reading.diff(git, repository, work.files, inside, staged=staged),
            lambda name, repository=repository: hides(work, reading.uri_of(repository, name)),
        )
        hidden += n_hidden
        pieces += [*_headed(work, place, path), shown.rstrip("\n")] if shown else []
    found = "\n".join(pieces)
    words = "the index and HEAD" if staged else "the current text and the index"
    notes = [f"({counted(hidden, 'file')} of secrets not shown)"] if hidden else []
    if len(found) > DIFF_CHARS:
        notes.append(f"(cut: {len(found) - DIFF_CHARS:,} characters more; give a path)")
    text = found[:DIFF_CHARS].rstrip("\n") or f"No difference between {words}."
    return ToolOutput("\n".join([text, *notes]))


def _without_secrets(diff: str, hidden: Callable[[str], bool]) -> tuple[str, int]:
    """The diff without the files that tools do not open, and how many those were."""
    begin = "diff --git "
    pieces = (begin + piece if number else piece for number, piece in enumerate(f"\n{diff}".split("\n" + begin)))
    kept: list[str] = []
    n_hidden = 0
    for piece in pieces:
        if any(hidden(name) for name in _names_in(piece)):
            n_hidden += 1
        elif piece.strip():
            kept.append(piece.strip("\n") + "\n")
    return "".join(kept), n_hidden


def _names_in(piece: str) -> Iterable[str]:
    head = piece.partition("\n@@")[0].splitlines()
    for row in head:
        for start in ("--- a/", "+++ b/", "rename from ", "rename to ", "copy from "):
            if row.startswith(start):
                yield row[len(start) :].strip('"')
    if head and head[0].startswith("diff --git "):  # a binary file, or one without lines, has no other name
        yield head[0].rpartition(" b/")[2].strip('"')


async def _log(git: Git, arguments: Arguments, work: Work) -> ToolOutput:
    path, limit = arguments.get("path"), arguments.get("limit", N_COMMITS)
    rows: list[str] = []
    for place in places_of(work, path):
        rows += [*_headed(work, place, path), *await _log_rows(git, place if path else None, place, limit, work)]
    return ToolOutput("\n".join(rows))


async def _log_rows(git: Git, uri: str | None, folder: str | None, limit: int, work: Work) -> list[str]:
    """The commits of one file or (`uri` None) of the folder's repository."""
    repository = await git.open(folder_of(work, folder))
    where = [f":(top,literal){reading.path_in(repository, uri)}"] if uri else []
    form = "--format=%h %ad %an: %s%d"
    done = await git.run(repository, "log", f"-{limit}", "--date=short", form, "--", *where, check=False)
    rows = done.stdout.decode(errors="replace").strip()
    if done.exit_code and not rows:
        if b"does not have any commits" in done.stderr:
            return ["There are no commits yet."]
        raise InvalidArguments(f"git log failed: {done.stderr.decode(errors='replace').strip()}")
    laid = reading.laid_over(repository, work.files)
    over = [each for each in laid if not where or where[0].endswith(f"){each}")]
    notes = [f"(not committed: {counted(len(over), 'file')} with unsaved or proposed text)"] if over else []
    return [*notes, rows or "No commit touches it."]
