"""What can be said of a result that is not known: its type, and whether the call is likely to raise at all.

Owns: the reading of return annotations and the caution about exceptions. Must not know: tests' text.
"""

from __future__ import annotations

import ast

from copydesk.models.offline.skeleton_source import Def, Module, dotted_name, words

CONCRETE = frozenset(
    {"int", "str", "bytes", "bool", "list", "dict", "tuple", "set", "frozenset", "complex", "bytearray"}
)
ALIASES = {
    "List": "list",
    "Dict": "dict",
    "Tuple": "tuple",
    "Set": "set",
    "FrozenSet": "frozenset",
    "float": "(int, float)",
}
SAFE_CALLS = words(
    """
    str repr len bool hash id isinstance type list tuple dict set frozenset print format sorted lower
    upper strip title append add update copy items keys values get setdefault extend startswith endswith
    join replace hexdigest
    """
)
RISKY = (
    ast.Raise, ast.Assert, ast.Await, ast.With, ast.Try, ast.While, ast.Yield, ast.YieldFrom, ast.Starred, ast.Delete,
    ast.Match, ast.Global,
)  # fmt: skip


def type_check(module: Module, node: Def | None) -> str:
    """The second argument of `isinstance` for the return annotation; 'None' for no result; '' when not known."""
    if node is None or node.returns is None:
        return ""
    return _check(module, node.returns)


def _check(module: Module, node: ast.expr) -> str:
    match node:
        case ast.Constant(value=None):
            return "None"
        case ast.Constant(value=str(text)):
            return _check(module, ast.parse(text, mode="eval").body) if text.isidentifier() else ""
        case ast.Subscript(value=value):
            return _check(module, value)
        case ast.Name() | ast.Attribute():
            name = dotted_name(node).rpartition(".")[2]
            name = ALIASES.get(name, name)
            local = name in module.classes and "Protocol" not in ast.unparse(module.classes[name])
            return name if name in CONCRETE or local or name.startswith("(") else ""
        case _:
            return ""


def is_unlikely_to_raise(module: Module, node: Def, owner: ast.ClassDef | None) -> bool:
    """True when every operation of a body is one that does not fail on values of the annotated types."""
    if owner is not None or any(a.annotation is None for a in [*node.args.args, *node.args.kwonlyargs]):
        return False
    body = [n for statement in node.body for n in ast.walk(statement)]
    return not any(isinstance(n, RISKY) or _may_fail(n) for n in body)


def _may_fail(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=func):
            return dotted_name(func).rpartition(".")[2] not in SAFE_CALLS
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            return False
        case ast.BinOp(op=op):
            return not isinstance(op, ast.Add | ast.Mult)
        case ast.Subscript(ctx=ast.Load(), slice=index):
            return not isinstance(index, ast.Slice)
        case ast.Tuple(ctx=ast.Store()) | ast.Compare(ops=[ast.Lt() | ast.Gt() | ast.LtE() | ast.GtE()]):
            return True
        case _:
            return False
