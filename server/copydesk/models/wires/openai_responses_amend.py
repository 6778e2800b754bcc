"""The same Responses request for a server that refuses a part of it which can be spared.

Known refusals: a summary of the reasoning, which only verified organisations get; parameters that compatible servers
do not know; reasoning that was encrypted for another organisation or server, as after a change of key. Asking again
without is no retry: the first request was never going to work. Pure. Start with `amended`.
"""

import json
import re
from collections.abc import Collection
from typing import Any, cast

from copydesk.domain.frozen import frozen
from copydesk.models.wires.history import to_bytes

STATUSES = (400, 404, 422)
SPARED = ("reasoning.summary", "include", "prompt_cache_key", "parallel_tool_calls")
"""What a request can do without: only comfort, cache and speed hang on it."""

_REASONING = re.compile(r"encrypted[ _]content|type .?reasoning|reasoning.? item|\brs_", re.IGNORECASE)


@frozen
class Spared:
    """What a server refused: fields by their path, and reasoning items by their id."""

    paths: tuple[str, ...] = ()
    items: frozenset[str] = frozenset()

    def __or__(self, other: "Spared") -> "Spared":
        return Spared((*self.paths, *other.paths), self.items | other.items)


def amended(body: bytes, status: int, refusal: str) -> tuple[bytes, Spared] | None:
    """The request without what the refusal names, and what that is; None where nothing of it can go."""
    if status not in STATUSES:
        return None
    fields = _fields(body)
    for path in SPARED:
        if re.search(rf"[\"'`]{re.escape(path)}\\?[\"'`]", refusal) and _drop(fields, path):
            return to_bytes(fields), Spared(paths=(path,))
    if _REASONING.search(refusal) and (items := _drop_reasoning(fields)):
        return to_bytes(fields), Spared(items=items)
    return None


def without(body: bytes, spared: Spared) -> bytes:
    """The request less what its server is known to refuse."""
    fields = _fields(body)
    for path in spared.paths:
        _drop(fields, path)
    if spared.items:
        _drop_reasoning(fields, spared.items)
    return to_bytes(fields)


def _fields(body: bytes) -> dict[str, Any]:
    return cast(dict[str, Any], json.loads(body))


def _drop(fields: dict[str, Any], path: str) -> bool:
    outer, _, inner = path.partition(".")
    table = cast(dict[str, Any], fields.get(outer, {})) if inner else fields
    return table.pop(inner or outer, None) is not None


def _drop_reasoning(fields: dict[str, Any], only: Collection[str] | None = None) -> frozenset[str]:
    """Takes out reasoning items, all of them or those named; gives the ids of what went."""
    items = cast(list[dict[str, Any]], fields["input"])
    gone = [item for item in items if item.get("type") == "reasoning" and (only is None or str(item.get("id")) in only)]
    fields["input"] = [item for item in items if item not in gone]
    return frozenset(str(item.get("id")) for item in gone)
