"""The files of a folder that hold secrets: which they are, for a sandbox to mask, and the values in them.

Reads the disk, so it blocks: for a worker thread. The list is kept for some seconds, and what a look can cost is
bounded: of folders that only tools fill (`node_modules`, `.venv`), the upper levels are looked at. Links count under
their own name and under what they lead to. Start with `SecretFiles.below`.
"""

import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from copydesk.domain.frozen import frozen
from copydesk.safety.paths import SECRET_FOLDERS
from copydesk.safety.secrets.finding import find_spans
from copydesk.safety.secrets.judging import is_plain, is_secret_name, looks_random
from copydesk.safety.secrets.views import View

MAX_AGE_S = 5.0
MAX_ENTRIES = 400_000
MAX_HEAVY_ENTRIES = 20_000
MAX_FILES = 5_000
MAX_FILE_BYTES = 1024 * 1024
MAX_FILE_VALUES = 500
LIMIT_S = 5.0
HEAVY_DEPTH = 3
HEAVY = frozenset(
    {
        "node_modules", ".venv", "venv", "site-packages", "__pycache__", "target", ".tox", ".nox", ".mypy_cache",
        ".ruff_cache", ".pytest_cache", ".gradle", ".cargo", ".next", ".nuxt", "bower_components", ".yarn",
        ".pnpm-store",
    }
)  # fmt: skip
_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})


@frozen
class Listing:
    """What was found below a folder, and when. `cut`: why it may not be all."""

    paths: tuple[str, ...]
    at_s: float
    cut: str = ""


class SecretFiles:
    """`hidden` says of an absolute path whether tools keep away from it. One for the process; any thread may ask."""

    def __init__(self, hidden: Callable[[str], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._hidden = hidden
        self._clock = clock
        self._listed: dict[str, Listing] = {}
        self._lock = threading.Lock()

    def below(self, root: str, max_age_s: float = MAX_AGE_S) -> tuple[str, ...]:
        """Absolute paths of the secret files and folders below a folder. May be `max_age_s` old; 0 looks again."""
        return self.listing(root, max_age_s).paths

    def listing(self, root: str, max_age_s: float = MAX_AGE_S) -> Listing:
        with self._lock:
            known = self._listed.get(root)
            if known is None or self._clock() - known.at_s > max_age_s:
                known = self._listed[root] = self._look(root)
            return known

    def forget(self) -> None:
        """What is hidden has changed."""
        with self._lock:
            self._listed.clear()

    def _look(self, root: str) -> Listing:
        walk = _Walk(self._hidden, self._clock, root)
        paths = tuple(walk.run())
        return Listing(paths, self._clock(), walk.cut)


class _Walk:
    """One look. Folders wait in a list, the upper levels first."""

    def __init__(self, hidden: Callable[[str], bool], clock: Callable[[], float], root: str) -> None:
        self._hidden = hidden
        self._clock = clock
        self._root = root
        self._n_left = MAX_ENTRIES
        self._n_heavy_left = MAX_HEAVY_ENTRIES
        self.cut = ""

    def run(self) -> Iterator[str]:
        until_s, n_found = self._clock() + LIMIT_S, 0
        waiting: list[tuple[str, int]] = [(self._root, -1)]
        for folder, heavy in waiting:
            if self._clock() > until_s or self._n_left < 0 or n_found > MAX_FILES:
                self.cut = f"only a part of {self._root} was looked through for files of secrets"
                return
            for entry in _entries(folder):
                found, below = self._of(entry, heavy)
                if found:
                    n_found += 1
                    yield entry.path
                elif below is not None:
                    waiting.append((entry.path, below))

    def _of(self, entry: "os.DirEntry[str]", heavy: int) -> tuple[bool, int | None]:
        """Whether the entry is hidden; else, of a folder to look into, how deep in a heavy one it is (-1: in none)."""
        self._n_left -= 1
        is_dir = _is_folder(entry)
        if is_dir:
            if entry.name in _VERSION_CONTROL:
                return False, None
            if entry.name.lower() in SECRET_FOLDERS or self._hidden(entry.path):
                return True, None
            deeper = heavy + 1 if heavy >= 0 else 0 if entry.name in HEAVY else -1
            self._n_heavy_left -= heavy >= 0
            return False, deeper if deeper < HEAVY_DEPTH and self._n_heavy_left > 0 else None
        if self._hidden(entry.path):
            return True, None
        return entry.is_symlink() and self._hidden(os.path.realpath(entry.path)), None


def _entries(folder: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


# --- values ----------------------------------------------------------------------------------------------

_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+|set[ \t]+|-[ \t]+)?["']?(?P<name>[A-Za-z_/][\w./:@-]{0,120}?)["']?"""
    r"""[ \t]*(?:[:=]|[ \t])[ \t]*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|\S.*?)[ \t]*,?[ \t]*$""",
    re.MULTILINE,
)
_TOKEN = re.compile(r"[^\s\"'`,;(){}\[\]<>]{8,4096}")
_BLOCK = re.compile(r"[A-Za-z0-9+/=_-]{24,}")


class FileValues:
    """The values in files of secrets; a file is read again when it has changed."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, int, int]] = {}

    def news(self, paths: Iterable[str]) -> Iterator[str]:
        """The values of files that are new or have changed since they were last read."""
        for path in paths:
            text = self._text(path)
            if text:
                yield from file_values(text)

    def _text(self, path: str) -> str:
        try:
            found = os.stat(path)
            mark = (found.st_mtime_ns, found.st_size, found.st_ino)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES or self._seen.get(path) == mark:
                return ""
            self._seen[path] = mark
            with open(path, "rb") as file:
                return file.read(MAX_FILE_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""


def file_values(text: str) -> list[str]:
    """The secret values in the text of such a file, of whatever format it is.

    What stands behind a name that speaks of secrets is one unless it is an ordinary word; anything else if it looks
    random, a URL's password included.
    """
    found = [text[start:end] for start, end in find_spans(View(text))]
    for match in _LINE.finditer(text):
        value = _unquoted(match["value"])
        if is_plain(value):
            continue
        if is_secret_name(match["name"]) or looks_random(value):
            found += [value, *_without_comment(value)]
    found += [token for token in _TOKEN.findall(text) if looks_random(token.strip("=:"))]
    found += [block for block in _BLOCK.findall(text) if looks_random(block, 24)]
    return list(dict.fromkeys(each for each in found if not is_plain(each)))[:MAX_FILE_VALUES]


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] in "\"'" and value[-1] == value[0] else value


def _without_comment(value: str) -> list[str]:
    """`abc # note` is `abc` to some programs, and all of it to others."""
    bare = re.split(r"[ \t]+[#;]", value, maxsplit=1)[0].strip()
    return [bare] if bare != value and not is_plain(bare) else []
