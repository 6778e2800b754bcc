"""Explanations by the offline model."""

from copydesk.domain.messages import LineRange, Task
from tests.corpus.tools import Desk

SOURCE = '''\
"""Tools for orders."""
import json

LIMIT = 3


class Order:
    """One order.

    More about it.
    """

    def total(self, prices, seen=[]):
        if len(prices) > LIMIT and seen:
            raise ValueError("many")
        for price in prices:
            yield json.loads(price)


def report(order):
    try:
        return order.total([])
    except:
        pass
'''


def explained(first: int, last: int | None = None, files: dict[str, str] | None = None) -> str:
    desk = Desk({"a.py": SOURCE, **(files or {})})
    place = LineRange(first, 0, first if last is None else last, 1)
    said = desk.ask(Task("explain", path="a.py", language="python", range=place))
    assert desk.files["a.py"] == SOURCE
    return said


def test_a_method() -> None:
    said = explained(12, files={"b.py": "from a import Order\nOrder().total(1)\n"})
    assert said.startswith("### `Order.total`: a generator method at `a.py:13`")
    assert "def total(self, prices, seen=[])" in said
    assert "cyclomatic complexity 4 (simple)" in said
    assert "- `ValueError`: If `len(prices)` is greater than `LIMIT` and `seen` is set" in said
    assert "`json.loads` (line 17)" in said
    assert "- `b.py:2`: `Order().total(1)`" in said
    assert "the default `[]` is made once" in said
    assert "**Reads** module variables `LIMIT`" in said


def test_a_class_and_its_documentation() -> None:
    said = explained(6)
    assert "One order." in said
    assert "More about it" not in said
    assert "- `total` (13)" in said


def test_a_trap_is_named() -> None:
    assert "a bare `except:`" in explained(19)


def test_lines_inside_a_function() -> None:
    said = explained(15, 16)
    assert said.startswith("### `a.py:16-17` in `Order.total`")
    assert "1 statement, 1 loop and 1 yield" in said
    assert "**Sets** `price`" in said
    assert "**Reads** `prices`" in said


def test_a_file() -> None:
    desk = Desk({"a.py": SOURCE})
    said = desk.ask(Task("explain", path="a.py", language="python"))
    assert "Tools for orders." in said
    assert "- class `Order` (7): One order." in said
    assert "- function `report` (20)" in said


def test_a_file_that_does_not_parse_is_said() -> None:
    desk = Desk({"a.py": "def f(:\n"})
    said = desk.ask(Task("explain", path="a.py", language="python", range=LineRange(0, 0, 0, 0)))
    assert "does not parse as Python" in said


def test_other_languages_are_answered_modestly() -> None:
    desk = Desk({"w.js": "export function go(x) {\n  return x\n}\n", "v.js": "go(1)\n"})
    said = desk.ask(Task("explain", path="w.js", language="javascript", range=LineRange(1, 0, 1, 0)))
    assert "export function go(x)" in said
    assert "`v.js:1`" in said
    assert "reads only Python in depth" in said


def test_a_range_past_the_end() -> None:
    assert explained(900) == "Line 901 is past the end of `a.py`, which has 24 lines."
