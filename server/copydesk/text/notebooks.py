"""Jupyter notebooks as text: where each cell's source stands in the JSON, and how to change one and nothing else.

A changed source is written back as JSON strings in the place of the lines that changed, in the layout that is there;
the result is read again and compared, so that whatever a notebook holds besides is kept character for character.
Pure. Start with `read_cells` and `with_source`.
"""

import json
from json.decoder import JSONDecodeError, JSONDecoder
from typing import NamedTuple, cast

_SPACE = " \t\n\r"
_DECODER = JSONDecoder()


class NotebookError(ValueError):
    """Not a notebook that can be changed by its cells; says why."""


class Cell(NamedTuple):
    """One cell. `number` counts from 1; `start`..`end` is its source's JSON value: one string or a list of them."""

    number: int
    kind: str
    id: str
    source: str
    start: int
    end: int


class _Item(NamedTuple):
    """A JSON string in the text: what it says and where it stands, quotes included."""

    value: str
    start: int
    end: int


def is_notebook(path: str) -> bool:
    """Whether a path or URI names a notebook."""
    return path.lower().endswith(".ipynb")


def read_cells(text: str) -> tuple[Cell, ...]:
    """The cells of a notebook of format 4. Raises NotebookError."""
    try:
        return _Reader(text).cells()
    except (JSONDecodeError, IndexError, RecursionError) as error:
        raise NotebookError(f"its JSON cannot be read ({error})") from error


def with_source(text: str, cell: Cell, source: str) -> str:
    """The notebook with another source in one cell. Raises NotebookError where that cannot be proven to be all."""
    if source == cell.source:
        return text
    after = text[: cell.start] + _written(text, cell, source) + text[cell.end :]
    _prove(text, after, cell.number, source)
    return after


def is_by_cells(before: str, after: str) -> bool:
    """Whether a change of a notebook's text is one that `with_source` makes, for any number of cells."""
    try:
        old, new = read_cells(before), read_cells(after)
        if len(old) != len(new):
            return False
        for number, cell in enumerate(new):
            if cell.source != old[number].source:
                before = with_source(before, read_cells(before)[number], cell.source)
    except NotebookError:
        return False
    return before == after


# --- reading ---


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text

    def cells(self) -> tuple[Cell, ...]:
        top = self._members(self._skip(0), "a notebook")
        if "worksheets" in top or self._value(top, "nbformat", 0) not in (4, 5):
            raise NotebookError("it is not a notebook of format 4")
        if "cells" not in top or self._text[top["cells"]] != "[":
            raise NotebookError("it has no list of cells")
        return tuple(self._cell(at, number) for number, at in enumerate(self.elements(top["cells"]), 1))

    def _cell(self, at: int, number: int) -> Cell:
        members = self._members(at, f"cell {number}")
        if "source" not in members:
            raise NotebookError(f"cell {number} has no source")
        start = members["source"]
        value, end = _DECODER.raw_decode(self._text, start)
        source = _joined(value)
        if source is None:
            raise NotebookError(f"the source of cell {number} is not text")
        kind, name = self._value(members, "cell_type", "code"), self._value(members, "id", "")
        return Cell(number, str(kind), str(name), source, start, end)

    def _value(self, members: dict[str, int], key: str, otherwise: object) -> object:
        return _DECODER.raw_decode(self._text, members[key])[0] if key in members else otherwise

    def _members(self, at: int, what: str) -> dict[str, int]:
        """Where the values of an object's keys begin."""
        if self._text[at] != "{":
            raise NotebookError(f"{what} is not an object")
        found: dict[str, int] = {}
        at = self._skip(at + 1)
        while self._text[at] != "}":
            key, at = _DECODER.raw_decode(self._text, at)
            at = self._skip(self._after(self._skip(at), ":"))
            if key in found:
                raise NotebookError(f"{what} has the key {key!r} twice")
            found[key] = at
            at = self._next(_DECODER.raw_decode(self._text, at)[1], "}")
        return found

    def elements(self, at: int) -> list[int]:
        """Where the elements of a list begin."""
        found: list[int] = []
        at = self._skip(at + 1)
        while self._text[at] != "]":
            found.append(at)
            at = self._next(_DECODER.raw_decode(self._text, at)[1], "]")
        return found

    def _next(self, at: int, closing: str) -> int:
        at = self._skip(at)
        return at if self._text[at] == closing else self._skip(self._after(at, ","))

    def _after(self, at: int, mark: str) -> int:
        if self._text[at] != mark:
            raise JSONDecodeError(f"{mark!r} is missing", self._text, at)
        return at + 1

    def _skip(self, at: int) -> int:
        while at < len(self._text) and self._text[at] in _SPACE:
            at += 1
        return at


