"""`shell`, `shell_output`, `shell_stop`: commands on the text that the session proposes.

Knows no process and no sandbox: `Work.shell` runs them. A command that fails is no failing call: its exit code and
what it wrote are the answer. The words are in `shell_words`. Start with `shell`.
"""

from math import isfinite
from typing import Any

from copydesk.domain.commands import BACKGROUND_TIMEOUT_S, DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S, Command
from copydesk.domain.errors import InvalidArguments
from copydesk.domain.ports import Work
from copydesk.domain.tools import Prepared, ToolOutput, ToolSpec
from copydesk.tools.functions import BOOLEAN, STRING, Arguments, FunctionTool, schema
from copydesk.tools.shell_words import details, page_told, told

MAX_COMMAND_BYTES = 100_000
"""Linux takes no longer argument than 128 KiB."""
MAX_WAIT_S = 600.0
TITLE_CHARS = 72

_NUMBER: dict[str, Any] = {"type": "number"}
_OFFSET: dict[str, Any] = {"type": "integer"}

_SHELL = ToolSpec(
    "shell",
    "Run a bash command over all unsaved and pending text; files it changes become pending edits. What it leaves "
    "running is killed: use background for servers. in_place (to install) uses the real files and asks.",
    schema(
        "command",
        command=STRING,
        timeout_s=_NUMBER,
        background=BOOLEAN,
        description=STRING,
        in_place=BOOLEAN,
    ),
    "execute",
    "execute",
)
_OUTPUT = ToolSpec(
    "shell_output",
    "A command's newer output, or from a character offset. wait_s waits for its end.",
    schema("id", id=STRING, offset=_OFFSET, wait_s=_NUMBER),
    "execute",
    "read",
)
_STOP = ToolSpec("shell_stop", "Stop a command.", schema("id", id=STRING), "execute", "read")


def shell() -> FunctionTool:
    return FunctionTool(_SHELL, _prepare, _run)


def shell_output() -> FunctionTool:
    return FunctionTool(_OUTPUT, _prepare_output, _output)


def shell_stop() -> FunctionTool:
    return FunctionTool(_STOP, lambda arguments, work: Prepared(f"Stop {arguments['id']}"), _stop)


# --- shell -----------------------------------------------------------------------------------------------


def _prepare(arguments: Arguments, work: Work) -> Prepared:
    command = _command(arguments)
    shown, why = _short(command.text), _short(arguments.get("description", ""))
    title = f"Run {'in place: ' if command.in_place else ''}{shown}" + (f" ({why})" if why else "")
    return Prepared(title, command=command.text, in_place=command.in_place)


def _short(text: str) -> str:
    """One line that no terminal takes for anything but text."""
    line = "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1] + "…"


def _command(arguments: Arguments) -> Command:
    """What is asked for. Raises `InvalidArguments`."""
    text: str = arguments["command"]
    if not text.strip():
        raise InvalidArguments("`command` is empty.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidArguments("`command` has a NUL or half a character in it.", advice="Write it as plain text.")
    if len(text.encode()) > MAX_COMMAND_BYTES:
        advice = "Put it in a file with write_file, and run that."
        raise InvalidArguments(f"`command` is longer than {MAX_COMMAND_BYTES:,} bytes.", advice=advice)
    background = arguments.get("background", False)
    most_s = BACKGROUND_TIMEOUT_S if background else MAX_TIMEOUT_S
    timeout_s = float(arguments.get("timeout_s", BACKGROUND_TIMEOUT_S if background else DEFAULT_TIMEOUT_S))
    if not isfinite(timeout_s) or not 0 < timeout_s <= most_s:
        advice = "Run longer ones in the background." if not background else "Leave it out for the longest."
        raise InvalidArguments(f"`timeout_s` must be over 0 and at most {most_s:g}, not {timeout_s:g}.", advice=advice)
    return Command(text, timeout_s=timeout_s, in_place=arguments.get("in_place", False))


async def _run(arguments: Arguments, work: Work) -> ToolOutput:
    command = _command(arguments)
    if arguments.get("background"):
        status = await work.shell.start(command)
    else:
        status = await work.shell.run(command)
    return ToolOutput(await told(status, work.shell), details=details(status))


# --- the others ------------------------------------------------------------------------------------------


def _prepare_output(arguments: Arguments, work: Work) -> Prepared:
    wait_s = float(arguments.get("wait_s", 0))
    if not isfinite(wait_s) or not 0 <= wait_s <= MAX_WAIT_S:
        raise InvalidArguments(f"`wait_s` must be 0 to {MAX_WAIT_S:g}, not {wait_s:g}.")
    return Prepared(f"Wait for {arguments['id']}" if wait_s else f"Read the output of {arguments['id']}")


async def _output(arguments: Arguments, work: Work) -> ToolOutput:
    offset = arguments.get("offset")
    status = await work.shell.output(arguments["id"], offset=offset, wait_s=float(arguments.get("wait_s", 0)))
    content = await told(status, work.shell) if offset is None else page_told(status)
    return ToolOutput(content, details=details(status))


async def _stop(arguments: Arguments, work: Work) -> ToolOutput:
    status = await work.shell.stop(arguments["id"])
    return ToolOutput(await told(status, work.shell), details=details(status))
