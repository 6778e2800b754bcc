"""Lines that cannot match are passed over without the engine: the same answers, and no stall on one long word."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.workspace import search
from copydesk.workspace.patterns import needed_char
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace

PATTERNS = (
    r"\w+\s*\(", r"\w+.*\w+=", "a.*=", "abc", "a+b*c?", "x{2,}y", r"a\.b$", "[=]a", "a|b=", "(a)=", r"\d+", "^a", "é+",
    r"\$x", "a=?", r"=\b", "a$", "a{0}b", "a{,2}b", r"=\Z", "b+", "b+?", r"\\", "a(?i:b)", "}a", "a]",
    r"\x41", r"\u0041b", r"\101", "[]a]", "[^]a]b", "[(]a", r"a\|b", "a?+b", "(?i)ab", "[a|b]x",
)  # fmt: skip


@given(st.text(alphabet="aAbB=(). $é]}\\xy", max_size=30), st.sampled_from(PATTERNS), st.booleans())
def test_nothing_is_missed(line: str, pattern: str, ignore_case: bool) -> None:
    expression = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    needed, ends = needed_char(expression)
    last = line.rfind(needed)
    cut = line[: last + 1] if needed and ends else line
    quick = bool((not needed or last >= 0) and expression.search(cut))
    assert quick == bool(expression.search(line))


@pytest.mark.parametrize("pattern", [r"\w+\s*\(", r"\w+\w+=", r"\w+.*\w+="])
@pytest.mark.parametrize("line", ["a" * 50_000, "=(" + "a" * 50_000])
def test_one_long_word_is_no_stall(tmp_path: Path, pattern: str, line: str) -> None:
    (tmp_path / "a.txt").write_text(line)
    workspace = Workspace([to_uri(str(tmp_path))])
    started = time.perf_counter()
    assert search.grep(workspace.snapshot(), workspace, pattern).n_matches == 0
    assert time.perf_counter() - started < 1
