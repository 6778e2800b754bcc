"""What the editor's other language servers know: `domain.ports.EditorCode` over `copydesk/editor/codeIntel`.

Owns the asking: how long, how many at a time, when to leave it for a while, and that we do not answer ourselves. What
an answer says is read in `code_reading`. Start with `LspEditorCode`.
An editor may ask us too while it works out an answer for us (its hover comes from all its servers): that hover is
known by its place, and answered with nothing.
"""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import anyio

from copydesk.lsp.client import ClientError
from copydesk.lsp.code_reading import CodeReader, NotUnderstood, read_hover
from copydesk.text.positions import from_codepoints
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.domain.editor_code import CodeSpot, TextsNow
    from copydesk.domain.messages import Problem
    from copydesk.domain.ports import Found, Symbol
    from copydesk.lsp.arguments import ClientRange
    from copydesk.lsp.client import Client

log = logging.getLogger("copydesk.lsp")

METHOD = "copydesk/editor/codeIntel"
LIMIT_S = 2.0
"""From the question to its answer read."""
MAX_ASKED = 4
"""Questions at a time: a server that is asked too much answers nobody, the person least of all."""
MAX_FAILED = 3
PAUSE_S = 60.0
MAX_PAUSE_S = 600.0
ECHO_S = 3.0
"""How long after a question that was not answered in time its echo may still come."""

JsonObject: TypeAlias = dict[str, Any]
T = TypeVar("T")
_NOT_READ: Final = "the answer is none that LSP has"


class LspEditorCode:
    """One client's servers. `spell` gives a document's URI as the editor spells it."""

    def __init__(
        self, client: "Client", spell: Callable[[str], str] = str, *, limit_s: float = LIMIT_S, pause_s: float = PAUSE_S
    ) -> None:
        self._client = client
        self._spell = spell
        self._limit_s = limit_s
        self._room = anyio.Semaphore(MAX_ASKED)
        self._health = _Health(pause_s)
        self._echoes = _Echoes()

    @property
    def available(self) -> bool:
        return METHOD in self._client.experimental and not self._health.is_paused

    def is_echo(self, uri: str, at: "ClientRange") -> bool:
        """Whether a hover that the client asks for is only our own question to it, come back."""
        return self._echoes.has((normalise(uri), at.start_line, at.start_units))

    # --- questions ---

    async def definition(self, spot: "CodeSpot", now: "TextsNow") -> "tuple[Found, ...] | None":
        return await self._places("definition", spot, now)

    async def references(self, spot: "CodeSpot", now: "TextsNow") -> "tuple[Found, ...] | None":
        return await self._places("references", spot, now)

    async def hover(self, spot: "CodeSpot") -> str | None:
        params = self._at("hover", spot)
        place = (normalise(spot.uri), spot.line, params["position"]["character"])
        with self._echoes.of(place):
            said = await self._ask(params, read_hover)
            if said is not None:
                self._echoes.answered(place)
            return said

    async def symbols(self, uri: str, now: "TextsNow") -> "tuple[Symbol, ...] | None":
        params = {"action": "symbols", "uri": self._spell(uri)}
        return await self._ask(params, lambda answer: self._read(now, lambda reader: reader.symbols(answer, uri)))

    async def find_symbols(self, query: str, now: "TextsNow") -> "tuple[Symbol, ...] | None":
        params = {"action": "symbols", "query": query}
        return await self._ask(params, lambda answer: self._read(now, lambda reader: reader.symbols(answer)))

    async def problems(self, uri: str | None, now: "TextsNow") -> "tuple[Problem, ...] | None":
        params = {"action": "diagnostics", **({"uri": self._spell(uri)} if uri else {})}
        return await self._ask(params, lambda answer: self._read(now, lambda reader: reader.problems(answer)))

    async def _places(self, action: str, spot: "CodeSpot", now: "TextsNow") -> "tuple[Found, ...] | None":
        params = self._at(action, spot)
        return await self._ask(params, lambda answer: self._read(now, lambda reader: reader.places(answer)))

    def _at(self, action: str, spot: "CodeSpot") -> JsonObject:
        units = from_codepoints(spot.line_text, spot.column, self._client.encoding)
        return {"action": action, "uri": self._spell(spot.uri), "position": {"line": spot.line, "character": units}}

    # --- asking ---

    async def _ask(self, params: JsonObject, read: Callable[[object], T]) -> T | None:
        """None where the editor failed, or is not asked for now. `read` runs in a thread: it may read files."""
        if not self.available:
            return None
        action, problem = str(params["action"]), ""
        is_asked = False
        with anyio.move_on_after(self._limit_s) as limit:
            async with self._room:
                if limit.deadline - anyio.current_time() < self._limit_s / 4:
                    return None  # it waited for other questions, and no answer could come in time
                is_asked = True
                try:
                    answer = await self._client.request(METHOD, params, timeout_s=None)
                    found = await anyio.to_thread.run_sync(read, answer, abandon_on_cancel=True)
                except ClientError as error:
                    problem = error.message
                except NotUnderstood as error:
                    problem = f"{_NOT_READ} ({error})"
                else:
                    self._health.succeeded()
                    return found
        if limit.cancelled_caught:
            problem = f"no answer within {self._limit_s:g} s"
        if is_asked:  # else it waited for other questions only
            self._health.failed(action, problem)
        return None

    def _read(self, now: "TextsNow", read: Callable[[CodeReader], T]) -> T:
        reader = CodeReader(self._client.encoding, now())
        found = read(reader)
        if reader.n_ignored:
            self._health.ignored(reader.n_ignored)
        return found


