"""Checks a JSON value against a JSON Schema, strictly: nothing is coerced, every problem is told with its place.

Owns the part of draft 2020-12 that `shape_rules` lets through; formats that are known are checked too. Pure, and apart
from the check of tool arguments, which coerces (docs/decisions/020). Start with `problems`.
"""

import datetime
import difflib
import ipaddress
import json
import re
import uuid
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias, cast

from copydesk.domain.json_kinds import NOUNS, is_kind, shown
from copydesk.models.schema_reading import Schema, resolved, types_of

Problem: TypeAlias = tuple[str, str]
"""A place in the value (`items[2].name`, empty for the whole) and what is wrong there."""

MAX_PROBLEMS = 8
TOO_DEEP = "is nested too deeply"


class Misfit(Exception):
    """A JSON value that does not fit."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems


def problems(schema: Schema, value: Any, root: Schema | None = None) -> tuple[Problem, ...]:
    """What is wrong with `value`, at most the first few; empty when it fits. Never raises.

    `root` is the whole that references name places in, where `schema` is a part of it.
    """
    found: list[Problem] = []
    try:
        _Check(schema if root is None else root).value(schema, value, "", found)
    except RecursionError:
        return (("", TOO_DEEP),)
    return tuple(found[:MAX_PROBLEMS])


class _Check:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def value(self, schema: Any, value: Any, path: str, found: list[Problem]) -> None:
        if not isinstance(schema, Mapping):
            if schema is False:
                found.append((path, "must not be there"))
            return
        node = cast(Schema, schema)
        if "$ref" in node:
            self.value(resolved(node["$ref"], self._root), value, path, found)
        wrong = _type_problem(node, value) or _choice_problem(node, value)
        if wrong:
            found.append((path, wrong))
            return
        found += ((path, words) for words in _bound_problems(node, value))
        if isinstance(value, dict):
            self._object(node, cast("dict[str, Any]", value), path, found)
        elif isinstance(value, list):
            self._array(node, cast("list[Any]", value), path, found)
        self._combined(node, value, path, found)

    def _object(self, node: Schema, value: dict[str, Any], path: str, found: list[Problem]) -> None:
        properties = cast("Mapping[str, Any]", node.get("properties", {}))
        for name in node.get("required", ()):
            if name not in value:
                found.append((_joined(path, name), f"is required{_wanted(properties.get(name))}"))
        others = node.get("additionalProperties", True)
        for name, each in value.items():
            if name in properties:
                self.value(properties[name], each, _joined(path, name), found)
            elif others is False:
                found.append((_joined(path, name), f"is not a property here{_meant(name, properties)}"))
            else:
                self.value(others, each, _joined(path, name), found)

    def _array(self, node: Schema, value: list[Any], path: str, found: list[Problem]) -> None:
        first = cast("list[Any]", node.get("prefixItems", []))
        for index, each in enumerate(value):
            inner = first[index] if index < len(first) else node.get("items", True)
            self.value(inner, each, f"{path}[{index}]", found)
        if node.get("uniqueItems") is True and len({canonical(each) for each in value}) < len(value):
            found.append((path, "must have no two items alike"))

    def _combined(self, node: Schema, value: Any, path: str, found: list[Problem]) -> None:
        for each in node.get("allOf", ()):
            self.value(each, value, path, found)
        for key in ("anyOf", "oneOf"):
            if key in node:
                found += self._one_of(node[key], value, path, only=key == "oneOf")

    def _one_of(self, options: list[Any], value: Any, path: str, *, only: bool) -> list[Problem]:
        tries: list[list[Problem]] = []
        for option in options:
            tries.append([])
            self.value(option, value, path, tries[-1])
        n_fitting = sum(not wrong for wrong in tries)
        if n_fitting == 1 or (n_fitting and not only):
            return []
        if n_fitting:
            return [(path, f"must fit one of {len(options)} forms only, but fits {n_fitting}")]
        near = [wrong for wrong in tries if any(place != path for place, _ in wrong)]
        if len(near) == 1:  # the one that is meant, as its kind is the right one
            return near[0]
        said = [words for wrong in tries for place, words in wrong[:1] if place == path]
        return [(path, f"fits none of {len(options)} forms: {'; '.join(dict.fromkeys(said)) or shown(value)}")]


def canonical(value: Any) -> str:
    """Equal for what JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return "{" + ",".join(f"{json.dumps(key)}:{canonical(fields[key])}" for key in sorted(fields)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(each) for each in cast("list[Any]", value)) + "]"
    return json.dumps(value)


# --- one keyword each ---------------------------------------------------------------------------------------


