"""Finding quoted text: rung by rung, once, or said why not."""

import pytest

from copydesk.text.edits import apply
from copydesk.text.matching import Ambiguous, Near, NoMatch, find_edit

CODE = "class A:\n    def f(self):\n        return 1\n\n    def g(self):   \n        return 1\n"


def changed(text: str, old: str, new: str, replace_all: bool = False) -> tuple[str, str]:
    edits, rung, _ = find_edit(text, old, new, replace_all)
    return apply(text, edits), rung


def test_exact() -> None:
    assert changed(CODE, "def f(self)", "def h(self, x)") == (CODE.replace("f(self)", "h(self, x)"), "exact")
    assert changed("", "", "new\n") == ("new\n", "exact")


def test_a_quoted_unchanged_line_is_not_touched() -> None:
    edits, _, _ = find_edit(CODE, "    def f(self):\n        return 1\n", "    def f(self):\n        return 2\n")
    assert [(CODE[start:end], new) for start, end, new in edits] == [("1", "2")]


def test_more_than_one_place() -> None:
    with pytest.raises(Ambiguous) as error:
        find_edit(CODE, "return 1", "return 2")
    assert error.value.lines == (2, 5)
    assert changed(CODE, "return 1", "return 2", True) == (CODE.replace("1", "2"), "exact")


def test_line_ends_are_the_files() -> None:
    text = "one\r\ntwo\r\nthree\r\n"
    assert changed(text, "one\ntwo\n", "1\n2\n") == ("1\r\n2\r\nthree\r\n", "line_ends")
    assert changed(text, "two", "a\nb") == ("one\r\na\r\nb\r\nthree\r\n", "exact")


def test_spaces_at_line_ends() -> None:
    after, rung = changed(CODE, "    def g(self):\n        return 1\n", "    def g(self):\n        return 3\n")
    assert (after.endswith("    def g(self):   \n        return 3\n"), rung) == (True, "trailing_space")


def test_indentation_moves_as_a_whole() -> None:
    after, rung = changed(CODE, "def f(self):\n    return 1", "def f(self):\n    if x:\n        return 9")
    assert rung == "indentation"
    assert after.startswith("class A:\n    def f(self):\n        if x:\n            return 9\n\n")
    with pytest.raises(NoMatch):
        find_edit("a\n  b\nc\n", "a\nb\n c\n", "x")


def test_nothing_found_names_what_is_near() -> None:
    with pytest.raises(NoMatch) as error:
        find_edit(CODE, "def ff(self) -> int:", "x")
    assert error.value.near == Near(1, 1, 1, "def ff(self) -> int:")
    with pytest.raises(NoMatch, match="empty"):
        find_edit("text", "", "x")
