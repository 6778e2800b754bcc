"""A session's commands: those that a call waits for, those in the background, and what they wrote.

Every command runs over `domain.shadows.Shadow` on the text that its call saw. Background ones are tasks of the host:
they end by themselves, at their limit, when their turn is cancelled, or with the session. What one changes becomes
pending edits at its end. Start with `CallShell.run`.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio

from copydesk.domain.commands import PAGE_CHARS, Command, CommandState, CommandStatus, Harvest, NoShell, Shell
from copydesk.domain.errors import CopydeskError, ToolFailed
from copydesk.domain.events import Event, Notice, SideFilesProposed, ToolCallUpdated
from copydesk.domain.shadows import RunningCommand, Shadow
from copydesk.services.glimpses import Glimpses
from copydesk.services.harvesting import dropped, take
from copydesk.services.in_place import changed_below, stamps
from copydesk.services.outputs import CommandOutput
from copydesk.services.work import CallWork, Seen

MAX_BACKGROUND = 4
MAX_KEPT = 16
"""Commands whose output can still be read; the oldest that ended are let go."""
STOP_LIMIT_S = 5.0
EARLY_S = 0.3
"""How long the start of a background command is watched: what fails at once is said at once."""
MAX_TOLD = 10
MAX_WAIT_S = 600.0
FREE_BYTES = 8 * 1024 * 1024
PAUSE_S = 0.002
"""A command that has written more than `FREE_BYTES` waits this long at each piece: a flood must not hold us up."""


class Beside(Protocol):
    """The session, as its commands see it."""

    def emit(self, event: Event) -> None: ...

    def tell(self, line: str) -> None:
        """Something for the model's next step."""
        ...

    def beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs something beside the turns, as long as the host lives; its failing ends nothing else."""
        ...


@dataclass(slots=True)
class Ran:
    """One command. `given`: how much of its output the model has been given. `ended` is set once all is known."""

    id: str
    command: Command
    turn: str
    backend: str
    began_s: float
    output: CommandOutput = field(default_factory=CommandOutput)
    state: CommandState = "running"
    exit_code: int | None = None
    ended_s: float = 0.0
    given: int = 0
    n_waiting: int = 0
    stopping: bool = False
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failed: CopydeskError | None = None
    running: RunningCommand | None = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    started: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)

    def close(self) -> None:
        """However it came to its end: nothing of it runs any more."""
        if self.state == "running":
            self.state = "stopped"
        self.running = None
        self.output.end()
        self.ended_s = self.ended_s or anyio.current_time()
        self.started.set()
        self.ended.set()

    def status(self, start: int = 0) -> CommandStatus:
        duration_s = (self.ended_s or anyio.current_time()) - self.began_s
        text = self.output.text(start, start + PAGE_CHARS)
        n_chars = self.output.n_chars
        if self.state == "running" and start + len(text) >= n_chars and (rest := self.output.rest):
            text, n_chars = text + rest, n_chars + len(rest)
        return CommandStatus(
            self.id, self.command.text, self.state, self.exit_code, duration_s, text, start, n_chars, self.backend,
            self.changed, self.notes,
        )  # fmt: skip


class Shells:
    """The commands of one session, by id."""

    def __init__(self, shadow: Shadow | None, session: Beside, no_shell: str) -> None:
        """`no_shell` says why none can be run where there is no shadow."""
        self._shadow = shadow
        self._no_shell = no_shell
        self.session = session
        self._ran: dict[str, Ran] = {}
        self._n_begun = 0

    def of_call(self, work: CallWork) -> Shell:
        """What a tool call may do with them."""
        return CallShell(self, self._shadow, work) if self._shadow else NoShell(self._no_shell)

    def begin(self, command: Command, turn: str, backend: str) -> Ran:
        self._n_begun += 1
        ran = Ran(f"sh-{self._n_begun}", command, turn, backend, anyio.current_time())
        self._ran[ran.id] = ran
        ended = [id for id, each in self._ran.items() if each.ended.is_set()]
        for id in ended[: max(0, len(self._ran) - MAX_KEPT)]:
            del self._ran[id]
        return ran

    def find(self, id: str) -> Ran:
        if found := self._ran.get(id):
            return found
        known = ", ".join(self._ran) or "none"
        raise ToolFailed(
            f"There is no command {id!r}: old ones are let go, and all end with the session.",
            advice=f"There are: {known}.",
        )

    def running(self) -> list[Ran]:
        return [ran for ran in self._ran.values() if not ran.ended.is_set()]

    async def stop(self, turn: str) -> None:
        """Stops those that a turn began, and returns when nothing of them runs any more."""
        self.cancel(turn)
        with anyio.move_on_after(STOP_LIMIT_S):
            for ran in self.running():
                if ran.turn == turn:
                    await ran.ended.wait()

    def cancel(self, turn: str | None = None) -> None:
        """Stops those that a turn began, or all; what they changed is dropped."""
        for ran in self.running():
            if turn in (None, ran.turn):
                ran.scope.cancel()


class CallShell:
    """`domain.commands.Shell` for one tool call, which stands behind all that its commands change."""

    def __init__(self, shells: Shells, shadow: Shadow, work: CallWork) -> None:
        self._shells = shells
        self._shadow = shadow
        self._work = work
        self._turn = work.origin.turn

    # --- in the foreground ---

    async def run(self, command: Command) -> CommandStatus:
        ran = await self._begin(command)
        try:
            async with _alongside(Glimpses(ran.output, self._show).run):
                await self._live(ran)
        finally:
            ran.close()
        ran.given = ran.output.n_chars
        return ran.status()

    def _show(self, text: str) -> None:
        shown = self._work.secrets.redact(text)
        self._shells.session.emit(ToolCallUpdated(self._turn, self._work.origin.tool_call, "in_progress", shown))

    async def _begin(self, command: Command) -> Ran:
        report = await self._shadow.report()
        if report.refused:
            raise ToolFailed(f"{command.text!r} was not run: {report.refused}")
        if command.in_place and not report.is_working:
            raise ToolFailed(
                f"{command.text!r} was not run: no sandbox that works here ({report.backend}: {report.why}), and "
                "without one nothing runs on the real files.",
                advice="Run it without in_place, or ask the person to run it.",
            )
        return self._shells.begin(command, self._turn, report.backend)

    async def _live(self, ran: Ran) -> None:
        """From its start to what came of it."""
        seen = self._work.look()
        open_files = await stamps(self._work.open_files() if ran.command.in_place else ())
        async with self._shadow.run(ran.command, seen.files) as running:
            ran.running = running
            ran.started.set()
            await _follow(ran, running)
            harvest = await running.harvest()
        ran.notes += await changed_below(open_files, self._work.display)
        await self._keep(ran, seen, harvest)

    async def _keep(self, ran: Ran, seen: Seen, harvest: Harvest) -> None:
        if ran.state == "timed_out":
            ran.notes += dropped(self._work, harvest, "It was killed in the middle, so this is not kept:")
            return
        taken = await take(self._work, seen, harvest, ran.command.text)
        ran.changed, ran.notes = tuple(taken.changed), (*ran.notes, *taken.notes)
        if taken.side_files:
            self._shells.session.emit(SideFilesProposed(self._turn, taken.side_files))

    # --- in the background ---

    async def start(self, command: Command) -> CommandStatus:
        if len(others := self._shells.running()) >= MAX_BACKGROUND:
            listed = ", ".join(f"{ran.id} (`{ran.command.text[:40]}`)" for ran in others)
            why = f"{MAX_BACKGROUND} commands already run in the background: {listed}."
            raise ToolFailed(why, advice="Stop one with shell_stop.")
        ran = await self._begin(command)
        self._shells.session.beside(lambda: self._in_background(ran))
        await ran.started.wait()
        if ran.failed:
            raise ran.failed
        await self._wait(ran, EARLY_S)
        return self._newer(ran)

    async def _in_background(self, ran: Ran) -> None:
        try:
            with ran.scope:
                await self._live(ran)
        except CopydeskError as error:
            if ran.started.is_set():
                ran.notes += (str(error),)
            else:
                ran.failed = error
        finally:
            was_heard = ran.n_waiting > 0
            ran.close()
        if not was_heard and not ran.failed:
            self._shells.session.tell(_told(ran))
        if ran.changed:
            words = f"`{ran.command.text[:60]}` ended in the background ({ran.status().ending}) and changed {{}}."
            self._shells.session.emit(Notice(ran.turn, "info", words.format(", ".join(ran.changed[:5]))))

    async def output(self, id: str, *, offset: int | None = None, wait_s: float = 0.0) -> CommandStatus:
        ran = self._shells.find(id)
        await self._wait(ran, min(wait_s, MAX_WAIT_S))
        return self._newer(ran) if offset is None else ran.status(max(0, min(offset, ran.output.n_chars)))

    async def stop(self, id: str) -> CommandStatus:
        ran = self._shells.find(id)
        if ran.running and not ran.ended.is_set():
            ran.stopping = True
            await ran.running.kill()
            await self._wait(ran, STOP_LIMIT_S)
        return self._newer(ran)

    async def _wait(self, ran: Ran, limit_s: float) -> None:
        ran.n_waiting += 1
        try:
            with anyio.move_on_after(limit_s):
                await ran.ended.wait()
        finally:
            ran.n_waiting -= 1

    def _newer(self, ran: Ran) -> CommandStatus:
        start, ran.given = ran.given, ran.output.n_chars
        return ran.status(start)


async def _follow(ran: Ran, running: RunningCommand) -> None:
    """Takes what it writes, until it ends, is stopped, or its time is over."""
    with anyio.move_on_after(ran.command.timeout_s) as limit:
        async for piece in running.output():
            ran.output.feed(piece)
            if ran.output.n_bytes > FREE_BYTES:
                with anyio.CancelScope(shield=True):  # a generator must not be left in its middle
                    await anyio.sleep(PAUSE_S)
        ran.exit_code = await running.wait()
    if limit.cancelled_caught:
        await running.kill()
    ran.state = "timed_out" if limit.cancelled_caught else "stopped" if ran.stopping else "exited"
    ran.ended_s = anyio.current_time()


@asynccontextmanager
async def _alongside(work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncGenerator[None]:
    """Runs `work` as long as the block. An error of the block comes out as itself, and not in the group of a task."""
    failed: CopydeskError | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        try:
            yield
        except CopydeskError as error:
            failed = error
        tasks.cancel_scope.cancel()
    if failed:
        raise failed


def _told(ran: Ran) -> str:
    """One line for the model about a command that ended while it did something else."""
    parts = [f"Background command {ran.id} (`{ran.command.text[:80]}`): {ran.status().ending}."]
    if ran.scope.cancel_called:
        parts = [f"Background command {ran.id} (`{ran.command.text[:80]}`) was stopped when its turn was cancelled."]
    if ran.changed:
        shown = ", ".join(ran.changed[:MAX_TOLD]) + (" …" if len(ran.changed) > MAX_TOLD else "")
        parts.append(f"Pending edits now: {shown}.")
    if ran.output.n_chars > ran.given:
        parts.append("shell_output has what it wrote.")
    return " ".join((*parts, *ran.notes))
