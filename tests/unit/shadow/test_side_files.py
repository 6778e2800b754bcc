"""Side files: written only when accepted, only over what the command saw, never through a link, and taken back."""

import os
import stat
from pathlib import Path

import pytest

from copydesk.domain.commands import SideFile
from copydesk.domain.errors import WorkspaceError
from copydesk.domain.review import Choice
from copydesk.services.review import ReviewParts, Reviews
from copydesk.services.side_files import SideFiles
from copydesk.store.side_journal import SideJournal
from copydesk.workspace.pending import Pending
from copydesk.workspace.saved import sides_from_plain, to_plain
from copydesk.workspace.shadow.blobs import Blobs, digest_of
from copydesk.workspace.shadow.writing import SideWriting
from tests.support.plain_sandbox import TreeSandbox
from tests.support.reviewed_session import ReviewedSession
from tests.support.shadow_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, TreeSandbox(), is_secret=lambda path: path.endswith(".pem"))


def writing(desk: Desk) -> SideWriting:
    return SideWriting(lambda: desk.workspace.roots, desk.runner.blobs, desk.is_secret, desk.workspace.display)


def side_files(desk: Desk) -> SideFiles:
    return SideFiles(writing(desk), SideJournal(desk.folder / "state" / "journal"))


def content(path: Path) -> object:
    if path.is_symlink():
        return os.readlink(path)
    return (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) if path.exists() else None


async def test_what_a_command_made_is_written_and_taken_back_and_written_again(desk: Desk):
    desk.write({"run.sh": "echo\n", "old.bin": b"\0old", "gone.bin": b"\0gone", "file.txt": "f\n"})
    names = ("run.sh", "old.bin", "gone.bin", "d/new.bin", "link")
    before = {name: content(desk.ws / name) for name in names}
    await desk.run(
        r"chmod +x run.sh; printf '\0new' > old.bin; rm gone.bin; mkdir d; printf '\0\1' > d/new.bin; chmod +x d/new.bin;"
        " ln -s file.txt link"
    )
    assert {name: content(desk.ws / name) for name in names} == before
    session = ReviewedSession("s-1", desk.workspace)
    session.pending.propose_side_files(desk.pending.side_files().values(), "t-1")
    sides = side_files(desk)
    reviews = await sides.accept(session, frozenset(session.pending.side_files()))
    assert {review.state for review in reviews} == {"applied"}
    assert session.pending.is_empty
    after = {name: content(desk.ws / name) for name in names}
    assert after == {
        "run.sh": (b"echo\n", 0o755),
        "old.bin": (b"\0new", 0o644),
        "gone.bin": None,
        "d/new.bin": (b"\0\1", 0o755),
        "link": "file.txt",
    }
    done, kept = await sides.flip("t-1")
    assert (len(done), kept) == (5, [])
    assert {name: content(desk.ws / name) for name in names} == before
    await side_files(desk).flip("t-1")
    assert {name: content(desk.ws / name) for name in names} == after


async def test_undo_leaves_what_a_person_has_changed_since(desk: Desk):
    desk.write({"a.bin": b"\0a", "b.bin": b"\0b"})
    await desk.run(r"printf '\0x' > a.bin; printf '\0y' > b.bin")
    session = ReviewedSession("s-1", desk.workspace)
    session.pending.propose_side_files(desk.pending.side_files().values(), "t-1")
    sides = side_files(desk)
    await sides.accept(session, frozenset(session.pending.side_files()))
    (desk.ws / "a.bin").write_bytes(b"\0mine")
    done, kept = await sides.flip("t-1")
    assert done == [desk.uri("b.bin")]
    assert [uri for uri, _ in kept] == [desk.uri("a.bin")]
    assert (desk.ws / "a.bin").read_bytes() == b"\0mine"
    assert (desk.ws / "b.bin").read_bytes() == b"\0b"


def made(desk: Desk, name: str, data: bytes, before: str = "") -> SideFile:
    blob = desk.runner.blobs.keep(data)
    return SideFile(desk.uri(name), "write", before, blob, blob, len(data))


def test_only_over_what_the_command_saw(desk: Desk):
    desk.write({"a.bin": b"\0a", "d/x": "x"})
    refused = [
        made(desk, "a.bin", b"\0new"),  # it saw nothing there
        made(desk, "a.bin", b"\0new", digest_of(b"\0other")),
        made(desk, "d", b"\0new"),  # a folder with something in it
        SideFile(desk.uri("nothing"), "delete", digest_of(b"x")),
        SideFile(desk.uri("d"), "delete", digest_of(b"x")),
        SideFile(desk.uri("nothing"), "mode", mode=0o755),
    ]
    before = desk.state()
    for side in refused:
        with pytest.raises(WorkspaceError):
            writing(desk).write(side)
    assert desk.state() == before


