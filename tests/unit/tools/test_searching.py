"""`list_dir`, `tree`, `glob`, `grep` over a real folder with unsaved and pending files."""

from pathlib import Path

import pytest

from copydesk.domain.edits import CreateFile
from copydesk.domain.errors import InvalidArguments, MissingFile, PermissionDenied, ToolFailed, UnreadableFile
from copydesk.tools.functions import FunctionTool
from copydesk.tools.searching import glob, grep, list_dir, tree
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.support.memory import call
from tests.unit.contracts.chains import ChainWork, on_disk, write

FILES = {
    "a.py": "import os\nvalue = 1\n",
    "src/b.py": "value = 2\nother = value\n",
    "src/deep/er/c.ts": "const value = 3;\n",
    "build/out.py": "value = 4\n",
    ".gitignore": "build/\n*.log\n",
    "x.log": "value = 5\n",
    ".env": "value = secret\n",
}


@pytest.fixture
def work(tmp_path: Path) -> ChainWork:
    made = on_disk(tmp_path, FILES)
    made.workspace.overlay.open(to_uri(str(tmp_path / "a.py")), "python", 1, "import os\nunsaved = 1\n")
    made.propose(CreateFile(to_uri(str(tmp_path / "new/d.py")), "pending = value\n"))
    return made


async def said(tool: FunctionTool, work: ChainWork, **arguments: object) -> list[str]:
    return (await call(tool, work, **arguments)).content.split("\n")


async def test_list_dir(work: ChainWork):
    rows = await said(list_dir(work.workspace), work)
    assert rows == ["./ (5 entries)", ".env", ".gitignore", "a.py", "new/", "src/", "(2 ignored: build/, x.log)"]
    assert await said(list_dir(work.workspace), work, path="src") == ["src/ (2 entries)", "b.py", "deep/"]


async def test_list_dir_of_what_is_none(work: ChainWork):
    with pytest.raises(MissingFile):
        await said(list_dir(work.workspace), work, path="nope")
    with pytest.raises(UnreadableFile, match="read_file"):
        await said(list_dir(work.workspace), work, path="src/b.py")


async def test_tree_shows_pending_files_and_keeps_its_depth(work: ChainWork):
    rows = await said(tree(work.workspace), work, depth=2)
    assert [row.strip() for row in rows[1:]] == [".env", ".gitignore", "a.py", "new/", "d.py", "src/", "b.py", "deep/"]


async def test_glob_has_braces_and_puts_the_newest_first(work: ChainWork):
    rows = await said(glob(work.workspace), work, pattern="**/*.{py,ts}")
    assert rows[0] == "4 files"
    assert set(rows[1:3]) == {"a.py", "new/d.py"}  # unsaved and pending
    assert set(rows[3:]) == {"src/b.py", "src/deep/er/c.ts"}
    assert await said(glob(work.workspace), work, pattern="*.rs") == ["No file matches '*.rs'."]


async def test_grep_sees_unsaved_and_pending_text_but_no_secret_and_nothing_ignored(work: ChainWork):
    rows = await said(grep(work.workspace), work, pattern=r"\bvalue\b")
    assert rows[0] == "4 matches in 3 files"
    assert sorted(rows[1:]) == [
        "new/d.py:1: pending = value",
        "src/b.py:1: value = 2",
        "src/b.py:2: other = value",
        "src/deep/er/c.ts:1: const value = 3;",
    ]


async def test_grep_modes_and_options(work: ChainWork):
    tool = grep(work.workspace)
    assert await said(tool, work, pattern="value", path="src", mode="count") == [
        "3 matches in 2 files",
        "src/b.py: 2",
        "src/deep/er/c.ts: 1",
    ]
    assert (await said(tool, work, pattern="VALUE", ignore_case=True, glob="*.ts", mode="files"))[1:] == [
        "src/deep/er/c.ts"
    ]
    assert await said(tool, work, pattern="other", context=1) == [
        "1 match in 1 file",
        "src/b.py-1- value = 2",
        "src/b.py:2: other = value",
    ]
    assert (await said(tool, work, pattern="other|const", context=0))[1:] == [
        "src/b.py:2: other = value",
        "src/deep/er/c.ts:1: const value = 3;",
    ]
    assert "--" in await said(tool, work, pattern="other|const", context=1)
    assert await said(tool, work, pattern="secret") == ["No line matches 'secret'."]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"pattern": "("}, ToolFailed, "not a regular expression"),
        ({"pattern": ""}, InvalidArguments, "empty"),
        ({"pattern": "x", "path": "nope"}, MissingFile, "nope"),
        ({"pattern": "x", "path": ".env"}, PermissionDenied, "secrets"),
    ],
)
async def test_greps_that_cannot_work(work: ChainWork, arguments: dict[str, object], error: type, words: str):
    with pytest.raises(error, match=words):
        await said(grep(work.workspace), work, **arguments)


async def test_what_is_cut_is_said(work: ChainWork, tmp_path: Path):
    write(tmp_path, [("many.txt", "needle\n" * 1000), ("wide.txt", ("needle" + "x" * 390 + "\n") * 150)])
    rows = await said(grep(work.workspace), work, pattern="needle", path="many.txt")
    assert (rows[0], len(rows)) == ("1,000 matches in 1 file", 202)
    assert "first 200 of 1,000" in rows[-1]
    rows = await said(grep(work.workspace), work, pattern="needle", path="wide.txt")
    assert "only the first" in rows[-1]
    assert sum(map(len, rows)) < 31_000


async def test_several_roots_are_named(tmp_path: Path):
    write(tmp_path, [("one/a.py", "value\n"), ("two/a.py", "value\n")])
    work = ChainWork(Workspace([to_uri(str(tmp_path / name)) for name in ("one", "two")]))
    assert await said(list_dir(work.workspace), work) == ["The workspace folders:", "one/", "two/"]
    assert (await said(grep(work.workspace), work, pattern="value"))[1:] == ["one/a.py:1: value", "two/a.py:1: value"]
    assert await said(list_dir(work.workspace), work, path="two") == ["two/ (1 entry)", "a.py"]
