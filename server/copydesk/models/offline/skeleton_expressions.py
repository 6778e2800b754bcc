"""Evaluates one expression of the code under test, within limits, without running any of it.

Owns: the meaning of expressions. Must not know: statements, tests, files. Start at `evaluate`.
"""

from __future__ import annotations

import ast
import enum
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from copydesk.models.offline.skeleton_native import binary, items_of, unordered
from copydesk.models.offline.skeleton_objects import ClassValue, Frame, FuncValue, Obj, Super, Unsupported


def evaluate(node: ast.expr, frame: Frame) -> object:
    """The value of `node`; raises `Unsupported` or `Raised`, or the real exception of a native operation."""
    frame.machine.step()
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise Unsupported(f"{type(node).__name__} is not evaluated")
    return handler(node, frame)


def _constant(node: ast.Constant, frame: Frame) -> object:
    return node.value


def _name(node: ast.Name, frame: Frame) -> object:
    return frame.find(node.id)


def _attribute(node: ast.Attribute, frame: Frame) -> object:
    return frame.machine.attribute(evaluate(node.value, frame), node.attr)


def _binary(node: ast.BinOp, frame: Frame) -> object:
    return binary(type(node.op).__name__, evaluate(node.left, frame), evaluate(node.right, frame))


def _unary(node: ast.UnaryOp, frame: Frame) -> object:
    value = evaluate(node.operand, frame)
    return _UNARY[type(node.op)](value)


_UNARY: Mapping[type[ast.unaryop], Callable[..., object]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}


def _bool(node: ast.BoolOp, frame: Frame) -> object:
    stop_on = isinstance(node.op, ast.Or)
    value: object = None
    for operand in node.values:
        value = evaluate(operand, frame)
        taken = truth(value)
        frame.machine.branch(operand, taken)
        if taken is stop_on:
            return value
    return value


def truth(value: object) -> bool:
    if value is NotImplemented:
        raise Unsupported("the truth of NotImplemented")
    return bool(value)


def _compare(node: ast.Compare, frame: Frame) -> object:
    left = evaluate(node.left, frame)
    result: object = True
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = evaluate(right_node, frame)
        result = _compare_once(op, left, right)
        if not truth(result):
            return result
        left = right
    return result


def _compare_once(op: ast.cmpop, left: object, right: object) -> object:
    if isinstance(op, ast.Is | ast.IsNot):
        same = _identical(left, right)
        return same if isinstance(op, ast.Is) else not same
    if isinstance(op, ast.In | ast.NotIn):
        if isinstance(right, ClassValue):
            right = list(right.members.values())
        found = operator.contains(cast("Sequence[object]", right), left)
        return found if isinstance(op, ast.In) else not found
    return _COMPARE[type(op)](left, right)


def _identical(left: object, right: object) -> bool:
    plain = (int, float, str, bytes, tuple)
    if (
        isinstance(left, plain)
        and isinstance(right, plain)
        and not isinstance(left, bool)
        and not isinstance(right, bool)
    ):
        raise Unsupported("the identity of plain values is not fixed")
    return left is right


