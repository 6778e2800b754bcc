"""Where hunks show, for any text and encoding, and which line of a diff belongs to which line of a hunk."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.review import Hunk
from copydesk.lsp.diff_documents import render
from copydesk.lsp.pending import Shapes, lines_at, lsp_range, touches
from copydesk.text.documents import Document
from copydesk.text.lines import split_lines
from copydesk.text.positions import Encoding, from_codepoints
from copydesk.workspace.overlay import Overlay
from tests.support.fake_reviews import FakeReviews, hunk_of

ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-32"])
BREAKS = st.sampled_from(["\n", "\r\n"])
LINE = st.sampled_from(["", "a", "b", "größe", "😀", "👩‍👧 x", "\x0c", "\u2028y", "    deep"])
URI = "file:///w/src/a.py"


@st.composite
def texts(draw: st.DrawFn) -> str:
    lines = [draw(LINE) + draw(BREAKS) for _ in range(draw(st.integers(0, 12)))]
    return "".join(lines) + draw(LINE)


@st.composite
def proposals(draw: st.DrawFn) -> tuple[str, list[Hunk]]:
    """A text and hunks in it that do not touch each other."""
    text = draw(texts())
    n_lines = len([line for line in split_lines(text) if line])
    hunks: list[Hunk] = []
    at = 0
    while at <= n_lines and draw(st.booleans()):
        start = draw(st.integers(at, n_lines))
        end = draw(st.integers(start, min(start + 3, n_lines)))
        after = "".join(draw(LINE) + "\n" for _ in range(draw(st.integers(0 if end > start else 1, 3))))
        hunks.append(hunk_of(text, start, end, after))
        at = end + 1
    return text, hunks


@given(proposals(), ENCODINGS)
def test_a_range_covers_its_lines_and_lies_in_the_document(given: tuple[str, list[Hunk]], encoding: Encoding) -> None:
    text, hunks = given
    document = Document.of(text)
    for hunk in hunks:
        found = lsp_range(hunk, encoding, document)
        first, last = found["start"], found["end"]
        assert first["line"] <= last["line"] < document.n_lines
        line = document.line(last["line"])
        assert last["character"] <= from_codepoints(line, len(line), encoding)
        if hunk.start_line < hunk.end_line:
            assert (first["line"], last["line"]) == (hunk.start_line, hunk.end_line - 1)
            assert last["character"] == from_codepoints(line, len(line), encoding)
            assert lsp_range(hunk, encoding) == found


@given(proposals())
def test_every_hunk_is_touched_from_some_line_and_its_lines_too(given: tuple[str, list[Hunk]]) -> None:
    text, hunks = given
    last = Document.of(text).n_lines - 1
    for hunk in hunks:
        assert any(touches(hunk, line, line) for line in range(last + 1))
        assert {line for at in range(last + 1) for line in lines_at(hunk, at, at)} == set(hunk.lines)
        assert set(lines_at(hunk, 0, last)) == set(hunk.lines)


@given(proposals())
def test_a_line_of_the_diff_is_never_taken_for_another(given: tuple[str, list[Hunk]]) -> None:
    text, hunks = given
    if not hunks:
        return
    reviews = FakeReviews(*hunks, texts=lambda uri: text)
    rendered = render(hunks, reviews, Shapes(lambda: "utf-16", Overlay(), str))
    by_id = {hunk.id: hunk for hunk in hunks}
    shown = rendered.text.split("\n")[:-1]
    assert len(shown) == len(rendered.rows)
    for line, row in zip(shown, rendered.rows, strict=True):
        if row and row.hunk:
            change = next(each for each in by_id[row.hunk].lines if each.number == row.number)
            assert line[1:].removesuffix("\r") == (change.before if line[0] == "-" else change.after)


def test_lines_far_from_each_other_are_all_found() -> None:
    text = "".join(f"{n}\n" for n in range(100))
    hunks = [hunk_of(text, at, at + 1, f"new {at}\n") for at in (0, 3, 50, 99)]
    rendered = render(hunks, FakeReviews(texts=lambda uri: text), Shapes(lambda: "utf-16", Overlay(), str))
    found = {(row.hunk, row.number) for row in rendered.rows if row and row.number}
    assert found == {(hunk.id, 1) for hunk in hunks}
