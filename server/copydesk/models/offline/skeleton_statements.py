"""Executes statements of the code under test inside the evaluator.

Owns: the meaning of statements, matching of patterns and handling of exceptions. Must not know: tests, files.
Start at `execute`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from copydesk.models.offline.skeleton_expressions import assign, defaults_of, evaluate, truth
from copydesk.models.offline.skeleton_native import IN_PLACE, binary, items_of, unordered
from copydesk.models.offline.skeleton_objects import (
    ClassValue,
    Frame,
    FuncValue,
    NativeModule,
    Obj,
    Raised,
    Unsupported,
)
from copydesk.models.offline.skeleton_source import imported_names


class Break(Exception):
    """A `break` on its way to the loop."""


class Continue(Exception):
    """A `continue` on its way to the loop."""


class Return(Exception):
    """A `return` on its way to the call."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


def execute(body: Sequence[ast.stmt], frame: Frame) -> None:
    """Run statements; accidents of native operations come out as `Raised` with `explicit` false."""
    for statement in body:
        frame.machine.step()
        handler = _HANDLERS.get(type(statement))
        if handler is None:
            raise Unsupported(f"{type(statement).__name__} is not evaluated")
        try:
            handler(statement, frame)
        except (
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            AssertionError,
            StopIteration,
        ) as error:
            raise Raised(error, False, statement.lineno) from None


def _expression(node: ast.Expr, frame: Frame) -> None:
    if not isinstance(node.value, ast.Constant):
        evaluate(node.value, frame)


def _assign(node: ast.Assign, frame: Frame) -> None:
    value = evaluate(node.value, frame)
    for target in node.targets:
        assign(target, value, frame)


def _annotated(node: ast.AnnAssign, frame: Frame) -> None:
    if node.value is not None:
        assign(node.target, evaluate(node.value, frame), frame)


def _augmented(node: ast.AugAssign, frame: Frame) -> None:
    load = ast.parse(ast.unparse(node.target), mode="eval").body
    left, right = evaluate(load, frame), evaluate(node.value, frame)
    symbol = type(node.op).__name__
    if isinstance(left, list | set | dict | bytearray):
        frame.machine.guard_change(cast("object", left))
        change = IN_PLACE.get(symbol)
        if change is None or unordered(right):
            raise Unsupported("an unusual change in place")
        assign(node.target, change(left, right), frame)
        return
    assign(node.target, binary(symbol, left, right), frame)


def _return(node: ast.Return, frame: Frame) -> None:
    raise Return(None if node.value is None else evaluate(node.value, frame))


def _if(node: ast.If, frame: Frame) -> None:
    taken = truth(evaluate(node.test, frame))
    frame.machine.branch(node, taken)
    execute(node.body if taken else node.orelse, frame)


def _while(node: ast.While, frame: Frame) -> None:
    while truth(evaluate(node.test, frame)):
        frame.machine.branch(node, True)
        try:
            execute(node.body, frame)
        except Continue:
            continue
        except Break:
            return
    frame.machine.branch(node, False)
    execute(node.orelse, frame)


def _for(node: ast.For, frame: Frame) -> None:
    for item in items_of(evaluate(node.iter, frame), frame.machine.step):
        frame.machine.branch(node, True)
        assign(node.target, item, frame)
        try:
            execute(node.body, frame)
        except Continue:
            continue
        except Break:
            return
    frame.machine.branch(node, False)
    execute(node.orelse, frame)


def _break(node: ast.Break, frame: Frame) -> None:
    raise Break


def _continue(node: ast.Continue, frame: Frame) -> None:
    raise Continue


def _pass(node: ast.stmt, frame: Frame) -> None:
    return


def _raise(node: ast.Raise, frame: Frame) -> None:
    if node.exc is None:
        if frame.handling is None:
            raise Unsupported("a bare raise")
        raise frame.handling
    value = evaluate(node.exc, frame)
    if isinstance(value, ClassValue) or (isinstance(value, type) and issubclass(value, BaseException)):
        value = frame.machine.call(value, (), {})
    if not isinstance(value, BaseException) and not (isinstance(value, Obj) and value.cls.kind == "exception"):
        raise Unsupported("raises something unusual")
    frame.machine.branch(node, True)
    raise Raised(value, True, node.lineno)


def _assert(node: ast.Assert, frame: Frame) -> None:
    if not truth(evaluate(node.test, frame)):
        raise Raised(AssertionError(), False, node.lineno)


