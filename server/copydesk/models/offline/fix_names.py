"""Undefined names: what may have been meant, by the names in scope and by the standard library.

Pure. Start with `near_match` and `known_import`.
"""

import ast
import builtins
import difflib
import sys

from copydesk.models.offline.known_names import FAMILIAR_MODULES, MODULE_OF
from copydesk.models.offline.pycode import FunctionNode, Module, nodes_in

LIKENESS = 0.75
MARGIN = 0.06


def near_match(module: Module, name: str, line: int) -> str | None:
    """The one name in scope at the 0-based `line` that is clearly meant by `name`; None when none or several are."""
    if len(name) < 3:
        return None
    scored = sorted(
        ((_likeness(name, other), other) for other in in_scope(module, line) if other != name), reverse=True
    )
    if not scored or scored[0][0] < LIKENESS:
        return None
    if len(scored) > 1 and scored[0][0] - scored[1][0] < MARGIN:
        return None
    return scored[0][1]


def _likeness(name: str, other: str) -> float:
    if name.lower() == other.lower() or name.replace("_", "") == other.replace("_", ""):
        return 0.99
    ratio = difflib.SequenceMatcher(None, name, other).ratio()
    swapped = len(name) == len(other) and sorted(name) == sorted(other) and sum(map(str.__ne__, name, other)) == 2
    return max(ratio, 0.95) if swapped else ratio


def in_scope(module: Module, line: int) -> set[str]:
    """Names that can be read at a line: builtins, the module's, and those of the functions around it."""
    names = {name for name in dir(builtins) if not name.startswith("_")}
    names |= bound_in(module.tree)
    for item in module.definitions:
        if not isinstance(item.node, ast.ClassDef) and item.first <= line <= item.last:
            names |= bound_in(item.node) | _parameters(item.node)
    return names


def bound_in(scope: ast.AST) -> set[str]:
    """Names a scope itself binds: assignments, imports, definitions, handlers."""
    found: set[str] = set()
    for node in nodes_in(scope):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                found.add(name)
            case _:
                pass
    return found - {"*"}


def _parameters(node: FunctionNode) -> set[str]:
    return {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}


def known_import(module: Module, name: str) -> str | None:
    """The import statement that surely defines `name` from the standard library, or None."""
    if name in MODULE_OF and not (name in FAMILIAR_MODULES and _is_base(module, name)):
        return f"from {MODULE_OF[name]} import {name}"
    if name in FAMILIAR_MODULES and _is_base(module, name):
        return f"import {name}"
    unusual = name in sys.stdlib_module_names and len(name) > 3 and not name.startswith("_")
    if unusual and _is_base(module, name) and near_match(module, name, 0) is None:
        return f"import {name}"
    return None


def _is_base(module: Module, name: str) -> bool:
    """Whether `name.something` stands in the code."""
    return any(
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
        for node in ast.walk(module.tree)
    )
