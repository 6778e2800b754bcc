"""An editor in memory that satisfies `domain.ports.Editor`: buffers that sync into the workspace's overlay.

It does to the overlay what a client's didOpen and didChange would. `answers` are given to questions in order;
`typing` (uri → edits) is typed by the "person" just before the next workspace edit arrives, as a race would have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.domain.ports import ApplyReply, FileEdit, Question, WorkspaceChange
from copydesk.text.edits import Edit, apply
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace


@dataclass
class BufferEditor:
    workspace: Workspace
    answers: list[str | None] = field(default_factory=list)
    typing: dict[str, Sequence[Edit]] = field(default_factory=dict)
    refuse: str = ""
    lies: bool = False
    """Skips stale documents and says `applied` all the same, as Neovim does."""
    messages: list[tuple[str, str]] = field(default_factory=list)
    documents: dict[str, str] = field(default_factory=dict)
    changes: list[WorkspaceChange] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def open(self, uri: str, text: str, *, version: int = 1) -> None:
        self.workspace.overlay.open(uri, "python", version, text)

    def type(self, uri: str, edits: Sequence[Edit]) -> None:
        document = self.workspace.overlay.get(uri)
        assert document is not None, f"{uri} is not open"
        text = apply(document.document.text, edits)
        self.workspace.overlay.change(uri, (document.version or 0) + 1, [(None, text)])

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        del confirm
        self.changes.append(change)
        for uri in list(self.typing):
            self.type(uri, self.typing.pop(uri))
        if self.refuse:
            return ApplyReply(False, self.refuse)
        if any(self._is_stale(edit) for edit in change.edits):
            if self.lies:
                return ApplyReply(True)
            return ApplyReply(False, "stale version")
        for uri, text in change.creates:
            path = _path(uri)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
            self.open(uri, text)
        for source, destination in change.moves:
            _path(destination).parent.mkdir(parents=True, exist_ok=True)
            _path(source).rename(_path(destination))
        for edit in change.edits:
            self._edit(edit)
        for uri in change.deletes:
            self.workspace.overlay.close(uri)
            _path(uri).unlink()
        return ApplyReply(True)

    def _is_stale(self, edit: FileEdit) -> bool:
        document = self.workspace.overlay.get(edit.uri)
        return document is not None and edit.version is not None and document.version != edit.version

    def _edit(self, edit: FileEdit) -> None:
        spans = [Edit(*span) for span in edit.spans]
        if self.workspace.overlay.get(edit.uri) is None:
            self.open(edit.uri, edit.text)
        self.type(edit.uri, spans)

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else None

    async def show_message(self, level: str, text: str) -> None:
        self.messages.append((level, text))

    async def show_document(self, name: str, text: str, *, focus: bool = False) -> None:
        del focus
        self.documents[name] = text


def _path(uri: str) -> Path:
    path = to_path(uri)
    assert path is not None
    return Path(path)
