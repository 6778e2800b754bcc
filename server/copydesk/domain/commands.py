"""Commands that a turn runs: what was asked, how it ran, and what it changed in the shadow.

Data, and what a tool call sees of a session's commands (`Shell`). Who runs them is in `shadows`.
"""

from typing import Literal, Protocol, TypeAlias

from copydesk.domain.edits import PendingEdit
from copydesk.domain.errors import ToolFailed
from copydesk.domain.frozen import frozen

DEFAULT_TIMEOUT_S = 120.0
MAX_TIMEOUT_S = 1800.0
BACKGROUND_TIMEOUT_S = 8 * 3600.0
"""Of a command in the background that is given none."""
PAGE_CHARS = 16_000


@frozen
class Command:
    """One command line for a shell (bash where there is one, else sh).

    `cwd` is the URI of a folder of the workspace; empty: the first one. `in_place`: on the real tree instead of the
    shadow. `readable` are files of the deny list (URIs) that a person lets this command read. `check`: it is run to
    judge, so nothing it changes is harvested, and its caches are those of the session.
    """

    text: str
    cwd: str = ""
    timeout_s: float = DEFAULT_TIMEOUT_S
    in_place: bool = False
    network: bool = False
    readable: tuple[str, ...] = ()
    check: bool = False


@frozen
class Output:
    """Some of what a command wrote, as it came."""

    stream: Literal["stdout", "stderr"]
    data: bytes


@frozen
class SideFile:
    """A change that no text edit can carry, which the server itself writes on accept: bytes that are not text, the
    executable bit, a link.

    `uri` is where. `before` and `after` are sha256 (hex) of the bytes, or of the link's target; empty: nothing there.
    `blob` names the kept bytes (`after`'s, empty where none are needed); `mode` is the permission bits, None where
    they do not change; `target` where a link leads.
    """

    uri: str
    kind: Literal["write", "delete", "mode", "link"]
    before: str = ""
    after: str = ""
    blob: str = ""
    n_bytes: int = 0
    mode: int | None = None
    target: str = ""


@frozen
class Harvest:
    """What a command changed, against the text that it saw. `notes` are sentences for the model about what was left
    out and why (`.git`, protected files, what git ignores); nothing is dropped silently.
    """

    edits: tuple[PendingEdit, ...] = ()
    side_files: tuple[SideFile, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_files(self) -> int:
        return len({edit.uri for edit in self.edits} | {side.uri for side in self.side_files})


CommandState: TypeAlias = Literal["running", "exited", "timed_out", "stopped"]


@frozen
class CommandStatus:
    """A command of a session, as it stands. `output` is the text asked for, both streams in the order they came, at
    most `PAGE_CHARS` of it; `offset` where it begins and `n_chars` how long the whole is, in characters.
    """

    id: str
    text: str
    state: CommandState
    exit_code: int | None = None
    duration_s: float = 0.0
    output: str = ""
    offset: int = 0
    n_chars: int = 0
    backend: str = ""
    changed: tuple[str, ...] = ()
    """The files it changed, which are pending edits now: workspace path and how much, "src/a.py (+3 −1)"."""
    notes: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """How it stands, in words for the model and the person: "exit 0 after 1.2 s"."""
        took = f"{self.duration_s:.1f} s" if self.duration_s < 100 else f"{self.duration_s:.0f} s"
        match self.state:
            case "running":
                return f"running for {took}"
            case "timed_out":
                return f"killed at its time limit, after {took}"
            case "stopped":
                return f"stopped after {took}"
            case "exited":
                return f"{_exit_words(self.exit_code)} after {took}"


_SIGNALS = {1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 11: "SEGV", 15: "TERM"}


def _exit_words(code: int | None) -> str:
    """Shells say 128 and the number where a signal ended what they ran."""
    if code is None:
        return "ended"
    number = -code if code < 0 else code - 128
    name = _SIGNALS.get(number, "")
    if code < 0:
        return f"killed by SIG{name}" if name else f"killed by signal {number}"
    return f"exit {code} (SIG{name})" if name else f"exit {code}"


class Shell(Protocol):
    """A session's commands, as one tool call may use them. All raise `ToolFailed` for what cannot be done."""

    async def run(self, command: Command) -> CommandStatus:
        """To its end or time limit. What it changed is proposed before this returns; what it writes is shown to the
        person as it comes.
        """
        ...

    async def start(self, command: Command) -> CommandStatus:
        """In the background: it keeps the view it began with, until it ends or the session closes."""
        ...

    async def output(self, id: str, *, offset: int | None = None, wait_s: float = 0.0) -> CommandStatus:
        """Newer output of a command than was given last, or from `offset`; waits up to `wait_s` for its end."""
        ...

    async def stop(self, id: str) -> CommandStatus: ...


class NoShell:
    """A `Shell` where no command can be run, for the reason it is given."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def run(self, command: Command) -> CommandStatus:
        raise self._refusal(command.text)

    async def start(self, command: Command) -> CommandStatus:
        raise self._refusal(command.text)

    async def output(self, id: str, *, offset: int | None = None, wait_s: float = 0.0) -> CommandStatus:
        raise self._refusal(id)

    async def stop(self, id: str) -> CommandStatus:
        raise self._refusal(id)

    def _refusal(self, what: str) -> ToolFailed:
        return ToolFailed(f"{what!r} was not run: {self._why}", advice="Go on without it, and say so at the end.")
