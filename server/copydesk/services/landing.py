"""Landing what a turn proposed: plan on the text as it is now, send one workspace edit, prove it by what comes back.

A client's `applied` is never believed. A document counts as changed when the text it syncs afterwards is the one we
expect, or that text with newer typing beside our edits. A stale edit is planned again on the newer text; what truly
conflicts with it is held back and said. A mismatch is reported, never repaired.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

import anyio
from anyio import to_thread

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.events import FileReview, ReviewState, ReviewUpdated
from copydesk.domain.ports import ApplyReply, Editor, FileEdit, FileHandle, FileSource, Question, WorkspaceChange
from copydesk.services.landed import OnLanded
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, invert, rebase
from copydesk.text.hashing import content_hash
from copydesk.workspace.pending import Pending
from copydesk.workspace.workspace import Workspace

MAX_TRIES = 5
PAUSE_S = 0.15
"""Neovim sends its changes 150 ms late: a stale edit is planned again after that."""

SYNC_LIMIT_S = 3.0
"""How long the text of an edited document may take to come back after the client said it applied the edit."""

PATIENCE = 4
"""How many times as long a document may stay silent: Emacs sends nothing until the person stops typing."""

REFUSED_LIMIT_S = 0.3
"""The same after the client said it did not."""

READ_S = 0.7
"""A reply that comes sooner was not given by a person who looked at a preview: the edit was stale on arrival."""

SHOW_AGAIN = "Show again"

OPEN_LIMIT_S = 1.5
"""How long a document that was not open may take to be reported as opened, or to change on disk."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file's part of the edit. `before` is None for a new file, `after` None for a deleted one."""

    uri: str
    before: FileHandle | None
    after: str | None
    moved_from: str | None = None
    overwrite: bool = False
    n_held: int = 0

    @property
    def is_open(self) -> bool:
        return self.before is not None and self.before.version is not None


_Result: TypeAlias = tuple[PlannedFile, FileReview | None]
"""What became of one file; None: newer typing made its edit stale."""


@dataclass(slots=True)
class _Outcomes:
    """What is known so far; one entry a file."""

    files: dict[str, FileReview] = field(default_factory=dict[str, FileReview])

    def put(self, uri: str, state: ReviewState, note: str = "", *, n_hunks: int = 0, saved: bool = False) -> None:
        self.files[uri] = FileReview(uri, state, n_hunks, note, saved)


