"""Which time stamp a file of the view is given, so that build tools and byte-code caches see what they must see.

They compare times: a file whose text differs from what the last command saw must be newer than then, by whole
seconds (Python's caches know no less), and one whose text is the same must keep its time. A file that is again as on
disk must look changed as well. Start with `Times.of`.
"""

import os
import time
from collections.abc import Callable
from typing import NamedTuple

SECOND_NS = 1_000_000_000
_FAR_S = 3600
"""A file that is from further in the future than this has a wrong clock's time, which nothing is measured by."""


class Shown(NamedTuple):
    digest: str
    mtime_ns: int


class Times:
    """One for each session's commands. Not thread-safe: the caller prepares one view at a time."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._clock_ns = clock_ns
        self._shown: dict[str, Shown] = {}

    def of(self, path: str, digest: str, on_disk: os.stat_result | None) -> int:
        """The modification time to show `path` with, where its bytes have that digest."""
        known = self._shown.get(path)
        if known is not None and known.digest == digest:
            return known.mtime_ns
        now = self._clock_ns()
        before_s = max(known.mtime_ns // SECOND_NS if known else 0, _sane_s(on_disk, now))
        mtime_ns = max(now, (before_s + 1) * SECOND_NS)
        self._shown[path] = Shown(digest, mtime_ns)
        return mtime_ns

    def keep(self, path: str, digest: str, mtime_ns: int) -> None:
        """A command wrote these bytes at that time: later views that hold them show them so."""
        known = self._shown.get(path)
        if known is None or mtime_ns // SECOND_NS > known.mtime_ns // SECOND_NS:
            self._shown[path] = Shown(digest, mtime_ns)

    def forget(self, is_free: Callable[[str], bool]) -> None:
        """Paths that nothing kept can have been made of."""
        self._shown = {path: shown for path, shown in self._shown.items() if not is_free(path)}

    def outrun(self) -> list[str]:
        """Paths that were shown otherwise than on disk, and where the disk is not newer than that."""
        found: list[str] = []
        for path, shown in list(self._shown.items()):
            try:
                info = os.lstat(path)
            except OSError:
                continue  # it may come back
            if info.st_mtime_ns // SECOND_NS > shown.mtime_ns // SECOND_NS:
                del self._shown[path]
            else:
                found.append(path)
        return found


def _sane_s(info: os.stat_result | None, now_ns: int) -> int:
    if info is None or info.st_mtime_ns > now_ns + _FAR_S * SECOND_NS:
        return 0
    return info.st_mtime_ns // SECOND_NS
