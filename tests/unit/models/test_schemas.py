"""Answer schemas as each provider takes them: what fits, what is made of it, and that nothing which was asked is lost."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from copydesk.models.nulls import without_nulls
from copydesk.models.schemas import (
    fits_gemini,
    fits_strict,
    gemini_schema,
    schema_name,
    schema_words,
    strict_schema,
)
from copydesk.models.shape_rules import refuse_unusable
from copydesk.models.shapes import problems

Json = dict[str, Any]
S: Json = {"type": "string"}


def closed(**properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


DEEP: Json = S
for _ in range(12):
    DEEP = closed(a=DEEP)


class Node(BaseModel):
    v: int
    kids: list["Node"] = []


@pytest.mark.parametrize(
    ("schema", "openai", "anthropic", "gemini"),
    [
        (closed(a={"type": ["string", "null"], "description": "x"}, b={"enum": [1, 2]}), True, True, True),
        (closed(a={"type": "array", "items": closed(b={"type": "integer", "minimum": 0})}), True, True, True),
        (closed(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": closed(b=S)}}, True, True, True),
        (closed(a={"anyOf": [{"type": "null"}, closed(b=S)]}), True, True, True),
        (closed(), True, True, False),
        (closed(a=S) | {"required": []}, True, True, True),
        ({"type": "object", "properties": {"a": S}}, True, True, True),
        (closed(a={"type": "string", "default": "x", "minLength": 1, "format": "uri"}), True, True, True),
        (closed(a={"oneOf": [S, {"type": "integer"}]}), True, True, True),
        (closed(a={"allOf": [{"$ref": "#/$defs/A"}]}) | {"$defs": {"A": closed(b=S)}}, True, True, True),
        (closed(a={"allOf": [S, {"pattern": "x"}]}), False, False, False),
        (closed(a={"$ref": "#/$defs/A", "description": "x"}) | {"$defs": {"A": closed(b=S)}}, True, True, True),
        (Node.model_json_schema(), True, False, False),
        ({"type": "object"}, False, False, False),
        ({"type": "array", "items": S}, False, False, False),
        ({"anyOf": [closed()]}, False, False, False),
        (closed(a=S) | {"anyOf": [closed(a=S)]}, False, False, True),
        (closed(a={"type": "object", "additionalProperties": {"type": "integer"}}), False, False, False),
        (closed(a=S) | {"additionalProperties": True}, False, False, False),
        (closed(a={"type": "array"}), False, False, False),
        (closed(a={"type": "array", "prefixItems": [S]}), False, False, False),
        (closed(a={}), False, False, False),
        (closed(a={"enum": [{"x": 1}]}), False, False, False),
        (closed(a={"$ref": "#/$defs/No"}), False, False, False),
        (closed(a=True), False, False, False),
        (closed(a={"anyOf": "x"}), False, False, False),
        (closed(a={"enum": [str(n) for n in range(1001)]}), False, False, True),
        (closed(**{f"p{n}": S for n in range(5001)}), False, False, True),
        (DEEP, False, False, True),
    ],
)
def test_what_fits(schema: Json, openai: bool, anthropic: bool, gemini: bool) -> None:
    assert fits_strict(schema) is openai
    assert fits_strict(schema, "anthropic") is anthropic
    assert fits_gemini(schema) is gemini


# --- strict modes ---


OPTIONAL = {
    "type": "object",
    "title": "T",
    "properties": {
        "title": {"type": "string", "minLength": 2, "description": "What it is called"},
        "n": {"type": "integer", "minimum": 1, "default": 5},
        "when": {"type": "string", "format": "uri", "pattern": "(?=x)"},
        "some": {"anyOf": [S, {"type": "null"}], "default": None},
    },
    "required": ["title"],
}


def test_strict_for_openai_requires_all_and_lets_null_stand_for_what_is_left_out() -> None:
    made = strict_schema(OPTIONAL)
    assert made == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "What it is called (at least 2 characters)"},
            "n": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "when": {
                "anyOf": [
                    {"type": "string", "description": "as uri, matches the regular expression (?=x)"},
                    {"type": "null"},
                ]
            },
            "some": {"anyOf": [S, {"type": "null"}]},
        },
        "required": ["title", "n", "when", "some"],
        "additionalProperties": False,
    }
    assert fits_strict(made)
    assert strict_schema(made) == made


def test_strict_for_anthropic_keeps_what_is_optional_and_says_bounds_in_words() -> None:
    made = strict_schema(OPTIONAL, "anthropic")
    assert made["required"] == ["title"]
    assert made["properties"]["n"] == {"type": "integer", "description": "at least 1"}
    assert made["additionalProperties"] is False


def test_nulls_for_what_is_left_out_are_taken_out_but_real_ones_stay() -> None:
    answer = {"title": "ab", "n": None, "when": None, "some": None, "other": None}
    assert without_nulls(OPTIONAL, answer) == {"title": "ab", "some": None, "other": None}
    assert without_nulls(OPTIONAL, {"title": None}) == {"title": None}  # required: a wrong answer stays one
    nested = {"$ref": "#/$defs/Node", "$defs": Node.model_json_schema()["$defs"]}
    assert without_nulls(nested, {"v": 1, "kids": [{"v": 2, "kids": None}]}) == {"v": 1, "kids": [{"v": 2}]}
    one = closed(kind={"const": "one"}, n={"type": "integer"}) | {"required": ["kind"]}
    two = closed(kind={"const": "two"}, s=S) | {"required": ["kind"]}
    union = closed(x={"oneOf": [one, two]})
    assert without_nulls(union, {"x": {"kind": "two", "s": None}}) == {"x": {"kind": "two"}}
    assert without_nulls(union, {"x": {"kind": "three", "s": None}}) == {"x": {"kind": "three", "s": None}}
    anything = {"type": "object", "properties": {"a": True}}
    assert without_nulls(anything, {"a": None}) == {"a": None}


def test_references_stay_apart_from_words_beside_them() -> None:
    class Colour(BaseModel):
        name: str

    class Car(BaseModel):
        outside: Colour = Field(description="of the paint")
        inside: Colour

    made = strict_schema(Car.model_json_schema())
    assert made["properties"]["outside"] == {
        "type": "object",
        "description": "of the paint",
        "properties": {"name": S},
        "required": ["name"],
        "additionalProperties": False,
    }
    assert made["properties"]["inside"] == {"$ref": "#/$defs/Colour"}
    assert list(made["$defs"]) == ["Colour"]


def test_what_stands_in_itself_keeps_its_references() -> None:
    made = strict_schema(Node.model_json_schema())
    assert made["type"] == "object"
    assert made["properties"]["kids"]["anyOf"][0] == {"type": "array", "items": {"$ref": "#/$defs/Node"}}
    assert made["$defs"]["Node"]["additionalProperties"] is False
    rooted = closed(a=S, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]})
    assert strict_schema(rooted)["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/root"}


def test_values_without_a_type_get_theirs() -> None:
    made = strict_schema(closed(a={"const": "x"}, b={"enum": [1, None]}, c={"enum": [True]}))
    assert [each["type"] for each in made["properties"].values()] == ["string", ["integer", "null"], "boolean"]


# --- Gemini ---


def test_gemini_knows_no_references_no_const_and_no_null_type() -> None:
    schema = closed(
        a={"$ref": "#/$defs/A"},
        b={"type": ["integer", "null"], "exclusiveMinimum": 2},
        c={"anyOf": [S, {"type": "integer"}, {"type": "null"}]},
        d={"const": "x"},
        e={"type": "string", "format": "date"},
    ) | {"$defs": {"A": {"type": "string", "enum": ["u", "v"], "title": "A"}}}
    assert gemini_schema(schema) == {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "format": "enum", "enum": ["u", "v"]},
            "b": {"type": "INTEGER", "nullable": True, "description": "more than 2"},
            "c": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": True},
            "d": {"type": "STRING", "format": "enum", "enum": ["x"]},
            "e": {"type": "STRING", "description": "as date"},
        },
        "propertyOrdering": ["a", "b", "c", "d", "e"],
        "required": ["a", "b", "c", "d", "e"],
    }


def test_gemini_gets_a_cut_form_of_what_stands_in_itself() -> None:
    made = gemini_schema(Node.model_json_schema())
    assert made["properties"]["kids"]["items"]["properties"]["v"] == {"type": "INTEGER"}
    assert "$ref" not in json.dumps(made)


# --- words ---


def test_the_instruction_has_the_schema_without_titles_but_with_a_property_of_that_name() -> None:
    words = schema_words(OPTIONAL)
    assert "JSON" in words
    shown = json.loads(words[words.index("{") :])
    assert "title" not in shown
    assert shown["properties"]["title"]["type"] == "string"


@pytest.mark.parametrize(
    ("title", "name"), [("My type[int]", "My_type_int"), ("", "answer"), ("ä" * 90, "answer"), ("x" * 90, "x" * 64)]
)
def test_names_are_such_as_providers_take(title: str, name: str) -> None:
    assert schema_name(title) == name


# --- any schema ---


def _node(children: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    names = st.sampled_from(["a", "b", "title", "ü", "$ref", "properties"])

    @st.composite
    def objects(draw: st.DrawFn) -> Json:
        properties = draw(st.dictionaries(names, children, min_size=1, max_size=3))
        required = draw(st.sets(st.sampled_from(sorted(properties))))
        return {"type": "object", "properties": properties, "required": sorted(required)} | draw(
            st.sampled_from([{}, {"additionalProperties": False}])
        )

    arrays = children.map(lambda items: {"type": "array", "items": items, "maxItems": 3})
    unions = st.lists(children, min_size=1, max_size=3).map(lambda some: {"anyOf": some})
    return objects() | arrays | unions


LEAVES: st.SearchStrategy[Json] = st.sampled_from(
    [
        {"type": "string", "maxLength": 9},
        {"type": "integer", "minimum": -5, "exclusiveMaximum": 10**9},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"enum": ["x", 1, None]},
        {"const": "é"},
        {"$ref": "#/$defs/Shared"},
    ]
)
SHARED: Json = {"type": "object", "properties": {"deep": {"type": "string"}}, "required": ["deep"]}
SCHEMAS = st.dictionaries(
    st.sampled_from(["p", "q", "default"]), st.recursive(LEAVES, _node, max_leaves=6), min_size=1
).flatmap(
    lambda properties: st.sets(st.sampled_from(sorted(properties))).map(
        lambda required: {
            "type": "object",
            "properties": properties,
            "required": sorted(required),
            "$defs": {"Shared": SHARED},
        }
    )
)


def values(node: Json, root: Json) -> st.SearchStrategy[Any]:
    """Anything that fits."""
    if "$ref" in node:
        return values(root["$defs"]["Shared"], root)
    if "anyOf" in node:
        return st.one_of([values(each, root) for each in node["anyOf"]])
    if "enum" in node or "const" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    return st.one_of([_of_kind(kind, node, root) for kind in kinds])


def _of_kind(kind: str, node: Json, root: Json) -> st.SearchStrategy[Any]:
    match kind:
        case "string":
            return st.text(st.characters(codec="utf-8"), max_size=node.get("maxLength", 5))
        case "integer":
            return st.integers(node.get("minimum"), node.get("exclusiveMaximum", 11) - 1)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False) | st.integers()
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(values(node["items"], root), max_size=node["maxItems"])
        case "object":
            required = {name: values(node["properties"][name], root) for name in node.get("required", ())}
            rest = {name: values(each, root) for name, each in node["properties"].items() if name not in required}
            return st.fixed_dictionaries(required, optional=rest)
        case _:
            return st.none()


@given(st.data())
def test_any_value_of_any_schema_fits_it_and_its_strict_form_round_trips(data: st.DataObject) -> None:
    schema = refuse_unusable(data.draw(SCHEMAS, label="schema"))
    value = data.draw(values(dict(schema), dict(schema)), label="value")
    assert problems(schema, json.loads(json.dumps(value))) == ()
    if fits_strict(schema):
        strict = strict_schema(schema)
        assert fits_strict(strict)
        assert all(_is_closed(node) for node in _nodes(strict))
        full = _with_nulls(strict, value, strict)
        assert problems(strict, full) == ()
        assert problems(schema, without_nulls(schema, full)) == ()
    gemini_schema(schema)


def _with_nulls(node: Json, value: Any, root: Json) -> Any:
    """As a model in strict mode says it: every property there, null for what is left out."""
    if "$ref" in node:
        node = root["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    for each in node.get("anyOf", ()):
        found = _with_nulls(each, value, root)
        if not problems({**each, "$defs": root.get("$defs", {})}, found):
            return found
    if isinstance(value, dict) and "properties" in node:
        return {name: _with_nulls(each, value.get(name), root) for name, each in node["properties"].items()}
    if isinstance(value, list) and "items" in node:
        return [_with_nulls(node["items"], each, root) for each in value]
    return value


def _nodes(node: Any) -> Iterator[Json]:
    if isinstance(node, Mapping):
        yield dict(node)
        for key in ("properties", "$defs"):
            for each in node.get(key, {}).values():
                yield from _nodes(each)
        yield from _nodes(node.get("items"))
        for each in node.get("anyOf", ()):
            yield from _nodes(each)


def _is_closed(node: Json) -> bool:
    if node.get("type") != "object":
        return True
    return node["additionalProperties"] is False and node["required"] == list(node["properties"])


def test_a_literal_of_one_is_a_const_everywhere() -> None:
    class Kind(BaseModel):
        kind: Literal["a"]

    schema = Kind.model_json_schema()
    assert strict_schema(schema)["properties"]["kind"] == {"type": "string", "const": "a"}
    assert gemini_schema(schema)["properties"]["kind"]["enum"] == ["a"]
