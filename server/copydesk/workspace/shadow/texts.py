"""Whether new bytes of a file can be said as an edit of its text, and as which. Pure.

They can where the file's own encoding writes them back byte for byte. Start with `rewritten` and `new_text`.
"""

import codecs
from collections.abc import Callable
from typing import NamedTuple

from copydesk.domain.ports import FileHandle
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit
from copydesk.text.encodings import encode
from copydesk.text.hashing import content_hash
from copydesk.workspace.editorconfig import charset_of

_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MOST_LINES = 200
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


def changed(before: str, after: str) -> tuple[Edit, ...]:
    """As `text.diffs.diff`, at once where only some lines of plain text have changed within themselves."""
    if before.isascii() and after.isascii() and "\r" not in before and "\r" not in after:
        old, new = before.split("\n"), after.split("\n")
        if len(old) == len(new):
            found = _line_by_line(old, new)
            if found is not None:
                return found
    return diff(before, after)


def _line_by_line(old: list[str], new: list[str]) -> tuple[Edit, ...] | None:
    edits: list[Edit] = []
    at = 0
    for a, b in zip(old, new, strict=True):
        if a != b:
            edit = _within(a, b, at)
            if edit is None or len(edits) == _MOST_LINES:
                return None
            edits.append(edit)
        at += len(a) + 1
    return tuple(edits)


def _within(a: str, b: str, at: int) -> Edit | None:
    """The one change of a line, cut at words; None where little of the line is left."""
    shortest = min(len(a), len(b))
    start = _n_same(shortest, lambda n: a[:n] == b[:n])
    end = _n_same(shortest - start, lambda n: a[len(a) - n :] == b[len(b) - n :])
    if 2 * (start + end) < max(len(a), len(b)):
        return None
    while start and _is_word(a[start - 1]) and (_is_word(a[start : start + 1]) or _is_word(b[start : start + 1])):
        start -= 1
    while end and _is_word(a[-end]) and (_is_word(a[-end - 1 : -end]) or _is_word(b[-end - 1 : -end])):
        end -= 1
    return Edit(at + start, at + len(a) - end, b[start : len(b) - end])


def _n_same(most: int, same: Callable[[int], bool]) -> int:
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if same(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


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
