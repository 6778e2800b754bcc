"""Patches made by a diff of two texts give the second one again, whatever their line numbers say; or they are refused."""

import difflib
import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.diffs import unified
from copydesk.text.edits import apply
from copydesk.text.matching import Ambiguous, BadQuote, NoMatch, find_edit
from copydesk.text.patch_places import Misplaced, place_hunks
from copydesk.text.patch_reading import parse_patch
from copydesk.text.patches import PatchSyntax

WORDS = [
    "",
    "a",
    "}",
    "  a",
    "    x = 1",
    "-- q",
    "++ z",
    "--- q",
    "+++ z",
    "@@ k",
    "\\ n",
    " \t",
    "“q”",
    "e\u0301",
    "...",
]
HEADER = re.compile(r"^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@$", re.MULTILINE)


@st.composite
def pairs(draw: st.DrawFn, *, unique: bool) -> tuple[str, str]:
    """A text and another made of it, all line ends alike."""
    rows = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=25))
    lines = [f"{row} {n}" if unique else row for n, row in enumerate(rows)]
    after = list(lines)
    for at in draw(st.lists(st.integers(0, 30), min_size=1, max_size=4)):
        match draw(st.integers(0, 2)):
            case 0:
                after.insert(at % (len(after) + 1), draw(st.sampled_from(WORDS)) + "new")
            case 1 if len(after) > 1:
                after.pop(at % len(after))
            case _:
                after[at % len(after)] = "changed"
    end = draw(st.sampled_from(["\n", "\r\n"]))
    lasts = draw(st.tuples(st.sampled_from(["", end]), st.sampled_from(["", end])))
    return end.join(lines) + lasts[0], end.join(after) + lasts[1]


def patched(text: str, patch: str) -> str:
    (file,) = parse_patch(patch)
    return apply(text, place_hunks(text, file.hunks).edits)


def shifted(patch: str, by: int) -> str:
    def moved(match: re.Match[str]) -> str:
        old, n_old, new, n_new = match.groups(default="")
        return f"@@ -{max(int(old) + by, 0)}{n_old} +{max(int(new) + by, 0)}{n_new} @@"

    return HEADER.sub(moved, patch)


@given(pairs(unique=False))
def test_a_diff_gives_the_new_text(pair: tuple[str, str]):
    old, new = pair
    if "\n" in old and new and old != new:  # else there is no line end to keep
        assert patched(old, unified(old, new, "f.txt")) == new


@given(pairs(unique=True), st.sampled_from([-9, 1, 7, 500]))
def test_line_numbers_may_be_wrong(pair: tuple[str, str], by: int):
    old, new = pair
    if "\n" in old and new and old != new:
        assert patched(old, shifted(unified(old, new, "f.txt"), by)) == new


@given(pairs(unique=True), st.booleans())
def test_difflib_writes_patches_too(pair: tuple[str, str], without_numbers: bool):
    old, new = (text.replace("\r\n", "\n").rstrip("\n") + "\n" for text in pair)
    patch = "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "a/f.txt", "b/f.txt"))
    if old.strip() and new.strip() and patch:
        assert patched(old, HEADER.sub("@@ @@", patch) if without_numbers else patch) == new


