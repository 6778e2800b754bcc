"""Diffs: round trip, small, and never cutting what belongs together."""

import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.text.diffs import diff, n_hunks, unified
from copydesk.text.edits import Edit, apply

TEXT = st.text(st.sampled_from("ab \r\ne\u0301\u200d👍\U0001f3fd🇩🇪"), max_size=40)


@settings(max_examples=400)
@given(TEXT, TEXT)
def test_round_trip_and_no_cut_within(old: str, new: str) -> None:
    edits = diff(old, new)
    assert apply(old, edits) == new
    for start, end, _ in edits:
        for cut in (start, end):
            around = old[cut - 1 : cut + 1] if cut else ""
            assert around != "\r\n"
            assert not (len(around) == 2 and around[1] in "\u0301\u200d\U0001f3fd" and around[0] not in "\r\n")


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
