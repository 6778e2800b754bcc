"""Reasoning of the Responses wire on its way there and back: what `Thinking.signature` holds, and the item it becomes.

`Thinking.redacted` is the item's `encrypted_content`, unchanged; `signature` says which item it was (`Origins`).
Without encrypted content only reasoning that a server shows in full travels back, and only to the model that wrote it:
with `store` off, OpenAI knows no item by its id alone. Pure. Start with `to_item`.
"""

import json
from typing import Final, cast

from copydesk.domain.frozen import frozen
from copydesk.domain.messages import Thinking

SOURCE: Final = "openai_responses"
_GAP: Final = 2
"""Characters between the parts of a summary, as they are shown."""


@frozen
class Origins:
    """Where reasoning came from: the item's id, the model, how many calls came before it in its answer, and how long
    each part of its summary is (none for reasoning that is no summary)."""

    id: str
    model: str
    n_calls_before: int = 0
    lengths: tuple[int, ...] = ()

    def to_text(self) -> str:
        return json.dumps([self.id, self.model, self.n_calls_before, *self.lengths], ensure_ascii=False)


def origins_of(part: Thinking) -> Origins | None:
    """None for reasoning that is not this wire's."""
    if part.source != SOURCE or not part.signature:
        return None
    try:
        found: object = json.loads(part.signature)
    except ValueError:
        return None
    fields = cast(list[object], found) if isinstance(found, list) else []
    match fields[:3]:
        case [str(id), str(model), int(n_calls)]:
            return Origins(id, model, n_calls, tuple(one for one in fields[3:] if isinstance(one, int)))
        case _:
            return None


def to_item(part: Thinking, origins: Origins, model: str, *, reasons: bool) -> dict[str, object] | None:
    """The item for the API, or None where this model could not read it."""
    item: dict[str, object] = {"type": "reasoning", "id": origins.id}
    if part.redacted:
        if not reasons and origins.model != model:
            return None
        summary = [{"type": "summary_text", "text": text} for text in _summary(part.text, origins.lengths)]
        return item | {"summary": summary, "encrypted_content": part.redacted}
    if origins.model != model or not part.text:
        return None
    return item | {"summary": [], "content": [{"type": "reasoning_text", "text": part.text}]}


def _summary(text: str, lengths: tuple[int, ...]) -> list[str]:
    """The parts as they came; the whole as one part where it is not as it came."""
    if not lengths or sum(lengths) + _GAP * (len(lengths) - 1) != len(text):
        return [text] if text and lengths else []
    parts: list[str] = []
    at = 0
    for length in lengths:
        parts.append(text[at : at + length])
        at += length + _GAP
    return parts
