"""Where lines end: `\\n`, `\\r\\n` and `\\r`, and nothing else (form feed, NEL and U+2028 are ordinary characters).

Everything that counts lines goes through here, so that no two parts of the program number them differently.
"""

import re

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")
_BREAK = re.compile(r"\r\n|\r|\n")


def split_lines(text: str) -> list[str]:
    """Lines with their ends kept; joined they are `text`. Never empty: the last one has no end and may be ''."""
    if "\r" not in text:
        parts = text.split("\n")
        lines = [part + "\n" for part in parts]
        lines[-1] = parts[-1]
        return lines
    lines = _LINE.findall(text)
    lines.append(text[text_end(text) :])
    return lines


def bare_lines(text: str) -> list[str]:
    """The lines of `split_lines` without their ends."""
    return text.split("\n") if "\r" not in text else _BREAK.split(text)


def count_breaks(text: str) -> int:
    """One less than the number of lines; counts in C, for large texts."""
    return text.count("\n") + (text.count("\r") - text.count("\r\n") if "\r" in text else 0)


def text_end(text: str) -> int:
    """Offset just after the last line break: where the last line starts."""
    return max(text.rfind("\n"), text.rfind("\r")) + 1


def content_length(line: str) -> int:
    """Length of one line without its end."""
    if line.endswith("\r\n"):
        return len(line) - 2
    return len(line) - 1 if line.endswith(("\n", "\r")) else len(line)


def has_break(text: str) -> bool:
    return "\n" in text or "\r" in text


def line_end(text: str) -> str:
    """The dominant line end, one of `\\n`, `\\r\\n`, `\\r`; `\\n` for a text without any."""
    n_pairs = text.count("\r\n")
    counts = {"\n": text.count("\n") - n_pairs, "\r\n": n_pairs, "\r": text.count("\r") - n_pairs}
    return max(counts, key=lambda end: counts[end])


def with_line_ends(text: str, end: str) -> str:
    """The text with every line break written as `end`."""
    return _BREAK.sub(lambda _: end, text)
