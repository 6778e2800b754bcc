"""What one tool call may touch: a snapshot taken when the call starts, and the session's pending edits to add to.

Implements `domain.ports.Work`. Every proposal is stamped with its origin and recorded before the next call reads.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from copydesk.domain.commands import Shell, SideFile
from copydesk.domain.edits import MoveFile, Origin, PendingEdit
from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Problem
from copydesk.domain.ports import Editor, Entry, FileHandle, FileSource, Question
from copydesk.domain.secrets import Secrets
from copydesk.services.reads import Reads
from copydesk.services.redacting import redacted
from copydesk.workspace.pending import Files, Pending
from copydesk.workspace.proposable import check_proposal
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.uris import normalise
from copydesk.workspace.workspace import Workspace


@frozen
class Seen:
    """What a command was shown: the files, and what was pending in them then."""

    files: Snapshot
    pending: Files


class CallWork:
    def __init__(
        self,
        workspace: Workspace,
        pending: Pending,
        editor: Editor,
        origin: Origin,
        proposed: Callable[[PendingEdit], None],
        problems: Callable[[str | None], tuple[Problem, ...]],
        reads: Reads,
        shell: "Callable[[CallWork], Shell]",
        secrets: Secrets,
    ) -> None:
        self._workspace = workspace
        self._pending = pending
        self._editor = editor
        self._origin = origin
        self._proposed = proposed
        self._problems = problems
        self._reads = reads
        self.secrets = secrets
        self._files: FileSource = workspace.snapshot(pending)
        self.shell = shell(self)

    @property
    def origin(self) -> Origin:
        return self._origin

    @property
    def files(self) -> FileSource:
        return self._files

    @property
    def roots(self) -> tuple[str, ...]:
        return self._workspace.roots

    def resolve(self, path: str) -> str:
        return self._workspace.resolve(path)

    def display(self, uri: str) -> str:
        return self._workspace.display(uri)

    def propose(self, *edits: PendingEdit) -> None:
        stamped = tuple(replace(edit, origin=self._origin) for edit in edits)
        for edit in stamped:
            check_proposal(self._files, self._workspace.disk, self.display(edit.uri), edit)
        self._pending.propose(stamped, self._files)
        self._files = self._workspace.snapshot(self._pending)
        for edit in stamped:
            self._proposed(edit)

    def look(self) -> Seen:
        """The files as they are now, for a command to run on."""
        return Seen(self._workspace.snapshot(self._pending), self._pending.files())

    def propose_seen(self, edits: Iterable[PendingEdit], seen: Seen, command: str) -> None:
        """Adds edits that a command made of what it had seen, all or nothing. Raises `WorkspaceError`.

        Where nothing else became pending in their files meanwhile, they are pending edits like any, moved along with
        what is typed; else they have to fit what is pending by now.
        """
        stamped = tuple(replace(edit, origin=replace(self._origin, command=command)) for edit in edits)
        for edit in stamped:
            check_proposal(seen.files, self._workspace.disk, self.display(edit.uri), edit)
        now = self._pending.files()
        stands = all(now.get(uri) is seen.pending.get(uri) for edit in stamped for uri in _uris(edit))
        below = self._workspace.snapshot(self._pending).below
        self._pending.propose(stamped, seen.files if stands else _Earlier(seen.files, below))
        self._files = self._workspace.snapshot(self._pending)
        for edit in stamped:
            self._proposed(edit)

    def propose_side_files(self, files: Iterable[SideFile]) -> None:
        """Adds what a command changed that no text edit carries."""
        self._pending.propose_side_files(files, self._origin.turn)
        self._files = self._workspace.snapshot(self._pending)

    def open_files(self) -> tuple[str, ...]:
        return tuple(document.uri for document in self._workspace.overlay.all())

    def note_read(self, uri: str, text: str) -> None:
        self._reads.note(normalise(uri), text)

    def last_read(self, uri: str) -> str | None:
        return self._reads.get(normalise(uri))

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        touched = self._pending.touched()  # those were found in a text without what is proposed
        return tuple(each for each in self._problems(uri) if normalise(each.uri) not in touched)

    async def ask(self, question: Question) -> str | None:
        return await self._editor.ask(redacted(question, self.secrets))


def _uris(edit: PendingEdit) -> tuple[str, ...]:
    ends = (edit.uri, edit.destination) if isinstance(edit, MoveFile) else (edit.uri,)
    return tuple(map(normalise, ends))


class _Earlier:
    """A view of an earlier moment, to plan on, over what lies below the pending edits now."""

    def __init__(self, seen: FileSource, below: FileSource) -> None:
        self._seen = seen
        self.below = below

    def read(self, uri: str) -> FileHandle:
        return self._seen.read(uri)

    def exists(self, uri: str) -> bool:
        return self._seen.exists(uri)

    def children(self, uri: str) -> Iterable[Entry]:
        return self._seen.children(uri)

    def changed(self) -> Mapping[str, FileHandle | None]:
        return self._seen.changed()
