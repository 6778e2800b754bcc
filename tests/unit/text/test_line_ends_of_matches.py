"""A text that begins or ends with a line break matches whole breaks only."""

import pytest

from copydesk.text.edits import apply
from copydesk.text.matching import find_edit


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_break_at_the_start_is_matched_whole(end: str) -> None:
    content = end.join(["one", "", "# note", "two", ""])
    match = find_edit(content, "\n# note", "")
    assert apply(content, match.edits) == end.join(["one", "", "two", ""])
