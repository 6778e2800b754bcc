"""What a line opens: the block that a `@@ def f` or `@@ ## Heading` in a patch speaks of. Knows indentation only.

Start with `scopes`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from copydesk.text.foldings import fold

_HEADING = re.compile(r"(#{1,6})\s")
_GOES_ON = (")", "]", "{", "} ", "},", "});", "else", "elif ", "except", "finally", "catch")


class Scope(NamedTuple):
    """Lines first to stop (0-based, `stop` not in); `first` is the line that opens it."""

    first: int
    stop: int


def scopes(lines: Sequence[str], anchors: Sequence[str]) -> list[Scope] | str:
    """The blocks that the innermost anchor opens, each within those of the ones before; the anchor that is missing."""
    found = [Scope(-1, len(lines))]
    for anchor in anchors:
        inner = _opened(lines, anchor, found)
        if not inner:
            return anchor
        found = inner
    return found


def _opened(lines: Sequence[str], anchor: str, outer: Sequence[Scope]) -> list[Scope]:
    """The anchor's blocks within the outer ones; only where there is none, those after the outer ones' first lines."""
    inside = range(min(scope.first for scope in outer) + 1, len(lines))
    for is_it in _likenesses(anchor):
        hits = [at for at in inside if is_it(lines[at])]
        within = [at for at in hits if any(scope.first < at < scope.stop for scope in outer)]
        if hits:
            return [Scope(at, block_stop(lines, at)) for at in within or hits]
    return []


def _likenesses(anchor: str) -> Iterator[Callable[[str], bool]]:
    """Ways to be the anchor's line, the strictest first."""
    wanted = anchor.strip()
    plain = fold(wanted, "unicode_form")
    begins = re.compile(rf"{re.escape(plain)}(?!\w)") if plain[-1:].isalnum() else re.compile(re.escape(plain))
    whole = re.compile(rf"(?<!\w){begins.pattern}")
    yield lambda line: line.strip() == wanted
    yield lambda line: fold(line, "unicode_form").strip() == plain
    yield lambda line: begins.match(fold(line, "unicode_form").strip()) is not None
    yield lambda line: whole.search(fold(line, "unicode_form")) is not None


def block_stop(lines: Sequence[str], first: int) -> int:
    """Where the block ends that a line opens: at the next line that stands as far out and does not go on with it."""
    if heading := _HEADING.match(lines[first]):
        level = len(heading[1])
        following = re.compile(rf"#{{1,{level}}}\s")
        return next((at for at in range(first + 1, len(lines)) if following.match(lines[at])), len(lines))
    width = _width(lines[first])
    for at in range(first + 1, len(lines)):
        line = lines[at].strip()
        if line and _width(lines[at]) <= width:
            if line.startswith("}") and line.rstrip(";,)") == "}":
                return at + 1
            if not line.startswith(_GOES_ON):
                return at
    return len(lines)


def leaves_block(lines: Sequence[str], head: int, start: int, stop: int) -> bool:
    """Whether lines start to stop lead out of the block that the line `head` opens, though `stop` stands deeper.

    What a quote left out between two of its lines then cannot be one stretch of that block.
    """
    width = _width(lines[head])
    if not lines[head].strip() or _width(lines[stop]) <= width:
        return False
    between = (line for line in lines[start:stop] if line.strip())
    return any(_width(line) <= width and not line.strip().startswith((*_GOES_ON, "#")) for line in between)


def _width(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip(" "))
