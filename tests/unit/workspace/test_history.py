"""What was typed, exactly: over any number of changes, for every frozen version, across closing and reopening."""

import random

import pytest

from copydesk.domain.edits import ChangeText
from copydesk.domain.messages import LineRange
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply
from copydesk.workspace.history import MAX_STATES, ContentChange, History, composed
from copydesk.workspace.overlay import Overlay
from copydesk.workspace.pending import Pending
from copydesk.workspace.workspace import Workspace

URI = "file:///w/a.py"


def at(line: int, column: int) -> LineRange:
    return LineRange(line, column, line, column)


def opened(text: str) -> Workspace:
    workspace = Workspace(("file:///w",))
    workspace.overlay.open(URI, "python", 1, text)
    return workspace


def text_of(overlay: Overlay) -> str:
    document = overlay.get(URI)
    assert document
    return document.document.text


def test_an_edit_keeps_its_place_among_equal_lines() -> None:
    """A comparison of the texts would say that the new line came last, and change the wrong one."""
    workspace = opened("same\nsame\nsame\n")
    pending, view = Pending(), workspace.snapshot()
    base = view.read(URI)
    pending.propose([ChangeText(base.base, ((10, 14, "third"),))], view)
    workspace.overlay.change(URI, 2, [(at(0, 0), "same\n")])
    assert workspace.snapshot(pending).read(URI).text == "same\nsame\nsame\nthird\n"
    assert diff(base.text, "same\n" * 4) != (Edit(0, 0, "same\n"),), "the comparison misplaces it"


def test_a_view_answers_for_its_own_version() -> None:
    workspace = opened("one\n")
    views = [workspace.snapshot()]
    for version in range(2, 6):
        workspace.overlay.change(URI, version, [(at(0, 0), "ab"), (LineRange(0, 1, 0, 2), "")])
        views.append(workspace.snapshot())
    for older, view in enumerate(views):
        base = view.read(URI)
        for newer in views[older:]:
            edits = newer.typed_since(base)
            assert edits is not None
            assert apply(base.text, edits) == newer.read(URI).text
        assert all(earlier.typed_since(base) is None for earlier in views[:older])


def test_versions_that_repeat_are_told_apart_by_the_text() -> None:
    workspace = opened("one\n")
    workspace.overlay.change(URI, 0, [(at(0, 0), "a")])
    base = workspace.snapshot().read(URI)
    for letter in "bcd":
        workspace.overlay.change(URI, 0, [(at(0, 0), letter)])
    assert workspace.snapshot().typed_since(base) == (Edit(0, 0, "dcb"),)


def test_a_file_that_was_opened_after_it_was_read() -> None:
    workspace = Workspace(("file:///w",))
    workspace.overlay.predict(URI, "same\nsame\n")
    base = workspace.snapshot().read(URI)
    workspace.overlay.open(URI, "python", 1, "same\nsame\n")
    workspace.overlay.change(URI, 2, [(at(0, 0), "same\n")])
    assert workspace.snapshot().typed_since(base) == (Edit(0, 0, "same\n"),)


def test_closing_and_other_texts_are_not_known() -> None:
    workspace = opened("one\n")
    base = workspace.snapshot().read(URI)
    workspace.overlay.close(URI)
    assert workspace.snapshot().typed_since(base) is None
    workspace.overlay.open(URI, "python", 1, "other\n")
    assert workspace.snapshot().typed_since(base) is None


def test_a_long_history_stays_short_and_keeps_what_was_read() -> None:
    workspace, chance = opened("start\n"), random.Random(7)
    bases = [workspace.snapshot().read(URI)]
    for version in range(2, 5 * MAX_STATES):
        workspace.overlay.change(URI, version, [(at(0, chance.randrange(5)), "x")])
        if version % 700 == 0:
            bases.append(workspace.snapshot().read(URI))
    now = workspace.snapshot()
    for base in bases:
        edits = now.typed_since(base)
        assert edits is not None
        assert apply(base.text, edits) == now.read(URI).text
    document = workspace.overlay.get(URI)
    assert document is not None
    assert document.history.length <= MAX_STATES


