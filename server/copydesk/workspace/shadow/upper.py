"""What an upper folder says has happened: entries touched, gone, left to the caches, or version control's own.

Looks and tells; compares nothing. A folder that hides the real one (opaque) says that everything else in that one is
gone. Start with `UpperWalk.run`.
"""

import os
import stat
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple, TypeAlias

from copydesk.workspace.ignore import ALWAYS, Ignore, Rules, compiled_from
from copydesk.workspace.shadow.layers import is_opaque, is_whiteout
from copydesk.workspace.shadow.places import Place
from copydesk.workspace.shadow.protected import is_dropping
from copydesk.workspace.shadow.puts import Put

TouchedKind: TypeAlias = Literal["file", "link", "gone", "special"]


class Touched(NamedTuple):
    """An entry as it is after the command: `path` is where its bytes are, '' for what is gone."""

    relative: str
    kind: TouchedKind
    path: str = ""
    info: os.stat_result | None = None


class UpperWalk:
    def __init__(self, place: Place, upper: str, puts: Mapping[str, Put], ignore: Ignore) -> None:
        self.touched: list[Touched] = []
        self.ignored: list[str] = []
        """What goes to the caches: the topmost entries."""
        self.ignored_gone: list[str] = []
        """Ignored entries of the real tree that went with a folder."""
        self.version_control: list[str] = []
        self.empty: list[str] = []
        """Folders without anything: made, or gone."""
        self.standing: set[str] = set()
        """Folders that are there, of those that the upper one knows."""
        self.folders_gone: list[str] = []
        self._place = place
        self._upper = upper
        self._puts = puts
        self._ignore = ignore
        self._met: set[str] = set()

    def run(self) -> "UpperWalk":
        rules = self._ignore.top()
        self._folder("", rules.above if rules.above and rules.directory == self._place.path else rules, False)
        self._look_at_other_puts()
        return self

    def _folder(self, relative: str, above: Rules, hidden: bool) -> int:
        """Returns how many entries below were told of."""
        folder, real = os.path.join(self._upper, relative), self._place.at(relative)
        with os.scandir(folder) as entries:
            here = {entry.name: entry for entry in entries}
        self.standing.add(relative)
        rules = self._rules_in(folder, real, above, hidden, ".gitignore" in here)
        hidden = hidden or (bool(relative) and is_opaque(folder))
        n_told = 0
        for name, entry in here.items():
            path = f"{relative}/{name}" if relative else name
            n_told += self._entry(path, entry, rules, hidden)
        if hidden:
            n_told += self._rest_gone(relative, rules, here.keys())
        if not n_told and relative and not os.path.isdir(real):
            self.empty.append(relative)
            return 1
        return n_told

    def _rules_in(self, folder: str, real: str, above: Rules, hidden: bool, has_own: bool) -> Rules:
        own = os.path.join(folder, ".gitignore")
        if has_own and stat.S_ISREG(os.lstat(own).st_mode):
            return Rules(real, compiled_from(own), above)
        return above if hidden or has_own else self._ignore.enter(real, above)

    def _entry(self, relative: str, entry: "os.DirEntry[str]", rules: Rules, hidden: bool) -> int:
        info = entry.stat(follow_symlinks=False)
        if entry.name in ALWAYS:
            self.version_control.append(relative)
            return 1
        is_dir = stat.S_ISDIR(info.st_mode)
        is_put = relative in self._puts
        if relative in self._place.nested:
            rules = Ignore(self._place.at(relative)).top()
        elif not is_put and self._is_ignored(relative, entry.name, info, rules):
            self.ignored.append(relative)
            return 1
        if is_dir:
            return self._folder(relative, rules, hidden) + self._was_no_folder(relative)
        self._met.add(relative)
        if is_whiteout(info):
            return self._gone(relative, rules)
        n_told = 1
        if not is_put and not hidden:
            n_told += self._was_folder(relative, rules)
        kind: TouchedKind = (
            "file" if stat.S_ISREG(info.st_mode) else "link" if stat.S_ISLNK(info.st_mode) else "special"
        )
        self.touched.append(Touched(relative, kind, entry.path, info))
        return n_told

    def _is_ignored(self, relative: str, name: str, info: os.stat_result, rules: Rules) -> bool:
        if is_dropping(name):
            return True
        path = self._place.at(relative)
        is_dir = stat.S_ISDIR(info.st_mode) or (is_whiteout(info) and os.path.isdir(path))
        return rules.says(path, is_dir)

    # --- what is gone ---

    def _rest_gone(self, relative: str, rules: Rules, here: Collection[str]) -> int:
        n_told = 0
        for name in _names(self._place.at(relative)):
            if name not in here:
                n_told += self._gone(f"{relative}/{name}", rules)
        return n_told

    def _gone(self, relative: str, rules: Rules) -> int:
        self._met.add(relative)
        put = self._puts.get(relative)
        if put is not None:
            if put.kind != "gone":
                self.touched.append(Touched(relative, "gone"))
            return 1
        path, name = self._place.at(relative), relative.rpartition("/")[2]
        try:
            info = os.lstat(path)
        except OSError:
            return 1
        if name in ALWAYS:
            self.version_control.append(relative)
            return 1
        is_dir = stat.S_ISDIR(info.st_mode)
        if is_dropping(name) or rules.says(path, is_dir):
            self.ignored_gone.append(relative)
            return 1
        if not is_dir:
            self.touched.append(Touched(relative, "gone", "", info))
            return 1
        return self._children_gone(relative, rules)

    def _children_gone(self, relative: str, rules: Rules) -> int:
        self.folders_gone.append(relative)
        rules = self._ignore.enter(self._place.at(relative), rules)
        found = [self._gone(f"{relative}/{name}", rules) for name in _names(self._place.at(relative))]
        if not found:
            self.empty.append(relative)
        return sum(found) or 1

    def _was_folder(self, relative: str, rules: Rules) -> int:
        """A file stands where the real tree has a folder: all in that is gone."""
        path = self._place.at(relative)
        if not os.path.isdir(path) or os.path.islink(path):
            return 0
        return self._children_gone(relative, rules)

    def _was_no_folder(self, relative: str) -> int:
        """A folder stands where the view had a file or link."""
        put = self._puts.get(relative)
        self._met.add(relative)
        if put is not None:
            if put.kind != "gone":
                self.touched.append(Touched(relative, "gone"))
            return 0
        path = self._place.at(relative)
        if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path)):
            self.touched.append(Touched(relative, "gone"))
        return 0

    # --- what the walk did not come by ---

    def _look_at_other_puts(self) -> None:
        for relative, put in self._puts.items():
            if relative in self._met:
                continue
            path = os.path.join(self._upper, relative)
            try:
                info = os.lstat(path)
            except OSError:
                if put.kind != "gone":
                    self.touched.append(Touched(relative, "gone"))
                continue
            if is_whiteout(info):
                if put.kind != "gone":
                    self.touched.append(Touched(relative, "gone"))
            elif not stat.S_ISDIR(info.st_mode):
                kind: TouchedKind = "link" if stat.S_ISLNK(info.st_mode) else "file"
                self.touched.append(Touched(relative, kind, path, info))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
