"""Where the files of secrets are in a tree: known without walking it anew for each command.

A folder is looked through again when its time has changed, as it does whenever an entry comes or goes; one that has
changed a moment ago is looked through the next time too, for clocks are coarse. Start with `SecretFiles.find`.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.workspace.shadow.protected import VERSION_CONTROL

_SETTLED_NS = 50_000_000
_PUBLIC_STORES = frozenset({"site-packages", "dist-packages"})
"""Packages as they were published: certificates of authorities, samples. Nobody keeps secrets of theirs there."""


@dataclass(slots=True)
class _Folder:
    mtime_ns: int
    folders: list[str] = field(default_factory=list[str])
    secrets: list[str] = field(default_factory=list[str])


class SecretFiles:
    """Of one tree. `is_secret` judges absolute paths; `rules` changes when what it says may have changed."""

    def __init__(self, tree: str, is_secret: Callable[[str], bool], rules: Callable[[], object]) -> None:
        self._tree = tree
        self._is_secret = is_secret
        self._rules = rules
        self._rules_then: object = None
        self._known: dict[str, _Folder] = {}

    def find(self) -> list[str]:
        """Paths relative to the tree."""
        rules = self._rules()
        if rules != self._rules_then:
            self._known, self._rules_then = {}, rules
        known: dict[str, _Folder] = {}
        found: list[str] = []
        waiting = [""]
        settled_ns = time.time_ns() - _SETTLED_NS
        while waiting:
            relative = waiting.pop()
            folder = self._look(relative, settled_ns)
            if folder is not None:
                known[relative] = folder
                found += folder.secrets
                waiting += folder.folders
        self._known = known
        return found

    def _look(self, relative: str, settled_ns: int) -> _Folder | None:
        path = os.path.join(self._tree, relative) if relative else self._tree
        try:
            mtime_ns = os.stat(path).st_mtime_ns
            known = self._known.get(relative)
            if known is not None and known.mtime_ns == mtime_ns:
                return known
            return self._scan(path, relative, mtime_ns if mtime_ns < settled_ns else -1)
        except OSError:
            return None

    def _scan(self, path: str, relative: str, mtime_ns: int) -> _Folder:
        folder = _Folder(mtime_ns)
        with os.scandir(path) as entries:
            for entry in entries:
                here = f"{relative}/{entry.name}" if relative else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in VERSION_CONTROL and entry.name not in _PUBLIC_STORES:
                        folder.folders.append(here)
                elif self._is_secret(entry.path):
                    folder.secrets.append(here)
        return folder
