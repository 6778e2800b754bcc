"""The module that the language features are measured on: argparse.py of the running Python, and places in it."""

import argparse
import io
import keyword
import re
import tokenize
from pathlib import Path
from typing import NamedTuple

N_PLACES = 80


class Name(NamedTuple):
    """A name at a place: line from 0, columns in characters (the file is ASCII)."""

    line: int
    start: int
    end: int
    text: str


def source() -> str:
    return Path(argparse.__file__).read_text(encoding="utf-8")


def names(text: str, n: int = N_PLACES) -> list[Name]:
    """`n` names that are no keywords, evenly spread over the file."""
    found = [
        Name(token.start[0] - 1, token.start[1], token.end[1], token.string)
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string)
    ]
    return spread(found, n)


def definitions(text: str, n: int = N_PLACES) -> list[Name]:
    """The names of `n` functions where they are defined, evenly spread over the file."""
    found = [
        Name(number, match.start(1), match.end(1), match[1])
        for number, line in enumerate(text.split("\n"))
        if (match := re.match(r"\s*def (\w+)\(", line))
    ]
    return spread(found, n)


def spread(items: list[Name], n: int) -> list[Name]:
    return [items[index * len(items) // n] for index in range(min(n, len(items)))]
