"""Whether the person trusts a folder of the workspace: asked once, when it first matters, and remembered.

Owns the answer and who hears of a change. What needs trust asks here; nothing of a folder runs before. What the
editor itself says of its workspace wins for as long as it runs. Start with `Trust.is_trusted`, `Trust.ask_once`.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

import anyio
from anyio import to_thread

from copydesk.domain.errors import CopydeskError
from copydesk.domain.ports import Question
from copydesk.store.trust import TrustStore
from copydesk.workspace.uris import normalise, to_path

log = logging.getLogger("copydesk.trust")

AskPerson: TypeAlias = Callable[[Question], Awaitable[str | None]]
Source: TypeAlias = Literal["editor", "you", "nobody"]

TRUST = "Trust this folder"
REFUSE = "Do not trust it"
LIMIT_S = 600.0


class Trust:
    """Folders are named by URI. `ask` puts a question with choices; without it nobody can be asked."""

    def __init__(
        self,
        store: TrustStore,
        ask: AskPerson | None = None,
        say: Callable[[str, str], None] = lambda level, text: log.warning("%s: %s", level, text),
    ) -> None:
        self.changed: list[Callable[[], None]] = []
        """Called after any folder's trust has changed."""
        self._store = store
        self._ask = ask
        self._say = say
        self._of_editor: bool | None = None
        self._known: dict[str, bool | None] = {}
        self._asked: dict[str, anyio.Event] = {}
        self._said: set[str] = set()

    # --- what is known ---

    def is_trusted(self, root: str) -> bool:
        """Whether what comes from this folder may run and count. Unknown is no."""
        return self.said_of(root) is True

    def said_of(self, root: str) -> bool | None:
        """The editor's word, else the person's; None when nobody has said."""
        return self._of_editor if self._of_editor is not None else self._kept(normalise(root))

    def source_of(self, root: str) -> Source:
        if self._of_editor is not None:
            return "editor"
        return "nobody" if self._kept(normalise(root)) is None else "you"

    def _kept(self, root: str) -> bool | None:
        """One small read for each folder and server."""
        if root not in self._known:
            path = to_path(root)
            try:
                self._known[root] = self._store.read(path) if path else None
            except CopydeskError as error:
                self._known[root] = None
                self._tell(str(error))
        return self._known[root]

    def _tell(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say("warning", text)

    # --- who says so ---

    def take_editor(self, trusted: object) -> None:
        """`workspaceTrusted` of the client's settings; anything but true and false is nothing said."""
        said = trusted if isinstance(trusted, bool) else None
        if said != self._of_editor:
            self._of_editor = said
            self._tell_changed()

    async def set(self, root: str, trusted: bool | None) -> None:
        """The person's word on a folder, kept; None takes it back. Where it cannot be kept it holds for this run."""
        root = normalise(root)
        path = to_path(root)
        try:
            if path is None:
                raise CopydeskError(f"{root} is not a folder on this machine, so its trust is not remembered.")
            await to_thread.run_sync(self._store.write, path, trusted)
        except CopydeskError as error:
            self._say("warning", f"{error} It holds until the server ends.")
        self._known[root] = trusted
        if waiting := self._asked.get(root):
            waiting.set()
        self._tell_changed()

    async def ask_once(self, root: str, need: str) -> bool:
        """Whether the folder is trusted; asks the person, once in this run, where nobody has said.

        `need` completes "to …": "run its verify commands". Closed, or not answered: not trusted for now.
        """
        root = normalise(root)
        if self.said_of(root) is not None or self._ask is None:
            return self.is_trusted(root)
        if root in self._asked:
            await self._asked[root].wait()
            return self.is_trusted(root)
        answered = self._asked[root] = anyio.Event()
        try:
            with anyio.move_on_after(LIMIT_S):
                await self._put(root, need, answered)
        finally:
            answered.set()
        return self.is_trusted(root)

    async def ask_again(self, root: str, need: str) -> bool:
        """As `ask_once`, where a person wants to be asked."""
        waiting = self._asked.get(normalise(root))
        if waiting is None or waiting.is_set():
            self._asked.pop(normalise(root), None)
        return await self.ask_once(root, need)

    async def _put(self, root: str, need: str, answered: anyio.Event) -> None:
        assert self._ask is not None
        ask = self._ask
        where = to_path(root) or root
        text = (
            f"Do you trust {where}? Copydesk would like to {need}. What a folder brings with it can run commands on "
            "your machine; without trust its files are only read and edited."
        )

        async def put() -> None:
            choice = await ask(Question(text, (REFUSE, TRUST)))  # Enter alone takes the first in some editors
            if not answered.is_set() and choice in (TRUST, REFUSE):
                await self.set(root, choice == TRUST)
            answered.set()

        async with anyio.create_task_group() as group:
            group.start_soon(put)
            await answered.wait()
            group.cancel_scope.cancel()

    def forget_read(self) -> None:
        """The folders changed: what is kept of them is read again when it is needed."""
        self._known.clear()

    def _tell_changed(self) -> None:
        for listener in tuple(self.changed):
            listener()
