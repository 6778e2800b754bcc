"""How a Gemini body becomes chunks: server-sent events, or the JSON array that comes without `alt=sse`. Sans I/O.

Google's servers break into an event stream with an error that has no `data:` in front of it, line by line (so
googleapis/python-genai reads them); gateways that drop the query answer with the array. Knows no events of ours.
Start with `Frames.feed`.
"""

import json
import re

from copydesk.domain.errors import BadStream
from copydesk.models import sse
from copydesk.models.sse import ServerSentEvent

_FIELD = re.compile(rb"(data|event|id|retry):")
_MARKS = re.compile(rb'["{}\\]')
_LEADING = b"\xef\xbb\xbf \r\n\t"


class Frames:
    """One body. Which form it has shows at its first byte."""

    def __init__(self, limit_bytes: int = sse.LINE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._frames: _Array | _Events | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The chunks that these bytes complete. Raises `BadStream` when one is longer than the limit."""
        if self._frames is None:
            begins = chunk.lstrip(_LEADING)[:1]
            if not begins:
                return []
            self._frames = _Array(self._limit_bytes) if begins == b"[" else _Events(self._limit_bytes)
        return self._frames.feed(chunk)

    def end(self) -> ServerSentEvent | None:
        return self._frames.end() if self._frames is not None else None


class _Events(sse.Decoder):
    """Server-sent events, and JSON objects between them that no field announces."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self._bare: list[bytes] = []
        self._n_bare = 0

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if not self._bare and line[:1] != b"{":
            return super()._line(line)
        if self._bare and _FIELD.match(line):
            self._bare.clear()  # what began was no object: go on with the stream
            self._n_bare = 0
            return super()._line(line)
        return self._bare_line(line)

    def _bare_line(self, line: bytes) -> ServerSentEvent | None:
        self._n_bare += len(line)
        if self._n_bare > self._limit_bytes:
            raise self._too_long()
        self._bare.append(line)
        if not line.rstrip().endswith(b"}"):
            return None
        text = b"\n".join(self._bare).decode("utf-8", "replace")
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return None
        self._bare.clear()
        self._n_bare = 0
        return ServerSentEvent("", text)


class _Array:
    """The objects of one JSON array, each as soon as it is whole."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._object = bytearray()
        self._depth = 0
        self._quoted = False
        self._escaped = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        found: list[ServerSentEvent] = []
        begin = 0
        at = int(self._escaped)  # the byte behind a backslash means nothing
        self._escaped = self._escaped and not chunk
        while (mark := _MARKS.search(chunk, at)) is not None:
            at = mark.end()
            match mark[0]:
                case b"\\" if self._quoted:
                    self._escaped = at == len(chunk)
                    at += 1
                case b'"':
                    self._quoted = not self._quoted
                case b"{" if not self._quoted:
                    begin = begin if self._depth else mark.start()
                    self._depth += 1
                case b"}" if not self._quoted and self._depth:
                    self._depth -= 1
                    if not self._depth:
                        found.append(self._whole(chunk[begin:at]))
                case _:
                    pass
        if self._depth:
            self._hold(chunk[begin:])
        return found

    def end(self) -> ServerSentEvent | None:
        return None  # half an object is no chunk

    def _whole(self, rest: bytes) -> ServerSentEvent:
        self._hold(rest)
        text = self._object.decode("utf-8", "replace")
        self._object.clear()
        return ServerSentEvent("", text)

    def _hold(self, piece: bytes) -> None:
        self._object += piece
        if len(self._object) > self._limit_bytes:
            raise BadStream(
                f"The model's server sent a chunk of more than {self._limit_bytes} bytes.",
                advice="Check the base URL.",
            )
