"""Where the JSON of an answer is: the whole text, or what stands between words. Pure. Start with `whole_json`.

Only objects on the outside count. One inside a broken one may fit the schema too, and would be the wrong answer.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

_FENCED = re.compile(r"```[\w-]*[ \t]*\r?\n(.*?)\n?[ \t]*```", re.DOTALL)
_WHOLE_FENCED = re.compile(r"```[\w-]*[ \t]*\r?\n(.*)\n?[ \t]*```", re.DOTALL)
_MARK = re.compile(r'[{}]|"(?:[^"\\]|\\.)*"|"', re.DOTALL)


def whole_json(text: str, *, fenced: bool = False) -> Any:
    """The text as JSON (and with `fenced`, a fence around all of it). Raises ValueError that says why it is none."""
    bare = text.strip().lstrip("\ufeff")
    if fenced and (found := _WHOLE_FENCED.fullmatch(bare)):
        bare = found[1]
    try:
        return json.loads(bare, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def objects_in(text: str) -> Iterator[list[dict[str, Any]]]:
    """The JSON objects of an answer, by where they are looked for, the surest place first."""
    yield _read([text])
    yield _read([found[1] for found in _FENCED.finditer(text)])
    yield _read(_balanced(text))


def _read(pieces: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for piece in pieces:
        try:
            value = whole_json(piece)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(cast("dict[str, Any]", value))
    return found


def _balanced(text: str) -> list[str]:
    """The outermost pieces from `{` to its `}`. What is never closed ends the search: all the rest may be in it."""
    pieces: list[str] = []
    at = text.find("{")
    while at >= 0:
        depth = 0
        for mark in _MARK.finditer(text, at):
            depth += {"{": 1, "}": -1}.get(mark[0], 0)
            if not depth:
                pieces.append(text[at : mark.end()])
                at = text.find("{", mark.end())
                break
        else:
            return pieces
    return pieces


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is not JSON")
