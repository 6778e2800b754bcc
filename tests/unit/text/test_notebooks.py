"""A notebook's cells in its JSON: a new source changes that source's strings and not one character besides."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.notebooks import NotebookError, is_by_cells, is_notebook, read_cells, with_source
from tests.support.notebooks import notebook_json

LINES = ("a = 1\n", "\n", 'é "q" \\ \u2028\n', "\tx\n", "😀\n", "\r\n")
SOURCES = (
    st.lists(st.sampled_from(LINES), max_size=5)
    .map("".join)
    .flatmap(lambda text: st.sampled_from([text, text + "end"]))
)


@given(
    st.lists(SOURCES, min_size=1, max_size=3),
    SOURCES,
    st.data(),
    st.sampled_from([None, 1, 2, "\t"]),
    st.booleans(),
    st.booleans(),
)
def test_one_source_changes_and_nothing_else(
    sources: list[str], new: str, data: st.DataObject, indent: int | str | None, as_list: bool, crlf: bool
) -> None:
    text = notebook_json(*sources, indent=indent, as_list=as_list)
    text = text.replace("\n", "\r\n") if crlf else text
    cell = data.draw(st.sampled_from(read_cells(text)))
    after = with_source(text, cell, new)
    assert after.startswith(text[: cell.start])
    assert after.endswith(text[cell.end :])
    assert [each.source for each in read_cells(after)] == [
        new if each.number == cell.number else each.source for each in read_cells(text)
    ]
    assert is_by_cells(text, after)


@pytest.mark.parametrize("source", ["", "one", "one\n", "one\ntwo\nthree\nfour", "zero\none\ntwo", "ONE\ntwo\n", "two"])
def test_the_layout_is_the_one_that_jupyter_writes(source: str) -> None:
    for old in ("one\ntwo\n", "", "one\ntwo\nthree"):
        text = notebook_json("first\n", old)
        assert with_source(text, read_cells(text)[1], source) == notebook_json("first\n", source)


def test_escapes_of_other_lines_are_kept() -> None:
    text = notebook_json("a\n", "b").replace('"a\\n"', '"\\u0061\\/\\n",\n    "c\\n"')
    after = with_source(text, read_cells(text)[0], "a/\nC\n")
    assert after == text.replace('"c\\n"', '"C\\n"')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "x = 1\n",
        '{"cells": []}',
        '{"nbformat": 3, "worksheets": []}',
        '{"nbformat": 4, "cells": [1]}',
        '{"nbformat": 4, "cells": [{"source": 1}]}',
        '{"nbformat": 4, "cells": [{"source": "a", "source": "b"}]}',
        '{"nbformat": 4, "cells": [{}]}',
        '{"nbformat": 4, "cells": [{"source": ["a", 2]}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_notebook_is_refused(text: str) -> None:
    with pytest.raises(NotebookError):
        read_cells(text)


def test_changes_beside_the_sources_are_not_by_cells() -> None:
    text = notebook_json("x = 1\n", "y")
    assert not is_by_cells(text, text.replace("größe", "groesse"))
    assert not is_by_cells(text, text.replace('"nbformat": 4', '"nbformat":  4'))
    assert not is_by_cells(text, text[:-5])
    assert not is_by_cells(text, json.dumps(json.loads(text.replace("x = 1", "x = 2"))))
    assert is_notebook("file:///w/N.IPYNB")
    assert not is_notebook("n.ipynb.py")


def test_half_a_character_stays_escaped() -> None:
    text = notebook_json("s = '?'\n").replace("?", "\\ud83d")
    after = with_source(text, read_cells(text)[0], "t = '\ud83d'\n")
    assert after == text.replace("s =", "t =")
