"""What a function's own text proves about its types. No guesses: an empty answer means "not sure".

Pure, over `ast`; knows no jedi. Start with `Module`, `returned` and `sure_parameter`.
"""

import ast
import builtins
from collections.abc import Iterator
from functools import cached_property
from typing import TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_ALWAYS_NONE = {"__init__", "__init_subclass__", "__set_name__", "__post_init__"}
_BY_CALL = {
    **dict.fromkeys(("str", "repr", "ascii", "chr", "hex", "oct", "bin"), "str"),
    **dict.fromkeys(("isinstance", "issubclass", "callable", "bool", "hasattr"), "bool"),
    **dict.fromkeys(("len", "ord", "id"), "int"),
}
_STR_METHODS = {"join", "format", "upper", "lower", "strip", "lstrip", "rstrip", "replace", "title", "capitalize"}
_NEVER_RETURN = {"exit", "_exit", "quit", "abort", "error", "fail", "skip", "xfail"}
_CONSTANTS = {"str", "bytes", "bool"}


class Module:
    """One parsed file, with who is whose parent."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def function_at(self, line: int) -> FunctionNode | None:
        """The innermost function whose lines (decorators included) have `line`, 1-based."""
        functions = [node for node in ast.walk(self.tree) if isinstance(node, FunctionNode)]
        holding = [node for node in functions if _first_line(node) <= line <= (node.end_lineno or node.lineno)]
        return max(holding, key=lambda node: node.lineno, default=None)

    def functions_in(self, first: int, last: int) -> list[FunctionNode]:
        """The functions whose `def` is on one of these lines, 1-based, both in."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, FunctionNode)]
        return sorted((node for node in found if first <= node.lineno <= last), key=lambda node: node.lineno)

    def class_of(self, function: FunctionNode) -> ast.ClassDef | None:
        parent = self._parents.get(function)
        while isinstance(parent, ast.If | ast.Try):
            parent = self._parents.get(parent)
        return parent if isinstance(parent, ast.ClassDef) else None

    @cached_property
    def bound(self) -> set[str]:
        """Every name the file binds anywhere: a builtin among them may not be the builtin."""
        found: set[str] = set()
        for node in ast.walk(self.tree):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    found.add(name)
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    found.add(name)
                case ast.alias(name=name, asname=alias):
                    found.add(alias or name.partition(".")[0])
                case _:
                    pass
        return found

    def is_builtin(self, name: str) -> bool:
        return hasattr(builtins, name) and name not in self.bound and "*" not in self.bound

    def is_overridden(self, around: ast.ClassDef, name: str) -> bool:
        """Whether another class of the file with this base defines the method too."""
        for node in ast.walk(self.tree):
            is_below = isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id == around.name for base in node.bases
            )
            if is_below and any(
                isinstance(one, FunctionNode) and one.name == name for one in ast.iter_child_nodes(node)
            ):
                return True
        return False


def returned(module: Module, function: FunctionNode) -> str:
    """The return annotation, or empty. None is the commonest that can be proven."""
    if function.returns is not None or _is_stub(function):
        return ""
    own = list(own_nodes(function))
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own) or any(map(_yields_in_lambda, own)):
        return ""
    values = [node.value for node in own if isinstance(node, ast.Return)]
    falls = can_fall_off(function.body)
    if all(value is None or _is_none(value) for value in values):
        # A function that never comes back is NoReturn to a type checker: `None` would change what it knows.
        return "None" if values or falls or function.name in _ALWAYS_NONE else ""
    kinds = {kind_of(module, value) for value in values if value is not None}
    if falls or None in values or len(kinds) != 1:
        return ""
    return kinds.pop()


def _yields_in_lambda(node: ast.AST) -> bool:
    """A type checker takes the function around such a lambda for a generator, which it is not."""
    inside = ast.walk(node) if isinstance(node, ast.Lambda) else ()
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in inside)