class Landing:
    def __init__(self, workspace: Workspace, editor: Editor, on_landed: OnLanded | None = None) -> None:
        self._workspace = workspace
        self._editor = editor
        self._on_landed = on_landed

    async def offer(self, pending: Pending, turn: str, label: str, *, confirm: bool) -> ReviewUpdated:
        """Lands everything in `pending`, or says of each file why not. What has landed leaves `pending`."""
        so_far = _Outcomes()
        for attempt in range(MAX_TRIES):
            if attempt:
                await anyio.sleep(PAUSE_S)
            plan = await to_thread.run_sync(self._plan, pending, so_far)
            if not plan:
                break
            sent_at = anyio.current_time()
            reply = await self._editor.apply(change_of(plan, label), confirm=confirm)
            was_read = anyio.current_time() - sent_at >= READ_S
            if not await self._take(plan, reply, pending, so_far, confirm=confirm):
                break
            is_unclear = confirm and reply.consent is None and was_read
            if is_unclear and not await self._wants_it_again(plan, pending, so_far):
                break
            # A yes holds for the same edit on newer text. Without one the person is asked again.
            confirm = confirm and not reply.consent
        return ReviewUpdated(turn, overall(so_far.files.values()), tuple(so_far.files.values()))

    # --- planning ---

    def _plan(self, pending: Pending, so_far: _Outcomes) -> list[PlannedFile]:
        base = self._workspace.snapshot()
        view = pending.view(base)
        plan: list[PlannedFile] = []
        for uri, file in pending.files().items():
            try:
                planned = self._plan_file(uri, base, view, moved_from=file.moved_from or None, overwrite=file.overwrite)
            except WorkspaceError as error:
                so_far.put(uri, "draft", str(error))
                continue
            held = len(pending.files()[uri].held) if uri in pending.files() else 0
            if planned is None:
                note = f"{held} of its edits conflict with newer typing and were held back" if held else ""
                so_far.put(uri, "draft" if held else "applied", note or "it already says that")
                if not held:
                    pending.discard(uri)
                continue
            plan.append(
                PlannedFile(planned.uri, planned.before, planned.after, planned.moved_from, planned.overwrite, held)
            )
        return plan

    def _plan_file(
        self, uri: str, base: FileSource, view: FileSource, *, moved_from: str | None, overwrite: bool
    ) -> PlannedFile | None:
        source = moved_from or uri
        before = base.read(source) if base.exists(source) else None
        after = view.read(uri).text if view.exists(uri) else None
        if moved_from is None and (before.text if before else None) == after:
            return None
        return PlannedFile(uri, before, after, moved_from, overwrite)

    # --- sending ---

    async def _take(
        self, plan: list[PlannedFile], reply: ApplyReply, pending: Pending, so_far: _Outcomes, *, confirm: bool
    ) -> bool:
        """The proof of one send. True when some file should be planned and sent again."""
        if reply.consent is False:
            self._discard(plan, reply, pending, so_far)
            return False
        asked_by_editor = confirm and reply.consent is None
        patience = 1 if asked_by_editor else PATIENCE
        results = [(file, await self._prove(file, reply, patience)) for file in plan]
        if asked_by_editor and reply.answered and _declined(result for _, result in results):
            self._discard(plan, reply, pending, so_far)
            return False
        if asked_by_editor and reply.applied:
            results = self._as_chosen(results)
        for file, result in results:
            if result is None:
                so_far.put(file.uri, "draft", "newer typing came in between")
                continue
            so_far.files[file.uri] = result
            if result.state in ("applied", "unconfirmed", "discarded"):
                pending.discard(file.uri)
        return any(result is None for _, result in results)

    async def _wants_it_again(self, plan: list[PlannedFile], pending: Pending, so_far: _Outcomes) -> bool:
        """Asks in a few words, since a preview of text that was typed in answers Apply and Discard alike: not applied.

        VS Code refuses to apply what it shows once its document has changed, and versions tell no more than that.
        """
        left = [file for file in plan if file.uri in pending.files()]
        names = ", ".join(self._workspace.display(file.uri) for file in left)
        text = f"Copydesk: the edit of {names} was not applied, and the text has changed since it was shown."
        choice = await self._editor.ask(Question(f"{text} Show it again?", (SHOW_AGAIN, "Discard")))
        if choice == "Discard":
            self._discard(left, ApplyReply(applied=False), pending, so_far)
        return choice == SHOW_AGAIN

    def _discard(self, plan: list[PlannedFile], reply: ApplyReply, pending: Pending, so_far: _Outcomes) -> None:
        for file in plan:
            so_far.put(file.uri, "discarded", reply.reason, n_hunks=self._n_hunks(file))
            self._workspace.overlay.predict(file.uri, None)
            pending.discard(file.uri)

    def _as_chosen(self, results: list[_Result]) -> list[_Result]:
        """The results where the person may have taken some places only. What is not open is then not believed."""
        parts = [(file, self._chosen_part(file) or result) for file, result in results]
        chose = [part is not result for (_, part), (_, result) in zip(parts, results, strict=True)]
        left = any(result is not None and result.state == "refused" for _, result in results)
        if any(part is None for _, part in parts) or not (left or any(chose)):
            return parts
        return [(file, self._doubted(file, part) if part else None) for file, part in parts]

    def _doubted(self, file: PlannedFile, result: FileReview) -> FileReview:
        if result.state == "refused":
            return FileReview(file.uri, "discarded", result.n_hunks, "left as it was, as you chose")
        if result.state != "unconfirmed":
            return result
        self._workspace.overlay.predict(file.uri, None)
        return FileReview(file.uri, "unconfirmed", result.n_hunks, "changed only if you chose it; it is not open here")

    def _chosen_part(self, file: PlannedFile) -> FileReview | None:
        """The review of a file of which the person took some places and left others; None when it is not so."""
        now = self._open_text(file.uri)
        if file.before is None or file.after is None or now in (None, file.before.text, file.after):
            return None
        offered, taken = diff(file.before.text, file.after), diff(file.before.text, now or "")
        if not set(taken) < set(offered):
            return None
        note = f"{len(taken)} of {len(offered)} places, as you chose"
        return FileReview(file.uri, "applied", len(taken), note, saved=self._on_disk(file.uri) == now)

    # --- proof ---

    async def _prove(self, file: PlannedFile, reply: ApplyReply, patience: int) -> FileReview | None:
        """What became of one file; None when newer typing made the edit stale and it was not applied."""
        if file.after is None:
            return await self._prove_deleted(file, reply)
        if not file.is_open or file.moved_from:
            return await self._prove_unopened(file, file.after, reply)
        return await self._prove_open(file, file.after, reply, patience)

    async def _prove_open(
        self, file: PlannedFile, after: str, reply: ApplyReply, patience: int = 1
    ) -> FileReview | None:
        assert file.before is not None
        before = file.before.text
        limit_s = SYNC_LIMIT_S if reply.applied else REFUSED_LIMIT_S

        def landed() -> bool:
            now = self._open_text(file.uri)
            return now is not None and is_explained(before, after, now)

        def moved() -> bool:
            return self._open_text(file.uri) != before

        if await self._until(file.uri, landed, limit_s):
            return self._applied(file, after)
        quiet = reply.applied and not moved()
        if quiet and await self._until(file.uri, moved, (patience - 1) * limit_s) and landed():
            return self._applied(file, after)
        now = self._open_text(file.uri)
        if now is None:
            return await self._prove_unopened(file, after, reply)
        if now == before:
            return self._not_applied(file, reply)
        return None if not rebase(diff(before, after), diff(before, now)).conflicts else self._mismatch(file, reply)

    async def _prove_unopened(self, file: PlannedFile, after: str, reply: ApplyReply) -> FileReview | None:
        def landed() -> bool:
            now = self._open_text(file.uri)
            return now == after if now is not None else self._on_disk(file.uri) == after

        if file.before is None and reply.applied:
            # Neovim makes a buffer and no folder, and then cannot save it.
            await to_thread.run_sync(self._workspace.disk.make_folder_for, file.uri)
        limit_s = OPEN_LIMIT_S if reply.applied else REFUSED_LIMIT_S
        if await self._until(file.uri, landed, limit_s):
            return self._applied(file, after)
        if not reply.applied:
            return self._not_applied(file, reply)
        on_disk = self._on_disk(file.uri)
        self._workspace.overlay.predict(file.uri, after, content_hash(on_disk) if on_disk is not None else "")
        note = "made in the editor, not saved" if file.before is None else "changed, says the editor; not saved"
        return FileReview(file.uri, "unconfirmed", self._n_hunks(file), note)

    async def _prove_deleted(self, file: PlannedFile, reply: ApplyReply) -> FileReview | None:
        def gone() -> bool:
            return self._on_disk(file.uri) is None

        if await self._until(file.uri, gone, OPEN_LIMIT_S if reply.applied else REFUSED_LIMIT_S):
            return FileReview(file.uri, "applied", 1, "deleted", saved=True)
        return self._not_applied(file, reply)

    async def _until(self, uri: str, check: Callable[[], bool], limit_s: float) -> bool:
        """Whether `check` holds within the limit; looked at again at each change of the document."""
        deadline = anyio.current_time() + limit_s
        while not check():
            left = deadline - anyio.current_time()
            if left <= 0:
                return False
            await self._workspace.overlay.wait_change(uri, self._workspace.overlay.get(uri), min(left, 0.1))
        return True

    def _open_text(self, uri: str) -> str | None:
        document = self._workspace.overlay.get(uri)
        return document.document.text if document else None

    def _on_disk(self, uri: str) -> str | None:
        try:
            return self._workspace.disk.read(uri).text
        except WorkspaceError:
            return None

    def _applied(self, file: PlannedFile, after: str) -> FileReview:
        note = f"{file.n_held} of its edits conflict with newer typing and were held back" if file.n_held else ""
        saved = self._on_disk(file.uri) == after
        return FileReview(file.uri, "applied", self._n_hunks(file), note, saved=saved)

    def _not_applied(self, file: PlannedFile, reply: ApplyReply) -> FileReview:
        if not reply.answered:
            note = "the editor did not answer; the edit is kept as a draft"
            return FileReview(file.uri, "deferred", self._n_hunks(file), note)
        if reply.applied:
            note = "the editor said it applied the edit, but the text did not change; it is kept as a draft"
            return FileReview(file.uri, "refused", self._n_hunks(file), note)
        why = f": {reply.reason}" if reply.reason else ""
        return FileReview(file.uri, "refused", self._n_hunks(file), f"the editor did not apply the edit{why}")

    def _mismatch(self, file: PlannedFile, reply: ApplyReply) -> FileReview:
        note = "the text that came back fits neither the edit nor the typing alone; nothing more was touched"
        return FileReview(file.uri, "partial", self._n_hunks(file), note)

    def _n_hunks(self, file: PlannedFile) -> int:
        return len(diff(file.before.text if file.before else "", file.after or ""))


