"""Reading a patch: what stands around it is taken away, and its format is told from its lines.

Start with `parse_patch`; the formats are in `patch_envelope` and `patch_unified`.
"""

import re
from collections.abc import Sequence

from copydesk.text.patch_envelope import parse_envelope
from copydesk.text.patch_unified import parse_unified
from copydesk.text.patches import FilePatch, Numbered, PatchSyntax

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_HEREDOC = re.compile(r"(?!\*\*\*|---|\+\+\+|diff |@@).*<<-?\s*\\?(['\"]?)(\w+)\1\s*$")
_MARKER = re.compile(r"\s*\*\*\* (Begin|End) Patch\s*$", re.IGNORECASE)
_SECTION = re.compile(r"\s*\*\*\* (?:Add|Update|Delete) File\b", re.IGNORECASE)
_LAST = re.compile(r"\s*\*\*\* End |\s*`{3,}|\s*~{3,}|[A-Z_]+['\")]*\s*$")
_N_WRAPPERS = 4


def parse_patch(patch: str) -> tuple[FilePatch, ...]:
    """The files of a patch in either format, in order; at least one. Raises `PatchSyntax`."""
    lines = unwrapped(patch.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    if not any(line.strip() for _, line in lines):
        raise PatchSyntax("the patch is empty")
    if any(_SECTION.match(line) for _, line in lines):
        return parse_envelope(lines)
    return parse_unified([(number, line) for number, line in lines if not _MARKER.match(line)])


def unwrapped(rows: Sequence[str]) -> list[Numbered]:
    """The patch's lines without blank ones around, code fences and here-document lines."""
    lines = _trimmed(list(enumerate(rows, 1)))
    for _ in range(_N_WRAPPERS):
        inner = _trimmed(_inside(lines))
        if inner == lines:
            break
        lines = inner
    return lines


def _inside(lines: list[Numbered]) -> list[Numbered]:
    if not lines:
        return lines
    first, last = lines[0][1], lines[-1][1]
    if fence := _FENCE.match(first):
        closed = len(lines) > 1 and last.strip() == fence[1]
        return lines[1 : -1 if closed else None]
    if heredoc := _HEREDOC.match(first):
        closed = len(lines) > 1 and re.fullmatch(rf"{heredoc[2]}['\")]*", last.strip())
        return lines[1 : -1 if closed else None]
    return lines


def _trimmed(lines: list[Numbered]) -> list[Numbered]:
    """Without blank lines around. At the end, one with a space may be a context line, unless the patch is over."""
    filled = [at for at, (_, line) in enumerate(lines) if line.strip()]
    if not filled:
        return []
    last = filled[-1] + 1
    while last < len(lines) and lines[last][1].startswith(" ") and not _LAST.match(lines[filled[-1]][1]):
        last += 1
    return lines[filled[0] : last]
