"""Arguments: read as they are, repaired only for certain, and never completed."""

import ast
import json
import random
from typing import Any

import pytest

from copydesk.agent.arguments import Arguments, read_arguments

PATH = {"path": "a.py"}


@pytest.mark.parametrize("raw", ["", "  ", "null", " null\n", "{}", "{ }"])
def test_no_arguments(raw: str) -> None:
    assert (read_arguments(raw).values, read_arguments(raw).problem) == ({}, "")


def test_json_is_kept_as_it_was_written() -> None:
    raw = '{ "path": "ä\\n",\n "n": 1.50 }'
    assert read_arguments(raw) == Arguments({"path": "ä\n", "n": 1.5}, raw)


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        pytest.param('{"text": "a\nb\tc"}', {"text": "a\nb\tc"}, id="raw line end and tab"),
        pytest.param('```json\n{"path": "a.py"}\n```', PATH, id="fence"),
        pytest.param(' ```\n{"path": "a.py"}\n```\n', PATH, id="fence without a language"),
        pytest.param('```json\n{"text": "```\\nx"}\n```', {"text": "```\nx"}, id="fence around a fence"),
        pytest.param('{"path": "a.py",}', PATH, id="one comma too many"),
        pytest.param('{"x": [1, 2, ], "y": ",}"}', {"x": [1, 2], "y": ",}"}, id="one comma too many in a list"),
        pytest.param('"{\\"path\\": \\"a.py\\"}"', PATH, id="encoded twice"),
        pytest.param('{}{"path": "a.py"}', PATH, id="empty object first"),
        pytest.param('{} \n {"path": "a.py"} ', PATH, id="empty object first, with space"),
        pytest.param('{"path": "a.py"}{"path":"a.py"}', PATH, id="the same twice"),
        pytest.param("{'path': 'a.py', 'all': True, 'n': -2, 'x': [None, 1.5]}",
                     {**PATH, "all": True, "n": -2, "x": [None, 1.5]}, id="Python"),
        pytest.param("{'a': \"it's\", 'b': 'x\\n\\u00e4'}", {"a": "it's", "b": "x\nä"}, id="Python's quotes"),
        pytest.param('{"a": True}', {"a": True}, id="Python's True"),
        pytest.param('{"a": 1, "a": 1}', {"a": 1}, id="the same name twice with one value"),
    ],
)  # fmt: skip
def test_what_is_certain_is_repaired(raw: str, values: dict[str, Any]) -> None:
    found = read_arguments(raw)
    assert (found.values, found.problem) == (values, "")
    assert json.loads(found.text) == values, "what goes back to the server is JSON"


@pytest.mark.parametrize(
    "raw",
    [
        '{"path": "a.py"',
        '{"path": "a.py',
        '{"path": "a.py"}}',
        '{"path": "a.py"} and more',
        '{"path": "a.py",,}',
        '{"x": [1,], "y": [2,]}',
        '{"path": "a.py"}{"path": "b.py"}',
        '{"n": 1}{"n": true}',
        '{"n": 1}{"n": 1.0}',
        '{"path": "a.py", "path": "b.py"}',
        '{"n": 1, "n": true}',
        '{path: "a.py"}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '```json\n{"path": "a.py"}\n``',
        '```json\n{"path": "a.py"}',
        '"{\\"path\\": \\"a.py\\""',
        "{'path': 'a.py'",
        "{'path': 'C:\\new\\x41'}",
        "{'path': 'a' 'b'}",
        "{'path': 'a\\/b'}",
        "{'path': r'a'}",
        "{'path': '''a'''}",
        "{'n': 0x10}",
        "{'n': 1_000}",
        "{'n': -True}",
        "{'n': (1, 2)}",
        "{'n': {1, 2}}",
        "{1: 'a'}",
        "{'a': 1, 'a': 2}",
        "{'a': true}",
        "{'a': __import__('os')}",
        "{'a': [1][0]}",
        "{'a': 1}  # why",
        "[1]",
        "1",
        '"text"',
        "true",
        "[" * 100_000,
        '{"a":' * 100_000,
        "{'a':" * 3_000,
        "<tool_call>",
    ],
)
def test_what_is_not_certain_goes_back(raw: str) -> None:
    found = read_arguments(raw)
    assert found.values == {}
    assert "it was not run" in found.problem
    assert len(found.problem) < 300


