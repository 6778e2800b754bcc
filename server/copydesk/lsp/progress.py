"""A turn's progress as LSP shows it: one server-made token a turn, with title, step, percentage and Cancel.

Owns the tokens; it decides nothing about turns. Start with `Progress`. The token is the server's own because one
that comes with a request dies with its answer, and a command is answered before its turn has begun.
Every message has a percentage: VS Code drops a report without one once the first had one.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from copydesk.domain import events
from copydesk.domain.money import dollars
from copydesk.lsp.jobs import Spawn

if TYPE_CHECKING:
    from copydesk.lsp.client import Client

PREFIX = "copydesk/"
INTERVAL_S = 0.1
"""At most ten reports a second for each turn."""
BEAT_S = 5.0
"""A report is told again so often: Helix clears the line it shows it in at the next key, and drops some."""
MAX_TITLE = 80


@dataclass(slots=True)
class _Shown:
    turn: str
    title: str
    n_steps: int = 0
    max_steps: int = 1
    doing: str = ""
    call: str = ""
    cost: str = ""
    closing: str = ""
    changed: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)

    @property
    def percentage(self) -> int:
        return min(99, 100 * self.n_steps // max(self.max_steps, 1))

    @property
    def message(self) -> str:
        step = f"step {self.n_steps}{self.cost}" if self.n_steps else "starting"
        return f"{step}: {self.doing}" if self.doing else step


class Progress:
    def __init__(self, client: "Client", spawn: Spawn) -> None:
        self._client = client
        self._spawn = spawn
        self._shown: dict[str, _Shown] = {}

    def listen(self, session: str, seq: int, event: events.Event) -> None:
        """Takes one event of any session; never blocks."""
        if isinstance(event, events.TurnStarted):
            self._begin(event)
            return
        shown = None if isinstance(event, events.SessionStarted) else self._shown.get(event.turn)
        if shown is None:
            return
        match event:
            case events.StepStarted(step=step, max_steps=max_steps):
                shown.n_steps, shown.max_steps, shown.doing = step, max_steps, ""
                shown.changed.set()
            case events.ToolCallStarted(title=title):
                shown.doing = shown.call = title
                shown.changed.set()
            case events.ToolCallUpdated(status="in_progress", content=content) if content:
                shown.doing = f"{shown.call}: {last_line(content)}"
                shown.changed.set()
            case events.Retried(attempt=attempt, why=why):
                shown.doing = f"trying again ({attempt}): {why}"
                shown.changed.set()
            case events.Notice(level="warning", text=text):
                shown.doing = text
                shown.changed.set()
            case events.CostExpected(low_usd=float(low), high_usd=float(high)):
                shown.doing = f"{dollars(low)} to {dollars(high)} expected"
                shown.changed.set()
            case events.CostUpdated(turn_usd=usd) if usd:
                shown.cost = f" · {dollars(usd)}"
                shown.changed.set()
            case events.ReviewUpdated(state="pending"):
                shown.doing = "the edit waits for you"
                shown.changed.set()
            case events.TurnEnded():
                shown.closing = closing_line(event)
                shown.ended.set()
                shown.changed.set()
            case _:
                return

    def turn_of(self, token: object) -> str | None:
        """The turn whose progress has, or will have, this token."""
        return token.removeprefix(PREFIX) if isinstance(token, str) and token.startswith(PREFIX) else None

    def steps(self) -> dict[str, dict[str, Any]]:
        """The running turns for `copydesk.status`: title, step, step limit and what is being done."""
        return {
            turn: {"title": shown.title, "step": shown.n_steps, "maxSteps": shown.max_steps, "doing": shown.doing}
            for turn, shown in self._shown.items()
        }

    def _begin(self, event: events.TurnStarted) -> None:
        shown = _Shown(event.turn, progress_title(event.title))
        self._shown[event.turn] = shown
        self._spawn(lambda: self._show(shown))

    async def _show(self, shown: _Shown) -> None:
        try:
            if await self._client.create_progress(PREFIX + shown.turn):
                await self._stream(shown)
            else:
                await self._log(shown)
        finally:
            self._shown.pop(shown.turn, None)

    async def _stream(self, shown: _Shown) -> None:
        self._say(shown, kind="begin", title=shown.title, cancellable=True, message=shown.message, percentage=0)
        while not shown.ended.is_set():
            with anyio.move_on_after(BEAT_S):
                await shown.changed.wait()
            shown.changed = anyio.Event()
            if shown.ended.is_set():
                break
            self._say(shown, kind="report", cancellable=True, message=shown.message, percentage=shown.percentage)
            with anyio.move_on_after(INTERVAL_S):
                await shown.ended.wait()
        self._say(shown, kind="end", message=shown.closing)

    async def _log(self, shown: _Shown) -> None:
        self._client.log("info", f"{shown.title}: started")
        await shown.ended.wait()
        self._client.log("info", f"{shown.title}: {shown.closing}")

    def _say(self, shown: _Shown, **value: Any) -> None:
        self._client.notify("$/progress", {"token": PREFIX + shown.turn, "value": value})


def progress_title(title: str) -> str:
    """One line that starts with the program's name, since some editors show nothing else."""
    line = " ".join(title.removeprefix("Copydesk:").split()) or "working"
    short = line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"
    return f"Copydesk: {short}"


def closing_line(event: events.TurnEnded) -> str:
    """How it ended, and what it cost where it cost anything."""
    return _how_ended(event) + (f" · {dollars(event.cost.usd)}" if event.cost.usd else "")


def _how_ended(event: events.TurnEnded) -> str:
    match event.stop_reason:
        case "cancelled":
            return "cancelled"
        case "error":
            return f"failed: {first_line(event.error or event.message)}"
        case "max_steps":
            return "stopped at the step limit"
        case _:
            return first_line(event.message) or "done"


def last_line(text: str) -> str:
    """The newest line with words in it: where a command has got to."""
    line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1] + "…"


def first_line(text: str) -> str:
    """The first line with words in it, without Markdown's marks."""
    lines = (line.strip().lstrip("#>*- ").replace("`", "") for line in text.splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= 120 else line[:119] + "…"
