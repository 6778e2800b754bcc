"""Repairs of simple syntax errors, each proven: the only candidate with which the text gets further, and compiles.

Pure. Start with `repair`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copydesk.models.offline.editing import LineEdit
from copydesk.models.offline.pycode import compiles

MAX_REPAIRS = 5
MAX_LINES_BACK = 2
_BLOCK = re.compile(r"^\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b")
_CONDITION = re.compile(r"^\s*(?:if|elif|while|assert)\b|\breturn\b")
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Repair:
    """One line changed. `line` is 0-based; `what` says it in words."""

    line: int
    text: str
    what: str


def repair(lines: Sequence[str]) -> tuple[list[LineEdit], list[Repair]] | None:
    """The edits that make the text compile, and what each does; None when no repair is certain."""
    current = list(lines)
    done: list[Repair] = []
    for _ in range(MAX_REPAIRS):
        error = compiles("\n".join(current))
        if error is None:
            break
        found = _certain(current, error)
        if found is None:
            return None
        current[found.line] = found.text
        done.append(found)
    if not done or compiles("\n".join(current)) is not None:
        return None
    changed = sorted({item.line for item in done})
    return [LineEdit(line, line + 1, (current[line],)) for line in changed], done


def _certain(lines: list[str], error: SyntaxError) -> Repair | None:
    """The one candidate that works. One that makes all compile is better than one that only gets further."""
    at = min(max((error.lineno or 1) - 1, 0), max(len(lines) - 1, 0))
    whole: list[Repair] = []
    further: list[Repair] = []
    for line in _lines_to_try(lines, at):
        for candidate in _candidates(lines[line], line, error.msg or ""):
            trial = [*lines[:line], candidate.text, *lines[line + 1 :]]
            left = compiles("\n".join(trial))
            if left is None:
                whole.append(candidate)
            elif (left.lineno or 0) - 1 > max(at, line):
                further.append(candidate)
        if whole or further:
            break
    best = {candidate.text: candidate for candidate in whole or further}
    return next(iter(best.values())) if len(best) == 1 else None


def _lines_to_try(lines: list[str], at: int) -> Iterator[int]:
    yield at
    tried = 0
    for line in range(at - 1, -1, -1):
        if lines[line].strip() and not lines[line].lstrip().startswith("#"):
            yield line
            tried += 1
            if tried >= MAX_LINES_BACK:
                return


def _candidates(text: str, line: int, message: str) -> Iterator[Repair]:
    code, comment = _split_comment(text)
    if "=" in code and _CONDITION.match(code):
        for match in re.finditer(r"(?<![=!<>:+\-*/%&|^@])=(?!=)", code):
            changed = f"{code[: match.start()]}=={code[match.end() :]}"
            yield Repair(line, changed + comment, "compared with `==` instead of assigning")
    if not code.rstrip().endswith((":", ",", "\\")) and (_BLOCK.match(code) or "expected ':'" in message):
        yield Repair(line, _with_end(code, ":") + comment, "added the missing colon")
    yield from _quoted(text, line)
    missing = _unclosed(code)
    if missing:
        for changed in _closed(code, missing, opens_block=bool(_BLOCK.match(code))):
            yield Repair(line, changed + comment, f"closed the bracket with `{missing}`")


def _with_end(code: str, end: str) -> str:
    kept = code.rstrip()
    return f"{kept}{end}{code[len(kept) :]}"


def _closed(code: str, closers: str, *, opens_block: bool) -> Iterator[str]:
    kept = code.rstrip()
    space = code[len(kept) :]
    if opens_block and kept.endswith(":"):
        yield f"{kept[:-1].rstrip()}{closers}:{space}"
    elif opens_block:
        yield f"{kept}{closers}:{space}"
    else:
        yield f"{kept}{closers}{space}"


def _quoted(text: str, line: int) -> Iterator[Repair]:
    quote = _open_quote(text)
    if not quote:
        return
    kept = text.rstrip()
    tail = re.search(r"[)\]}:,]*$", kept)
    for end in sorted({len(kept), tail.start() if tail else len(kept)}):
        yield Repair(line, f"{kept[:end]}{quote}{kept[end:]}{text[len(kept) :]}", f"added the missing `{quote}`")


def _open_quote(text: str) -> str:
    """The quote that is open at the end of the line, if it is a single one."""
    open_quote = ""
    i = 0
    while i < len(text):
        char = text[i]
        if char == "\\" and open_quote:
            i += 1
        elif open_quote:
            open_quote = "" if char == open_quote else open_quote
        elif text[i : i + 3] in ('"""', "'''"):
            return ""
        elif char in "\"'":
            open_quote = char
        elif char == "#":
            return ""
        i += 1
    return open_quote


def _split_comment(text: str) -> tuple[str, str]:
    """(code, the comment with the space before it)."""
    quote = ""
    for i, char in enumerate(text):
        if quote:
            quote = "" if char == quote and text[i - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            code = text[:i].rstrip()
            return code, text[len(code) :]
    return text, ""


def _unclosed(code: str) -> str:
    """The closers that lack on this line, innermost first; empty when it is balanced or closes too much."""
    stack: list[str] = []
    quote = ""
    for i, char in enumerate(code):
        if quote:
            quote = "" if char == quote and code[i - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char in _CLOSERS:
            stack.append(_CLOSERS[char])
        elif char in ")]}" and (not stack or stack.pop() != char):
            return ""
    return "".join(reversed(stack))
