"""The workspace: roots, the overlay, snapshots, and the jail every path goes through.

A path is checked by where it really leads (links resolved) and named by how the workspace spells it, so that it
meets the editor's own URI. Start with `resolve`.
"""

import os
import re
from collections.abc import Iterator, Sequence

from copydesk.domain.errors import MissingFile, OutsideWorkspace
from copydesk.workspace.disk import Disk
from copydesk.workspace.ignore import Ignore
from copydesk.workspace.overlay import Overlay
from copydesk.workspace.pending import Pending
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.uris import is_under, is_uri, normalise, to_path, to_uri, unquoted

_FOREIGN = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\)")
_INSIDE = "Use a path inside the workspace."


class Workspace:
    def __init__(self, roots: Sequence[str] = (), *, disk: Disk | None = None, overlay: Overlay | None = None) -> None:
        self.overlay = overlay or Overlay()
        self.disk = disk or Disk()
        self._roots: dict[str, str] = {}
        self._ignores: dict[str, Ignore] = {}
        self._real: dict[str, str] = {}
        self.set_roots(roots)

    # --- roots ---

    @property
    def roots(self) -> tuple[str, ...]:
        """Canonical URIs of the folders, in the editor's order."""
        return tuple(self._roots.values())

    @property
    def root_names(self) -> tuple[str, ...]:
        """The name of each root in paths, unique."""
        return tuple(self._roots)

    def set_roots(self, roots: Sequence[str]) -> None:
        """Replaces the folders. Those that are not files, and repeated ones, are left out."""
        named: dict[str, str] = {}
        for root in dict.fromkeys(map(normalise, roots)):
            if to_path(root) is not None:
                named[_unused_name(_name(root), named)] = root
        self._roots = named
        self._ignores = {}
        self._real = {}

    # --- files ---

    def snapshot(self, pending: Pending | None = None) -> Snapshot:
        """The files as they are now; O(1)."""
        return Snapshot(self.overlay.freeze(), self.disk, pending, self.overlay.forget_prediction)

    def is_ignored(self, uri: str, is_dir: bool) -> bool:
        """Whether ignore files (or being a version control directory) leave it out of searches."""
        uri = normalise(uri)
        root = self._root_of(uri)
        return root is not None and self.ignore_of(root).is_ignored(_path(uri), is_dir)

    def ignore_of(self, root: str) -> Ignore:
        """The ignore rules below one root, read once and looked at again when a file of them changes."""
        if root not in self._ignores:
            self._ignores[root] = Ignore(_path(root))
        return self._ignores[root]

    # --- paths ---

    def resolve(self, path: str) -> str:
        """A path as a person or model writes it → its URI. Raises OutsideWorkspace, or MissingFile for unknown URIs."""
        if "\x00" in path:
            raise OutsideWorkspace(f"{path!r} has a NUL character.", advice=_INSIDE)
        if any("\ud800" <= character <= "\udfff" for character in path):
            raise OutsideWorkspace(f"{path!r} has half a character (a lone surrogate).", advice=_INSIDE)
        if is_uri(path) and not path.lower().startswith("file:") and (found := self._resolve_uri(path)):
            return found
        local = to_path(path) if path.lower().startswith("file:") else os.path.expanduser(_tilde_alone(path))
        if local is None or (os.name != "nt" and _FOREIGN.match(local)):
            raise self._outside(path)
        if os.path.isabs(local):
            return self._resolve_absolute(path, local)
        return self._resolve_relative(path, local)

    def leads_out(self, uri: str) -> str:
        """Why a file of the workspace may not be written: a link, put there meanwhile, leads out. Else empty."""
        root, path = self._root_of(normalise(uri)), to_path(uri)
        if root is None or path is None or _is_within(os.path.realpath(path), os.path.realpath(_path(root))):
            return ""
        return f"{self.display(uri)!r} is now a link that leads out of the workspace; nothing was written through it"

    def display(self, uri: str) -> str:
        """The shortest path that `resolve` takes back to this URI: `.` for a single root itself."""
        uri = normalise(uri)
        root = self._root_of(uri)
        if root is None:
            return to_path(uri) or uri
        rest = unquoted(uri[len(root.rstrip("/")) :].lstrip("/"))
        if len(self._roots) == 1:
            return rest or "."
        name = next(name for name, one in self._roots.items() if one == root)
        return f"{name}/{rest}" if rest else name

    def told(self, uri: str) -> str:
        """As `display`, but for people only: a cell of an open notebook by its notebook and number."""
        cell = self.overlay.place_of(normalise(uri))
        return f"{self.display(cell[0])} (cell {cell[1]})" if cell else self.display(uri)

    def _resolve_uri(self, text: str) -> str | None:
        """An open document by its URI; None for a file whose name only looks like one."""
        if document := self.overlay.get(text):
            return document.uri
        if any(os.path.lexists(os.path.join(_path(root), text)) for root in self.roots):
            return None
        raise MissingFile(f"{text!r} is not open.", advice="Only open documents have a name like this.")

    def _resolve_absolute(self, given: str, path: str) -> str:
        for root in self._by_depth():
            if found := self._inside(root, path):
                return found
        if not self._roots and (document := self.overlay.get(to_uri(path))):
            return document.uri
        raise self._outside(given)

    def _resolve_relative(self, given: str, path: str) -> str:
        if not self._roots:
            return self._resolve_rootless(given)
        if len(self._roots) == 1:
            return self._inside_or_raise(self.roots[0], given, path)
        first, _, rest = path.replace(os.sep, "/").partition("/")
        if first in self._roots:
            return self._inside_or_raise(self._roots[first], given, rest or ".")
        found = [uri for uri in self._candidates(path) if self.overlay.get(uri) or self.disk.exists(uri)]
        if len(found) == 1:
            return found[0]
        why = "is in more than one folder" if found else "is in none of the folders"
        raise OutsideWorkspace(
            f"{given!r} {why} of the workspace.", advice=f"Begin it with one of: {self._listed('/')}."
        )

    def _resolve_rootless(self, given: str) -> str:
        """With no folder, an open document may be named as `display` names it, or by its last part if unique."""
        found = [document.uri for document in self.overlay.all() if _name(document.uri) == given]
        if len(found) == 1:
            return found[0]
        raise self._outside(given)

    def _candidates(self, path: str) -> Iterator[str]:
        for root in self.roots:
            if found := self._inside(root, path):
                yield found

    def _inside_or_raise(self, root: str, given: str, path: str) -> str:
        if found := self._inside(root, path):
            return found
        raise self._outside(given)

    def _inside(self, root: str, path: str) -> str | None:
        """The URI of a path, relative ones from the root; None where it really leads out of the root."""
        base = _path(root)
        written = os.path.join(base, path)
        real, real_base = os.path.realpath(written), os.path.realpath(base)
        if not _is_within(real, real_base):
            return None
        plain = os.path.normpath(written)
        if _is_within(plain, base) and os.path.realpath(plain) == real:
            return self._as_opened(to_uri(plain), real)
        return self._as_opened(to_uri(os.path.join(base, os.path.relpath(real, real_base))), real)

    def _as_opened(self, uri: str, real: str) -> str:
        """The URI under which the same file is open, where a link gives it two names; else the URI given."""
        if self.overlay.get(uri):
            return uri
        for document in self.overlay.all():
            if self._real_path(document.uri) == real and self._root_of(document.uri):
                return document.uri
        return uri

    def _real_path(self, uri: str) -> str:
        found = self._real.get(uri)
        if found is None:
            path = to_path(uri)
            found = self._real[uri] = os.path.realpath(path) if path else ""
        return found

    def _by_depth(self) -> list[str]:
        return sorted(self.roots, key=len, reverse=True)

    def _root_of(self, uri: str) -> str | None:
        return next((root for root in self._by_depth() if is_under(uri, root)), None)

    def _listed(self, ending: str = "") -> str:
        return ", ".join(f"{name}{ending}" for name in self._roots)

    def _outside(self, path: str) -> OutsideWorkspace:
        if not self._roots:
            return OutsideWorkspace(
                f"{path!r} cannot be used: no workspace folder is open.", advice="Open a folder in the editor."
            )
        folders = ", ".join(repr(_path(root)) for root in self.roots)
        return OutsideWorkspace(f"{path!r} is outside the workspace (its folders: {folders}).", advice=_INSIDE)


def _path(uri: str) -> str:
    path = to_path(uri)
    assert path is not None, uri  # roots and what lies under them are files
    return path


def _name(uri: str) -> str:
    return unquoted(uri.rstrip("/").rpartition("/")[2]) or "root"


def _unused_name(name: str, taken: dict[str, str]) -> str:
    number, unused = 2, name
    while unused in taken:
        unused, number = f"{name}-{number}", number + 1
    return unused


def _tilde_alone(path: str) -> str:
    """Only `~` itself means home: `~name` is a file like any other."""
    return (
        path if path == "~" or path.startswith(("~/", "~\\")) else os.path.join(".", path) if path[:1] == "~" else path
    )


def _is_within(path: str, directory: str) -> bool:
    path, directory = os.path.normcase(path), os.path.normcase(directory)
    return path == directory or path.startswith(directory.rstrip(os.sep) + os.sep)
