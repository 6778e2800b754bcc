"""`delete_file`, `move_file` and `ask_user`."""

import pytest

from copydesk.domain.edits import DeleteFile, MoveFile
from copydesk.domain.errors import FileExists, InvalidArguments, MissingFile, PermissionDenied, ToolFailed
from copydesk.domain.ports import Question
from copydesk.tools.asking import ask_user
from copydesk.tools.filing import delete_file, move_file
from tests.support.memory import ROOT, MemoryWork, call

DELETE, MOVE, ASK = delete_file(), move_file(), ask_user()


async def test_delete():
    work = MemoryWork({"a.py": "x\n"})
    base = work.files.read(f"{ROOT}/a.py").base
    assert (await call(DELETE, work, path="a.py")).content == "Deleted a.py (1 line)."
    assert work.proposed == [DeleteFile(base)]
    with pytest.raises(MissingFile):
        await call(DELETE, work, path="a.py")


async def test_a_directory_is_not_deleted():
    with pytest.raises(ToolFailed, match="is a directory"):
        await call(DELETE, MemoryWork({"src/a.py": ""}), path="src")


async def test_move():
    work = MemoryWork({"a.py": "x\n"})
    base = work.files.read(f"{ROOT}/a.py").base
    output = await call(MOVE, work, source="a.py", destination="lib/b.py")
    assert output.content == "Moved a.py to lib/b.py (1 line)."
    assert work.proposed == [MoveFile(base, f"{ROOT}/lib/b.py")]
    assert work.text("lib/b.py") == "x\n"


@pytest.mark.parametrize(
    ("source", "destination", "error"),
    [
        ("a.py", "b.py", FileExists),
        ("a.py", "lib", FileExists),
        ("a.py", "./a.py", InvalidArguments),
        ("zz.py", "c.py", MissingFile),
        ("lib", "c", ToolFailed),
        (".env", "readable.txt", PermissionDenied),
        ("a.py", ".git/hooks/pre-commit", PermissionDenied),
        (".git/config", "config.txt", PermissionDenied),
    ],
)
async def test_moves_that_are_refused(source: str, destination: str, error: type[Exception]):
    work = MemoryWork({"a.py": "", "b.py": "", "lib/c.py": "", ".env": "K=1", ".git/config": "[core]"})
    with pytest.raises(error):
        await call(MOVE, work, source=source, destination=destination)
    assert work.proposed == []


async def test_a_question_with_choices():
    work = MemoryWork({}, answers=["tabs"])
    output = await call(ASK, work, question=" Tabs or spaces? ", choices=["tabs", "spaces", "tabs", " "])
    assert output.content == "The person answered: tabs"
    assert work.asked == [Question("Tabs or spaces?", ("tabs", "spaces"))]


async def test_nobody_answers():
    output = await call(ASK, MemoryWork({}), question="Go on?")
    assert "Nobody answered" in output.content
    assert not output.is_error


async def test_an_empty_question():
    with pytest.raises(InvalidArguments, match="empty"):
        await call(ASK, MemoryWork({}), question="  ")
