"""An output schema as the wires put it: in their own field, as a tool that must be called, or in words.

Pure. Start with `Entry.schema` (which form a model takes), then `strict`, `closed`, `ANSWER` and `in_words`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from copydesk.domain.stream import OutputSchema

ANSWER: Final = "copydesk_answer"
"""The tool that stands for the answer. Its arguments come out of the wires as the answer's text, never as a call."""
ANSWER_DESCRIPTION: Final = "Gives the answer. Call it once, when the answer is ready."
IN_WORDS: Final = (
    "Answer with one JSON object and nothing else: no words before or behind it, no Markdown fence. "
    "It must be valid by this JSON Schema:\n"
)

_STRICT: Final = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs"),
        *("definitions", "description", "title", "pattern", "format", "minimum", "maximum", "exclusiveMinimum"),
        *("exclusiveMaximum", "multipleOf", "minItems", "maxItems"),
    }
)
"""What OpenAI's strict mode knows (platform.openai.com/docs/guides/structured-outputs, "Supported schemas")."""
_DROPPED: Final = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("maxItems", "uniqueItems", "minProperties", "maxProperties", "$schema", "$id"),
    }
)
"""What Anthropic refuses in a schema (platform.claude.com/docs, "JSON Schema limitations"); the reader still checks."""

Node = dict[str, Any]


def in_words(schema: OutputSchema) -> str:
    return IN_WORDS + json.dumps(schema.schema, ensure_ascii=False, separators=(",", ":"))


def strict(schema: Mapping[str, Any]) -> bool:
    """Whether OpenAI's strict mode takes it: all objects closed, all their properties required, nothing unknown."""
    return schema.get("type") == "object" and all(_is_strict(node) for node in _nodes(schema))


def _is_strict(node: Mapping[str, Any]) -> bool:
    if not node.keys() <= _STRICT or not node.keys() & {"type", "anyOf", "$ref", "enum", "const"}:
        return False
    if not _is_object(node):
        return True
    properties: Mapping[str, Any] = node.get("properties") or {}
    return node.get("additionalProperties") is False and set(node.get("required") or ()) == set(properties)


def closed(schema: Mapping[str, Any]) -> Node | None:
    """The schema as Anthropic takes it; None where it cannot be said there: objects of any names, recursion."""
    if _is_recursive(schema):
        return None
    try:
        return _closed(schema)
    except _Open:
        return None


class _Open(Exception):
    """An object whose names are not known."""


def _closed(node: Mapping[str, Any]) -> Node:
    out = {key: value for key, value in node.items() if key not in _DROPPED}
    if out.get("minItems", 0) not in (0, 1):
        del out["minItems"]
    for key in ("properties", "$defs", "definitions"):
        if key in out:
            out[key] = {name: _closed(each) for name, each in out[key].items()}
    for key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        if key in out:
            out[key] = [_closed(each) for each in out[key]]
    if isinstance(out.get("items"), dict):
        out["items"] = _closed(out["items"])
    if _is_object(out):
        if out.get("additionalProperties", False) is not False or not ("properties" in out or "$ref" in out):
            raise _Open
        out["additionalProperties"] = False
    return out


def _is_object(node: Mapping[str, Any]) -> bool:
    kind: object = node.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in node


def _nodes(value: object) -> Iterator[Node]:
    """Every schema within a schema, itself first."""
    if not isinstance(value, dict):
        return
    node = cast(Node, value)
    yield node
    for key, each in node.items():
        if key in ("properties", "$defs", "definitions") and isinstance(each, dict):
            for inner in cast(Node, each).values():
                yield from _nodes(inner)
        elif key in ("anyOf", "allOf", "oneOf", "prefixItems") and isinstance(each, list):
            for inner in cast(list[object], each):
                yield from _nodes(inner)
        elif key in ("items", "additionalProperties"):
            yield from _nodes(each)


def _is_recursive(schema: Mapping[str, Any]) -> bool:
    """Whether following references can come back to where it began."""
    named: dict[str, Any] = {"#": {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}}
    for place in ("$defs", "definitions"):
        for name, node in cast(Node, schema.get(place) or {}).items():
            named[f"#/{place}/{name}"] = node
    leads = {name: {each["$ref"] for each in _nodes(node) if "$ref" in each} for name, node in named.items()}
    open_, done = set[str](), set[str]()

    def returns(name: str) -> bool:
        if name in open_ or name in done:
            return name in open_
        open_.add(name)
        found = any(returns(each) for each in leads.get(name, ()))
        open_.discard(name)
        done.add(name)
        return found

    return any(returns(name) for name in leads)
