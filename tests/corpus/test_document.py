"""`document` over real files: nothing crashes, everything parses, the code stays, parameters agree."""

import re
from pathlib import Path

import pytest

from copydesk.domain.messages import Task
from tests.corpus.checks import bare, lost_lines, lost_words, undocumented_parameters
from tests.corpus.sources import all_files, sample, text_of
from tests.corpus.tools import Desk, quiet_compile


def check_documented(path: Path) -> int:
    """Documents a whole file; gives how many docstrings were written."""
    text = text_of(path)
    if text is None:
        return 0
    desk = Desk({"pkg/mod.py": text})
    said = desk.ask(Task("document", path="pkg/mod.py", language="python"))
    after = desk.files["pkg/mod.py"]
    n_edits = sum(call.name == "edit_file" for call in desk.calls)
    assert not [part for m in desk.messages for part in m.parts if getattr(part, "is_error", False)], path
    assert after != text or not n_edits, (path, said)
    quiet_compile(after)
    assert bare(text) == bare(after), path
    assert not lost_lines(text, after), (path, lost_lines(text, after)[:5])
    assert not lost_words(text, after), (path, lost_words(text, after)[:5])
    written = set(re.findall(r"`([\w.]+)`", said.partition("Already complete")[0].partition("Left alone")[0]))
    assert not undocumented_parameters(after, written), path
    return n_edits


def test_a_sample_is_documented() -> None:
    assert sum(check_documented(path) for path in sample(7)) > 10


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_every_third_file_is_documented(part: int) -> None:
    paths = all_files()[part * 3 :: 24]
    n_edits = sum(check_documented(path) for path in paths)
    print(f"documented {len(paths)} files: {n_edits} docstrings")
    assert n_edits > 500
