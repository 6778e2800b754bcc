"""A check: one command that judges the text, as it is run with the edits and without them. Data only."""

from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen

Kind: TypeAlias = Literal["tests", "types", "lint", "format", "build", "command"]

SLOW: frozenset[Kind] = frozenset({"tests", "build"})


@frozen
class Check:
    """`folder` is where it runs, as a path below `root` (a URI); empty: the root itself.

    `commands` are ways to say the same, tried in this order until one is installed. `with_edits` and `without` are
    arguments (files, say) that are added on each side; None: on that side there is nothing to run. `note` says what it
    leaves out, for the person. `only_known`: what is new on the other side (a new file) does not count.
    """

    tool: str
    kind: Kind
    root: str
    commands: tuple[str, ...]
    reader: str = ""
    folder: str = ""
    with_edits: tuple[str, ...] | None = ()
    without: tuple[str, ...] | None = ()
    note: str = ""
    is_set: bool = False
    """The person's own, from `verify.commands`; else it was found in the folder."""


@frozen
class Skipped:
    """A check that there would be, and why it is not run."""

    tool: str
    why: str
