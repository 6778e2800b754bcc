"""One conversation: an inbox of turns that run one after another, and the journal they write.

A session's task lives while its inbox has something; a turn is a cancel scope inside it. State is derived from the
records. Faces submit and listen; they never run the loop.
"""

import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import replace

import anyio
from anyio import to_thread

from copydesk.agent.journal import TurnParts
from copydesk.agent.loop import LoopEnd
from copydesk.agent.prefix import Prefix
from copydesk.context.clearing import make_room
from copydesk.context.instructions import read_instructions
from copydesk.context.prompt import SYSTEM, task_message, title
from copydesk.domain.edits import Origin, PendingEdit
from copydesk.domain.errors import CopydeskError, kind_of
from copydesk.domain.events import (
    EditProposed,
    Event,
    MessageAdded,
    ModelChosen,
    Notice,
    Retried,
    ReviewUpdated,
    SessionStarted,
    Steered,
    TurnEnded,
    TurnStarted,
)
from copydesk.domain.messages import Message, Task, Text, Usage
from copydesk.domain.models import facts_of
from copydesk.domain.money import Cost
from copydesk.domain.ports import Model, Work
from copydesk.domain.review import Choice
from copydesk.services.closing import closing_words, note_for_model, still
from copydesk.services.images import refuse_where_unseen
from copydesk.services.landed import Landed, OnLanded
from copydesk.services.landing import Landing
from copydesk.services.metering import Bill
from copydesk.services.parts import SessionParts
from copydesk.services.reads import Reads
from copydesk.services.redacting import redacted
from copydesk.services.review import Reviews
from copydesk.services.shells import Shells
from copydesk.services.side_files import land
from copydesk.services.turns import PromptRequest, Turn, TurnOutcome
from copydesk.services.verify import Checks
from copydesk.services.work import CallWork
from copydesk.store.records import RecordWriter
from copydesk.store.state import SessionState, apply
from copydesk.workspace.pending import Pending

log = logging.getLogger("copydesk.session")

MAX_QUEUED = 16
MAX_STEERING = 64
MAX_NEWS = 64
"""Lines about decided edits that wait for the model's next step; the oldest go."""
SYNC_LIMIT_S = 10.0
"""How long the next turn waits for a slow disk to take the last one's records."""


