"""Unified diffs, as git and diff write them and as models write them from memory.

File names, creations, deletions and renames are believed; line numbers and counts are only kept as claims. Start with
`parse_unified`.
"""

import re
from collections.abc import Sequence

from copydesk.text.patches import FilePatch, HunkRows, Numbered, PatchSyntax, claim_of

_GIT = re.compile(r"diff --git (.+)$")
_FORBIDDEN = re.compile(r"(?:GIT binary patch|Binary files .* differ|copy (?:from|to) )")
_OCTAL = re.compile(r"\\(?:([0-7]{3})|(.))")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class _File:
    """What was read of one file so far."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.names: tuple[str, str] = ("", "")
        self.source = self.target = ""
        self.renamed_from = self.renamed_to = ""
        self.is_new = self.is_deleted = False
        self.hunks: list[HunkRows] = []

    @property
    def has_names(self) -> bool:
        return bool(self.source or self.target)


def parse_unified(lines: Sequence[Numbered]) -> tuple[FilePatch, ...]:
    """The files in order. Raises `PatchSyntax`."""
    files: list[_File] = []
    at = 0
    while at < len(lines):
        at += _take(lines, at, files)
    if not files:
        raise PatchSyntax(
            "it names no file: begin with '*** Begin Patch' and '*** Update File: PATH', or with '--- a/PATH' and "
            "'+++ b/PATH'"
        )
    return tuple(_finished(file) for file in files)


def _take(lines: Sequence[Numbered], at: int, files: list[_File]) -> int:
    """Reads what starts at a line; gives how many lines it took."""
    number, line = lines[at]
    hunk = files[-1].hunks[-1] if files and files[-1].hunks else None
    if git := _GIT.match(line):
        files.append(_File(number))
        files[-1].names = _git_names(git[1])
    elif _begins_file(lines, at, hunk):
        if not files or files[-1].has_names or files[-1].hunks:
            files.append(_File(number))
        files[-1].source, files[-1].target = _name(line[4:]), _name(lines[at + 1][1][4:])
        return 2
    elif line.startswith("@@"):
        if not files:
            raise PatchSyntax(f"line {number}: a hunk stands before any '---' and '+++' line, so its file is not known")
        files[-1].hunks.append(HunkRows(number, claim=claim_of(line)))
    elif hunk is not None:
        return _take_row(lines, at, hunk)
    elif files:
        _take_extended(files[-1], number, line)
    return 1


def _begins_file(lines: Sequence[Numbered], at: int, hunk: HunkRows | None) -> bool:
    """A `---` line with its `+++`. Within a hunk the two may be a line taken away and one put there."""
    rows = [line for _, line in lines[at : at + 3]]
    if len(rows) < 2 or not (rows[0].startswith("--- ") and rows[1].startswith("+++ ")):
        return False
    if hunk is None:
        return True
    if len(rows) == 3 and not rows[2].startswith("@@"):
        return False
    return _left(hunk) != (1, 1)


def _left(hunk: HunkRows) -> tuple[int, int] | None:
    """How many old and new lines the hunk's header still promises."""
    if hunk.claim is None:
        return None
    marks = [mark for mark, _ in hunk.rows]
    return hunk.claim.n_old - len(marks) + marks.count("+"), hunk.claim.n_new - len(marks) + marks.count("-")


def _take_row(lines: Sequence[Numbered], at: int, hunk: HunkRows) -> int:
    line = lines[at][1]
    if line.startswith("\\ "):
        hunk.no_end()
    elif line.rstrip() == "--" and all(re.fullmatch(r"[\d.]*\s*", row) for _, row in lines[at + 1 : at + 4]):
        return len(lines) - at  # the signature of a mailed patch
    elif not line.startswith(("index ", "diff -")):
        hunk.add(line)
    return 1