_COMPARE: Mapping[type[ast.cmpop], Callable[..., object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _if(node: ast.IfExp, frame: Frame) -> object:
    taken = truth(evaluate(node.test, frame))
    frame.machine.branch(node, taken)
    return evaluate(node.body if taken else node.orelse, frame)


def _call(node: ast.Call, frame: Frame) -> object:
    if isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args:
        return _super(frame)
    callee = evaluate(node.func, frame)
    args = _elements(node.args, frame)
    kwargs: dict[str, object] = {}
    for keyword in node.keywords:
        value = evaluate(keyword.value, frame)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        elif isinstance(value, dict):
            kwargs.update(cast("dict[str, object]", value))
        else:
            raise Unsupported("** of something that is not a dict")
    return frame.machine.call(callee, args, kwargs)


def _super(frame: Frame) -> Super:
    inner: Frame | None = frame
    while inner is not None and inner.owner is None:
        inner = inner.parent
    if inner is None or inner.owner is None or len(inner.owner.bases) > 1:
        raise Unsupported("super() outside a simple class")
    return Super(inner.owner, next(iter(inner.names.values())))


def _elements(nodes: Sequence[ast.expr], frame: Frame) -> list[object]:
    values: list[object] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            values.extend(items_of(evaluate(node.value, frame), frame.machine.step))
        else:
            values.append(evaluate(node, frame))
    return values


def _list(node: ast.List, frame: Frame) -> object:
    return _elements(node.elts, frame)


def _tuple(node: ast.Tuple, frame: Frame) -> object:
    return tuple(_elements(node.elts, frame))


def _set(node: ast.Set, frame: Frame) -> object:
    return set(_elements(node.elts, frame))


def _dict(node: ast.Dict, frame: Frame) -> object:
    rows: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            rows[evaluate(key, frame)] = evaluate(value, frame)
            continue
        more = evaluate(value, frame)
        if not isinstance(more, dict):
            raise Unsupported("** of something that is not a dict")
        rows.update(cast("dict[object, object]", more))
    return rows


def _subscript(node: ast.Subscript, frame: Frame) -> object:
    value = evaluate(node.value, frame)
    if isinstance(value, enum.EnumMeta):
        return value.__members__[str(evaluate(node.slice, frame))]
    if isinstance(value, type):
        return value  # `list[int]` in an expression: the type itself
    key = evaluate(node.slice, frame)
    if isinstance(value, ClassValue):
        if value.kind == "enum" and isinstance(key, str):
            return value.members[key]
        raise Unsupported("a subscripted class")
    return cast("Mapping[object, object]", value)[key]


def _slice(node: ast.Slice, frame: Frame) -> object:
    parts = [None if part is None else evaluate(part, frame) for part in (node.lower, node.upper, node.step)]
    return slice(*parts)


def _joined(node: ast.JoinedStr, frame: Frame) -> object:
    return "".join(str(evaluate(part, frame)) for part in node.values)


def _formatted(node: ast.FormattedValue, frame: Frame) -> object:
    value = evaluate(node.value, frame)
    if unordered(value):
        raise Unsupported("the text of a set has no order")
    match node.conversion:
        case 114:
            value = repr(value)
        case 115:
            value = str(value)
        case 97:
            value = ascii(value)
        case _:
            pass
    spec = "" if node.format_spec is None else str(evaluate(node.format_spec, frame))
    if any(len(run) > 4 for run in spec.replace(".", " ").split() if run.strip("<>^=+-,_").isdigit()):
        raise Unsupported("a wide format")
    if type(value) is object:
        raise Unsupported("the text of an object holds an address")
    return format(value, spec)


def _lambda(node: ast.Lambda, frame: Frame) -> object:
    return FuncValue(node, frame, frame.machine, None, defaults_of(node, frame))


def defaults_of(node: ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> dict[str, object]:
    """Default values, evaluated once where the function is defined."""
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = node.args.defaults
    rows = {
        arg.arg: evaluate(default, frame)
        for arg, default in zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    }
    for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        if default is not None:
            rows[arg.arg] = evaluate(default, frame)
    return rows


def _list_comp(node: ast.ListComp, frame: Frame) -> object:
    return _comprehend(node.generators, frame, lambda inner: evaluate(node.elt, inner))


def _generator(node: ast.GeneratorExp, frame: Frame) -> object:
    return iter(_comprehend(node.generators, frame, lambda inner: evaluate(node.elt, inner)))


def _set_comp(node: ast.SetComp, frame: Frame) -> object:
    return set(_comprehend(node.generators, frame, lambda inner: evaluate(node.elt, inner)))


def _dict_comp(node: ast.DictComp, frame: Frame) -> object:
    rows: dict[object, object] = {}

    def put(inner: Frame) -> object:
        key = evaluate(node.key, inner)
        rows[key] = evaluate(node.value, inner)
        return None

    _comprehend(node.generators, frame, put)
    return rows


def _comprehend(generators: Sequence[ast.comprehension], frame: Frame, make: Callable[[Frame], object]) -> list[object]:
    inner = Frame(frame.machine, parent=frame)
    rows: list[object] = []

    def run(depth: int) -> None:
        if depth == len(generators):
            rows.append(make(inner))
            return
        generator = generators[depth]
        if generator.is_async:
            raise Unsupported("an asynchronous comprehension")
        for item in items_of(evaluate(generator.iter, frame if depth == 0 else inner), frame.machine.step):
            assign(generator.target, item, inner)
            if all(_passes(test, inner) for test in generator.ifs):
                run(depth + 1)

    run(0)
    return rows


def _passes(test: ast.expr, frame: Frame) -> bool:
    taken = truth(evaluate(test, frame))
    frame.machine.branch(test, taken)
    return taken


def _walrus(node: ast.NamedExpr, frame: Frame) -> object:
    if frame.parent is not None and frame.yielded is None and not frame.names:
        raise Unsupported("an assignment inside a comprehension")
    value = evaluate(node.value, frame)
    frame.bind(node.target.id, value)
    return value


def _await(node: ast.Await, frame: Frame) -> object:
    if not isinstance(node.value, ast.Call):
        raise Unsupported("awaits something that is not a call")
    callee = evaluate(node.value.func, frame)
    if not isinstance(getattr(getattr(callee, "function", callee), "node", None), ast.AsyncFunctionDef):
        raise Unsupported("awaits something from outside the file")
    return evaluate(node.value, frame)


def _yield(node: ast.Yield, frame: Frame) -> object:
    value = None if node.value is None else evaluate(node.value, frame)
    emit(frame, value)
    return None


def _yield_from(node: ast.YieldFrom, frame: Frame) -> object:
    for item in items_of(evaluate(node.value, frame), frame.machine.step):
        emit(frame, item)
    return None


class EnoughItems(Exception):
    """A generator has given as many items as a test looks at."""


LIMIT_YIELDS = 20


def emit(frame: Frame, value: object) -> None:
    if frame.yielded is None:
        raise Unsupported("a yield in an unexpected place")
    frame.yielded.append(value)
    if len(frame.yielded) > LIMIT_YIELDS:
        raise EnoughItems


def assign(target: ast.expr, value: object, frame: Frame) -> None:
    """Bind a target: a name, an attribute, an item or a (starred) sequence of targets."""
    match target:
        case ast.Name(id=name):
            frame.bind(name, value)
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            _unpack(elts, list(items_of(value, frame.machine.step)), frame)
        case ast.Attribute(value=owner, attr=attr):
            holder = evaluate(owner, frame)
            if not isinstance(holder, Obj) or holder.cls.method("__setattr__") is not None:
                raise Unsupported("sets an attribute of something from outside")
            frame.machine.guard_change(holder)
            setter = holder.cls.method(attr)
            if setter is not None or holder.cls.kind == "enum" or "frozen=True" in _decorators(holder.cls):
                raise Unsupported("sets a property")
            holder.attrs[attr] = value
        case ast.Subscript(value=owner, slice=index):
            container = evaluate(owner, frame)
            frame.machine.guard_change(container)
            operator.setitem(cast("dict[object, object]", container), evaluate(index, frame), value)
        case _:
            raise Unsupported("an unusual assignment")


def _decorators(cls: ClassValue) -> str:
    return " ".join(ast.unparse(decorator) for one in cls.lineage() for decorator in one.node.decorator_list)


def _unpack(targets: Sequence[ast.expr], values: list[object], frame: Frame) -> None:
    starred = [i for i, t in enumerate(targets) if isinstance(t, ast.Starred)]
    if not starred:
        if len(targets) != len(values):
            raise ValueError("wrong number of values to unpack")
        for target, value in zip(targets, values, strict=True):
            assign(target, value, frame)
        return
    at, after = starred[0], len(targets) - starred[0] - 1
    if len(values) < len(targets) - 1:
        raise ValueError("not enough values to unpack")
    middle = values[at : len(values) - after]
    _unpack(targets[:at], values[:at], frame)
    assign(cast("ast.Starred", targets[at]).value, middle, frame)
    _unpack(targets[at + 1 :], values[len(values) - after :], frame)


_HANDLERS: Mapping[type[ast.expr], Callable[..., object]] = {
    ast.Constant: _constant, ast.Name: _name, ast.Attribute: _attribute, ast.BinOp: _binary, ast.UnaryOp: _unary,
    ast.BoolOp: _bool, ast.Compare: _compare, ast.IfExp: _if, ast.Call: _call, ast.List: _list, ast.Tuple: _tuple,
    ast.Set: _set, ast.Dict: _dict, ast.Subscript: _subscript, ast.Slice: _slice, ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted, ast.Lambda: _lambda, ast.ListComp: _list_comp, ast.GeneratorExp: _generator,
    ast.SetComp: _set_comp, ast.DictComp: _dict_comp, ast.NamedExpr: _walrus, ast.Await: _await, ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}  # fmt: skip
