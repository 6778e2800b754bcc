"""Docstring styles: Google, NumPy and Sphinx, told apart, read and written. Works on text; knows no tree.

Start with `detect`; `sections_in` reads a docstring's sections, `render` writes them.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from copydesk.models.offline.docfacts import Item, Kind

Style: TypeAlias = Literal["google", "numpy", "sphinx"]
WIDTH = 88
ORDER: tuple[Kind, ...] = ("attributes", "params", "yields", "returns", "raises")
_TITLES: dict[Kind, str] = {
    "params": "Args", "attributes": "Attributes", "returns": "Returns", "yields": "Yields", "raises": "Raises",
}  # fmt: skip
_HEADS: dict[str, Kind] = {
    "args": "params", "arguments": "params", "parameters": "params", "params": "params", "keyword args": "params",
    "keyword arguments": "params", "other parameters": "params", "returns": "returns", "return": "returns",
    "yields": "yields", "yield": "yields", "raises": "raises", "raise": "raises", "exceptions": "raises",
    "attributes": "attributes",
}  # fmt: skip
_GOOGLE = re.compile(r"^[ \t]*([A-Za-z][A-Za-z ]{2,20}):[ \t]*$")
_FIELD = re.compile(r"^\s*[:@](params?|parameter|arg|argument|key|keyword|type|returns?|rtype|yields?|ytype|raises?|"
                    r"except|exception|ivar|var|cvar|vartype)\b\s*([^:]*):")  # fmt: skip
_FIELDS: dict[str, Kind] = {
    "return": "returns", "returns": "returns", "rtype": "returns", "yield": "yields", "yields": "yields",
    "ytype": "yields", "raise": "raises", "raises": "raises", "except": "raises", "exception": "raises",
    "ivar": "attributes", "var": "attributes", "cvar": "attributes", "vartype": "attributes",
}  # fmt: skip
PROBES: dict[Style, str] = {
    "google": r"^\s+(Args|Arguments|Returns|Raises|Yields):\s*$",
    "numpy": r"^\s+(Parameters|Returns|Raises|Yields)\s*$",
    "sphinx": r"^\s*:(param|returns?|raises?|rtype)\b.*:",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A section found in a docstring: lines `start` to `end` (exclusive) and the names it documents."""

    kind: Kind
    style: Style
    start: int
    end: int
    names: tuple[str, ...]


def detect(docstrings: Iterable[str]) -> Style | None:
    """The style most sections are written in; None without any."""
    counts: dict[Style, int] = {"google": 0, "numpy": 0, "sphinx": 0}
    for text in docstrings:
        for section in sections_in(text.split("\n")):
            counts[section.style] += 1
    best = max(counts, key=lambda style: counts[style])
    return best if counts[best] else None


def sections_in(lines: Sequence[str]) -> list[Section]:
    """The sections of a docstring, in order."""
    heads = [(i, *head) for i in range(len(lines)) if (head := _head(lines, i))]
    found: list[Section] = []
    for number, (start, kind, style) in enumerate(heads):
        limit = heads[number + 1][0] if number + 1 < len(heads) else len(lines)
        end = _section_end(lines, start, limit, style)
        found.append(Section(kind, style, start, end, tuple(_names(lines, start, end, style))))
    return found


def _head(lines: Sequence[str], i: int) -> tuple[Kind, Style] | None:
    line = lines[i]
    if (field := _FIELD.match(line)) is not None:
        return _FIELDS.get(field[1], "params"), "sphinx"
    under = lines[i + 1].strip() if i + 1 < len(lines) else ""
    kind = _HEADS.get(line.strip().lower())
    if kind and re.fullmatch(r"-{3,}|={3,}", under):
        return kind, "numpy"
    match = _GOOGLE.match(line)
    kind = _HEADS.get(match[1].lower()) if match else None
    follows = next((row for row in lines[i + 1 :] if row.strip()), "")
    return (kind, "google") if kind and _indent(follows) > _indent(line) else None


