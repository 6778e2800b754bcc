"""What one tool call may touch: a snapshot taken when the call starts, and the session's pending edits to add to.

Implements `domain.ports.Work`. Every proposal is stamped with its origin and recorded before the next call reads.
"""

from collections.abc import Callable
from dataclasses import replace

from copydesk.domain.commands import Shell
from copydesk.domain.edits import Origin, PendingEdit
from copydesk.domain.messages import Problem
from copydesk.domain.ports import Editor, FileSource, Question
from copydesk.domain.secrets import Secrets
from copydesk.services.reads import Reads
from copydesk.workspace.pending import Pending
from copydesk.workspace.proposable import check_proposal
from copydesk.workspace.uris import normalise
from copydesk.workspace.workspace import Workspace


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
        shell: Shell,
        secrets: Secrets,
    ) -> None:
        self._workspace = workspace
        self._pending = pending
        self._editor = editor
        self._origin = origin
        self._proposed = proposed
        self._problems = problems
        self._reads = reads
        self.shell = shell
        self.secrets = secrets
        self._files: FileSource = workspace.snapshot(pending)

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

    def note_read(self, uri: str, text: str) -> None:
        self._reads.note(normalise(uri), text)

    def last_read(self, uri: str) -> str | None:
        return self._reads.get(normalise(uri))

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        touched = self._pending.touched()  # those were found in a text without what is proposed
        return tuple(each for each in self._problems(uri) if normalise(each.uri) not in touched)

    async def ask(self, question: Question) -> str | None:
        return await self._editor.ask(question)
