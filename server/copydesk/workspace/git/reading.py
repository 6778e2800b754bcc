"""What git says of the files, with open buffers and pending edits laid over the disk.

git knows the disk only. For each file that reads differently here, its entry in the index is compared with the text
that stands in the editor, by git's own rules for line ends. Nothing is written, not even git's index.
Start with `status` and `diff`.
"""

import os
from collections.abc import Iterable, Mapping, Sequence

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.text.diffs import unified
from copydesk.text.encodings import BinaryError, UndecodableError, UnencodableError, decode, encode
from copydesk.workspace.git.running import Git, Repository
from copydesk.workspace.pending import Layered
from copydesk.workspace.uris import to_path, to_uri

MAX_COMPARED = 500
"""Most files whose buffers are compared with the index; more are said to differ without looking."""


@frozen
class Entry:
    """One file of a status. `staged` and `changed` are git's letters (" " for none, "?" untracked, "U" conflict).

    `path` is relative to the repository's top; `source` where a renamed file stood.
    """

    path: str
    staged: str
    changed: str
    source: str = ""
    unsaved: bool = False
    proposed: bool = False


@frozen
class Status:
    """`branch` is empty where none is checked out; `head` the commit's hash, "" before the first."""

    branch: str
    head: str
    upstream: str
    ahead: int
    behind: int
    entries: tuple[Entry, ...]


@frozen
class Laid:
    """One file as this view has it where the disk differs. `handle` is None where it is deleted here."""

    path: str
    handle: FileHandle | None
    unsaved: bool
    proposed: bool


def laid_over(repository: Repository, files: FileSource) -> dict[str, Laid]:
    """The files of the repository that read differently from the disk, by their path from its top."""
    below = files.below if isinstance(files, Layered) else files
    unsaved = below.changed()
    found: dict[str, Laid] = {}
    for uri, handle in files.changed().items():
        path = _inside(repository, uri)
        if path is not None:
            proposed = uri not in unsaved or _hash(unsaved[uri]) != _hash(handle)
            found[path] = Laid(path, handle, uri in unsaved, proposed)
    return found


async def status(git: Git, repository: Repository, files: FileSource) -> Status:
    """The status of the folder. Untracked folders are one entry, as git shows them."""
    submodules = "none" if repository.trusted else "dirty"  # a submodule has a configuration of its own
    done = await git.run(
        repository,
        *("status", "--porcelain=v2", "-z", "--branch", "--untracked-files=normal"),
        *(f"--ignore-submodules={submodules}", "--", "."),
    )
    found = _parsed(done.stdout)
    over = {path: laid for path, laid in laid_over(repository, files).items() if path.startswith(repository.prefix)}
    entries = await _with_buffers(git, repository, found.entries, over)
    return Status(found.branch, found.head, found.upstream, found.ahead, found.behind, entries)


async def diff(git: Git, repository: Repository, files: FileSource, path: str | None, *, staged: bool) -> str:
    """A unified diff: of the index against the text as it stands here, or (`staged`) of HEAD against the index.

    `path` is relative to the repository's top. Paths in the diff are relative to the folder.
    """
    over = {} if staged else laid_over(repository, files)
    over = {each: laid for each, laid in over.items() if _is_below(each, repository.prefix if path is None else path)}
    where = [f":(top,literal){path}"] if path is not None else ["."]
    where += [f":(top,exclude,literal){each}" for each in over]
    textconv = () if repository.trusted else ("--no-textconv",)
    done = await git.run(
        repository,
        *("diff", "--no-ext-diff", "--no-color", "-M", "--relative", *textconv),
        *(["--cached"] if staged else ["--ignore-submodules=dirty"]),
        *("--", *where),
    )
    pieces = [done.stdout.decode(errors="replace")]
    indexed = await _index(git, repository, over)
    for laid in over.values():
        pieces.append(await _own_diff(git, repository, laid, indexed.get(laid.path)))
    return "".join(pieces)


async def _own_diff(git: Git, repository: Repository, laid: Laid, blob: str | None) -> str:
    """The diff of one file from the index to what stands here; "" for one that git does not know."""
    if blob is None:
        return ""
    shown = laid.path.removeprefix(repository.prefix)
    done = await git.run(repository, "cat-file", "--filters", f"--path={laid.path}", blob, at_top=True)
    new = laid.handle.text if laid.handle else ""
    try:
        old = decode(done.stdout, laid.handle.encoding if laid.handle else None).text
    except (BinaryError, UndecodableError):
        return f"Binary files a/{shown} and b/{shown} differ\n"
    made = unified(old, new, shown, deleted=laid.handle is None)
    return f"diff --git a/{shown} b/{shown}\n{made}" if made else ""


