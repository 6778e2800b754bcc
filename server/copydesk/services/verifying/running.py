"""One run of one check on one text, in the shadow: how it ended, or why it could not be run.

Knows nothing of edits. Start with `Runs.run`.
"""

import re
from dataclasses import dataclass

import anyio

from copydesk.domain.commands import Command
from copydesk.domain.errors import CopydeskError
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.domain.shadows import Shadow
from copydesk.services.verifying.checks import Check
from copydesk.services.verifying.detection import command_line
from copydesk.services.verifying.readings import Reading, read_output
from copydesk.workspace.uris import to_path

HEAD_BYTES, TAIL_BYTES = 1_000_000, 1_000_000
DRAIN_S = 0.5
MAX_OUTPUT = 4_000
"""Characters of a failing run's end that are kept with its record."""

_NO_PROGRAM = re.compile(
    r"No module named '?(?P<module>[\w-]+)'?\s*$|(?P<program>[\w./-]+): (?:command )?not found"
    r"|No such file or directory: '(?P<file>[^']+)'|(?P<path>\S*(?:\.bin|/bin)/[\w-]+): No such file or directory"
    r"|no such command: `(?P<cargo>[\w-]+)`|'cargo-(?P<fmt>fmt)' is not installed",
    re.MULTILINE,
)
_OFFLINE = re.compile(
    r"you may not have the dependencies|offline was specified|in offline mode|--offline|failed to download"
    r"|Could not resolve host|Temporary failure in name resolution|ENOTFOUND|EAI_AGAIN|getaddrinfo"
    r"|module lookup disabled by GOPROXY=off|Network is unreachable",
    re.IGNORECASE,
)


@frozen
class Ran:
    """`why`: it could not be run. `timed_out`: it did not end. Else `reading` says what it found."""

    command: str
    duration_s: float = 0.0
    reading: Reading | None = None
    output: str = ""
    backend: str = ""
    timed_out: bool = False
    why: str = ""

    @property
    def is_good(self) -> bool:
        return self.reading is not None and self.reading.is_good


@dataclass(slots=True)
class _Kept:
    head: bytearray
    tail: bytearray

    def add(self, data: bytes) -> None:
        room = max(0, HEAD_BYTES - len(self.head))
        self.head += data[:room]
        self.tail += data[room:]
        del self.tail[: max(0, len(self.tail) - TAIL_BYTES)]

    def text(self) -> str:
        return bytes(self.head + self.tail).decode("utf-8", "replace")


class Runs:
    """Runs checks, and remembers which of the ways to call a tool is the one that is installed here."""

    def __init__(self, shadow: Shadow) -> None:
        self.shadow = shadow
        self._number: dict[tuple[str, str, tuple[str, ...]], int] = {}

    async def run(self, check: Check, view: FileSource, arguments: tuple[str, ...], timeout_s: float) -> Ran:
        """Raises nothing but cancellation; the process tree is gone when this returns."""
        key = (check.root, check.folder, check.commands)
        known = self._number.get(key)
        ran = Ran("")
        for number in (known,) if known is not None else range(len(check.commands)):
            ran, is_missing = await self._once(check, view, command_line(check, number, arguments), timeout_s)
            if not is_missing:
                self._number[key] = number
                break
        return ran

    async def _once(self, check: Check, view: FileSource, text: str, timeout_s: float) -> tuple[Ran, bool]:
        """The run, and whether the tool itself was not there."""
        kept = _Kept(bytearray(), bytearray())
        command = Command(text, cwd=check.root, timeout_s=timeout_s, check=True)
        backend, started_s, exit_code = "", anyio.current_time(), None
        try:
            backend = (await self.shadow.report()).backend
            with anyio.move_on_after(timeout_s):
                exit_code = await self._through(command, view, kept)
        except CopydeskError as error:
            return Ran(text, backend=backend, why=str(error)), False
        duration_s, output = anyio.current_time() - started_s, kept.text()
        if exit_code is None:
            return Ran(text, duration_s, output=output[-MAX_OUTPUT:], backend=backend, timed_out=True), False
        if missing := _missing(exit_code, output, check):
            return Ran(text, duration_s, backend=backend, why=missing), True
        if exit_code and _OFFLINE.search(output) and check.kind != "lint":
            why = f"{check.tool} needs what is not on this machine, and checks have no network"
            return Ran(text, duration_s, output=output[-MAX_OUTPUT:], backend=backend, why=why), False
        reading = read_output(check.reader, exit_code, output, to_path(check.root) or "")
        return Ran(text, duration_s, reading, output[-MAX_OUTPUT:], backend), False

    async def _through(self, command: Command, view: FileSource, kept: _Kept) -> int:
        async with self.shadow.run(command, view) as running:
            async for output in running.output():
                kept.add(output.data)
            return await running.wait()


def _missing(exit_code: int, output: str, check: Check) -> str:
    """Why the tool cannot be started; empty when it was."""
    if check.is_set and exit_code != 127:
        return ""
    found = _NO_PROGRAM.search(output[:2_000] if exit_code not in (126, 127) else output)
    tool = check.tool.split(" ")[0]
    if exit_code == 127:
        named = next(filter(None, found.groups()), check.tool) if found else check.tool
        return f"{named} is not installed here"
    if exit_code and found and (found["module"] in (tool, "pip") or found["cargo"] or found["fmt"]):
        where = f" for {check.commands[0].split(' ')[0]}" if found["module"] else ""
        return f"{check.tool} is not installed{where}"
    return ""
