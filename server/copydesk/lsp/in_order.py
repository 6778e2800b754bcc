"""Changes that arrive in another order than they were made in: held until those before them are there.

Owns what waits; knows nothing of what a change does. Helix (25.01) may send a burst of keys in another order than they
were typed in: versions 101 and 102 before 99 and 100 were seen. Applied as they arrive they would leave another text
than the editor's. Start with `InOrder.take`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from copydesk.lsp.jobs import Spawn


LIMIT_S = 0.3
"""How long a change waits for those before it: a version may also have been left out."""
MAX_HELD = 200


class InOrder:
    """`give` applies one change. What waited too long is given on as it is, the oldest first."""

    def __init__(self, give: Callable[[Any], None], spawn: "Spawn") -> None:
        self._give = give
        self._spawn = spawn
        self._held: dict[str, dict[int, Any]] = {}

    def take(self, uri: str, version: int, last: int, change: Any) -> None:
        """`version` is the change's, `last` that of the text."""
        held = self._held.get(uri)
        if version > last + 1:
            if held is None:
                held = self._held[uri] = {}
                self._spawn(lambda: self._release_late(uri, held))
            held[version] = change
            if len(held) > MAX_HELD:
                self._release(uri)
            return
        self._give(change)
        while held and (version := version + 1) in held:
            self._give(held.pop(version))
        if held is not None and not held:
            del self._held[uri]

    def forget(self, uri: str) -> None:
        """The document was opened anew or closed."""
        self._held.pop(uri, None)

    async def _release_late(self, uri: str, held: dict[int, Any]) -> None:
        await anyio.sleep(LIMIT_S)
        if self._held.get(uri) is held:
            self._release(uri)

    def _release(self, uri: str) -> None:
        held = self._held.pop(uri)
        for version in sorted(held):
            self._give(held[version])
