"""The items of a Responses stream, put together from whatever events a server sends.

OpenAI sends an item's beginning, its pieces and its whole; other servers only pieces or only wholes, no index, one
index for all, or an id that is another one in every event. What was said is remembered piece by piece, so that a
whole adds only what is missing. Reasoning that can travel back leaves as `ThinkingEnd` (see `openai_reasoning`).
Knows no HTTP. Start with `Items.piece` and `Items.done`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from copydesk.domain.stream import (
    FinishReason,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
)
from copydesk.models.wires.openai_reasoning import SOURCE, Origins
from copydesk.models.wires.think_tags import Piece, ThinkTags

Slot: TypeAlias = Literal["text", "refusal", "summary", "reasoning", "arguments"]
Kind: TypeAlias = Literal["message", "reasoning", "function_call", "other"]

_KIND: dict[Slot, Kind] = {
    "text": "message",
    "refusal": "message",
    "summary": "reasoning",
    "reasoning": "reasoning",
    "arguments": "function_call",
}
_PART: dict[object, tuple[Slot, str]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "summary_text": ("summary", "text"),
    "reasoning_text": ("reasoning", "text"),
}
"""The kinds of content parts: where they go, and the field that has the text."""
BREAK = "\n\n"
"""Between two messages of one answer, and between two parts of a summary."""


@dataclass(slots=True)
class _Item:
    """`said` holds the pieces by where they stand; a person sees the reasoning in `shown`, of which `n_shown` came."""

    kind: Kind
    id: str = ""
    position: int = 0
    call_id: str = ""
    name: str = ""
    begun: bool = False
    announced: bool = False
    done: bool = False
    n_calls_before: int = 0
    shown: Slot | None = None
    n_shown: int = 0
    said: dict[tuple[Slot, int], list[str]] = field(default_factory=dict[tuple[Slot, int], list[str]])

    def text(self, slot: Slot, index: int = 0) -> str:
        return "".join(self.said.get((slot, index), ()))

    def lengths(self) -> list[int]:
        """Of the parts that were shown, in order."""
        return [len("".join(pieces)) for (slot, _), pieces in self.said.items() if slot == self.shown]


class Items:
    """The items of one answer, of the model named `model`."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._items: list[_Item] = []
        self._by_index: dict[int, _Item] = {}
        self._by_id: dict[str, _Item] = {}
        self._tags = ThinkTags()
        self._thinking = False
        self._text_of: _Item | None = None
        self._call_ids: set[str] = set()
        self._n_calls = 0
        self._refused = False
        self._broken = False

    @property
    def all_done(self) -> bool:
        return bool(self._items) and all(item.done for item in self._items)

    def natural_end(self) -> FinishReason:
        if self._refused:
            return "refusal"
        if self._broken:
            return "cut_off"
        return "tool_calls" if self._n_calls else "end_turn"

    def added(self, payload: dict[str, Any]) -> list[StreamEvent]:
        """An item begins."""
        data, index = _dict(payload.get("item")), _index(payload, "output_index")
        kind, known = _kind(data), self._by_index.get(index) if index is not None else None
        fits = known is not None and known.kind == kind and not known.done and not known.begun
        item = known if fits and known is not None else self._new(kind, index)
        item.begun = True
        return self._name(item, data)

    def piece(self, payload: dict[str, Any], slot: Slot) -> list[StreamEvent]:
        """A further piece of an item's text or arguments."""
        item, delta = self._find(payload, _KIND[slot]), payload.get("delta")
        if isinstance(delta, dict):  # an early form of reasoning deltas
            delta = cast(dict[str, object], delta).get("text")
        if item is None or not isinstance(delta, str) or not delta:
            return []
        return self._say(item, slot, _at(payload, slot), delta)

    def whole(self, payload: dict[str, Any], slot: Slot, text: object) -> list[StreamEvent]:
        """The whole of what the pieces said."""
        item = self._find(payload, _KIND[slot])
        if item is None:
            return []
        events = self._name(item, payload) if slot == "arguments" else []
        return events + self._complete(item, slot, _at(payload, slot), text)

    def part_done(self, payload: dict[str, Any]) -> list[StreamEvent]:
        part = _dict(payload.get("part"))
        if part.get("type") not in _PART:
            return []
        slot, name = _PART[part["type"]]
        return self.whole(payload, slot, part.get(name))

    def done(self, payload: dict[str, Any]) -> list[StreamEvent]:
        """An item is whole."""
        data, index = _dict(payload.get("item")), _index(payload, "output_index")
        item = self._done_item(data, index)
        if item.done:
            return []
        return self._take(item, data)

    def fill(self, output: object) -> list[StreamEvent]:
        """What the end lists and the stream left out: all that a server says which sends nothing but the end."""
        listed = [_dict(one) for one in cast(list[object], output)] if isinstance(output, list) else []
        had = {item.kind for item in self._items if item.said or item.done}
        calls = {item.call_id for item in self._items if item.kind == "function_call"}
        events: list[StreamEvent] = []
        for data in listed:
            kind, call_id = _kind(data), data.get("call_id")
            new_call = kind == "function_call" and isinstance(call_id, str) and call_id and call_id not in calls
            if kind not in had or new_call:
                events += self._take(self._new(kind, None), data)
        return events

    def end(self) -> list[StreamEvent]:
        """What was held back. Calls without a name or an id are announced as they are."""
        events = self._flush_tags() + self._end_thinking()
        for item in self._items:
            if item.kind == "function_call" and not item.announced:
                events += self._announce(item)
        return events

    def _find(self, payload: dict[str, Any], kind: Kind) -> _Item | None:
        """The item that a piece belongs to, made when there is none; None for one that already was whole."""
        index, id = _index(payload, "output_index"), payload.get("item_id")
        item = self._by_id.get(id) if isinstance(id, str) else None
        if item is None or item.kind != kind:
            item = self._by_index.get(index) if index is not None else self._last_open(kind)
        if item is None or item.kind != kind:
            item = self._new(kind, index)
            self._remember(item, id)
        return None if item.done else item

    def _last_open(self, kind: Kind) -> _Item | None:
        return next((item for item in reversed(self._items) if item.kind == kind and not item.done), None)

    def _done_item(self, data: dict[str, Any], index: int | None) -> _Item:
        kind, id = _kind(data), data.get("id")
        item = self._by_id.get(id) if isinstance(id, str) else None
        if item is not None and item.kind == kind:
            return item
        item = self._by_index.get(index) if index is not None else self._last_open(kind)
        if item is None or item.kind != kind:
            return self._new(kind, index)
        other = isinstance(id, str) and bool(item.id) and id != item.id
        # One index for every item is no index.
        return self._new(kind, index) if item.done and other else item

    def _new(self, kind: Kind, index: int | None) -> _Item:
        item = _Item(kind, n_calls_before=self._n_calls)
        if kind == "function_call":
            item.position = self._n_calls
            self._n_calls += 1
        self._items.append(item)
        if index is not None:
            self._by_index[index] = item
        return item

    def _remember(self, item: _Item, id: object) -> None:
        if isinstance(id, str) and id:
            item.id = id
            self._by_id[id] = item

    def _name(self, item: _Item, data: dict[str, Any]) -> list[StreamEvent]:
        """Takes the item's id, and a call's id and name; announces a call that has both."""
        self._remember(item, data.get("id"))
        if item.kind != "function_call" or item.announced:
            return []
        item.call_id = item.call_id or _string(data.get("call_id"))
        item.name = item.name or _string(data.get("name"))
        return self._announce(item) if item.call_id and item.name else []

    def _announce(self, item: _Item) -> list[StreamEvent]:
        item.announced = True
        item.call_id = self._unique_id(item)
        events: list[StreamEvent] = [*self._flush_tags(), *self._end_thinking()]
        events.append(ToolCallStart(item.position, item.call_id, item.name))
        waiting = item.text("arguments")
        return [*events, ToolCallDelta(item.position, waiting)] if waiting else events

    def _unique_id(self, item: _Item) -> str:
        base = item.call_id or item.id or f"call_{item.position}"
        name, n = base, 1
        while name in self._call_ids:
            n += 1
            name = f"{base}_{n}"
        self._call_ids.add(name)
        return name

    def _say(self, item: _Item, slot: Slot, index: int, text: str) -> list[StreamEvent]:
        known = item.said.get((slot, index))
        first = known is None
        if known is None:
            known = item.said[slot, index] = []
        known.append(text)
        match slot:
            case "text":
                return self._say_text(item, text)
            case "refusal":
                self._refused = True
                return [*self._flush_tags(), *self._end_thinking(), RefusalDelta(text)]
            case "arguments":
                return [ToolCallDelta(item.position, text)] if item.announced else []
            case "summary" | "reasoning":
                item.shown = item.shown or slot
                if item.shown != slot:
                    return []  # a server that gives both gives the same in other words
                self._thinking = True
                gap = BREAK if first and item.n_shown else ""
                item.n_shown += first
                return [*self._flush_tags(), ThinkingDelta(gap + text)]

    def _say_text(self, item: _Item, text: str) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if self._text_of is not item:
            events = self._flush_tags()
            if self._text_of is not None and not text[:1].isspace():
                events.append(TextDelta(BREAK))
            self._text_of = item
        for piece in self._tags.feed(text):
            events += self._from_piece(piece)
        return events

    def _complete(self, item: _Item, slot: Slot, index: int, whole: object) -> list[StreamEvent]:
        """Says what the pieces left out. Where they said something else, that stays: it cannot be taken back."""
        if slot == "arguments" and whole is not None and not isinstance(whole, str):
            whole = json.dumps(whole, ensure_ascii=False)
        if not isinstance(whole, str) or not whole:
            return []
        said = item.text(slot, index)
        if whole.startswith(said):
            return self._say(item, slot, index, whole[len(said) :]) if len(whole) > len(said) else []
        if slot == "arguments" and not _is_object(said):
            self._broken = True  # what came is neither whole nor the beginning of the whole: it must never run
        return []

    def _take(self, item: _Item, data: dict[str, Any]) -> list[StreamEvent]:
        """The whole item, less what was said of it."""
        events = self._name(item, data)
        for slot, index, text in _contents(item.kind, data):
            events += self._complete(item, slot, index, text)
        if item.kind == "function_call":
            self._broken |= data.get("status") == "incomplete"
            if not item.announced:
                events += self._announce(item)
        elif item.kind == "reasoning":
            events += self._end_reasoning(item, data)
        else:
            events += self._flush_tags()
        item.done = True
        return events

    def _end_reasoning(self, item: _Item, data: dict[str, Any]) -> list[StreamEvent]:
        encrypted = _string(data.get("encrypted_content"))
        raw = item.shown == "reasoning" and not encrypted
        if not item.id or not (encrypted or raw):
            return self._end_thinking()
        lengths = tuple(item.lengths()) if item.shown == "summary" else ()
        origins = Origins(item.id, self._model, item.n_calls_before, lengths)
        self._thinking = False
        return [*self._flush_tags(), ThinkingEnd(origins.to_text(), encrypted, SOURCE)]

    def _from_piece(self, piece: Piece) -> list[StreamEvent]:
        if piece.ends:
            return self._end_thinking()
        if piece.thinking:
            self._thinking = True
            return [ThinkingDelta(piece.text)]
        return [*self._end_thinking(), TextDelta(piece.text)]

    def _flush_tags(self) -> list[StreamEvent]:
        return [event for piece in self._tags.end() for event in self._from_piece(piece)]

    def _end_thinking(self) -> list[StreamEvent]:
        was, self._thinking = self._thinking, False
        return [ThinkingEnd()] if was else []


def _contents(kind: Kind, data: dict[str, Any]) -> Iterator[tuple[Slot, int, object]]:
    """The texts of a whole item and where they stand."""
    if kind == "function_call":
        yield "arguments", 0, data.get("arguments")
    for name in ("summary", "content"):
        parts = data.get(name)
        if kind not in ("message", "reasoning") or not isinstance(parts, list):
            continue
        for index, part in enumerate(cast(list[object], parts)):
            found = _PART.get(_dict(part).get("type"))
            if found is not None and _KIND[found[0]] == kind:
                yield found[0], index, _dict(part).get(found[1])


def _kind(data: dict[str, Any]) -> Kind:
    kind = data.get("type")
    return kind if kind in ("message", "reasoning", "function_call") else "other"


def _at(payload: dict[str, Any], slot: Slot) -> int:
    return _index(payload, "summary_index" if slot == "summary" else "content_index") or 0 if slot != "arguments" else 0


def _index(payload: dict[str, Any], name: str) -> int | None:
    value = payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _dict(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""
