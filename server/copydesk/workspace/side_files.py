"""Side files that wait in one session: at most one for each file, from what stands on disk to what it shall be. Pure.

Several commands in a row make one change of a file. Start with `joined`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from copydesk.domain.commands import SideFile
from copydesk.domain.edits import DeleteFile, MoveFile, PendingEdit
from copydesk.workspace.uris import normalise

SideFiles: TypeAlias = Mapping[str, SideFile]
"""By URI."""

NONE: SideFiles = MappingProxyType({})


def joined(files: SideFiles, newer: Iterable[SideFile]) -> SideFiles:
    """With what was changed after them."""
    found = dict(files)
    for side in newer:
        uri = normalise(side.uri)
        one = _then(found.pop(uri, None), side)
        if one is not None:
            found[uri] = one
    return MappingProxyType(found)


def followed(files: SideFiles, edits: Iterable[PendingEdit]) -> SideFiles:
    """After edits of text: a mode goes with its file, and goes when that is deleted."""
    found = dict(files)
    for edit in edits:
        if not isinstance(edit, MoveFile | DeleteFile):
            continue
        side = found.get(normalise(edit.uri))
        if side is not None and side.kind == "mode":
            del found[normalise(edit.uri)]
            if isinstance(edit, MoveFile):
                found[normalise(edit.destination)] = replace(side, uri=edit.destination)
    return MappingProxyType(found)


def _then(first: SideFile | None, second: SideFile) -> SideFile | None:
    if first is None:
        return second
    if second.kind == "mode":
        return replace(first, mode=second.mode) if first.kind in ("write", "mode") else first
    if first.kind == "mode":
        keeps = second.kind == "write" and second.mode is None
        return replace(second, mode=first.mode) if keeps else second
    if second.kind == "delete" and not first.before:
        return None
    both = replace(second, before=first.before)
    if both.kind == "write" and both.mode is None and first.kind == "write":
        both = replace(both, mode=first.mode)
    is_as_before = both.kind == "write" and both.after == both.before and both.mode is None
    return None if is_as_before and first.kind == "write" else both
