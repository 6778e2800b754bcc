"""Edit calls: whatever the text, each old text occurs once and the calls in order give the lines that are wanted."""

from hypothesis import given
from hypothesis import strategies as st

from copydesk.models.offline.editing import LineEdit, apply_edits, edit_calls, line_changes

LINES = st.lists(st.sampled_from(["", "a", "    a", "b", "def f():", "    pass"]), min_size=1, max_size=14)


@given(LINES, LINES)
def test_any_change_can_be_made(old: list[str], new: list[str]) -> None:
    edits = line_changes(old, new)
    assert apply_edits(old, edits) == new
    text = "\n".join(old)
    for call in edit_calls("a.py", old, edits):
        before, after = call.arguments["old_text"], call.arguments["new_text"]
        if not any(old):
            return
        assert text.count(before) == 1
        text = text.replace(before, after)
    assert text == "\n".join(new)


def test_an_insertion_takes_as_much_as_it_needs() -> None:
    lines = ["a", "x", "b", "x", "c"]
    (call,) = edit_calls("a.py", lines, [LineEdit(4, 4, ("new",))])
    assert call.arguments == {"path": "a.py", "old_text": "b\nx", "new_text": "b\nx\nnew"}
