"""A session's evidence: its offers are checked before they are shown, and its words are held to what was recorded.

Owns when a turn's edits are judged, how often the model may try again, and whether what was judged is still the text
that stands there. What is run, and what it told, is `verifying`'s. Start with `Checks.run`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import anyio

from copydesk.agent.journal import TurnParts
from copydesk.agent.loop import LoopEnd, run_loop
from copydesk.domain.errors import CopydeskError, WorkspaceError
from copydesk.domain.events import Event, EvidenceUpdated, MessageAdded, Notice, ReviewDecided, ReviewUpdated
from copydesk.domain.evidence import CheckRun, Evidence
from copydesk.domain.messages import Message, Text
from copydesk.domain.permissions import Mode
from copydesk.services.turns import Turn
from copydesk.services.verifying.judged import GONE, Judged, files_of, is_document
from copydesk.services.verifying.recorded import Recorded
from copydesk.services.verifying.words import TURNED_OFF, entries, failures_message, summary
from copydesk.store.state import SessionState
from copydesk.workspace.pending import Pending
from copydesk.workspace.workspace import Workspace

MAX_TRIES = 2
"""How often the model gets new failures back before the offer is made with them."""

STEER_S = 0.1
"""How often it is looked whether the person has said something while checks run."""

QUIET_S = 0.3
"""How long after typing it is found out whether evidence is for another text."""

MAX_KEPT = 16

HELD = "Not applied, because it adds failures: it waits for your decision."
UNREADABLE = "the text cannot be laid out: {}"

CLAIMING = ("pass", "green", "test", "ran ", "run", "check", "clean", "error", "fail", "succe", "compil", "ev-", "sh-")
"""A message with none of these claims nothing."""


class Verifies(Protocol):
    """What is needed of `verifying.verifier.Verifier`, which is imported when there is something to check."""

    @property
    def wait_s(self) -> float: ...

    async def judge(self, judged: Judged, publish: Callable[[Evidence], None]) -> Evidence: ...


class Checked(Protocol):
    """A session, as its evidence sees it."""

    id: str
    pending: Pending

    @property
    def steering_waits(self) -> bool: ...

    def emit(self, event: Event) -> None: ...

    def tell(self, line: str) -> None: ...

    def beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs something beside the turns, as long as the host lives."""
        ...


class _Running:
    """The checks of one turn, which may go on after it: then `is_late`."""

    def __init__(self, turn: str) -> None:
        self.turn = turn
        self.scope = anyio.CancelScope()
        self.done = anyio.Event()
        self.evidence = Evidence(turn)
        self.is_late = False


