"""Undo by turn: what a turn wrote goes, what it removed comes back, and what people wrote since stays.

Owns which turn an undo is about, what it does to each file, and how it is told. The edit goes the way of every edit:
pending, landed, proven. An undo is a turn of its own, which can be undone: that gives the first turn again. Who wrote
what is `services.attribution`'s. Start with `Undoing.undo`.
"""

import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import anyio
from anyio import to_thread

from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile, MoveFile, Origin, PendingEdit
from copydesk.domain.errors import CopydeskError, MissingFile, WorkspaceError
from copydesk.domain.events import FileReview, ReviewState, ReviewUpdated
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.services.attribution import Attribution
from copydesk.services.side_files import SideFiles
from copydesk.store.authored import AuthoredFile, AuthoredTurn, Standing
from copydesk.text.documents import Document
from copydesk.text.edits import apply
from copydesk.text.pieces import Pieces
from copydesk.text.taking import Taken, given_again, taken_back
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import is_under
from copydesk.workspace.workspace import Workspace

WHY = {
    "inside": "what you wrote inside the turn's text stays",
    "again": "what the turn wrote here was deleted, and the same stands here again: it stays",
    "instead": "you have replaced what the turn wrote here, so nothing was put back",
}
WAITS = "this edit is not applied yet: reject it with copydesk.review.reject"
GONE = "the file is not there any more"
_DONE: tuple[ReviewState, ...] = ("applied", "unconfirmed")
UNKNOWN = "who wrote what in this file is not known any more"

Offer = Callable[[Pending, str, str], Awaitable[ReviewUpdated]]
"""(pending, turn, label): lands it without asking, as `Landing.offer` does."""


@frozen
class UndoneFile:
    """`places`: how many places of the text were changed; 1 for a file that was made, deleted or moved.

    `state`: "applied" is proven; "unconfirmed" is what the editor says of a file that is not open.
    """

    uri: str
    places: int
    state: ReviewState = "applied"


@frozen
class KeptPlace:
    """Where something was left as it is, and why. `line` counts from 0 in the text after the undo."""

    uri: str
    line: int
    why: str


@frozen
class Undone:
    """`turn` is the undo's own id, '' where nothing was changed; `of` the turn that was taken back or given.

    `label` says what was done, as the editor's own undo list may show it.
    """

    turn: str
    of: str
    label: str
    undone: tuple[UndoneFile, ...]
    kept: tuple[KeptPlace, ...]
    review: ReviewUpdated


NOTHING = Undone("", "", "Copydesk: there is nothing to undo", (), (), ReviewUpdated("", "none"))


@dataclass(slots=True)
class _FilePlan:
    """What is to be done to one file: `edits` in order, `lands_at` the URI under which landing tells of it."""

    uri: str
    lands_at: str
    ids: tuple[str, ...] = ()
    edits: list[PendingEdit] = field(default_factory=list[PendingEdit])
    kept: list[KeptPlace] = field(default_factory=list[KeptPlace])
    places: int = 0


@dataclass(slots=True)
class _Plan:
    """What is taken back: a turn (`of` itself), or the undo of one (`page.undoes`), which gives the turn again."""

    page: AuthoredTurn
    files: list[_FilePlan]

    @property
    def has_edits(self) -> bool:
        return any(file.edits for file in self.files)

    @property
    def kept(self) -> tuple[KeptPlace, ...]:
        return tuple(dict.fromkeys(place for file in self.files for place in file.kept))


