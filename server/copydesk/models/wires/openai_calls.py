"""Tool calls of a Chat Completions stream, put together from whatever pieces a server sends.

Servers differ: no index, one index for all, an id that is repeated, late, changing or missing, a name in pieces or
repeated, arguments as an object, whole calls in one piece, calls interleaved. A call is announced once its name and
id are known and its arguments begin (a name in pieces is whole by then), or else at the end.
Knows no HTTP. Start with `Calls.feed`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

from copydesk.domain.frozen import frozen
from copydesk.domain.stream import StreamEvent, ToolCallDelta, ToolCallStart


@dataclass(slots=True)
class _Call:
    position: int
    id: str = ""
    name: str = ""
    n_arguments: int = 0
    waiting: list[str] = field(default_factory=list[str])
    seen: list[str] = field(default_factory=list[str])
    announced: bool = False
    signature: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether its arguments are already a whole JSON object."""
        text = "".join(self.seen).strip()
        if not text.endswith("}"):
            return False
        try:
            return isinstance(json.loads(text), dict)
        except ValueError:
            return False


@frozen
class _Piece:
    index: int | None
    id: str
    name: str
    arguments: str
    signature: str = ""


class Calls:
    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        return len(self._calls)

    def feed(self, entries: Iterable[object]) -> list[StreamEvent]:
        """The `tool_calls` of one delta."""
        events: list[StreamEvent] = []
        touched: set[int] = set()
        for entry in entries:
            piece = _piece(entry)
            if piece is None:
                continue
            call = self._find(piece, touched)
            touched.add(call.position)
            events += self._add(call, piece)
        return events

    def end(self) -> list[StreamEvent]:
        """Announces what was still waiting for an id or for arguments. Nameless calls get an empty name."""
        return [event for call in self._calls if not call.announced for event in self._announce(call)]

    def _find(self, piece: _Piece, touched: set[int]) -> _Call:
        known = self._known(piece, touched)
        if known is None:
            known = _Call(len(self._calls))
            self._calls.append(known)
        if piece.index is not None:
            self._by_index[piece.index] = known
        return known

    def _known(self, piece: _Piece, touched: set[int]) -> _Call | None:
        if piece.index is not None:
            call = self._by_index.get(piece.index)
            return None if call is not None and _is_another(call, piece) else call
        if piece.id:
            call = next((call for call in reversed(self._calls) if call.id == piece.id), None)
            if call is not None:
                return None if _begins_again(call, piece) else call
            last = self._calls[-1] if self._calls else None
            # An id for the first time: a new call, unless it is the late id of one that has none.
            return last if last is not None and not last.id and not piece.name else None
        last = self._calls[-1] if self._calls else None
        if last is None or (piece.name and (last.position in touched or last.n_arguments)):
            # A server that repeats the name in every piece sends pieces of one object, not a second one.
            repeats = last is not None and piece.name == last.name and not last.is_complete
            return last if repeats and last is not None and last.position not in touched else None
        return last

    def _add(self, call: _Call, piece: _Piece) -> list[StreamEvent]:
        call.id = call.id or piece.id
        call.signature = call.signature or piece.signature
        if piece.name and not call.announced:
            call.name = _joined(call.name, piece.name)
        if piece.arguments:
            call.n_arguments += len(piece.arguments)
            call.seen.append(piece.arguments)
            if call.announced:
                return [ToolCallDelta(call.position, piece.arguments)]
            call.waiting.append(piece.arguments)
        if call.announced or not (call.n_arguments and call.id and call.name):
            return []
        return self._announce(call)

    def _announce(self, call: _Call) -> list[StreamEvent]:
        call.announced = True
        events: list[StreamEvent] = [ToolCallStart(call.position, self._unique_id(call), call.name, call.signature)]
        events += [ToolCallDelta(call.position, text) for text in call.waiting]
        call.waiting.clear()
        return events

    def _unique_id(self, call: _Call) -> str:
        base = call.id or f"call_{call.position}"
        name, n = base, 1
        while name in self._ids:
            n += 1
            name = f"{base}_{n}"
        self._ids.add(name)
        return name


def _is_another(call: _Call, piece: _Piece) -> bool:
    """Whether a piece under a known index begins a further call: some servers give every call index 0."""
    if not piece.name:
        return False
    if piece.id and call.id and piece.id != call.id:
        return piece.name != call.name or not call.n_arguments or call.is_complete
    return _begins_again(call, piece)


def _begins_again(call: _Call, piece: _Piece) -> bool:
    """Whether a name comes with fresh arguments although the call has all of its own."""
    return bool(piece.name) and piece.arguments.lstrip().startswith("{") and call.is_complete


def _joined(known: str, piece: str) -> str:
    """A name in pieces, unless the server repeats the whole of it, or all of it so far."""
    return piece if piece.startswith(known) else known if known.endswith(piece) else known + piece


def _piece(entry: object) -> _Piece | None:
    if not isinstance(entry, dict):
        return None
    fields = cast(dict[str, object], entry)
    function = fields.get("function")
    inner = cast(dict[str, object], function) if isinstance(function, dict) else fields
    index, name, arguments = fields.get("index"), inner.get("name"), inner.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    call_id = fields.get("id")
    return _Piece(
        index if isinstance(index, int) else None,
        call_id if isinstance(call_id, str) else "" if call_id is None else str(call_id),
        name if isinstance(name, str) else "",
        arguments or "",
        _signature(fields.get("extra_content")),
    )


def _signature(extra: object) -> str:
    """Gemini's, on its own Chat endpoint (ai.google.dev/gemini-api/docs/thought-signatures): it must travel back."""
    google = cast(dict[str, object], extra).get("google") if isinstance(extra, dict) else None
    found = cast(dict[str, object], google).get("thought_signature") if isinstance(google, dict) else None
    return found if isinstance(found, str) else ""