@given(st.text(st.sampled_from("ab \t\n\r“é\u0301.…"), max_size=60), st.data())
def test_what_is_there_once_is_found_exactly(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    old = text[start : data.draw(st.integers(start, len(text)))]
    plain, wanted = text.replace("\r\n", "\n").replace("\r", "\n"), old.replace("\r\n", "\n").replace("\r", "\n")
    n_places = sum(plain.startswith(wanted, at) for at in range(len(plain)))
    if old and n_places == 1:
        found = find_edit(text, old, "X")
        assert found.rung in ("exact", "line_ends")
        assert apply(text, found.edits).replace("\r\n", "\n").replace("\r", "\n") == plain.replace(wanted, "X")
    elif old:
        with pytest.raises(Ambiguous):
            find_edit(text, old, "X")


BODIES = ["if x:", "return 1", "a = 2", "}", "say “hi”", "it’s — ok", "Café", "Cafe\u0301", "..."]


@st.composite
def damaged(draw: st.DrawFn) -> tuple[list[str], int, list[str]]:
    """Lines, where a stretch of them starts, and the stretch as somebody might remember it."""
    lines = [
        draw(st.sampled_from(["", "  ", "    ", "\t"]))
        + draw(st.sampled_from(BODIES))
        + draw(st.sampled_from(["", " "]))
        for _ in range(draw(st.integers(2, 10)))
    ]
    start = draw(st.integers(0, len(lines) - 1))
    stretch = lines[start : draw(st.integers(start + 1, len(lines)))]
    change = draw(st.sampled_from([str.rstrip, lambda line: line + "  ", lambda line: "  " + line, str.strip]))
    quoted = [change(line) for line in stretch]
    if draw(st.booleans()):
        quoted = [line.translate(str.maketrans("“”’—", '""\'-')) for line in quoted]
    return lines, start, quoted


@given(damaged(), st.integers(0, 9))
def test_damaged_space_finds_the_right_place_or_none(case: tuple[list[str], int, list[str]], at: int):
    lines, start, quoted = case
    at %= len(quoted)
    new = [*quoted[:at], "CHANGED", *quoted[at + 1 :]]
    text = "".join(f"{line}\n" for line in lines)
    try:
        found = find_edit(text, "".join(f"{line}\n" for line in quoted), "".join(f"{line}\n" for line in new))
    except (NoMatch, Ambiguous, BadQuote):
        return
    after = apply(text, found.edits).split("\n")[:-1]
    if found.rung != "exact":  # which says what it says; the rest says it of the same place, and of nothing else
        changed = [number for number, (a, b) in enumerate(zip(lines, after, strict=True)) if a != b]
        assert changed == [start + at] or lines[changed[0]].split() == lines[start + at].split()
        assert len(changed) == 1
        assert after[changed[0]].strip() == "CHANGED"


def test_no_patch_of_a_model_breaks_the_reader():
    patch = "*** Begin Patch\n*** Update File: a\n@@ x\n@@ y\n-a\n+b\n*** Move to: c\n*** End Patch"
    with pytest.raises(PatchSyntax, match="line 7"):
        parse_patch(patch)
    for part in (*(patch[at:] for at in range(len(patch))), *(patch[:at] for at in range(len(patch)))):
        with suppress(PatchSyntax):  # and nothing else
            assert parse_patch(part)


def test_every_hunk_with_a_problem_is_named():
    (file,) = parse_patch("--- a/f\n+++ b/f\n@@ -2 +2 @@\n-x\n+y\n@@ -9 +9 @@\n-gone\n+z\n@@ -1,0 +2 @@\n+lost\n")
    with pytest.raises(Misplaced) as caught:
        place_hunks("x\nb\nx\n", file.hunks)
    assert [(one.hunk, one.kind) for one in caught.value.problems] == [
        (1, "ambiguous"),
        (2, "missing"),
        (3, "no_context"),
    ]


@pytest.mark.parametrize(("n_lines", "limit_s"), [(5_000, 1.0), pytest.param(50_000, 10.0, marks=pytest.mark.slow)])
def test_what_is_not_there_is_said_in_bounded_time(n_lines: int, limit_s: float):
    """On an idle machine about 0.1 s and 1 s; the limits only tell linear from quadratic work."""
    text = "".join(f"{'    ' * (n % 4)}value_{n % 977} = compute(“{n}”)\n" for n in range(n_lines))
    old = "".join(text.splitlines(True)[100:300]) + "nowhere\n"
    started = time.process_time()
    with pytest.raises(NoMatch) as caught:
        find_edit(text, old, "x\n")
    assert time.process_time() - started < limit_s
    assert caught.value.near is not None
    assert (caught.value.near.first, caught.value.near.differs) == (100, 300)