class Undoing:
    """`running` gives the turns at work; `waiting` the (uri, line) of a turn's edits that are not decided yet."""

    def __init__(
        self,
        workspace: Workspace,
        attribution: Attribution,
        offer: Offer,
        running: Callable[[], tuple[str, ...]],
        waiting: Callable[[str], Iterable[tuple[str, int]]],
        sides: SideFiles | None = None,
    ) -> None:
        self._workspace = workspace
        self._attribution = attribution
        self._sides = sides
        self._offer = offer
        self._running = running
        self._waiting = waiting
        self._one_at_a_time = anyio.Lock()

    async def undo(self, turn: str | None = None) -> Undone:
        """Takes back a turn, or an undo. With none named: the newest turn that has something, else the newest undo.

        Where nothing is left to undo, `of` is ''. Raises CopydeskError for a named turn that is unknown, still at
        work, not applied yet, or has nothing left.
        """
        async with self._one_at_a_time:
            if turn and await self._has_sides_only(turn):
                return await self._sides_of(turn, NOTHING)
            plan = await self._plan_of(turn) if turn else await self._newest()
            if plan is not None:
                undone = await self._land(plan)
                return await self._sides_of(undone.of, undone)
            newest = await self._sides.newest() if self._sides else ""
            return await self._sides_of(newest, NOTHING) if newest else NOTHING

    async def _has_sides_only(self, turn: str) -> bool:
        return self._sides is not None and await self._attribution.page(turn) is None and await self._sides.has(turn)

    async def _sides_of(self, turn: str, undone: Undone) -> Undone:
        """Takes back what was written beside the text of a turn, or writes it again where that came back."""
        if self._sides is None or not await self._sides.has(turn):
            return undone
        done, kept = await self._sides.flip(turn)
        review = undone.review
        state = "applied" if review.state == "none" and done else review.state
        files = (*review.files, *(FileReview(uri, "applied", 1, saved=True) for uri in done))
        return replace(
            undone,
            of=turn,
            label=undone.label if undone.of else f"Copydesk: Undo what {turn} wrote that is not text",
            undone=(*undone.undone, *(UndoneFile(uri, 1) for uri in done)),
            kept=(*undone.kept, *(KeptPlace(uri, 0, why) for uri, why in kept)),
            review=replace(review, state=state, files=files),
        )

    # --- which ---

    async def _plan_of(self, turn: str) -> _Plan:
        if turn in self._running():
            raise CopydeskError(f"The turn {turn!r} is still at work.", advice="Stop it with copydesk.cancel first.")
        page = await self._attribution.page(turn)
        waits = [KeptPlace(uri, line, WAITS) for uri, line in self._waiting(turn)]
        if page is None and waits:
            raise CopydeskError(
                f"No edit of the turn {turn!r} is applied yet.", advice="Reject them with copydesk.review.reject."
            )
        if page is None or not page.files:
            raise CopydeskError(
                f"No turn {turn!r} is known to have changed files.",
                advice="copydesk.undo without an argument takes back the newest.",
            )
        plan = await self._planned(await self._what_stands(page))
        if not plan.has_edits and not plan.kept:
            raise CopydeskError(f"Nothing of the turn {turn!r} is left to take back.")
        if waits:
            plan.files.append(_FilePlan("", "", kept=waits))
        return plan

    async def _what_stands(self, page: AuthoredTurn) -> AuthoredTurn:
        """The page to take back: an undo that holds, else the turn at the root, else the undo that took it back."""
        if page.undoes and page.undoes == page.of and page.state == "landed":
            return page
        root = page if not page.of else await self._attribution.page(page.of)
        if root is None:
            raise CopydeskError(f"The turn {page.of!r} that this undo took back is not known any more.")
        if root.state == "landed":
            return root
        undos = [undo for undo in await self._attribution.pages() if undo.undoes == root.turn]
        return next((undo for undo in undos if undo.state == "landed"), root)

    async def _newest(self) -> _Plan | None:
        pages = [page for page in await self._attribution.pages() if self._is_here(page) and page.state == "landed"]
        running = self._running()
        turns = [page for page in pages if not page.undoes and page.turn not in running]
        for page in (*turns, *(page for page in pages if page.undoes and page.undoes == page.of)):
            plan = await self._planned(page)
            if plan.has_edits:
                return plan
        return None

    def _is_here(self, page: AuthoredTurn) -> bool:
        roots, overlay = self._workspace.roots, self._workspace.overlay
        return any(
            overlay.get(file.uri) is not None or any(is_under(file.uri, root) for root in roots) for file in page.files
        )

    # --- what ---

    async def _planned(self, page: AuthoredTurn) -> _Plan:
        view = self._workspace.snapshot()
        uris = {uri for file in page.files for uri in (file.uri, file.moved_from) if uri}
        found = await to_thread.run_sync(lambda: {uri: _read(view, uri) for uri in uris})
        return _Plan(page, [self._plan_file(page, file, found) for file in page.files])

    def _plan_file(
        self, page: AuthoredTurn, done: AuthoredFile, found: Mapping[str, "FileHandle | WorkspaceError | None"]
    ) -> _FilePlan:
        plan = _FilePlan(done.uri, done.uri)
        handle = found[done.uri]
        if isinstance(handle, WorkspaceError):
            _keep(plan, str(handle))
        elif done.kind == "delete":
            self._plan_deleted(plan, page, done, handle)
        elif handle is None:
            if done.kind != "create":
                _keep(plan, GONE)
        else:
            self._plan_there(plan, page, done, handle)
            if done.kind == "move":
                _plan_move(plan, done, handle, found[done.moved_from])
        return plan

    def _plan_deleted(self, plan: _FilePlan, page: AuthoredTurn, done: AuthoredFile, handle: FileHandle | None) -> None:
        taken = self._taken(page, done, "", None) if handle is None else None
        if handle is not None:
            _keep(plan, "there is a file again where the turn deleted one")
        elif taken is None or not done.encoding:
            _keep(plan, UNKNOWN if done.encoding else "it was not text, so its content is not known")
        else:
            plan.ids = taken.ids
            plan.edits.append(CreateFile(done.uri, apply("", taken.edits)))
            plan.places = 1

    def _plan_there(self, plan: _FilePlan, page: AuthoredTurn, done: AuthoredFile, handle: FileHandle) -> None:
        taken = self._taken(page, done, handle.text, handle.version)
        if taken is None:
            if done.kind != "create" or handle.text:
                _keep(plan, UNKNOWN)
                return
            taken = Taken((), Pieces(), ())
        after = apply(handle.text, taken.edits)
        plan.ids = taken.ids
        plan.kept += _places(done.uri, after, taken)
        if done.kind == "create" and not after.strip("\r\n"):
            plan.edits.append(DeleteFile(handle.base))
            plan.places = 1
        elif taken.edits:
            plan.edits.append(ChangeText(handle.base, tuple(taken.edits)))
            plan.places = len(taken.edits)
        if done.kind == "create" and after.strip("\r\n"):
            _keep(plan, "what others wrote in it stays, and so does the file")

    def _taken(self, page: AuthoredTurn, done: AuthoredFile, text: str, version: int | None) -> Taken | None:
        file = self._attribution.file(done.uri, text, version)
        if file is None:
            return None
        return given_again(file.pieces, text, done.ids) if page.undoes else taken_back(file.pieces, text, page.turn)

    # --- doing it ---

    async def _land(self, plan: _Plan) -> Undone:
        page = plan.page
        root = page.of or page.turn
        id = f"u-{secrets.token_hex(4)}"
        pending = Pending()
        origin = Origin(page.session, id, tool="undo")
        await to_thread.run_sync(self._propose, pending, plan, origin)
        title = f"{'Redo' if page.undoes else 'Undo'} {(page.title.removeprefix('Undo ')) or root}"
        if not pending.files():
            return Undone("", root, f"Copydesk: {title}", (), plan.kept, ReviewUpdated(id, "none"))
        undo = AuthoredTurn(id, page.session, title, undoes=page.turn, of=root)
        self._attribution.begin_undo(undo, {file.uri: file.ids for file in plan.files if file.edits})
        review = ReviewUpdated(id, "none")
        try:
            review = await self._offer(pending, id, f"Copydesk: {title}")
        finally:
            with anyio.CancelScope(shield=True):
                await self._attribution.end_undo(id, _states(plan, review))
        return _told(id, root, f"Copydesk: {title}", plan, review)

    def _propose(self, pending: Pending, plan: _Plan, origin: Origin) -> None:
        """Each file by itself, so that one that has changed meanwhile does not hold up the others."""
        view = self._workspace.snapshot()
        for file in plan.files:
            try:
                pending.propose([_by(edit, origin) for edit in file.edits], pending.view(view))
            except WorkspaceError as error:
                _keep(file, str(error))
                file.edits.clear()