def _delete(node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        match target:
            case ast.Name(id=name) if name in frame.names:
                del frame.names[name]
            case ast.Subscript(value=owner, slice=index):
                container = evaluate(owner, frame)
                frame.machine.guard_change(container)
                operator.delitem(cast("dict[object, object]", container), evaluate(index, frame))
            case _:
                raise Unsupported("an unusual deletion")


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> None:
    if node.decorator_list:
        raise Unsupported("a decorated inner function")
    frame.bind(node.name, FuncValue(node, frame, frame.machine, None, defaults_of(node, frame)))


def _nonlocal(node: ast.Nonlocal, frame: Frame) -> None:
    frame.outer_names.update(node.names)


def _import(node: ast.Import | ast.ImportFrom, frame: Frame) -> None:
    for local, dotted in imported_names(node):
        if isinstance(node, ast.Import):
            frame.bind(local, NativeModule(dotted))
        else:
            module, _, name = dotted.rpartition(".")
            frame.bind(local, frame.machine.attribute(NativeModule(module), name))


def _try(node: ast.Try, frame: Frame) -> None:
    try:
        _try_handled(node, frame)
    except Unsupported:
        raise
    except (Raised, Return, Break, Continue):
        execute(node.finalbody, frame)
        raise
    execute(node.finalbody, frame)


def _try_handled(node: ast.Try, frame: Frame) -> None:
    try:
        execute(node.body, frame)
    except Raised as raised:
        for handler in node.handlers:
            if handler.type is None or matches(raised.value, evaluate(handler.type, frame)):
                frame.machine.branch(handler, True)
                _handle(handler, raised, frame)
                return
        raise
    execute(node.orelse, frame)


def _handle(handler: ast.ExceptHandler, raised: Raised, frame: Frame) -> None:
    if handler.name is not None:
        frame.names[handler.name] = raised.value
    before, frame.handling = frame.handling, raised
    try:
        execute(handler.body, frame)
    finally:
        frame.handling = before


def matches(value: object, wanted: object) -> bool:
    """`isinstance` for exceptions and for objects of the file."""
    if isinstance(wanted, tuple):
        return any(matches(value, one) for one in cast("tuple[object, ...]", wanted))
    if isinstance(wanted, ClassValue):
        return isinstance(value, Obj) and wanted in list(value.cls.lineage())
    if not isinstance(wanted, type):
        raise Unsupported("an isinstance check with an unknown type")
    if isinstance(value, Obj):
        natives = [cls.native for cls in value.cls.lineage() if cls.native is not None]
        return wanted is object or any(issubclass(native, wanted) for native in natives)
    return isinstance(value, wanted)


def _match(node: ast.Match, frame: Frame) -> None:
    subject = evaluate(node.subject, frame)
    for case in node.cases:
        if not _fits(case.pattern, subject, frame):
            continue
        if case.guard is not None and not truth(evaluate(case.guard, frame)):
            continue
        frame.machine.branch(case.pattern, True)
        execute(case.body, frame)
        return


def _fits(pattern: ast.pattern, subject: object, frame: Frame) -> bool:
    match pattern:
        case ast.MatchValue(value=value):
            return bool(operator.eq(subject, evaluate(value, frame)))
        case ast.MatchSingleton(value=value):
            return subject is value
        case ast.MatchOr(patterns=patterns):
            return any(_fits(one, subject, frame) for one in patterns)
        case ast.MatchAs(pattern=inner, name=name):
            if inner is not None and not _fits(inner, subject, frame):
                return False
            if name is not None:
                frame.bind(name, subject)
            return True
        case ast.MatchSequence(patterns=patterns):
            return _fits_sequence(patterns, subject, frame)
        case ast.MatchClass(cls=cls, patterns=[], kwd_attrs=names, kwd_patterns=patterns):
            return matches(subject, evaluate(cls, frame)) and all(
                _fits(one, frame.machine.attribute(subject, name), frame)
                for name, one in zip(names, patterns, strict=True)
            )
        case _:
            raise Unsupported("an unusual pattern")


def _fits_sequence(patterns: Sequence[ast.pattern], subject: object, frame: Frame) -> bool:
    if any(isinstance(one, ast.MatchStar) for one in patterns):
        raise Unsupported("a starred pattern")
    if not isinstance(subject, list | tuple):
        return False
    values = cast("Sequence[object]", subject)
    return len(values) == len(patterns) and all(
        _fits(one, value, frame) for one, value in zip(patterns, values, strict=True)
    )


_HANDLERS: Mapping[type[ast.stmt], Callable[..., None]] = {
    ast.Expr: _expression, ast.Assign: _assign, ast.AnnAssign: _annotated, ast.AugAssign: _augmented,
    ast.Return: _return, ast.If: _if, ast.While: _while, ast.For: _for, ast.Break: _break, ast.Continue: _continue,
    ast.Pass: _pass, ast.Raise: _raise, ast.Assert: _assert, ast.Delete: _delete, ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function, ast.Nonlocal: _nonlocal, ast.Import: _import, ast.ImportFrom: _import,
    ast.Try: _try, ast.Match: _match,
}  # fmt: skip
