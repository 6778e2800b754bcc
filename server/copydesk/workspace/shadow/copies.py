"""Trees as copies, where no layers can be mounted: kept between commands, brought in step before each one.

What git would track, what it ignores up to a limit, and the repository itself up to one; never the bytes of secrets.
One command at a time works in a copy; who comes meanwhile gets another. What a command left that git ignores stays in
the copy. Start with `Copies.take`.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.processes.confinement import Mount
from copydesk.workspace.ignore import ALWAYS, Ignore, Rules, compiled_from
from copydesk.workspace.shadow.caches import remove
from copydesk.workspace.shadow.cloning import clone_file
from copydesk.workspace.shadow.git_notes import NOTE, change_in
from copydesk.workspace.shadow.harvesting import Harvesting
from copydesk.workspace.shadow.layers import stamp_of, write_entry
from copydesk.workspace.shadow.overlays import CACHE_NOTE, EMPTY_NOTE
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.protected import is_dropping
from copydesk.workspace.shadow.puts import Put
from copydesk.workspace.shadow.seen import Seen
from copydesk.workspace.shadow.trees import Wanted, check_is_there
from copydesk.workspace.shadow.upper import Touched, TouchedKind

LIMIT_BYTES = 2 * 1024**3
"""Of all that git ignores, and of the repository, in one copy."""
LIMIT_FILES = 200_000


class Stamp(NamedTuple):
    """When something was last known to be the same on both sides: what the real entry was, and what the copy is."""

    real: tuple[int, int, int] | None
    copy: tuple[int, int, int]


class Entry(NamedTuple):
    """`ignored`: the topmost folder or file that git ignores (or that is git's own) and that this is in; else ''."""

    relative: str
    info: os.stat_result
    ignored: str


@dataclass(slots=True)
class Copy:
    """One folder with a copy. `stamps` are of files and links; `folders` are those that the real tree had."""

    folder: str
    stamps: dict[str, Stamp] = field(default_factory=dict[str, Stamp])
    folders: set[str] = field(default_factory=set[str])


class Copies:
    """Of one tree. `new` makes a folder for another copy."""

    def __init__(self, place: Place, places: Places, ignore: Ignore, new: Callable[[], str]) -> None:
        self._place = place
        self._places = places
        self._ignore = ignore
        self._new = new
        self._free: list[Copy] = []
        self._lock = threading.Lock()

    def take(self, wanted: Wanted, *, at_real_path: bool) -> "CopyTree":
        with self._lock:
            self._free = [copy for copy in self._free if os.path.isdir(copy.folder)]
            copy = self._free.pop() if self._free else Copy(self._new())
        tree = CopyTree(self._place, self._places, self._ignore, copy, wanted, self.give_back, at_real_path)
        tree.bring_in_step()
        return tree

    def give_back(self, copy: Copy) -> None:
        with self._lock:
            self._free.append(copy)


class CopyTree:
    """A `Tree`. `at_real_path`: it is shown at the real tree's own path; else commands see it where it is."""

    def __init__(
        self,
        place: Place,
        places: Places,
        ignore: Ignore,
        copy: Copy,
        wanted: Wanted,
        give_back: Callable[[Copy], None],
        at_real_path: bool,
    ) -> None:
        self.place = place
        self.notes: tuple[str, ...] = ()
        self._places = places
        self._ignore = ignore
        self._copy = copy
        self._wanted = wanted
        self._puts = wanted.puts.get(place.path, {})
        self._give_back: Callable[[Copy], None] | None = give_back
        self._at_real_path = at_real_path
        self._left_out: set[str] = set()
        self._inode = 0

    @property
    def mount(self) -> Mount:
        path = self.place.path if self._at_real_path else self._copy.folder
        return Mount(path, tree=self._copy.folder)

    def drop(self) -> None:
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back(self._copy)

    # --- before the command ---

    def bring_in_step(self) -> None:
        """The copy as the view has it. What a command left that git ignores stays while the real one is the same."""
        entries = list(self._walk(self.place.path))
        self._left_out = _too_large(entries)
        real = {entry.relative: entry for entry in entries if entry.ignored not in self._left_out}
        self._drop_strangers(real)
        for relative, entry in real.items():
            if stat.S_ISDIR(entry.info.st_mode):
                self._folder(relative)
            elif relative not in self._puts:
                self._file(relative, entry)
        for relative, put in sorted(self._puts.items()):
            self._put(relative, put)
        self._inode = os.stat(self._copy.folder).st_ino
        if self._left_out:
            names = ", ".join(sorted(self._left_out)[:5])
            self.notes = (f"Too large to be copied for the command, so it did not see: {names}.",)

    def _drop_strangers(self, real: dict[str, Entry]) -> None:
        """What was copied and is gone, and what a command made and nobody kept."""
        for entry in list(self._walk(self._copy.folder)):
            relative, path = entry.relative, os.path.join(self._copy.folder, entry.relative)
            there = real.get(relative)
            is_dir = stat.S_ISDIR(entry.info.st_mode)
            if there is not None and (stat.S_ISDIR(there.info.st_mode) == is_dir or self._is_left(relative, there)):
                continue
            if is_dir and there is None and relative not in self._puts:
                continue  # as a command left it; when it is one of ours, it goes below
            stamp = self._copy.stamps.get(relative)
            is_kept = entry.ignored and not _is_repository(relative) and stamp is None
            if there is not None or not is_kept or relative in self._puts:
                remove(path)
                self._forget(relative)
        for relative in sorted(self._copy.folders - real.keys(), reverse=True):
            self._copy.folders.discard(relative)
            try:
                os.rmdir(os.path.join(self._copy.folder, relative))
            except OSError:
                continue  # something is kept in it, or it is gone

    def _is_left(self, relative: str, real: Entry) -> bool:
        """Whether a command has made something else of what git ignores, and the real one is as it was."""
        if not real.ignored or _is_repository(relative) or relative in self._puts:
            return False
        known = self._copy.stamps.get(relative)
        return relative in self._copy.folders or (known is not None and known.real == _identity(real.info))

    def _forget(self, relative: str) -> None:
        self._copy.stamps.pop(relative, None)

    def _folder(self, relative: str) -> None:
        path = os.path.join(self._copy.folder, relative)
        if not os.path.isdir(path) and relative not in self._puts and not self._is_below_a_put(relative):
            if relative in self._copy.folders:
                return  # a command has taken it away, and nothing of it is left in the view
            os.makedirs(path, exist_ok=True)
        self._copy.folders.add(relative)

    def _is_below_a_put(self, relative: str) -> bool:
        above = os.path.dirname(relative)
        while above:
            if above in self._puts and self._puts[above].kind != "gone":
                return True
            above = os.path.dirname(above)
        return False

    def _file(self, relative: str, entry: Entry) -> None:
        path = os.path.join(self._copy.folder, relative)
        known, now = self._copy.stamps.get(relative), _lstamp(path)
        real = _identity(entry.info)
        is_kept = entry.ignored and not _is_repository(relative)
        if known is not None and known.real == real and (known.copy == now or is_kept):
            return
        if self._is_below_a_put(relative):
            return
        remove(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        source = self.place.at(relative)
        try:
            if stat.S_ISLNK(entry.info.st_mode):
                os.symlink(self._target(os.readlink(source)), path)
            else:
                clone_file(source, path, entry.info)
        except FileNotFoundError:
            self._forget(relative)
            return
        self._copy.stamps[relative] = Stamp(real, stamp_of(os.lstat(path)))

    def _target(self, target: str) -> str:
        """A link by the whole path into the real tree would lead commands out of the copy."""
        inside = target == self.place.path or target.startswith(self.place.path.rstrip(os.sep) + os.sep)
        if self._at_real_path or not inside:
            return target
        return os.path.normpath(os.path.join(self._copy.folder, os.path.relpath(target, self.place.path)))

    def _put(self, relative: str, put: Put) -> None:
        path = os.path.join(self._copy.folder, relative)
        if put.kind == "gone":
            if not os.path.isdir(path) or os.path.islink(path):
                remove(path)
            self._forget(relative)
            return
        remove(path)
        _make_way(self._copy.folder, os.path.dirname(relative))
        write_entry(path, put)
        self._copy.stamps[relative] = Stamp(None, put.stamp)

    # --- after it ---

    def harvest(self, into: Harvesting, *, keeps_edits: bool) -> None:
        check_is_there(self._copy.folder, self._inode)
        touched = list(self._touched(into, keeps_edits))
        if keeps_edits:
            into.add(Seen(self.place, self._places, self._puts, self._wanted.view, self._is_newer), touched)

    def _touched(self, into: Harvesting, tells: bool) -> Iterator[Touched]:
        met: set[str] = set()
        ignored: set[str] = set()
        for entry in self._walk(self._copy.folder, into if tells else None):
            relative, info = entry.relative, entry.info
            if stat.S_ISDIR(info.st_mode):
                continue
            met.add(relative)
            known = self._copy.stamps.get(relative)
            if known is not None and known.copy == stamp_of(info):
                continue
            if entry.ignored and relative not in self._puts:
                ignored.add(entry.ignored)
                continue
            kind: TouchedKind = (
                "file" if stat.S_ISREG(info.st_mode) else "link" if stat.S_ISLNK(info.st_mode) else "special"
            )
            yield Touched(relative, kind, os.path.join(self._copy.folder, relative), info)
        for relative in self._copy.stamps.keys() - met:
            if not self._is_ignored(relative):
                yield Touched(relative, "gone")
        self._tell(into, ignored if tells else set())

    def _tell(self, into: Harvesting, ignored: set[str]) -> None:
        for name in sorted(ignored):
            base = os.path.basename(name)
            if base not in ALWAYS:
                into.tell(CACHE_NOTE, self._uri(name))
            elif part := change_in(os.path.join(self._copy.folder, name), self.place.at(name)):
                into.tell(NOTE, self._uri(f"{name}/{part}" if part != base else name))

    def _uri(self, relative: str) -> str:
        return self._places.uri_of(self.place, relative)

    def _is_ignored(self, relative: str) -> bool:
        return relative not in self._puts and (
            _is_repository(relative) or self._ignore.is_ignored(self.place.at(relative), False)
        )

    def _is_newer(self, relative: str, info: os.stat_result) -> bool:
        known = self._copy.stamps.get(relative)
        return known is None or known.real != _identity(info)

    # --- walking ---

    def _walk(self, folder: str, told: Harvesting | None = None) -> Iterator[Entry]:
        """All below a real tree or its copy, each folder before what is in it. `told`: of folders without anything."""
        rules = self._ignore.top()
        above = rules.above if rules.above and rules.directory == self.place.path else rules
        yield from self._below(folder, "", above, "", told)

    def _below(
        self, folder: str, relative: str, above: Rules, ignored: str, told: Harvesting | None
    ) -> Iterator[Entry]:
        path = os.path.join(folder, relative) if relative else folder
        try:
            with os.scandir(path) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return
        rules = above
        if not ignored and any(entry.name == ".gitignore" for entry in here):
            rules = Rules(self.place.at(relative), compiled_from(os.path.join(path, ".gitignore")), above)
        if not here and told is not None and relative and not os.path.isdir(self.place.at(relative)):
            told.tell(EMPTY_NOTE, self._uri(relative))
        for entry in here:
            name = f"{relative}/{entry.name}" if relative else entry.name
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            is_dir = stat.S_ISDIR(info.st_mode)
            if name in self.place.nested:
                out, inner = "", Ignore(self.place.at(name)).top()
            else:
                out, inner = ignored or (name if self._is_out(entry.name, name, is_dir, rules) else ""), rules
            if is_dir or stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode):
                yield Entry(name, info, out)
            if is_dir:
                yield from self._below(folder, name, inner, out, told)

    def _is_out(self, name: str, relative: str, is_dir: bool, rules: Rules) -> bool:
        return name in ALWAYS or is_dropping(name) or rules.says(self.place.at(relative), is_dir)


def _too_large(entries: Iterable[Entry]) -> set[str]:
    """What has to be left out of all that git ignores, the largest first, so that the rest is within the limits."""
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for entry in entries:
        if entry.ignored:
            sizes[entry.ignored] = sizes.get(entry.ignored, 0) + entry.info.st_size
            counts[entry.ignored] = counts.get(entry.ignored, 0) + 1
    left_out: set[str] = set()
    for name in sorted(sizes, key=lambda each: (sizes[each], counts[each]), reverse=True):
        if sum(sizes.values()) <= LIMIT_BYTES and sum(counts.values()) <= LIMIT_FILES:
            break
        left_out.add(name)
        del sizes[name], counts[name]
    return left_out


def _identity(info: os.stat_result) -> tuple[int, int, int]:
    return info.st_size, info.st_ino, info.st_mtime_ns


def _lstamp(path: str) -> tuple[int, int, int] | None:
    try:
        return stamp_of(os.lstat(path))
    except OSError:
        return None


def _is_repository(relative: str) -> bool:
    return not ALWAYS.isdisjoint(relative.split("/"))


def _make_way(folder: str, relative: str) -> None:
    """Folders on the way to an entry; a file that stands there goes."""
    path = os.path.join(folder, relative)
    if not relative or (os.path.isdir(path) and not os.path.islink(path)):
        return
    _make_way(folder, os.path.dirname(relative))
    remove(path)
    os.mkdir(path)
