"""The command line's editor: everything is checked first, and every file is written or none."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.cli import file_writes
from copydesk.cli.disk_editor import DiskEditor
from copydesk.domain.ports import ApplyReply, FileEdit, WorkspaceChange
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace
from tests.lsp.e2e.rig import write

pytestmark = pytest.mark.anyio
TEXT = "one\r\ntwo\n"


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.workspace = Workspace([to_uri(str(path))])

    def uri(self, name: str) -> str:
        return to_uri(str(self.path / name))

    def edit(self, name: str, old: str, new: str, text: str = TEXT) -> FileEdit:
        start = text.index(old)
        return FileEdit(self.uri(name), None, text, ((start, start + len(old), new),))

    async def apply(self, **change: Any) -> ApplyReply:
        editor = DiskEditor(lambda: self.workspace, lambda level, text: None)
        return await editor.apply(WorkspaceChange("test", **change), confirm=False)

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    write(tmp_path / "w", {"a.txt": TEXT, "b.txt": TEXT, "c.txt": TEXT})
    (tmp_path / "outside.txt").write_bytes(TEXT.encode())
    return Folder(tmp_path / "w")


def read_only(folder: Folder) -> None:
    (folder.path / "b.txt").chmod(0o444)


def changed(folder: Folder) -> None:
    (folder.path / "b.txt").write_bytes(b"zero\n" + TEXT.encode())


def gone(folder: Folder) -> None:
    (folder.path / "b.txt").unlink()


def link_out(folder: Folder) -> None:
    (folder.path / "b.txt").unlink()
    (folder.path / "b.txt").symlink_to("../outside.txt")


def directory(folder: Folder) -> None:
    (folder.path / "b.txt").unlink()
    (folder.path / "b.txt").mkdir()


def pipe(folder: Folder) -> None:
    (folder.path / "b.txt").unlink()
    os.mkfifo(folder.path / "b.txt")


def not_text(folder: Folder) -> None:
    (folder.path / "b.txt").write_bytes(b"\x00" + TEXT.encode())


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (read_only, r"read-only \(mode 444\)"),
        (changed, "changed on disk"),
        (gone, "gone"),
        (link_out, "outside the workspace"),
        (directory, "regular file"),
        (pipe, "regular file"),
        (not_text, "NUL"),
    ],
)
async def test_one_file_that_cannot_be_written_stops_all(
    folder: Folder, happens: Callable[[Folder], None], words: str
) -> None:
    happens(folder)
    before = folder.files()
    edits = tuple(folder.edit(name, "one", "1") for name in ("a.txt", "b.txt", "c.txt"))
    reply = await folder.apply(edits=edits, creates=((folder.uri("new/n.txt"), "new"),), deletes=())
    assert not reply.applied
    assert "b.txt" in reply.reason
    assert re.search(words, reply.reason), reply.reason
    assert folder.files() == before
    assert (folder.path.parent / "outside.txt").read_bytes() == TEXT.encode()
    assert not (folder.path / "new").exists()


async def test_a_failure_in_the_middle_takes_everything_back(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    before = folder.files()
    real = file_writes.write_file

    def full(target: Path, data: bytes) -> None:
        if target.name == "c.txt":
            raise OSError(28, "No space left on device", str(target))
        real(target, data)

    monkeypatch.setattr(file_writes, "write_file", full)
    edits = (folder.edit("m.txt", "one", "1"), folder.edit("c.txt", "two", "2"))
    reply = await folder.apply(
        edits=edits, moves=((folder.uri("a.txt"), folder.uri("m.txt")),), creates=((folder.uri("x/y/n.txt"), "new"),),
        deletes=(folder.uri("b.txt"),),
    )  # fmt: skip
    assert not reply.applied
    assert "c.txt" in reply.reason
    assert "No space left" in reply.reason
    assert folder.files() == before
    assert not (folder.path / "x").exists()


async def test_all_kinds_at_once(folder: Folder) -> None:
    (folder.path / "a.txt").chmod(0o750)
    reply = await folder.apply(
        edits=(folder.edit("m.txt", "one", "1"), folder.edit("c.txt", "two", "2")),
        moves=((folder.uri("a.txt"), folder.uri("m.txt")),),
        creates=((folder.uri("x/n.txt"), "größe\n"),),
        deletes=(folder.uri("b.txt"),),
    )
    assert reply.applied, reply
    assert folder.files() == {"c.txt": b"one\r\n2\n", "m.txt": b"1\r\ntwo\n", "x/n.txt": "größe\n".encode()}
    assert (folder.path / "m.txt").stat().st_mode & 0o777 == 0o750


async def test_other_names_of_a_file_stay_its_names(folder: Folder) -> None:
    os.link(folder.path / "a.txt", folder.path / "hard.txt")
    (folder.path / "soft.txt").symlink_to("c.txt")
    reply = await folder.apply(edits=(folder.edit("a.txt", "one", "1"), folder.edit("soft.txt", "two", "2")))
    assert reply.applied, reply
    assert (folder.path / "hard.txt").read_bytes() == b"1\r\ntwo\n"
    assert (folder.path / "soft.txt").is_symlink()
    assert (folder.path / "c.txt").read_bytes() == b"one\r\n2\n"


@pytest.mark.parametrize("kind", ["creates", "moves"])
async def test_nothing_is_overwritten(folder: Folder, kind: str) -> None:
    before = folder.files()
    given = {"creates": ((folder.uri("b.txt"), "new"),), "moves": ((folder.uri("a.txt"), folder.uri("b.txt")),)}
    reply = await folder.apply(**{kind: given[kind]})
    assert not reply.applied
    assert "b.txt" in reply.reason
    assert folder.files() == before


async def test_new_files_take_the_charset_that_editorconfig_names(folder: Folder) -> None:
    write(folder.path, {".editorconfig": "root = true\n[*.ini]\ncharset = latin1\n"})
    assert (await folder.apply(creates=((folder.uri("a.ini"), "größe"),))).applied
    assert (folder.path / "a.ini").read_bytes() == "größe".encode("latin-1")
    reply = await folder.apply(creates=((folder.uri("b.ini"), "50 €"),))
    assert "U+20AC" in reply.reason
    assert not (folder.path / "b.ini").exists()
