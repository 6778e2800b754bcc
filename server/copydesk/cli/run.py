"""`copydesk run`: one task through the same core, the diff on stdout, words on stderr.

Exit codes: 0 done, 1 error, 2 step limit reached, 130 interrupted.
"""

import json
import sys
from collections.abc import Callable
from typing import TextIO

from copydesk.domain.events import Event, StopReason, ToolCallStarted
from copydesk.domain.messages import Task
from copydesk.domain.permissions import Mode
from copydesk.services.host import Host
from copydesk.services.session import Session
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.store.codec import encode
from copydesk.text.diffs import unified
from copydesk.workspace.workspace import Workspace

EXIT_CODES: dict[StopReason, int] = {
    "end_turn": 0,
    "max_tokens": 1,
    "max_steps": 2,
    "refusal": 1,
    "cancelled": 130,
    "error": 1,
}


async def run_task(host: Host, workspace: Workspace, task: str, *, mode: Mode | None, as_json: bool) -> int:
    """Runs the task to its end, prints, and returns the exit code."""
    host.subscribe(_json_lines(sys.stdout) if as_json else _progress(sys.stderr))
    turn = host.prompt(PromptRequest(Task("prompt", task), mode=mode))
    outcome = await turn.wait()
    session = host.session(turn.session)
    if not as_json:
        _print_outcome(outcome, pending_diff(session, workspace) if session else "")
    return EXIT_CODES[outcome.stop_reason]


def _json_lines(out: TextIO) -> Callable[[str, int, Event], None]:
    def show(session: str, seq: int, event: Event) -> None:
        line = {"session": session, "seq": seq, "event": encode(event)}
        print(json.dumps(line, separators=(",", ":")), file=out, flush=True)

    return show


def _progress(out: TextIO) -> Callable[[str, int, Event], None]:
    def show(_session: str, _seq: int, event: Event) -> None:
        if isinstance(event, ToolCallStarted):
            print(f"  {event.title}", file=out, flush=True)

    return show


def _print_outcome(outcome: TurnOutcome, diff: str) -> None:
    if outcome.message:
        print(outcome.message, file=sys.stderr)
    if outcome.error:
        print(f"copydesk: {outcome.error}", file=sys.stderr)
    if diff:
        print(diff, end="" if diff.endswith("\n") else "\n")


def pending_diff(session: Session, workspace: Workspace) -> str:
    """What the session proposes and nobody has decided, as one unified diff."""
    base = workspace.snapshot()
    view = session.pending.view(base)
    parts: list[str] = []
    for uri, file in session.pending.files().items():
        source = file.moved_from or uri
        old = base.read(source).text if base.exists(source) else None
        new = view.read(uri).text if view.exists(uri) else None
        parts.append(unified(old or "", new or "", workspace.display(uri)))
    return "".join(parts)
