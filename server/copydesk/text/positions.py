"""Columns: an editor counts code units of its encoding, we count code points. Pure, one line at a time.

A column past the line's content means its end (as LSP says); one inside a character means the character's start.
"""

import re
from typing import Literal, TypeAlias

from copydesk.text.lines import content_length

Encoding: TypeAlias = Literal["utf-8", "utf-16", "utf-32"]

_OF_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


def to_codepoints(line: str, units: int, encoding: Encoding) -> int:
    """Column in code points for `units` code units. `line` may carry its line end; the result never exceeds it."""
    length = content_length(line)
    units = max(units, 0)
    if encoding == "utf-32" or line.isascii():
        return min(units, length)
    # A character is at least one unit, so the answer lies in the first `units` characters.
    head = line[: min(units, length)]
    if encoding == "utf-8":
        return _count_utf8(head, units)
    return _count_utf16(head, units)


def _count_utf8(head: str, units: int) -> int:
    data = head.encode("utf-8", "surrogatepass")
    while 0 < units < len(data) and data[units] & 0xC0 == 0x80:
        units -= 1
    return len(data[:units].decode("utf-8", "surrogatepass"))


def _count_utf16(head: str, units: int) -> int:
    """Counts the characters of two units: decoding what stands there would join surrogates that came one by one."""
    n_pairs = 0
    for pair in _OF_TWO_UNITS.finditer(head):
        first = pair.start() + n_pairs
        if first >= units:
            break
        if first + 1 == units:
            return pair.start()
        n_pairs += 1
    return min(units - n_pairs, len(head))


def from_codepoints(line: str, column: int, encoding: Encoding) -> int:
    """Code units of `encoding` before `column` (code points, clamped to the line's content)."""
    column = min(max(column, 0), content_length(line))
    if encoding == "utf-32" or line.isascii():
        return column
    head = line[:column]
    if encoding == "utf-8":
        return len(head.encode("utf-8", "surrogatepass"))
    return len(head.encode("utf-16-le", "surrogatepass")) // 2
