"""One command's trees, whichever way they stand there: made before it starts, read back after it has ended, dropped.

The seam between the runner and the two ways: `overlays` (layers that the kernel joins) and `copies`.
"""

import os
from collections.abc import Mapping
from typing import Protocol

from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.processes.confinement import Mount
from copydesk.workspace.shadow.harvesting import Harvesting
from copydesk.workspace.shadow.places import Place
from copydesk.workspace.shadow.puts import Put


@frozen
class Wanted:
    """What a command must see: the view, and what that has otherwise than the disk, by real path of the place."""

    view: FileSource
    puts: Mapping[str, dict[str, Put]]


class Tree(Protocol):
    """One place as one command sees it. Methods block on the disk."""

    @property
    def place(self) -> Place: ...

    @property
    def mount(self) -> Mount: ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the command does not see as it is."""
        ...

    def harvest(self, into: Harvesting, *, keeps_edits: bool) -> None:
        """Tells `into` what was changed (or, for a check, nothing of it), and gives the caches theirs."""
        ...

    def drop(self) -> None:
        """Takes it away, or gives it back to whoever may use it next. Once more does nothing."""
        ...


def check_is_there(folder: str, inode: int) -> None:
    """A folder that was taken away must not read as if the command had deleted everything."""
    try:
        is_ours = os.stat(folder).st_ino == inode
    except OSError:
        is_ours = False
    if not is_ours:
        raise ToolFailed(
            f"What the command changed is lost: its folder {folder!r} was taken away meanwhile.",
            advice="Run the command again.",
        )
