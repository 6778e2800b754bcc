"""What a model is told when its quoted text has no place, or several: what is there instead, and what to do next.

Also which lines changed since the model was last shown the file: what models misremember is mostly stale text. Knows
no tool. Start with `missing`, `ambiguous` and `note_edited`.
"""

from collections.abc import Sequence

from copydesk.domain.errors import ToolFailed
from copydesk.domain.ports import Work
from copydesk.text.diffs import changes, diff
from copydesk.text.edits import Edit, apply, rebase
from copydesk.text.nearest import Near
from copydesk.tools.reading import cut, file_lines

_ROW_CHARS = 200
_N_NAMED = 20
_N_ROWS = 14
_N_BEFORE = 4
_N_AREAS = 5
_N_NEWS = 8


def missing(work: Work, uri: str, content: str, near: Near | None, reason: str = "") -> ToolFailed:
    """For `old_text` that is nowhere in the file; `reason` where it says more than that."""
    path = work.display(uri)
    if not content:
        return ToolFailed(f"{path!r} is empty.", advice="Use write_file with overwrite=true.")
    why = f" ({reason})" if reason else ""
    said = since_read(work, uri, content, near) + shown_near(content, near, "old_text")
    return ToolFailed(f"`old_text` is not in {path!r} as the file is now{why}.{said}\n", advice=advice(work, uri))


def ambiguous(path: str, content: str, places: Sequence[int]) -> ToolFailed:
    """For `old_text` that is in the file more than once; `places` are 0-based lines."""
    return ToolFailed(
        f"`old_text` occurs {len(places)} times in {path!r}, starting at lines:\n{rows_at(content, places)}\n",
        advice="Include more of the lines around the one you mean, or set replace_all.",
    )


def advice(work: Work, uri: str) -> str:
    if work.last_read(uri) is None:
        return "You have not read this file in this session: use read_file, and copy the text exactly."
    return "Read the file again there and copy the text exactly."


def rows_at(content: str, places: Sequence[int]) -> str:
    """The lines at these 0-based places, numbered from 1."""
    lines = file_lines(content)
    rows = [_row(number, lines[number].rstrip() if number < len(lines) else "") for number in places[:_N_NAMED]]
    more = [f"… and {len(places) - _N_NAMED} more"] if len(places) > _N_NAMED else []
    return "\n".join([*rows, *more])


def shown_near(content: str, near: Near | None, name: str, limit: int = _N_ROWS) -> str:
    """The lines most like the quoted ones, the first that differs marked, and what `name` says in its place."""
    if near is None:
        return " No line is like one of its."
    lines = file_lines(content)
    first = max(near.first, near.differs - min(_N_BEFORE, limit // 2))
    last = min(max(near.first + near.n_lines, near.differs + 1), first + limit, len(lines))
    rows = [_row(at, lines[at], "> " if at == near.differs else "  ") for at in range(first, last)]
    shown = "\n".join(rows if near.n_lines > 1 else [row[2:] for row in rows])
    quoted = cut(near.quoted, _ROW_CHARS)
    return f" The nearest lines now:\n{shown}\nLine {near.differs + 1} differs; {name} has: {quoted!r}"


def _row(at: int, line: str, mark: str = "") -> str:
    return f"{mark}{at + 1}→{cut(line, _ROW_CHARS)}"


# --- stale text ------------------------------------------------------------------------------------------


def since_read(work: Work, uri: str, content: str, near: Near | None = None) -> str:
    """Which lines changed since the model was shown the file, and how they read now; '' where none did."""
    last = work.last_read(uri)
    if last is None or last == content:
        return ""
    now = file_lines(content)
    areas = [(j1, j2) for _, _, j1, j2 in changes(file_lines(last), now)]
    if not areas:
        return ""
    named = ", ".join(_named(*area) for area in areas[:_N_AREAS]) + (", …" if len(areas) > _N_AREAS else "")
    noun = "line" if len(areas) == 1 and areas[0][1] - areas[0][0] == 1 else "lines"
    news = [at for j1, j2 in areas for at in range(j1, j2) if near is None or not _is_shown(near, at)]
    rows = "; ".join(_row(at, now[at].strip()) for at in news[:_N_NEWS])
    more = "; …" if len(news) > _N_NEWS else ""
    return f" Since you read it, {noun} {named} changed" + (f" (now: {rows}{more})." if rows else ".")


def _named(first: int, stop: int) -> str:
    if stop == first:
        return f"after {first} (taken away)"
    return f"{first + 1}–{stop}" if stop - first > 1 else f"{stop}"


def _is_shown(near: Near, at: int) -> bool:
    first = max(near.first, near.differs - _N_BEFORE)
    return first <= at < min(near.first + near.n_lines, first + _N_ROWS)


def note_edited(work: Work, uri: str, before: str, edits: Sequence[Edit]) -> None:
    """The model knows its own edit: what it was shown of the file moves on by it, and by nothing else."""
    last = work.last_read(uri)
    if last is None:
        return
    moved = edits if last == before else rebase(edits, diff(before, last)).edits
    work.note_read(uri, apply(last, moved))
