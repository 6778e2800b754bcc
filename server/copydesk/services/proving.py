"""Proving one file's part of an edit that was sent: wait until the text that comes back says what became of it.

A client's `applied` says how long to wait and what to suspect, never what happened. An open document is proven by
its changes, another by being opened, else by the disk, else it is unconfirmed. Start with `Proving.prove`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, TypeVar

import anyio

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.events import FileReview, ReviewState
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import ApplyReply
from copydesk.services.landed import Landed
from copydesk.services.planning import PlannedFile, held_note
from copydesk.services.trails import Trail
from copydesk.text.diffs import diff
from copydesk.text.edits import compose
from copydesk.text.hashing import content_hash
from copydesk.text.proofs import Explanation, Rewritten, explain
from copydesk.workspace.workspace import Workspace

T = TypeVar("T")

LOOK_S = 0.1
"""How often something is looked at that no event tells of: the disk, other documents."""


@frozen
class LandingLimits:
    """Seconds and counts. `quiet_s`: an edit waits until nobody has typed for so long, `patience_s` at most.

    `sync_s`: how long a document may stay silent after the client said it applied the edit, `silent_factor` times as
    long where its editor tells nothing until the person stops typing (Emacs); `settle_s`: how long to look on once
    it is not silent. `refused_s`, `refused_silent_s`: the same after the client said that it did not. `open_s`: how
    long a document that was not open may take to be opened or to change on disk. `read_s`: a reply that comes
    sooner was not given by a person who looked at a preview.
    """

    quiet_s: float = 0.15
    patience_s: float = 3.0
    max_tries: int = 5
    sync_s: float = 3.0
    silent_factor: int = 4
    settle_s: float = 0.5
    refused_s: float = 0.3
    refused_silent_s: float = 1.0
    open_s: float = 1.5
    read_s: float = 0.7


@frozen
class Reply:
    """What the client said, and when (monotonic seconds). `asked`: its own preview asked the person."""

    reply: ApplyReply
    at_s: float
    asked: bool = False

    @property
    def is_manual(self) -> bool:
        """The editor shows the edit, for the person to apply or not (Emacs)."""
        return not self.reply.applied and "manual" in self.reply.reason.lower()

    @property
    def is_outdated(self) -> bool:
        """The client says that it has a newer version, which it will tell of when its person stops typing (Emacs)."""
        return not self.reply.applied and any(word in self.reply.reason.lower() for word in _OUTDATED)


class Sent:
    """One file's part of an edit that is on its way, and the trail of its document since."""

    def __init__(self, workspace: Workspace, file: PlannedFile, turn: str) -> None:
        self.file = file
        self.turn = turn
        self.trail = Trail(workspace.overlay, file.uri, file.text, None if file.kind == "move" else file.document)
        self.disk_hash = ""

    def explained(self, *, claimed: bool = True) -> Explanation:
        # Neovim opens a new file with the line end that an empty buffer has, then writes before it: nobody's typing.
        if self.file.kind == "create" and self.trail.document is not None and self.trail.text == self.file.after:
            return Explanation("applied", ours=self.file.edits)
        return explain(self.file.text, self.file.edits, self.trail.changes(), self.trail.text, claimed=claimed)


class InThread(Protocol):
    """Runs blocking work off the loop; the interleavings in virtual time run it at once."""

    async def __call__(self, work: Callable[[], T], /) -> T: ...


Found: TypeAlias = tuple[FileReview | None, Landed | None]
"""What became of one file: None where only newer typing came; and what has landed of it."""


