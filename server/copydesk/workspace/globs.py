"""Glob patterns as regular expressions over relative paths with forward slashes. Pure.

`*` and `?` stay within a name, `**` crosses directories, `[a-c]` `[!a]` are classes, `{a,b}` alternatives (nested
too). A pattern without a slash speaks of names at any depth; one with a slash of paths from the base.
"""

import re
from collections.abc import Callable

_CLASS = re.compile(r"\[(!|\^)?(\]?[^\]/]*)\]")


def compile_glob(pattern: str, *, ignore_case: bool = False) -> Callable[[str], bool]:
    """A test for relative paths. Every pattern means something: what does not parse is literal."""
    source = pattern.removeprefix("./")
    anchored = "/" in source.rstrip("/")
    body = _translated(source.strip("/") if anchored else source.rstrip("/"))
    prefix = "" if anchored else "(?:.*/)?"
    found = re.compile(f"{prefix}{body}", re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    return lambda path: found.fullmatch(path) is not None


def _translated(pattern: str) -> str:
    pieces: list[str] = []
    depth, at = 0, 0
    braces = _balanced(pattern)
    while at < len(pattern):
        piece, size = _piece(pattern, at)
        char = pattern[at]
        if char in "{}," and braces and (depth or char == "{"):
            piece, depth = {"{": ("(?:", depth + 1), "}": (")", depth - 1), ",": ("|", depth)}[char]
        pieces.append(piece)
        at += size
    return "".join(pieces)


def _piece(pattern: str, at: int) -> tuple[str, int]:
    """The regular expression for what stands at an offset, and how long that is."""
    if pattern.startswith("**/", at):
        return "(?:.*/)?", 3
    if pattern.startswith("/**", at) and at + 3 == len(pattern):
        return "/.*", 3
    if pattern.startswith("**", at):
        return ".*", 2
    if pattern[at] == "\\" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), 2
    if found := _CLASS.match(pattern, at):
        inner = found[2].replace("\\", "\\\\").replace("[", "\\[")
        inner = inner.replace("]", "\\]").replace("&&", "&\\&").replace("||", "|\\|").replace("~~", "~\\~")
        return _valid_class(f"(?!/)[{'^' if found[1] else ''}{inner}]", found[0])
    return {"*": "[^/]*", "?": "[^/]"}.get(pattern[at], re.escape(pattern[at])), 1


def _valid_class(expression: str, literal: str) -> tuple[str, int]:
    try:
        re.compile(expression)
    except re.error:
        return re.escape(literal), len(literal)
    return expression, len(literal)


def _balanced(pattern: str) -> bool:
    depth = 0
    for char in pattern:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return False
    return depth == 0