def _section_end(lines: Sequence[str], start: int, limit: int, style: Style) -> int:
    """A section ends before the next one, or where the text goes back out of it."""
    end = start + (2 if style == "numpy" else 1)
    margin = _indent(lines[start])
    for i in range(end, limit):
        row = lines[i]
        if not row.strip():
            continue
        if style != "numpy" and _indent(row) <= margin:
            break
        if style == "numpy" and i + 1 < len(lines) and re.fullmatch(r"\s*-{3,}", lines[i + 1]):
            break
        end = i + 1
    return min(end, limit)


def _names(lines: Sequence[str], start: int, end: int, style: Style) -> list[str]:
    if style == "sphinx":
        field = _FIELD.match(lines[start])
        last = field[2].split() if field and field[2].split() else []
        return [name.strip("*\\,") for name in (last[-1:] if field and _FIELDS.get(field[1]) != "raises" else last)]
    body = [row for row in lines[start + (2 if style == "numpy" else 1) : end] if row.strip()]
    margin = min((_indent(row) for row in body), default=0)
    heads = [row.strip() for row in body if _indent(row) == margin]
    if style == "numpy":
        return [part.strip().strip("*\\`") for row in heads for part in row.partition(":")[0].split(",")]
    return [
        match[1].strip("*\\`")
        for row in heads
        if (match := re.match(r"([\\*`]*[\w.]+`?)\s*(\(.*?\))?\s*(:|--? )", row))
    ]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def render(kind: Kind, items: Sequence[Item], style: Style, unit: str, margin: int) -> list[str]:
    """The lines of one section, without the docstring's own indent (`margin` columns), which wrapping allows for."""
    width = max(WIDTH - margin, 40)
    match style:
        case "google":
            rows = [row for item in items for row in _wrap(_google_head(item, kind), item.text, unit, width)]
            return [f"{_TITLES[kind]}:", *rows]
        case "numpy":
            title = "Parameters" if kind == "params" else _TITLES[kind]
            rows = [row for item in items for row in _numpy_rows(item, kind, unit, width)]
            return [title, "-" * len(title), *rows]
        case "sphinx":
            return [row for item in items for row in _sphinx_rows(item, kind, unit, width)]


def entry(kind: Kind, item: Item, style: Style, unit: str, margin: int) -> list[str]:
    """The lines of one item, to add to a section that is there."""
    return render(kind, (item,), style, unit, margin)[{"google": 1, "numpy": 2, "sphinx": 0}[style] :]


def _google_head(item: Item, kind: Kind) -> str:
    if kind in ("returns", "yields"):
        return item.type
    return f"{item.name} ({item.type})" if item.type else item.name


def _wrap(head: str, text: str, unit: str, width: int) -> list[str]:
    said = f"{head}: {text}" if head else text
    wrapped = textwrap.wrap(said, width - len(unit), break_long_words=False, break_on_hyphens=False) or [said]
    return [f"{unit}{wrapped[0]}", *(f"{unit}{unit}{row}" for row in wrapped[1:])]


def _numpy_rows(item: Item, kind: Kind, unit: str, width: int) -> list[str]:
    if kind in ("returns", "yields"):
        head = item.type or "object"
    elif kind == "raises":
        head = item.name
    else:
        types = ", ".join(part for part in (item.type, "optional" if item.optional else "") if part)
        head = f"{item.name} : {types}" if types else item.name
    return [head, *(f"{unit}{row}" for row in textwrap.wrap(item.text, width - len(unit), break_long_words=False))]


def _sphinx_rows(item: Item, kind: Kind, unit: str, width: int) -> list[str]:
    name = item.name.lstrip("*")
    field, type_field = {
        "params": (f":param {name}:", f":type {name}:"),
        "attributes": (f":ivar {name}:", f":vartype {name}:"),
        "returns": (":returns:", ":rtype:"),
        "yields": (":yields:", ":ytype:"),
        "raises": (f":raises {name}:", ""),
    }[kind]
    rows = textwrap.wrap(f"{field} {item.text}", width, break_long_words=False, subsequent_indent=unit)
    return [*rows, f"{type_field} {item.type}"] if item.type and type_field else rows
