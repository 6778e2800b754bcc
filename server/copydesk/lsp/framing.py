"""Bytes to message bodies: the base protocol's headers, read without any I/O.

A message is header lines, an empty line and a body of `Content-Length` bytes. Header names are compared without case
and may come in any order. What is not a header is reported once and skipped: the decoder looks for the next
`Content-Length:` in what follows, so that one broken frame costs one message and never the connection.

Knows nothing of JSON or of the loop. Start with `FrameDecoder.take`.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024
_KNOWN_HEADERS = frozenset({b"content-length", b"content-type"})
_NEXT_FRAME = re.compile(rb"content-length[ \t]*:", re.IGNORECASE)
_LONGEST_PARTIAL_MATCH = 64
_HEADER_NAME = re.compile(rb"[\w-]+[ \t]*")
_HEADER_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Body:
    """One message as sent: UTF-8 JSON, not looked at yet."""

    data: bytes


@dataclass(frozen=True, slots=True)
class BadFrame:
    """Bytes that are no message. After a `fatal` one nothing more is read and the connection should end."""

    reason: str
    fatal: bool = False


Frame: TypeAlias = Body | BadFrame


class FrameDecoder:
    """`feed` it bytes as they come, then `take` frames until there is none.

    `strict` is for sockets: a header other than Content-Length and Content-Type (a browser's request, say) is fatal.
    """

    def __init__(self, *, strict: bool = False, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._strict = strict
        self._max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._start: int = 0
        self._body_length: int | None = None
        self._searching = False
        self._ended = False

    def feed(self, data: bytes) -> None:
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        if not self._ended:
            self._buffer += data

    def take(self) -> Frame | None:
        """The next frame; None until more is fed."""
        frames: list[Frame] = []
        while not frames and self._step(frames):
            pass
        return frames[0] if frames else None

    def rescan(self, body: bytes) -> None:
        """Gives back the body just taken, which was no JSON. If a frame seems to start inside it, its length was too
        large, and reading goes on from there.
        """
        found = _NEXT_FRAME.search(body)
        if found is not None:
            self._buffer[: self._start] = body[found.start() :]
            self._start = 0

    def _step(self, frames: list[Frame]) -> bool:
        if self._ended:
            return False
        if self._searching:
            return self._search()
        if self._body_length is None:
            return self._read_header(frames)
        return self._read_body(frames)

    def _read_body(self, frames: list[Frame]) -> bool:
        length = self._body_length or 0
        if len(self._buffer) - self._start < length:
            return False
        frames.append(Body(bytes(self._buffer[self._start : self._start + length])))
        self._start += length
        self._body_length = None
        return True

    def _read_header(self, frames: list[Frame]) -> bool:
        end = _HEADER_END.search(self._buffer, self._start, self._start + MAX_HEADER_BYTES)
        block = bytes(self._buffer[self._start : end.start() if end else self._start + MAX_HEADER_BYTES])
        if self._strict and (reason := _foreign_header(block, whole=end is not None)):
            return self._end(reason, frames)
        if end is None:
            too_long = len(self._buffer) - self._start >= MAX_HEADER_BYTES
            return self._give_up(f"no end of the header within {MAX_HEADER_BYTES} bytes", frames) if too_long else False
        if not block.strip():
            self._start = end.end()
            return True
        length = self._content_length(block)
        if isinstance(length, str):
            if _NEXT_FRAME.match(block.lstrip()):  # a real header with a wrong length: no good one hides inside it
                self._start = end.end() - 1
            return self._give_up(length, frames)
        self._start, self._body_length = end.end(), length
        return True

    def _content_length(self, block: bytes) -> int | str:
        """The length, or what is wrong with the header."""
        values: set[bytes] = set()
        for line in block.strip().splitlines():
            name, colon, value = line.partition(b":")
            if not colon or not _HEADER_NAME.fullmatch(name):
                return f"{_shown(line)} is not a header"
            if name.strip().lower() == b"content-length":
                values.add(value.strip())
        if not values:
            return "there is no Content-Length"
        value = values.pop()
        if values or not (value.isdigit() and len(value) <= 18):
            return f"Content-Length is {_shown(value)}, not one number of bytes"
        if int(value) > self._max_body_bytes:
            return f"Content-Length is {int(value)}; at most {self._max_body_bytes} bytes are taken"
        return int(value)

    def _give_up(self, reason: str, frames: list[Frame]) -> bool:
        if self._strict:
            return self._end(reason, frames)
        frames.append(BadFrame(reason))
        self._start += 1
        self._searching = True
        return True

    def _end(self, reason: str, frames: list[Frame]) -> bool:
        frames.append(BadFrame(reason, fatal=True))
        self._ended = True
        self._buffer.clear()
        self._start = 0
        return False

    def _search(self) -> bool:
        """Skips to the next thing that is a whole, usable header; the rest of the broken frame is dropped."""
        found = _NEXT_FRAME.search(self._buffer, self._start)
        if found is None:
            self._start = max(self._start, len(self._buffer) - _LONGEST_PARTIAL_MATCH)
            return False
        self._start = found.start()
        end = _HEADER_END.search(self._buffer, self._start, self._start + MAX_HEADER_BYTES)
        if end is None and len(self._buffer) - self._start < MAX_HEADER_BYTES:
            return False
        block = bytes(self._buffer[self._start : end.start()]) if end else b""
        if end is None or isinstance(self._content_length(block), str):
            self._start = found.end()
            return True
        self._searching = False
        return True


def _foreign_header(block: bytes, *, whole: bool) -> str:
    lines = block.split(b"\n")
    for line in lines if whole else lines[:-1]:
        name = line.partition(b":")[0].strip().lower()
        if line.strip() and name not in _KNOWN_HEADERS:
            return f"the header {_shown(line)} is not taken here"
    return ""


def _shown(data: bytes) -> str:
    return ascii(data.strip()[:40].decode("latin-1"))
