"""Modes, questions and answers about what a tool call may do."""

from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.tools import Effect, ToolKind

Mode: TypeAlias = Literal["plan", "ask", "acceptEdits", "auto"]
MODES: tuple[Mode, ...] = ("plan", "ask", "acceptEdits", "auto")
_MODES: dict[str, Mode] = {mode: mode for mode in MODES}


def mode_of(word: str) -> Mode | None:
    """The mode of that name; None when there is none."""
    return _MODES.get(word)


PermissionOption: TypeAlias = Literal["allow_once", "allow_session", "allow_always", "reject_once", "reject_always"]


@frozen
class PermissionRequest:
    """A question about one prepared call. `target` is the path or command it is about."""

    id: str
    session: str
    turn: str
    tool: str
    kind: ToolKind
    effect: Effect
    title: str
    target: str = ""
    reason: str = ""


@frozen
class Decision:
    """`reason` is told to the model when the call is refused."""

    allowed: bool
    reason: str = ""
