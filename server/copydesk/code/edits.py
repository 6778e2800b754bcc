"""Turns what the engines answer (new texts, spans by line, moves) into pending edits with minimal spans. Pure.

Start with `replaced` and `moved_and_changed`.
"""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from copydesk.code.places import to_path, to_uri
from copydesk.domain.edits import ChangeText, MoveFile, PendingEdit, Span
from copydesk.domain.errors import ToolFailed
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.text.diffs import diff
from copydesk.text.lines import split_lines


def replaced(handle: FileHandle, new: str) -> tuple[PendingEdit, ...]:
    """The edits from a file's text to `new`; none when they are the same."""
    spans = tuple((edit.start, edit.end, edit.text) for edit in diff(handle.text, new))
    return (ChangeText(handle.base, spans),) if spans else ()


def moved_and_changed(
    files: FileSource, answer: Mapping[str, Any], known: Mapping[str, FileHandle]
) -> tuple[PendingEdit, ...]:
    """Text changes first, then moves. `answer`: `{files: {path: [line, start, end, text]}, moves: [from, to]}`."""
    handles = {to_path(uri): uri for uri in files.changed()}
    edits: list[PendingEdit] = []
    for path, rows in answer["files"].items():
        handle = known.get(path) or files.read(handles.get(path) or to_uri(path))
        if rows:
            edits.append(ChangeText(handle.base, _spans(handle.text, rows)))
    for source, target in answer["moves"]:
        edits.extend(_moves(files, source, target))
    return tuple(edits)


def _spans(text: str, rows: list[tuple[int, int, int, str]]) -> tuple[Span, ...]:
    starts = list(accumulate(map(len, split_lines(text)), initial=0))
    return tuple(sorted((starts[line] + first, starts[line] + last, new) for line, first, last, new in rows))


def _moves(files: FileSource, source: str, target: str) -> list[PendingEdit]:
    """A file moves as one; a package's folder file by file."""
    uri = to_uri(source)
    entries = list(files.children(uri)) if not source.endswith((".py", ".pyi")) else []
    if not entries:
        return [MoveFile(files.read(uri).base, to_uri(target))]
    moves: list[PendingEdit] = []
    for entry in entries:
        path = to_path(entry.uri)
        if entry.name in ("__pycache__", ".DS_Store") or path is None:
            continue
        if len(moves) > 2000:
            raise ToolFailed(f"{source!r} holds too many files to move.")
        moves.extend(_moves_of(files, entry.is_dir, path, f"{target}{path[len(source) :]}"))
    return moves


def _moves_of(files: FileSource, is_dir: bool, path: str, target: str) -> list[PendingEdit]:
    return _moves(files, path, target) if is_dir else [MoveFile(files.read(to_uri(path)).base, to_uri(target))]
