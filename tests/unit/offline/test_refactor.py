"""Jobs that go through the refactor tool, and test skeletons."""

from collections.abc import Mapping
from typing import Any

from copydesk.domain.messages import LineRange, Task
from tests.corpus.tools import Desk

SOURCE = "def alpha(x):\n    return x\n\n\ndef beta(y):\n    total = alpha(y)\n    return total\n"
CURSOR = LineRange(5, 5, 5, 5)


def refactored(text: str, answer: str = "done: changed 1 file.\na.py (2 places)", **task: Any) -> tuple[list[Any], str]:
    """(the refactor calls, the last words)"""
    calls: list[Mapping[str, Any]] = []

    def refactor(arguments: Mapping[str, Any]) -> str:
        calls.append(dict(arguments))
        return answer

    desk = Desk({"a.py": SOURCE, "src/cli.py": "def parse_args(argv):\n    pass\n"}, extra={"refactor": refactor})
    said = desk.ask(Task("prompt", text, path="a.py", language="python", range=CURSOR, **task))
    return calls, said


def test_rename_by_name_by_cursor_and_elsewhere() -> None:
    def call(path: str, line: int, symbol: str) -> dict[str, Any]:
        return {"action": "rename", "path": path, "line": line, "symbol": symbol, "new_name": "omega"}

    assert refactored("rename alpha to omega")[0] == [call("a.py", 1, "alpha")]
    assert refactored("rename this to omega")[0] == [call("a.py", 6, "total")]
    assert refactored("rename parse_args to omega")[0] == [call("src/cli.py", 1, "parse_args")]
    assert refactored("rename alpha to class")[0] == []


def test_what_changed_is_said() -> None:
    assert "Changed: a.py (2 places)." in refactored("rename alpha to omega")[1]
    assert "changed nothing" in refactored("rename alpha to omega", "rename: nothing to change.")[1]


def test_extract_lines_and_selections() -> None:
    calls, _ = refactored("extract lines 6-7 into a function named compute")
    assert calls == [{"action": "extract_function", "path": "a.py", "line": 6, "end_line": 7, "new_name": "compute"}]
    calls, _ = refactored("extract this into a variable named it", selection="alpha(y)")
    assert calls[0]["text"] == "alpha(y)"
    calls, said = refactored("extract this")
    assert calls == []
    assert "Say what the new function is called" in said


def test_annotate_asks_once_for_a_file_and_says_which_headers_changed() -> None:
    calls, said = refactored("annotate all functions in a.py")
    assert [(call["line"], call["end_line"]) for call in calls] == [(1, 5)]
    assert said == "For 2 functions no type could be inferred with certainty."
    desk = Desk({"a.py": SOURCE})

    def refactor(arguments: Mapping[str, Any]) -> str:
        desk.files["a.py"] = desk.files["a.py"].replace("):", ") -> int:", 1)
        return "annotate: changed 1 file.\na.py (1 place)"

    desk.extra = {"refactor": refactor}
    said = desk.ask(Task("prompt", "annotate all functions in a.py", path="a.py", language="python"))
    assert "Annotated `alpha` in `a.py`" in said
    assert "For 1 other function no type" in said


def test_refactor_without_a_wish_offers_candidates() -> None:
    hard = "def hard(a):\n" + "    if a:\n        a = 1\n" * 12
    desk = Desk({"a.py": hard})
    said = desk.ask(Task("refactor", path="a.py", language="python"))
    assert "`hard` at `a.py:1` has complexity 13" in said
    assert desk.files["a.py"] == hard


def test_tests_go_where_the_project_keeps_them() -> None:
    source = "def double(number: int) -> int:\n    return number * 2\n"
    files = {"pkg/__init__.py": "", "pkg/maths.py": source, "tests/test_other.py": "import os\n"}
    desk = Desk(files)
    said = desk.ask(Task("test", path="pkg/maths.py", language="python", range=LineRange(0, 0, 0, 0)))
    written = desk.files["tests/test_maths.py"]
    assert "from pkg.maths import double" in written
    assert "in the new file `tests/test_maths.py`" in said
    again = desk.ask(Task("test", path="pkg/maths.py", language="python", range=LineRange(0, 0, 0, 0)))
    assert desk.files["tests/test_maths.py"] == written
    assert "has all the tests" in again


def test_tests_are_added_to_a_file_that_is_there() -> None:
    source = "def double(number: int) -> int:\n    return number * 2\n"
    mine = "import os\n\n\ndef test_mine() -> None:\n    assert os\n"
    desk = Desk({"maths.py": source, "test_maths.py": mine})
    desk.ask(Task("test", path="maths.py", language="python", range=LineRange(0, 0, 0, 0)))
    assert "def test_mine() -> None:\n    assert os\n" in desk.files["test_maths.py"]
    assert "from maths import double" in desk.files["test_maths.py"]