def _declined(results: Iterable[FileReview | None]) -> bool:
    """Whether a confirmed edit was turned down: some file stayed as it was, and none changed.

    Neovim 0.12 says `applied` after the person said no. What is not open there proves nothing either way.
    """
    states = {result.state if result else "stale" for result in results}
    return "refused" in states and states <= {"refused", "unconfirmed"}


def is_explained(before: str, after: str, now: str) -> bool:
    """Whether `now` is our result, or our result with newer typing that leaves our edits whole."""
    if now == after:
        return True
    if now == before:
        return False
    ours = invert(before, diff(before, after))
    theirs = diff(after, now)
    return not any(_touches(their, our) for our in ours for their in theirs)


def _touches(their: Edit, our: Edit) -> bool:
    """Whether an edit of the result disturbs one of ours. `our` is given as its undoing, in the result's offsets.

    Typing right beside our text leaves it whole. Where we only deleted, putting the deleted text back disturbs it.
    """
    if our.end > our.start:
        return their.start < our.end and their.end > our.start
    inside = their.start < our.start < their.end
    return inside or (their.start <= our.start <= their.end and our.text in their.text)


def change_of(plan: Iterable[PlannedFile], label: str) -> WorkspaceChange:
    """The planned files as one workspace edit."""
    files = tuple(plan)
    moves = tuple((file.moved_from, file.uri) for file in files if file.moved_from)
    return WorkspaceChange(
        label=label,
        edits=tuple(chain.from_iterable(_edits(file) for file in files)),
        creates=tuple((file.uri, file.after) for file in files if file.before is None and file.after is not None),
        moves=moves,
        deletes=tuple(file.uri for file in files if file.after is None),
        overwrite=frozenset(file.uri for file in files if file.overwrite),
    )


def _edits(file: PlannedFile) -> Iterable[FileEdit]:
    if file.before is None or file.after is None or file.before.text == file.after:
        return
    version = file.before.version if file.moved_from is None else None
    yield FileEdit(file.uri, version, file.before.text, diff(file.before.text, file.after))


def overall(files: Iterable[FileReview]) -> ReviewState:
    """One word for the whole edit: the files' own when they agree, else `partial`."""
    states: set[ReviewState] = {file.state for file in files}
    if not states:
        return "none"
    return states.pop() if len(states) == 1 else "partial"
