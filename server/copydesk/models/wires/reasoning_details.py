"""OpenRouter's `reasoning_details`: the blocks of a model's reasoning, put together from a stream and sent back.

OpenRouter asks that they travel back unchanged with the tool calls they led to: Claude's signatures and Gemini's
thought signatures are in them (openrouter.ai/docs/use-cases/reasoning-tokens, "Preserving reasoning blocks"). In a
stream one block comes in several pieces under one `index`, its signature last and alone; as pieces it is refused.
Knows no HTTP. Start with `Details.feed`; `SOURCE` marks what it keeps.
"""

import json
from typing import Any, Final, cast

SOURCE: Final = "openrouter"
_GROWS: Final = ("text", "summary", "data")


class Details:
    """The blocks of one answer."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, Any]] = []

    def feed(self, entries: object) -> str:
        """One delta's list. Gives the text of it that a person can read."""
        if not isinstance(entries, list):
            return ""
        pieces = [cast(dict[str, Any], one) for one in cast(list[object], entries) if isinstance(one, dict)]
        for piece in pieces:
            self._add(piece)
        return "".join(text for one in pieces if isinstance(text := one.get("text") or one.get("summary"), str))

    def _add(self, piece: dict[str, Any]) -> None:
        place = (piece.get("index"), piece.get("type"))
        known = next((one for one in self._blocks if (one.get("index"), one.get("type")) == place), None)
        if known is None or place[0] is None:
            self._blocks.append(dict(piece))
            return
        for name, value in piece.items():
            if name in _GROWS and isinstance(value, str) and isinstance(known.get(name), str):
                known[name] += value
            elif value is not None:
                known[name] = value

    def text(self) -> str:
        """All blocks as JSON, to be kept; empty when they hold nothing but text, which nobody asks back."""
        if not any(one.get("signature") or one.get("data") for one in self._blocks):
            return ""
        return json.dumps(self._blocks, ensure_ascii=False)


def blocks(kept: str) -> list[object]:
    """What `Details.text` kept, as it goes back."""
    try:
        found: object = json.loads(kept)
    except (ValueError, RecursionError):
        return []
    return cast(list[object], found) if isinstance(found, list) else []
