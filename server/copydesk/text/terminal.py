r"""What a person would read of a command's output on a terminal, as plain lines.

Escapes are dropped, and of a line that was overwritten (`\r`, a progress bar) the last words stay. Knows no command.
Start with `LineFolder`.
"""

import re

LIMIT_CHARS = 16_384
"""Longest line that is held back to be folded; a longer one is given in parts."""

_ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS and its kin
    r"|[ -/]*[0-Z\\`-~]"
    r")?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
_SPECIAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ERASED = re.compile(r"[^\x08]\x08")


def plain_line(raw: str) -> str:
    """One line without its end, as it stands at last."""
    if not _SPECIAL.search(raw):
        return raw
    words = (_plain(part) for part in reversed(raw.split("\r")))
    return next((said for said in words if said.strip()), "")


def _plain(part: str) -> str:
    part = _ESCAPE.sub("", part)
    while "\x08" in part and (shorter := _ERASED.sub("", part)) != part:
        part = shorter
    return _CONTROL.sub("", part)


def plain_lines(whole: str) -> str:
    """Of lines with their ends. In one go where that will do: a flood must not take longer than it must."""
    if not _SPECIAL.search(whole):
        return whole
    whole = _ESCAPE.sub("", whole).replace("\r\n", "\n")
    if not _SPECIAL.search(whole):
        return whole
    return "\n".join(map(plain_line, whole.split("\n")))


class LineFolder:
    """Takes text in any pieces and gives whole lines; what is not ended yet is in `rest`."""

    def __init__(self) -> None:
        self._raw = ""

    def feed(self, text: str) -> str:
        """The lines that are whole by now, each with its end; a line that grows too long comes in parts."""
        lines, end, self._raw = (self._raw + text).rpartition("\n")
        return plain_lines(lines + end) + self._shortened()

    @property
    def rest(self) -> str:
        return plain_line(self._raw)

    def end(self) -> str:
        """The line that never ended."""
        rest, self._raw = self.rest, ""
        return rest

    def _shortened(self) -> str:
        """Forgets what was overwritten, so that a bar without line ends stays short."""
        newest = self._raw.rpartition("\r")[2]
        if len(newest) < len(self._raw) and "\x1b" not in newest and _plain(newest).strip():  # no half escape
            self._raw = newest
        if len(self._raw) <= LIMIT_CHARS:
            return ""
        if "\r" in self._raw:
            self._raw = self.rest[:LIMIT_CHARS] + "\r"
            return ""
        return self.end()
