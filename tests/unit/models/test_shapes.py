"""JSON Schemas of persons: which can be asked for, and what is said of an answer that does not fit."""

from typing import Any

import pytest

from copydesk.domain import errors
from copydesk.models.shape_rules import refuse_unusable
from copydesk.models.shapes import problems

Json = dict[str, Any]


def of(**properties: Any) -> Json:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ([], "must be a JSON object"),
        ({"type": "array"}, '`type` must be "object"'),
        ({}, '`type` must be "object"'),
        ({"anyOf": [{"type": "object"}]}, '`type` must be "object"'),
        (of(a={"type": "strng"}), "#/properties/a/type must be one of string"),
        (of(a={"not": {}}), "`not` at #/properties/a is not supported"),
        (of(a={"if": {}, "then": {}}), "`if` at #/properties/a is not supported"),
        (of(a={"patternProperties": {}}), "`patternProperties` at #/properties/a is not supported"),
        (of(a={"require": ["x"]}), "`require` at #/properties/a is not a keyword that is known"),
        (of(a={"$ref": "#/$defs/No"}), "must name a place in this schema"),
        (of(a={"$ref": "https://example.org/x.json"}), "must name a place in this schema"),
        (of(a={"pattern": "("}), "must be a regular expression"),
        (of(a={"minLength": -1}), "must be a whole number"),
        (of(a={"minimum": True}), "must be a number"),
        (of(a={"multipleOf": 0}), "must be a number above 0"),
        (of(a={"enum": []}), "must be a list of values"),
        (of(a={"anyOf": []}), "must be a list of schemas"),
        (of(a={"items": [1]}), "must be a schema"),
        (of(a="string"), "must be a schema"),
        ({"type": "object", "properties": []}, "#/properties must be an object"),
        ({"type": "object", "required": "a"}, "must be a list of names"),
        (of(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"$ref": "#/$defs/A"}}}, "stands for nothing but itself"),
        (of(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}]}}}, "nothing but itself"),
        (of(a={"description": "x" * 200_001}), "longer than 200,000 characters"),
        (of(a={"default": {1, 2}}), "not JSON"),
    ],
)
def test_schemas_that_cannot_be_used(schema: Any, problem: str) -> None:
    with pytest.raises(errors.BadSchema) as caught:
        refuse_unusable(schema)
    assert problem in caught.value.message
    assert caught.value.advice


def test_a_schema_nested_without_end_is_refused() -> None:
    deep: Json = {"type": "object"}
    for _ in range(3_000):
        deep = of(a=deep)
    with pytest.raises(errors.BadSchema, match="nested too deeply"):
        refuse_unusable(deep)


USABLE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Everything",
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^a"},
        "n": {"type": "integer", "exclusiveMinimum": 0, "maximum": 10, "multipleOf": 2},
        "x": {"type": "number", "minimum": 0.5, "exclusiveMaximum": 1},
        "tenth": {"type": "number", "multipleOf": 0.1},
        "one": {"enum": ["a", 1, None, {"b": [1]}]},
        "const": {"const": 1},
        "list": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
        "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        "free": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1},
        "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Point"}]},
        "only": {"oneOf": [{"type": "integer"}, {"multipleOf": 5}]},
        "both": {"allOf": [{"minimum": 1}, {"maximum": 2}]},
        "maybe": {"type": ["string", "null"]},
        "any": True,
        "tree": {"$ref": "#/$defs/Tree"},
        **{
            form.replace("-", "_"): {"type": "string", "format": form}
            for form in ("date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri")
        },
        "unknown": {"type": "string", "format": "colour"},
    },
    "$defs": {
        "Point": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        "Tree": {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}},
    },
    "required": ["n"],
    "additionalProperties": False,
    "x-note": 1,
}


