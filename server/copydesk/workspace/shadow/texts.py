"""Whether new bytes of a file can be said as an edit of its text, and as which. Pure.

They can where the file's own encoding writes them back byte for byte. Start with `rewritten` and `new_text`.
"""

import codecs
from collections.abc import Callable
from typing import NamedTuple

from copydesk.domain.ports import FileHandle
from copydesk.text.encodings import encode
from copydesk.text.hashing import content_hash
from copydesk.workspace.editorconfig import charset_of

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SWITCHES = b"\x1b"
"""Encodings that carry state begin with it; every other ASCII byte means itself."""


class Written(NamedTuple):
    before: str
    after: str
    base_hash: str


def rewritten(
    old: bytes, new: bytes, handle: FileHandle | None, read: Callable[[], FileHandle | None]
) -> Written | None:
    """The change of text; None where no edit can carry it. `handle` is the old text where it is known, else `read`."""
    if handle is None:
        if is_plain(old) and is_plain(new):
            before = old.decode("ascii")
            return Written(before, new.decode("ascii"), content_hash(before))
        handle = read()
        if handle is None or _bytes_of(handle) != old:
            return None
    after = _decoded(new, handle)
    return None if after is None else Written(handle.text, after, handle.content_hash)


def text_of(data: bytes, handle: FileHandle | None) -> str | None:
    """Old bytes as text where that needs no look at what their encoding is."""
    if handle is not None:
        return handle.text
    return data.decode("ascii") if is_plain(data) else None


def new_text(data: bytes, path: str) -> str | None:
    """The text of a new file, where whoever makes it from that text writes these bytes."""
    if data.startswith(_MARKS) or b"\x00" in data:
        return None
    try:
        text = data.decode("utf-8")
        codec = charset_of(path) or "utf-8"
        return text if encode(text, codec, codec.startswith("utf-16")) == data else None
    except (ValueError, LookupError):
        return None


def is_plain(data: bytes) -> bool:
    return data.isascii() and b"\x00" not in data and _SWITCHES not in data


def _bytes_of(handle: FileHandle) -> bytes | None:
    try:
        return encode(handle.text, handle.encoding, handle.bom)
    except ValueError:
        return None


def _decoded(data: bytes, handle: FileHandle) -> str | None:
    """In the file's own encoding, with its mark or none."""
    mark = encode("", handle.encoding, handle.bom)
    if not data.startswith(mark) or (not mark and data.startswith(_MARKS)):
        return None
    try:
        text = data[len(mark) :].decode(handle.encoding)
        return text if "\x00" not in text and encode(text, handle.encoding, handle.bom) == data else None
    except ValueError:
        return None
