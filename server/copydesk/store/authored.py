"""What is remembered of who wrote what: a turn's own page, and a file's pieces with the text they stand on.

Data and its JSON; where it is kept is `store.authorship`'s. A newer program's extra keys are passed over.
"""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

from copydesk.domain.frozen import frozen
from copydesk.domain.review import HunkKind
from copydesk.text.pieces import Pieces, decode, encode

VERSION = 1

Standing: TypeAlias = Literal["landed", "undone"]


@frozen
class AuthoredFile:
    """What a turn did to one file. `uri` is where it stands afterwards; `ids` are the pieces it made or switched.

    `encoding` is the file's own, which a file that is made again should have.
    """

    uri: str
    kind: HunkKind
    moved_from: str = ""
    ids: tuple[str, ...] = ()
    encoding: str = "utf-8"


@frozen
class AuthoredTurn:
    """A turn that landed something, or an undo: then `undoes` is what it took back, and `of` the turn at the root.

    `order` grows with time (nanoseconds since 1970); `at` is RFC 3339. `evidence` is one line for each check.
    """

    turn: str
    session: str = ""
    title: str = ""
    model: str = ""
    mode: str = ""
    at: str = ""
    order: int = 0
    state: Standing = "landed"
    undoes: str = ""
    of: str = ""
    files: tuple[AuthoredFile, ...] = ()
    evidence: tuple[str, ...] = ()


@frozen
class AuthoredText:
    """One file: its `pieces` stand on `text`. `lines` are marks of the lines that a turn wrote, as it left them."""

    uri: str
    text: str
    pieces: Pieces
    lines: Mapping[str, tuple[int, ...]]


def turn_to_json(turn: AuthoredTurn) -> dict[str, Any]:
    plain = {name: getattr(turn, name) for name in _TEXTS}
    files = [
        {"uri": f.uri, "kind": f.kind, "movedFrom": f.moved_from, "ids": list(f.ids), "encoding": f.encoding}
        for f in turn.files
    ]
    return {"v": VERSION, **plain, "order": turn.order, "files": files, "evidence": list(turn.evidence)}


_TEXTS = ("turn", "session", "title", "model", "mode", "at", "state", "undoes", "of")


def turn_from_json(data: Mapping[str, Any]) -> AuthoredTurn:
    """Raises ValueError, KeyError or TypeError for what is none."""
    texts = {name: str(data.get(name, "")) for name in _TEXTS}
    if not texts["turn"] or texts["state"] not in ("landed", "undone"):
        raise ValueError("it names no turn, or no state of one")
    files = tuple(_file_from_json(item) for item in data["files"])
    evidence = tuple(map(str, data.get("evidence", ())))
    return AuthoredTurn(**cast("dict[str, Any]", texts), order=int(data["order"]), files=files, evidence=evidence)


def _file_from_json(data: Mapping[str, Any]) -> AuthoredFile:
    kind = data["kind"]
    if kind not in ("change", "create", "delete", "move"):
        raise ValueError(f"{kind!r} is nothing that happens to a file")
    ids = tuple(map(str, data["ids"]))
    return AuthoredFile(str(data["uri"]), kind, str(data["movedFrom"]), ids, str(data.get("encoding", "utf-8")))


def text_to_json(file: AuthoredText, name: str) -> dict[str, Any]:
    """`name` is where its text is kept."""
    lines = {turn: list(marks) for turn, marks in file.lines.items()}
    return {"v": VERSION, "uri": file.uri, "text": name, "pieces": encode(file.pieces), "lines": lines}


def text_from_json(data: Mapping[str, Any], text: str) -> AuthoredText:
    """Raises ValueError, KeyError or TypeError for what is none, or does not fit the text."""
    pieces = decode(data["pieces"])
    if sum(run.shown for run in pieces.runs) > len(text):
        raise ValueError("the pieces are longer than the text")
    lines = {str(turn): tuple(map(int, marks)) for turn, marks in data["lines"].items()}
    return AuthoredText(str(data["uri"]), text, pieces, lines)
