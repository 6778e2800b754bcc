"""JSON Schemas of answers, made fit for what each provider takes. Pure: the wires call it, it knows no wire.

What a provider cannot enforce goes into the descriptions as words; the answer is checked against the schema as it was
given all the same (`models.structured`), so nothing is lost that was asked. Start with `fits_strict`, `strict_schema`.
The rules are from OpenAI's guide "Structured Outputs, supported schemas", Anthropic's "Structured outputs, JSON Schema
limitations" and Gemini's reference of `Schema`, as of 2026.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias, cast

from copydesk.models.schema_reading import (
    Schema,
    accepts_null,
    at_root,
    below,
    children,
    definitions,
    has_free_keys,
    is_made_of_schemas,
    is_object,
    is_recursive,
    kinds_of,
    plain,
    resolved,
    types_of,
    untitled,
    without_definitions,
)

Dialect: TypeAlias = Literal["openai", "anthropic"]

MAX_PROPERTIES = 5_000
MAX_LEVELS = 10
MAX_ENUM_VALUES = 1_000
MAX_ENUM_CHARS = 15_000
MAX_NAME_CHARS = 64
MAX_UNROLLED = 2
"""How often a schema may stand inside itself where references cannot be sent."""

NULL: Schema = {"type": "null"}
_STRICT_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
_GEMINI_FORMATS = ("date-time", "enum", "float", "double", "int32", "int64")
_STRICT = ("type", "description", "enum", "const", "anyOf", "items", "properties", "pattern", "format")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems")
_GEMINI = ("type", "description", "enum", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength")
_IN_WORDS: Mapping[str, str] = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "pattern": "matches the regular expression {}",
    "format": "as {}",
}
_HARD_PATTERN = re.compile(r"\(\?|\\[1-9bB]")
"""Look-around, references to groups and word boundaries: no provider's grammar has them."""


# --- strict modes -------------------------------------------------------------------------------------------


def fits_strict(schema: Schema, dialect: Dialect = "openai") -> bool:
    """Whether `strict_schema` says what `schema` says: each answer that is wanted can be given.

    Not for objects with free keys, tuples, values of any kind, and what only a full validator understands.
    """
    root = at_root(schema)
    if root.get("type") != "object" or "anyOf" in plain(root, schema) or not _within_limits(schema):
        return False
    if dialect == "anthropic" and is_recursive(schema):
        return False
    return all(_fits(node, schema) for node in (root, *below(root), *definitions(schema)))


def strict_schema(schema: Schema, dialect: Dialect = "openai") -> dict[str, Any]:
    """For `strict: true`: every object closed. With OpenAI every property is required, and null stands for one that is
    left out, which `without_nulls` takes out again. Anthropic's dialect has no bounds; there they are words.
    """
    leaves_out = dialect == "anthropic"

    def made(node: Schema) -> dict[str, Any]:
        node = plain(node, schema)
        if "$ref" in node:
            return {"$ref": node["$ref"]}
        kept = {key: node[key] for key in (*_STRICT, *_BOUNDS) if key in node and not _only_words(key, node, dialect)}
        kept = _with_type(kept)
        if "anyOf" in kept:
            kept["anyOf"] = [made(each) for each in kept["anyOf"]]
        if "items" in kept:
            kept["items"] = made(kept["items"])
        if is_object(node):
            kept["properties"] = {
                name: made(each) if leaves_out or name in node.get("required", ()) else _nullable(each, made, schema)
                for name, each in node.get("properties", {}).items()
            }
            asked = node.get("required", ()) if leaves_out else kept["properties"]
            kept["required"] = [name for name in kept["properties"] if name in asked]
            kept["additionalProperties"] = False
        return _described(kept, [key for key in node if key not in kept], node)

    whole = made(at_root(schema))
    found = _used_definitions(whole, schema, made)
    return {**whole, "$defs": found} if found else whole


def _with_type(node: dict[str, Any]) -> dict[str, Any]:
    if "type" in node or not ("enum" in node or "const" in node):
        return node
    return {"type": kinds_of(node.get("enum", [node.get("const")])), **node}


