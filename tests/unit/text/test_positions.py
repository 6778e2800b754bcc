"""Columns in three encodings."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.positions import Encoding, from_codepoints, to_codepoints

CODEC = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
ENCODING = st.sampled_from(["utf-8", "utf-16", "utf-32"])
LINE = st.text(st.sampled_from("aé😀я "), max_size=20)


@given(LINE, ENCODING, st.integers(-3, 90))
def test_the_character_that_a_unit_lies_in(line: str, encoding: Encoding, units: int) -> None:
    codec, size = CODEC[encoding]
    ends = [len(line[:i].encode(codec)) // size for i in range(len(line) + 1)]
    expected = max(i for i, end in enumerate(ends) if end <= max(units, 0))
    assert to_codepoints(line + "\r\n", units, encoding) == expected


@given(LINE, ENCODING, st.integers(0, 25))
def test_there_and_back(line: str, encoding: Encoding, column: int) -> None:
    units = from_codepoints(line + "\n", column, encoding)
    assert to_codepoints(line + "\n", units, encoding) == min(column, len(line))


def test_inside_a_pair_is_its_start() -> None:
    assert to_codepoints("a😀b", 2, "utf-16") == 1
    assert to_codepoints("a😀b", 3, "utf-16") == 2
    assert to_codepoints("a😀b", 3, "utf-8") == 1
