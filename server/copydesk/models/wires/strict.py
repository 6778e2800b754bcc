"""Whether a JSON Schema fits OpenAI's strict mode, in which the answer is held to it while it is written.

Strict mode takes a subset, and refuses the request for anything else: every object lists all its properties as
required and allows no others, and only some keywords exist (the guide "Structured model outputs", supported
schemas). A schema that does not fit is still sent, just not as strict. Pure. Start with `fits_strict`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

DEEPEST = 10
MOST_PROPERTIES = 5_000

_WORDS = frozenset({"title", "description", "$schema", "$id"})
_KEYWORDS = _WORDS | {
    *("type", "enum", "const", "anyOf", "$ref", "$defs", "definitions"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


def fits_strict(schema: Mapping[str, Any]) -> bool:
    """Whether strict mode takes this schema as it is."""
    if schema.get("type") != "object" or "anyOf" in schema or "$ref" in schema:
        return False  # the root must be a plain object
    n_properties = 0
    waiting: list[tuple[object, int]] = [(schema, 1)]
    while waiting:
        found, depth = waiting.pop()
        if not isinstance(found, Mapping) or depth > DEEPEST:
            return False
        node = cast(Mapping[str, Any], found)
        if not _fits(node):
            return False
        n_properties += len(_table(node, "properties"))
        waiting += ((inner, depth + deeper) for inner, deeper in _inner(node))
    return n_properties <= MOST_PROPERTIES


def _fits(node: Mapping[str, Any]) -> bool:
    if not _KEYWORDS.issuperset(node):
        return False
    if "$ref" in node:
        return len(node) == 1
    if not {"type", "enum", "const", "anyOf"}.intersection(node):
        return False
    if node.get("format", "date") not in _FORMATS:
        return False
    kinds = node.get("type")
    kinds = cast(list[object], kinds) if isinstance(kinds, list) else [kinds]
    if "array" in kinds and "items" not in node:
        return False
    if "object" in kinds or "properties" in node:
        required = node.get("required", [])
        listed = set(cast(list[str], required)) if isinstance(required, list) else set[str]()
        return node.get("additionalProperties") is False and listed == set(_table(node, "properties"))
    return True


def _inner(node: Mapping[str, Any]) -> Iterator[tuple[object, int]]:
    """The schemas inside one, and whether each is a level deeper."""
    for name in ("$defs", "definitions"):
        yield from ((inner, 0) for inner in _table(node, name).values())
    yield from ((inner, 1) for inner in _table(node, "properties").values())
    if "items" in node:
        yield node["items"], 1
    choices = node.get("anyOf")
    if choices is not None:
        yield from ((inner, 0) for inner in (cast(list[object], choices) if isinstance(choices, list) else [None]))


def _table(node: Mapping[str, Any], name: str) -> Mapping[str, object]:
    found = node.get(name)
    return cast(Mapping[str, object], found) if isinstance(found, Mapping) else {}
