"""Pending edits as plain data and back, so that what waits for a decision outlives the server. Knows no file.

A base is kept with its whole text: the file may have changed by the time it is read again, and only the difference
tells where the edits go. `from_plain` raises ValueError (or KeyError, TypeError) for data that is not ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from copydesk.domain.commands import SideFile
from copydesk.domain.edits import Origin
from copydesk.domain.ports import FileHandle
from copydesk.text.edits import Edit, apply
from copydesk.text.hashing import content_hash
from copydesk.text.pieces import decode, encode
from copydesk.workspace.proposals import Authored, Files, Held, Mark, PendingFile, PendingKind

VERSION = 1
_KINDS: tuple[PendingKind, ...] = ("change", "create", "delete", "move")


def to_plain(files: Files, sides: Mapping[str, tuple[SideFile, str]] | None = None) -> dict[str, Any]:
    """`sides`: side files with their turn."""
    waiting = [[asdict(side), turn] for side, turn in (sides or {}).values()]
    return {"v": VERSION, "files": [_file(file) for file in files.values()], "sides": waiting}


def sides_from_plain(data: object) -> tuple[tuple[SideFile, str], ...]:
    plain = cast("Mapping[str, Any]", data)
    return tuple((SideFile(**side), str(turn)) for side, turn in plain.get("sides", ()))


def from_plain(data: object) -> tuple[PendingFile, ...]:
    plain = cast("Mapping[str, Any]", data)
    if plain["v"] != VERSION:
        raise ValueError(f"version {plain['v']!r} is not {VERSION}")
    return tuple(_read_file(each) for each in plain["files"])


def _file(file: PendingFile) -> dict[str, Any]:
    return {
        "uri": file.uri,
        "kind": file.kind,
        "base": _base(file.base) if file.base else None,
        "text": file.text if file.base is None else None,
        "edits": [list(edit) for edit in file.edits],
        "moved_from": file.moved_from,
        "overwrite": file.overwrite,
        "origins": [_origin(origin) for origin in file.origins],
        "dropped": [list(held) for held in file.dropped],
        "marks": [list(mark) for mark in file.marks],
        "pieces": encode(file.pieces),
    }


def _base(base: FileHandle) -> dict[str, Any]:
    return {"uri": base.uri, "text": base.text, "encoding": base.encoding, "bom": base.bom}


def _origin(origin: Origin) -> list[str]:
    return [origin.session, origin.turn, origin.tool_call, origin.tool, origin.command]


def _read_file(plain: Mapping[str, Any]) -> PendingFile:
    kind = plain["kind"]
    if kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of pending edit")
    base = _read_base(plain["base"])
    edits = tuple(Edit(int(start), int(end), str(text)) for start, end, text in plain["edits"])
    dropped = tuple(Held(int(a), int(b), str(before), str(after)) for a, b, before, after in plain["dropped"])
    text: str | None = plain["text"]
    if base is not None and kind != "delete":
        text = apply(base.text, edits)
    return PendingFile(
        uri=str(plain["uri"]),
        kind=kind,
        base=base,
        text=text,
        edits=edits,
        moved_from=str(plain["moved_from"]),
        overwrite=bool(plain["overwrite"]),
        authored=tuple(Authored(_read_origin(origin)) for origin in plain["origins"]),
        held=dropped,
        dropped=dropped,
        pieces=decode(plain["pieces"]),
        marks=tuple(Mark(str(id), int(start), int(end)) for id, start, end in plain["marks"]),
    )


def _read_base(plain: Mapping[str, Any] | None) -> FileHandle | None:
    """Epoch 0 and no version: whatever is open by then is compared by its text."""
    if plain is None:
        return None
    text = str(plain["text"])
    return FileHandle(str(plain["uri"]), text, content_hash(text), str(plain["encoding"]), bool(plain["bom"]))


def _read_origin(plain: Sequence[str]) -> Origin:
    session, turn, call, tool, command = plain
    return Origin(session, turn, call, tool, command)