def _only_words(key: str, node: Schema, dialect: Dialect) -> bool:
    """Whether this provider's grammar does not know the keyword as it stands here."""
    match key:
        case "format":
            return node[key] not in _STRICT_FORMATS
        case "pattern":
            return bool(_HARD_PATTERN.search(node[key]))
        case "minItems" if dialect == "anthropic":
            return node[key] > 1
        case _:
            return dialect == "anthropic" and key in _BOUNDS


def _fits(node: Schema, root: Schema) -> bool:
    node = plain(node, root)
    if not is_made_of_schemas(node) or any(
        key in node for key in ("allOf", "not", "if", "prefixItems", "patternProperties", "contains")
    ):
        return False
    if "$ref" in node:
        return resolved(node["$ref"], root) is not None
    if any(isinstance(value, dict | list) for value in node.get("enum", ())):
        return False
    if is_object(node):
        return not has_free_keys(node)
    if "array" in types_of(node):
        return isinstance(node.get("items"), Mapping)
    return any(key in node for key in ("type", "anyOf", "enum", "const"))


def _within_limits(schema: Schema) -> bool:
    nodes = [at_root(schema), *below(at_root(schema)), *definitions(schema)]
    values = [value for node in nodes for value in node.get("enum", ())]
    n_chars = sum(len(value) for value in values if isinstance(value, str))
    if len(values) > MAX_ENUM_VALUES or (len(values) > 250 and n_chars > MAX_ENUM_CHARS):
        return False
    n_properties = sum(len(node.get("properties", ())) for node in nodes)
    return n_properties <= MAX_PROPERTIES and _levels(at_root(schema), schema, ()) <= MAX_LEVELS


def _levels(node: Schema, root: Schema, seen: tuple[str, ...]) -> int:
    """How deep objects stand in each other; what stands in itself counts once."""
    if ref := node.get("$ref"):
        target = resolved(ref, root)
        return 0 if target is None or ref in seen else _levels(target, root, (*seen, ref))
    inner = max((_levels(each, root, seen) for each in children(node)), default=0)
    return inner + is_object(node)


# --- Gemini -------------------------------------------------------------------------------------------------


def fits_gemini(schema: Schema) -> bool:
    """Whether `responseSchema` can say it; `responseJsonSchema` can also say recursion, tuples, free keys."""
    root = at_root(schema)
    if root.get("type") != "object" or is_recursive(schema):
        return False
    nodes = (root, *below(root), *definitions(schema))
    return all(_fits(node, schema) and (not is_object(node) or node.get("properties")) for node in nodes)


def gemini_schema(schema: Schema) -> dict[str, Any]:
    """For `generationConfig.responseSchema`, which takes a part of OpenAPI's: no references, `nullable`, upper case.

    The order of properties is kept by `propertyOrdering`. What stands inside itself is cut off some levels down.
    """

    def made(node: Schema, inside: tuple[str, ...]) -> dict[str, Any] | None:
        while "$ref" in (node := plain(node, schema)):
            ref = node["$ref"]
            target = resolved(ref, schema)
            if target is None or inside.count(ref) >= MAX_UNROLLED:
                return None
            inside, node = (*inside, ref), target
        node = _with_enum(node)
        kept = {key: node[key] for key in _GEMINI if key in node and key != "type"}
        if node.get("format") in _GEMINI_FORMATS:
            kept["format"] = node["format"]
        _add_types(kept, node, [found for each in node.get("anyOf", ()) if (found := made(each, inside)) is not None])
        _put_enum(kept)
        items = node.get("items") or {"anyOf": node.get("prefixItems", ())}
        if kept.get("type") == "ARRAY":
            kept["items"] = made(items, inside)
            if kept["items"] is None:
                return None  # nothing but itself could stand in it
        if is_object(node):
            every = {name: made(each, inside) for name, each in node.get("properties", {}).items()}
            properties = {name: each for name, each in every.items() if each is not None}
            kept["properties"], kept["propertyOrdering"] = properties, list(properties)
            kept["required"] = [name for name in node.get("required", ()) if name in properties]
        if "type" not in kept and "anyOf" not in kept:
            return None
        return _described(kept, [key for key in node if key not in kept], node)

    return made(at_root(schema), ()) or {"type": "OBJECT"}


