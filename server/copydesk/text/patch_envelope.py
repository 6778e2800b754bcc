"""The `*** Begin Patch` format: sections that add, update, delete or move a file, hunks placed by their lines.

Tolerant where strong models need it: missing first and last lines, padded section lines, `@@` with line numbers, a
blank context line without its space, an added file without its pluses. Start with `parse_envelope`.
"""

import re
from collections.abc import Sequence

from copydesk.text.patches import FilePatch, HunkRows, Numbered, PatchKind, PatchSyntax, claim_of

_BEGIN = re.compile(r"\s*\*\*\* Begin Patch\s*$", re.IGNORECASE)
_END = re.compile(r"\*\*\* End Patch\s*$", re.IGNORECASE)
_FILE = re.compile(r"\*\*\* (Add|Update|Delete) File(?::\s*|\s+)(.*?)\s*$", re.IGNORECASE)
_MOVE = re.compile(r"\*\*\* (?:Move|Rename)(?: File)? to:?\s*(.+?)\s*$", re.IGNORECASE)
_END_OF_FILE = re.compile(r"\*\*\* End of File\s*$", re.IGNORECASE)
_NOT_ANCHOR = re.compile(r"(?:\.{3,}|…|[\d\s,–-]*|lines? \d[\d\s,–-]*)$", re.IGNORECASE)
_KINDS: dict[str, PatchKind] = {"add": "add", "update": "update", "delete": "delete"}


def parse_envelope(lines: Sequence[Numbered]) -> tuple[FilePatch, ...]:
    """The sections in order. Raises `PatchSyntax`."""
    sections = _sections(_started(lines))
    return tuple(_file(kind, path, number, body) for kind, path, number, body in sections)


def _started(lines: Sequence[Numbered]) -> Sequence[Numbered]:
    """From the first marker on: what a model says before it is no part of the patch."""
    first = next(at for at, (_, line) in enumerate(lines) if _BEGIN.match(line) or _FILE.match(line.strip()))
    return lines[first:]


_Section = tuple[PatchKind, str, int, list[Numbered]]


def _sections(lines: Sequence[Numbered]) -> list[_Section]:
    found: list[_Section] = []
    is_over = False
    for at, (number, line) in enumerate(lines):
        is_last = at == len(lines) - 1
        if _BEGIN.match(line):
            is_over = False
        elif _END.match(line.strip() if is_last else line):
            is_over = True
        elif (header := _header(line, found)) and not is_over:
            found.append((*header, number, []))
        elif found and not is_over:
            found[-1][-1].append((number, line))
        elif line.strip() and line.lstrip().startswith(("*** ", "@@")):
            raise PatchSyntax(f"line {number}: {line.strip()[:80]!r} stands outside of any file's section")
    return found


def _header(line: str, found: Sequence[_Section]) -> tuple[PatchKind, str] | None:
    """A section's first line. With space before it, it may be a context line of the section it stands in."""
    inside = bool(found) and found[-1][0] == "update" and any(row.strip() for _, row in found[-1][-1])
    match = _FILE.match(line if inside else line.strip())
    return (_KINDS[match[1].lower()], _path(match[2])) if match else None


def _path(written: str) -> str:
    return written.strip().strip("`'\"").strip()


def _file(kind: PatchKind, path: str, number: int, body: Sequence[Numbered]) -> FilePatch:
    if not path:
        raise PatchSyntax(f"line {number}: the section names no file")
    if kind == "add":
        return FilePatch("add", path, text=_added(path, body), line=number)
    if kind == "delete":
        if rest := [(n, row) for n, row in body if row.strip()]:
            raise PatchSyntax(f"line {rest[0][0]}: a 'Delete File' section holds nothing, but this one does")
        return FilePatch("delete", path, line=number)
    return _update(path, number, body)


# --- added files -----------------------------------------------------------------------------------------


def _added(path: str, body: Sequence[Numbered]) -> str:
    """The text of a new file: each line after its `+`; all as they are where none has one."""
    rows = [(n, row) for n, row in _without_names(body) if not row.startswith("@@")]
    ends = [row for _, row in rows if row.startswith("\\ ")]
    rows = [(n, row) for n, row in rows if not row.startswith("\\ ") and not _END_OF_FILE.match(row)]
    while rows and not rows[-1][1].strip():
        rows.pop()
    marked = [row.startswith("+") for _, row in rows if row.strip()]
    if any(marked) and not all(marked):
        number, row = next((n, row) for n, row in rows if row.strip() and not row.startswith("+"))
        raise PatchSyntax(
            f"line {number}: {row[:80]!r} in the new file {path!r} does not begin with '+', as every line there must"
        )
    text = "".join(f"{row.removeprefix('+') if any(marked) else row}\n" for _, row in rows)
    return text.removesuffix("\n") if ends else text


def _without_names(body: Sequence[Numbered]) -> Sequence[Numbered]:
    """Without the `---` and `+++` lines that some models put first."""
    start = next((at for at, (_, row) in enumerate(body) if row.strip()), 0)
    pair = [row for _, row in body[start : start + 2]]
    has_names = len(pair) == 2 and pair[0].startswith("--- ") and pair[1].startswith("+++ ")
    return body[start + 2 :] if has_names else body


# --- updated files ---------------------------------------------------------------------------------------


def _update(path: str, number: int, body: Sequence[Numbered]) -> FilePatch:
    move_to = ""
    rows = list(body)
    while rows and not rows[0][1].strip():
        rows.pop(0)
    if rows and (move := _MOVE.match(rows[0][1].strip())):
        move_to = _path(move[1])
        rows.pop(0)
    hunks = _hunks(_without_names(rows), number)
    if not hunks and not move_to:
        raise PatchSyntax(f"line {number}: the section of {path!r} has no hunk: nothing says what to change")
    return FilePatch("update", path, tuple(hunk.finished() for hunk in hunks), move_to=move_to, line=number)


def _hunks(rows: Sequence[Numbered], number: int) -> list[HunkRows]:
    hunks: list[HunkRows] = []
    is_open = False
    for number, row in rows:
        if row.startswith("@@") or (row.strip() == "@@" and not is_open):
            if not hunks or hunks[-1].rows or hunks[-1].at_end:
                hunks.append(HunkRows(number))
            _head(hunks[-1], row)
            is_open = True
        elif _END_OF_FILE.match(row):
            if hunks:
                hunks[-1].at_end = True
            is_open = False
        elif row.startswith("\\ ") and hunks:
            hunks[-1].no_end()
        elif row.startswith("*** "):
            raise PatchSyntax(f"line {number}: {row[:80]!r} is no part of an 'Update File' section")
        elif is_open or row.strip():
            if not is_open:
                hunks.append(HunkRows(number))
                is_open = True
            hunks[-1].add(row)
    return _checked(hunks)


def _head(hunk: HunkRows, row: str) -> None:
    """Line numbers are a claim; any other words name a line that stands before the hunk."""
    claim = claim_of(row)
    if claim:
        hunk.claim = claim
        return
    anchor = row.strip().removeprefix("@@").strip()
    anchor = anchor.removesuffix("@@").strip() if anchor.endswith(" @@") or anchor == "@@" else anchor
    if anchor and not _NOT_ANCHOR.match(anchor):
        hunk.anchors.append(anchor)


def _checked(hunks: list[HunkRows]) -> list[HunkRows]:
    for hunk in hunks:
        hunk.drop_blank_tail()
        if not hunk.rows:
            raise PatchSyntax(f"line {hunk.line}: the hunk is empty: no line begins with ' ', '-' or '+'")
    return hunks
