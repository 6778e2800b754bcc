"""Where a command runs and which folders are the person's work: paths as the judge sees them, compared without a disk.

Start with `Place`. Knows no rule and no command.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import field
from urllib.parse import unquote

from copydesk.domain.frozen import frozen


def _as_it_is(path: str) -> str:
    return path


@frozen
class Place:
    """`cwd`, `roots` and `home` are absolute paths. `resolve` follows links (`os.path.realpath`); rules that forbid
    look at a path before and after it, rules that allow need both.
    """

    cwd: str
    roots: tuple[str, ...] = ()
    home: str = ""
    resolve: Callable[[str], str] = field(default=_as_it_is)

    def absolute(self, path: str) -> str:
        """Without `.` and `..`, `~` replaced; as written, links not followed."""
        path = slashed(path)
        if path == "~" or path.startswith("~/"):
            path = (self.home or "/home/unknown") + path[1:]
        elif path.startswith("~"):
            path = "/root" + path[5:] if re.match(r"~root(?:/|$)", path) else "/home/" + path[1:]
        joined = posixpath.join(slashed(self.cwd), path)
        return posixpath.normpath(joined).replace("//", "/")

    def inside(self, path: str) -> str | None:
        """The path relative to the workspace root it is in ("." for the root itself); None outside."""
        absolute = self.absolute(path)
        for root in self.roots:
            clean = posixpath.normpath(slashed(root))
            if absolute == clean:
                return "."
            if absolute.startswith(clean.rstrip("/") + "/"):
                return absolute[len(clean.rstrip("/")) + 1 :]
        return None


def slashed(path: str) -> str:
    """Windows drives and backslashes in one spelling. A backslash in a POSIX path is a character of a name."""
    return path.replace("\\", "/") if re.match(r"[A-Za-z]:[\\/]", path) else path


def path_of(uri: str) -> str | None:
    """The path of a `file:` URI; None for other schemes."""
    if not uri.startswith("file://"):
        return None
    path = unquote(uri[len("file://") :].partition("#")[0].partition("?")[0])
    return path[1:] if re.match(r"/[A-Za-z]:", path) else path
