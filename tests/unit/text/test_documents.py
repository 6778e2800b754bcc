"""Documents: a change gives the same lines as splitting the whole text anew, whatever it does to line breaks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.text import documents
from copydesk.text.documents import Document
from copydesk.text.lines import split_lines

TEXT = st.text(st.sampled_from("ab\r\n\x0c\u2028é😀"), max_size=40)
CHANGE = st.tuples(st.integers(0, 12), st.integers(0, 8), st.integers(0, 12), st.integers(0, 8), TEXT)


@pytest.fixture(autouse=True, scope="module")
def _small_chunks():
    """Chunks of a few lines, so that small texts cross their borders."""
    old = documents.CHUNK_LINES, documents._SPLIT_TO, documents._SMALL
    documents.CHUNK_LINES, documents._SPLIT_TO, documents._SMALL = 4, 2, 2
    yield
    documents.CHUNK_LINES, documents._SPLIT_TO, documents._SMALL = old


@given(TEXT)
def test_split_keeps_everything(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.endswith(("\n", "\r")) for line in lines[:-1])
    assert not lines[-1].endswith(("\n", "\r"))


def test_split_knows_three_breaks_only() -> None:
    assert split_lines("a\nb\r\nc\rd\x0ce\u2028f\x85g") == ["a\n", "b\r\n", "c\r", "d\x0ce\u2028f\x85g"]
    assert split_lines("") == [""]
    assert split_lines("a\n") == ["a\n", ""]


@settings(max_examples=400)
@given(TEXT, st.lists(CHANGE, max_size=8))
def test_replaced_equals_a_new_document(text: str, many: list[tuple[int, int, int, int, str]]) -> None:
    document = Document.of(text)
    for start_line, start_col, end_line, end_col, new in many:
        start = document.offset_at(start_line, start_col)
        end = max(start, document.offset_at(end_line, end_col))
        text = text[:start] + new + text[end:]
        document = document.replaced(start_line, start_col, end_line, end_col, new)
        fresh = Document.of(text)
        assert list(document.lines()) == list(fresh.lines()) == split_lines(text)
        assert (document.text, document.n_lines, document.n_chars) == (text, fresh.n_lines, len(text))


@given(TEXT, st.integers(0, 50), st.integers(0, 50))
def test_offsets_and_slices(text: str, one: int, two: int) -> None:
    document = Document.of(text)
    start, end = sorted((one, two))
    assert document.slice(start, end) == text[start:end]
    line, column = document.position_at(one)
    back = document.offset_at(line, column)
    within_pair = text[one - 1 : one + 1] == "\r\n" if one else False
    assert back == (one - 1 if within_pair else min(one, len(text)))


def test_out_of_range_positions_are_clamped() -> None:
    document = Document.of("ab\r\ncd")
    assert document.offset_at(0, 99) == 2
    assert document.offset_at(99, 0) == document.offset_at(1, 99) == 6
    assert document.offset_at(-1, 3) == 0
    assert document.replaced(0, 99, 0, 99, "!").text == "ab!\r\ncd"
    assert document.replaced(9, 9, 9, 9, "\n").text == "ab\r\ncd\n"
    assert document.replaced(1, 1, 0, 0, "x").text == "ab\r\ncxd"


def test_the_old_document_does_not_change() -> None:
    before = Document.of("one\ntwo\n")
    after = before.replaced(0, 0, 1, 0, "")
    assert (before.text, after.text) == ("one\ntwo\n", "two\n")
