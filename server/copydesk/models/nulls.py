"""Answers without the nulls that stand for what is left out: as strict modes have it, and many models.

A null that the schema allows stays, and one in place of something required, which is a wrong answer. Pure. Start with
`without_nulls`.
"""

from collections.abc import Mapping
from typing import Any, cast

from copydesk.models.schema_reading import Schema, accepts_null, plain, resolved
from copydesk.models.shapes import problems


def without_nulls(schema: Schema, value: Any) -> Any:
    try:
        return _without(schema, value, schema)
    except RecursionError:
        return value


def _without(node: Any, value: Any, root: Schema) -> Any:
    if not isinstance(value, dict | list) or not isinstance(node, Mapping):
        return cast("Any", value)
    found = _there(cast(Schema, node), root)
    if "anyOf" in found:
        for each in found["anyOf"]:
            inner = _without(each, value, root)
            if not problems(each, inner, root):
                return inner
        return cast("Any", value)
    if isinstance(value, list):
        first, rest = found.get("prefixItems", ()), found.get("items")
        items = cast("list[Any]", value)
        return [_without(first[at] if at < len(first) else rest, each, root) for at, each in enumerate(items)]
    return _object(found, cast("dict[str, Any]", value), root)


def _object(node: Schema, value: dict[str, Any], root: Schema) -> dict[str, Any]:
    properties, required = node.get("properties", {}), node.get("required", ())
    kept: dict[str, Any] = {}
    for name, each in value.items():
        known = name in properties
        if each is None and known and name not in required and not accepts_null(properties[name], root):
            continue
        kept[name] = _without(properties[name] if known else node.get("additionalProperties"), each, root)
    return kept


def _there(node: Schema, root: Schema) -> Schema:
    """What a schema refers to, or the schema itself."""
    seen: set[str] = set()
    while "$ref" in (node := plain(node, root)) and node["$ref"] not in seen:
        seen.add(node["$ref"])
        node = resolved(node["$ref"], root) or {}
    return node
