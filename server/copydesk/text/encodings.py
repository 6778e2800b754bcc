"""Bytes to text and back, byte for byte. Never guesses: an encoding is declared, marked by a BOM, or UTF-8.

Declared means told by the caller, or said by the text itself (see `declarations`). Everything else that is not valid
UTF-8 is refused, for a wrong guess would destroy the file at the next write. What decodes has been encoded again and
compared; `spliced` goes further and never writes a byte anew that no edit touches. Start with `decode`.
"""

import codecs
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.text.declarations import HEAD_BYTES, declared_names
from copydesk.text.edits import apply, normalised
from copydesk.text.lines import line_end, with_line_ends

__all__ = [
    "BinaryError",
    "Decoded",
    "UndecodableError",
    "UnencodableError",
    "decode",
    "encode",
    "line_end",
    "spliced",
    "unencodable",
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
_WIDE_XML = {b"<\x00?\x00x\x00m\x00l\x00": "utf-16-le", b"\x00<\x00?\x00x\x00m\x00l": "utf-16-be"}
"""How XML in UTF-16 without a mark begins; XML's own rule (appendix F) makes that known."""

_WIDE = frozenset({"utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})
_NOT_FOR_FILES = frozenset(
    {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-16", "utf-32", "undefined"}
)
"""Codecs that escape, or that add a mark of their own; UTF-7 also hides characters from every reader."""

_SUPERSETS = {
    "shift_jis": ("cp932",),
    "euc_kr": ("cp949",),
    "gb2312": ("gbk", "gb18030"),
    "gbk": ("gb18030",),
    "big5": ("cp950", "big5hkscs"),
    "euc_jp": ("euc_jis_2004",),
    "ascii": (),
}
"""What software writes under these names too."""


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text of a file's bytes. A BOM outranks what the text says of itself, which outranks `declared`.

    `declared` only says what a text is that says nothing and is not UTF-8, or is plain ASCII. Raises BinaryError or
    UndecodableError; encode() of the result gives the same bytes again.
    """
    for encoding, mark in _BOMS.items():
        if data.startswith(mark):
            return _checked(_strict(data[len(mark) :], encoding), encoding, bom=True)
    if b"\x00" in data:
        return _wide(data, declared)
    for name, written in declared_names(data):
        if decoded := _as_its_own(data, name, written):
            return decoded
    if declared and data.isascii():
        return _plain(data, declared)
    if declared and not _is_utf8(data):
        return _as_declared(data, _known(declared))
    return Decoded(_utf8(data), "utf-8", bom=False)


def encode(text: str, encoding: str, bom: bool) -> bytes:
    """The bytes of a text. Raises UnencodableError that names the first character that does not fit."""
    if (bad := unencodable(text, encoding)) is not None:
        raise UnencodableError(f"{text[bad]!r} (U+{ord(text[bad]):04X}) cannot be written in {encoding}")
    data = text.encode(encoding)
    return _BOMS[_codec(encoding)] + data if bom else data


def unencodable(text: str, encoding: str) -> int | None:
    """Where the first character stands that the encoding has no bytes for; None when it can write them all.

    Bytes that read back as another character count as none: Shift-JIS writes a yen sign as a backslash.
    """
    try:
        data = text.encode(encoding)
        if encoding.startswith("utf-") or data.decode(encoding) == text:
            return None
    except UnicodeEncodeError as error:
        return error.start
    except UnicodeDecodeError:
        pass
    return next((at for at, char in enumerate(text) if not _is_kept(char, encoding)), 0)


def spliced(data: bytes, decoded: Decoded, edits: Iterable[tuple[int, int, str]]) -> bytes:
    """The file's bytes with `edits` on its text applied: every byte that no edit touches is the very same.

    Raises UnencodableError for a new character that does not fit, and where the encoding carries state from one
    character to the next (ISO-2022-JP) across the place of the edit.
    """
    text, encoding, bom = decoded
    spans = normalised(edits)
    parts: list[bytes] = [_BOMS[_codec(encoding)]] if bom else []
    at, done = sum(map(len, parts)), 0
    for start, end, new in spans:
        kept, old = text[done:start].encode(encoding), text[start:end].encode(encoding)
        parts += [data[at : at + len(kept)], encode(new, encoding, bom=False)]
        if data[at : at + len(kept) + len(old)] != kept + old:
            raise _unsplittable(encoding)
        at, done = at + len(kept) + len(old), end
    after = b"".join([*parts, data[at:]])
    if after[len(parts[0]) if bom else 0 :].decode(encoding, "replace") != apply(text, spans):
        raise _unsplittable(encoding)
    return after


def _unsplittable(encoding: str) -> UnencodableError:
    return UnencodableError(f"its encoding ({encoding}) cannot be changed at this place without touching other bytes")


def _is_kept(char: str, encoding: str) -> bool:
    try:
        return char.encode(encoding).decode(encoding) == char
    except UnicodeError:
        return False


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        at = f"byte 0x{data[error.start]:02X} at offset {error.start}" if data else ""
        raise UndecodableError(f"it is not valid {encoding} ({at}: {error.reason})") from error
    except UnicodeError as error:
        raise UndecodableError(f"it is not valid {encoding}") from error


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = len(data[: error.start].splitlines()) or 1
        raise UndecodableError(
            f"byte 0x{data[error.start]:02X} in line {line} is not UTF-8, and nothing in it declares another encoding"
        ) from error


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _plain(data: bytes, declared: str) -> Decoded:
    """ASCII bytes, which mean themselves in most encodings: in the declared one if they do there, else UTF-8."""
    text = data.decode("ascii")
    try:
        decoded = _as_declared(data, _known(declared))
    except (UndecodableError, BinaryError):
        return Decoded(text, "utf-8", bom=False)
    return decoded if decoded.text == text or b"\x1b" in data else Decoded(text, "utf-8", bom=False)


def _wide(data: bytes, declared: str | None) -> Decoded:
    """A text with NUL bytes: UTF-16 or UTF-32 by declaration, or no text."""
    name = next((name for start, name in _WIDE_XML.items() if data.startswith(start)), None)
    name = name or (_known(declared) if declared else None)
    if name in _WIDE:
        return _checked(_strict(data, name), name, bom=False)
    raise BinaryError("it contains NUL bytes (UTF-16 and UTF-32 are read when they begin with a byte order mark)")


def _checked(text: str, encoding: str, *, bom: bool) -> Decoded:
    if "\x00" in text:
        raise BinaryError("it contains NUL characters")
    return Decoded(text, encoding, bom)


def _as_declared(data: bytes, encoding: str) -> Decoded:
    """In that encoding, or in what is written under its name. Raises UndecodableError for the named one."""
    for superset in _SUPERSETS.get(encoding, ()):
        if not _is_exact(data, encoding) and _is_exact(data, superset):
            encoding = superset
    text = _strict(data, encoding)
    if encoding != "utf-8" and not _is_exact(data, encoding):
        raise UndecodableError(f"its {encoding} text could not be written back byte for byte")
    return _checked(text, encoding, bom=False)


def _is_exact(data: bytes, encoding: str) -> bool:
    try:
        return data.decode(encoding).encode(encoding) == data
    except UnicodeError:
        return False


def _as_its_own(data: bytes, name: str, written: str) -> Decoded | None:
    """The text in the encoding it names; None where the name is unknown or wrong (then only UTF-8 can save it)."""
    try:
        decoded = _as_declared(data, _known(name))
    except (UndecodableError, BinaryError):
        return None
    # A codec in which the declaration itself reads as something else is not the one it was written in.
    near = decoded.text if len(decoded.text) < 8 * HEAD_BYTES else decoded.text[: 4 * HEAD_BYTES] + decoded.text[-4000:]
    return decoded if written in near else None


def _known(name: str) -> str:
    try:
        b"\0\0\0\0".decode(name)  # refuses codecs that are not for text
        found = _codec(name)
    except (LookupError, UnicodeError, ValueError) as error:
        raise UndecodableError(f"the declared encoding {name!r} is not one that Python knows") from error
    if found.replace("-", "_") in {refused.replace("-", "_") for refused in _NOT_FOR_FILES}:
        raise UndecodableError(f"the declared encoding {name!r} cannot be kept byte for byte")
    return found


def _codec(name: str) -> str:
    return codecs.lookup(name).name
