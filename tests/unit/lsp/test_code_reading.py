"""Answers of language servers: each shape of LSP, what is malformed, and positions in every encoding."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.messages import LineRange
from copydesk.domain.tools import Location
from copydesk.lsp.code_reading import MAX_ITEMS, CodeReader, NotUnderstood, read_hover
from copydesk.text.positions import Encoding

URI, OUT = "file:///w/a.py", "file:///usr/lib/os.py"
CODE = "x = '😀' + naïve\n\n\nclass Shop:\n    def total(self):\n        return x\n"
TEXTS = {URI: CODE, "file:///w/b%20c.ts": "let y\n"}


class Texts:
    def __init__(self, texts: dict[str, str] = TEXTS) -> None:
        self.texts = texts

    def resolve(self, uri: str) -> str:
        return uri.replace("file:///W/", "file:///w/")

    def read(self, uri: str) -> str | None:
        return self.texts.get(uri)


def reader(encoding: Encoding = "utf-16") -> CodeReader:
    return CodeReader(encoding, Texts())


def span(line: int, start: int, end_line: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": end_line, "character": end}}


def place(line: int, start: int, end: int, uri: str = URI) -> dict[str, Any]:
    return {"uri": uri, "range": span(line, start, line, end)}


# --- places ---


@pytest.mark.parametrize(
    "answer",
    [
        place(0, 11, 16),
        [place(0, 11, 16)],
        [place(0, 11, 16, "file:///W/a.py")],
        [{"targetUri": URI, "targetRange": span(0, 0, 3, 0), "targetSelectionRange": span(0, 11, 0, 16)}],
        {"targetUri": URI, "targetRange": span(0, 11, 0, 16), "originSelectionRange": span(5, 0, 5, 1)},
    ],
)
def test_locations_and_links(answer: object) -> None:
    [found] = reader().places(answer)
    assert (found.location, found.column, found.name) == (Location(URI, 0), 10, "naïve")
    assert found.text == "x = '😀' + naïve"


def test_a_definition_as_a_whole_names_nothing() -> None:
    [found] = reader().places({"uri": URI, "range": span(3, 0, 5, 16)})
    assert (found.location.line, found.column, found.name, found.text) == (3, 0, "", "class Shop:")


def test_a_place_that_must_not_be_read_is_shown_as_it_was_given() -> None:
    [found] = reader().places([place(700, 4, 8, OUT)])
    assert (found.location, found.column, found.text) == (Location(OUT, 700), 4, "")


def test_our_own_documents_are_no_places() -> None:
    made = reader()
    assert made.places([place(0, 0, 1, "copydesk:/proposed/s-1/00/a.py")]) == ()
    assert made.n_ignored == 0


MALFORMED: list[Any] = [
    None,
    7,
    "file:///w/a.py",
    [],
    {},
    {"uri": URI},
    {"uri": 7, "range": span(0, 0, 0, 1)},
    {"uri": "", "range": span(0, 0, 0, 1)},
    {"uri": URI, "range": {"start": {"line": -1, "character": 0}, "end": {"line": 0, "character": 0}}},
    {"uri": URI, "range": {"start": {"line": "0", "character": 0}, "end": {"line": 0, "character": 0}}},
    {"uri": URI, "range": [[0, 0], [0, 1]]},
    place(6_000, 0, 1),  # of another text than the editor's
]


def test_malformed_places_are_left_out_and_counted() -> None:
    made = reader()
    assert len(made.places([*MALFORMED, place(0, 0, 1)])) == 1
    assert made.n_ignored == len(MALFORMED)


@pytest.mark.parametrize("answer", [7, "x", True])
def test_what_is_no_answer_at_all(answer: object) -> None:
    for read in (reader().places, reader().symbols, reader().problems, read_hover):
        with pytest.raises(NotUnderstood):
            read(answer)
    with pytest.raises(NotUnderstood):
        read_hover([{"value": "no contents"}])


def test_nothing_is_an_answer() -> None:
    made = reader()
    assert (made.places(None), made.symbols(None), made.problems(None), read_hover(None)) == ((), (), (), "")
    assert (made.places([]), made.symbols([]), made.problems([]), read_hover([])) == ((), (), (), "")


def test_no_answer_is_too_long() -> None:
    assert len(reader().places([place(0, 0, 1)] * (MAX_ITEMS + 5))) == MAX_ITEMS
    nested: dict[str, Any] = {"name": "n", "kind": 5, "range": span(0, 0, 0, 1)}
    for _ in range(500):
        nested = {"name": "n", "kind": 5, "range": span(0, 0, 0, 1), "children": [nested]}
    assert 1 < len(reader().symbols([nested], URI)) < 100


# --- hovers ---


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ("plain", "plain"),
        ({"kind": "markdown", "value": "```python\ndef f() -> int\n```\n---\nWords."}, "def f() -> int\n---\nWords."),
        ({"kind": "plaintext", "value": "f"}, "f"),
        ({"language": "python", "value": "def f()"}, "def f()"),
        ({"value": "a VS Code string", "isTrusted": False}, "a VS Code string"),
        (["one", {"language": "go", "value": "two"}, {"kind": "markdown", "value": "three"}], "one\n\ntwo\n\nthree"),
        (["", None, 7, {"no": "value"}, {"value": 3}], ""),
        (None, ""),
    ],
)
def test_what_a_hover_says(contents: Any, said: str) -> None:
    assert read_hover({"contents": contents}) == said
    assert read_hover([{"contents": contents}, {"contents": contents}]) == said


# --- symbols ---


def test_document_symbols_are_unfolded() -> None:
    inner = {"name": "total", "kind": 6, "range": span(4, 4, 5, 16), "selectionRange": span(4, 8, 4, 13)}
    outer = {"name": "Shop", "kind": 5, "range": span(3, 0, 5, 16), "selectionRange": span(3, 6, 3, 10)}
    shop, total = reader().symbols([{**outer, "children": [inner]}], URI)
    assert (shop.name, shop.kind, shop.line, shop.column, shop.container) == ("Shop", "class", 3, 6, "")
    assert (total.name, total.kind, total.line, total.column, total.container) == ("total", "method", 4, 8, "Shop")
    assert total.range == LineRange(4, 4, 5, 16)


def test_symbol_information_names_its_file_and_its_holder() -> None:
    item = {"name": "total", "kind": 12, "containerName": "Shop", "location": {"uri": URI, "range": span(4, 4, 5, 16)}}
    [symbol] = reader().symbols([item])
    assert (symbol.uri, symbol.line, symbol.column, symbol.container) == (URI, 4, 8, "Shop")


def test_a_workspace_symbol_may_have_no_range() -> None:
    [symbol] = reader().symbols([{"name": "y", "kind": 99, "location": {"uri": "file:///w/b%20c.ts"}}])
    assert (symbol.kind, symbol.line, symbol.column) == ("symbol", 0, 4)


def test_malformed_symbols_are_left_out() -> None:
    good = {"name": "x", "kind": 13, "range": span(0, 0, 0, 1), "selectionRange": span(0, 0, 0, 1)}
    made = reader()
    bad: list[Any] = [
        {**good, "name": ""},
        {**good, "range": None},
        {**good, "location": {"uri": 7}},
        "x",
        {"children": [{}]},
        {**good, "range": span(77, 0, 78, 0)},
    ]
    assert [symbol.name for symbol in made.symbols([*bad, good], URI)] == ["x"]
    assert made.n_ignored == len(bad)


# --- diagnostics ---


def test_diagnostics() -> None:
    items = [
        {"range": span(0, 4, 0, 8), "message": "bad", "severity": 2, "source": "Pylance", "code": "reportX"},
        {"range": span(0, 11, 0, 16), "message": {"kind": "markdown", "value": "worse"}, "code": 7},
        {"range": span(0, 0, 0, 1), "message": "Pending: −1 +1", "source": "copydesk", "code": "pending"},
        {"range": span(99, 0, 99, 1), "message": "of another text"},
        {"range": span(0, 0, 0, 1), "message": ""},
        "bad",
    ]
    made = reader()
    answer = [{"uri": URI, "diagnostics": items}, {"uri": OUT, "diagnostics": items}, {"uri": 7}, {"diagnostics": []}]
    first, second = made.problems(answer)
    assert (first.severity, first.source, first.code, first.range) == (
        "warning",
        "Pylance",
        "reportX",
        LineRange(0, 4, 0, 7),
    )
    assert (second.severity, second.message, second.code, second.range.start_column) == ("error", "worse", "7", 10)
    assert made.n_ignored == 5


# --- positions ---

LINES = st.text(st.sampled_from("aé😀\u0301𝕏\u2028\tß"), max_size=12)
N_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@given(
    lines=st.lists(LINES, min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(get_args(Encoding)),
    data=st.data(),
)
def test_every_position_comes_back_from_any_encoding(
    lines: list[str], end: str, encoding: Encoding, data: st.DataObject
) -> None:
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    first = data.draw(st.integers(0, len(line)))
    last = data.draw(st.integers(first, len(line)))
    codec, size = N_UNITS[encoding]

    def units(column: int) -> int:
        return len(line[:column].encode(codec)) // size

    made = CodeReader(encoding, Texts({URI: end.join(lines)}))
    given_range = span(number, units(first), number, units(last))
    [found] = made.places({"uri": URI, "range": given_range})
    assert (found.location.line, found.column, found.text) == (number, first, line)
    [symbol] = made.symbols([{"name": "x", "kind": 12, "range": given_range, "selectionRange": given_range}], URI)
    assert symbol.range == LineRange(number, first, number, last)
    [problem] = made.problems([{"uri": URI, "diagnostics": [{"range": given_range, "message": "m"}]}])
    assert problem.range == symbol.range


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10) | st.sampled_from([URI, "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["uri", "range", "start", "end", "line", "character", "name", "kind", "location", "children",
                 "contents", "value", "diagnostics", "message", "targetUri", "targetRange", "selectionRange"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(answer=JSON)
def test_nothing_that_is_json_does_harm(answer: object) -> None:
    made = reader()
    for read in (made.places, lambda given: made.symbols(given, URI), made.problems, read_hover):
        try:
            read(answer)
        except NotUnderstood:
            continue
