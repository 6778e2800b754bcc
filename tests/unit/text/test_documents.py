"""Documents: a change gives the same lines as splitting the whole text anew, whatever it does to line breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text import documents
from copydesk.text.documents import Document
from copydesk.text.lines import split_lines
from tests.support.examples import examples

TEXT = st.text(st.sampled_from("ab\r\n\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029é😀"), max_size=40)
LINE, COLUMN = st.integers(-1, 12), st.integers(-1, 8)
CHANGE = st.tuples(LINE, COLUMN, LINE, COLUMN, TEXT)


@pytest.fixture(autouse=True, scope="module")
def _small_chunks():
    """Chunks of a few lines, so that small texts cross their borders."""
    old = documents.CHUNK_LINES, documents._SPLIT_TO, documents._SMALL
    documents.CHUNK_LINES, documents._SPLIT_TO, documents._SMALL = 4, 2, 2
    yield
    documents.CHUNK_LINES, documents._SPLIT_TO, documents._SMALL = old


def _plain_lines(text: str) -> list[str]:
    """Character by character, as the protocol says it."""
    lines = [""]
    for at, char in enumerate(text):
        lines[-1] += char
        if char == "\n" or (char == "\r" and text[at + 1 : at + 2] != "\n"):
            lines.append("")
    return lines


def _plain_offset(text: str, line: int, column: int) -> int:
    lines = _plain_lines(text)
    if not 0 <= line < len(lines):
        return 0 if line < 0 else len(text)
    return sum(map(len, lines[:line])) + min(max(column, 0), len(lines[line].rstrip("\r\n")))


@given(TEXT)
def test_split_is_the_plain_one(text: str) -> None:
    assert split_lines(text) == _plain_lines(text)


@given(TEXT)
def test_split_keeps_everything(text: str) -> None:
    lines = split_lines(text)
    assert "".join(lines) == text
    assert all(line.endswith(("\n", "\r")) for line in lines[:-1])
    assert not lines[-1].endswith(("\n", "\r"))


def test_split_knows_three_breaks_only() -> None:
    assert split_lines("a\nb\r\nc\rd\x0ce\u2028f\x85g") == ["a\n", "b\r\n", "c\r", "d\x0ce\u2028f\x85g"]
    assert split_lines("\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029") == ["\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"]
    assert split_lines("\n\r\r\n\n\r") == ["\n", "\r", "\r\n", "\n", "\r", ""]
    assert split_lines("") == [""]
    assert split_lines("a\n") == ["a\n", ""]


@examples(500)
@given(TEXT, st.lists(CHANGE, max_size=8))
def test_replaced_is_what_it_does_to_a_string(text: str, many: list[tuple[int, int, int, int, str]]) -> None:
    """Positions out of range, or backwards, and line breaks made and unmade across the borders of chunks included."""
    document = Document.of(text)
    for start_line, start_col, end_line, end_col, new in many:
        start = _plain_offset(text, start_line, start_col)
        end = max(start, _plain_offset(text, end_line, end_col))
        assert (document.offset_at(start_line, start_col), document.text) == (start, text)
        text = text[:start] + new + text[end:]
        document = document.replaced(start_line, start_col, end_line, end_col, new)
        assert list(document.lines()) == _plain_lines(text)
        assert (document.text, document.n_lines, document.n_chars) == (text, len(_plain_lines(text)), len(text))
        _check_chunks(document)


def _check_chunks(document: Document) -> None:
    """What is counted is right, and chunks stay neither empty nor big."""
    for chunk in document._chunks:
        assert 0 < len(chunk.lines) <= documents.CHUNK_LINES
        assert chunk.n_chars == sum(map(len, chunk.lines))


@pytest.mark.parametrize("n_before", range(9))
def test_breaks_joined_and_split_at_every_border(n_before: int) -> None:
    head = "x\n" * n_before
    apart = Document.of(head + "a\rb\n" + "y\n" * 9)
    joined = apart.replaced(n_before + 1, 0, n_before + 1, 1, "")
    assert list(joined.lines()) == _plain_lines(head + "a\r\n" + "y\n" * 9)
    again = joined.replaced(n_before, 1, n_before, 1, "\rb")
    assert list(again.lines()) == _plain_lines(head + "a\rb\r\n" + "y\n" * 9)
    typed = apart.replaced(n_before + 1, 0, n_before + 1, 0, "\n")
    assert list(typed.lines()) == _plain_lines(head + "a\r\nb\n" + "y\n" * 9)


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
