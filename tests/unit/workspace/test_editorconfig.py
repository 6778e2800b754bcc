"""The charset of `.editorconfig`: which file and section count, and what is read as none."""

import os
from pathlib import Path

import pytest

from copydesk.domain.errors import UnknownEncoding
from copydesk.workspace.disk import Disk
from copydesk.workspace.editorconfig import charset_of
from copydesk.workspace.uris import to_uri

CASES: dict[str, tuple[str, str | None]] = {
    "[*]\ncharset = latin1": ("a.txt", "iso8859-1"),
    "[*]\nCharset: LATIN1 ; old": ("a.txt", "latin1 ; old"),
    "[*.py]\ncharset = latin1": ("a.txt", None),
    "[*.{txt,md}]\r\ncharset = utf-16le\r\n": ("sub/a.txt", "utf-16le"),
    "[sub/**]\ncharset=latin1\n[*.txt]\ncharset=utf-8-bom": ("sub/a.txt", "utf-8"),
    "[*]\ncharset = latin1\n[*.txt]\ncharset = unset": ("a.txt", None),
    "charset = latin1": ("a.txt", None),
    "# [*]\n; charset = latin1\n[*]\n# charset = latin1": ("a.txt", None),
    "": ("a.txt", None),
}


@pytest.mark.parametrize("config", CASES)
def test_sections(tmp_path: Path, config: str) -> None:
    name, wanted = CASES[config]
    (tmp_path / ".editorconfig").write_text("root = true\n" + config, newline="")
    assert charset_of(str(tmp_path / name)) == wanted


def test_the_nearest_file_wins_and_a_root_ends_the_search(tmp_path: Path) -> None:
    (tmp_path / ".editorconfig").write_text("[*]\ncharset = latin1\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / ".editorconfig").write_text("[*.c]\ncharset = utf-16be\n")
    assert charset_of(str(tmp_path / "sub" / "a.c")) == "utf-16be"
    assert charset_of(str(tmp_path / "sub" / "a.h")) == "iso8859-1"
    (tmp_path / "sub" / ".editorconfig").write_text("root = true\n[*.c]\ncharset = utf-16be\n")
    assert charset_of(str(tmp_path / "sub" / "a.h")) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_what_cannot_be_read_names_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".editorconfig")
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    assert charset_of(str(tmp_path / "a.txt")) is None
    with pytest.raises(UnknownEncoding, match=r"a\.txt.*0xE9 in line 1.*Save it as UTF-8"):
        Disk().read(to_uri(str(tmp_path / "a.txt")))


def test_the_bytes_outrank_it(tmp_path: Path) -> None:
    (tmp_path / ".editorconfig").write_text("root = true\n[*]\ncharset = latin1\n")
    for data, wanted in (
        ("é".encode(), "utf-8"),
        (b"\xef\xbb\xbfx", "utf-8"),
        ("# coding: koi8-r\n# я".encode("koi8-r"), "koi8-r"),
        (b"plain", "iso8859-1"),
        (b"caf\xe9", "iso8859-1"),
    ):
        (tmp_path / "a.txt").write_bytes(data)
        assert Disk().read(to_uri(str(tmp_path / "a.txt"))).encoding == wanted


@pytest.mark.parametrize("charset", ["klingon", "utf-7", "rot13", "utf-16le\x00", "undefined", "cp037x"])
def test_a_name_that_cannot_be_used_leaves_the_file_unknown(tmp_path: Path, charset: str) -> None:
    (tmp_path / ".editorconfig").write_text(f"root = true\n[*]\ncharset = {charset}\n")
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(UnknownEncoding, match=r"a\.txt"):
        Disk().read(to_uri(str(tmp_path / "a.txt")))
    (tmp_path / "a.txt").write_bytes(b"plain")
    assert Disk().read(to_uri(str(tmp_path / "a.txt"))).text == "plain"


@pytest.mark.parametrize("charset", ["utf-16le", "utf-16be", "cp037", "utf-32-le"])
def test_ascii_is_not_read_as_something_else(tmp_path: Path, charset: str) -> None:
    (tmp_path / ".editorconfig").write_text(f"root = true\n[*]\ncharset = {charset}\n")
    (tmp_path / "a.txt").write_bytes(b"plain text.\n")
    handle = Disk().read(to_uri(str(tmp_path / "a.txt")))
    assert (handle.text, handle.encoding) == ("plain text.\n", "utf-8")