class Proving:
    def __init__(self, workspace: Workspace, limits: LandingLimits, in_thread: InThread) -> None:
        self._workspace = workspace
        self._limits = limits
        self._in_thread = in_thread

    async def prove(self, sent: Sent, reply: Reply, together: Sequence[Sent] = ()) -> Found:
        """`together`: all that was sent with it; what is new in another may be what the client refused it for."""
        file = sent.file
        if file.uri in reply.reply.skipped:
            return self._review(file, "refused", reply.reply.skipped_why), None
        if file.kind == "delete":
            return await self._deleted(sent, reply)
        if file.kind == "create" and reply.reply.applied:
            # Neovim makes a buffer and no folder, and then cannot save it.
            await self._in_thread(lambda: self._workspace.disk.make_folder_for(file.uri))
        if sent.trail.was_opened and file.kind != "move":
            return await self._open(sent, reply, together)
        return await self._unopened(sent, reply)

    # --- open documents ---

    async def _open(self, sent: Sent, reply: Reply, together: Sequence[Sent]) -> Found:
        explanation = await self._settled(sent, reply, together)
        if sent.trail.document is None:
            return await self._closed(sent, reply)
        return self.judged(sent, reply, explanation)

    async def _settled(self, sent: Sent, reply: Reply, together: Sequence[Sent]) -> Explanation:
        """The explanation once it is final, or no more is to be expected."""
        moved_at_s: float | None = None
        while True:
            explanation = sent.explained(claimed=reply.reply.applied)
            if explanation.kind in ("applied", "undone") or sent.trail.document is None:
                return explanation
            now_s = anyio.current_time()
            if moved_at_s is None and sent.trail.changes():
                moved_at_s = now_s
            waits_for_news = reply.is_outdated and not any(other.trail.has_moved for other in together)
            left_s = self._deadline_s(reply, moved_at_s, waits_for_news=waits_for_news) - now_s
            if left_s <= 0:
                return explanation
            left_s = min(left_s, LOOK_S) if waits_for_news else left_s
            await self._workspace.overlay.wait_change(sent.trail.uri, sent.trail.document, left_s)

    def _deadline_s(self, reply: Reply, moved_at_s: float | None, *, waits_for_news: bool) -> float:
        limits = self._limits
        if not reply.reply.answered:
            return reply.at_s + limits.refused_s
        if not reply.reply.applied and not (waits_for_news and moved_at_s is None):
            return reply.at_s + (limits.refused_silent_s if moved_at_s is None else limits.refused_s)
        if moved_at_s is None:
            return reply.at_s + limits.sync_s * (1 if reply.asked else limits.silent_factor)
        return max(reply.at_s, moved_at_s) + limits.settle_s

    def judged(self, sent: Sent, reply: Reply, explanation: Explanation) -> Found:
        file = sent.file
        match explanation.kind:
            case "applied":
                return self._applied(sent, explanation)
            case "undone":
                note = "it was applied, and taken back in the editor"
                return FileReview(file.uri, "discarded", file.n_hunks, note), None
            case "partial":
                return self._partial(sent, reply, explanation)
            case "unknown":
                return self._review(
                    file, "partial", f"{explanation.why or _UNEXPLAINED}; nothing more was touched"
                ), None
            case "absent":
                pass
        is_same = sent.trail.text == file.text
        if is_same or reply.is_manual or not reply.reply.answered:
            return self._not_applied(file, reply), None
        return None, None

    def _applied(self, sent: Sent, explanation: Explanation) -> Found:
        landed = _landed(sent, explanation)
        document = sent.trail.document
        if document and sent.file.document and not explanation.typed_before and not explanation.typed_after:
            self._workspace.overlay.was_ours(document, sent.file.document.typed_s)
        saved = self._on_disk(sent.file.uri) == sent.trail.text
        file = sent.file
        return FileReview(file.uri, "applied", file.n_hunks, held_note(file.n_held), saved), landed

    def _partial(self, sent: Sent, reply: Reply, explanation: Explanation) -> Found:
        file, n = sent.file, explanation.n_landed
        of_all = f"{n} of {file.n_hunks} places"
        saved = self._on_disk(file.uri) == sent.trail.text
        if reply.asked:
            return FileReview(file.uri, "applied", n, f"{of_all}, as you chose", saved), _landed(sent, explanation)
        note = f"the editor changed only {of_all}; the rest is kept as a draft, nothing more was touched"
        return FileReview(file.uri, "partial", n, note, saved), _landed(sent, explanation)

    async def _closed(self, sent: Sent, reply: Reply) -> Found:
        """It was open and is not any more: what stands on disk is what remains of it."""
        file, text = sent.file, self._on_disk(sent.file.uri)
        if text is None:
            return self._review(file, "draft", "the file was closed and is not there any more"), None
        last = (Rewritten(diff(sent.trail.text, text)),) if sent.trail.text != text else ()
        explanation = explain(file.text, file.edits, (*sent.trail.changes(), *last), text)
        if explanation.kind == "applied":
            review = FileReview(file.uri, "applied", file.n_hunks, held_note(file.n_held), saved=True)
            return review, _landed(sent, explanation, text)
        if sent.explained().kind == "applied":
            note = "it was applied, and the document closed without saving"
            return FileReview(file.uri, "discarded", file.n_hunks, note), None
        if explanation.kind == "absent" and (reply.is_manual or reply.asked or not reply.reply.answered):
            return self._not_applied(file, reply), None  # VS Code opens what it previews, and closes what was not taken
        if explanation.kind == "absent":
            note = "the document was closed before the edit came"
            return (None, None) if not reply.reply.applied else (self._review(file, "draft", note), None)
        return self._review(file, "partial", f"{explanation.why or _UNEXPLAINED}; nothing more was touched"), None

    # --- documents that were not open ---

    async def _unopened(self, sent: Sent, reply: Reply) -> Found:
        file = sent.file
        limit_s = self._limits.open_s if reply.reply.applied else self._limits.refused_s
        found = await self._until(sent, lambda: self._seen(sent), reply.at_s + limit_s)
        if found is not None:
            return found
        if not reply.reply.applied and self._is_in_the_way(file):
            return None, None
        if (not reply.reply.applied and sent.trail.document is None) or (
            file.kind == "move" and self._is_where_it_was(file)
        ):
            return self._not_applied(file, reply), None
        if sent.trail.document is not None:
            return self.judged(sent, reply, sent.explained(claimed=reply.reply.applied))
        return self._unconfirmed(sent)

    def _seen(self, sent: Sent) -> Found | None:
        """The file as it was opened, or as it stands on disk, if that proves the edit."""
        file = sent.file
        if file.after is None:
            if self._workspace.disk.exists(file.moved_from) or not self._workspace.disk.exists(file.uri):
                return None
            return FileReview(file.uri, "applied", 1, "moved", saved=True), _landed(sent, Explanation("applied"))
        is_open = sent.trail.document is not None
        text = sent.trail.text if is_open else self._on_disk(file.uri)
        is_there_still = file.kind == "move" and self._workspace.disk.exists(file.moved_from)
        if text is None or (is_there_still and not (is_open and file.edits)):
            return None
        if file.kind == "move" and not file.edits:
            explanation = Explanation("applied", typed_after=diff(file.after, text))
        elif not file.edits:
            explanation = Explanation("applied") if text == file.after else None
        else:
            explanation = sent.explained() if is_open else explain(file.text, file.edits, None, text)
        if explanation is None or explanation.kind != "applied":
            return None
        saved = self._on_disk(file.uri) == text
        review = FileReview(file.uri, "applied", file.n_hunks, held_note(file.n_held), saved)
        return review, _landed(sent, explanation, text)

    def _is_in_the_way(self, file: PlannedFile) -> bool:
        """Whether something has come to stand where the file was to be moved; the rest is then sent without it."""
        disk = self._workspace.disk
        return file.kind == "move" and disk.exists(file.moved_from) and disk.exists(file.uri)

    def _is_where_it_was(self, file: PlannedFile) -> bool:
        disk = self._workspace.disk
        return disk.exists(file.moved_from) and not disk.exists(file.uri)

    def _unconfirmed(self, sent: Sent) -> Found:
        file = sent.file
        on_disk = self._on_disk(file.uri)
        if file.kind != "create" and on_disk is not None and self._as_known(file.uri) != file.text:
            return self._review(file, "partial", f"{_UNEXPLAINED} on disk; nothing more was touched"), None
        if file.after is not None:
            disk_hash = content_hash(on_disk) if on_disk is not None else ""
            self._workspace.overlay.predict(file.uri, file.after, disk_hash)
        note = "made in the editor, not saved" if file.kind == "create" else "changed, says the editor; not saved"
        return self._review(file, "unconfirmed", note), _landed(
            sent, Explanation("applied", ours=file.edits), file.after
        )

    async def _deleted(self, sent: Sent, reply: Reply) -> Found:
        file = sent.file

        def gone() -> Found | None:
            if self._workspace.disk.exists(file.uri):
                return None
            landed = _landed(sent, Explanation("applied"), None)
            return FileReview(file.uri, "applied", 1, "deleted", saved=True), landed

        limit_s = self._limits.open_s if reply.reply.applied else self._limits.refused_s
        found = await self._until(sent, gone, reply.at_s + limit_s)
        if found is None and sent.trail.has_moved and not reply.reply.applied and reply.reply.answered:
            return None, None
        return found or (self._not_applied(file, reply), None)

    async def _until(self, sent: Sent, look: Callable[[], Found | None], deadline_s: float) -> Found | None:
        """What `look` finds within the limit; it looks at every change of the document and every tenth of a second."""
        while (found := look()) is None:
            left_s = deadline_s - anyio.current_time()
            if left_s <= 0:
                return None
            await self._workspace.overlay.wait_change(sent.trail.uri, sent.trail.document, min(left_s, LOOK_S))
        return found

    # --- words ---

    def _not_applied(self, file: PlannedFile, reply: Reply) -> FileReview:
        if not reply.reply.answered:
            return self._review(file, "deferred", "the editor did not answer; the edit is kept as a draft")
        if reply.is_manual:
            return self._review(file, "deferred", "the editor leaves it to you to apply it; it is kept as a draft")
        if reply.reply.applied:
            note = "the editor said it applied the edit, but the text did not change; it is kept as a draft"
            return self._review(file, "refused", note)
        why = f": {reply.reply.reason}" if reply.reply.reason else ""
        return self._review(file, "refused", f"the editor did not apply the edit{why}")

    def _review(self, file: PlannedFile, state: ReviewState, note: str) -> FileReview:
        return FileReview(file.uri, state, file.n_hunks, note)

    def _as_known(self, uri: str) -> str | None:
        """The text as an earlier unconfirmed edit left it, where the disk is still as it was then; else the disk's."""
        try:
            return self._workspace.snapshot().read(uri).text
        except WorkspaceError:
            return None

    def _on_disk(self, uri: str) -> str | None:
        try:
            return self._workspace.disk.read(uri).text
        except WorkspaceError:
            return None


_OUTDATED = ("version", "stale", "outdated")
_UNEXPLAINED = "the text that came back fits neither the edit nor the typing alone"


def _landed(sent: Sent, explanation: Explanation, now: str | None = None) -> Landed:
    file, document = sent.file, sent.trail.document
    text = document.document.text if document else now
    proposed_on = file.proposed.base or file.before
    return Landed(
        turn=sent.turn,
        uri=file.uri,
        kind=file.kind,
        before=proposed_on.text if proposed_on else None,
        typed_before=compose(file.typed, explanation.typed_before),
        ours=explanation.ours,
        typed_after=explanation.typed_after,
        now=None if file.kind == "delete" else text,
        file=file.file,
        moved_from=file.moved_from,
        epoch=document.epoch if document else 0,
        version=document.version if document else None,
    )
