"""What every `Work` and the `FileSource` in it promise, in memory and over the real chain alike."""

from pathlib import Path

import pytest

from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile
from copydesk.domain.errors import FileExists, MissingFile, OutsideWorkspace, StaleEdit, UnreadableFile
from copydesk.domain.ports import Work
from copydesk.text.hashing import content_hash
from copydesk.tools.editing import edit_file, write_file
from copydesk.tools.filing import delete_file, move_file
from copydesk.tools.reading import read_file
from tests.support.memory import call
from tests.unit.contracts.chains import MakeWork, makers

FILES = {"a.py": "a = 1\nb = 2\n", "src/b.py": "from a import b\r\n"}


@pytest.fixture(params=["memory", "disk", "open", "pending"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeWork:
    return makers(tmp_path)[request.param]


@pytest.fixture
def work(make: MakeWork) -> Work:
    return make(FILES)


def text(work: Work, path: str) -> str:
    return work.files.read(work.resolve(path)).text


def test_reading(work: Work):
    handle = work.files.read(work.resolve("src/b.py"))
    assert (handle.text, handle.content_hash) == (FILES["src/b.py"], content_hash(FILES["src/b.py"]))
    assert (handle.uri, handle.encoding, handle.bom) == (work.resolve("src/b.py"), "utf-8", False)


def test_paths_go_there_and_back(work: Work):
    for path in ("a.py", "src/b.py", "src", "new/c.py"):
        assert work.display(work.resolve(path)) == path
    assert work.resolve("src/../a.py") == work.resolve("./a.py") == work.resolve("a.py")
    assert work.resolve(".") == work.roots[0]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "src/../../x"])
def test_the_jail(work: Work, path: str):
    with pytest.raises(OutsideWorkspace, match="outside"):
        work.resolve(path)


def test_what_is_not_there(work: Work):
    with pytest.raises(MissingFile, match="glob or list_dir"):
        work.files.read(work.resolve("nope.py"))
    assert not work.files.exists(work.resolve("nope.py"))


def test_directories(work: Work):
    assert work.files.exists(work.resolve("src"))
    assert [(e.name, e.is_dir) for e in work.files.children(work.roots[0])] == [("a.py", False), ("src", True)]
    assert [e.uri for e in work.files.children(work.resolve("src"))] == [work.resolve("src/b.py")]
    with pytest.raises((UnreadableFile, MissingFile)):
        work.files.read(work.resolve("src"))
    with pytest.raises((UnreadableFile, MissingFile)):
        work.files.children(work.resolve("a.py"))


def test_what_is_proposed_is_seen(work: Work):
    a, b, c, d = map(work.resolve, ("a.py", "src/b.py", "c.py", "lib/d.py"))
    work.propose(ChangeText(work.files.read(a).base, ((4, 5, "9"),)), CreateFile(c, "new\n"))
    work.propose(MoveFile(work.files.read(b).base, d))
    assert (text(work, "a.py"), text(work, "c.py"), text(work, "lib/d.py")) == (
        "a = 9\nb = 2\n",
        "new\n",
        FILES["src/b.py"],
    )
    assert not work.files.exists(b)
    work.propose(DeleteFile(work.files.read(c).base))
    assert not work.files.exists(c)


def test_all_or_nothing(work: Work):
    a, b = work.resolve("a.py"), work.resolve("src/b.py")
    with pytest.raises(FileExists):
        work.propose(ChangeText(work.files.read(a).base, ((4, 5, "9"),)), CreateFile(b, "x"))
    assert text(work, "a.py") == FILES["a.py"]


def test_an_edit_of_a_text_that_never_was(work: Work):
    base = work.files.read(work.resolve("a.py")).base
    with pytest.raises(StaleEdit):
        work.propose(ChangeText(type(base)(base.uri, "0" * 16, base.epoch), ((0, 1, "z"),)))


async def test_the_tools_tell_the_same_story_everywhere(make: MakeWork):
    work = make(FILES)
    told = [
        (await call(edit_file(), work, path="a.py", old_text="b = 2", new_text="b = 3\nc = 4")).content,
        (
            await call(edit_file(), work, path="src/b.py", old_text="import b\n", new_text="import b, c\nprint(c)\n")
        ).content,
        (await call(write_file(), work, path="new/e.py", content="e = 5\n")).content,
        (await call(move_file(), work, source="a.py", destination="moved.py")).content,
        (await call(delete_file(), work, path="new/e.py")).content,
        (await call(read_file(), work, path="moved.py")).content,
        (await call(read_file(), work, path="src/b.py", limit=1)).content,
    ]
    assert told == [
        "Edited a.py (1 place, lines 2–3).\n1→a = 1\n2→b = 3\n3→c = 4",
        "Edited src/b.py (1 place, lines 1–2).\n1→from a import b, c\n2→print(c)",
        "Created new/e.py (1 line).",
        "Moved a.py to moved.py (3 lines).",
        "Deleted new/e.py (1 line).",
        "moved.py (3 lines)\n1→a = 1\n2→b = 3\n3→c = 4",
        "src/b.py lines 1–1 of 2\n1→from a import b, c\n(more: continue with offset=2)",
    ]
    assert text(work, "src/b.py") == "from a import b, c\r\nprint(c)\r\n"
