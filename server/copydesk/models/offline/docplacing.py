"""Where a docstring goes in the text, and how: new ones below a header, missing sections in those that are there.

Each result is a `LineEdit` that leaves every other byte alone, proven on the tree by `keeps_code`.
Start with `place`.
"""

import ast
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from copydesk.models.offline.docfacts import Facts, Item, Kind
from copydesk.models.offline.docstyles import ORDER, WIDTH, Section, Style, detect, entry, render, sections_in
from copydesk.models.offline.editing import LineEdit
from copydesk.models.offline.pycode import (
    DefinitionNode,
    Documented,
    Module,
    header_colon,
    parse,
    span,
    string_tokens,
)

_LITERAL = re.compile(r"^([rRuU]?)('''|\"\"\"|'|\")(.*)\2$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Look:
    """How docstrings look in this file."""

    style: Style
    quotes: str
    unit: str
    types: bool = False
    """Whether the file's docstrings repeat the types that the signature says."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a definition got no edit; `complete` when nothing is missing."""

    why: str
    complete: bool = False


def place(module: Module, node: Documented, facts: Facts, look: Look) -> LineEdit | Refused:
    """The edit that documents `node`."""
    literal = _docstring(node)
    if literal is not None and str(literal.value).strip():
        return _improve(module, node, literal, facts, look)
    if literal is not None:
        return _replace_empty(module, literal, facts, look)
    if isinstance(node, ast.Module):
        return _into_module(module, facts, look)
    return _into_definition(module, node, facts, look)


def keeps_code(before: Module, edited: Sequence[str]) -> bool:
    """Whether the edited lines parse to the same tree, docstrings aside."""
    after = parse(edited)
    if not isinstance(after, Module):
        return False
    old, new = _statements(before.tree), _statements(after.tree)
    return len(old) == len(new) and all(
        _text_of(before, one) == _text_of(after, other) or _bare(one) == _bare(other)
        for one, other in zip(old, new, strict=True)
    )


def _statements(tree: ast.Module) -> list[ast.stmt]:
    return tree.body[1:] if _docstring(tree) else tree.body


def _text_of(module: Module, node: ast.stmt) -> tuple[int, tuple[str, ...]]:
    """The lines a statement is on, and where it starts: equal texts have equal trees, which saves comparing them."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    return node.col_offset, module.lines[first - 1 : node.end_lineno]


def _bare(tree: ast.stmt) -> str:
    """The tree as text without docstrings, which are taken out only while it is written."""
    docs = [(node, node.body) for node in ast.walk(tree) if isinstance(node, Documented) and _docstring(node)]
    for node, body in docs:
        node.body = body[1:]
    text = ast.dump(tree)
    for node, body in docs:
        node.body = body
    return text


def _docstring(node: Documented) -> ast.Constant | None:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str()) as literal), *_]:
            return literal
        case _:
            return None


# --- new docstrings --------------------------------------------------------------------------------------


def _written(facts: Facts, look: Look, indent: str) -> list[str]:
    """A whole docstring as lines, indented."""
    margin = len(indent.expandtabs(4))
    body = [row for kind, items in facts.sections
            for row in ["", *render(kind, typed(items, look), look.style, look.unit, margin)]]  # fmt: skip
    if look.style == "sphinx":
        body = ["", *(row for row in body if row)] if body else []
    if facts.note:
        body = ["", *textwrap.wrap(facts.note, max(WIDTH - margin, 40), break_long_words=False), *body]
    prefix = "r" if "\\" in "".join([facts.summary, *body]) else ""
    if not body:
        return [f"{indent}{prefix}{look.quotes}{facts.summary}{look.quotes}"]
    rows = [f"{prefix}{look.quotes}{facts.summary}", *body, look.quotes]
    return [f"{indent}{row}" if row else "" for row in rows]


def typed(items: tuple[Item, ...], look: Look) -> tuple[Item, ...]:
    """Without the types that the signature says, unless this file's docstrings repeat them (NumPy's always do)."""
    if look.types or look.style == "numpy":
        return items
    return tuple(replace(item, type="") if item.annotated else item for item in items)


def _into_module(module: Module, facts: Facts, look: Look) -> LineEdit | Refused:
    lines = module.lines
    if not any(line.strip() for line in lines):
        return Refused("the file is empty")
    at = 0
    while at < len(lines) and lines[at].startswith("#"):
        at += 1
    if at and at < len(lines) and not lines[at].strip():
        at += 1
    gap = [""] if at < len(lines) and lines[at].strip() else []
    return LineEdit(at, at, (*_written(facts, look, ""), *gap))


def _into_definition(module: Module, node: DefinitionNode, facts: Facts, look: Look) -> LineEdit | Refused:
    colon = header_colon(module.lines, node)
    if colon is None:
        return Refused("the end of its header cannot be told")
    line, column = colon
    text = module.lines[line]
    rest = text[column + 1 :].strip()
    if rest and not rest.startswith("#"):
        return _expanded(module, node, colon, _written(facts, look, leading(module.lines[node.lineno - 1]) + look.unit))
    at = line + 1
    if at < len(module.lines) and module.lines[at].lstrip().startswith("# type:"):
        at += 1
    first = node.body[0]
    decorated = getattr(first, "decorator_list", None)
    body_line = min(first.lineno, *(item.lineno for item in decorated)) if decorated else first.lineno
    return LineEdit(at, at, tuple(_written(facts, look, leading(module.lines[body_line - 1]))))


def _expanded(module: Module, node: DefinitionNode, colon: tuple[int, int], docstring: list[str]) -> LineEdit | Refused:
    """A body on the header's line moves to its own line."""
    line, column = colon
    text = module.lines[line]
    if text.rstrip().endswith("\\"):
        return Refused("its body goes on after a backslash")
    indent = leading(docstring[0])
    return LineEdit(line, line + 1, (text[: column + 1], *docstring, indent + text[column + 1 :].lstrip()))


