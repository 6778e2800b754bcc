"""Changes to files whose line ends are mixed: planned as if all were `\\n`, then said on the text as it is.

So a line that stays keeps its own end, and a new one gets the file's dominant one. Pure. Start with `replaced`.
"""

from collections.abc import Sequence

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply
from copydesk.text.lines import content_length, line_end, split_lines, with_line_ends
from copydesk.text.matching import Match, find_edit


def replaced(content: str, old: str, new: str, replace_all: bool) -> Match:
    """`find_edit`, for any mixture of line ends. Raises what it raises; its line numbers hold either way."""
    end = line_end(content)
    if "\r" not in content:
        return find_edit(content, old, with_line_ends(new, end) if "\r" in old else new, replace_all)
    if with_line_ends(content, end) == content:
        # A text that begins with `\n` must not match the second half of a `\r\n`.
        return find_edit(content, with_line_ends(old, end), with_line_ends(new, end), replace_all)
    match = find_edit(_plain(content), _plain(old), _plain(new), replace_all)
    return Match(_restored(content, match.edits, end), match.rung)


def rewritten(before: str, content: str) -> tuple[Edit, ...]:
    """The spans that turn `before` into `content`."""
    end = line_end(before)
    if "\r" not in before or with_line_ends(before, end) == before:
        return diff(before, with_line_ends(content, end))
    return _restored(before, diff(_plain(before), _plain(content)), end)


def _plain(content: str) -> str:
    return with_line_ends(content, "\n")


def _restored(mixed: str, edits: Sequence[Edit], end: str) -> tuple[Edit, ...]:
    """Edits on the plain text, said on the mixed one."""
    offsets = _offsets(mixed)
    found = tuple(Edit(offsets[start], offsets[stop], with_line_ends(new, end)) for start, stop, new in edits)
    wanted = apply(_plain(mixed), edits)
    if _plain(apply(mixed, found)) == wanted:
        return found
    return diff(mixed, with_line_ends(wanted, end))  # a `\n` came to stand after a lone `\r`: one break of two


def _offsets(mixed: str) -> list[int]:
    """For each offset in the plain text: the offset in the mixed one."""
    offsets: list[int] = []
    done = 0
    for row in split_lines(mixed):
        n_content = content_length(row)
        offsets += range(done, done + n_content + (n_content < len(row)))
        done += len(row)
    return [*offsets, done]