class Session:
    """`state` is given for a session that an earlier server began."""

    def __init__(self, id: str, parts: SessionParts, writer: RecordWriter, state: SessionState | None = None) -> None:
        self.id = id
        self.state = state or SessionState()
        self.pending = Pending()
        self._reads = Reads()
        self._prefix = Prefix()
        self.current: Turn | None = None
        self.updated = parts.now()
        self.review_lock = anyio.Lock()
        self.awaits_review = state is not None
        self.on_landed: list[OnLanded] = [parts.landed]
        self.landing = Landing(parts.workspace, parts.editor, self._has_landed, limits=parts.landing_limits)
        self._parts = parts
        self._writer = writer
        self._inbox: deque[Turn] = deque()
        self._bill: Bill | None = None
        self._steering: deque[str] = deque()
        self._draining = False
        self._looping = False
        self._note = ""
        self._news: deque[str] = deque(maxlen=MAX_NEWS)
        self._shells = Shells(parts.shadow, self, parts.no_shell)
        self.checks = Checks(self, parts.workspace, parts.verifier, parts.no_shell, self.state)
        if state is None:
            self.emit(SessionStarted(id, parts.workspace.roots, parts.now(), parts.version))

    # --- the journal (agent.journal.Journal) ---

    @property
    def messages(self) -> tuple[Message, ...]:
        return self.state.messages

    @property
    def steering_waits(self) -> bool:
        return bool(self._steering)

    def take_steering(self) -> tuple[str, ...]:
        texts = tuple(self._steering)
        self._steering.clear()
        return texts

    def tell(self, line: str) -> None:
        """Something the model should know at its next step, such as what a person decided about its edits."""
        self._news.append(line)

    def take_news(self) -> str:
        lines = tuple(self._news)
        self._news.clear()
        return "\n".join(lines)

    def emit(self, event: Event) -> None:
        clean = redacted(event, self._parts.secrets)
        self.state = apply(self.state, clean)
        self._writer.write(clean)
        self.checks.note(clean)

    # --- the inbox ---

    @property
    def is_running(self) -> bool:
        return self.current is not None or bool(self._inbox)

    def turns(self) -> tuple[Turn, ...]:
        """The running turn and the queued ones, in order."""
        return (*((self.current,) if self.current else ()), *self._inbox)

    def steerable(self) -> Turn | None:
        """The turn whose next step can still take words: the one in its loop, else the one about to begin."""
        if self.current is None:
            return self._inbox[0] if self._inbox else None
        return self.current if self._looping and not self.current.scope.cancel_called else None

    def steer(self, turn: Turn, task: Task) -> Turn:
        """Gives the task's words to the turn's next step. Raises `CopydeskError` when too many wait."""
        if len(self._steering) >= MAX_STEERING:
            raise CopydeskError(
                f"{MAX_STEERING} messages already wait for the running turn.", advice="Let it take a step."
            )
        self._steering.append(task_message(task).text)
        return turn.joined()

    def submit(self, request: PromptRequest) -> Turn:
        """Queues a turn; the host then calls `drain` in its task group if none is draining."""
        if len(self._inbox) >= MAX_QUEUED:
            raise CopydeskError(f"{MAX_QUEUED} turns already wait in session {self.id!r}.", advice="Cancel some first.")
        turn = Turn(f"t-{secrets.token_hex(4)}", self.id, request)
        self._inbox.append(turn)
        return turn

    def cancel(self, turn: str | None = None) -> tuple[str, ...]:
        """Stops one turn or all: a running one soon, a queued one at once. Returns the ids."""
        hit = tuple(item for item in self.turns() if turn in (None, item.id))
        for item in hit:
            if item is self.current:
                item.cancel()
            else:
                self._inbox.remove(item)
                self._drop(item)
        self._shells.cancel(turn)
        return tuple(dict.fromkeys((*(item.id for item in hit), *self.checks.cancel(turn))))

    def _drop(self, turn: Turn) -> None:
        """Ends a turn that never began."""
        self.emit(TurnEnded(turn.id, "cancelled", "", Usage()))
        turn.finish(TurnOutcome(self.id, turn.id, "cancelled", "", ReviewUpdated(turn.id, "none")))

    def close(self) -> None:
        """Ends its commands and lets go of the transcript; the session takes no more turns."""
        self._shells.cancel()
        self.checks.close()
        self._writer.close()

    def beside(self, work: Callable[[], Awaitable[None]]) -> None:
        """Runs something of this session beside its turns; a defect in it must not end the others."""

        async def guarded() -> None:
            try:
                await work()
            except Exception:
                log.exception("what session %s does beside its turns failed", self.id)

        self._parts.start(guarded)

    async def drain(self) -> None:
        """Runs the queued turns one after another; returns when there are none."""
        if self._draining:
            return
        self._draining = True
        try:
            while self._inbox:
                self.current = self._inbox.popleft()
                self._looping = True
                await self._run(self.current)
                self.current = None
                with anyio.move_on_after(SYNC_LIMIT_S):
                    await to_thread.run_sync(self._writer.sync, abandon_on_cancel=True)
        finally:
            self.current = None
            self._draining = False

    # --- one turn ---

    async def _run(self, turn: Turn) -> None:
        end = LoopEnd("cancelled", "", Usage())
        review = ReviewUpdated(turn.id, "none")
        try:
            with turn.scope:
                try:
                    await self._parts.before_turn()
                    self._announce(turn)
                    end = await self._loop(turn)
                finally:
                    self._looping = False
                review = await self._settle(turn, end)
            if turn.scope.cancelled_caught:
                end = replace(end, stop_reason="cancelled")
                await self._shells.stop(turn.id)
        except anyio.get_cancelled_exc_class():  # the server ends
            end = replace(end, stop_reason="cancelled")
            raise
        except CopydeskError as error:
            end = LoopEnd("error", "", end.usage, str(error), error_type=kind_of(error))
        except Exception as error:  # one failing turn must not end the session
            log.exception("turn %s failed", turn.id)
            words = f"Copydesk failed: {type(error).__name__}: {error}. Please report this."
            end = LoopEnd("error", "", end.usage, words)
        finally:
            self._finish(turn, end, review)

    def _announce(self, turn: Turn) -> None:
        request = turn.request
        mode = request.mode or self._parts.mode()
        model = request.model or self._parts.model_name() or self._parts.settings().text("model.name")
        self.emit(TurnStarted(turn.id, request.task.verb, title(request.task), model, mode))
        if self._writer.problem:
            self.emit(Notice(turn.id, "warning", self._writer.problem))

    async def _loop(self, turn: Turn) -> LoopEnd:
        bill = self._bill = self._parts.meter.turn(self.id, turn.id, self.emit, self.state.cost, self.state.turns_usd)
        if turn.request.images:
            await self._learn_of_images(turn)
        model = await self._parts.models.resolve(
            turn.request.model or self._parts.model_name(),
            on_retry=lambda attempt, delay_s, why: self.emit(Retried(turn.id, attempt, delay_s, why)),
            on_switch=lambda name, why: self._switched(turn, name, why),
            session=self.id,
            turn=turn.id,
            around=lambda model: bill.around(self._prefix.watching(model, turn.id, self.emit)),
        )
        self.emit(ModelChosen(turn.id, model.name))
        refuse_where_unseen(turn.request.images, model.name, facts_of(model))
        instructions = await self._instructions(turn) if not self.state.messages else ""
        note = "\n".join(part for part in (self._note, self.take_news()) if part)
        shape = turn.request.shape
        answer = shape.told() if shape else ""
        message = task_message(turn.request.task, instructions=instructions, note=note, answer=answer)
        self._note = ""
        self.emit(MessageAdded(turn.id, replace(message, parts=(*message.parts, *turn.request.images))))
        with self._parts.model_notes.during(model.name, lambda note: self.emit(Notice(turn.id, "warning", note))):
            parts = self._turn_parts(turn, model)
            end = await self.checks.run(parts)
            return await shape.shaped(parts, end) if shape else end

    async def _learn_of_images(self, turn: Turn) -> None:
        """Has the server asked whether its model can see, before the model is made that goes by it."""
        model = await self._parts.models.resolve(turn.request.model or self._parts.model_name())
        await self._parts.learn(model.name)

    def _switched(self, turn: Turn, name: str, why: str) -> None:
        """Another model goes on with the turn."""
        self.emit(ModelChosen(turn.id, name))
        self.emit(Notice(turn.id, "warning", f"{name} goes on with this turn: {why}"))

    async def _instructions(self, turn: Turn) -> str:
        names = self._parts.settings().texts("context.instructionFiles")
        files = self._parts.workspace.snapshot()
        roots = self._parts.workspace.roots
        uri, hides = turn.request.task.uri, self._parts.secrets.hides
        return await to_thread.run_sync(read_instructions, files, roots, uri, names, hides)

    def _turn_parts(self, turn: Turn, model: Model) -> TurnParts:
        settings = self._parts.settings()
        request = turn.request
        return TurnParts(
            session=self.id,
            turn=turn.id,
            model=model,
            system=SYSTEM,
            tools=self._parts.tools,
            approver=self._parts.approver(lambda: request.mode or self._parts.mode(), request.task.verb),
            work=lambda call, tool: self._work(turn, call, tool),
            validate=self._parts.validate,
            journal=self,
            max_steps=settings.integer("budget.maxSteps"),
            max_output_tokens=settings.integer("model.maxOutputTokens") or None,
            secrets=self._parts.secrets,
            confined=self._parts.confined,
            make_room=make_room,
            prefix=self._prefix,
            thinking=settings.text("model.thinking"),  # pyright: ignore[reportArgumentType]  a checked choice
        )

    def _work(self, turn: Turn, call: str, tool: str) -> Work:
        return CallWork(
            self._parts.workspace,
            self.pending,
            self._parts.editor,
            Origin(self.id, turn.id, call, tool),
            lambda edit: self._proposed(turn, edit),
            self._parts.problems,
            self._reads,
            self._shells.of_call,
            self._parts.secrets,
        )

    def _proposed(self, turn: Turn, edit: PendingEdit) -> None:
        self.awaits_review = self.awaits_review or self.current is None  # a command in the background made it
        self.emit(EditProposed(turn.id, edit))
        self._parts.kept(self)  # a server that is killed now leaves a draft

    async def _settle(self, turn: Turn, end: LoopEnd) -> ReviewUpdated:
        if not self._parts.offers:
            return still(turn.id, self.pending, "pending")
        mode = self.checks.offer_mode(turn, self._parts.settings().text("review.mode"), self._parts.mode())
        if mode == "hunks" and self._parts.reviews is not None:
            return await self._await_review(turn, self._parts.reviews)
        async with self.review_lock:
            outcome = await self._land(turn, confirm=mode != "apply")
        self._note = note_for_model(outcome)
        if outcome.state != "none":
            self.emit(outcome)
        return outcome

    async def _land(self, turn: Turn, *, confirm: bool) -> ReviewUpdated:
        if confirm and self.pending.files():
            self.emit(still(turn.id, self.pending, "pending"))
        label = f"Copydesk: {redacted(title(turn.request.task), self._parts.secrets)}"
        review = await self.landing.offer(self.pending, turn.id, label, confirm=confirm)
        return await land(self._parts.sides, self, self._parts.editor, review, confirm=confirm)

    async def _await_review(self, turn: Turn, reviews: Reviews) -> ReviewUpdated:
        """Leaves the edits for the person to decide, hunk by hunk, whenever they like."""
        if self.pending.is_empty:
            return ReviewUpdated(turn.id, "none")
        self.awaits_review = True
        await reviews.refresh()
        review = still(turn.id, self.pending, "pending", reviews.hunks(Choice(session=self.id)))
        self.emit(review)
        return review

    def _has_landed(self, landed: Landed) -> None:
        for listener in tuple(self.on_landed):
            listener(landed)

    def _finish(self, turn: Turn, end: LoopEnd, review: ReviewUpdated) -> None:
        if self.state.turn != turn.id:
            self._announce(turn)  # stopped before it began
        if review.state == "none" and not self.pending.is_empty:
            review = still(turn.id, self.pending, "draft")
            self.emit(review)
        self.awaits_review = not self.pending.is_empty
        self._parts.kept(self)
        end = redacted(self.checks.closed(turn, end, review), self._parts.secrets)
        message = closing_words(end, review, self._parts.workspace.told, self._keep_steering(turn))
        bill, self._bill = self._bill, None
        usage, cost = (bill.usage, bill.cost) if bill else (end.usage, Cost())
        reason, rest = end.stop_reason, (cost, end.output, end.error_type)
        self.emit(TurnEnded(turn.id, reason, message, usage, review.state, end.error, *rest))
        self.updated = self._parts.now()
        evidence = redacted(self.checks.runs(turn.id), self._parts.secrets)
        turn.finish(TurnOutcome(self.id, turn.id, reason, message, review, usage, end.error, evidence, *rest))

    def _keep_steering(self, turn: Turn) -> tuple[str, ...]:
        """What no step took up any more joins the conversation, for the next turn to read."""
        texts = self.take_steering()
        for text in texts:
            self.emit(Steered(turn.id, text))
            self.emit(MessageAdded(turn.id, Message("user", (Text(text),))))
        return texts
