"""The shadow: a view of the files, materialised where a command runs.

The seam between those who ask for runs (a session's commands, verification) and those who make the view, confine the
command and read back what it changed (`workspace.shadow`).
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from copydesk.domain.commands import Command, Harvest, Output
from copydesk.domain.ports import FileSource
from copydesk.domain.sandboxes import SandboxReport


class RunningCommand(Protocol):
    """A command that runs in its view. Leaving its block kills the whole process tree, and drops the view."""

    def output(self) -> AsyncIterator[Output]:
        """What it writes, until both streams end, or soon after the command itself does. Iterate once."""
        ...

    async def wait(self) -> int:
        """The exit code; negative for a signal."""
        ...

    async def kill(self) -> None:
        """Ends the whole tree within 250 ms. Cannot be cancelled."""
        ...

    async def harvest(self) -> Harvest:
        """After the end: what it changed. Empty for `check` and `in_place` commands."""
        ...


class Shadow(Protocol):
    """Runs commands against exactly the text of a view. The person's tree is never written (but by `in_place`)."""

    async def report(self) -> SandboxReport:
        """Which backend confines commands here. The first call tries them, later ones answer at once."""
        ...

    def run(self, command: Command, view: FileSource) -> AbstractAsyncContextManager[RunningCommand]:
        """Starts a command on the text of `view`. Raises `ToolFailed` when it cannot start, saying why.

        `command.timeout_s` is the caller's to keep.
        """
        ...
