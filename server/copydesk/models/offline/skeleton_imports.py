"""The import lines a generated test needs, and how they join an existing file.

Owns: which names come from where, their order, and the merge. Must not know: cases. Start at `needed` and `merge`.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Sequence

from copydesk.models.offline.skeleton_source import Module, imported_names

MODULES = frozenset({"asyncio", "itertools", "re", "pytest"})
ORIGINS = {
    "Decimal": "decimal", "Fraction": "fractions", "date": "datetime", "datetime": "datetime",
    "timedelta": "datetime", "Path": "pathlib", "PurePath": "pathlib", "PurePosixPath": "pathlib",
}  # fmt: skip
Import = tuple[str, str]  # module, name ('' for `import module`)


def needed(module: Module, dotted: str, tests: str) -> set[Import]:
    """Imports for the free names of `tests`."""
    rows: set[Import] = set()
    names = [node for node in ast.walk(ast.parse(tests)) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    for node in names:
        if node.id in own:
            continue
        if module.is_local(node.id) or (node.id in module.constants and not hasattr(builtins, node.id)):
            rows.add((dotted, node.id))
        elif node.id in ORIGINS:
            rows.add((ORIGINS[node.id], node.id))
        elif node.id in MODULES:
            rows.add((node.id, ""))
    return rows


def header(rows: Iterable[Import]) -> str:
    """Import lines in the order formatters keep: standard library, third party, the project; groups set apart."""
    groups: dict[int, list[str]] = {}
    for line in _lines(rows):
        groups.setdefault(_group(line[0]), []).append(line[1])
    return "\n\n".join("\n".join(groups[key]) for key in sorted(groups))


def _lines(rows: Iterable[Import]) -> list[tuple[str, str]]:
    by_module: dict[str, list[str]] = {}
    for module, name in sorted(set(rows)):
        by_module.setdefault(module if name else f"{module} ", []).append(name)
    plain = [(m.strip(), f"import {m.strip()}") for m, names in by_module.items() if not names[0]]
    origins = [(m, from_line(m, names)) for m, names in by_module.items() if names[0]]
    return [*sorted(plain), *sorted(origins)]


def from_line(module: str, names: Sequence[str]) -> str:
    ordered = sorted(set(names), key=_order)
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= 88:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")"


def _order(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()


def _group(module: str) -> int:
    top = module.partition(".")[0]
    if top == "__future__":
        return 0
    return 1 if top in sys.stdlib_module_names else 2 if top == "pytest" else 3


def merge(existing: str, rows: set[Import]) -> str:
    """`existing` with the missing imports added; every other byte is kept."""
    tree = ast.parse(existing)
    top = [s for s in tree.body if isinstance(s, ast.Import | ast.ImportFrom)]
    have = {_as_row(local, origin) for s in top for local, origin in imported_names(s)}
    missing = {row for row in rows if row not in have}
    end = "\r\n" if "\r\n" in existing else "\n"
    lines = existing.splitlines(keepends=True)
    for statement in reversed(top):
        missing -= _widen(lines, statement, missing, end)
    if not missing:
        return "".join(lines)
    return _insert("".join(lines), header(missing).replace("\n", end) + end, end)


def _as_row(local: str, origin: str) -> Import:
    parent, _, last = origin.rpartition(".")
    return (parent, last) if parent and local == last else (origin, "")


def _widen(lines: list[str], statement: ast.stmt, missing: set[Import], end: str) -> set[Import]:
    """Add names to a plain one-line `from module import a, b`; returns the rows that are done."""
    if not isinstance(statement, ast.ImportFrom) or statement.level or statement.module is None:
        return set()
    mine = {row for row in missing if row[0] == statement.module and row[1]}
    text = lines[statement.lineno - 1]
    one_line = statement.end_lineno == statement.lineno and statement.col_offset == 0
    if (
        not mine
        or not one_line
        or "#" in text
        or ";" in text
        or any(a.asname or a.name == "*" for a in statement.names)
    ):
        return set()
    names = [*(a.name for a in statement.names), *(name for _, name in mine)]
    lines[statement.lineno - 1] = from_line(statement.module, names).replace("\n", end) + end
    return mine


def _insert(existing: str, block: str, end: str) -> str:
    tree = ast.parse(existing)
    top = [s for s in tree.body if isinstance(s, ast.Import | ast.ImportFrom)]
    at = top[-1].end_lineno or 0 if top else _after_docstring(tree)
    lines = existing.splitlines(keepends=True)
    if at and not lines[at - 1].endswith(("\n", "\r")):
        lines[at - 1] += end
    gap = end if not top and at < len(lines) else ""
    return "".join([*lines[:at], (end if at and not top else ""), block, gap, *lines[at:]])


def _after_docstring(tree: ast.Module) -> int:
    first = tree.body[0] if tree.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.end_lineno or 0
    return 0
