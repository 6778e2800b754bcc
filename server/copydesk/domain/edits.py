"""Pending edits: what a session proposes and nobody has decided yet.

Offsets are code points in the text the edit was planned on, which `Base` names. A span is
(start, end, replacement); spans of one change are sorted and never overlap.
"""

from typing import TypeAlias

from copydesk.domain.frozen import frozen

Span: TypeAlias = tuple[int, int, str]


@frozen
class Base:
    """The text an edit was planned on. `epoch` counts openings of the document; 0 means it was read from disk."""

    uri: str
    content_hash: str
    epoch: int = 0


@frozen
class Origin:
    """Who made an edit: session, turn, the tool call, and the command where one made it."""

    session: str = ""
    turn: str = ""
    tool_call: str = ""
    tool: str = ""
    command: str = ""


@frozen
class ChangeText:
    base: Base
    spans: tuple[Span, ...]
    origin: Origin = Origin()

    @property
    def uri(self) -> str:
        return self.base.uri


@frozen
class CreateFile:
    uri: str
    text: str
    overwrite: bool = False
    origin: Origin = Origin()


@frozen
class DeleteFile:
    base: Base
    origin: Origin = Origin()

    @property
    def uri(self) -> str:
        return self.base.uri


@frozen
class MoveFile:
    base: Base
    destination: str
    overwrite: bool = False
    origin: Origin = Origin()

    @property
    def uri(self) -> str:
        return self.base.uri


PendingEdit: TypeAlias = ChangeText | CreateFile | DeleteFile | MoveFile
