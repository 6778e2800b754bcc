"""Bytes to text and back, byte for byte. Never guesses: an encoding is declared, marked by a BOM, or UTF-8.

Declared means told by the caller, a PEP 263 cookie in the first two lines, or an XML declaration. Everything else
that is not valid UTF-8 is refused, for a wrong guess would destroy the file at the next write.
"""

import codecs
import re
from typing import NamedTuple

from copydesk.text.lines import line_end, with_line_ends

__all__ = [
    "BinaryError",
    "Decoded",
    "UndecodableError",
    "UnencodableError",
    "decode",
    "encode",
    "line_end",
    "with_line_ends",
]


class UndecodableError(ValueError):
    """Text, maybe, but in an encoding that nothing names."""


class UnencodableError(ValueError):
    """The text has a character that the file's encoding cannot write."""


class BinaryError(ValueError):
    """Not text: it has NUL characters."""


class Decoded(NamedTuple):
    """`text` without its BOM, line ends as they are; `encoding` a Python codec name."""

    text: str
    encoding: str
    bom: bool


_BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-32-le": codecs.BOM_UTF32_LE,  # before UTF-16, whose mark begins the same
    "utf-32-be": codecs.BOM_UTF32_BE,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_BLANK = re.compile(rb"^[ \t\f]*(?:#.*)?$")
_XML = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([-\w.]+)[\"']", re.ASCII)
_HEAD_BYTES = 1024


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text of a file's bytes. A BOM outranks `declared`, which outranks what the text says of itself.

    Raises BinaryError or UndecodableError; encode() of the result gives the same bytes again.
    """
    for encoding, mark in _BOMS.items():
        if data.startswith(mark):
            return _checked(_strict(data[len(mark) :], encoding), encoding, bom=True)
    if b"\x00" in data:
        raise BinaryError("it contains NUL bytes")
    if declared:
        return _as_declared(data, _known(declared, "declared"))
    name = _own_declaration(data)
    if name and (decoded := _as_its_own(data, name)):
        return decoded
    return _checked(_strict(data, "utf-8"), "utf-8", bom=False)


def encode(text: str, encoding: str, bom: bool) -> bytes:
    """The bytes of a text. Raises UnencodableError that names the first character that does not fit."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        char = text[error.start]
        raise UnencodableError(f"{char!r} (U+{ord(char):04X}) cannot be written in {encoding}") from error
    return _BOMS[_codec(encoding)] + data if bom else data


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeError as error:
        raise UndecodableError(f"it is not valid {encoding} and declares no other encoding: {error}") from error


def _checked(text: str, encoding: str, *, bom: bool) -> Decoded:
    if "\x00" in text:
        raise BinaryError("it contains NUL characters")
    return Decoded(text, encoding, bom)


def _as_declared(data: bytes, encoding: str) -> Decoded:
    text = _strict(data, encoding)
    if encoding != "utf-8" and text.encode(encoding, "backslashreplace") != data:
        raise UndecodableError(f"its {encoding} text could not be written back byte for byte")
    return _checked(text, encoding, bom=False)


def _as_its_own(data: bytes, name: str) -> Decoded | None:
    """The text in the encoding it names; None where the name is unknown or wrong (then only UTF-8 can save it)."""
    try:
        decoded = _as_declared(data, _known(name, "named"))
    except (UndecodableError, BinaryError):
        return None
    # A codec in which the declaration itself reads as something else is not the one it was written in.
    return decoded if name in decoded.text[:_HEAD_BYTES] else None


def _own_declaration(data: bytes) -> str:
    if found := _XML.match(data[:_HEAD_BYTES]):
        return found[1].decode("ascii")
    for line in re.split(rb"\r\n|\r|\n", data[:_HEAD_BYTES])[:2]:
        if found := _COOKIE.match(line):
            return found[1].decode("ascii")
        if not _BLANK.match(line):
            break
    return ""


def _known(name: str, how: str) -> str:
    plain = re.sub(r"-(unix|dos|mac)$", "", name.lower())
    try:
        b"".decode(plain)  # refuses codecs that are not for text
        return _codec(plain)
    except (LookupError, UnicodeError) as error:
        raise UndecodableError(f"the {how} encoding {name!r} is not one that Python knows") from error


def _codec(name: str) -> str:
    return codecs.lookup(name).name
