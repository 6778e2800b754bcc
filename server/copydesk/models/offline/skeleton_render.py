"""Known values as source text, and conditions as words for a test's name.

Owns: `render` (value → expression) and `in_words` (condition → snake_case). Must not know: where they are used.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import fractions
import math
import re
from collections.abc import Iterable
from typing import cast

from copydesk.models.offline.skeleton_classes import fields_of
from copydesk.models.offline.skeleton_objects import Obj, Unsupported
from copydesk.models.offline.skeleton_source import decorator_name

LIMIT_TEXT = 400
NATIVE_HOME = fields_of.__module__  # real classes made for simple classes of the file say so
LIMIT_DIGITS = 60


def render(value: object, depth: int = 0) -> str | None:
    """An expression equal to `value`, or None when there is none that is short and certain."""
    if depth > 5:
        return None
    text = _render(value, depth)
    return text if text is not None and len(text) <= LIMIT_TEXT else None


def _render(value: object, depth: int) -> str | None:
    kind = type(value)
    if value is None or value is Ellipsis or kind is bool:
        return repr(value)
    if isinstance(value, enum.Enum):
        return f"{kind.__name__}.{value.name}" if type(value).__module__ == NATIVE_HOME else None
    if "_fields" in vars(kind):
        return _named_tuple(cast("tuple[object, ...]", value), depth)
    if isinstance(value, Obj):
        return _object(value, depth)
    if isinstance(value, int) and kind is int:
        return str(value) if value.bit_length() < LIMIT_DIGITS * 3 else None
    if isinstance(value, float) and kind is float:
        return _float(value)
    if kind in {str, bytes}:
        return quoted(cast("str | bytes", value))
    if kind in {complex, decimal.Decimal, fractions.Fraction}:
        text = repr(value)
        return None if "nan" in text.lower() or "inf" in text.lower() else text.replace("'", '"')
    if kind in {datetime.date, datetime.datetime, datetime.timedelta}:
        text = repr(value).removeprefix("datetime.")
        return None if "datetime." in text else text
    return _container(value, depth)


def _named_tuple(value: tuple[object, ...], depth: int) -> str | None:
    names = cast("tuple[str, ...]", getattr(value, "_fields", ()))
    parts = [render(item, depth + 1) for item in value]
    if type(value).__module__ != NATIVE_HOME or any(part is None for part in parts):
        return None
    return f"{type(value).__name__}({', '.join(f'{n}={p}' for n, p in zip(names, parts, strict=True))})"


def _float(value: float) -> str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return 'float("inf")' if value > 0 else 'float("-inf")'
    return repr(value)


def quoted(value: str | bytes) -> str:
    """`repr` with the double quotes that formatters prefer."""
    text = repr(value)
    start = text.index("'") if "'" in text[:2] else -1
    if start < 0 or text[start] != "'" or '"' in text or "\\'" in text:
        return text
    return f'{text[:start]}"{text[start + 1 : -1]}"'


def _container(value: object, depth: int) -> str | None:
    kind = type(value)
    if kind is dict:
        rows = [(render(k, depth + 1), render(v, depth + 1)) for k, v in cast("dict[object, object]", value).items()]
        if any(k is None or v is None for k, v in rows):
            return None
        return "{" + ", ".join(f"{k}: {v}" for k, v in rows) + "}"
    if kind not in {list, tuple, set, frozenset}:
        return None
    parts = [render(item, depth + 1) for item in cast("Iterable[object]", value)]
    if len(parts) > 60 or any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    if kind is list:
        return f"[{', '.join(known)}]"
    if kind is tuple:
        return f"({known[0]},)" if len(known) == 1 else f"({', '.join(known)})"
    text = "{" + ", ".join(sorted(known)) + "}" if known else "set()"
    return text if kind is set else f"frozenset({text})" if known else "frozenset()"


def _object(value: Obj, depth: int) -> str | None:
    if value.cls.kind == "enum":
        return f"{value.cls.name}.{value.attrs['name']}"
    if value.cls.kind != "dataclass" or value.cls.method("__init__") or not compares_by_fields(value.cls.node):
        return None
    fields = fields_of(value.cls)
    parts = [(f.name, render(value.attrs.get(f.name), depth + 1)) for f in fields]
    if any(text is None for _, text in parts) or not all(f.in_init for f in fields):
        return None
    return f"{value.cls.name}({', '.join(f'{name}={text}' for name, text in parts)})"


def compares_by_fields(node: ast.ClassDef) -> bool:
    """True for a dataclass whose equality is the generated one."""
    for decorator in node.decorator_list:
        if decorator_name(decorator) == "dataclass" and "eq=False" in ast.unparse(decorator):
            return False
    return not any(isinstance(m, ast.FunctionDef) and m.name == "__eq__" for m in node.body)


def message_of(value: object) -> str | None:
    """The text `str(error)` would give, None when it is not certain."""
    try:
        if isinstance(value, Obj):
            args = value.attrs.get("args")
            own = value.cls.method("__init__") or value.cls.method("__str__")
            known = isinstance(args, tuple) and len(cast("tuple[object, ...]", args)) == 1 and own is None
            return str(cast("tuple[object, ...]", args)[0]) if known else None
        return str(value) if isinstance(value, BaseException) else None
    except Unsupported:
        return None


_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Lt: "is_below", ast.LtE: "is_at_most", ast.Gt: "is_above", ast.GtE: "is_at_least", ast.Eq: "is",
    ast.NotEq: "is_not", ast.Is: "is", ast.IsNot: "is_not", ast.In: "is_in", ast.NotIn: "is_not_in",
}  # fmt: skip
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


def in_words(test: ast.expr, taken: bool) -> str:
    """A condition for a test's name: `low > high` → `low_is_above_high`; '' when it would be too long."""
    return snake(_words(test, taken))[:60].strip("_") if len(_words(test, taken)) <= 80 else ""


def _words(test: ast.expr, taken: bool) -> str:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _words(operand, not taken)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            kind = type(op) if taken else _OPPOSITE[type(op)]
            return f"{_term(left)} {_OPERATORS[kind]} {_term(right)}"
        case ast.Compare(left=left, comparators=[low, high]):
            return f"{_term(low)} is {'between' if taken else 'not_between'} {_term(left)} and {_term(high)}"
        case ast.BoolOp(op=op, values=values):
            joint = " and " if isinstance(op, ast.And) == taken else " or "
            return joint.join(_words(value, taken) for value in values)
        case ast.Name() | ast.Attribute():
            return f"{_term(test)} is {'given' if taken else 'empty'}"
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, kind]):
            return f"{_term(value)} is {'a' if taken else 'not a'} {_term(kind)}"
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=args):
            return f"{_term(value)} {'' if taken else 'not'} {attr} {' '.join(map(_term, args))}"
        case _:
            return f"{'' if taken else 'not '}{_term(test)}"


def _term(node: ast.expr) -> str:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"minus {_term(operand)}"
        case ast.Call(func=ast.Name(id="len"), args=[value]):
            return f"length_of {_term(value)}"
        case ast.Constant(value=""):
            return "empty"
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            return attr
        case _:
            return ast.unparse(node)


def snake(text: str) -> str:
    """Lower-case ASCII words joined by underscores; CamelCase is split."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")
