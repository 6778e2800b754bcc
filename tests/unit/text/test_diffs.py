"""Diffs: round trip, small, and never cutting what belongs together."""

import random
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.diffs import diff, n_hunks, unified
from copydesk.text.edits import Edit, apply
from copydesk.text.lines import split_lines
from tests.support.examples import examples

TEXT = st.text(
    st.sampled_from("ab \r\ne\u0301\u200d👍\U0001f3fd🇩🇪\ud83d\ude00🏴\U000e0067\U000e007f1\ufe0f\u20e3"), max_size=40
)
N_LINES = 20_000


@st.composite
def two_texts(draw: st.DrawFn) -> tuple[str, str]:
    """Two that have nothing to do with each other, or one and what a few changes made of it."""
    old = draw(TEXT)
    new = draw(TEXT) if draw(st.booleans()) else old
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(new)))
        new = new[:at] + draw(TEXT)[:4] + new[at + draw(st.integers(0, 3)) :]
    return old, new


def _is_one_character(left: str, right: str) -> bool:
    """What a person sees as one: a pair, a mark on its base, joined emoji, a flag. A line break stands by itself."""
    if left + right == "\r\n":
        return True
    if left in "\r\n" or right in "\r\n":
        return False
    is_mark = unicodedata.category(right).startswith("M") or right in "\u200d\U0001f3fd\U000e0067\U000e007f"
    is_flag = unicodedata.name(left, "").startswith("REGIONAL") and unicodedata.name(right, "").startswith("REGIONAL")
    is_pair = "\ud800" <= left <= "\udbff" and "\udc00" <= right <= "\udfff"
    return is_mark or left == "\u200d" or is_flag or is_pair


@examples(500)
@given(two_texts())
def test_round_trip_and_no_cut_within_a_character_on_either_side(case: tuple[str, str]) -> None:
    old, new = case
    edits = diff(old, new)
    assert apply(old, edits) == new
    shift = 0
    for edit in edits:
        start = edit.start + shift
        cuts = [(old, edit.start), (old, edit.end), (new, start), (new, start + len(edit.text))]
        assert not any(0 < at < len(text) and _is_one_character(text[at - 1], text[at]) for text, at in cuts)
        shift += edit.delta


@examples(300)
@given(two_texts())
def test_an_edit_neither_touches_another_nor_says_again_what_stands_there(case: tuple[str, str]) -> None:
    old, new = case
    edits = diff(old, new)
    assert all(left.end < right.start for left, right in pairwise(edits))
    for start, end, text in edits:
        assert old[start:end] != text
        before, after = split_lines(old[start:end]), split_lines(text)
        assert min(len(before), len(after)) == 1 or before[0] != after[0]


def test_only_the_changed_word_is_touched() -> None:
    old = "def f(a, b):\n    return a + b\n\nx = 1\n"
    assert diff(old, old.replace("a + b", "a * b")) == (Edit(26, 27, "*"),)
    assert diff("", "new\n") == (Edit(0, 0, "new\n"),)
    assert diff("same", "same") == ()


def test_big_files_stay_fast() -> None:
    random.seed(7)
    old = [f"line {random.randrange(400)}\n" if i % 3 else "\n" for i in range(60_000)]
    new = [line for line in old if random.random() > 0.01]
    for _ in range(300):
        new.insert(random.randrange(len(new)), f"added {random.random()}\n")
    start = time.perf_counter()
    edits = diff("".join(old), "".join(new))
    assert time.perf_counter() - start < 10
    assert apply("".join(old), edits) == "".join(new)


def test_unified_is_what_git_writes() -> None:
    old = "".join(f"{i}\n" for i in range(1, 12)) + "end"
    new = old.replace("2\n", "two\n", 1).replace("end", "end\n")
    assert unified(old, new, "a b.txt") == (
        "--- a/a b.txt\n+++ b/a b.txt\n"
        "@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n 4\n 5\n"
        "@@ -9,4 +9,4 @@\n 9\n 10\n 11\n-end\n\\ No newline at end of file\n+end\n"
    )
    assert unified("", "x\r\n", "n", created=True) == "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\r\n"
    assert unified("x", "x", "n") == ""


def test_hunks_are_places() -> None:
    text = "a\nb\nc\nd\ne\n"
    assert n_hunks([(0, 1, "x"), (2, 3, "y")], text) == 1
    assert n_hunks([(0, 1, "x"), (8, 9, "y")], text) == 2
    assert n_hunks([], text) == 0


