"""The last resort: a command in a copy of the workspace, with limits on each of its processes and nothing else.

It confines neither what is read, nor what is written, nor the network: so every command asks. Also what Windows and
macOS have. Start with `attempt`.
"""

import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from copydesk.domain.sandboxes import BackendName, Hold
from copydesk.processes.confinement import Confinement, Placing
from copydesk.processes.placing import placed
from copydesk.processes.rlimits import limits_for
from copydesk.processes.spawn import Child, start

_OPTIONS = {
    "RLIMIT_CORE": "--core",
    "RLIMIT_DATA": "--data",
    "RLIMIT_FSIZE": "--fsize",
    "RLIMIT_NPROC": "--nproc",
}
_LETTERS = {"RLIMIT_CORE": "c", "RLIMIT_DATA": "d", "RLIMIT_FSIZE": "f", "RLIMIT_NPROC": "u"}
_BLOCK_BYTES = {"RLIMIT_DATA": 1024, "RLIMIT_FSIZE": 512}
_SHELL = '{limits} exec "$@"'


async def attempt(state_dir: str) -> "LimitedSandbox | str":
    """There is nothing that it needs, so this always works."""
    prlimit = shutil.which("prlimit", path="/usr/bin:/bin") if sys.platform == "linux" else None
    shell = shutil.which("sh", path="/bin:/usr/bin") if sys.platform != "win32" else None
    return LimitedSandbox(state_dir, prlimit=prlimit, shell=shell)


class LimitedSandbox:
    """A `Sandbox` that holds nothing: limits of one process are none of the tree."""

    name: BackendName = "process"
    holds: frozenset[Hold] = frozenset()
    placing: Placing = "none"

    def __init__(self, state_dir: str, *, prlimit: str | None, shell: str | None) -> None:
        self._state_dir, self._prlimit, self._shell = state_dir, prlimit, shell

    @asynccontextmanager
    async def start(self, argv: Sequence[str], confinement: Confinement) -> AsyncGenerator[Child]:
        with tempfile.TemporaryDirectory(prefix="temp-", dir=self._state_dir, ignore_cleanup_errors=True) as temp:
            asked = placed(confinement, temp)
            async with start([*self.prefix(asked), *argv], cwd=asked.cwd, env=asked.env) as child:
                await child.stdin.aclose()
                yield child

    async def aclose(self) -> None:
        return None

    def prefix(self, asked: Confinement) -> list[str]:
        """What sets the limits and then becomes the program: prlimit, else a shell, else (Windows) nothing."""
        limits = limits_for(asked.limits)
        if self._prlimit:
            return [self._prlimit, *(f"{_OPTIONS[name]}={value}" for name, value in limits), "--"]
        if self._shell:
            said = [
                f"ulimit -{_LETTERS[name]} {value // _BLOCK_BYTES.get(name, 1)} 2>/dev/null;" for name, value in limits
            ]
            return [self._shell, "-c", _SHELL.format(limits=" ".join(said)), "sh"]
        return []
