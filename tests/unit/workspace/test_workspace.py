"""The jail, the names of paths, and snapshots of the chain."""

import os
from pathlib import Path

import pytest

from copydesk.domain.errors import MissingFile, OutsideWorkspace
from copydesk.domain.messages import LineRange
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "w" / "src").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("s")
    (tmp_path / "w" / "src" / "a.py").write_text("a = 1\n")
    (tmp_path / "w" / "link-out").symlink_to(tmp_path / "outside")
    (tmp_path / "w" / "link-file").symlink_to(tmp_path / "outside" / "secret")
    (tmp_path / "w" / "link-in").symlink_to("src")
    return tmp_path / "w"


def uri(path: Path) -> str:
    return to_uri(str(path))


@pytest.mark.parametrize(
    "path", ["src/a.py", "./src/../src/a.py", "src/new/deep.py", ".", "~name", "a:b", "link-in/a.py"]
)
def test_inside(root: Path, path: str) -> None:
    workspace = Workspace([uri(root)])
    expected = uri(Path(os.path.normpath(root / path)))
    assert workspace.resolve(path) == workspace.resolve(str(root / path)) == workspace.resolve(expected) == expected
    assert workspace.resolve(workspace.display(expected)) == expected


@pytest.mark.parametrize(
    "path",
    [
        "..", "../outside/secret", "/etc/passwd", "~", "~/x", "link-out/secret", "link-out/new", "link-file",
        "src/../../w2", "\\\\server\\share\\x", "C:\\x", "C:/x", "//server/share", "a\x00b", "file:///etc/passwd", "file://host/x",
    ],
)  # fmt: skip
def test_outside(root: Path, path: str) -> None:
    with pytest.raises(OutsideWorkspace) as error:
        Workspace([uri(root)]).resolve(path)
    assert repr(path) in error.value.message
    assert error.value.advice


def test_a_root_that_is_a_link_keeps_its_name(root: Path) -> None:
    (root.parent / "alias").symlink_to(root)
    workspace = Workspace([uri(root.parent / "alias")])
    assert workspace.resolve("src/a.py") == uri(root.parent / "alias" / "src" / "a.py")
    assert workspace.resolve("link-in/../src/a.py") == uri(root.parent / "alias" / "src" / "a.py")


