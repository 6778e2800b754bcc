"""A desk for undo: an editor with its own undo list, turns that land, a server that restarts, and the truth.

Every character but the line end is from one writer only and used once, so what was lost, or stayed, is counted.
The editor tells the overlay of each change by range, as real ones do. Start with `UndoDesk`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile, MoveFile, Origin, PendingEdit
from copydesk.domain.events import ReviewUpdated, TurnStarted
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import ApplyReply, Question, WorkspaceChange
from copydesk.services.attribution import Attribution
from copydesk.services.landing import Landing
from copydesk.services.proving import LandingLimits
from copydesk.services.undoing import Undoing, Undone
from copydesk.store.authorship import AuthorshipStore
from copydesk.text.documents import Document
from copydesk.text.edits import Edit, apply, invert
from copydesk.text.pieces import authors
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import normalise, to_path, to_uri
from copydesk.workspace.workspace import Workspace

QUICK = LandingLimits(quiet_s=0, patience_s=0.1, sync_s=0.05, settle_s=0.01, refused_s=0.01, open_s=0.05, read_s=0)
NOW = "2026-01-31T09:05:00.000Z"


@dataclass
class Buffer:
    text: str
    version: int = 0
    done: list[tuple[Edit, ...]] = field(default_factory=list)
    """What undoes each change, the newest last."""


class DeskEditor:
    """`domain.ports.Editor` over buffers. `race` is called just before an edit is applied."""

    def __init__(self, desk: "UndoDesk") -> None:
        self.desk = desk
        self.buffers: dict[str, Buffer] = {}
        self.changes: list[WorkspaceChange] = []
        self.race: Callable[[], None] = lambda: None
        self.refuses_operations = False

    def open(self, uri: str) -> Buffer:
        buffer = self.buffers[uri] = Buffer(_path(uri).read_bytes().decode())
        self.desk.workspace.overlay.open(uri, "python", buffer.version, buffer.text)
        return buffer

    def close(self, uri: str) -> None:
        """Saves and closes."""
        _path(uri).write_bytes(self.buffers.pop(uri).text.encode())
        self.desk.workspace.overlay.close(uri)

    def change(self, uri: str, edits: tuple[Edit, ...], *, undoable: bool = True) -> None:
        """One change of the buffer; the server is told range by range, the last first."""
        buffer = self.buffers[uri]
        document = Document.of(buffer.text)
        told: list[tuple[LineRange | None, str]] = []
        for edit in reversed(edits):
            told.append((LineRange(*document.position_at(edit.start), *document.position_at(edit.end)), edit.text))
        if undoable:
            buffer.done.append(invert(buffer.text, edits))
        buffer.text = apply(buffer.text, edits)
        buffer.version += 1
        self.desk.workspace.overlay.change(uri, buffer.version, told)

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        self.changes.append(change)
        self.race()
        if self.refuses_operations and (change.creates or change.moves or change.deletes):
            return ApplyReply(False, "the editor cannot make, move or delete files")
        buffers = self.buffers
        if any(edit.uri in buffers and edit.version not in (None, buffers[edit.uri].version) for edit in change.edits):
            return ApplyReply(False, "stale")
        for uri, text in change.creates:
            _path(uri).write_bytes(text.encode())
            self.open(uri)
        for source, target in change.moves:
            if source in self.buffers:
                self.close(source)
            _path(source).rename(_path(target))
            self.open(target)
        for edit in change.edits:
            if edit.uri not in self.buffers:
                self.open(edit.uri)
            self.change(edit.uri, tuple(Edit(*span) for span in edit.spans))
        for uri in change.deletes:
            if self.buffers.pop(uri, None):
                self.desk.workspace.overlay.close(uri)
            _path(uri).unlink()
        return ApplyReply(True)

    async def ask(self, question: Question) -> str | None:
        return None

    async def show_message(self, level: str, text: str) -> None: ...

    async def show_document(self, name: str, text: str, *, focus: bool = False) -> None: ...


class UndoDesk:
    def __init__(self, folder: Path, *, lines: bool = True) -> None:
        """Without `lines` there are no line ends, so that every character is known."""
        self.lines = lines
        self.folder = folder / "work"
        self.folder.mkdir(parents=True)
        self.state = folder / "state"
        self.workspace = Workspace((to_uri(str(self.folder)),))
        self.editor = DeskEditor(self)
        self.writer: dict[str, str] = {}
        self.deleted: set[str] = set()
        self._code_points = count(0x4E00)
        self._turns = count(1)
        self._works: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.begin()

    # --- the server ---

    def begin(self) -> None:
        """A server starts, and the editor tells it what is open."""
        self.workspace = Workspace((to_uri(str(self.folder)),))
        store = AuthorshipStore(self.state / "attribution")
        self.attribution = Attribution(self.workspace, store, self._works.append, lambda: NOW, idle_s=0)
        self.landing = Landing(self.workspace, self.editor, self.attribution.landed, limits=QUICK)
        self.running: tuple[str, ...] = ()
        self.waiting: dict[str, list[tuple[str, int]]] = {}
        self.undoing = Undoing(
            self.workspace,
            self.attribution,
            lambda pending, turn, label: self.landing.offer(pending, turn, label, confirm=False),
            lambda: self.running,
            lambda turn: self.waiting.get(turn, []),
        )
        for uri, buffer in self.editor.buffers.items():
            self.workspace.overlay.open(uri, "python", buffer.version, buffer.text)

    async def settle(self) -> None:
        """What the server does in the background is done."""
        while self._works:
            await self._works.pop()()

    async def restart(self, *, killed: bool) -> None:
        """With `killed`, what was typed since the last landing is known only by comparing texts."""
        if not killed:
            await self.settle()
            await self.attribution.flush()
        self._works.clear()
        self.begin()
        await self.settle()

    # --- texts ---

    def uri(self, name: str) -> str:
        return normalise(to_uri(str(self.folder / name)))

    def texts(self) -> dict[str, str]:
        """What a person sees, by file: the buffer, else the disk."""
        found = {normalise(to_uri(str(path))): path.read_bytes().decode() for path in sorted(self.folder.iterdir())}
        return {**found, **{uri: buffer.text for uri, buffer in self.editor.buffers.items()}}

    def text(self, name: str) -> str:
        return self.texts()[self.uri(name)]

    def fresh(self, who: str, n: int) -> str:
        """`n` new characters of this writer's; some lines end."""
        said = ""
        for _ in range(n):
            character = chr(next(self._code_points))
            self.writer[character] = who
            said += character + ("\n" if self.lines and ord(character) % 3 == 0 else "")
        return said

    def human(self) -> set[str]:
        return {each for text in self.texts().values() for each in text if self.writer.get(each) == ""}

    def of(self, turn: str) -> set[str]:
        return {each for text in self.texts().values() for each in text if self.writer.get(each) == turn}

    # --- a person ---

    def make(self, name: str, n: int = 30) -> str:
        uri = self.uri(name)
        _path(uri).write_bytes(self.fresh("", n).encode())
        return uri

    def type(self, uri: str, edits: tuple[Edit, ...], *, undoable: bool = True) -> None:
        before = self.texts()[uri]
        self.deleted |= {each for edit in edits for each in before[edit.start : edit.end]}
        if uri in self.editor.buffers:
            self.editor.change(uri, edits, undoable=undoable)
        else:
            _path(uri).write_bytes(apply(before, edits).encode())
        self.deleted -= set(self.texts()[uri])

    def undo_in_editor(self, uri: str) -> bool:
        buffer = self.editor.buffers[uri]
        if not buffer.done:
            return False
        self.type(uri, buffer.done.pop(), undoable=False)
        return True

    # --- turns ---

    def begin_turn(self) -> str:
        turn = f"t-{next(self._turns)}"
        self.attribution.listen("s-1", 1, TurnStarted(turn, "prompt", f"Task {turn}", "scripted:x", "auto"))
        return turn

    async def land(self, turn: str, *edits: PendingEdit) -> ReviewUpdated:
        pending = Pending()
        pending.propose(edits, pending.view(self.workspace.snapshot()))
        review = await self.landing.offer(pending, turn, f"Copydesk: {turn}", confirm=False)
        await self.settle()
        return review

    def edit(self, turn: str, uri: str, spans: tuple[Edit, ...]) -> ChangeText:
        return ChangeText(self.workspace.snapshot().read(uri).base, tuple(spans), Origin("s-1", turn))

    def create(self, turn: str, uri: str, text: str) -> CreateFile:
        return CreateFile(uri, text, origin=Origin("s-1", turn))

    def delete(self, turn: str, uri: str) -> DeleteFile:
        return DeleteFile(self.workspace.snapshot().read(uri).base, Origin("s-1", turn))

    def move(self, turn: str, uri: str, target: str) -> MoveFile:
        return MoveFile(Base(uri, ""), target, origin=Origin("s-1", turn))

    async def undo(self, turn: str | None = None) -> Undone:
        undone = await self.undoing.undo(turn)
        await self.settle()
        return undone

    # --- the truth ---

    def misattributed(self) -> tuple[int, int]:
        """(characters with the wrong writer, all characters), over every file a turn has touched."""
        wrong = total = 0
        for uri, text in self.texts().items():
            buffer = self.editor.buffers.get(uri)
            file = self.attribution.file(uri, text, buffer.version if buffer else None)
            if file is None:
                continue
            found = [""] * len(text)
            for start, end, who in authors(file.pieces):
                found[start:end] = [who] * (end - start)
            for character, who in zip(text, found, strict=True):
                if character in self.writer:
                    total += 1
                    wrong += who != self.writer[character]
        return wrong, total


def _path(uri: str) -> Path:
    path = to_path(uri)
    assert path is not None
    return Path(path)
