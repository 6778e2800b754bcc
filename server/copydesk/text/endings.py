"""Changes to texts whose line ends may be mixed: planned as if all were `\\n`, then said on the text as it is.

So a line that stays keeps its own end, and a new one gets the file's dominant one. Start with `restored`.
"""

from collections.abc import Sequence

from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply
from copydesk.text.lines import content_length, line_end, split_lines, with_line_ends


def plain(text: str) -> str:
    """The text with every break written as `\\n`."""
    return with_line_ends(text, "\n") if "\r" in text else text


def restored(text: str, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Edits on `plain(text)`, said on the text itself."""
    if "\r" not in text:
        return tuple(edits)
    offsets, end = _offsets(text), line_end(text)
    found = tuple(Edit(offsets[start], offsets[stop], with_line_ends(new, end)) for start, stop, new in edits)
    wanted = apply(plain(text), edits)
    if plain(apply(text, found)) == wanted:
        return found
    return diff(text, with_line_ends(wanted, end))  # a `\n` came to stand after a lone `\r`: one break of two


def rewritten(before: str, content: str) -> tuple[Edit, ...]:
    """The spans that turn `before` into `content`, whose line ends are taken as the file's."""
    end = line_end(before)
    if "\r" not in before or with_line_ends(before, end) == before:
        return diff(before, with_line_ends(content, end))
    return restored(before, diff(plain(before), plain(content)))


def _offsets(text: str) -> list[int]:
    """For each offset in the plain text: the offset in the text."""
    offsets: list[int] = []
    done = 0
    for row in split_lines(text):
        n_content = content_length(row)
        offsets += range(done, done + n_content + (n_content < len(row)))
        done += len(row)
    return [*offsets, done]
