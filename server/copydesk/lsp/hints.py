"""Hint diagnostics on pending hunks, kept true while people type and decide.

Owns what is published where, and when: at once when hunks change, `QUIET_S` after the last key in a document that has
some. It decides nothing. Start with `Hints.publish`.
A file that never had a hunk hears nothing. What was typed is only marked; a task of the connection does the rest, so
that no keystroke waits. While it works, more may be typed: such a document is left for the next round.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

from copydesk.domain.errors import CopydeskError
from copydesk.domain.review import Hunk
from copydesk.lsp.client import ClientError
from copydesk.lsp.jobs import Spawn
from copydesk.lsp.pending import CODE, SOURCE, OpenDocuments, Reviews, Shapes, seen_in, summary
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.lsp.client import Client

JsonObject: TypeAlias = dict[str, Any]

QUIET_S = 0.2
MAX_HINTS = 1_000
"""In one document; the rest is in the diff."""
REFRESH_LIMIT_S = 5.0
PUBLISH = "textDocument/publishDiagnostics"
_HINT = 4


class Hints:
    def __init__(
        self,
        client: "Client",
        reviews: Reviews,
        documents: OpenDocuments,
        shapes: Shapes,
        spawn: Spawn,
    ) -> None:
        self._client = client
        self._reviews = reviews
        self._documents = documents
        self._shapes = shapes
        self._spawn = spawn
        self.followers: list[Callable[[], Awaitable[None]]] = []
        """Awaited after each round in which hunks may have changed: they show the same hunks elsewhere."""
        self.interests: list[Callable[[str], bool]] = []
        """Which files the followers show though nothing waits there: typing in them is a round too."""
        self._published: dict[str, tuple[int, JsonObject]] = {}
        self._lenses: tuple[Hunk, ...] = ()
        self._news = False
        self._typed: set[str] = set()
        self._last_key = 0.0
        self._running = False
        self._stopped = False
        self._woken = anyio.Event()
        reviews.listeners.append(self._changed)
        documents.listeners.append(self._edited)

    def start(self) -> None:
        """Publishes what an earlier server left to decide."""
        self._news = True
        self._wake()

    # --- what is heard; none of it waits ---

    def _changed(self, uris: frozenset[str]) -> None:
        if uris:
            self._news = True
            self._wake()

    def _edited(self, uri: str) -> None:
        """Called for every keystroke in any document: those without hunks cost one look."""
        if uri not in self._published and not any(shows(uri) for shows in self.interests):
            return
        opened = self._documents.get(uri)
        self._typed.add(uri)
        self._last_key = anyio.current_time()
        if opened is None and uri in self._published:
            self._clear(uri)
            self._published[uri] = (0, {})
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
        if not self._running and not self._stopped:
            self._running = True
            self._spawn(self._rounds)

    # --- rounds ---

    async def _rounds(self) -> None:
        try:
            while (self._news or self._typed) and not self._stopped:
                await self._round()
        finally:
            self._running = False

    async def _round(self) -> None:
        self._woken = anyio.Event()
        if self._typed:
            quiet_in = self._last_key + QUIET_S - anyio.current_time()
            if not self._news and quiet_in > 0:
                with anyio.move_on_after(quiet_in):
                    await self._woken.wait()
                return
            self._typed.clear()
            with suppress(CopydeskError):  # a file that cannot be read now: what was worked out before still shows
                await self._reviews.refresh()
        self._news = False
        hunks = self._reviews.hunks()
        self.publish(hunks)
        await self._follow(hunks)

    async def _follow(self, hunks: tuple[Hunk, ...]) -> None:
        if hunks != self._lenses:
            self._lenses = hunks
            if self._client.supports("workspace.codeLens.refreshSupport"):
                self._spawn(self._refresh_lenses)
        for follower in self.followers:
            await follower()

    async def _refresh_lenses(self) -> None:
        with suppress(ClientError):  # it asks again by itself, sooner or later
            await self._client.request("workspace/codeLens/refresh", timeout_s=REFRESH_LIMIT_S)

    # --- publishing ---

    def publish(self, hunks: Iterable[Hunk]) -> None:
        """Sends what differs from what the client was last told."""
        by_uri: dict[str, list[Hunk]] = {}
        for hunk in hunks:
            by_uri.setdefault(normalise(seen_in(hunk)), []).append(hunk)
        for uri in tuple(self._published):
            if uri not in by_uri:
                self._clear(uri)
        for uri, found in by_uri.items():
            if uri not in self._typed:
                self._tell(uri, found)

    def _tell(self, uri: str, hunks: Sequence[Hunk]) -> None:
        opened = self._documents.get(uri)
        params: JsonObject = {
            "uri": self._shapes.spelled(uri),
            "diagnostics": [self._hint(h) for h in hunks[:MAX_HINTS]],
        }
        if opened and self._client.supports("textDocument.publishDiagnostics.versionSupport"):
            params["version"] = opened.version
        told = (opened.epoch if opened else 0, params)
        before = self._published.get(uri)
        if before == told:
            return
        if before and before[1] and before[1]["uri"] != params["uri"]:
            self._clear(uri)
        self._published[uri] = told
        self._client.notify(PUBLISH, params)

    def _hint(self, hunk: Hunk) -> JsonObject:
        return {
            "range": self._shapes.range(hunk),
            "severity": _HINT,
            "source": SOURCE,
            "code": CODE,
            "message": f"Pending: {summary(hunk)}",
            "data": {"hunk": hunk.id, "turn": hunk.turn},
        }

    def _clear(self, uri: str) -> None:
        _, told = self._published.pop(uri)
        if told:
            self._client.notify(PUBLISH, {"uri": told["uri"], "diagnostics": []})

    def stop(self) -> None:
        """Takes back every hint; nothing is published any more."""
        self._stopped = True
        for uri in tuple(self._published):
            self._clear(uri)