async def _with_buffers(
    git: Git, repository: Repository, entries: Iterable[Entry], over: Mapping[str, Laid]
) -> tuple[Entry, ...]:
    by_path = {entry.path: entry for entry in entries}
    indexed = await _index(git, repository, over)
    ignored = await _ignored(git, repository, [path for path in over if path not in indexed])
    for number, (path, laid) in enumerate(over.items()):
        known = by_path.pop(path, Entry(path, " ", " "))
        if path not in indexed:
            letter = "" if laid.handle is None or path in ignored or _is_listed(path, by_path) else "?"
        elif laid.handle is None:
            letter = "D"
        else:
            same = number < MAX_COMPARED and await _blob_of(git, repository, laid.handle, path) == indexed[path]
            letter = " " if same else "M"
        # A rename that git found on the disk stays one; the letter of the second column is the text's.
        staged = "?" if letter == "?" else known.staged.replace("?", " ")
        if letter and (staged, letter) != (" ", " "):
            by_path[path] = Entry(path, staged, letter, known.source, laid.unsaved, laid.proposed)
    return tuple(sorted(by_path.values(), key=lambda entry: entry.path))


async def _index(git: Git, repository: Repository, paths: Iterable[str]) -> dict[str, str]:
    """The blob of each path in the index; those that are not there, and conflicts, are left out."""
    wanted = [f":(top,literal){path}" for path in paths]
    if not wanted:
        return {}
    done = await git.run(repository, "ls-files", "--stage", "-z", "--full-name", "--", *wanted, at_top=True)
    found: dict[str, str] = {}
    for row in done.stdout.decode(errors="surrogateescape").split("\0"):
        head, tab, path = row.partition("\t")
        if tab and head.endswith(" 0"):
            found[path] = head.split(" ")[1]
    return found


async def _ignored(git: Git, repository: Repository, paths: Sequence[str]) -> frozenset[str]:
    if not paths:
        return frozenset()
    listed = "\0".join(paths).encode(errors="surrogateescape")
    done = await git.run(repository, "check-ignore", "-z", "--stdin", at_top=True, stdin=listed, check=False)
    return frozenset(done.stdout.decode(errors="surrogateescape").split("\0"))


async def _blob_of(git: Git, repository: Repository, handle: FileHandle, path: str) -> str:
    """The name that git would give the text: with its rules for line ends, without writing it."""
    try:
        data = encode(handle.text, handle.encoding, handle.bom)
    except UnencodableError:
        return ""
    done = await git.run(repository, "hash-object", "--stdin", "--path", path, at_top=True, stdin=data)
    return done.stdout.decode().strip()


def _parsed(output: bytes) -> Status:
    """`git status --porcelain=v2 -z --branch`, as git-status(1) describes it."""
    rows = iter(output.decode(errors="surrogateescape").split("\0"))
    facts: dict[str, str] = {}
    entries: list[Entry] = []
    for row in rows:
        match row[:2]:
            case "# ":
                key, _, value = row[2:].partition(" ")
                facts[key] = value
            case "1 ":
                fields = row.split(" ", 8)
                entries.append(_entry(fields[1], fields[8]))
            case "2 ":
                fields = row.split(" ", 9)
                entries.append(_entry(fields[1], fields[9], next(rows)))
            case "u ":
                entries.append(Entry(row.split(" ", 10)[10], "U", "U"))
            case "? ":
                entries.append(Entry(row[2:], "?", "?"))
            case _:
                pass
    ahead, _, behind = facts.get("branch.ab", "+0 -0").partition(" ")
    branch, head = facts.get("branch.head", ""), facts.get("branch.oid", "")
    return Status(
        "" if branch == "(detached)" else branch,
        "" if head == "(initial)" else head,
        facts.get("branch.upstream", ""),
        int(ahead),
        -int(behind),
        tuple(entries),
    )


def _entry(letters: str, path: str, source: str = "") -> Entry:
    return Entry(path, letters[0].replace(".", " "), letters[1].replace(".", " "), source)


def _is_listed(path: str, entries: Mapping[str, Entry]) -> bool:
    """Whether it lies in an untracked folder that has an entry already."""
    folders = [path[:at] + "/" for at in range(len(path)) if path[at] == "/"]
    return any(folder in entries for folder in folders)


def _is_below(path: str, folder: str) -> bool:
    return folder in ("", ".") or path == folder or path.startswith(folder.rstrip("/") + "/")


def _hash(handle: FileHandle | None) -> str:
    return handle.content_hash if handle else ""


def _inside(repository: Repository, uri: str) -> str | None:
    path = to_path(uri)
    if path is None:
        return None
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    rest = os.path.relpath(real, repository.top)
    return None if rest.startswith("..") or os.path.isabs(rest) else rest.replace(os.sep, "/")


def path_in(repository: Repository, uri: str) -> str:
    """The path from the repository's top. Raises `ToolFailed` for a file that lies elsewhere."""
    found = _inside(repository, uri)
    if found is None:
        raise ToolFailed(f"{to_path(uri) or uri!r} is not in the repository at {repository.top!r}.")
    return found


def uri_of(repository: Repository, path: str) -> str:
    """The URI of a path from the repository's top, by the folder's own spelling where it lies in it."""
    return to_uri(os.path.join(repository.top, path))
