"""Encodings: byte-for-byte round trips, and refusal instead of guessing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.text.encodings import BinaryError, UndecodableError, UnencodableError, decode, encode, line_end
from copydesk.text.hashing import content_hash
from copydesk.text.lines import with_line_ends

BODY = "grüße\r\nя\n"


@pytest.mark.parametrize(
    ("data", "encoding", "bom"),
    [
        (BODY.encode(), "utf-8", False),
        (b"\xef\xbb\xbf" + BODY.encode(), "utf-8", True),
        (b"\xff\xfe" + BODY.encode("utf-16-le"), "utf-16-le", True),
        (b"\xfe\xff" + BODY.encode("utf-16-be"), "utf-16-be", True),
        ("# -*- coding: latin-1 -*-\nx = 'ü'\n".encode("latin-1"), "iso8859-1", False),
        ("#!/bin/x\n# vim: set fileencoding=cp1251 :\nя\n".encode("cp1251"), "cp1251", False),
        ('<?xml version="1.0" encoding="ISO-8859-15"?>\n<a>€</a>'.encode("iso8859-15"), "iso8859-15", False),
        ("# coding: ascii\nü\n".encode(), "utf-8", False),
        (b"", "utf-8", False),
    ],
)
def test_round_trip(data: bytes, encoding: str, bom: bool) -> None:
    decoded = decode(data)
    assert (decoded.encoding, decoded.bom) == (encoding, bom)
    assert not decoded.text.startswith("\ufeff")
    assert encode(*decoded) == data


@given(st.binary(max_size=60), st.sampled_from([None, "latin-1", "cp932", "utf-7", "gb18030", "iso2022_jp"]))
def test_whatever_decodes_is_written_back_the_same(data: bytes, declared: str | None) -> None:
    try:
        decoded = decode(data, declared)
    except (BinaryError, UndecodableError):
        return
    assert encode(*decoded) == data


@pytest.mark.parametrize("data", [b"\x7fELF\x00\x01", "ab".encode("utf-16-le"), b"\xef\xbb\xbfa\x00b"])
def test_nul_is_binary(data: bytes) -> None:
    with pytest.raises(BinaryError):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"caf\xe9\n",
        b"# coding: nonesuch\n\xe9",
        b"x\ny\n# coding: latin-1\n\xe9",
        b"# coding: rot13\n\xe9",
        b"# coding: base64\n\xe9",
    ],
)
def test_undeclared_bytes_are_never_guessed(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(data)


def test_declared_by_the_caller() -> None:
    assert decode(b"caf\xe9", "latin-1") == ("café", "iso8859-1", False)
    with pytest.raises(UndecodableError, match="'klingon'"):
        decode(b"caf\xe9", "klingon")
    with pytest.raises(UnencodableError, match=r"U\+20AC"):
        encode("€", "latin-1", False)


def test_line_ends() -> None:
    assert [line_end(text) for text in ("", "a\r\nb\n\r\n", "a\rb\rc\n", "x\n")] == ["\n", "\r\n", "\r", "\n"]
    assert with_line_ends("a\r\nb\nc\r", "\r\n") == "a\r\nb\r\nc\r\n"


def test_content_hash() -> None:
    assert content_hash("") == "e3b0c44298fc1c14"
