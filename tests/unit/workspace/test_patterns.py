"""Patterns that can be tried on a whole text at once, to pass over files without a match."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.workspace.patterns import is_blind_to_lines


@pytest.mark.parametrize("pattern", ["foo", "f.o+", r"\bfoo\(", "[a-z]+_x", "(?:a|b)+", r"\$\^", r"(?P<n>x)", r"\w+\."])
def test_patterns_that_are_blind_to_lines(pattern: str) -> None:
    assert is_blind_to_lines(re.compile(pattern))


@pytest.mark.parametrize(
    "pattern",
    [
        "^foo",
        "foo$",
        r"\s*x",
        r"[^a]*b",
        r"x(?=y)",
        r"(?<!x)y",
        r"a\nb",
        r"\W+",
        r"\Ax",
        r"(a)\1",
        r"\x0a",
        "(?s)a.b",
        "a\nb",
    ],
)
def test_patterns_that_see_lines(pattern: str) -> None:
    assert not is_blind_to_lines(re.compile(pattern))


@given(
    st.sampled_from(["a", "a.*b", r"\ba+\b", "[ab]+c", r"\w+", "(?:a|b)c?", r"a\.", "b+"]),
    st.lists(st.text("ab c.\r", max_size=8), max_size=6).map("\n".join),
)
def test_a_line_that_matches_is_seen_in_the_whole_text(pattern: str, text: str) -> None:
    expression = re.compile(pattern)
    assert is_blind_to_lines(expression)
    if any(expression.search(line) for line in text.split("\n")):
        assert expression.search(text)
