"""Shapes that are Python types: pydantic makes their schema and reads the answer. The one module that imports pydantic.

Import it where a typed answer is asked for, not at the top of a module (docs/decisions/070). Start with `TypedShape`.
"""

import json
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from copydesk.domain.errors import BadSchema
from copydesk.domain.stream import OutputSchema
from copydesk.models.schema_reading import at_root
from copydesk.models.schemas import schema_name
from copydesk.models.shapes import MAX_PROBLEMS, Misfit, Problem

T = TypeVar("T")

ONLY = "value"
"""The property that holds what is no object itself: answers are objects."""


class TypedShape(Generic[T]):
    """Whatever pydantic has a schema for. A list, a union or an enum is asked for as the one property of an object."""

    def __init__(self, kind: type[T]) -> None:
        """Raises `BadSchema` for a type that has no JSON Schema."""
        self._reader: TypeAdapter[T] = TypeAdapter(kind)
        try:
            schema = self._reader.json_schema()
        except PydanticInvalidForJsonSchema as error:
            raise BadSchema(f"No answer can be asked for as {kind!r}: {error.message}.") from error
        root = at_root(schema)
        self._wrapped = root.get("type") != "object" or "anyOf" in root
        self.schema = OutputSchema(schema_name(_title(kind)), _in_object(schema) if self._wrapped else schema)

    def read(self, value: dict[str, Any]) -> T:
        inner = value.get(ONLY) if self._wrapped else value
        if self._wrapped and ONLY not in value:
            raise Misfit(((ONLY, "is required"),))
        try:
            return self._reader.validate_json(json.dumps(inner))
        except ValidationError as error:
            prefix = (ONLY,) if self._wrapped else ()
            raise Misfit(tuple(_problem(each, prefix) for each in error.errors()[:MAX_PROBLEMS])) from None
        except RecursionError:
            raise Misfit((("", "is nested too deeply"),)) from None


def _title(kind: Any) -> str:
    name = getattr(kind, "__name__", "")
    return name if isinstance(name, str) and name not in ("list", "dict", "tuple", "set") else ""


def _in_object(schema: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    whole: dict[str, Any] = {"type": "object", "properties": {ONLY: inner}, "required": [ONLY]}
    return {**whole, "$defs": schema["$defs"]} if "$defs" in schema else whole


def _problem(error: Any, prefix: tuple[str, ...]) -> Problem:
    place = ""
    for step in (*prefix, *error["loc"]):
        place += f"[{step}]" if isinstance(step, int) else f".{step}" if place else str(step)
    return place, str(error["msg"])