def leading(line: str) -> str:
    """The white space a line starts with, from its last form feed on."""
    space = line[: len(line) - len(line.lstrip(" \t\f"))]
    return space.rpartition("\f")[2]


# --- docstrings that are there ---------------------------------------------------------------------------


def _parts(module: Module, literal: ast.Constant) -> tuple[str, str, str] | None:
    """(prefix, quotes, content) of a docstring that is one plain literal."""
    text = module.segment(literal)
    match = _LITERAL.match(text)
    if match is None or string_tokens(text) != 1:
        return None
    return match[1], match[2], match[3]


def _swap(module: Module, literal: ast.Constant, text: str) -> LineEdit | Refused:
    start, end = span(module.lines, literal)
    if start is None or end is None:
        return Refused("its docstring has no place in the text")
    whole = module.lines[start[0]][: start[1]] + text + module.lines[end[0]][end[1] :]
    return LineEdit(start[0], end[0] + 1, tuple(whole.split("\n")))


def _replace_empty(module: Module, literal: ast.Constant, facts: Facts, look: Look) -> LineEdit | Refused:
    if _parts(module, literal) is None:
        return Refused("its docstring is not one plain literal")
    indent = leading(module.lines[literal.lineno - 1])
    return _swap(module, literal, "\n".join(_written(facts, look, indent)).lstrip())


def _improve(module: Module, node: Documented, literal: ast.Constant, facts: Facts, look: Look) -> LineEdit | Refused:
    parts = _parts(module, literal)
    if parts is None:
        return Refused("its docstring is not one plain literal")
    prefix, quotes, content = parts
    rows = content.split("\n")
    found = sections_in(rows)
    missing = _missing(facts, found, content, is_module=isinstance(node, ast.Module))
    if not missing:
        return Refused("its docstring is complete", complete=True)
    style = detect([content]) or look.style
    indent = _margin(rows, leading(module.lines[literal.lineno - 1]))
    raw = "r" in prefix.lower()
    shown: dict[Kind, tuple[Item, ...]] = {
        kind: typed(items, replace(look, style=style)) for kind, items in missing.items()
    }
    written = _with_missing(rows, found, shown, replace(look, style=style, quotes=quotes), indent, raw=raw)
    triple = quotes if len(quotes) == 3 else quotes * 3
    return _swap(module, literal, f"{prefix}{triple}" + "\n".join(written) + f"\n{indent}{triple}")


