"""From the path a model wrote to a file's text: resolved, jailed, not a secret, and read off the event loop.

Knows no single tool. Start with `file_uri` and `opened`.
"""

import difflib
import os
from typing import Protocol, runtime_checkable

from copydesk.domain.errors import MissingFile, ToolFailed, WorkspaceError
from copydesk.domain.ports import Entry, FileHandle, FileSource, Work
from copydesk.domain.tools import Location, Prepared
from copydesk.safety.paths import is_secret, refuse_change, refuse_secret
from copydesk.tools.functions import Arguments
from copydesk.tools.threads import in_thread
from copydesk.workspace.uris import to_path
from copydesk.workspace.writable import refuse_unwritable


def file_uri(work: Work, path: str) -> str:
    """The URI of a file that a tool may open. Raises `OutsideWorkspace`, or `PermissionDenied` for a secret.

    A harmless name that is a link to a secret is one too.
    """
    uri = work.resolve(path)
    local = to_path(uri)
    real = os.path.realpath(local) if local else ""
    refuse_secret(path, work.display(uri), uri, real, hides=work.secrets.hides)
    return uri


def hides(work: Work, uri: str) -> bool:
    """Whether the text of a file is not for tools: by its name, or by a rule of the person."""
    return is_secret(work.display(uri)) or work.secrets.hides(uri)


def changed_uri(work: Work, path: str) -> str:
    """The URI of a file that a tool may change: as `file_uri`, not version control's own, not read-only."""
    uri = file_uri(work, path)
    local = to_path(uri)
    # Not the path as written: an absolute one may go through a folder of that name above the workspace.
    refuse_change(work.display(uri), _below_roots(work, local) if local else "")
    if local:
        refuse_unwritable(work.display(uri), local)
    return uri


def _below_roots(work: Work, local: str) -> str:
    """Where a file really is, from its workspace folder; empty when in none."""
    real = os.path.realpath(local)
    for root in filter(None, map(to_path, work.roots)):
        base = os.path.join(os.path.realpath(root), "")
        if real.startswith(base):
            return real[len(base) :]
    return ""


def prepared(verb: str, arguments: Arguments, work: Work) -> Prepared:
    """The title "Verb path", for tools that take a file."""
    uri = file_uri(work, arguments["path"])
    number = arguments.get("line") or arguments.get("offset")
    return Prepared(f"{verb} {work.display(uri)}", (Location(uri, number - 1 if number else None),))


@runtime_checkable
class HoldsFiles(Protocol):
    """A source that can say which files it has in memory, without touching the disk."""

    def held_uris(self) -> frozenset[str]: ...


async def opened(work: Work, uri: str) -> FileHandle:
    """The file's text. What is in memory already is read where we are: a thread would cost more than the read."""
    files = work.files
    if isinstance(files, HoldsFiles) and uri in files.held_uris():
        return read_now(work, uri)
    return await in_thread(lambda _: read_now(work, uri))


def read_now(work: Work, uri: str) -> FileHandle:
    """Reads, blocking. An error also says what is there instead: a directory, or a file of nearly this name."""
    try:
        return work.files.read(uri)
    except MissingFile as error:
        if entries := _entries(work.files, uri):
            raise _directory(work, uri, entries) from error
        if near := _near(work, uri):
            raise MissingFile(error.message, advice=f"Did you mean {near!r}?") from error
        raise
    except WorkspaceError as error:
        if (entries := _entries(work.files, uri)) is not None:
            raise _directory(work, uri, entries) from error
        raise


def _directory(work: Work, uri: str, entries: list[Entry]) -> ToolFailed:
    named = ", ".join(entry.name for entry in entries[:8]) or "nothing"
    more = ", …" if len(entries) > 8 else ""
    return ToolFailed(f"{work.display(uri)!r} is a directory; it holds {named}{more}.", advice="Use list_dir.")


def _entries(files: FileSource, uri: str) -> list[Entry] | None:
    """What a directory holds; None when it is not one."""
    try:
        return list(files.children(uri))
    except WorkspaceError:
        return None


def _near(work: Work, uri: str) -> str:
    folder, _, name = uri.rpartition("/")
    entries = {entry.name: entry.uri for entry in _entries(work.files, folder) or ()}
    near = difflib.get_close_matches(name, entries, n=1, cutoff=0.6)
    return work.display(entries[near[0]]) if near else ""