def _take_extended(file: _File, number: int, line: str) -> None:
    if _FORBIDDEN.match(line):
        raise PatchSyntax(f"line {number}: {line[:80]!r}: binary files and copies cannot be patched")
    if line.startswith("rename from "):
        file.renamed_from = _unquoted(line[12:])
    elif line.startswith("rename to "):
        file.renamed_to = _unquoted(line[10:])
    file.is_new = file.is_new or line.startswith("new file mode")
    file.is_deleted = file.is_deleted or line.startswith("deleted file mode")


# --- names -----------------------------------------------------------------------------------------------


def _name(written: str) -> str:
    """A name as it stands after `---`: without quotes and time."""
    name = written.split("\t")[0].rstrip()
    return _unquoted(re.sub(r"\s+\d{4}-\d\d-\d\d[ T]\d\d:\d\d\S*( [+-]\d{4})?$", "", name))


def _unquoted(name: str) -> str:
    """git writes names with odd characters in quotes, their bytes in octal."""
    name = name.strip()
    if len(name) < 2 or name[0] != '"' or name[-1] != '"':
        return name
    raw = _OCTAL.sub(lambda m: chr(int(m[1], 8)) if m[1] else _ESCAPES.get(m[2], m[2]), name[1:-1])
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw


def _git_names(written: str) -> tuple[str, str]:
    """Both names of a `diff --git` line, which does not say where the first one ends."""
    if written.startswith('"'):
        first, _, second = written[1:].partition('" ')
        return _stripped(_unquoted(f'"{first}"'), _unquoted(second))
    half = len(written) // 2
    if written[:half].removeprefix("a/") == written[half + 1 :].removeprefix("b/"):
        return _stripped(written[:half], written[half + 1 :])
    first, _, second = written.partition(" b/")
    return _stripped(first, f"b/{second}") if second else ("", "")


def _stripped(source: str, target: str) -> tuple[str, str]:
    """Without git's `a/` and `b/`, where both sides have theirs or one is no file."""
    ours = source.startswith("a/") or source == "/dev/null"
    theirs = target.startswith("b/") or target == "/dev/null"
    if not ours or not theirs or source == target:
        return source.removeprefix("./"), target.removeprefix("./")
    return source.removeprefix("a/"), target.removeprefix("b/")


# --- what it comes to ------------------------------------------------------------------------------------


def _finished(file: _File) -> FilePatch:
    source, target = _stripped(file.source, file.target) if file.has_names else file.names
    hunks = [_checked(hunk) for hunk in file.hunks]
    if not source and not target:
        raise PatchSyntax(f"line {file.line}: the diff does not name its file with '--- a/PATH' and '+++ b/PATH'")
    if source == "/dev/null" or file.is_new:
        return FilePatch("add", target, text=_text_of(target, file), line=file.line)
    if target == "/dev/null" or file.is_deleted:
        return FilePatch("delete", source, tuple(hunk.finished() for hunk in hunks), line=file.line)
    finished = tuple(hunk.finished() for hunk in hunks)
    if file.renamed_from and file.renamed_to:
        return FilePatch("update", file.renamed_from, finished, move_to=file.renamed_to, line=file.line)
    if not hunks:
        raise PatchSyntax(f"line {file.line}: the diff of {target!r} has no hunk: nothing says what to change")
    return FilePatch("update", target, finished, other="" if source == target else source, line=file.line)


def _text_of(path: str, file: _File) -> str:
    rows = [row for hunk in file.hunks for row in hunk.rows]
    if any(mark != "+" for mark, _ in rows):
        raise PatchSyntax(f"line {file.line}: the new file {path!r} has lines that are not added with '+'")
    text = "".join(f"{content}\n" for _, content in rows)
    no_end = bool(file.hunks) and file.hunks[-1].finished().last_end is False
    return text.removesuffix("\n") if no_end else text


def _checked(hunk: HunkRows) -> HunkRows:
    left = _left(hunk)
    while hunk.rows and hunk.rows[-1] == (" ", "") and not (left and left[0] >= 0 and left[1] >= 0):
        hunk.rows.pop()
        left = _left(hunk)
    if not hunk.rows:
        raise PatchSyntax(f"line {hunk.line}: the hunk is empty: no line begins with ' ', '-' or '+'")
    return hunk