@pytest.mark.parametrize("n", [1, 2, MAX_STATES, MAX_STATES + 1, 3 * MAX_STATES])
def test_changes_one_by_one(n: int) -> None:
    history = History(0)
    for version in range(1, n + 1):
        history = history.then(version, (Edit(0, 0, chr(0x4E00 + version)),))
    assert history.n == n
    assert history.changes_since(n) == ()
    assert history.changes_since(n - 1) == (Edit(0, 0, chr(0x4E00 + n)),)
    assert history.edits_since_opening()[0].text == "".join(chr(0x4E00 + v) for v in range(n, 0, -1))
    assert history.changes_since(n + 1) is None


@pytest.mark.parametrize("seed", range(20))
def test_composing_changes_says_the_same(seed: int) -> None:
    chance = random.Random(seed)
    text = now = "0123456789"
    changes: list[ContentChange] = []
    for number in range(40):
        start = chance.randrange(len(now) + 1)
        end = chance.randint(start, min(start + 2, len(now))) if chance.random() < 0.3 else start
        start, end = (start, end) if chance.random() < 0.5 else (min(number, len(now)), min(number, len(now)))
        changes.append(Edit(start, end, chr(97 + number % 26)))
        now = apply(now, [changes[-1]])  # pyright: ignore[reportArgumentType]  a plain edit
    assert apply(text, composed(changes)) == now


@pytest.mark.parametrize("text", ["a\r\nb", "a\rb\n"])
def test_full_text_changes_are_small_edits(text: str) -> None:
    workspace = opened(text)
    base = workspace.snapshot().read(URI)
    workspace.overlay.change(URI, 2, [(None, text + "c")])
    edits = workspace.snapshot().typed_since(base)
    assert edits is not None
    assert apply(text, edits) == text + "c"
    assert sum(edit.end - edit.start for edit in edits) <= 1


# --- watching ---


def test_a_watch_takes_each_change_once() -> None:
    overlay = opened("one\n").overlay
    watch = overlay.watch(URI)
    assert (watch.text, watch.take()) == ("one\n", ())
    overlay.change(URI, 2, [(at(0, 0), "a")])
    overlay.change(URI, 3, [(at(0, 0), "b")])
    overlay.change(URI, 4, [(at(0, 0), "c")])
    assert watch.take(3) == (Edit(0, 0, "ba"),)
    assert watch.text == "baone\n"
    assert watch.take(3) == ()
    assert watch.take() == (Edit(0, 0, "c"),)
    assert watch.take() == ()
    assert watch.text == text_of(overlay)


def test_a_watch_across_closing_and_opening() -> None:
    overlay = opened("same\nsame\n").overlay
    watch = overlay.watch(URI)
    overlay.change(URI, 2, [(at(0, 0), "same\n")])
    overlay.close(URI)
    overlay.open(URI, "python", 1, "same\nsame\nsame\nmore\n")
    overlay.change(URI, 2, [(at(0, 0), "!")])
    overlay.close(URI)
    assert watch.take() == (Edit(0, 0, "!same\n"), Edit(10, 10, "more\n"))
    assert watch.text == "!same\nsame\nsame\nmore\n"
    overlay.open(URI, "python", 1, watch.text)
    assert watch.take() == ()


def test_a_watch_of_a_file_that_is_not_open_yet() -> None:
    overlay = Overlay()
    known, unknown = overlay.watch(URI, "one\n"), overlay.watch(URI)
    overlay.open(URI, "python", 1, "one\ntwo\n")
    assert known.take() == (Edit(4, 4, "two\n"),)
    assert (unknown.take(), unknown.text) == ((), "one\ntwo\n")


def test_a_watch_that_looks_seldom() -> None:
    overlay = opened("").overlay
    watch = overlay.watch(URI)
    for version in range(2, 3 * MAX_STATES):
        overlay.change(URI, version, [(at(0, 0), "x")])
    assert apply("", watch.take()) == text_of(overlay)
