"""One run of one check on one text, in the shadow: how it ended, or why it could not be run.

Knows nothing of edits. Start with `Runs.run`.
"""

import os
import re
from collections import Counter

import anyio
from anyio import to_thread

from copydesk.domain.commands import Command
from copydesk.domain.errors import CopydeskError
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.domain.shadows import Shadow
from copydesk.processes.bounded import Bounded
from copydesk.services.verifying.checks import Check
from copydesk.services.verifying.detection import command_line
from copydesk.services.verifying.readings import Reading, read_output
from copydesk.workspace.uris import to_path

MAX_BYTES = 2_000_000
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
    r"|Could not resolve host|Temporary failure in name resolution|\bENOTFOUND\b|\bEAI_AGAIN\b|getaddrinfo"
    r"|module lookup disabled by GOPROXY=off|Network is unreachable"
)
_ABSOLUTE = re.compile(r"(?<![\w.])/[^\s:'\"(),\[\]<>]+")
_INSTALLED = ("/usr/", "/lib/", "/site-packages/", "/node_modules/")
MAX_PATHS = 500


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
        kept = Bounded(MAX_BYTES)
        command = Command(text, cwd=check.root, timeout_s=timeout_s, check=True)
        backend, started_s, exit_code = "", anyio.current_time(), None
        try:
            backend = (await self.shadow.report()).backend
            with anyio.move_on_after(timeout_s):
                exit_code = await self._through(command, view, kept)
        except CopydeskError as error:
            return Ran(text, backend=backend, why=str(error)), False
        duration_s = anyio.current_time() - started_s
        output = bytes(kept.head + kept.tail).decode("utf-8", "replace")
        if exit_code is None:
            return Ran(text, duration_s, output=output[-MAX_OUTPUT:], backend=backend, timed_out=True), False
        if missing := _missing(exit_code, output, check):
            return Ran(text, duration_s, backend=backend, why=missing), True
        reading = await to_thread.run_sync(_read, check, exit_code, output)
        why = ""
        if exit_code and not (reading.is_exact and reading.failures) and _OFFLINE.search(output):
            why = f"{check.tool} needs what is not on this machine, and checks have no network"
        return Ran(text, duration_s, None if why else reading, output[-MAX_OUTPUT:], backend, why=why), False

    async def _through(self, command: Command, view: FileSource, kept: Bounded) -> int:
        async with self.shadow.run(command, view) as running:
            async for output in running.output():
                kept.add(output.data)
            return await running.wait()


def _read(check: Check, exit_code: int, output: str) -> Reading:
    """In a thread: it may be megabytes."""
    return read_output(check.reader, exit_code, output, _stood_at(output, to_path(check.root) or ""))


def _stood_at(output: str, root: str) -> str:
    """The folder of the view, which is not everywhere the real one's path: names must not depend on it."""
    if f"{root}/" in output:
        return root
    found: Counter[str] = Counter()
    for path in dict.fromkeys(_ABSOLUTE.findall(output)[:MAX_PATHS]):
        if any(part in path for part in _INSTALLED):
            continue
        parts = path.split("/")
        for number in range(2, len(parts)):
            if os.path.exists(os.path.join(root, *parts[number:])):
                found["/".join(parts[:number])] += 1
                break
    return found.most_common(1)[0][0] if found else root


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
