"""`copydesk run`: one task through the same core, the diff on stdout, words on stderr.

What a model or its server says is printed without escapes: it must not steer the terminal.
With a shape for the answer, its JSON object stands alone on stdout and all else on stderr.

Exit codes: 0 done, 1 error, 2 step limit reached, 130 interrupted.
"""

import json
import sys
from typing import TYPE_CHECKING, TextIO

from copydesk.cli.command_lines import CommandLines
from copydesk.domain.events import Event, EvidenceUpdated, Notice, ResultsCleared, Retried, StopReason
from copydesk.domain.messages import Image, Task
from copydesk.domain.permissions import Mode
from copydesk.services.host import Host
from copydesk.services.reporting import summary
from copydesk.services.session import Session
from copydesk.services.side_files import named
from copydesk.services.turns import PromptRequest, TurnOutcome
from copydesk.store.codec import encode
from copydesk.store.images import referred_to
from copydesk.store.records import Listener
from copydesk.text.diffs import unified
from copydesk.text.terminal import plain_lines
from copydesk.workspace.workspace import Workspace

if TYPE_CHECKING:
    from copydesk.agent.shaping import AnswerShape

EXIT_CODES: dict[StopReason, int] = {
    "end_turn": 0,
    "max_tokens": 1,
    "max_steps": 2,
    "refusal": 1,
    "cancelled": 130,
    "error": 1,
}


async def run_task(
    host: Host,
    workspace: Workspace,
    task: str,
    *,
    mode: Mode | None,
    as_json: bool,
    shape: "AnswerShape | None" = None,
    images: tuple[Image, ...] = (),
) -> int:
    """Runs the task to its end, prints, and returns the exit code."""
    shown = _json_lines if as_json else _progress
    host.subscribe(_until_closed(shown(sys.stdout if as_json else sys.stderr), host))
    outcome = await host.prompt(PromptRequest(Task("prompt", task), mode=mode, shape=shape, images=images)).wait()
    session = host.session(outcome.session)
    if not as_json:
        try:
            diff = pending_diff(session, workspace) if session else ""
            _print_output(outcome, diff) if shape else _print_outcome(outcome, diff)
        except OSError as error:  # a full disk, a reader that is gone
            print(f"copydesk: the answer cannot be printed: {error.strerror or error}.", file=sys.stderr)
            return EXIT_CODES["error"]
    return EXIT_CODES[outcome.stop_reason]


def _print_output(outcome: TurnOutcome, diff: str) -> None:
    """The answer alone on stdout; without one, what was said in its place and why it is not the answer."""
    if outcome.output is not None:
        text = json.dumps(dict(outcome.output), ensure_ascii=False)
        print(text if _prints(text) else json.dumps(dict(outcome.output)), flush=True)
    elif outcome.message:
        print(plain_lines(outcome.message), file=sys.stderr)
    if outcome.error:
        kind = f"{outcome.error_type}: " if outcome.error_type else ""
        print(plain_lines(f"copydesk: {kind}{outcome.error}"), file=sys.stderr)
    if diff:
        print(diff, end="" if diff.endswith("\n") else "\n", file=sys.stderr)


def _prints(text: str) -> bool:
    """Whether stdout has all of its letters."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _until_closed(show: Listener, host: Host) -> Listener:
    """`show`, until nobody reads any more; then the run is stopped."""
    closed = False

    def listen(session: str, seq: int, event: Event) -> None:
        nonlocal closed
        if closed:
            return
        try:
            show(session, seq, event)
        except OSError:
            closed = True
            host.cancel()

    return listen


def _json_lines(out: TextIO) -> Listener:
    def show(session: str, seq: int, event: Event) -> None:
        line = {"session": session, "seq": seq, "event": encode(referred_to(event))}
        print(json.dumps(line, separators=(",", ":")), file=out, flush=True)

    return show


def _progress(out: TextIO) -> Listener:
    commands = CommandLines()
    told: set[str] = set()

    def show(_session: str, _seq: int, event: Event) -> None:
        for line in (*commands.lines(event), *_begun(event, told), *_about_models(event)):
            print(plain_lines(line), file=out, flush=True)

    return show


def _begun(event: Event, told: set[str]) -> list[str]:
    """The checks that begin, each once."""
    runs = event.evidence.runs if isinstance(event, EvidenceUpdated) else ()
    fresh = [run for run in runs if run.state == "running" and run.id not in told]
    told.update(run.id for run in fresh)
    return [f"  Check {run.command}" for run in fresh]


def _about_models(event: Event) -> list[str]:
    """Why it takes so long, or another model answers."""
    match event:
        case Retried(attempt=attempt, delay_s=delay_s, why=why):
            return [f"  Try {attempt} failed; again in {delay_s:.1f} s: {why}"]
        case Notice(level="warning", text=text):
            return [f"  {text}"]
        case ResultsCleared(calls=calls):
            return [f"  Too long for the model: {len(calls)} old results gave way to notes of what they were."]
        case _:
            return []


def _print_outcome(outcome: TurnOutcome, diff: str) -> None:
    if outcome.message:  # words are the result of a run that proposes nothing, else they stand beside the diff
        print(plain_lines(outcome.message), file=sys.stderr if diff else sys.stdout)
    if outcome.error:
        print(plain_lines(f"copydesk: {outcome.error}"), file=sys.stderr)
    if line := summary(outcome.usage, outcome.cost):
        print(line, file=sys.stderr)
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
        path = workspace.display(uri)
        parts.append(unified(old or "", new or "", path, created=old is None, deleted=new is None))
    parts += [f"# {workspace.display(uri)}: {named(side)}\n" for uri, side in session.pending.side_files().items()]
    return "".join(parts)
