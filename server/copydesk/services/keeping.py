"""Keeps what waits for review where the next server finds it, and reads it back.

Writing is done in a thread, at once: a killed server must not take what it has shown along. Only what follows close
upon it is put off a moment, and `flush` does what is left when the server stops. A session that another server
holds is left to it. Start with `Keeper.touch`.
"""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import anyio
from anyio import to_thread

from copydesk.domain.commands import SideFile
from copydesk.domain.frozen import frozen
from copydesk.store.drafts import Drafts
from copydesk.workspace.pending import Pending
from copydesk.workspace.proposals import PendingFile
from copydesk.workspace.saved import from_plain, sides_from_plain, to_plain

log = logging.getLogger("copydesk.review")

DELAY_S = 0.1


class Kept(Protocol):
    id: str
    pending: Pending


@frozen
class Draft:
    """What an earlier server left of one session."""

    session: str
    files: tuple[PendingFile, ...]
    sides: tuple[tuple[SideFile, str], ...] = ()


class Keeper:
    """`roots` are the folders of this server: drafts of other folders are not its business."""

    def __init__(self, folder: Path, roots: Callable[[], tuple[str, ...]]) -> None:
        self._drafts = Drafts(folder)
        self._roots = roots
        self._waiting: dict[str, Kept] = {}
        self._saved: set[str] = set()
        self._something = anyio.Event()
        self._writing = anyio.Lock()

    @property
    def problem(self) -> str:
        return self._drafts.problem

    def touch(self, session: Kept) -> None:
        """What waits in the session has changed."""
        self._waiting[session.id] = session
        self._something.set()

    async def run(self) -> None:
        while True:
            await self._something.wait()
            self._something = anyio.Event()
            await self.written()
            await anyio.sleep(DELAY_S)

    async def written(self) -> None:
        """Returns when all that was touched is in its file."""
        async with self._writing:
            await to_thread.run_sync(self._write, self._take())

    def flush(self) -> None:
        """Writes what was put off. Blocks."""
        self._write(self._take())

    def _take(self) -> list[tuple[str, dict[str, Any] | None]]:
        """The sessions to write, as they are now: what is pending is immutable, so a thread may write it out."""
        waiting, self._waiting = self._waiting, {}
        todo: list[tuple[str, dict[str, Any] | None]] = []
        for id, session in waiting.items():
            pending = session.pending
            if not pending.is_empty:
                sides = {uri: (side, pending.side_turn(uri)) for uri, side in pending.side_files().items()}
                todo.append((id, {"roots": list(self._roots()), "pending": pending.files(), "sides": sides}))
            elif id in self._saved:
                todo.append((id, None))
        return todo

    def _write(self, todo: Iterable[tuple[str, dict[str, Any] | None]]) -> None:
        for id, data in todo:
            if data is None:
                self._drafts.save(id, None)
                self._saved.discard(id)
                continue
            self._drafts.save(id, {"roots": data["roots"], **to_plain(data["pending"], data["sides"])})
            self._saved.add(id)

    def load(self) -> list[Draft]:
        """The drafts of sessions in these folders. Blocks."""
        roots = set(self._roots())
        found: list[Draft] = []
        for session, data in self._drafts.load():
            given = data.get("roots")
            if not isinstance(given, list) or not roots.intersection(map(str, given)):  # pyright: ignore[reportUnknownArgumentType]
                continue
            try:
                files, sides = from_plain(data), sides_from_plain(data)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                log.warning("the draft of session %s is not understood: %r", session, error)
                continue
            self._saved.add(session)
            found.append(Draft(session, files, sides))
        return found