def _add_types(kept: dict[str, Any], node: Schema, options: list[dict[str, Any]]) -> None:
    """Gemini's one `type`, with `nullable` beside it, or `anyOf`."""
    types = [name for name in types_of(node) if name != "null"]
    options += [{"type": name.upper()} for name in types] if len(types) > 1 else []
    real = [each for each in options if each.get("type") != "NULL"]
    if len(real) < len(options) or "null" in types_of(node) or None in node.get("enum", ()):
        kept["nullable"] = True
    if len(real) == 1:
        inner = real[0]
        kept |= {key: value for key, value in inner.items() if key not in kept}
    elif real:
        kept["anyOf"] = real
    elif len(types) == 1:
        kept["type"] = types[0].upper()
    elif types_of(node) == ["null"]:
        kept["type"] = "NULL"


def _put_enum(kept: dict[str, Any]) -> None:
    """Gemini's `enum` has texts only; other values are told in words."""
    values = [value for value in kept.pop("enum", ()) if value is not None]
    kinds: set[type] = {type(value) for value in values}
    if kinds == {str}:
        kept |= {"type": "STRING", "format": "enum", "enum": values}
    elif kinds == {int}:
        kept |= {"type": "INTEGER", "format": "enum", "enum": [str(value) for value in values]}
    elif values:
        said = f"one of {json.dumps(values, ensure_ascii=False)}"
        kept["description"] = f"{kept['description']} ({said})" if kept.get("description") else said


def _with_enum(node: Schema) -> Schema:
    """`const` as an `enum` of one, which is all that Gemini knows."""
    return {**node, "enum": [node["const"]]} if "const" in node and "enum" not in node else node


# --- words --------------------------------------------------------------------------------------------------


def schema_words(schema: Schema) -> str:
    """The instruction for models that take no schema, or only JSON mode (which asks for the word JSON)."""
    shown = json.dumps(untitled(schema), ensure_ascii=False, separators=(",", ":"))
    return (
        "Answer with one JSON object and nothing else: no words before or after it, no code fence. "
        f"It must fit this JSON Schema:\n{shown}"
    )


def schema_name(title: str) -> str:
    """A name that providers take: letters, digits, `_` and `-`."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", title).strip("_")[:MAX_NAME_CHARS] or "answer"


def _used_definitions(
    whole: Schema, schema: Schema, made: Callable[[Schema], dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """The definitions that are still referred to, made too. Their references are moved to `$defs`."""
    found: dict[str, dict[str, Any]] = {}
    waiting: list[Any] = [whole]
    while waiting:
        for node in (root := waiting.pop(), *below(root)):
            ref = node.get("$ref")
            target = resolved(ref, schema) if ref is not None else None
            if target is None:
                continue
            name = "root" if ref == "#" else str(ref).rsplit("/", 1)[-1]
            cast("dict[str, Any]", node)["$ref"] = f"#/$defs/{name}"
            if name not in found:
                found[name] = made(without_definitions(target))
                waiting.append(found[name])
    return found


def _nullable(node: Schema, made: Callable[[Schema], dict[str, Any]], root: Schema) -> dict[str, Any]:
    kept = made(node)
    if accepts_null(node, root):
        return kept
    if list(kept) == ["anyOf"]:
        return {"anyOf": [*kept["anyOf"], NULL]}
    return {"anyOf": [kept, NULL]}


def _described(kept: dict[str, Any], left_out: list[str], node: Schema) -> dict[str, Any]:
    """With what the keywords that are left out say in its description."""
    words = [_IN_WORDS[key].format(node[key]) for key in left_out if key in _IN_WORDS]
    words += ["no two alike"] if node.get("uniqueItems") is True else []
    if not words:
        return kept
    said = kept.get("description", "")
    return {**kept, "description": f"{said} ({', '.join(words)})" if said else ", ".join(words)}
