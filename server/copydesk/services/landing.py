"""Landing what a turn proposed: plan on the text as it is now, send one workspace edit, prove it by what comes back.

A client's `applied` is never believed (`proving`). An edit waits for a pause in typing; one that newer typing made
stale is planned again, whole at first, then file by file. What truly conflicts with it is held back and said.
What was sent and is not explained yet is remembered, so that a late arrival is not sent twice. Start with `offer`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
from anyio import to_thread

from copydesk.domain.events import FileReview, ReviewState, ReviewUpdated
from copydesk.domain.ports import ApplyReply, Editor, Question
from copydesk.services.landed import Landed, OnLanded
from copydesk.services.planning import PlannedFile, Unplanned, by_lines, change_of, held_left, misread_note, plan_of
from copydesk.services.proving import Found, InThread, LandingLimits, Proving, Reply, Sent
from copydesk.workspace.overlay import NEVER_S
from copydesk.workspace.pending import Pending, PendingFile
from copydesk.workspace.workspace import Workspace

__all__ = ["InFlight", "Landing", "LandingLimits", "in_thread", "overall"]

SHOW_AGAIN = "Show again"
MAX_REMEMBERED = 16
LATE = Reply(ApplyReply(applied=True), 0.0)
"""How an edit is judged that was sent in an earlier try or offer."""


@dataclass(slots=True)
class _Offer:
    """One call of `offer`: what is known of each file so far. `final` ones are not sent again."""

    pending: Pending
    turn: str
    label: str
    files: dict[str, FileReview] = field(default_factory=dict[str, FileReview])
    final: set[str] = field(default_factory=set[str])

    def put(self, uri: str, state: ReviewState, note: str = "", *, n_hunks: int = 0) -> None:
        self.files[uri] = FileReview(uri, state, n_hunks, note)

    def finish(self, review: FileReview) -> None:
        """Nothing more is sent for the file; what is decided leaves the pending edits."""
        self.files[review.uri] = review
        self.final.add(review.uri)
        if review.state in ("applied", "unconfirmed", "discarded"):
            self.pending.discard(review.uri)


T = TypeVar("T")


async def in_thread(work: Callable[[], T], /) -> T:
    return await to_thread.run_sync(work)


class InFlight:
    """Edits that were sent and have neither landed nor been decided: a client may still apply them.

    Share one among the landings of a session, or a late arrival is not known from typing.
    """

    def __init__(self) -> None:
        self._sent: dict[str, list[Sent]] = {}

    def add(self, sent: Sent) -> Sent:
        self._sent.setdefault(sent.file.uri, []).append(sent)
        return sent

    def tidy(self) -> None:
        """Lets go of the oldest. Not while any of them is being proven."""
        while len(self._sent) > MAX_REMEMBERED:
            self.forget(next(iter(self._sent)))

    def forget(self, uri: str) -> None:
        for sent in self._sent.pop(uri, ()):
            sent.trail.let_go()

    def of(self, file: PendingFile) -> list[Sent]:
        """Those of the same proposal: the change of a file's text, on whatever text it stands by now."""
        sends = self._sent.get(file.uri, ()) if file.kind == "change" else ()
        return [sent for sent in sends if _proposal(sent.file.proposed) == _proposal(file)]


