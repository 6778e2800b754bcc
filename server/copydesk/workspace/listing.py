"""Directory entries over a source: what is below, without what is gone, with what is new. Pure but for `base`."""

from collections.abc import Collection, Iterable

from copydesk.domain.errors import MissingFile
from copydesk.domain.ports import Entry, FileSource
from copydesk.workspace.uris import child, is_under, normalise, unquoted


def with_entries(base: FileSource, uri: str, added: Iterable[str], gone: Collection[str]) -> list[Entry]:
    """Entries of the directory at `uri`, with the files `added` below it (and their directories), without `gone`.

    Raises MissingFile when there is no such directory and nothing was added below it.
    """
    directory = normalise(uri)
    new = dict(_new_entries(directory, added))
    try:
        found = {entry.name: entry for entry in base.children(directory)}
    except MissingFile:
        if not new:
            raise
        found = {}
    entries = {**new, **found}
    return sorted((entry for entry in entries.values() if entry.uri not in gone), key=lambda entry: entry.name)


def _new_entries(directory: str, added: Iterable[str]) -> Iterable[tuple[str, Entry]]:
    prefix = directory.rstrip("/") + "/"
    for uri in added:
        if uri != directory and is_under(uri, directory):
            first, slash, _ = uri[len(prefix) :].partition("/")
            name = unquoted(first)
            yield name, Entry(name, child(directory, name), is_dir=bool(slash))
