"""Columns in three encodings, against counting each character's units."""

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.positions import Encoding, from_codepoints, to_codepoints
from tests.support.examples import examples

ENCODING = st.sampled_from(["utf-8", "utf-16", "utf-32"])
LINE = st.text(st.sampled_from("aé😀я \u0301\u200d\x0c\x85\u2028\ud83d\ude00"), max_size=20)
"""Lone surrogates too: an editor may send the halves of a pair one after the other."""

END = st.sampled_from(["", "\n", "\r\n", "\r"])


def _n_units(char: str, encoding: Encoding) -> int:
    if encoding == "utf-8":
        return len(char.encode("utf-8", "surrogatepass"))
    return 2 if encoding == "utf-16" and char > "\uffff" else 1


def _ends(line: str, encoding: Encoding) -> list[int]:
    """Units before each character, and after the last."""
    return list(accumulate((_n_units(char, encoding) for char in line), initial=0))


@examples(400)
@given(LINE, END, ENCODING, st.integers(-3, 90))
def test_the_character_that_a_unit_lies_in(line: str, end: str, encoding: Encoding, units: int) -> None:
    expected = max(i for i, before in enumerate(_ends(line, encoding)) if before <= max(units, 0))
    assert to_codepoints(line + end, units, encoding) == expected


@given(LINE, END, ENCODING, st.integers(-3, 25))
def test_units_before_a_character(line: str, end: str, encoding: Encoding, column: int) -> None:
    assert from_codepoints(line + end, column, encoding) == _ends(line, encoding)[min(max(column, 0), len(line))]


@given(LINE, ENCODING, st.integers(0, 25))
def test_there_and_back(line: str, encoding: Encoding, column: int) -> None:
    units = from_codepoints(line + "\n", column, encoding)
    assert to_codepoints(line + "\n", units, encoding) == min(column, len(line))


def test_inside_a_pair_is_its_start() -> None:
    assert to_codepoints("a😀b", 2, "utf-16") == 1
    assert to_codepoints("a😀b", 3, "utf-16") == 2
    assert to_codepoints("a😀b", 3, "utf-8") == 1


def test_the_halves_of_a_pair_that_came_one_by_one_are_two_columns() -> None:
    line = "\ud83d\ude00b\n"
    assert [to_codepoints(line, units, "utf-16") for units in range(5)] == [0, 1, 2, 3, 3]
    assert [from_codepoints(line, column, "utf-16") for column in range(4)] == [0, 1, 2, 3]


def test_past_the_line_is_its_end_and_never_in_or_behind_the_break() -> None:
    for end in ("", "\n", "\r\n", "\r"):
        for encoding in ("utf-8", "utf-16", "utf-32"):
            assert to_codepoints("é😀" + end, 99, encoding) == 2
            assert from_codepoints("é😀" + end, 99, encoding) == {"utf-8": 6, "utf-16": 3, "utf-32": 2}[encoding]