@pytest.mark.parametrize(
    ("field", "good", "bad", "problem"),
    [
        ("text", "abc", "b", "must have at least 2 characters, has 1"),
        ("text", "aé", "abcde", "must have at most 4 characters"),
        ("text", "ab", "ba", "must match ^a"),
        ("text", "ab", 1, "must be a string, got 1"),
        ("n", 2.0, 2.5, "must be an integer, got 2.5"),
        ("n", 10, 12, "must be at most 10"),
        ("n", 2, 0, "must be more than 0"),
        ("n", 4, 3, "must be a multiple of 2"),
        ("n", 4, "4", 'must be an integer, got "4"'),
        ("n", 4, True, "must be an integer, got true"),
        ("x", 0.5, 1, "must be less than 1"),
        ("tenth", 0.3, 0.35, "must be a multiple of 0.1"),
        ("one", {"b": [1.0]}, True, 'must be one of "a", 1, null'),
        ("const", 1.0, 2, "must be 1, got 2"),
        ("list", [1], [1, 1.0], "must have no two items alike"),
        ("list", [1, 2], [], "must have at least 1 items, has 0"),
        ("list", [1, 2], [1, "x"], "must be an integer"),
        ("pair", ["a", 1], ["a", 1, 2], "must not be there"),
        ("free", {"k": 1}, {"k": "v"}, "must be an integer"),
        ("free", {"k": 1}, {}, "must have at least 1 properties"),
        ("either", {"x": 1}, {"y": 1}, "is required (a number)"),
        ("either", "s", 5, "fits none of 2 forms: must be a string"),
        ("only", 1, 5, "fits 2"),
        ("both", 1.5, 3, "must be at most 2"),
        ("maybe", None, 1, "must be a string or null"),
        ("any", [None], ..., ""),
        ("tree", {"kids": [{"kids": []}]}, {"kids": [{"kids": [1]}]}, "must be an object"),
        ("date", "2024-02-29", "2023-02-29", "must be a date"),
        ("date", "2024-02-29", "20240229", "must be a date"),
        ("time", "23:59:60Z", "25:00:00Z", "must be a time"),
        ("date_time", "2024-02-29T10:00:00.5+02:00", "2024-02-30T10:00:00Z", "must be a date-time"),
        ("duration", "P1DT2H", "P", "must be a duration"),
        ("email", "ä@example.org", "example.org", "must be a email"),
        ("hostname", "a-b.example", "-a.example", "must be a hostname"),
        ("ipv4", "127.0.0.1", "127.0.0.256", "must be a ipv4"),
        ("ipv6", "::1", ":::1", "must be a ipv6"),
        ("uuid", "12345678-1234-1234-1234-123456789abc", "12345678", "must be a uuid"),
        ("uri", "https://example.org/ä", "no uri", "must be a uri"),
        ("unknown", "anything", ..., ""),
    ],
)
def test_each_keyword(field: str, good: Any, bad: Any, problem: str) -> None:
    schema = refuse_unusable(USABLE)
    whole = {"n": 2}
    assert problems(schema, {**whole, field: good}) == ()
    if bad is not ...:
        found = problems(schema, {**whole, field: bad})
        assert found
        assert found[0][0].startswith(field)
        assert problem in found[0][1]


def test_every_problem_is_told_with_its_place() -> None:
    found = problems(USABLE, {"tex": "a", "list": [1, "x"], "tree": {"kids": [{}, {"kids": 5}]}})
    assert found == (
        ("n", "is required (an integer)"),
        ("tex", "is not a property here (did you mean `text`?)"),
        ("list[1]", 'must be an integer, got "x"'),
        ("tree.kids[1].kids", "must be an array, got 5"),
    )
    assert problems(USABLE, []) == (("", "must be an object, got []"),)


def test_a_value_nested_without_end_is_a_problem_and_no_crash() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    loop = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/L"}},
        "$defs": {"L": {"items": {"$ref": "#/$defs/L"}}},
    }
    assert problems(refuse_unusable(loop), {"a": deep}) == (("", "is nested too deeply"),)