def _margin(rows: list[str], own: str) -> str:
    inner = [leading(row) for row in rows[1:] if row.strip()]
    return min(inner, key=len) if inner else own


def _missing(facts: Facts, found: list[Section], content: str, *, is_module: bool) -> dict[Kind, tuple[Item, ...]]:
    """What the docstring lacks. A section of one that is there is only added to where it lists parameters."""
    missing: dict[Kind, tuple[Item, ...]] = {}
    kinds = {section.kind for section in found}
    named = {name for section in found for name in section.names}
    for kind, items in facts.sections:
        if kind == "params":
            lacking = tuple(item for item in items if item.name.lstrip("*") not in named)
        elif kind in kinds or is_module or (kind in ("returns", "yields") and kinds & {"returns", "yields"}):
            lacking = ()
        elif kind == "attributes":
            lacking = tuple(item for item in items if not re.search(rf"\b{re.escape(item.name)}\b", content))
        else:
            lacking = items
        if lacking:
            missing[kind] = lacking
    return missing


def _with_missing(
    rows: list[str], found: list[Section], missing: dict[Kind, tuple[Item, ...]], look: Look, indent: str, *, raw: bool
) -> list[str]:
    """The docstring's rows with what is missing, the person's own rows unchanged and in order."""
    own_end = next((i + 1 for i in range(len(rows) - 1, -1, -1) if rows[i].strip()), 0)
    rows = [*rows[: own_end - 1], rows[own_end - 1].rstrip()] if own_end else []
    inserts: list[tuple[int, list[str]]] = []
    margin = len(indent.expandtabs(4))
    for kind, items in missing.items():
        there = [section for section in found if section.kind == kind and section.style == look.style]
        if there:
            at = min(there[-1].end, len(rows))
            inside = _inside(rows, there[-1], indent, look)
            new = [row for item in items for row in entry(kind, item, look.style, look.unit, margin)]
            inserts.append((at, _shifted(new, inside, look, raw=raw)))
            continue
        later = [s.start for s in found if ORDER.index(s.kind) > ORDER.index(kind) and s.start < len(rows)]
        new = render(kind, items, look.style, look.unit, margin)
        inserts.append(_section_insert(rows, min(later, default=len(rows)), _shifted(new, indent, look, raw=raw), look))
    for at, new in sorted(inserts, key=lambda insert: insert[0])[::-1]:  # equal places keep their order
        rows[at:at] = new
    return rows


def _inside(rows: list[str], section: Section, indent: str, look: Look) -> str:
    """The indent that makes an entry of this style stand where the section's own entries do."""
    if look.style == "sphinx":
        return leading(rows[section.start]) if section.start else indent
    skip = 2 if look.style == "numpy" else 1
    first = next((row for row in rows[section.start + skip : section.end] if row.strip()), "")
    own = leading(first) if first else indent
    return own if look.style == "numpy" else own.removesuffix(look.unit)


def _section_insert(rows: list[str], at: int, new: list[str], look: Look) -> tuple[int, list[str]]:
    if at < len(rows):
        return at, [*new, *([] if look.style == "sphinx" else [""])]
    follows_field = look.style == "sphinx" and bool(sections_in(rows))
    return at, [*([] if follows_field else [""]), *new]


def _shifted(rows: list[str], indent: str, look: Look, *, raw: bool) -> list[str]:
    escaped = rows if raw else [row.replace("\\", "\\\\") for row in rows]
    return [f"{indent}{row}" if row else "" for row in escaped]
