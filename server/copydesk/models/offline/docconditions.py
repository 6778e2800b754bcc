"""Conditions and values of the code, put into words: `not lines` → "`lines` is empty or false".

Says only what the expression says. Start with `condition` and `quoted`.
"""

import ast

from copydesk.models.offline.pycode import Module, dotted

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "is",
    ast.NotEq: "is not",
    ast.Lt: "is less than",
    ast.LtE: "is at most",
    ast.Gt: "is greater than",
    ast.GtE: "is at least",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "is in",
    ast.NotIn: "is not in",
}
MAX_CONDITION = 100


def quoted(module: Module, node: ast.AST | None, limit: int = 60) -> str:
    """The node's text in backquotes; plain for None, True and numbers; empty when it is too long to quote."""
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool | int | float)):
        return repr(node.value)
    text = module.brief(node, limit)
    return f"`{text}`" if text and "`" not in text else ""


def condition(module: Module, test: ast.expr, *, holds: bool = True) -> str:
    """When `test` holds (or does not), as words that follow "if"; empty when it cannot be said shortly."""
    said = _said(module, test, holds=holds)
    return said if 0 < len(said) <= MAX_CONDITION else ""


def _said(module: Module, test: ast.expr, *, holds: bool) -> str:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _said(module, inner, holds=not holds)
        case ast.BoolOp(op=op, values=values):
            parts = [_said(module, value, holds=holds) for value in values]
            word = " and " if isinstance(op, ast.And) == holds else " or "
            return word.join(parts) if all(parts) and len(parts) <= 3 else _whole(module, test, holds=holds)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(module, left, op, right, holds=holds)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, kinds]):
            what, names = quoted(module, value), kinds_in(module, kinds)
            return f"{what} is {'' if holds else 'not '}{either(names, a=True)}" if what and names else ""
        case ast.Call(func=ast.Name(id="callable"), args=[value]):
            what = quoted(module, value)
            return f"{what} is {'' if holds else 'not '}callable" if what else ""
        case ast.Call(func=ast.Name(id="hasattr"), args=[value, ast.Constant(value=str() as name)]):
            what = quoted(module, value)
            return f"{what} has {'an' if holds else 'no'} attribute `{name}`" if what else ""
        case ast.Call(func=ast.Attribute(value=value, attr="startswith" | "endswith" as verb), args=[affix]):
            what, with_ = quoted(module, value), quoted(module, affix)
            verb = verb[:-4] if holds else f"does not {verb[:-5]}"
            return f"{what} {verb} with {with_}" if what and with_ else ""
        case ast.Name() | ast.Attribute():
            return _truthy(quoted(module, test), holds=holds)
        case _:
            return _whole(module, test, holds=holds)


def _truthy(what: str, *, holds: bool) -> str:
    """Several things are there or not; one thing is set or not. A name in the plural stands for several."""
    name = what.strip("`_")
    if name.endswith("s") and not name.endswith(("ss", "is", "us")):
        return f"{what} is {'not empty' if holds else 'empty'}"
    return f"{what} is {'set' if holds else 'not set'}" if what else ""


def _whole(module: Module, test: ast.expr, *, holds: bool) -> str:
    what = quoted(module, test)
    return f"{what} {'holds' if holds else 'does not hold'}" if what else ""


def _compared(module: Module, left: ast.expr, op: ast.cmpop, right: ast.expr, *, holds: bool) -> str:
    what, other = quoted(module, left), quoted(module, right)
    if not what or not other:
        return ""
    if isinstance(left, ast.Constant):
        return f"{what} {_OPERATORS[type(op)]} {other}" if holds else f"not {what} {_OPERATORS[type(op)]} {other}"
    if not holds:
        op = _opposite(op)
    return f"{what} {_OPERATORS[type(op)]} {other}"


def _opposite(op: ast.cmpop) -> ast.cmpop:
    pairs = ((ast.Eq, ast.NotEq), (ast.Lt, ast.GtE), (ast.Gt, ast.LtE), (ast.Is, ast.IsNot), (ast.In, ast.NotIn))
    for one, other in pairs:
        if isinstance(op, one):
            return other()
        if isinstance(op, other):
            return one()
    return op


def kinds_in(module: Module, node: ast.expr) -> list[str]:
    """The class names in an isinstance check's second argument."""
    match node:
        case ast.Tuple(elts=elements):
            return [name for element in elements for name in kinds_in(module, element)]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return [*kinds_in(module, left), *kinds_in(module, right)]
        case _:
            name = dotted(node)
            return [name] if name else []


def either(names: list[str], *, a: bool = False) -> str:
    """`a str`, `a str or bytes`, `an A, B or C`."""
    unique = list(dict.fromkeys(names))
    said = ", ".join(unique[:-1]) + f" or {unique[-1]}" if len(unique) > 1 else unique[0]
    return f"{'an' if said[0] in 'aeioAEIO' else 'a'} {said}" if a else said