def _read(view: FileSource, uri: str) -> "FileHandle | WorkspaceError | None":
    """The file's text; None where there is none; the error where it is not text."""
    try:
        return view.read(uri)
    except MissingFile:
        return None
    except WorkspaceError as error:
        return error


def _keep(plan: _FilePlan, why: str) -> None:
    plan.kept.append(KeptPlace(plan.uri, 0, why))


def _plan_move(
    plan: _FilePlan, done: AuthoredFile, handle: FileHandle, there: "FileHandle | WorkspaceError | None"
) -> None:
    if there is not None:
        _keep(plan, "it was not moved back: there is a file again where it came from")
        return
    plan.edits.append(MoveFile(Base(handle.uri, ""), done.moved_from))
    plan.lands_at = done.moved_from
    plan.places = max(plan.places, 1)


def _places(uri: str, text: str, taken: Taken) -> list[KeptPlace]:
    document = Document.of(text) if taken.kept else None
    found = [KeptPlace(uri, document.position_at(kept.at)[0], WHY[kept.why]) for kept in taken.kept if document]
    return list(dict.fromkeys(found))


def _by(edit: PendingEdit, origin: Origin) -> PendingEdit:
    match edit:
        case ChangeText():
            return ChangeText(edit.base, edit.spans, origin)
        case CreateFile():
            return CreateFile(edit.uri, edit.text, edit.overwrite, origin)
        case DeleteFile():
            return DeleteFile(edit.base, origin)
        case MoveFile():
            return MoveFile(edit.base, edit.destination, edit.overwrite, origin)


def _states(plan: _Plan, review: ReviewUpdated) -> dict[str, Standing]:
    """What the turns are once this has landed: nothing changes while a part of it has not."""
    landed = {file.uri for file in review.files if file.state in _DONE}
    if not all(file.lands_at in landed for file in plan.files if file.edits):
        return {}
    page = plan.page
    return {page.turn: "undone", page.of: "landed"} if page.undoes else {page.turn: "undone"}


def _told(id: str, root: str, label: str, plan: _Plan, review: ReviewUpdated) -> Undone:
    files = {file.uri: file for file in review.files}
    undone: list[UndoneFile] = []
    kept = list(plan.kept)
    for file in plan.files:
        result = files.get(file.lands_at) if file.edits else None
        if result is not None and result.state in _DONE:
            undone.append(UndoneFile(result.uri, file.places, result.state))
        if file.edits and (result is None or result.state not in _DONE or _is_partly(result)):
            kept.append(KeptPlace(file.uri, 0, (result and result.note) or "the editor did not take the edit"))
    return Undone(id if undone else "", root, label, tuple(undone), tuple(dict.fromkeys(kept)), review)


def _is_partly(result: FileReview) -> bool:
    return result.state == "applied" and "held back" in result.note
