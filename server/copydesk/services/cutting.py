"""Cutting what waits into hunks: off the loop, and only where something has changed since the last time.

Knows no decision. Start with `Cutting.cut`.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, TypeAlias

from copydesk.domain.ports import FileSource
from copydesk.services.proving import InThread
from copydesk.workspace.hunks import Cut, cut_on
from copydesk.workspace.overlay import OpenDocument
from copydesk.workspace.pending import Pending
from copydesk.workspace.proposals import PendingFile
from copydesk.workspace.snapshot import Snapshot
from copydesk.workspace.workspace import Workspace

MAX_CUTS = 5

_Cuts: TypeAlias = "list[tuple[PendingFile, Cut, PendingFile]]"
"""Each file, its cut, and what to remember of it."""


class _Seen(NamedTuple):
    """A cut, and what it was made of."""

    file: PendingFile
    document: OpenDocument | None
    cut: Cut


class Cutting:
    def __init__(self, workspace: Workspace, in_thread: InThread) -> None:
        self._workspace = workspace
        self._in_thread = in_thread
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def cut(self, session: str, pending: Pending) -> list[Cut]:
        """A session's files cut on the text as it is now; the names of their hunks are kept in its pending edits.

        A file that the agent changes in between is cut again, a few times. One in which nothing has changed is not.
        """
        cuts: dict[str, Cut] = {}
        todo = frozenset(pending.files())
        for _ in range(MAX_CUTS):
            base = self._workspace.snapshot()
            files = [file for uri, file in pending.files().items() if uri in todo and not file.pinned]
            known = {file.uri: cut for file in files if (cut := self._as_before(session, file, base))}
            changed = [file for file in files if file.uri not in known]
            done = await self._in_thread(lambda: _cut_all(changed, base, session))  # noqa: B023  awaited here
            for file, cut, left in done:
                if pending.put(left, file):
                    known[file.uri] = cut
                    self._seen[session, file.uri] = _Seen(left, base.view.get(file.base_uri), cut)
            cuts |= known
            todo = frozenset(file.uri for file in files) - known.keys()
            if not todo:
                break
        return [cut for cut in cuts.values() if cut.hunks]

    def _as_before(self, session: str, file: PendingFile, base: Snapshot) -> Cut | None:
        """The cut of an open document in which neither the person nor the agent has changed anything since."""
        seen = self._seen.get((session, file.uri))
        document = base.view.get(file.base_uri)
        is_same = seen is not None and seen.file is file and document is not None and seen.document is document
        return seen.cut if seen and is_same else None

    def forget_others(self, keys: Collection[tuple[str, str]]) -> None:
        """Remembers only these (session, URI)."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in keys}


def _cut_all(files: Iterable[PendingFile], base: FileSource, session: str) -> _Cuts:
    return [(file, *cut_on(file, base, session)) for file in files]
