"""What one command wrote: both streams as lines, in the order they came, kept within bounds and read by offset.

The whole is kept in memory, compressed, so that it can be paged and nothing of it lies on the disk; of a flood the
middle goes. Offsets count characters from the start and never move. Start with `CommandOutput.feed`.
"""

import codecs
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.domain.commands import Output
from copydesk.text.terminal import LineFolder

CHUNK_CHARS = 65_536
LIMIT_BYTES = 4 * 1024 * 1024
"""Compressed, for each command."""
N_HEAD_CHUNKS = 4
"""What came first is never let go: errors stand at either end."""
MAX_MARKS = 40
"""Changes from one stream to the other that are marked; two streams that take turns say nothing by it."""


@dataclass(slots=True)
class _Stream:
    name: str
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )
    lines: LineFolder = field(default_factory=LineFolder)


class CommandOutput:
    """`n_bytes` counts what the command wrote, `n_chars` the text that came of it so far. `came` is called at each
    piece.
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self.came: Callable[[], None] = lambda: None
        self._streams: dict[str, _Stream] = {}
        self._last = ""
        self._n_marks = 0
        self._ends_line = True
        self._open = ""
        self._sealed: list[bytes | None] = []
        self._n_sealed_bytes = 0
        self._first_kept = N_HEAD_CHUNKS

    # --- taking ---

    def feed(self, piece: Output) -> None:
        stream = self._streams.setdefault(piece.stream, _Stream(piece.stream))
        self.n_bytes += len(piece.data)
        self._add(stream, stream.lines.feed(stream.decoder.decode(piece.data)))
        self.came()

    def end(self) -> None:
        """No more comes: lines without an end count too."""
        for stream in self._streams.values():
            self._add(stream, stream.lines.feed(stream.decoder.decode(b"", True)))
            self._add(stream, stream.lines.end())

    def _add(self, stream: _Stream, text: str) -> None:
        if not text:
            return
        self._append(self._mark(stream.name) + text)
        self._ends_line = text.endswith("\n")

    def _mark(self, stream: str) -> str:
        """Where the stream changes, its name on a line; nothing where only one of them writes."""
        changes = bool(self._last) and stream != self._last
        self._last = stream
        if not changes:
            return ""
        self._n_marks += 1
        end = "" if self._ends_line else "\n"
        if self._n_marks > MAX_MARKS:
            return end
        name = stream if self._n_marks < MAX_MARKS else "from here on both streams, in the order they came"
        return f"{end}[{name}]\n"

    def _append(self, text: str) -> None:
        self._open += text
        while len(self._open) >= CHUNK_CHARS:
            sealed = zlib.compress(self._open[:CHUNK_CHARS].encode(), 1)
            self._open = self._open[CHUNK_CHARS:]
            self._sealed.append(sealed)
            self._n_sealed_bytes += len(sealed)
        while self._n_sealed_bytes > LIMIT_BYTES and self._first_kept < len(self._sealed) - 1:
            self._n_sealed_bytes -= len(self._sealed[self._first_kept] or b"")
            self._sealed[self._first_kept] = None
            self._first_kept += 1

    # --- reading ---

    @property
    def n_chars(self) -> int:
        """Whole lines only, until the end."""
        return len(self._sealed) * CHUNK_CHARS + len(self._open)

    def text(self, start: int, end: int) -> str:
        """The characters from `start` to `end`; for those that are let go, one line says so."""
        parts: list[str] = []
        gone = 0
        for index in range(start // CHUNK_CHARS, (min(end, self.n_chars) + CHUNK_CHARS - 1) // CHUNK_CHARS):
            at = index * CHUNK_CHARS
            chunk = self._chunk(index)
            if chunk is None:
                gone += min(end, at + CHUNK_CHARS) - max(start, at)
                continue
            parts += [_gone(gone)] if gone else []
            gone = 0
            parts.append(chunk[max(0, start - at) : max(0, end - at)])
        return "".join([*parts, _gone(gone)] if gone else parts)

    @property
    def rest(self) -> str:
        """What stands in lines that have not ended yet: a prompt, a progress bar."""
        unfinished = [stream.lines.rest for stream in self._streams.values()]
        return "\n".join(text for text in unfinished if text)

    def tail(self, n_lines: int, n_chars: int) -> str:
        """The newest lines, for a person who watches."""
        text = self.text(max(0, self.n_chars - n_chars), self.n_chars) + self.rest
        return "\n".join(text[-n_chars:].rstrip("\n").split("\n")[-n_lines:])

    def _chunk(self, index: int) -> str | None:
        if index == len(self._sealed):
            return self._open
        sealed = self._sealed[index]
        return None if sealed is None else zlib.decompress(sealed).decode()


def _gone(n_chars: int) -> str:
    return f"\n… {n_chars:,} characters were too many to keep …\n"
