"""Finding things in the workspace as it is now: `glob`, `grep` and `tree`, over unsaved and pending text too.

Blocking, for a worker thread: `should_stop` is asked for each file, and a time limit ends a search with what it has.
Ignored files are left out, hidden ones are not, links are not read through. Whatever is cut is stated in `cut`.
"""

import codecs
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from copydesk.domain.errors import MissingFile, ToolFailed, WorkspaceError
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.text.encodings import decode
from copydesk.text.lines import content_length, split_lines
from copydesk.workspace.disk import Disk
from copydesk.workspace.globs import compile_glob
from copydesk.workspace.patterns import compile_search, is_blind_to_lines, literal_start, needed_char, reach_chars
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.uris import normalise, to_path
from copydesk.workspace.walking import Walked, Walker, never
from copydesk.workspace.workspace import Workspace

Mode: TypeAlias = Literal["content", "files", "count"]

LINE_LIMIT = 400
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Beginnings of files in which ASCII text is not ASCII bytes."""

TIME_LIMIT_S = 20.0


@frozen
class Globbed:
    """URIs, newest first (unsaved and pending files before all). `cut` says what is missing, or is ''."""

    uris: tuple[str, ...]
    n_total: int
    cut: str = ""


@frozen
class FoundLine:
    """0-based `line` with its text (cut at 400 characters, no line end); context lines are not matches."""

    line: int
    text: str
    is_match: bool = True


@frozen
class FoundFile:
    """`n_matches` counts matching lines, those not shown too. `lines` is empty but in mode content."""

    uri: str
    n_matches: int
    lines: tuple[FoundLine, ...] = ()


@frozen
class Grepped:
    """Files in order of their path. `limit` cuts matching lines in mode content, else files."""

    files: tuple[FoundFile, ...]
    n_matches: int
    n_files: int
    cut: str = ""


@frozen
class Listed:
    """A drawn tree; `n_entries` counts those shown."""

    text: str
    n_entries: int
    cut: str = ""


class _Deadline:
    """Asked often; says when to stop, and keeps why."""

    def __init__(self, should_stop: Callable[[], bool], limit_s: float) -> None:
        self._should_stop = should_stop
        self._ends = time.monotonic() + limit_s
        self._limit_s = limit_s
        self.why = ""

    def passed(self) -> bool:
        if not self.why and self._should_stop():
            self.why = "stopped before the end"
        if not self.why and time.monotonic() > self._ends:
            self.why = f"stopped after {self._limit_s:g} s; narrow the search"
        return bool(self.why)


def glob(
    files: FileSource,
    workspace: Workspace,
    pattern: str,
    base_uri: str | None = None,
    limit: int = 100,
    *,
    should_stop: Callable[[], bool] = never,
    limit_s: float = TIME_LIMIT_S,
) -> Globbed:
    """Files whose path from the base (every root without one) matches. Braces, `**`; a bare name matches anywhere."""
    matches = compile_glob(pattern)
    deadline = _Deadline(should_stop, limit_s)
    found: list[tuple[float, str]] = []
    for one in _walk(files, workspace, base_uri, deadline):
        if not one.is_dir and matches(one.relative):
            found.append((_modified_s(one), one.path))
    found.sort(key=lambda pair: (-pair[0], pair[1]))
    uris = tuple(normalise(Walked(path, "").uri) for _, path in found[:limit])
    return Globbed(uris, len(found), _cut(len(uris), len(found), "files", deadline.why))


def grep(
    files: FileSource,
    workspace: Workspace,
    pattern: str,
    base_uri: str | None = None,
    glob: str | None = None,
    mode: Mode = "content",
    ignore_case: bool = False,
    context: int = 0,
    limit: int = 100,
    *,
    should_stop: Callable[[], bool] = never,
    limit_s: float = TIME_LIMIT_S,
) -> Grepped:
    """Lines that match a regular expression. Binary and unreadable files are passed over. Raises ToolFailed."""
    expression = compile_search(pattern, ignore_case=ignore_case)
    wanted = compile_glob(glob) if glob else None
    deadline = _Deadline(should_stop, limit_s)
    grepper = _Grepper(expression, mode, context, limit, deadline)
    reader = _Reader(files, workspace.disk, grepper.literal)
    for one in _walk(files, workspace, base_uri, deadline):
        if one.is_dir or one.is_link or (wanted and not wanted(one.relative)):
            continue
        if (text := reader.text(one)) is not None:
            grepper.search(one, text)
    return grepper.result()


class _Reader:
    """The texts of walked files. What lies on the disk as it is goes straight from there, past the chain.

    A file without the literal that every match begins with is not even decoded, where bytes can tell.
    """

    def __init__(self, files: FileSource, disk: Disk, literal: str) -> None:
        self._files = files
        self._disk = disk
        self._literal = literal.encode() if literal.isascii() else b""
        fixed = files.fixed_uris() if isinstance(files, Snapshot) else frozenset[str]()
        self._direct = isinstance(files, Snapshot)
        self._fixed = {to_path(uri) for uri in fixed}

    def text(self, one: Walked) -> str | None:
        """None for what is binary, unreadable, or cannot match."""
        if not self._direct or one.is_held or one.path in self._fixed:
            return _text(self._files, one)
        try:
            data = self._disk.raw(one.path)
            if self._literal and self._literal not in data and not data.startswith(_WIDE):
                return None
            return decode(data).text
        except (OSError, ValueError):
            return None


class _Grepper:
    def __init__(self, expression: re.Pattern[str], mode: Mode, context: int, limit: int, deadline: _Deadline) -> None:
        self._expression = expression
        self.literal = literal_start(expression)
        self._needed, self._ends_with_it = needed_char(expression)
        self._reach = reach_chars(expression.pattern)
        self._blind_to_lines = is_blind_to_lines(expression)
        self._n_long = 0
        self._mode = mode
        self._context = context
        self._limit = limit
        self._deadline = deadline
        self._files: list[FoundFile] = []
        self._n_matches = 0
        self._n_files = 0
        self._n_shown = 0

    def search(self, one: Walked, text: str) -> None:
        if (self.literal and self.literal not in text) or self._is_without(text):
            return
        lines = split_lines(text)
        if lines[-1] == "":
            lines.pop()
        hits = list(self._matching(lines))
        if hits:
            self._n_matches += len(hits)
            self._n_files += 1
            self._keep(one.uri, lines, hits)

    def _is_without(self, text: str) -> bool:
        """Whether one look at the whole text shows that no line matches. Not tried where a line is very long."""
        if not self._blind_to_lines or max(map(len, text.split("\n"))) > self._reach:
            return False
        return self._expression.search(text) is None

    def result(self) -> Grepped:
        if self._mode == "content":
            cut = _cut(self._n_shown, self._n_matches, "matches", self._deadline.why)
        else:
            cut = _cut(len(self._files), self._n_files, "files", self._deadline.why)
        if self._n_long:
            long = f"{self._n_long:,} long lines were searched only in their first {self._reach:,} characters"
            cut = f"{cut}; {long}" if cut else long
        return Grepped(tuple(self._files), self._n_matches, self._n_files, cut)

    def _matching(self, lines: list[str]) -> Iterator[int]:
        for number, line in enumerate(lines):
            if number % 256 == 0 and self._deadline.passed():
                return
            length = content_length(line)
            if self._found(line, min(length, self._reach)):
                yield number
            else:
                self._n_long += length > self._reach

    def _found(self, line: str, end: int) -> bool:
        if self._needed:
            last = line.rfind(self._needed, 0, end)
            if last < 0:
                return False
            end = last + 1 if self._ends_with_it else end
        return self._expression.search(line, 0, end) is not None

    def _keep(self, uri: str, lines: list[str], hits: list[int]) -> None:
        if self._mode != "content":
            if len(self._files) < self._limit:
                self._files.append(FoundFile(uri, len(hits)))
            return
        shown = hits[: self._limit - self._n_shown]
        if shown:
            self._n_shown += len(shown)
            self._files.append(FoundFile(uri, len(hits), self._with_context(lines, shown)))

    def _with_context(self, lines: list[str], hits: list[int]) -> tuple[FoundLine, ...]:
        matching = set(hits)
        wanted = {
            number
            for hit in hits
            for number in range(max(hit - self._context, 0), min(hit + self._context + 1, len(lines)))
        }
        return tuple(FoundLine(number, self._shown(lines[number]), number in matching) for number in sorted(wanted))

    def _shown(self, line: str) -> str:
        line = line.rstrip("\r\n")
        if len(line) <= LINE_LIMIT:
            return line
        found = self._expression.search(line[: self._reach])
        start = max(found.start() - LINE_LIMIT // 4, 0) if found and found.end() > LINE_LIMIT else 0
        before = "…" if start else ""
        return f"{before}{line[start : start + LINE_LIMIT]}… [line of {len(line):,} characters, cut]"


def tree(
    files: FileSource,
    workspace: Workspace,
    uri: str | None = None,
    depth: int = 3,
    limit: int = 400,
    *,
    should_stop: Callable[[], bool] = never,
    limit_s: float = TIME_LIMIT_S,
) -> Listed:
    """Directories and files below a directory (every root without one), `depth` levels deep, two spaces a level."""
    deadline = _Deadline(should_stop, limit_s)
    lines: list[str] = []
    n_shown = n_total = 0
    for base in _bases(files, workspace, uri):
        lines.append(workspace.display(_uri(base)).rstrip("/") + "/")
        for one in _walk(files, workspace, _uri(base), deadline, max_depth=max(depth, 1)):
            n_total += 1
            if n_shown < limit:
                n_shown += 1
                level = one.relative.count("/") + 1
                lines.append("  " * level + os.path.basename(one.path) + ("/" if one.is_dir else ""))
    return Listed("\n".join(lines), n_shown, _cut(n_shown, n_total, "entries", deadline.why))


# --- shared ----------------------------------------------------------------------------------------------


def _walk(
    files: FileSource, workspace: Workspace, base_uri: str | None, deadline: _Deadline, max_depth: int | None = None
) -> Iterator[Walked]:
    """Everything below the base; a base that is a file is that file alone, ignored or not."""
    walker = Walker(files, workspace, deadline.passed)
    for base in _bases(files, workspace, base_uri):
        if _is_file(files, base):
            yield Walked(base, os.path.basename(base))
        else:
            yield from walker.walk(base, max_depth=max_depth)


def _bases(files: FileSource, workspace: Workspace, base_uri: str | None) -> list[str]:
    uris = [base_uri] if base_uri is not None else list(workspace.roots)
    if not uris:
        raise ToolFailed("There is no workspace folder to search.", advice="Open a folder in the editor.")
    for uri in uris:
        if not files.exists(uri):
            raise MissingFile(
                f"There is nothing at {workspace.display(uri)!r}.", advice="Find it with list_dir or glob."
            )
    return [path for uri in uris if (path := to_path(uri)) is not None]


def _uri(path: str) -> str:
    return Walked(path, "").uri


def _is_file(files: FileSource, path: str) -> bool:
    if os.path.isdir(path):
        return False
    if os.path.isfile(path):
        return True
    try:
        files.read(_uri(path))  # a pending file is not on disk
    except WorkspaceError:
        return False
    return True


def _text(files: FileSource, one: Walked) -> str | None:
    try:
        return files.text_once(one.uri) if isinstance(files, Snapshot) else files.read(one.uri).text
    except WorkspaceError:
        return None


def _modified_s(one: Walked) -> float:
    if one.is_held:
        return math.inf
    try:
        return os.lstat(one.path).st_mtime
    except OSError:
        return 0.0


def _cut(n_shown: int, n_total: int, what: str, why: str) -> str:
    if n_shown < n_total:
        more = f" ({why})" if why else ""
        return f"first {n_shown:,} of {n_total:,} {what}{more}; narrow the pattern"
    return why
