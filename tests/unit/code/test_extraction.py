"""Extracting statements: the program does the same, or the reason why not is said."""

import textwrap
from typing import Any

import pytest

from copydesk.code.jedi_worker.extraction import extract_statements
from copydesk.code.jedi_worker.refusals import Refused


def extracted(source: str, first: int, last: int) -> str:
    text = extract_statements(textwrap.dedent(source), first, last, "taken")
    assert text is not None
    return text


def result(text: str, call: str) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    return eval(call, names)


SUMS = """\
    # adds
    def sums(rows, factor=2):
        total = 0
        n = 0
        for row in rows:
            part = row * factor
            total += part
            n = n + 1
        text = '''
      kept
    '''
        return total, n, text
"""


@pytest.mark.parametrize(
    ("first", "last"), [(3, 4), (5, 8), (6, 7), (6, 8), (7, 8), (9, 11), (3, 8), (3, 12), (12, 12)]
)
def test_the_function_gives_the_same(first: int, last: int) -> None:
    before, after = textwrap.dedent(SUMS), extracted(SUMS, first, last)
    assert "def taken(" in after
    assert result(after, "sums([1, 2, 3])") == result(before, "sums([1, 2, 3])")
    assert result(after, "sums([])") == result(before, "sums([])")


def test_what_goes_in_and_out() -> None:
    assert (
        "def taken(factor, total, row):\n    part = row * factor\n    total += part\n    return total\n"
        in extracted(SUMS, 6, 7)
    )
    assert "        total = taken(factor, total, row)\n        n = n + 1\n" in extracted(SUMS, 6, 7)


def test_a_method_becomes_a_method() -> None:
    source = """\
    class Box:
        size = 3

        def area(self, by):
            wide = self.size * by
            high = self.size + by
            return wide * high
    """
    after = extracted(source, 5, 6)
    assert "    def taken(self, by):\n        wide = self.size * by\n" in after
    assert "        wide, high = self.taken(by)\n" in after
    assert result(after, "Box().area(4)") == 84


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("for a in b:\n        if a:\n            break\n        c = a", "leave or continue a loop"),
        ("for a in b:\n        if a:\n            return 1\n        c = a", "return from the function in some cases"),
        ("for a in b:\n        yield a\n        c = a", "yield"),
        ("if b:\n        x = 1\n    for a in b:\n        print(x)\n        c = a", "may not be set yet"),
    ],
)
def test_what_would_not_be_the_same_is_refused(lines: str, why: str) -> None:
    source = f"def f(b):\n    {lines}\n    return 2\n"
    last = source.count("\n") - 1
    first = 5 if "print(x)" in lines else 3
    with pytest.raises(Refused, match=why):
        extract_statements(source, first, last - ("print(x)" not in lines), "taken")


def test_half_a_statement_is_left_to_others() -> None:
    assert extract_statements("def f(a):\n    return (a +\n        1)\n", 3, 3, "taken") is None
    assert extract_statements("x = 1\ny = 2\n", 1, 2, "taken") is None
