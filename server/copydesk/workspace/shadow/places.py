"""The folders of the workspace as a command meets them: real paths, outermost first, and their URIs.

A folder that lies in another one is part of that one's tree. Paths below have their links resolved, for links are how
a write would end elsewhere. Start with `Places.locate`.
"""

import os
from collections.abc import Iterable

from copydesk.domain.frozen import frozen
from copydesk.workspace.uris import to_path, to_uri


@frozen
class Place:
    """One tree: `path` is real. `nested` are other folders of the workspace inside it, as relative paths."""

    path: str
    uri: str
    nested: frozenset[str] = frozenset()

    def at(self, relative: str) -> str:
        return f"{self.path.rstrip(os.sep)}{os.sep}{relative}" if relative else self.path


class Places:
    """The trees of the folders `roots` (URIs). Those that are not there are left out."""

    def __init__(self, roots: Iterable[str]) -> None:
        spelled = {uri: path for uri in roots if (path := to_path(uri)) is not None and os.path.isdir(path)}
        self._real = {os.path.realpath(path): uri for uri, path in reversed(spelled.items())}
        outer = [path for path in self._real if not any(_is_below(path, other) for other in self._real)]
        self.all = tuple(Place(path, self._real[path], self._nested_in(path)) for path in reversed(outer))
        self._inner = {path: uri for path, uri in self._real.items() if to_uri(path) != uri}

    def _nested_in(self, path: str) -> frozenset[str]:
        return frozenset(os.path.relpath(other, path) for other in self._real if _is_below(other, path))

    def find(self, path: str) -> tuple[Place, str] | None:
        """The tree that holds a real path, and the path relative to it ('' for the tree itself)."""
        for place in self.all:
            if path == place.path:
                return place, ""
            if _is_below(path, place.path):
                return place, os.path.relpath(path, place.path)
        return None

    def locate(self, uri: str) -> tuple[Place, str] | None:
        """Where a file's bytes are: through links, where there are any. None outside, and for what is no file."""
        path = to_path(uri)
        return self.find(os.path.realpath(path)) if path is not None else None

    def locate_entry(self, uri: str) -> tuple[Place, str] | None:
        """Where the entry itself is, be it a link: what a deletion takes away."""
        path = to_path(uri)
        if path is None:
            return None
        folder, name = os.path.split(path)
        return self.find(os.path.join(os.path.realpath(folder), name))

    def uri_of(self, place: Place, relative: str) -> str:
        """As the workspace spells it."""
        path = place.at(relative)
        if not self._inner:
            return to_uri(path)
        best = max((inner for inner in self._inner if path == inner or _is_below(path, inner)), key=len, default=None)
        if best is None:
            return to_uri(path)
        base = to_path(self._inner[best]) or best
        return to_uri(os.path.join(base, os.path.relpath(path, best)) if path != best else base)


def _is_below(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip(os.sep) + os.sep)
