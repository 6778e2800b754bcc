"""`definitions`, `code_intel`, `diagnostics`: what the model's words mean, and rows as it reads them."""

import pytest

from copydesk.domain.errors import InvalidArguments, MissingFile
from copydesk.domain.messages import LineRange, Problem
from copydesk.tools.intelligence import code_intel, definitions, diagnostics
from tests.support.analyser import TinyIntel
from tests.support.memory import ROOT, MemoryWork, call

A = "class Shop:\n    def total(self):\n        return add(1, 2)\n\n\ndef add(a, b):\n    return a + b\n"
B = "from a import add\n\nx = add(add(1, 2), 3)\n"


def work() -> MemoryWork:
    return MemoryWork({"a.py": A, "b.py": B})


async def ask(**arguments: object) -> str:
    return (await call(code_intel(TinyIntel()), work(), **arguments)).content


async def test_definitions_are_an_outline():
    output = await call(definitions(TinyIntel()), work(), path="a.py")
    assert output.content == "a.py (3 definitions)\n1–2 class Shop\n  2–3 function total\n6–7 function add"


async def test_definitions_of_nothing():
    with pytest.raises(MissingFile):
        await call(definitions(TinyIntel()), work(), path="c.py")


@pytest.mark.parametrize(
    "where",
    [
        {"line": 3, "symbol": "add"},
        {"line": 3, "symbol": "add()"},
        {"line": 3, "column": 16},
        {"line": 1, "column": 15, "path": "b.py"},
        {"line": 6},  # the line defines it
        {"symbol": "add"},  # the only definition of that name
        {"line": 1, "symbol": "add"},  # not on the line, but defined once in the file
    ],
)
async def test_the_many_ways_to_say_where(where: dict[str, object]):
    said = await ask(**{"action": "definition", "path": "a.py", **where})
    assert said == "1 definition\na.py:6:5 def add"


async def test_references_are_places_with_their_lines():
    assert await ask(action="references", path="b.py", line=3, symbol="add") == (
        "5 references\na.py:3:16 return add(1, 2)\na.py:6:5 def add(a, b):\nb.py:1:15 from a import add\n"
        "b.py:3:5 x = add(add(1, 2), 3)\nb.py:3:9 x = add(add(1, 2), 3)"
    )


async def test_hover_and_its_absence():
    assert await ask(action="hover", path="a.py", line=6, symbol="add") == "add: a name"
    assert await ask(action="hover", path="b.py", line=3, symbol="x") == "Nothing is known about 'x' at b.py:3."


async def test_symbols_of_the_workspace_and_of_a_file():
    assert await ask(action="symbols", query="o") == "2 symbols\na.py:1:7 class Shop\na.py:2:9 function Shop.total"
    assert await ask(action="symbols", path="a.py") == (
        "3 symbols\na.py:1:7 class Shop\na.py:2:9 function Shop.total\na.py:6:5 function add"
    )
    assert await ask(action="symbols", query="zzz") == "No definition contains 'zzz'."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"action": "symbols"}, "`query` is required"),
        ({"action": "hover", "line": 1}, "`path` is required"),
        ({"action": "hover", "path": "a.py"}, "`line` is required"),
        ({"action": "hover", "path": "a.py", "line": 99}, "7 lines"),
        ({"action": "hover", "path": "a.py", "line": 3}, r"line 3 defines nothing: it is 'return add\(1, 2\)'"),
        ({"action": "hover", "path": "a.py", "line": 1, "symbol": "nope"}, "'nope' does not occur"),
        ({"action": "hover", "path": "b.py", "line": 2, "symbol": "add"}, "lines 1, 3"),
    ],
)
async def test_where_it_is_not_clear(arguments: dict[str, object], words: str):
    with pytest.raises(InvalidArguments, match=words):
        await ask(**arguments)


# --- diagnostics -----------------------------------------------------------------------------------------


def problem(path: str, line: int, message: str, code: str = "", source: str = "client", column: int = 0) -> Problem:
    return Problem(f"{ROOT}/{path}", LineRange(line, column, line, column + 1), message, "warning", source, code)


async def test_both_sources_merged_in_order_without_repeats():
    texts = {"a.py": "ok\nundefined\nundefined\n"}
    client = [
        problem("a.py", 2, "undefined  name.", source="pyright"),
        problem("a.py", 1, "no such thing", "F821"),
        problem("a.py", 0, "odd"),
        problem("b.py", 0, "elsewhere"),
    ]
    output = await call(diagnostics(TinyIntel()), MemoryWork(texts, problems=client), path="a.py")
    assert output.content == (
        "3 problems\na.py:1:1 warning: odd (client)\na.py:2:1 warning: no such thing (client F821)\n"
        "a.py:3:1 warning: undefined name. (pyright)"
    )


async def test_without_a_path_all_changed_files_are_checked():
    texts = {"a.py": "undefined\n", "b.py": "x\n"}
    output = await call(diagnostics(TinyIntel()), MemoryWork(texts, problems=[problem("c.py", 4, "far")]))
    assert output.content == ("2 problems\na.py:1:1 error: Undefined name (ruff F821)\nc.py:5:1 warning: far (client)")


async def test_no_problems():
    output = await call(diagnostics(TinyIntel()), MemoryWork({"a.py": "fine\n"}), path="a.py")
    assert output.content == "No problems known in a.py."


async def test_many_problems_are_cut_and_said():
    texts = {"a.py": "undefined\n" * 150}
    output = await call(diagnostics(TinyIntel()), MemoryWork(texts), path="a.py")
    assert output.content.startswith("150 problems\n")
    assert output.content.endswith("\n(first 100 of 150)")
