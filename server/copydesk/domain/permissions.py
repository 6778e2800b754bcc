"""Modes, questions and answers about what a tool call may do."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import RiskLevel
from copydesk.domain.tools import Effect, ToolKind

Mode: TypeAlias = Literal["plan", "ask", "acceptEdits", "auto"]
MODES: tuple[Mode, ...] = ("plan", "ask", "acceptEdits", "auto")
_MODES: dict[str, Mode] = {mode: mode for mode in MODES}


def mode_of(word: str) -> Mode | None:
    """The mode of that name; None when there is none."""
    return _MODES.get(word)


PermissionOption: TypeAlias = Literal["allow_once", "allow_session", "allow_always", "reject_once", "reject_always"]
OPTION_NAMES: Mapping[PermissionOption, str] = {
    "allow_once": "Allow once",
    "allow_session": "Allow for this session",
    "allow_always": "Always allow",
    "reject_once": "Deny",
    "reject_always": "Always deny",
}
"""As a person reads them, in every face."""


@frozen
class PermissionRequest:
    """A question about one prepared call.

    `locations` are the URIs it touches; `command` its command line, `in_place` whether that runs on the real tree;
    `asks` why a person has to be asked whatever the mode. What the judge adds is in `Verdict`.
    """

    id: str
    session: str
    turn: str
    tool: str
    kind: ToolKind
    effect: Effect
    title: str
    target: str = ""
    reason: str = ""
    locations: tuple[str, ...] = ()
    command: str = ""
    in_place: bool = False
    asks: str = ""
    level: RiskLevel = "safe"
    remember: tuple[str, ...] = ()
    """The rules that "always" would write, exactly."""
    options: tuple[PermissionOption, ...] = ()


@frozen
class Verdict:
    """What rules, mode and risk say of a request, before anybody is asked. `request` is the one to put to a person:
    with its reason, level, options and what would be remembered. `reason` is told to the model when denied.
    """

    outcome: Literal["allow", "ask", "deny"]
    request: PermissionRequest
    reason: str = ""


@frozen
class Decision:
    """`reason` is told to the model when the call is refused. `option` is what the person chose, if asked."""

    allowed: bool
    reason: str = ""
    option: PermissionOption | None = None