class _Health:
    """When the editor is left alone: after some failures in a row, each time for longer, until it answers again."""

    def __init__(self, pause_s: float) -> None:
        self._first_pause_s = self._pause_s = pause_s
        self._n_failed = 0
        self._until = float("-inf")
        self._is_said = False
        self._has_ignored = False

    @property
    def is_paused(self) -> bool:
        return anyio.current_time() < self._until

    def succeeded(self) -> None:
        if self._is_said:
            log.info("the editor answers %s again", METHOD)
        self._n_failed, self._pause_s, self._is_said = 0, self._first_pause_s, False

    def failed(self, action: str, problem: str) -> None:
        log.debug("the editor's servers were of no help for %s: %s", action, problem)
        self._n_failed += 1
        if self._n_failed < MAX_FAILED or self.is_paused:
            return
        if not self._is_said:
            log.warning(
                "the editor failed %d times in a row at %s (last: %s: %s); our own analysers answer for the next %g s",
                self._n_failed, METHOD, action, problem, self._pause_s,
            )  # fmt: skip
        self._is_said = True
        self._until = anyio.current_time() + self._pause_s
        self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)

    def ignored(self, n_items: int) -> None:
        """Once as a warning: a server that sends such things sends many."""
        level = logging.DEBUG if self._has_ignored else logging.WARNING
        self._has_ignored = True
        log.log(level, "%d items of an answer to %s are malformed or out of date, and left out", n_items, METHOD)


_Key: TypeAlias = tuple[str, int, int]


class _Echoes:
    """The places that are asked about now, or were without an answer a moment ago."""

    def __init__(self) -> None:
        self._until: dict[_Key, float] = {}
        self._n_asking: dict[_Key, int] = {}

    @contextmanager
    def of(self, place: _Key) -> Generator[None]:
        now = anyio.current_time()
        self._until = {key: until for key, until in self._until.items() if until > now}
        self._until[place] = now + LIMIT_S + ECHO_S
        self._n_asking[place] = self._n_asking.get(place, 0) + 1
        try:
            yield
        finally:
            self._n_asking[place] -= 1
            if not self._n_asking[place]:
                del self._n_asking[place]

    def has(self, place: _Key) -> bool:
        return place in self._n_asking or anyio.current_time() < self._until.get(place, 0)

    def answered(self, place: _Key) -> None:
        self._until.pop(place, None)
