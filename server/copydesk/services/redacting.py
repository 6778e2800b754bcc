"""Events without secret values: what is recorded, shown and sent to a model goes through here first.

Every text of an event is looked at, whatever event it is; names, ids and places stay. Owns which fields those are.
Start with `redacted`.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from copydesk.domain.messages import Message, Thinking
from copydesk.domain.secrets import Secrets

T = TypeVar("T")

_AS_THEY_ARE = frozenset(
    {
        "session", "turn", "call", "call_id", "id", "request", "created", "version", "model", "mode",
        "verb", "tool", "kind", "status", "state", "stop_reason", "review", "severity", "level", "language", "role",
        "content_hash", "before", "after", "blob", "media_type", "data", "signature", "redacted",
        "hunks", "decision", "effect", "options",
    }
)  # fmt: skip
"""Fields that hold our own words, hashes, places, or bytes that must travel back unchanged."""


def redacted(value: T, secrets: Secrets) -> T:
    """An event, message or task whose texts hold no secret value; the same object where nothing had to change."""
    return cast("T", _value(value, secrets))


def _value(value: Any, secrets: Secrets) -> Any:
    if isinstance(value, str):
        return secrets.redact(value)
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[Any, Any]", value), secrets)
    if isinstance(value, tuple | list):
        items = cast("list[Any]", value)
        made = [_value(item, secrets) for item in items]
        if all(one is other for one, other in zip(made, items, strict=True)):
            return items
        return tuple(made) if isinstance(value, tuple) else made
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value, secrets)
    return value


def _mapping(value: Mapping[Any, Any], secrets: Secrets) -> Mapping[Any, Any]:
    made = {_value(key, secrets): _value(item, secrets) for key, item in value.items()}
    return made if made != value else value


def _fields(value: Any, secrets: Secrets) -> Any:
    changed: dict[str, Any] = {}
    for each in fields(value):
        old = getattr(value, each.name)
        if each.name not in _AS_THEY_ARE or not isinstance(old, str | tuple):
            new = _value(old, secrets)
            if new is not old:
                changed[each.name] = new
    if not changed:
        return value
    if isinstance(value, Message) and "parts" in changed:
        changed["parts"] = tuple(part for part in changed["parts"] if not _is_spoilt(part, value))
    return replace(value, **changed)


def _is_spoilt(part: object, before: Message) -> bool:
    """Signed reasoning that is not word for word what the provider signed would be refused: it is left out."""
    return isinstance(part, Thinking) and bool(part.signature) and part not in before.parts
