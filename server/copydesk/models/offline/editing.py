"""Line edits and the `edit_file` calls that make them: old text is grown until it is unique in the whole file.

Pure; knows nothing of any language. Start with `edit_calls`.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copydesk.models.offline.planning import Call, Plan
from copydesk.models.offline.reading import one_line


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines `start` to `end` (0-based, end exclusive) become `new`. An empty range inserts before `start`."""

    start: int
    end: int
    new: tuple[str, ...]


def apply_edits(lines: Sequence[str], edits: Iterable[LineEdit]) -> list[str]:
    """The lines after `edits`, which never overlap."""
    result = list(lines)
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        result[edit.start : edit.end] = edit.new
    return result


def edit_calls(path: str, lines: Sequence[str], edits: Iterable[LineEdit]) -> tuple[Call, ...]:
    """One `edit_file` call an edit, from the bottom up, each unique in the text the ones before it leave."""
    current = list(lines)
    calls: list[Call] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        old, new = _unique(current, edit)
        calls.append(Call("edit_file", {"path": path, "old_text": old, "new_text": new}))
        current[edit.start : edit.end] = edit.new
    return tuple(calls)


def line_changes(old: Sequence[str], new: Sequence[str]) -> list[LineEdit]:
    """The edits that turn `old` into `new`."""
    matcher = difflib.SequenceMatcher(None, list(old), list(new), autojunk=False)
    return [LineEdit(a, b, tuple(new[c:d])) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]


def make_edits(path: str, lines: Sequence[str], edits: Sequence[LineEdit]) -> Plan[str]:
    """Makes the edits; gives what went wrong, or an empty string."""
    results = yield edit_calls(path, lines, edits)
    return "; ".join(dict.fromkeys(one_line(result.content) for result in results if result.is_error))


def _unique(lines: Sequence[str], edit: LineEdit) -> tuple[str, str]:
    text = "\n".join(lines)
    start, end = edit.start, edit.end
    if start == end or not edit.new:  # a line comes or goes whole, so its break must be in the old text too
        start, end = (start - 1, end) if start else (start, min(end + 1, len(lines)))
    before = True
    while not _occurs_once(text, "\n".join(lines[start:end])) and (start > 0 or end < len(lines)):
        if (before and start > 0) or end >= len(lines):
            start -= 1
        else:
            end += 1
        before = not before
    new = [*lines[start : edit.start], *edit.new, *lines[edit.end : end]]
    return "\n".join(lines[start:end]), "\n".join(new)


def _occurs_once(text: str, old: str) -> bool:
    if not old.strip():
        return False
    first = text.find(old)
    return text.find(old, first + 1) < 0
