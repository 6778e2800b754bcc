"""How a JSON Schema is read: what its references name, which schemas stand in it, what may be null.

Pure; only what `models.shapes` lets through needs to be understood. Start with `resolved`, `plain`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias, cast

from copydesk.domain.json_kinds import NOUNS, is_kind

Schema: TypeAlias = Mapping[str, Any]

ONE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
NAMED = ("properties", "$defs", "definitions", "patternProperties")
"""Where schemas stand in a schema: as a value, in a list, under names."""


def resolved(ref: object, root: Schema) -> Schema | None:
    """What a reference inside the schema names (`#`, `#/$defs/Name`); None when there is no such place."""
    if not isinstance(ref, str) or not ref.startswith("#"):
        return None
    found: object = root
    for step in ref[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = cast("Mapping[str, object]", found).get(name) if isinstance(found, Mapping) else None
    return cast("Schema", found) if isinstance(found, Mapping) else None


def accepts_null(node: Schema | bool, root: Schema, seen: tuple[str, ...] = ()) -> bool:
    if not isinstance(node, Mapping):
        return bool(node)  # `true` accepts everything
    if ref := node.get("$ref"):
        target = resolved(ref, root)
        return ref not in seen and target is not None and accepts_null(target, root, (*seen, ref))
    if any(accepts_null(each, root, seen) for key in ("anyOf", "oneOf") for each in node.get(key, ())):
        return True
    if "enum" in node or "const" in node:
        return None in node.get("enum", (node.get("const", 0),))
    return "null" in types_of(node) or not any(key in node for key in ("type", "anyOf", "oneOf", "allOf"))


def is_recursive(schema: Schema) -> bool:
    """Whether some schema stands inside itself."""

    def meets(node: Schema, inside: tuple[str, ...]) -> bool:
        if ref := node.get("$ref"):
            target = resolved(ref, schema)
            return ref in inside or (target is not None and meets(target, (*inside, ref)))
        return any(meets(each, inside) for each in children(node))

    return meets(at_root(schema), ("#",))


def at_root(schema: Schema) -> Schema:
    """The schema itself, without its definitions; what it refers to where it is only a reference."""
    seen: set[str] = set()
    node = schema
    while (ref := node.get("$ref")) is not None and ref not in seen:
        seen.add(ref)
        node = resolved(ref, schema) or {}
    return without_definitions(node)


def without_definitions(node: Schema) -> Schema:
    return {key: value for key, value in node.items() if key not in ("$defs", "definitions")}


def plain(node: Schema, root: Schema) -> Schema:
    """One schema with what says the same in several ways said in one: `anyOf` for `oneOf`, no single `allOf`.

    A reference with words beside it becomes what it names, with those words, unless that stands inside itself.
    """
    if "oneOf" in node and "anyOf" not in node:
        node = {("anyOf" if key == "oneOf" else key): value for key, value in node.items()}
    if len(node.get("allOf", ())) == 1:
        node = {**node["allOf"][0], **{key: value for key, value in node.items() if key != "allOf"}}
    beside = {key: value for key, value in node.items() if key not in ("$ref", "title", "default")}
    if "$ref" in node and beside:
        target = resolved(node["$ref"], root)
        if target is not None and not _reaches(target, node["$ref"], root, ()):
            return plain({**target, **beside}, root)
    return node


def _reaches(node: Schema, wanted: str, root: Schema, seen: tuple[str, ...]) -> bool:
    ref = node.get("$ref")
    if ref == wanted:
        return True
    if ref is not None:
        target = None if ref in seen else resolved(ref, root)
        return target is not None and _reaches(target, wanted, root, (*seen, ref))
    return any(_reaches(each, wanted, root, seen) for each in children(node))


def is_made_of_schemas(node: Schema) -> bool:
    """Whether what should be schemas are, and no `true` or `false` in their place."""
    named = [each for key in ("properties", "patternProperties") for each in node.get(key, {}).values()]
    listed = [node[key] for key in MANY if key in node]
    inner = [each for some in listed if isinstance(some, list) for each in cast("list[object]", some)]
    ones = [node[key] for key in ONE if key in node and key != "additionalProperties"]
    return all(isinstance(some, list) for some in listed) and all(
        isinstance(each, Mapping) for each in (*named, *inner, *ones)
    )


def kinds_of(values: list[Any]) -> str | list[str]:
    """The `type` of these values."""
    kinds = dict.fromkeys(next(kind for kind in NOUNS if is_kind(kind, value)) for value in values)
    return next(iter(kinds)) if len(kinds) == 1 else list(kinds)


def children(node: Schema) -> Iterator[Schema]:
    """The schemas in a schema, its definitions left out."""
    for key in ONE:
        if isinstance(node.get(key), Mapping):
            yield node[key]
    for key in MANY:
        yield from (each for each in node.get(key, ()) if isinstance(each, Mapping))
    for key in ("properties", "patternProperties"):
        yield from (each for each in node.get(key, {}).values() if isinstance(each, Mapping))


def below(node: Schema) -> Iterator[Schema]:
    for each in children(node):
        yield each
        yield from below(each)


def definitions(schema: Schema) -> Iterator[Schema]:
    for key in ("$defs", "definitions"):
        for each in schema.get(key, {}).values():
            yield each
            yield from below(each)


def untitled(node: Any) -> Any:
    """Without the titles that pydantic makes of names: they say nothing and cost tokens."""
    if not isinstance(node, Mapping):
        return node
    shown: dict[str, Any] = {}
    for key, value in cast("Mapping[str, Any]", node).items():
        if key in NAMED and isinstance(value, Mapping):
            shown[key] = {name: untitled(each) for name, each in cast("Mapping[str, Any]", value).items()}
        elif key in MANY and isinstance(value, list):
            shown[key] = [untitled(each) for each in cast("list[Any]", value)]
        elif key in ONE:
            shown[key] = untitled(value)
        elif key != "title":
            shown[key] = value
    return shown


def types_of(node: Schema) -> list[str]:
    kind = node.get("type")
    return [kind] if isinstance(kind, str) else list(cast("list[str]", kind)) if isinstance(kind, list) else []


def is_object(node: Schema) -> bool:
    return "object" in types_of(node) or "properties" in node


def has_free_keys(node: Schema) -> bool:
    """Whether an object may have keys that nobody named. Where nothing is said of them, the named ones are all."""
    free = node.get("additionalProperties")
    if free is None:
        return is_object(node) and not node.get("properties")
    return isinstance(free, Mapping) or bool(free)
