"""`refactor`: what is passed to the analyser, and what is proposed and said."""

import pytest

from copydesk.domain.errors import InvalidArguments, PermissionDenied, ToolFailed
from copydesk.domain.messages import LineRange
from copydesk.tools.refactoring import refactor
from tests.support.analyser import TinyIntel
from tests.support.memory import MemoryWork, call

A = "def add(a, b):\n    c = a + b * 2\n    return c\n"


def work() -> MemoryWork:
    return MemoryWork({"a.py": A, "b.py": "from a import add\nadd(1, 2)\n"})


async def test_rename_across_files():
    files = work()
    output = await call(
        refactor(TinyIntel()), files, action="rename", path="b.py", line=2, symbol="add", new_name="plus"
    )
    assert (files.text("a.py")[:8], files.text("b.py")) == ("def plus", "from a import plus\nplus(1, 2)\n")
    assert output.content == "rename: changed 2 files.\na.py (1 place)\nb.py (2 places)"


@pytest.mark.parametrize(
    ("arguments", "area"),
    [
        ({"line": 2, "text": "a + b * 2"}, LineRange(1, 8, 1, 17)),
        ({"line": 2, "column": 13, "end_column": 18}, LineRange(1, 12, 1, 17)),
        ({"line": 2, "end_line": 3}, LineRange(1, 4, 2, 12)),
        ({"line": 2, "end_line": 3, "text": "c = a + b * 2\n    return c"}, LineRange(1, 4, 2, 12)),
        ({"line": 2}, LineRange(1, 4, 1, 17)),
    ],
)
async def test_what_is_extracted(arguments: dict[str, object], area: LineRange):
    intel = TinyIntel()
    await call(refactor(intel), work(), action="extract_function", path="a.py", new_name="part", **arguments)
    assert intel.extracted == (area, "part", "function")


async def test_annotate_and_fix():
    files = work()
    await call(refactor(TinyIntel()), files, action="annotate", path="a.py", line=1)
    assert files.text("a.py").startswith("def add(a, b) -> int:")
    await call(refactor(TinyIntel()), files, action="fix", path="a.py", rules=" * 2")
    assert "c = a + b\n" in files.text("a.py")


async def test_nothing_to_change():
    files = work()
    output = await call(refactor(TinyIntel()), files, action="organize_imports", path="a.py")
    assert (output.content, files.proposed) == ("organize_imports: nothing to change.", [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"action": "rename"}, "rename needs `new_name`, `line`"),
        ({"action": "extract_variable", "line": 2}, "extract_variable needs `new_name`"),
        ({"action": "fix"}, "fix needs `rules`"),
        ({"action": "extract_variable", "line": 9, "new_name": "x"}, "not in the file, which has 3 lines"),
        ({"action": "extract_variable", "line": 2, "end_line": 1, "new_name": "x"}, "not in the file"),
    ],
)
async def test_calls_that_cannot_work(arguments: dict[str, object], words: str):
    with pytest.raises(InvalidArguments, match=words):
        await call(refactor(TinyIntel()), work(), path="a.py", **arguments)


async def test_a_quoted_text_that_is_not_there():
    with pytest.raises(ToolFailed, match="not on line 2"):
        await call(
            refactor(TinyIntel()), work(), action="extract_variable", path="a.py", line=2, new_name="x", text="zzz"
        )


async def test_no_secret_file_is_changed_on_the_way():
    files = MemoryWork({"a.py": "def add():\n", ".env": "add=1\n"})
    with pytest.raises(PermissionDenied, match="env"):
        await call(refactor(TinyIntel()), files, action="rename", path="a.py", line=1, new_name="plus")
    assert files.proposed == []
