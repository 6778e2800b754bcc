"""What a tool says of itself, and what one call of it needs before it may run."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Image

ToolKind: TypeAlias = Literal["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"]
"""The Agent Client Protocol's words."""

Effect: TypeAlias = Literal["read", "edit", "execute", "ask"]
"""read: in parallel, never asks. edit: proposes pending edits. execute: runs something. ask: waits for a person."""


@frozen
class ToolSpec:
    """`parameters` is a JSON schema of type object; its text counts against the first request's size."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    kind: ToolKind
    effect: Effect


@frozen
class Location:
    """A place in a file: `line` is 0-based."""

    uri: str
    line: int | None = None


@frozen
class Prepared:
    """A checked call: the title a person sees ("Read src/a.py") and the places it touches.

    `command` is the command line a call runs, `in_place` whether on the real tree. `asks` says why a person has to be
    asked whatever the mode ("It commits to the real repository."); empty: the mode and the rules decide.
    """

    title: str
    locations: tuple[Location, ...] = ()
    command: str = ""
    in_place: bool = False
    asks: str = ""


@frozen
class ToolOutput:
    """`content` and `images` go to the model, `details` (JSON) to the person's view."""

    content: str
    is_error: bool = False
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    images: tuple[Image, ...] = ()
