"""Server-sent events, sans I/O: bytes in any pieces → events (WHATWG HTML, section 9.2.6).

Lines end with CR, LF or CRLF; bytes are split before they are decoded, so that a piece may end inside a character.
Knows no provider. Start with `Decoder.feed`.
"""

from typing import NamedTuple

from copydesk.domain.errors import BadStream

LINE_LIMIT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class ServerSentEvent(NamedTuple):
    """`event` is empty when the stream names none."""

    event: str
    data: str


class Decoder:
    """One stream. `limit_bytes` bounds a line and the data of one event, each."""

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._pieces: list[bytes] = []  # of the line that has no end yet
        self._n_pending = 0
        self._after_cr = False
        self._first_line = True
        self._event = ""
        self._data: list[str] = []
        self._n_data = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete. Raises `BadStream` when a line is longer than the limit."""
        if self._after_cr and chunk:
            # The CR already ended its line; an LF right behind it belongs to the same end.
            self._after_cr = False
            chunk = chunk[1:] if chunk[0] == 0x0A else chunk
        if not chunk:
            return []
        if b"\n" not in chunk and b"\r" not in chunk:
            self._hold(chunk)
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = (b"".join(self._pieces) + chunk).splitlines()
        self._pieces.clear()
        self._n_pending = 0
        if chunk[-1] not in b"\r\n":
            self._hold(lines.pop())
        return [event for line in lines if (event := self._line(line)) is not None]

    def end(self) -> ServerSentEvent | None:
        """What was not closed by an empty line. The standard drops it; some servers forget that line."""
        rest = self.feed(b"\n\n") if self._pieces or self._data else []
        return rest[0] if rest else None

    def _hold(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._n_pending += len(piece)
        if self._n_pending > self._limit_bytes:
            raise self._too_long()

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if len(line) > self._limit_bytes:
            raise self._too_long()
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if name == b"data":
            self._n_data += len(value)
            if self._n_data > self._limit_bytes:
                raise self._too_long()
            self._data.append(value.decode("utf-8", "replace"))
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        return None  # comments have an empty name; id and retry say nothing to us

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event, self._data
        self._event, self._data, self._n_data = "", [], 0
        return ServerSentEvent(event, "\n".join(data)) if data else None

    def _too_long(self) -> BadStream:
        return BadStream(
            f"The model's server sent a line of more than {self._limit_bytes} bytes.", advice="Check the base URL."
        )
