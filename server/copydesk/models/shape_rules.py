"""Which JSON Schemas a person or a plug-in may ask answers in: whatever `shapes` can check, and nothing that it cannot.

A keyword that would be passed over in silence is refused, before anything is sent. Pure. Start with `refuse_unusable`.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from copydesk.domain.errors import BadSchema
from copydesk.domain.json_kinds import NOUNS, is_kind
from copydesk.models.schema_reading import MANY, Schema, at_root, resolved, types_of

MAX_CHARS = 200_000
MAX_PROBLEMS = 8

_NOTES = (
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "format",
    "contentMediaType",
    "contentEncoding",
    "discriminator",
    "propertyOrdering",
)
"""Say nothing that has to be checked. `format` is, where it is one that is known."""
_UNSUPPORTED = (
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "additionalItems",
    "$anchor",
    "$dynamicRef",
    "$dynamicAnchor",
    "$recursiveRef",
    "$vocabulary",
)


def refuse_unusable(schema: object) -> Schema:
    """The schema, when answers can be asked for in it. Raises `BadSchema` that names every place and why."""
    if not isinstance(schema, Mapping):
        raise _unusable(["it must be a JSON object"])
    found: list[str] = []
    whole = cast(Schema, schema)
    try:
        if len(json.dumps(whole)) > MAX_CHARS:
            raise _unusable([f"it is longer than {MAX_CHARS:,} characters"])
        _Rules(whole).check(whole, "", found)
        if not found and types_of(at_root(whole)) != ["object"]:
            found.append('its own `type` must be "object": answers are JSON objects')
    except RecursionError:
        found = ["it is nested too deeply"]
    except (TypeError, ValueError) as error:
        found = [f"it is not JSON ({error})"]
    if found:
        raise _unusable(found)
    return whole


def _unusable(found: list[str]) -> BadSchema:
    more = f"; and {len(found) - MAX_PROBLEMS} more" if len(found) > MAX_PROBLEMS else ""
    return BadSchema(
        f"The schema cannot be used: {'; '.join(found[:MAX_PROBLEMS])}{more}.",
        advice="docs/PROTOCOL.md lists what a schema may hold.",
    )


class _Rules:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def check(self, schema: object, path: str, found: list[str]) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            found.append(f"{_at(path)} must be a schema, which is an object")
            return
        node = cast(Schema, schema)
        for key, value in node.items():
            self._keyword(key, value, f"{path}/{key}", found)
        if self._only_refers_to_itself(node, []):
            found.append(f"{_at(path)} stands for nothing but itself")

    def _keyword(self, key: str, value: Any, path: str, found: list[str]) -> None:
        if key in _NOTES or key.startswith("x-"):
            return
        if key in _UNSUPPORTED:
            found.append(f"`{key}` at {_at(path.rpartition('/')[0])} is not supported")
        elif key in _VALUES:
            test, expected = _VALUES[key]
            if not test(value):
                found.append(f"{_at(path)} must be {expected}")
        elif key == "$ref":
            if resolved(value, self._root) is None:
                found.append(f"{_at(path)} must name a place in this schema, such as #/$defs/Name, not {value!r}")
        elif key in ("properties", "$defs", "definitions"):
            self._named(value, path, found)
        elif key in MANY:
            self._listed(value, path, found)
        elif key in ("items", "additionalProperties"):
            self.check(value, path, found)
        else:
            found.append(f"`{key}` at {_at(path.rpartition('/')[0])} is not a keyword that is known")

    def _named(self, value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, Mapping):
            found.append(f"{_at(path)} must be an object")
            return
        for name, each in cast("Mapping[str, object]", value).items():
            self.check(each, f"{path}/{name}", found)

    def _listed(self, value: object, path: str, found: list[str]) -> None:
        if not isinstance(value, list) or not value:
            found.append(f"{_at(path)} must be a list of schemas")
            return
        for index, each in enumerate(cast("list[object]", value)):
            self.check(each, f"{path}/{index}", found)

    def _only_refers_to_itself(self, node: object, seen: list[object]) -> bool:
        """Whether checking a value by it would never end: it comes to itself with nothing in between."""
        if any(node is one for one in seen):
            return True
        if not isinstance(node, Mapping):
            return False
        fields = cast(Schema, node)
        inner = [each for key in ("anyOf", "oneOf", "allOf") for each in _as_list(fields.get(key))]
        if "$ref" in fields:
            inner.append(resolved(fields["$ref"], self._root))
        return any(self._only_refers_to_itself(each, [*seen, node]) for each in inner)


def _as_list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _at(path: str) -> str:
    return f"#{path}"


def _is_types(value: object) -> bool:
    given = cast("list[object]", value) if isinstance(value, list) else [value]
    return bool(given) and all(isinstance(each, str) and each in NOUNS for each in given)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in cast("list[object]", value))


def _is_number(value: object) -> bool:
    return is_kind("number", value)


def _is_count(value: object) -> bool:
    return is_kind("integer", value) and cast("int", value) >= 0


def _is_pattern(value: object) -> bool:
    try:
        re.compile(cast("str", value))
    except (re.error, OverflowError, TypeError, RecursionError):
        return False
    return True


_NUMBER = (_is_number, "a number")
_COUNT = (_is_count, "a whole number, 0 or more")
_VALUES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "type": (_is_types, f"one of {', '.join(NOUNS)}, or a list of them"),
    "enum": (lambda value: isinstance(value, list) and bool(cast("list[object]", value)), "a list of values"),
    "const": (lambda value: True, "a value"),
    "required": (_is_texts, "a list of names"),
    "minimum": _NUMBER,
    "maximum": _NUMBER,
    "exclusiveMinimum": _NUMBER,
    "exclusiveMaximum": _NUMBER,
    "multipleOf": (lambda value: _is_number(value) and cast("float", value) > 0, "a number above 0"),
    "minLength": _COUNT,
    "maxLength": _COUNT,
    "minItems": _COUNT,
    "maxItems": _COUNT,
    "minProperties": _COUNT,
    "maxProperties": _COUNT,
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    "pattern": (_is_pattern, "a regular expression that Python knows"),
}
