"""Events as JSON and back. Tagged by class (`"$"`), tuples as lists; no other meaning lives here.

A record is {"v": 1, "seq": n, "at": RFC 3339, "event": {...}}. Unknown tags decode to None, so that an older
program can read past what a newer one wrote.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast, get_args

from copydesk.domain import commands, edits, events, evidence, messages, money, permissions, tools

VERSION = 1
_RAW = frozenset({"arguments", "details", "output"})
"""Fields whose value is JSON of the model's or a tool's own: kept as it is."""

_EXTRA: tuple[type, ...] = (
    messages.Message,
    messages.Task,
    messages.LineRange,
    messages.Problem,
    messages.Usage,
    money.Cost,
    tools.Location,
    edits.Base,
    edits.Origin,
    commands.SideFile,
    permissions.PermissionRequest,
    events.FileReview,
    evidence.Evidence,
    evidence.CheckRun,
    evidence.Counts,
)


def _tag(kind: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


_CLASSES: dict[str, type] = {
    _tag(kind): kind
    for kind in (*get_args(events.Event), *get_args(messages.Part), *get_args(edits.PendingEdit), *_EXTRA)
}
_TAGS = {kind: tag for tag, kind in _CLASSES.items()}
_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in _TAGS}


def encode(value: object) -> Any:
    """A JSON value. Raises TypeError for anything that is not a record's word."""
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in cast("tuple[object, ...]", value)]
    kind = type(value)
    if kind not in _TAGS:
        raise TypeError(f"{kind.__name__} has no place in a record")
    out: dict[str, Any] = {"$": _TAGS[kind]}
    for name in _NAMES[kind]:
        item = getattr(value, name)
        out[name] = item if name in _RAW else encode(item)
    return out


def decode(value: Any) -> Any:
    """The inverse of `encode`; None for a tag this version does not know."""
    if isinstance(value, list):
        return tuple(decode(item) for item in cast("list[Any]", value))
    if not isinstance(value, Mapping):
        return value
    data = cast("Mapping[str, Any]", value)
    kind = _CLASSES.get(str(data.get("$")))
    if kind is None or not is_dataclass(kind):
        return None
    known = {name: data[name] for name in _NAMES[kind] if name in data}
    return kind(**{name: item if name in _RAW else decode(item) for name, item in known.items()})
