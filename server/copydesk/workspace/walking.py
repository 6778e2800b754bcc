"""Walking the workspace as it is now: the disk without what is ignored, with pending and unsaved files, in order.

Links to directories are not followed; links to files are named (`is_link`), and it is for the caller not to read
through them. `scandir` and rules compiled once a directory keep 100,000 files quick. Start with `walk`.
"""

import os
from collections.abc import Callable, Iterator

from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.workspace.ignore import ALWAYS, Ignore, Rules
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.uris import is_under, normalise, to_path, to_uri, unquoted
from copydesk.workspace.workspace import Workspace


@frozen
class Walked:
    """`relative` to the base, with forward slashes. `is_held`: open, predicted or pending, so not as on disk."""

    path: str
    relative: str
    is_dir: bool = False
    is_link: bool = False
    is_held: bool = False

    @property
    def uri(self) -> str:
        return to_uri(self.path)


def never() -> bool:
    return False


class Walker:
    """One walk's frozen view of what the files hold beyond the disk."""

    def __init__(self, files: FileSource, workspace: Workspace, should_stop: Callable[[], bool]) -> None:
        held = files.held_uris() if isinstance(files, Snapshot) else frozenset(files.changed())
        self._workspace = workspace
        self._should_stop = should_stop
        self._held = {uri for uri in held if to_path(uri) is not None}
        self._gone = {to_path(uri) for uri in self._held if not files.exists(uri)}
        self._held_paths = {to_path(uri) for uri in self._held}

    def walk(self, base: str, *, max_depth: int | None = None) -> Iterator[Walked]:
        """Files and directories below the base (a directory's path), each directory before what it holds."""
        root = self._root_of(to_uri(base))
        ignore = self._workspace.ignore_of(root)
        rules = ignore.rules_for(base)
        yield from self._below(base, "", rules, ignore, self._added(base), max_depth)

    def _below(
        self, directory: str, prefix: str, rules: Rules, ignore: Ignore, added: set[str], depth: int | None
    ) -> Iterator[Walked]:
        rules = ignore.enter(directory, rules)
        for name, is_dir, is_link in self._entries(directory, prefix, added):
            if self._should_stop():
                return
            path = os.path.join(directory, name)
            if name in ALWAYS or path in self._gone or rules.says(path, is_dir):
                continue
            relative = prefix + name
            yield Walked(path, relative, is_dir, is_link, path in self._held_paths)
            if is_dir and depth != 1:
                deeper = None if depth is None else depth - 1
                yield from self._below(path, relative + "/", rules, ignore, added, deeper)

    def _entries(self, directory: str, prefix: str, added: set[str]) -> list[tuple[str, bool, bool]]:
        found: dict[str, tuple[bool, bool]] = {}
        for name in added:
            if name.startswith(prefix):
                first, slash, _ = name[len(prefix) :].partition("/")
                found[first] = (bool(slash), False)
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    is_link = entry.is_symlink()
                    found[entry.name] = (not is_link and entry.is_dir(follow_symlinks=False), is_link)
        except OSError:
            pass  # a directory that cannot be listed, or is only pending, holds what was added
        return sorted((name, is_dir, is_link) for name, (is_dir, is_link) in found.items())

    def _added(self, base: str) -> set[str]:
        """Relative paths of held files below the base that are there, on disk or not."""
        uri = to_uri(base)
        here = (one for one in self._held if is_under(one, uri) and to_path(one) not in self._gone)
        return {unquoted(one[len(uri) :].lstrip("/")) for one in here}

    def _root_of(self, uri: str) -> str:
        return next((root for root in self._workspace.roots if is_under(uri, root)), normalise(uri))
