"""One unused import taken out, and no other: what a linter's own fix cannot be asked for.

Pure. Start with `without_import`.
"""

import ast
import re

from copydesk.models.offline.editing import LineEdit
from copydesk.models.offline.pycode import Module


def name_in(message: str) -> str:
    """The import a message calls unused, as written in it; empty when it names none."""
    quoted = re.search(r"[`'\"“]([\w.]+(?: as \w+)?)[`'\"”]", message)
    return quoted[1] if quoted else ""


def without_import(module: Module, line: int, said: str) -> LineEdit | None:
    """The edit that removes the import `said` from the statement at the 0-based line; None when it is not simple.

    Simple: one line to itself, at the top level, the name neither read nor offered by `__all__`.
    """
    for node in module.tree.body:
        if (
            not isinstance(node, ast.Import | ast.ImportFrom)
            or not node.lineno - 1 <= line <= (node.end_lineno or 0) - 1
        ):
            continue
        if node.lineno != node.end_lineno or _shares_line(module, node):
            return None
        keep = [alias for alias in node.names if not _is_meant(node, alias, said)]
        gone = [alias for alias in node.names if alias not in keep]
        if len(gone) != 1 or _is_needed(module, gone[0]):
            return None
        return _edit(module, node, keep)
    return None


def _edit(module: Module, node: ast.Import | ast.ImportFrom, keep: list[ast.alias]) -> LineEdit | None:
    row = node.lineno - 1
    if not keep:
        return LineEdit(row, _end_of_gap(module, row), ())
    head = re.match(r"\s*(?:from\s+\S+\s+)?import\s+", module.lines[row])
    if head is None or "(" in module.lines[row]:
        return None
    names = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in keep)
    end = module.segment(node)
    tail = module.lines[row].partition(end)[2]
    return LineEdit(row, row + 1, (f"{head[0]}{names}{tail}",))


def _end_of_gap(module: Module, row: int) -> int:
    """After the statement; where it opens the file, after the blank lines too: no file begins with those."""
    end = row + 1
    if not any(line.strip() for line in module.lines[:row]):
        while end < len(module.lines) and not module.lines[end].strip():
            end += 1
    return end


def _shares_line(module: Module, node: ast.stmt) -> bool:
    return any(other is not node and other.lineno == node.lineno for other in module.tree.body)


def _is_meant(node: ast.Import | ast.ImportFrom, alias: ast.alias, said: str) -> bool:
    plain, _, asname = said.partition(" as ")
    full = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) and node.module else alias.name
    if asname:
        return alias.asname == asname
    return plain in (full, alias.name, alias.asname)


def _is_needed(module: Module, alias: ast.alias) -> bool:
    bound = alias.asname or alias.name.partition(".")[0]
    texts = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant)}
    read = any(isinstance(node, ast.Name) and node.id == bound for node in ast.walk(module.tree))
    return read or bound in texts