def kind_of(module: Module, value: ast.expr) -> str:
    """The builtin class of an expression that can be of no other; empty when not sure."""
    match value:
        case ast.Constant(value=constant) if type(constant).__name__ in ("str", "bytes", "bool", "int", "float"):
            kind = type(constant).__name__
        case ast.JoinedStr():
            kind = "str"
        case ast.UnaryOp(op=ast.Not()):
            kind = "bool"
        case ast.Compare(ops=ops) if all(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops):
            kind = "bool"
        case ast.BoolOp(values=values):
            kinds = {kind_of(module, one) for one in values}
            kind = kinds.pop() if len(kinds) == 1 else ""
        case ast.IfExp(body=first, orelse=second):
            kind = kind_of(module, first)
            kind = kind if kind == kind_of(module, second) else ""
        case ast.Call(func=ast.Name(id=name)) if module.is_builtin(name):
            kind = _BY_CALL.get(name, "")
        case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _STR_METHODS:
            kind = kind_of(module, owner) if isinstance(owner, ast.Constant | ast.JoinedStr) else ""
            kind = kind if kind == "str" else ""
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            kind = "str"
        case _:
            kind = ""
    return kind if kind and module.is_builtin(kind) else ""


def sure_parameter(module: Module, function: FunctionNode, name: str) -> str:
    """The class of a parameter's default, when nothing in the body speaks against it."""
    default = _default_of(function, name)
    kind = type(default.value).__name__ if isinstance(default, ast.Constant) else ""
    if kind not in _CONSTANTS or not module.is_builtin(kind):
        return ""
    return "" if any(_speaks_against(node, name) for node in ast.walk(function)) else kind


def _default_of(function: FunctionNode, name: str) -> ast.expr | None:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    with_default = positional[len(positional) - len(arguments.defaults) :]
    pairs = [
        *zip(with_default, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    return next((default for one, default in pairs if one.arg == name), None)


def _speaks_against(node: ast.AST, name: str) -> bool:
    """A use that allows for something else: assigned anew, looked at by type, compared, computed with."""
    match node:
        case ast.Name(id=found, ctx=ast.Store() | ast.Del()) | ast.ExceptHandler(name=found):
            return found == name
        case ast.Compare(left=left, comparators=others):
            return any(_is_name(one, name) for one in (left, *others))
        case ast.Call(args=arguments):
            # Handed to something that may want anything: `isinstance(x, …)`, `int(x)`, `open(x)`.
            return any(_is_name(one, name) for one in arguments)
        case ast.BinOp(left=left, right=right):
            return _is_name(left, name) or _is_name(right, name)
        case ast.Attribute(value=owner) | ast.Subscript(value=owner) | ast.Starred(value=owner):
            return _is_name(owner, name)
        case ast.For(iter=looped) | ast.comprehension(iter=looped) | ast.AsyncFor(iter=looped):
            return _is_name(looped, name)
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return name in names
        case _:
            return False


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def own_nodes(function: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a function's body, without those of functions and classes within."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, _SCOPES):
            pending.extend(ast.iter_child_nodes(node))


def can_fall_off(body: list[ast.stmt]) -> bool:
    """Whether the end of a block can be reached, as far as its last statement shows."""
    match body[-1]:
        case ast.Return() | ast.Raise():
            return False
        case ast.Expr(value=ast.Call(func=called)) | ast.Expr(value=ast.Await(value=ast.Call(func=called))):
            return not _may_never_return(called)
        case ast.If(body=first, orelse=second) if second:
            return can_fall_off(first) or can_fall_off(second)
        case ast.With(body=inner) | ast.AsyncWith(body=inner):
            return can_fall_off(inner)
        case ast.While(test=ast.Constant(value=value)) as loop if value:
            return any(isinstance(node, ast.Break) for node in ast.walk(loop))
        case ast.Try() | ast.TryStar() as attempt:
            return _try_falls_off(attempt)
        case ast.Match(cases=cases):
            is_whole = any(isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None for case in cases)
            return not is_whole or any(can_fall_off(case.body) for case in cases)
        case _:
            return True


def _try_falls_off(attempt: "ast.Try | ast.TryStar") -> bool:
    if attempt.finalbody and not can_fall_off(attempt.finalbody):
        return False
    tail = attempt.orelse or attempt.body
    return can_fall_off(tail) or any(can_fall_off(handler.body) for handler in attempt.handlers)


def _may_never_return(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name in _NEVER_RETURN or name.startswith(("exec", "raise", "_raise", "fail", "exit", "die", "abort"))


def _is_stub(function: FunctionNode) -> bool:
    """Nothing but documentation, `...`, `pass` or NotImplementedError: what it returns is for others to say."""
    return all(_says_nothing(statement) for statement in function.body) and function.name not in _ALWAYS_NONE


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
        case _:
            return False


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _first_line(function: FunctionNode) -> int:
    return min([function.lineno, *(one.lineno for one in function.decorator_list)])