def test_a_line_that_goes_is_an_edit_of_its_own() -> None:
    """A preview shows the edits one by one, and a person may take only some of them."""
    old = "# copydesk: rename area to surface\ndef area(width, height):\n    return width\n"
    new = "def surface(width, height):\n    return width\n"
    line = old.index("def")
    assert diff(old, new) == (Edit(0, line, ""), Edit(line + 4, line + 8, "surface"))


def test_a_line_that_comes_before_a_changed_one_is_an_edit_of_its_own() -> None:
    old, new = "total = area(1, 2)\n", "import shapes\ntotal = surface(1, 2)\n"
    assert diff(old, new) == (Edit(0, 0, "import shapes\n"), Edit(8, 12, "surface"))


# --- big and unkind files --------------------------------------------------------------------------------


def _timed(old: str, new: str, limit_s: float) -> tuple[Edit, ...]:
    start = time.perf_counter()
    edits = diff(old, new)
    taken_s = time.perf_counter() - start
    assert apply(old, edits) == new
    assert taken_s < limit_s
    return edits


def _n_touched(edits: tuple[Edit, ...]) -> int:
    return sum(edit.end - edit.start + len(edit.text) for edit in edits)


UNKIND = {
    "equal signs with words between": ("." * 1000 + "\n", "".join(f".{i}" for i in range(500)) + "\n"),
    "equal lines with others between": ("a\n" * 500, "".join(f"a\n{i}\n" for i in range(250))),
    "blank lines, other ends": ("\n" * N_LINES, "\r\n" * N_LINES),
    "two lines over and over": ("a\nb\nb\n" * (N_LINES // 3), "b\na\na\n" * (N_LINES // 3)),
    "one long line": ("word, " * 50_000, "word, " * 25_000 + "x" + "word, " * 25_000),
    "nothing in common": (
        "".join(f"old {i}\n" for i in range(N_LINES)),
        "".join(f"new-{i}x\n" for i in range(N_LINES)),
    ),
}


@pytest.mark.parametrize("case", UNKIND)
def test_no_text_makes_it_hang(case: str) -> None:
    """Longest common runs alone took 10 s for the first of these, and 90 s for twenty such lines."""
    _timed(*UNKIND[case], 10)


def test_a_percent_of_lines_that_all_occur_often_is_a_percent_of_the_file() -> None:
    chance = random.Random(3)
    old = [f"value = {chance.randrange(400)}\n" for _ in range(N_LINES)]
    new = [f"value = {chance.randrange(400)}\n" if chance.random() < 0.01 else line for line in old]
    edits = _timed("".join(old), "".join(new), 10)
    n_changed = sum(a != b for a, b in zip(old, new, strict=True))
    assert _n_touched(edits) < n_changed * 20


def test_a_percent_of_equal_lines_is_a_percent_of_the_file() -> None:
    chance = random.Random(4)
    old = "}\n" * N_LINES
    new = "".join("]\n" if chance.random() < 0.01 else "}\n" for _ in range(N_LINES))
    assert _n_touched(_timed(old, new, 10)) < new.count("]") * 8


def test_indenting_a_file_touches_nothing_but_its_indentation() -> None:
    old = "".join(f"x{i} = f(a, b, {i})\n" for i in range(2_000))
    new = "".join(f"    {line}" for line in split_lines(old)[:-1])
    assert diff(old, new) == tuple(
        Edit(at, at, "    ") for at in (0, *(i + 1 for i, c in enumerate(old[:-1]) if c == "\n"))
    )


def test_a_word_changed_in_every_line_of_a_file_leaves_the_rest_of_the_lines() -> None:
    old = "".join(f"x{i} = compute(alpha, {i})\n" for i in range(1_000))
    edits = diff(old, old.replace("alpha", "gamma"))
    assert len(edits) == 1_000
    assert {(old[edit.start : edit.end], edit.text) for edit in edits} == {("alpha", "gamma")}


# --- places ----------------------------------------------------------------------------------------------


@given(st.text(st.sampled_from("ab\r\n"), max_size=30), st.lists(st.integers(0, 30), max_size=6))
def test_places_by_line_numbers(text: str, cuts: list[int]) -> None:
    cuts = sorted(min(cut, len(text)) for cut in cuts)
    edits = [Edit(a, b, "x") for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    starts = [0]
    for line in split_lines(text)[:-1]:
        starts.append(starts[-1] + len(line))

    def line_of(offset: int) -> int:
        return sum(start <= offset for start in starts) - 1

    count, last = 0, -2
    for edit in edits:
        count += line_of(edit.start) > last + 1
        last = line_of(max(edit.start, edit.end - 1))
    assert n_hunks(edits, text) == count
