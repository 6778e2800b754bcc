"""The `Work`s that contract tests run over: one in memory, and one over the real chain on a disk."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from copydesk.domain.commands import NoShell, Shell
from copydesk.domain.edits import CreateFile, PendingEdit
from copydesk.domain.messages import Problem
from copydesk.domain.ports import FileSource, Question, Work
from copydesk.domain.secrets import NoSecrets, Secrets
from copydesk.workspace.pending import Pending
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.memory import MemoryWork

MakeWork = Callable[[Mapping[str, str]], Work]


class ChainWork:
    """A `Work` over disk, overlay and pending: each `files` is a fresh snapshot, as each tool call gets one."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.pending = Pending()
        self.reads: dict[str, str] = {}
        self.shell: Shell = NoShell("a chain runs none.")
        self.secrets: Secrets = NoSecrets()

    @property
    def files(self) -> FileSource:
        return self.workspace.snapshot(self.pending)

    @property
    def roots(self) -> tuple[str, ...]:
        return self.workspace.roots

    def resolve(self, path: str) -> str:
        return self.workspace.resolve(path)

    def display(self, uri: str) -> str:
        return self.workspace.display(uri)

    def propose(self, *edits: PendingEdit) -> None:
        self.pending.propose(edits, self.workspace.snapshot(self.pending))

    def note_read(self, uri: str, text: str) -> None:
        self.reads[uri] = text

    def last_read(self, uri: str) -> str | None:
        return self.reads.get(uri)

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        return ()

    async def ask(self, question: Question) -> str | None:
        return None


def on_disk(folder: Path, files: Mapping[str, str]) -> ChainWork:
    """Writes `files` below `folder`, byte for byte, and opens it as the only root."""
    write(folder, files.items())
    return ChainWork(Workspace([to_uri(str(folder))]))


def write(folder: Path, files: Iterable[tuple[str, str]]) -> None:
    for path, text in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


def opened_in_editor(folder: Path, files: Mapping[str, str]) -> ChainWork:
    """The same, with every file open, unsaved, over a disk that has other text."""
    work = on_disk(folder, dict.fromkeys(files, "old text on disk\n"))
    for path, text in files.items():
        work.workspace.overlay.open(to_uri(str(folder / path)), "python", 1, text)
    return work


def pending_edits(folder: Path, files: Mapping[str, str]) -> ChainWork:
    """A disk that still has the old text, with `files` as pending proposals."""
    work = on_disk(folder, {})
    for path, text in files.items():
        work.propose(CreateFile(to_uri(str(folder / path)), text))
    return work


def makers(folder: Path) -> dict[str, MakeWork]:
    return {
        "memory": lambda files: MemoryWork(files),
        "disk": lambda files: on_disk(folder, files),
        "open": lambda files: opened_in_editor(folder, files),
        "pending": lambda files: pending_edits(folder, files),
    }