def test_several_roots(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "x" / "w"
    other.mkdir(parents=True)
    (other / "only.py").write_text("")
    workspace = Workspace([uri(root), uri(other), uri(other) + "/"])
    assert workspace.root_names == ("w", "w-2")
    assert workspace.display(uri(other / "only.py")) == "w-2/only.py"
    assert workspace.resolve("w-2/only.py") == workspace.resolve("only.py") == uri(other / "only.py")
    assert workspace.resolve("w/new.py") == uri(root / "new.py")
    assert workspace.resolve(workspace.display(uri(other))) == uri(other)
    with pytest.raises(OutsideWorkspace, match=r"w/, w-2/"):
        workspace.resolve("none.py")
    with pytest.raises(OutsideWorkspace):
        workspace.resolve("w/../../outside/secret")


def test_no_roots_means_open_documents_only(root: Path) -> None:
    workspace = Workspace()
    document = uri(root / "src" / "a.py")
    for path in ("src/a.py", str(root / "src" / "a.py")):
        with pytest.raises(OutsideWorkspace, match="no workspace folder"):
            workspace.resolve(path)
    workspace.overlay.open(document, "python", 1, "")
    assert workspace.resolve(workspace.display(document)) == workspace.resolve("a.py") == document


def test_untitled_documents(root: Path) -> None:
    workspace = Workspace([uri(root)])
    with pytest.raises(MissingFile, match="not open"):
        workspace.resolve("untitled:Untitled-1")
    workspace.overlay.open("untitled:Untitled-1", "python", 1, "x")
    found = workspace.resolve("untitled:Untitled-1")
    assert workspace.snapshot().read(found).text == "x"
    assert workspace.resolve(workspace.display(found)) == found


def test_a_file_open_by_its_other_name(root: Path) -> None:
    workspace = Workspace([uri(root)])
    workspace.overlay.open(uri(root / "link-in" / "a.py"), "python", 1, "typed")
    assert workspace.snapshot().read(workspace.resolve("src/a.py")).text == "typed"


def test_a_snapshot_does_not_move(root: Path) -> None:
    workspace = Workspace([uri(root)])
    file = uri(root / "src" / "a.py")
    first = workspace.snapshot()
    assert first.read(file).same_as_disk
    (root / "src" / "a.py").write_text("b = 2\n")
    workspace.overlay.open(file, "python", 3, "typed\n")
    assert first.read(file).text == "a = 1\n"
    second = workspace.snapshot()
    handle = second.read(file)
    assert (handle.text, handle.epoch, handle.version, handle.same_as_disk) == ("typed\n", 1, 3, False)
    workspace.overlay.change(file, 4, [(LineRange(0, 0, 0, 0), "x")])
    assert second.read(file).text == "typed\n"
    assert list(second.changed()) == [file]
    workspace.overlay.close(file)
    assert workspace.snapshot().read(file).text == "b = 2\n"


def test_a_missing_file_stays_missing_in_a_snapshot(root: Path) -> None:
    snapshot = Workspace([uri(root)]).snapshot()
    with pytest.raises(MissingFile):
        snapshot.read(uri(root / "new"))
    (root / "new").write_text("x")
    with pytest.raises(MissingFile):
        snapshot.read(uri(root / "new"))


def test_predicted_text_until_the_disk_catches_up(root: Path) -> None:
    workspace = Workspace([uri(root)])
    file = uri(root / "src" / "a.py")
    workspace.overlay.predict(file, "a = 2\n")
    workspace.overlay.predict(uri(root / "src" / "new.py"), "new\n")
    snapshot = workspace.snapshot()
    assert snapshot.read(file).text == "a = 2\n"
    assert [entry.name for entry in snapshot.children(uri(root / "src"))] == ["a.py", "new.py"]
    (root / "src" / "a.py").write_text("a = 2\n")
    assert workspace.snapshot().read(file).same_as_disk
    assert file not in workspace.overlay.freeze().predicted


def test_a_prediction_gives_way_to_another_text_on_disk(root: Path) -> None:
    workspace = Workspace([uri(root)])
    file = uri(root / "src" / "a.py")
    workspace.overlay.predict(file, "a = 2\n", workspace.snapshot().read(file).content_hash)
    assert workspace.snapshot().read(file).text == "a = 2\n"
    (root / "src" / "a.py").write_text("a = 2  # formatted\n")
    assert workspace.snapshot().read(file).text == "a = 2  # formatted\n"
    assert not workspace.overlay.freeze().predicted


def test_ignored(root: Path) -> None:
    (root / ".gitignore").write_text("*.log\nbuild/\n!keep.log\n")
    (root / "src" / ".gitignore").write_text("!*.log\nlocal.py\n")
    workspace = Workspace([uri(root)])
    ignored = {
        "x.log": True, "keep.log": False, "build/x": True, "src/x.log": False, "src/local.py": True, "src/a.py": False,
        ".git/config": True, "node_modules/x": False, ".env": False,
    }  # fmt: skip
    assert {path: workspace.is_ignored(uri(root / path), False) for path in ignored} == ignored
    (root / ".gitignore").write_text("src/\n\n\n")
    assert workspace.is_ignored(uri(root / "src" / "a.py"), False)


def test_a_negated_directory_does_not_bring_back_what_is_below(root: Path) -> None:
    (root / ".gitignore").write_text("a/c/*\n!a/\nb/**\n")
    workspace = Workspace([uri(root)])
    ignored = {"a/c/b/x.py": True, "a/x": False, "b/x": True, "b/y/z": True, "x/b/y": False}
    assert {path: workspace.is_ignored(uri(root / path), False) for path in ignored} == ignored


def test_half_a_character_in_a_path_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(OutsideWorkspace, match="surrogate"):
        Workspace([to_uri(str(tmp_path))]).resolve("a\ud800.py")
