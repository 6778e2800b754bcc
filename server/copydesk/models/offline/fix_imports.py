"""Where a new import goes: into its group, in order, after the docstring and `__future__`.

Pure. Start with `import_edit`.
"""

import ast
import re
import sys
from dataclasses import dataclass

from copydesk.models.offline.editing import LineEdit
from copydesk.models.offline.pycode import Module

MAX_WIDTH = 88


@dataclass(frozen=True, slots=True)
class _Import:
    """A top-level import statement: 0-based first line, the line after it, and its place in the order."""

    start: int
    end: int
    key: tuple[int, bool, str]


def import_edit(module: Module, statement: str) -> LineEdit:
    """The edit that adds `statement` (`import x` or `from x import y`)."""
    merged = _merged(module, statement)
    if merged:
        return merged
    key = _key(ast.parse(statement).body[0])
    there = _imports(module)
    group = [item for item in there if item.key[0] == key[0]]
    if group:
        before = [item for item in group if item.key <= key]
        at = before[-1].end if before else group[0].start
        return LineEdit(at, at, (statement,))
    lower = [item for item in there if item.key[0] < key[0]]
    if lower:
        return LineEdit(lower[-1].end, lower[-1].end, ("", statement))
    if there:
        return LineEdit(there[0].start, there[0].start, (statement, ""))
    return _first_import(module, statement)


def _merged(module: Module, statement: str) -> LineEdit | None:
    """Into a one-line `from x import …` of the same module that has room."""
    match = re.fullmatch(r"from (\S+) import (\w+)", statement)
    if match is None:
        return None
    for node in module.tree.body:
        if not isinstance(node, ast.ImportFrom) or "." * node.level + (node.module or "") != match[1]:
            continue
        line = module.lines[node.lineno - 1]
        simple = re.fullmatch(rf"from {re.escape(match[1])} import ([\w ,]+)", line)
        if simple is None or simple[1] == "*":
            continue
        names = [name.strip() for name in simple[1].split(",")]
        ordered = (
            sorted([*names, match[2]], key=_name_order)
            if names == sorted(names, key=_name_order)
            else [*names, match[2]]
        )
        text = f"from {match[1]} import {', '.join(ordered)}"
        if len(text) <= MAX_WIDTH:
            return LineEdit(node.lineno - 1, node.lineno, (text,))
    return None


def _name_order(name: str) -> tuple[int, str]:
    plain = name.partition(" ")[0]
    return (0 if plain.isupper() and len(plain) > 1 else 1 if plain[:1].isupper() else 2), plain


def _imports(module: Module) -> list[_Import]:
    """The imports at the head of the module, up to the first other statement."""
    found: list[_Import] = []
    body = module.tree.body[1:] if ast.get_docstring(module.tree, clean=False) is not None else module.tree.body
    for node in body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            break
        found.append(_Import(node.lineno - 1, node.end_lineno or node.lineno, _key(node)))
    return found


def _key(node: ast.stmt) -> tuple[int, bool, str]:
    match node:
        case ast.ImportFrom(module="__future__"):
            return 0, True, ""
        case ast.ImportFrom(module=module, level=level):
            name = module or ""
            return (3 if level else _rank(name)), True, name.lower()
        case ast.Import(names=[alias, *_]):
            return _rank(alias.name), False, alias.name.lower()
        case _:
            return 2, False, ""


def _rank(name: str) -> int:
    return 1 if name.partition(".")[0] in sys.stdlib_module_names else 2


def _first_import(module: Module, statement: str) -> LineEdit:
    lines = module.lines
    if ast.get_docstring(module.tree, clean=False) is not None:
        at = module.tree.body[0].end_lineno or 1
        return LineEdit(at, at, ("", statement, *_gap(module, at)))
    at = 0
    while at < len(lines) and lines[at].startswith("#"):
        at += 1
    lead = ("",) if at else ()
    if at and at < len(lines) and not lines[at].strip():
        at, lead = at + 1, ()
    return LineEdit(at, at, (*lead, statement, *_gap(module, at)))


def _gap(module: Module, at: int) -> tuple[str, ...]:
    """Blank lines between the first import and code that follows at once."""
    if at >= len(module.lines) or not module.lines[at].strip():
        return ()
    follows = module.lines[at].lstrip()
    return ("", "") if follows.startswith(("def ", "class ", "async def ", "@")) else ("",)
