"""A text as bytes of the same length, one a character: what makes looking through a megabyte quick.

Offsets are the text's own. Escapes (`\\n`, `%3D`, colours) are blanked, so that a word behind one begins there. Pure.
Start with `View`.
"""

import re
from collections.abc import Iterator
from functools import cached_property

RUN_CHARS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+/=~"
_ALNUM = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_RUNS = bytes(0x78 if code in RUN_CHARS else 0x20 for code in range(256))
_TO_WORDS = bytes(0x78 if code in _ALNUM else 0x20 for code in range(256))
_ESCAPE = re.compile(rb"\\(?:[nrtbf]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})|%[0-9A-Fa-f]{2}|\x1b\[[0-9;]{0,20}m")


class View:
    def __init__(self, text: str) -> None:
        self.text = text
        data = text.encode("latin-1", "replace")
        self.raw = data
        if b"\\" in data or b"%" in data or b"\x1b" in data:
            data = _ESCAPE.sub(lambda match: b" " * len(match[0]), data)
        self.data = data

    @cached_property
    def lowered(self) -> bytes:
        """ASCII letters in lower case."""
        return self.data.lower()

    @cached_property
    def words(self) -> bytes:
        """`x` for letters and digits, a space for all else."""
        return self.data.translate(_TO_WORDS)

    @cached_property
    def _runs(self) -> bytes:
        return self.data.translate(_TO_RUNS)

    def joined_runs(self, n_chars: int) -> bytes:
        """The letters of all runs of at least so many, one run behind the other."""
        return b"".join([self.data[start:end] for start, end in self.runs(n_chars)])

    def runs(self, n_chars: int) -> Iterator[tuple[int, int]]:
        """Stretches of at least so many letters, digits and `_-.+/=~`."""
        mask, wanted = self._runs, b"x" * n_chars
        at = mask.find(wanted)
        while at >= 0:
            end = mask.find(b" ", at)
            end = len(mask) if end < 0 else end
            yield at, end
            at = mask.find(wanted, end)
