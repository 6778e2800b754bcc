"""The disk: whole files within limits, and an error that names the file for everything else."""

import os
from pathlib import Path

import pytest

from copydesk.domain.errors import BinaryFile, FileTooLarge, MissingFile, UnknownEncoding, UnreadableFile
from copydesk.workspace.disk import Disk
from copydesk.workspace.uris import to_uri


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return to_uri(str(path))


def test_reads_text_as_it_is(tmp_path: Path) -> None:
    handle = Disk().read(write(tmp_path / "a b#%é.txt", b"\xef\xbb\xbfa\r\nb\r"))
    assert (handle.text, handle.encoding, handle.bom, handle.epoch) == ("a\r\nb\r", "utf-8", True, 0)
    assert handle.same_as_disk


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"\x00\x01", BinaryFile), (b"caf\xe9", UnknownEncoding), (b"x" * 101, FileTooLarge)],
)
def test_refuses_by_content(tmp_path: Path, data: bytes, error: type[Exception]) -> None:
    uri = write(tmp_path / "file", data)
    with pytest.raises(error, match="file"):
        Disk(limit_bytes=100).read(uri)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_pipes_devices_and_directories_do_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero", str(tmp_path)):
        with pytest.raises(UnreadableFile, match=path):
            Disk().read(to_uri(path))


@pytest.mark.parametrize("name", ["none", "file/below", "n" * 5000, "nul\x00"])
def test_missing(tmp_path: Path, name: str) -> None:
    write(tmp_path / "file", b"")
    with pytest.raises(MissingFile):
        Disk().read(to_uri(f"{tmp_path}/{name}"))
    assert not Disk().exists(to_uri(f"{tmp_path}/{name}"))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind here")
def test_no_permission(tmp_path: Path) -> None:
    uri = write(tmp_path / "secret", b"x")
    (tmp_path / "secret").chmod(0)
    with pytest.raises(UnreadableFile, match="secret"):
        Disk().read(uri)


def test_children(tmp_path: Path) -> None:
    (tmp_path / "d ir").mkdir()
    write(tmp_path / ".hidden", b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    found = [(entry.name, entry.is_dir) for entry in Disk().children(to_uri(str(tmp_path)))]
    assert found == [(".hidden", False), ("d ir", True), ("dangling", False)]
    with pytest.raises(UnreadableFile, match="not a directory"):
        Disk().children(to_uri(str(tmp_path / ".hidden")))
    with pytest.raises(MissingFile):
        Disk().children(to_uri(str(tmp_path / "none")))