def _joined(value: object) -> str | None:
    """What a source says; None where it is no text."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    parts = cast("list[object]", value)
    return "".join(cast("list[str]", parts)) if all(isinstance(part, str) for part in parts) else None


# --- writing ---


def _written(text: str, cell: Cell, source: str) -> str:
    """The JSON value for a cell's new source, with what did not change as it stands."""
    raw = text[cell.start : cell.end]
    if raw.startswith('"'):
        return _string(source, text)
    items = _items(raw)
    lines = _lines(source)
    if not items:
        return _new_list(text, cell.start, lines)
    first, last = _differing([item.value for item in items], lines)
    fresh = [_string(line, text) for line in lines[first : len(lines) - last]]
    return _respliced(raw, items, first, len(items) - last, fresh)


def _items(raw: str) -> list[_Item]:
    items: list[_Item] = []
    reader = _Reader(raw)
    for at in reader.elements(0):
        value, end = _DECODER.raw_decode(raw, at)
        items.append(_Item(value, at, end))
    return items


def _differing(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines are the same at the start, and then at the end."""
    limit = min(len(old), len(new))
    first = next((number for number in range(limit) if old[number] != new[number]), limit)
    limit -= first
    last = next((number for number in range(limit) if old[-1 - number] != new[-1 - number]), limit)
    return first, last


def _respliced(raw: str, items: list[_Item], first: int, end: int, fresh: list[str]) -> str:
    """The list with items first..end replaced by fresh strings; kept items and what is between them stay."""
    between = raw[items[0].end : items[1].start] if len(items) > 1 else "," + raw[1 : items[0].start]
    if first == len(items):  # added at the end
        return raw[: items[-1].end] + "".join(between + each for each in fresh) + raw[items[-1].end :]
    if fresh:
        stop = items[end - 1].end if end > first else items[first].start
        tail = raw[stop:] if end > first else between + raw[stop:]
        return raw[: items[first].start] + between.join(fresh) + tail
    if end < len(items):
        return raw[: items[first].start] + raw[items[end].start :]
    return raw[: items[first - 1].end] + raw[items[-1].end :] if first else "[]"


def _new_list(text: str, at: int, lines: list[str]) -> str:
    """A list where an empty one stood, laid out as notebooks are."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    if not start or line.strip() != '"source":':
        return "[" + ", ".join(_string(each, text) for each in lines) + "]"
    end = "\r\n" if text[:start].endswith("\r\n") else "\n"
    indent = end + line[: len(line) - len(line.lstrip())]
    return "[" + ",".join(f"{indent} {_string(each, text)}" for each in lines) + indent + "]"


def _lines(source: str) -> list[str]:
    """As Jupyter keeps them: each with its `\\n`, no empty one at the end."""
    parts = source.split("\n")
    lines = [part + "\n" for part in parts[:-1]]
    return [*lines, parts[-1]] if parts[-1] else lines


def _string(value: str, text: str) -> str:
    is_whole = not any("\ud800" <= char <= "\udfff" for char in value)  # half a pair can only be written escaped
    return json.dumps(value, ensure_ascii=not is_whole or (text.isascii() and "\\u" in text))


def _prove(before: str, after: str, number: int, source: str) -> None:
    """That the notebook after differs from the one before in that source only."""
    old, new = json.loads(before), json.loads(after)
    if _joined(new["cells"][number - 1]["source"]) != source:
        raise NotebookError(f"the source of cell {number} could not be written")
    new["cells"][number - 1]["source"] = old["cells"][number - 1]["source"]
    if json.dumps(old) != json.dumps(new):
        raise NotebookError(f"cell {number} could not be changed without touching the rest")
