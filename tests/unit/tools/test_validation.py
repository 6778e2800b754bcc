"""Arguments against schemas: what passes, what is coerced, and the words of each problem."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import InvalidArguments
from copydesk.domain.tools import ToolSpec
from copydesk.tools.validation import check, checked

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string"},
        "offset": {"type": "integer", "minimum": 1},
        "depth": {"type": "integer", "minimum": 1, "maximum": 9},
        "ratio": {"type": "number"},
        "all": {"type": "boolean"},
        "mode": {"type": "string", "enum": ["content", "files"]},
        "choices": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "where": {
            "type": "object",
            "properties": {"line": {"type": "integer"}},
            "required": ["line"],
            "additionalProperties": False,
        },
    },
    "required": ["path"],
    "additionalProperties": False,
}

GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"path": "a"}, {"path": "a"}),
    ({"path": ""}, {"path": ""}),
    ({"path": "5"}, {"path": "5"}),
    ({"path": "a", "offset": "5"}, {"path": "a", "offset": 5}),
    ({"path": "a", "offset": " 12 "}, {"path": "a", "offset": 12}),
    ({"path": "a", "offset": 5.0}, {"path": "a", "offset": 5}),
    ({"path": "a", "offset": None}, {"path": "a"}),
    ({"path": "a", "all": "True"}, {"path": "a", "all": True}),
    ({"path": "a", "all": "false"}, {"path": "a", "all": False}),
    ({"path": "a", "ratio": "1.5"}, {"path": "a", "ratio": 1.5}),
    ({"path": "a", "ratio": 2}, {"path": "a", "ratio": 2}),
    ({"path": "a", "choices": '["x", "y"]'}, {"path": "a", "choices": ["x", "y"]}),
    ({"path": "a", "where": '{"line": "3"}'}, {"path": "a", "where": {"line": 3}}),
    ({"path": "a", "mode": "files"}, {"path": "a", "mode": "files"}),
]

BAD: list[tuple[object, list[str]]] = [
    ({}, ["`path` is required (a string)"]),
    ({"path": None}, ["`path` is required (a string)"]),
    ({"path": 5}, ["`path` must be a string, got 5"]),
    ({"path": "a", "offset": "ten"}, ['`offset` must be an integer ≥ 1, got "ten"']),
    ({"path": "a", "offset": 0}, ["`offset` must be an integer ≥ 1, got 0"]),
    ({"path": "a", "offset": True}, ["`offset` must be an integer ≥ 1, got true"]),
    ({"path": "a", "offset": 1.5}, ["`offset` must be an integer ≥ 1, got 1.5"]),
    ({"path": "a", "depth": 10}, ["`depth` must be an integer ≥ 1 and ≤ 9, got 10"]),
    ({"path": "a", "all": 1}, ["`all` must be true or false, got 1"]),
    ({"path": "a", "all": "yes"}, ['`all` must be true or false, got "yes"']),
    ({"path": "a", "mode": "lines"}, ['`mode` must be one of "content", "files", got "lines"']),
    ({"path": "a", "choices": "x"}, ['`choices` must be an array of strings with at least 1, got "x"']),
    ({"path": "a", "choices": []}, ["`choices` must be an array of strings with at least 1, got []"]),
    ({"path": "a", "choices": ["x", 2]}, ["`choices[1]` must be a string, got 2"]),
    ({"path": "a", "where": {}}, ["`where.line` is required (an integer)"]),
    ({"path": "a", "pth": 1}, ["`pth` is not an argument (did you mean `path`?)"]),
    ({"path": "a", "zzz": 1}, ["`zzz` is not an argument"]),
    ({"offset": "x", "zzz": 1}, [
        "`path` is required (a string)",
        '`offset` must be an integer ≥ 1, got "x"',
        "`zzz` is not an argument",
    ]),
    (["path"], ['the arguments must be an object, got ["path"]']),
    ("path", ['the arguments must be an object, got "path"']),
    (None, ["the arguments must be an object, got null"]),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "wanted"), GOOD)
def test_good(given_: dict[str, Any], wanted: dict[str, Any]):
    found = check(SCHEMA, given_)
    assert (found.problems, found.arguments) == ((), wanted)
    assert all(type(found.arguments[name]) is type(wanted[name]) for name in wanted)


@pytest.mark.parametrize(("given_", "problems"), BAD)
def test_bad(given_: object, problems: list[str]):
    assert list(check(SCHEMA, given_).problems) == problems


def test_a_long_value_is_shown_cut():
    (problem,) = check(SCHEMA, {"path": "a", "offset": "x" * 500}).problems
    assert problem.endswith("…")
    assert len(problem) < 120


def test_checked_says_the_tool_and_the_arguments_it_takes():
    spec = ToolSpec("peek", "", SCHEMA, "read", "read")
    with pytest.raises(InvalidArguments) as caught:
        checked(spec, {"file": "a"})
    assert str(caught.value).startswith("peek: `path` is required")
    assert "`path`, `offset` (optional)" in str(caught.value)
    assert checked(spec, {"path": "a"}) == {"path": "a"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("09.-[]{}true ", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["line", "x"]), inner, max_size=3),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), json_values))
def test_whatever_comes_is_judged_and_what_passes_passes_again(arguments: dict[str, Any]):
    first = check(SCHEMA, arguments)
    if not first.problems:
        assert check(SCHEMA, first.arguments) == first
