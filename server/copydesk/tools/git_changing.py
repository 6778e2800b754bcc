"""`git_add`, `git_commit` and `git_branch`: what is done to the real repository, always after asking a person.

They act on what is saved, and say what is not. Without the folder's trust no hook and no filter of the repository
runs, and what cannot be done rightly without one is refused. Start with `changing_tools`.
"""

from collections.abc import Sequence

from copydesk.domain.errors import InvalidArguments, ToolFailed
from copydesk.domain.ports import Work
from copydesk.domain.tools import Location, Prepared, ToolOutput, ToolSpec
from copydesk.safety.paths import refuse_change, refuse_secret
from copydesk.tools.functions import BOOLEAN, STRING, Arguments, FunctionTool, counted, schema
from copydesk.tools.git_reading import folder_of
from copydesk.workspace.git import reading
from copydesk.workspace.git.running import WRITE_LIMIT_S, Git, Repository, said
from copydesk.workspace.uris import is_under

MAX_PATHS = 500
MAX_MESSAGE_CHARS = 20_000
_REAL = "It changes the real repository."

_ADD = ToolSpec(
    "git_add",
    "Stage files as saved.",
    schema("paths", paths={"type": "array", "items": STRING, "minItems": 1, "maxItems": MAX_PATHS}),
    "execute",
    "execute",
)
_COMMIT = ToolSpec(
    "git_commit",
    "Commit what is staged.",
    schema("message", message=STRING, path=STRING),
    "execute",
    "execute",
)
_BRANCH = ToolSpec(
    "git_branch",
    "Create or switch to a branch.",
    schema("name", name=STRING, create=BOOLEAN, switch=BOOLEAN, path=STRING),
    "execute",
    "execute",
)


def changing_tools(git: Git) -> tuple[FunctionTool, ...]:
    async def add(arguments: Arguments, work: Work) -> ToolOutput:
        return await _add(git, arguments, work)

    async def commit(arguments: Arguments, work: Work) -> ToolOutput:
        return await _commit(git, arguments, work)

    async def branch(arguments: Arguments, work: Work) -> ToolOutput:
        return await _branch(git, arguments, work)

    return (
        FunctionTool(_ADD, _prepare_add, add),
        FunctionTool(_COMMIT, _prepare_commit, commit),
        FunctionTool(_BRANCH, _prepare_branch, branch),
    )


# --- add ---


def _prepare_add(arguments: Arguments, work: Work) -> Prepared:
    uris = [work.resolve(path) for path in arguments["paths"]]
    names = [work.display(uri) for uri in uris]
    for name in names:
        refuse_secret(name)
        refuse_change(name)
    unsaved = _unsaved(work, uris)
    more = f" Not saved, so left out: {', '.join(unsaved)}." if unsaved else ""
    return Prepared(f"git add {_some(names)}", tuple(map(Location, uris)), asks=f"{_REAL}{more}")


async def _add(git: Git, arguments: Arguments, work: Work) -> ToolOutput:
    uris = [work.resolve(path) for path in arguments["paths"]]
    repository = await git.open(folder_of(work, uris[0]))
    paths = [reading.path_in(repository, uri) for uri in uris]
    await _refuse_filters(git, repository, paths)
    listed = "\0".join(paths).encode(errors="surrogateescape")
    await git.run(
        repository,
        *("--literal-pathspecs", "add", "--pathspec-from-file=-", "--pathspec-file-nul"),
        at_top=True,
        stdin=listed,
        timeout_s=WRITE_LIMIT_S,
    )
    staged = await _staged(git, repository)
    rows = [f"Staged now: {_some(staged)}." if staged else "Nothing is staged: what is on disk is what HEAD has."]
    return ToolOutput("\n".join([*rows, *_said_unsaved(work, uris)]))


async def _refuse_filters(git: Git, repository: Repository, paths: Sequence[str]) -> None:
    """A file whose content a filter makes must not be staged without it: git LFS would lose its pointer."""
    if repository.trusted or not repository.filters:
        return
    listed = await git.run(
        repository, *("--literal-pathspecs", "ls-files", "-z", "--full-name", "--cached", "--others"),
        *("--exclude-standard", "--", *paths), at_top=True,
    )  # fmt: skip
    found = await git.run(repository, "check-attr", "--stdin", "-z", "filter", at_top=True, stdin=listed.stdout)
    words = found.stdout.decode(errors="surrogateescape").split("\0")
    hit = [
        path
        for path, _, value in zip(words[::3], words[1::3], words[2::3], strict=False)
        if value in repository.filters
    ]
    if hit:
        raise ToolFailed(
            f"{_some(hit)} would be staged without the repository's own filter, which does not run before the folder "
            "is trusted.",
            advice="Ask the person to trust the folder (copydesk.workspace.trust), or to stage it.",
        )


# --- commit ---


def _prepare_commit(arguments: Arguments, work: Work) -> Prepared:
    message: str = arguments["message"]
    if not message.strip() or "\0" in message:
        raise InvalidArguments("`message` is empty, or has a NUL character.", advice="Say what the commit does.")
    if len(message) > MAX_MESSAGE_CHARS:
        raise InvalidArguments(f"`message` has over {MAX_MESSAGE_CHARS:,} characters.", advice="Say it in a few lines.")
    folder = _folder(arguments, work)
    unsaved = _unsaved(work, _below(work, folder))
    more = f" Not saved, so not in it: {_some(unsaved)}." if unsaved else ""
    return Prepared(f"git commit{_where(work, folder)}: {message.strip().splitlines()[0]}", asks=f"{_REAL}{more}")


