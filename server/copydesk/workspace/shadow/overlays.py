"""Trees as layers: the real one below, what commands left that git ignores on it, and a fresh upper one with the view.

Nothing is copied but what the view has otherwise, so that the cost does not grow with the tree. Start with `Overlay`.
"""

import os
import stat

from copydesk.processes.confinement import Mount
from copydesk.workspace.ignore import ALWAYS, Ignore
from copydesk.workspace.shadow.caches import Cache, CacheUse, remove
from copydesk.workspace.shadow.git_notes import NOTE, change_in
from copydesk.workspace.shadow.harvesting import Harvesting
from copydesk.workspace.shadow.layers import make_whiteout, write_layer
from copydesk.workspace.shadow.places import Place, Places
from copydesk.workspace.shadow.protected import some_of
from copydesk.workspace.shadow.seen import Seen
from copydesk.workspace.shadow.state import ShadowState, mount_points
from copydesk.workspace.shadow.trees import Wanted, check_is_there
from copydesk.workspace.shadow.upper import UpperWalk

EMPTY_NOTE = "Empty folders are not kept, as in git: {}."
CACHE_NOTE = "What git ignores stays in the shadow, for later commands only: {}."


class Overlay:
    """A `Tree`, in a fresh folder for this command alone."""

    def __init__(
        self, place: Place, places: Places, state: ShadowState, cache: Cache, ignore: Ignore, wanted: Wanted
    ) -> None:
        self.place = place
        self._places = places
        self._state = state
        self._folder = folder = state.new("view")
        self._cache = cache
        self._ignore = ignore
        self._wanted = wanted
        self._puts = wanted.puts.get(place.path, {})
        self._use: CacheUse = cache.use()
        self._since_ns = 0
        self._upper = os.path.join(folder, "upper")
        self._inode = 0

    def make(self) -> None:
        work = os.path.join(self._folder, "work")
        info = os.stat(self.place.path)
        for path in (self._upper, work):
            os.mkdir(path, 0o700)
        write_layer(self._upper, self.mount.lowers, self._puts, self._cache.standing)
        os.chmod(self._upper, stat.S_IMODE(info.st_mode) | 0o700)
        os.utime(self._upper, ns=(info.st_atime_ns, info.st_mtime_ns))
        made = os.stat(self._upper)
        self._inode = made.st_ino
        self._since_ns = made.st_ctime_ns  # by the clock that stamps files, which is coarser than ours

    @property
    def mount(self) -> Mount:
        lowers = (*self._use.paths, self.place.path)
        return Mount(self.place.path, lowers, self._upper, os.path.join(self._folder, "work"))

    @property
    def notes(self) -> tuple[str, ...]:
        below = self.place.path.rstrip("/") + "/"
        points = [point for point, _ in mount_points() if point.startswith(below)]
        if not points:
            return ()
        return (f"Folders that are mounted into the workspace look empty to commands: {some_of(points)}.",)

    def harvest(self, into: Harvesting, *, keeps_edits: bool) -> None:
        check_is_there(self._upper, self._inode)
        walk = UpperWalk(self.place, self._upper, self._puts, self._ignore).run()
        if keeps_edits:
            seen = Seen(self.place, self._places, self._puts, self._wanted.view, self._is_newer)
            into.add(seen, walk.touched)
            self._tell(into, walk)
        self._keep_ignored(walk)

    def drop(self) -> None:
        self._use.give_back()
        self._state.discard(self._folder)

    # --- inside ---

    def _is_newer(self, relative: str, info: os.stat_result) -> bool:
        del relative
        return info.st_ctime_ns > self._since_ns

    def _tell(self, into: Harvesting, walk: UpperWalk) -> None:
        for relative in walk.version_control:
            if os.path.basename(relative) in ALWAYS:
                part = change_in(os.path.join(self._upper, relative), self.place.at(relative))
                if part:
                    into.tell(NOTE, self._uri(f"{relative}/{part}" if part != os.path.basename(relative) else relative))
        for relative in walk.ignored + walk.ignored_gone:
            into.tell(CACHE_NOTE, self._uri(relative))
        for relative in walk.empty:
            into.tell(EMPTY_NOTE, self._uri(relative))

    def _uri(self, relative: str) -> str:
        return self._places.uri_of(self.place, relative)

    def _keep_ignored(self, walk: UpperWalk) -> None:
        """Gives the caches what they keep: what is ignored, and folders without anything."""
        for relative in self._puts if walk.ignored else ():
            if any(relative.startswith(f"{folder}/") for folder in walk.ignored):
                remove(os.path.join(self._upper, relative))
        kept = [relative for relative in walk.ignored if os.path.lexists(os.path.join(self._upper, relative))]
        for relative in (*walk.ignored_gone, *walk.empty):
            path = os.path.join(self._upper, relative)
            if not os.path.lexists(path) and self._make_way(os.path.dirname(relative)):
                make_whiteout(path)
            kept.append(relative)
        self._cache.take(self._upper, kept, self._since_ns)
        self._cache.left(walk.standing, walk.folders_gone)

    def _make_way(self, relative: str) -> bool:
        """Plain folders in place of deletions, so that what is deleted in them can be said one by one."""
        path = os.path.join(self._upper, relative)
        if os.path.isdir(path) and not os.path.islink(path):
            return True
        if relative and not self._make_way(os.path.dirname(relative)):
            return False
        remove(path)
        os.mkdir(path)
        return True
