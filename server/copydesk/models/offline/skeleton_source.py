"""A Python module read as text: its functions, classes, constants and imports, and which names are certain.

Owns: the static picture of one source file. Must not know: values, tests. Nothing is imported or run.
Start at `read_module`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Module:
    """What a file defines at its top level. `unsure` names are bound in more than one way or under a condition."""

    tree: ast.Module
    functions: dict[str, Def] = field(default_factory=dict[str, Def])
    classes: dict[str, ast.ClassDef] = field(default_factory=dict[str, ast.ClassDef])
    constants: dict[str, ast.expr] = field(default_factory=dict[str, ast.expr])
    imports: dict[str, str] = field(default_factory=dict[str, str])
    unsure: set[str] = field(default_factory=set[str])
    exported: tuple[str, ...] | None = None

    def is_local(self, name: str) -> bool:
        return name in self.functions or name in self.classes


def read_module(source: str) -> Module:
    """Parse `source`; raises SyntaxError as `ast.parse` does."""
    module = Module(ast.parse(source))
    for statement in module.tree.body:
        _read(module, statement)
    exported = module.constants.get("__all__")
    if isinstance(exported, ast.List | ast.Tuple):
        module.exported = tuple(
            e.value for e in exported.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)
        )
    return module


def _read(module: Module, statement: ast.stmt) -> None:
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            if not is_overload(statement):
                _once(module, statement.name)
                module.functions[statement.name] = statement
        case ast.ClassDef():
            _once(module, statement.name)
            module.classes[statement.name] = statement
        case ast.Import() | ast.ImportFrom():
            _read_import(module, statement)
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
        ):
            if value is not None:
                _once(module, name)
                module.constants[name] = value
        case ast.If(test=test) if is_type_checking(test):
            for inner in statement.body:
                _read(module, inner)
        case ast.Expr(value=value):
            module.unsure.update(_handed_out(value))
        case ast.Pass():
            pass
        case _:
            _read_block(module, statement)


def _once(module: Module, name: str) -> None:
    if module.is_local(name) or name in module.constants or name in module.imports:
        module.unsure.add(name)


def _read_import(module: Module, statement: ast.Import | ast.ImportFrom) -> None:
    for local, dotted in imported_names(statement):
        if local == "*":
            module.unsure.update(module.functions, module.classes, module.constants)
            continue
        _once(module, local)
        module.imports[local] = dotted


def imported_names(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """(local name, dotted origin) of one import; relative origins keep their dots."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            local = alias.asname or alias.name.partition(".")[0]
            yield local, alias.name if alias.asname else local
        return
    origin = "." * statement.level + (statement.module or "")
    for alias in statement.names:
        yield alias.asname or alias.name, f"{origin}.{alias.name}"


def _read_block(module: Module, statement: ast.stmt) -> None:
    """Everything bound under a condition, in a loop or by a deletion is unsure."""
    for node in walk_shallow([statement]):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                module.unsure.add(name)
            case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
                module.unsure.add(_root(node))
            case ast.Call():
                module.unsure.update(_handed_out(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                module.unsure.add(node.name)
            case ast.Import() | ast.ImportFrom():
                _read_import(module, node)
                module.unsure.update(local for local, _ in imported_names(node))
            case _:
                pass


def _handed_out(node: ast.AST) -> Iterator[str]:
    """Names whose value a call at module level may change: `TABLE.update(…)`, `fill(TABLE)`."""
    for call in walk_shallow([node]):
        if isinstance(call, ast.Call):
            yield from ([_root(call.func)] if isinstance(call.func, ast.Attribute) else [])
            yield from (arg.id for arg in call.args if isinstance(arg, ast.Name))


def _root(node: ast.AST) -> str:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def walk_shallow(roots: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """The nodes that run when these statements run: bodies of functions, classes and lambdas are left out."""
    pending = list(roots)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            continue
        pending.extend(ast.iter_child_nodes(node))


def is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def is_overload(node: Def) -> bool:
    return any(decorator_name(d) == "overload" for d in node.decorator_list)


def decorator_name(node: ast.expr) -> str:
    """The last part of a decorator's dotted name: `functools.lru_cache(maxsize=None)` → `lru_cache`."""
    target = node.func if isinstance(node, ast.Call) else node
    return dotted_name(target).rpartition(".")[2]


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` for names and attributes of names, '' for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted_name(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def parameters(node: Def | ast.Lambda) -> list[tuple[ast.arg, ast.expr | None, bool]]:
    """(argument, default, keyword only) of every named parameter, in order; * and ** parameters are left out."""
    positional = [*node.args.posonlyargs, *node.args.args]
    n_required = len(positional) - len(node.args.defaults)
    rows: list[tuple[ast.arg, ast.expr | None, bool]] = []
    for i, arg in enumerate(positional):
        rows.append((arg, node.args.defaults[i - n_required] if i >= n_required else None, False))
    for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        rows.append((arg, default, True))
    return rows


def is_generator(node: Def) -> bool:
    return any(isinstance(n, ast.Yield | ast.YieldFrom) for s in node.body for n in walk_shallow([s]))


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())
