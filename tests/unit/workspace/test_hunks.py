"""Where hunks stand in the proposed text: on any two texts, the lines that a hunk says are the lines it brings."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.ports import FileHandle
from copydesk.text.diffs import diff
from copydesk.text.hashing import content_hash
from copydesk.text.linewise import content, file_lines
from copydesk.workspace.hunks import Cut
from copydesk.workspace.proposals import PendingFile

URI = "file:///w/a.py"
TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c 😀\n", "\n", "}\n", "a\r\n", "b\r"]), max_size=14).flatmap(
    lambda lines: st.sampled_from(["".join(lines), "".join(lines) + "end"])
)


def handle(text: str) -> FileHandle:
    return FileHandle(URI, text, content_hash(text))


def cut(before: str, after: str) -> Cut:
    return Cut(PendingFile(URI, "change", handle(before), after, diff(before, after)), "s-1")


@given(before=TEXTS, after=TEXTS)
def test_the_lines_a_hunk_stands_on_are_those_it_brings(before: str, after: str) -> None:
    made = cut(before, after)
    assert made.proposed is not None
    assert made.proposed.text == after
    old, new = file_lines(before), file_lines(after)
    standing = {each.hunk: each for each in made.proposed.standing}
    assert standing.keys() == {hunk.id for hunk in made.hunks}
    at_old = at_new = 0
    for hunk in made.hunks:
        place = standing[hunk.id]
        assert "".join(new[place.start_line : place.end_line]) == hunk.after
        assert new[at_new : place.start_line] == old[at_old : hunk.start_line]
        at_old, at_new = hunk.end_line, place.end_line
        for line, where in zip(hunk.lines, place.lines, strict=True):
            assert place.start_line <= where <= place.end_line
            assert line.after is None or content(new[where]) == line.after
    assert new[at_new:] == old[at_old:]


def test_what_is_held_back_stands_beside_what_is_not() -> None:
    before = "one\ntwo\nthree\nfour\n"
    file = PendingFile(URI, "change", handle(before), "0\none\nTWO\nthree\nFOUR\n")
    proposed = PendingFile(URI, "change", handle(before), file.text, diff(before, file.text or ""))
    newer = handle("one\ntwo\nmine\nfour\n".replace("two", "typed"))
    made = Cut(proposed.over(newer, diff(before, newer.text)), "s-1")
    assert made.proposed is not None
    assert made.proposed.text == "0\none\ntyped\nmine\nFOUR\n"
    held = next(hunk for hunk in made.hunks if hunk.held)
    place = next(each for each in made.proposed.standing if each.hunk == held.id)
    assert (place.start_line, place.end_line) == (held.start_line + 1, held.end_line + 1)


def test_files_as_a_whole() -> None:
    created = Cut(PendingFile(URI, "create", None, "x = 1\ny = 2\n"), "s-1").proposed
    assert created is not None
    assert [(each.start_line, each.end_line) for each in created.standing] == [(0, 2)]
    deleted = Cut(PendingFile(URI, "delete", handle("x = 1\n")), "s-1").proposed
    assert deleted is not None
    assert (deleted.text, [(each.start_line, each.end_line) for each in deleted.standing]) == ("", [(0, 0)])
    assert Cut(PendingFile(URI, "move", None, None, moved_from="file:///w/b.bin"), "s-1").proposed is None