def values(chance: random.Random, depth: int = 0) -> Any:
    """Any JSON value, with all that quoting can go wrong about."""
    kinds = ["text", "text", "number", "constant", "list", "object"][: 4 if depth > 2 else 6]
    match chance.choice(kinds):
        case "text":
            letters = "ab {}[]:,'\"\\\n\t`ä🙂/0\u0001"
            return "".join(chance.choice(letters) for _ in range(chance.randint(0, 12)))
        case "number":
            return chance.choice([0, -1, 17, 1.5, -2e-7, 10**20])
        case "constant":
            return chance.choice([True, False, None])
        case "list":
            return [values(chance, depth + 1) for _ in range(chance.randint(0, 3))]
        case _:
            return objects(chance, depth + 1)


def objects(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    return {str(chance.choice(["path", "x", "a b", "ä", "{", '"', ","])): values(chance, depth) for _ in range(3)}


DAMAGE = {
    "none": lambda made, text: text,
    "indented": lambda made, text: json.dumps(made, indent=2),
    "raw control characters": lambda made, text: text.replace("\\n", "\n").replace("\\t", "\t"),
    "fence": lambda made, text: f"```json\n{text}\n```",
    "comma": lambda made, text: text[:-1] + ",}",
    "twice encoded": lambda made, text: json.dumps(text),
    "empty first": lambda made, text: "{}" + text,
    "doubled": lambda made, text: text + text,
    "Python": lambda made, text: repr(made),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_repair_never_says_anything_else(damage: str) -> None:
    """Either the call goes back, or its arguments are exactly those that were damaged; none are made up."""
    n_read = 0
    for seed in range(400):
        made = objects(random.Random(seed))
        raw = DAMAGE[damage](made, json.dumps(made))
        found = read_arguments(raw)
        if not found.problem:
            n_read += 1
            assert repr(found.values) == repr(made)
            assert repr(json.loads(found.text)) == repr(made)
    assert n_read > (100 if damage in ("Python", "raw control characters") else 399)


@pytest.mark.parametrize("damage", sorted(DAMAGE.keys() - {"empty first", "doubled"}))
def test_cut_anywhere_it_never_runs(damage: str) -> None:
    for seed in range(60):
        made = objects(random.Random(seed))
        raw = DAMAGE[damage](made, json.dumps(made)).encode()
        for at in range(1, len(raw)):
            found = read_arguments(raw[:at].decode("utf-8", "ignore"))
            assert found.problem, (raw, at)


@pytest.mark.parametrize("damage", ["empty first", "doubled"])
def test_cut_inside_the_second_object_it_never_runs(damage: str) -> None:
    """Cut exactly between the two, the first is a whole object: nothing can tell."""
    for seed in range(60):
        made = objects(random.Random(seed))
        text = json.dumps(made)
        raw = DAMAGE[damage](made, text)
        for at in range(1, len(raw)):
            if at != len(raw) - len(text):
                assert read_arguments(raw[:at]).problem, (raw, at)


def test_a_stricter_reading_never_contradicts() -> None:
    """Every reading that any strict parser has of a text is the one that is run."""
    for seed in range(300):
        chance = random.Random(seed)
        text = json.dumps(objects(chance)) if seed % 2 else repr(objects(chance))
        letters = list(text)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(letters))
            letters[at] = chance.choice(["", "'", '"', ",", "}", "\\", "\n", letters[at] * 2])
        raw = "".join(letters)
        found = read_arguments(raw)
        if found.problem:
            continue
        for read in (json.loads, ast.literal_eval):
            try:
                other = read(raw)
            except (ValueError, SyntaxError):
                continue
            # Only Python keeps the two halves of one character apart.
            assert json.loads(json.dumps(found.values)) == json.loads(json.dumps(other))