class Landing:
    """Keep one for a session. `on_landed` is told of each file that is proven, or unconfirmed, in time."""

    def __init__(
        self,
        workspace: Workspace,
        editor: Editor,
        on_landed: OnLanded | None = None,
        *,
        in_flight: "InFlight | None" = None,
        limits: LandingLimits | None = None,
        in_thread: InThread = in_thread,
    ) -> None:
        self._workspace = workspace
        self._editor = editor
        self._on_landed = on_landed
        self._in_flight = in_flight if in_flight is not None else InFlight()
        self._limits = limits or LandingLimits()
        self._in_thread = in_thread
        self._proving = Proving(workspace, self._limits, in_thread)

    async def offer(self, pending: Pending, turn: str, label: str, *, confirm: bool) -> ReviewUpdated:
        """Lands everything in `pending`, or says of each file why not. What has landed leaves `pending`."""
        offer = _Offer(pending, turn, label)
        self._in_flight.tidy()
        for attempt in range(1, self._limits.max_tries + 1):
            # Who is typed against once gets a longer pause: Neovim tells of its keys every 150 ms.
            plan = await self._planned(offer, quiet_s=attempt * self._limits.quiet_s)
            if not plan:
                break
            again, confirm = await self._try(offer, plan, confirm=confirm)
            if not again:
                break
        else:
            if not confirm:
                await self._one_by_one(offer)
        for uri, file in offer.pending.files().items():
            if uri not in offer.files and not file.is_only_held:
                offer.put(uri, "draft", "newer typing came in between")
        return ReviewUpdated(turn, overall(offer.files.values()), tuple(offer.files.values()))

    async def _one_by_one(self, offer: _Offer) -> None:
        """Each file by itself, once: one that is typed in all the time does not keep back the others."""
        for uri in list(offer.pending.files()):
            plan = await self._planned(offer, quiet_s=self._limits.quiet_s, only=uri)
            if plan:
                await self._try(offer, plan, confirm=False)

    # --- planning ---

    async def _planned(self, offer: _Offer, *, quiet_s: float, only: str = "") -> list[PlannedFile]:
        """What can be sent, planned on the text that is there in a pause of typing."""
        until_s = self._workspace.overlay.clock() + self._limits.patience_s
        while True:
            await self._pause(offer.pending, quiet_s, until_s, only)
            self._look_back(offer)
            base = self._workspace.snapshot()

            def skipped(uri: str) -> bool:
                return uri in offer.final or (bool(only) and uri != only)

            found = await self._in_thread(lambda: plan_of(offer.pending, base, skipped))  # noqa: B023  awaited here
            plan = self._sorted_out(offer, found)
            if not self._has_moved(plan) or self._workspace.overlay.clock() >= until_s:
                return plan

    def _sorted_out(self, offer: _Offer, found: Iterable[PlannedFile | Unplanned]) -> list[PlannedFile]:
        plan: list[PlannedFile] = []
        for file in found:
            if isinstance(file, PlannedFile):
                if why := self._workspace.leads_out(file.uri) or self._misread(file):
                    offer.put(file.uri, "draft", why)
                else:
                    plan.append(file)
                continue
            offer.put(file.uri, "applied" if file.done else "draft", file.note)
            if file.done:
                offer.pending.discard(file.uri)
        return plan

    def _misread(self, file: PlannedFile) -> str:
        return "" if getattr(self._editor, "keeps_bytes", False) else misread_note(file)

    async def _pause(self, pending: Pending, quiet_s: float, until_s: float, only: str) -> None:
        """Returns when nobody has typed in the files for a moment, or at `until_s`; at once where nobody types."""
        overlay = self._workspace.overlay
        while True:
            files = [file for uri, file in pending.files().items() if only in ("", uri)]
            documents = [document for file in files if (document := overlay.get(file.base_uri))]
            typed_s = max((document.typed_s for document in documents), default=NEVER_S)
            left_s = min(typed_s + quiet_s, until_s) - overlay.clock()
            if left_s <= 0:
                return
            await anyio.sleep(left_s)

    def _has_moved(self, plan: Iterable[PlannedFile]) -> bool:
        overlay = self._workspace.overlay
        return any((now := overlay.get(file.file.base_uri)) and now.typed_s != _typed_s(file) for file in plan)

    def _look_back(self, offer: _Offer) -> None:
        """Edits that were sent before and have arrived since are not planned again."""
        for uri, file in list(offer.pending.files().items()):
            for sent in () if uri in offer.final else self._in_flight.of(file):
                explanation = sent.explained()
                if explanation.kind == "absent" or sent.trail.document is None:
                    continue
                review, landed = self._proving.judged(sent, LATE, explanation)
                if review is not None:
                    self._conclude(offer, sent, review, landed)
                    break

    # --- sending ---

    async def _try(self, offer: _Offer, plan: Sequence[PlannedFile], *, confirm: bool) -> tuple[bool, bool]:
        """One send and its proof: whether to send what is stale again, and whether to ask for that."""
        if confirm:
            plan = await self._in_thread(lambda: [by_lines(file) for file in plan])
        sends = [self._in_flight.add(Sent(self._workspace, file, offer.turn)) for file in plan]
        sent_s = anyio.current_time()
        reply = await self._editor.apply(change_of(plan, offer.label), confirm=confirm)
        now_s = anyio.current_time()
        if reply.consent is False:
            self._discard(offer, sends, reply.reason)
            return False, confirm
        asked = confirm and reply.consent is None
        again = await self._take(offer, sends, Reply(reply, now_s, asked))
        is_unclear = asked and now_s - sent_s >= self._limits.read_s
        if again and is_unclear and not await self._wants_it_again(offer, sends):
            return False, confirm
        # A yes holds for the same edit on newer text. Without one the person is asked again.
        return again, confirm and not reply.consent

    async def _take(self, offer: _Offer, sends: Sequence[Sent], reply: Reply) -> bool:
        """The proof of one send. True when some file should be planned and sent again."""
        found = await self._proven(sends, reply)
        reviews = [review for _, review, _ in found]
        if reply.asked and reply.reply.answered and _declined(reviews):
            self._discard(offer, sends, reply.reply.reason)
            return False
        stale = any(review is None for review in reviews)
        doubts = reply.asked and reply.reply.applied and not stale and _chose(found)
        for sent, review, landed in found:
            if review is None:
                offer.put(sent.file.uri, "draft", "newer typing came in between")
            elif doubts and review.state in ("refused", "unconfirmed"):
                self._conclude(offer, sent, self._doubted(sent.file, review), None)
            elif review.state == "refused" and stale and not reply.reply.applied:
                offer.files[sent.file.uri] = review  # it may have been refused for the stale one
            else:
                self._conclude(offer, sent, review, landed)
        return stale

    async def _proven(self, sends: Sequence[Sent], reply: Reply) -> list[tuple[Sent, FileReview | None, Landed | None]]:
        """The proofs, side by side: each may wait for its document."""
        found: dict[str, Found] = {}

        async def prove(sent: Sent) -> None:
            found[sent.file.uri] = await self._proving.prove(sent, reply, sends)

        async with anyio.create_task_group() as group:
            for sent in sends:
                group.start_soon(prove, sent)
        return [(sent, *found[sent.file.uri]) for sent in sends]

    def _conclude(self, offer: _Offer, sent: Sent, review: FileReview, landed: Landed | None) -> None:
        if landed is not None and self._on_landed is not None:
            self._on_landed(landed)
        offer.finish(review)
        if review.state == "applied" and landed is not None and (left := held_left(sent.file, landed)):
            offer.pending.put(left)
        if review.state in ("applied", "unconfirmed", "discarded"):
            self._in_flight.forget(sent.file.uri)

    # --- what the person chose ---

    async def _wants_it_again(self, offer: _Offer, sends: Sequence[Sent]) -> bool:
        """Asks in a few words, since a preview of text that was typed in answers Apply and Discard alike: not applied.

        VS Code refuses to apply what it shows once its document has changed, and versions tell no more than that.
        """
        left = [sent for sent in sends if sent.file.uri in offer.pending.files()]
        names = ", ".join(self._workspace.display(sent.file.uri) for sent in left)
        text = f"Copydesk: nothing of {names} was changed: no place was ticked, or the text changed while it was shown."
        choice = await self._editor.ask(Question(f"{text} Show it again?", (SHOW_AGAIN, "Discard")))
        if choice == "Discard":
            self._discard(offer, left, "")
        return choice == SHOW_AGAIN

    def _discard(self, offer: _Offer, sends: Iterable[Sent], reason: str) -> None:
        for sent in sends:
            self._workspace.overlay.predict(sent.file.uri, None)
            review = FileReview(sent.file.uri, "discarded", sent.file.n_hunks, reason)
            self._conclude(offer, sent, review, None)

    def _doubted(self, file: PlannedFile, review: FileReview) -> FileReview:
        """The person took some places only: what is not open is then not believed."""
        if review.state == "refused":
            return FileReview(file.uri, "discarded", review.n_hunks, "left as it was, as you chose")
        self._workspace.overlay.predict(file.uri, None)
        word = "made" if file.kind == "create" else "changed"
        return FileReview(file.uri, "unconfirmed", review.n_hunks, f"{word} only if you chose it; it is not open here")