def _type_problem(node: Schema, value: Any) -> str:
    kinds = types_of(node)
    whole = int(value) if isinstance(value, float) and value.is_integer() else value  # 2.0 is an integer
    if not kinds or any(is_kind(kind, value) or is_kind(kind, whole) for kind in kinds):
        return ""
    return f"must be {' or '.join(NOUNS.get(kind, kind) for kind in kinds)}, got {shown(value)}"


def _choice_problem(node: Schema, value: Any) -> str:
    choices = cast("list[Any]", node["enum"] if "enum" in node else [node["const"]] if "const" in node else [])
    if not choices or canonical(value) in {canonical(choice) for choice in choices}:
        return ""
    listed = ", ".join(shown(choice) for choice in choices[:20]) + (" …" if len(choices) > 20 else "")
    return f"must be {'one of ' if len(choices) > 1 else ''}{listed}, got {shown(value)}"


def _bound_problems(node: Schema, value: Any) -> list[str]:
    match value:
        case bool() | None:
            return []
        case str():
            return _text_problems(node, value)
        case int() | float():
            return _number_problems(node, value)
        case list():
            return _count_problems(node, len(cast("list[Any]", value)), "minItems", "maxItems", "items")
        case _:
            return _count_problems(node, len(value), "minProperties", "maxProperties", "properties")


def _count_problems(node: Schema, n: int, least: str, most: str, noun: str) -> list[str]:
    found = [f"must have at least {node[least]} {noun}, has {n}"] if n < node.get(least, 0) else []
    return found + ([f"must have at most {node[most]} {noun}, has {n}"] if n > node.get(most, n) else [])


def _text_problems(node: Schema, value: str) -> list[str]:
    found = _count_problems(node, len(value), "minLength", "maxLength", "characters")
    pattern, form = node.get("pattern"), node.get("format")
    if pattern is not None and not re.search(pattern, value):
        found.append(f"must match {pattern}, got {shown(value)}")
    if isinstance(form, str) and form in _FORMATS and not _is_form(form, value):
        found.append(f"must be a {form}, got {shown(value)}")
    return found


def _number_problems(node: Schema, value: float) -> list[str]:
    found = [f"must be at least {node['minimum']}, got {shown(value)}"] if value < node.get("minimum", value) else []
    if value > node.get("maximum", value):
        found.append(f"must be at most {node['maximum']}, got {shown(value)}")
    if "exclusiveMinimum" in node and value <= node["exclusiveMinimum"]:
        found.append(f"must be more than {node['exclusiveMinimum']}, got {shown(value)}")
    if "exclusiveMaximum" in node and value >= node["exclusiveMaximum"]:
        found.append(f"must be less than {node['exclusiveMaximum']}, got {shown(value)}")
    if "multipleOf" in node and Fraction(str(value)) % Fraction(str(node["multipleOf"])):
        found.append(f"must be a multiple of {node['multipleOf']}, got {shown(value)}")
    return found


# --- formats ------------------------------------------------------------------------------------------------

_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}(\.\d+)?([zZ]|[+-]\d{2}:\d{2})"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def _real_date(text: str) -> object:
    return datetime.date.fromisoformat(text[:10])


def _real_time(text: str) -> object:
    return datetime.time.fromisoformat(text[:8].replace(":60", ":59"))  # leap seconds


def _anything(text: str) -> object:
    return text


_FORMATS: Mapping[str, tuple[str, Callable[[str], object]]] = {
    "date": (_DATE, _real_date),
    "time": (_TIME, _real_time),
    "date-time": (f"{_DATE}[Tt ]{_TIME}", lambda text: (_real_date(text), _real_time(text[11:]))),
    "duration": (r"P(?!$)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)", _anything),
    "email": (rf"[^@\s]+@{_LABEL}(\.{_LABEL})*", _anything),
    "hostname": (rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", _anything),
    "ipv4": (r".*", ipaddress.IPv4Address),
    "ipv6": (r".*", ipaddress.IPv6Address),
    "uuid": (r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", uuid.UUID),
    "uri": (r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*", _anything),
}
"""A pattern of the whole, and what raises ValueError where the pattern is not enough."""


def _is_form(form: str, value: str) -> bool:
    pattern, read = _FORMATS[form]
    if not re.fullmatch(pattern, value):
        return False
    try:
        read(value)
    except ValueError:
        return False
    return True


# --- words --------------------------------------------------------------------------------------------------


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _wanted(schema: object) -> str:
    kinds = types_of(cast(Schema, schema)) if isinstance(schema, Mapping) else []
    return f" ({' or '.join(NOUNS.get(kind, kind) for kind in kinds)})" if kinds else ""


def _meant(name: str, properties: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, properties, n=1, cutoff=0.5)
    return f" (did you mean `{near[0]}`?)" if near else ""
