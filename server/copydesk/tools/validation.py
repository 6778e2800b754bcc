"""Checks a call's arguments against its schema and says every problem in words a model can act on.

Owns the subset of JSON schema that our tools use: type, required, enum, properties, additionalProperties false,
items, minimum, maximum, minItems. Knows no tool. Start with `checked`; why it is ours: docs/decisions/020.
"""

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.frozen import frozen
from copydesk.domain.json_kinds import NOUNS, is_kind, shown
from copydesk.domain.tools import ToolSpec

Schema: TypeAlias = Mapping[str, Any]


@frozen
class Checked:
    """The arguments after safe coercions, and every problem found. Use the arguments only without problems."""

    arguments: dict[str, Any]
    problems: tuple[str, ...] = ()


def checked(spec: ToolSpec, arguments: object) -> dict[str, Any]:
    """The arguments a tool may see. Raises `InvalidArguments` that names every problem."""
    found = check(spec.parameters, arguments)
    if found.problems:
        advice = f"Call {spec.name} again with {_usage(spec.parameters)}."
        raise InvalidArguments(f"{spec.name}: {'; '.join(found.problems)}.", advice=advice)
    return found.arguments


def check(schema: Schema, arguments: object) -> Checked:
    """Checks `arguments` against a schema of type object. Never raises."""
    problems: list[str] = []
    value = _checked_value(schema, arguments, "", problems)
    return Checked(cast("dict[str, Any]", value) if isinstance(value, dict) else {}, tuple(problems))


def _checked_value(schema: Schema, value: object, path: str, problems: list[str]) -> object:
    value = _coerced(schema, value)
    if not _fits(schema, value):
        problems.append(f"{_named(path)} must be {_expected(schema)}, got {shown(value)}")
        return value
    if isinstance(value, dict):
        return _checked_object(schema, cast("dict[str, object]", value), path, problems)
    if isinstance(value, list):
        return _checked_items(schema.get("items", {}), cast("list[object]", value), path, problems)
    return value


def _checked_items(schema: Schema, items: list[object], path: str, problems: list[str]) -> list[object]:
    return [_checked_value(schema, item, f"{path}[{i}]", problems) for i, item in enumerate(items)]


def _checked_object(schema: Schema, value: dict[str, object], path: str, problems: list[str]) -> dict[str, object]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required: list[str] = schema.get("required", [])
    for name in required:
        if value.get(name) is None:
            problems.append(f"{_named(_joined(path, name))} is required ({_expected(properties[name])})")
    kept: dict[str, object] = {}
    for name, item in value.items():
        if name in properties:
            if item is not None:  # null means "not given": models fill optional arguments with it
                kept[name] = _checked_value(properties[name], item, _joined(path, name), problems)
        elif schema.get("additionalProperties", True):
            kept[name] = item
        else:
            problems.append(f"{_named(_joined(path, name))} is not an argument{_meant(name, properties)}")
    return kept


# --- coercion: only where no other reading is possible -----------------------------------------------------


def _coerced(schema: Schema, value: object) -> object:
    kind = schema.get("type")
    if isinstance(value, str):
        return _from_text(kind, value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _from_text(kind: object, text: str) -> object:
    bare = text.strip()
    match kind:
        case "integer" if re.fullmatch(r"[+-]?[0-9]{1,15}", bare):
            return int(bare)
        case "number" if re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]+)?", bare):
            return float(bare)
        case "boolean" if bare.lower() in ("true", "false"):
            return bare.lower() == "true"
        case "array" | "object":
            return _from_json(text, list if kind == "array" else dict)
        case _:
            return text


def _from_json(text: str, wanted: type) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, wanted) else text


# --- the words ---------------------------------------------------------------------------------------------


def _fits(schema: Schema, value: object) -> bool:
    if not is_kind(schema.get("type"), value):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    return not (isinstance(value, list) and len(cast("list[object]", value)) < schema.get("minItems", 0))


def _expected(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice) for choice in schema["enum"])
    words = NOUNS.get(schema.get("type", ""), "a value")
    if "items" in schema:
        words += " of " + {"string": "strings", "integer": "integers"}.get(schema["items"].get("type"), "values")
    if schema.get("minItems"):
        words += f" with at least {schema['minItems']}"
    if "minimum" in schema:
        words += f" ≥ {schema['minimum']}"
    if "maximum" in schema:
        words += f"{' and' if 'minimum' in schema else ''} ≤ {schema['maximum']}"
    return words


def _usage(schema: Schema) -> str:
    required: list[str] = schema.get("required", [])
    names = [f"`{name}`" + ("" if name in required else " (optional)") for name in schema.get("properties", {})]
    return ", ".join(names) or "no arguments"


def _meant(name: str, properties: Mapping[str, Schema]) -> str:
    near = difflib.get_close_matches(name, properties, n=1, cutoff=0.5)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _named(path: str) -> str:
    return f"`{path}`" if path else "the arguments"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
