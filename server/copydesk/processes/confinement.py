"""What one command may touch, and the seam that every sandbox backend satisfies.

Data and one Protocol: paths are absolute and have their links resolved. Who makes the folders that are mounted is
`workspace.shadow`; which backend is taken is decided by trying, in `processes.sandboxes`. Start with `Sandbox`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import field
from typing import Literal, Protocol, TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.sandboxes import BackendName, Hold
from copydesk.processes.spawn import Child

Placing: TypeAlias = Literal["overlay", "bind", "none"]
"""How a view gets to where the command looks. overlay: layers are mounted over the real folder, at its path. bind: any
folder stands at that path. none: the command runs in the copy, at the copy's own path.
"""


@frozen
class Mount:
    """One folder of the workspace as the command sees it at `path`.

    Either an overlay of `lowers` (the topmost first, the real folder last) with its `upper` and `work` folders, or
    `tree`: a folder that stands there as it is (a copy; the real one for an in-place command).
    """

    path: str
    lowers: tuple[str, ...] = ()
    upper: str = ""
    work: str = ""
    tree: str = ""


@frozen
class Limits:
    """Of the whole process tree where the backend holds them, else of each process. None: no limit of ours."""

    memory_bytes: int | None = 4 * 1024**3
    cpus: float | None = None
    n_processes: int | None = 512
    file_bytes: int | None = 8 * 1024**3
    temp_bytes: int = 1024**3


@frozen
class Confinement:
    """`hidden`: files and folders masked, so that they read as empty (secrets). `read_only`: protected against writes
    and against being moved aside. `readable`: folders outside the workspace that are shown, read-only (tool chains,
    the interpreter). `writable`: folders outside it that may be written (a session's caches). `env` is the whole.
    """

    mounts: tuple[Mount, ...]
    cwd: str
    hidden: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    network: bool = False
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Limits = Limits()


class Sandbox(Protocol):
    """One backend that was tried on this machine and works. `holds` is what it was seen to keep."""

    @property
    def name(self) -> BackendName: ...

    @property
    def holds(self) -> frozenset[Hold]: ...

    @property
    def placing(self) -> Placing: ...

    def start(self, argv: Sequence[str], confinement: Confinement) -> AbstractAsyncContextManager[Child]:
        """Starts a program in it, stdin closed. Leaving the block ends everything it started.

        Raises `ToolFailed` when it cannot be confined as asked: nothing runs less confined than that.
        """
        ...

    async def aclose(self) -> None:
        """Takes away what it keeps between commands (a container, say)."""
        ...