def _chose(found: Iterable[tuple[Sent, FileReview | None, Landed | None]]) -> bool:
    """Whether the person took some places of a preview and left others."""
    reviews = [(sent.file, review) for sent, review, _ in found if review is not None]
    return any(
        review.state == "refused" or (review.state == "applied" and review.n_hunks < file.n_hunks)
        for file, review in reviews
    )


def _declined(reviews: Iterable[FileReview | None]) -> bool:
    """Whether a confirmed edit was turned down: some file stayed as it was, and none changed.

    Neovim 0.12 says `applied` after the person said no. What is not open there proves nothing either way.
    """
    states = {review.state if review else "stale" for review in reviews}
    return "refused" in states and states <= {"refused", "unconfirmed"}


def _proposal(file: PendingFile) -> tuple[str, list[tuple[int, str]]]:
    """What tells a proposal from another of the same file, on whatever text it stands."""
    return file.part, [(edit.end - edit.start, edit.text) for edit in file.edits]


def _typed_s(file: PlannedFile) -> float | None:
    return file.document.typed_s if file.document else None


def overall(files: Iterable[FileReview]) -> ReviewState:
    """One word for the whole edit: the files' own when they agree, else `partial`."""
    states: set[ReviewState] = {file.state for file in files}
    if not states:
        return "none"
    return states.pop() if len(states) == 1 else "partial"