class Checks:
    """Keep one for a session. `verifier` None: nothing can be run, for the reason `why`."""

    def __init__(
        self, session: Checked, workspace: Workspace, verifier: Verifies | None, why: str, state: SessionState
    ) -> None:
        self._session = session
        self._workspace = workspace
        self._verifier = verifier
        self._why = why
        self._judged: OrderedDict[str, Evidence] = OrderedDict()
        self._decided: set[str] = set()
        self._held: set[str] = set()
        self._running: _Running | None = None
        self._is_waiting = False
        self._recorded = Recorded(is_whole=not state.session)
        if state.evidence is not None:
            self._judged[state.evidence.turn] = state.evidence
        workspace.overlay.listeners.append(self._typed)

    def close(self) -> None:
        if self._typed in self._workspace.overlay.listeners:
            self._workspace.overlay.listeners.remove(self._typed)
        self.cancel()

    def of(self, turn: str) -> Evidence | None:
        return self._judged.get(turn)

    def runs(self, turn: str) -> tuple[CheckRun, ...]:
        """What is recorded for a turn's edits; one entry that says why where nothing was run."""
        evidence = self._judged.get(turn)
        return entries(evidence) if evidence else ()

    def offer_mode(self, turn: Turn, chosen: str, mode: Mode) -> str:
        """`review.mode` as set, else by mode: ask shows hunks, acceptEdits and auto apply. What adds failures is never
        applied unasked.
        """
        wanted = chosen or ("hunks" if (turn.request.mode or mode) in ("plan", "ask") else "apply")
        if wanted != "apply" or not self._is_bad(turn.id):
            return wanted
        self._held.add(turn.id)
        return "hunks"

    def _is_bad(self, turn: str) -> bool:
        evidence = self._judged.get(turn)
        return evidence is not None and evidence.state == "new_failures"

    # --- a turn ---

    async def run(self, parts: TurnParts) -> LoopEnd:
        """The turn's loop, then its checks; new failures go back to the model, a few times."""
        end = await run_loop(parts)
        n_left = MAX_TRIES
        while self._session.pending.files():
            known = self._judged.get(parts.turn)
            evidence = await self._judge(parts.turn)
            may_go_on = end.stop_reason == "end_turn" and end.n_steps < parts.max_steps
            if may_go_on and self._session.steering_waits:
                end = await run_loop(parts, after=end)
                continue
            is_news = known is None or known.files != evidence.files
            if evidence.state != "new_failures" or not may_go_on or not n_left or not is_news:
                break
            text = parts.secrets.redact(failures_message(evidence, n_left))
            parts.emit(MessageAdded(parts.turn, Message("user", (Text(text),))))
            n_left -= 1
            end = await run_loop(parts, after=end)
        return end

    async def _judge(self, turn: str) -> Evidence:
        """The evidence for what is pending now; after the wait limit, as far as it has come."""
        after = self._workspace.snapshot(self._session.pending)
        judged = Judged(self._session.id, turn, after, tuple(sorted(self._session.pending.touched())))
        if self._verifier is None:
            return self._publish(Evidence(turn, why=self._why))
        try:
            files = await anyio.to_thread.run_sync(files_of, after)
        except WorkspaceError as error:  # a file that is no text any more: landing says so too
            return self._publish(Evidence(turn, why=UNREADABLE.format(error.message)))
        if known := self._known(files):
            return known if known.turn == turn else self._publish(replace(known, turn=turn))
        self.cancel()
        running = _Running(turn)
        self._running = running
        verifier = self._verifier
        self._session.beside(lambda: self._work(verifier, judged, running))
        try:
            await self._wait(running, verifier.wait_s)
        except anyio.get_cancelled_exc_class():
            self.cancel()
            raise
        running.is_late = not running.done.is_set()
        return running.evidence

    def _known(self, files: tuple[tuple[str, str], ...]) -> Evidence | None:
        """What was found before of exactly this text."""
        done = ("passed", "known_failures", "new_failures")
        found = (each for each in reversed(self._judged.values()) if each.files == files and each.state in done)
        return next((each for each in found if not any(run.stale for run in each.runs)), None)

    async def _work(self, verifier: Verifies, judged: Judged, running: _Running) -> None:
        """Runs the checks, in a task of the host's."""

        def publish(evidence: Evidence) -> None:
            running.evidence = self._publish(evidence)

        try:
            with running.scope:
                try:
                    publish(await verifier.judge(judged, publish))
                except CopydeskError as error:
                    publish(Evidence(judged.turn, why=error.message))
                if running.is_late:
                    self._tell_late(running.evidence)
        finally:
            if self._running is running:
                self._running = None
            running.done.set()

    async def _wait(self, running: _Running, wait_s: float) -> None:
        """Until it is through, the limit, or words of the person's that the model should read first."""
        until_s = anyio.current_time() + wait_s
        while not running.done.is_set():
            left_s = until_s - anyio.current_time()
            if left_s <= 0:
                return
            if self._session.steering_waits:
                self.cancel()
                return
            with anyio.move_on_after(min(STEER_S, left_s)):
                await running.done.wait()

    def _tell_late(self, evidence: Evidence) -> None:
        words = summary(evidence)
        bad = evidence.state == "new_failures"
        self._session.emit(Notice(evidence.turn, "warning" if bad else "info", words))
        if bad:
            self._session.tell(f"The checks of your last edits ended after the turn. {words}")

    def _publish(self, evidence: Evidence) -> Evidence:
        self._judged[evidence.turn] = evidence
        self._judged.move_to_end(evidence.turn)
        while len(self._judged) > MAX_KEPT:
            self._judged.popitem(last=False)
        if evidence.why != TURNED_OFF:
            self._session.emit(EvidenceUpdated(evidence.turn, evidence))
        return evidence

    def cancel(self, turn: str | None = None) -> tuple[str, ...]:
        """Stops what runs for a turn, or for any. Returns the turn whose checks were stopped after its end."""
        running = self._running
        if running is None or turn not in (None, running.turn):
            return ()
        self._running = None
        running.scope.cancel()
        stopped = tuple(
            replace(run, state="not_checked", why="it was stopped before its end") if run.state == "running" else run
            for run in running.evidence.runs
        )
        if stopped != running.evidence.runs:
            running.evidence = self._publish(replace(running.evidence, runs=stopped))
        running.done.set()
        return (running.turn,) if running.is_late else ()

    # --- words ---

    def note(self, event: Event) -> None:
        """Hears every event of the session: what was run, what was changed since, what was decided."""
        self._recorded.note(event)
        if isinstance(event, ReviewDecided):
            self._decided.add(event.turn)
            self._look_again()

    def closed(self, turn: Turn, end: LoopEnd, review: ReviewUpdated) -> LoopEnd:
        """The end with words that claim no more than was recorded, and with the evidence of what is offered."""
        evidence = self._judged.get(turn.id)
        notes = self._corrections(end.message, evidence, turn.request.task.verb)
        if notes:
            self._session.tell("About your last message: " + " ".join(notes))
        is_offered = review.state not in ("none", "draft", "refused", "discarded")
        is_told = evidence is not None and evidence.why != TURNED_OFF
        if evidence is not None and is_told and (is_offered or evidence.state == "new_failures"):
            notes.append(summary(evidence))
        if turn.id in self._held:
            notes.append(HELD)
        gap = "\n\n" if "\n" in end.message.strip() else " "
        return replace(end, message=gap.join(part for part in (end.message.strip(), *notes) if part))

    def _corrections(self, message: str, evidence: Evidence | None, verb: str) -> list[str]:
        lowered = message.lower()
        if not any(word in lowered for word in CLAIMING):
            return []
        from copydesk.services.verifying.claims import corrected

        return corrected(message, self._recorded, evidence, verb)

    # --- another text ---

    def _typed(self, uri: str) -> None:
        del uri
        self._look_again()

    def _look_again(self) -> None:
        if self._judged and not self._is_waiting:
            self._is_waiting = True
            self._session.beside(self._look)

    async def _look(self) -> None:
        await anyio.sleep(QUIET_S)
        self._is_waiting = False
        for turn, evidence in list(self._judged.items()):
            if evidence.runs and evidence.files:
                is_stale = not await anyio.to_thread.run_sync(self._stands, turn, evidence)
                runs = tuple(replace(run, stale=is_stale) for run in evidence.runs)
                if runs != evidence.runs and self._judged.get(turn) is evidence:
                    self._publish_again(replace(evidence, runs=runs))

    def _publish_again(self, evidence: Evidence) -> None:
        self._judged[evidence.turn] = evidence
        if self._running is not None and self._running.turn == evidence.turn:
            self._running.evidence = evidence
        self._session.emit(EvidenceUpdated(evidence.turn, evidence))

    def _stands(self, turn: str, evidence: Evidence) -> bool:
        """Whether what was judged is what stands there: all of it accepted, or all of it still waiting."""
        if self._is_text(evidence, None):
            return True
        return turn not in self._decided and self._is_text(evidence, self._session.pending)

    def _is_text(self, evidence: Evidence, pending: Pending | None) -> bool:
        files = self._workspace.snapshot(pending)
        judged = dict(evidence.files)
        if any(uri not in judged and not is_document(uri) for uri in files.changed()):
            return False
        for uri, expected in evidence.files:
            try:
                found = files.read(uri).content_hash if files.exists(uri) else GONE
            except WorkspaceError:
                found = ""
            if found != expected:
                return False
        return True
