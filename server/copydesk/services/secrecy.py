"""Keeps what is known of this workspace's secrets true: looks into its secret files and open buffers for their values.

At a turn's start, and again while one runs; in a thread, and never longer than a person would notice. Owns when that
is done; what a secret is says `safety`. Start with `Secrecy.look`.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeAlias

import anyio
from anyio import to_thread

from copydesk.safety.paths import Hidden, nothing_more
from copydesk.safety.secrets.late import LateRedactor
from copydesk.workspace.shadow.secret_files import SecretFiles
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace

Mark: TypeAlias = tuple[int, int, int]
"""A file's time, size and number, as it was last read."""

WARM_UP = "token = none; a-word-that-is-long-enough"
"""Has the expressions built here, and not while the first turn is told."""
LOOK_LIMIT_S = 2.0
"""How long a turn waits for a look at a huge tree; the look itself goes on."""
AGAIN_S = 2.0
"""How long a look is good for while a turn runs."""
EARLY_S = 0.5


class Secrecy:
    """`secrets` redacts, `hidden` says which files tools keep away from; `rules` changes with what it says."""

    def __init__(
        self,
        workspace: Workspace,
        key: Callable[[], bytes],
        denied: Callable[[str], bool] = nothing_more,
        rules: Callable[[], object] = lambda: None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hidden = Hidden(denied)
        self.secrets = LateRedactor(key, self.hidden, os.environ if environment is None else environment)
        self._workspace = workspace
        self._rules = rules
        self._clock = clock
        self._seen: dict[str, Mark] = {}
        self._files: dict[str, SecretFiles] = {}
        self._buffers: dict[str, str] = {}
        self._looked_s: float | None = None
        self._looking = threading.Lock()

    async def tend(self) -> None:
        """A first look soon after the start, so that the first turn need not wait for one."""
        await anyio.sleep(EARLY_S)
        await self.look()

    async def look(self) -> None:
        """Learns the values that the workspace's secret files have now."""
        self.look_at_buffers()
        if self._looked_s is not None and self._clock() - self._looked_s < AGAIN_S:
            return
        with anyio.move_on_after(LOOK_LIMIT_S):
            await to_thread.run_sync(self.look_now, abandon_on_cancel=True)

    def look_now(self) -> None:
        """As `look`, blocking."""
        from copydesk.safety.secrets.files import news

        with self._looking:
            self._looked_s = self._clock()
            self.secrets.redact(WARM_UP)
            for uri in self._workspace.roots:
                if root := to_path(uri):
                    self.secrets.learn(news(self._files_in(root), self._seen))

    def _files_in(self, root: str) -> list[str]:
        known = self._files.setdefault(root, SecretFiles(root, self.hidden, self._rules))
        return [os.path.join(root, relative) for relative in known.find()]

    def look_at_buffers(self) -> None:
        """Values in secret files that are open, saved or not."""
        for document in self._workspace.overlay.all():
            if self._buffers.get(document.uri) != document.content_hash and self._hides(document.uri):
                self._buffers[document.uri] = document.content_hash
                from copydesk.safety.secrets.files import file_values

                self.secrets.learn(file_values(document.document.text))

    def _hides(self, uri: str) -> bool:
        path = to_path(uri)
        return self.hidden(uri) or (path is not None and self.hidden(os.path.realpath(path)))