@pytest.mark.parametrize("name", [".git/hooks/x", ".vscode/a.bin", "sub/.envrc", "key.pem", "../outside.bin"])
def test_protected_files_secrets_and_what_is_outside_are_never_written(desk: Desk, name: str):
    with pytest.raises(WorkspaceError):
        writing(desk).write(made(desk, name, b"\0x"))
    assert not os.path.lexists(desk.ws / name)


def test_no_link_is_followed(desk: Desk):
    outside = desk.folder / "outside"
    outside.mkdir()
    (outside / "x.bin").write_bytes(b"\0x")
    desk.write({"d/x.bin": b"\0x"})
    side = made(desk, "d/x.bin", b"\0new", digest_of(b"\0x"))
    os.rename(desk.ws / "d", desk.ws / "e")
    os.symlink(outside, desk.ws / "d")
    with pytest.raises(WorkspaceError):
        writing(desk).write(side)
    assert (outside / "x.bin").read_bytes() == b"\0x"
    os.unlink(desk.ws / "d")
    os.rename(desk.ws / "e", desk.ws / "d")
    os.unlink(desk.ws / "d" / "x.bin")
    os.symlink(outside / "x.bin", desk.ws / "d" / "x.bin")
    with pytest.raises(WorkspaceError):
        writing(desk).write(side)
    assert (outside / "x.bin").read_bytes() == b"\0x"


async def test_they_are_decided_like_hunks(desk: Desk):
    desk.write({"a.bin": b"\0a", "b.bin": b"\0b"})
    await desk.run(r"printf '\0x' > a.bin; printf '\0y' > b.bin; ln -s a.bin c")
    session = ReviewedSession("s-1", desk.workspace)
    session.pending.propose_side_files(desk.pending.side_files().values(), "t-1")
    told: list[frozenset[str]] = []
    reviews = Reviews(ReviewParts(desk.workspace, lambda: [session], lambda _: None, sides=side_files(desk)))
    reviews.listeners.append(told.append)
    hunks = await reviews.refresh()
    assert {desk.name(hunk.uri): hunk.after for hunk in hunks} == {
        "a.bin": "not text, 2 bytes\n",
        "b.bin": "not text, 2 bytes\n",
        "c": "link to a.bin\n",
    }
    assert told == [frozenset(desk.uri(name) for name in ("a.bin", "b.bin", "c"))]
    assert "# a.bin: not text, 2 bytes\n" in reviews.diff(hunks)
    decided = await reviews.reject(Choice(uri=desk.uri("c")))
    assert [file.state for file in decided.files] == ["discarded"]
    one = next(hunk for hunk in hunks if hunk.uri == desk.uri("a.bin"))
    decided = await reviews.accept(Choice(hunk=one.id))
    assert [(desk.name(file.uri), file.state) for file in decided.files] == [("a.bin", "applied")]
    assert [desk.name(hunk.uri) for hunk in decided.pending] == ["b.bin"]
    assert (desk.ws / "a.bin").read_bytes() == b"\0x"
    assert (desk.ws / "b.bin").read_bytes() == b"\0b"
    (desk.ws / "b.bin").write_bytes(b"\0mine")
    decided = await reviews.accept(Choice(turn="t-1"))
    assert [file.state for file in decided.files] == ["refused"]
    assert "not what the command saw" in decided.files[0].note
    assert (desk.ws / "b.bin").read_bytes() == b"\0mine"


def test_they_outlive_the_server():
    pending = Pending()
    side = SideFile("file:///w/x", "link", "", "abc", target="y")
    pending.propose_side_files((side,), "t-1")
    plain = to_plain({}, {uri: (each, pending.side_turn(uri)) for uri, each in pending.side_files().items()})
    assert sides_from_plain(plain) == ((side, "t-1"),)
    assert sides_from_plain({"v": 1, "files": []}) == ()


def test_several_changes_of_one_file_are_one():
    pending = Pending()

    def waiting(*sides: SideFile) -> list[SideFile]:
        pending.propose_side_files(sides)
        return list(pending.side_files().values())

    uri = "file:///w/x"
    assert waiting(SideFile(uri, "write", "", "1", "1"), SideFile(uri, "delete", "1")) == []
    assert waiting(SideFile(uri, "write", "0", "1", "1"), SideFile(uri, "write", "1", "2", "2", mode=0o755)) == [
        SideFile(uri, "write", "0", "2", "2", mode=0o755)
    ]
    assert waiting(SideFile(uri, "delete", "2")) == [SideFile(uri, "delete", "0")]
    assert waiting(SideFile(uri, "write", "", "3", "3")) == [SideFile(uri, "write", "0", "3", "3")]


def test_blobs_are_what_they_are_called(tmp_path: Path):
    blobs = Blobs(tmp_path / "blobs")
    name = blobs.keep(b"abc")
    assert blobs.get(name) == b"abc"
    (tmp_path / "blobs" / name).write_bytes(b"abd")
    assert blobs.get(name) is None
    assert blobs.get("../../etc/passwd") is None