async def _commit(git: Git, arguments: Arguments, work: Work) -> ToolOutput:
    folder = _folder(arguments, work)
    repository = await git.open(folder_of(work, folder))
    staged = await _staged(git, repository)
    if not staged:
        raise ToolFailed("Nothing is staged, so there is nothing to commit.", advice="Stage files with git_add.")
    hooks = () if repository.trusted else ("--no-verify",)
    done = await git.run(
        repository,
        *("commit", "--quiet", "--cleanup=whitespace", *hooks, "-m", arguments["message"].strip()),
        check=False,
        timeout_s=WRITE_LIMIT_S,
    )
    if done.exit_code:
        raise _commit_failed(said(done), repository)
    shown = await git.run(repository, "log", "-1", "--format=%h %s")
    rows = [f"Committed {shown.stdout.decode(errors='replace').strip()} ({counted(len(staged), 'file')})."]
    rows += [] if repository.trusted else ["Hooks did not run: the folder is not trusted."]
    return ToolOutput("\n".join([*rows, *_said_unsaved(work, _below(work, folder))]))


def _commit_failed(words: str, repository: Repository) -> ToolFailed:
    if "Please tell me who you are" in words or "empty ident" in words:
        advice = "Ask the person to set user.name and user.email (git config --global)."
        return ToolFailed("git does not know who commits.", advice=advice)
    hooks = " A hook may have refused it." if repository.trusted else ""
    return ToolFailed(f"The commit was not made: {words}.{hooks}")


# --- branch ---


def _prepare_branch(arguments: Arguments, work: Work) -> Prepared:
    folder = _folder(arguments, work)
    create, switch = arguments.get("create", False), arguments.get("switch", False)
    if not create and not switch:
        raise InvalidArguments("git_branch needs `create`, `switch` or both.", advice="git_status names the branch.")
    verb = "create and switch to" if create and switch else "create" if create else "switch to"
    files = " Files of the folder change to that branch's." if switch and not create else ""
    return Prepared(f"git branch{_where(work, folder)}: {verb} {arguments['name']}", asks=f"{_REAL}{files}")


async def _branch(git: Git, arguments: Arguments, work: Work) -> ToolOutput:
    name, create, switch = arguments["name"], arguments.get("create", False), arguments.get("switch", False)
    folder = _folder(arguments, work)
    repository = await git.open(folder_of(work, folder))
    valid = await git.run(repository, "check-ref-format", "--branch", name, check=False)
    if valid.exit_code or name.startswith("-"):
        raise InvalidArguments(f"{name!r} cannot be the name of a branch.", advice="Such as fix/empty-input.")
    if switch and not create:
        await _refuse_switch(git, repository, name, work)
    words = ("switch", "--no-guess", *(("-c",) if create else ()), name) if switch else ("branch", "--no-track", name)
    await git.run(repository, *words, timeout_s=WRITE_LIMIT_S)
    done = (
        f"{'Created' if create else 'Switched to'} branch {name}{' and switched to it' if create and switch else ''}."
    )
    return ToolOutput("\n".join([done, *_said_unsaved(work, _below(work, folder))]))


async def _refuse_switch(git: Git, repository: Repository, name: str, work: Work) -> None:
    """A switch rewrites files: not below text that is not saved, nor without filters that make their content."""
    if repository.filters and not repository.trusted:
        raise ToolFailed(
            "The repository's filters do not run before the folder is trusted, so files could be written wrongly.",
            advice="Ask the person to trust the folder (copydesk.workspace.trust), or to switch.",
        )
    ref = f"refs/heads/{name}"
    if (await git.run(repository, "rev-parse", "--verify", "--quiet", ref, check=False)).exit_code:
        raise ToolFailed(f"There is no branch {name!r}.", advice="Give `create` to make it.")
    done = await git.run(repository, "diff", "--name-only", "-z", "--no-ext-diff", "HEAD", ref, "--")
    differ = set(done.stdout.decode(errors="surrogateescape").split("\0"))
    held = [path for path in reading.laid_over(repository, work.files) if path in differ]
    if held:
        raise ToolFailed(
            f"{_some(held)} has unsaved or proposed text and is different on {name!r}; nothing was switched.",
            advice="Ask the person to save it and decide the proposals first.",
        )


# --- shared ---


def _folder(arguments: Arguments, work: Work) -> str | None:
    """The workspace folder that is meant. With several, it is named: nothing is done to the wrong repository."""
    path = arguments.get("path")
    if path:
        uri = work.resolve(path)
        return next((root for root in sorted(work.roots, key=len, reverse=True) if is_under(uri, root)), None)
    if len(work.roots) > 1:
        names = ", ".join(work.display(root) for root in work.roots)
        raise InvalidArguments(f"There are several folders: {names}.", advice="Name the one you mean in `path`.")
    return work.roots[0] if work.roots else None


def _below(work: Work, folder: str | None) -> Sequence[str]:
    return work.roots if folder is None else (folder,)


def _where(work: Work, folder: str | None) -> str:
    return f" in {work.display(folder)}" if folder and len(work.roots) > 1 else ""


async def _staged(git: Git, repository: Repository) -> list[str]:
    done = await git.run(repository, "diff", "--cached", "--name-only", "-z", "--no-ext-diff", "--no-textconv")
    return [path for path in done.stdout.decode(errors="replace").split("\0") if path]


def _unsaved(work: Work, below: Sequence[str]) -> list[str]:
    uris = [uri for uri in work.files.changed() if any(is_under(uri, folder) for folder in below)]
    return [work.display(uri) for uri in uris]


def _said_unsaved(work: Work, below: Sequence[str]) -> list[str]:
    found = _unsaved(work, below)
    return [f"Not in it, since it is unsaved or only proposed: {_some(found)}."] if found else []


def _some(names: Sequence[str], n: int = 8) -> str:
    return ", ".join(names[:n]) + (f" and {len(names) - n:,} more" if len(names) > n else "")
