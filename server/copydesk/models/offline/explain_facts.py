"""What can be told of a piece of Python from its tree: shape, calls, raises, complexity, traps. No prose about purpose.

Start with `shape` and `traps`.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Sequence

from copydesk.models.offline.pycode import Definition, FunctionNode, Module, dotted, nodes_in

_BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.Assert, ast.match_case)
_NAMES: tuple[tuple[tuple[type[ast.AST], ...], str], ...] = (
    ((ast.For, ast.AsyncFor, ast.While), "loop"),
    ((ast.If, ast.IfExp), "branch"),
    ((ast.Match,), "match"),
    ((ast.Try, ast.TryStar), "try block"),
    ((ast.With, ast.AsyncWith), "with block"),
    ((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "comprehension"),
    ((ast.Return,), "return"),
    ((ast.Yield, ast.YieldFrom), "yield"),
    ((ast.Await,), "await"),
    ((ast.FunctionDef, ast.AsyncFunctionDef), "nested function"),
    ((ast.Lambda,), "lambda"),
)


def nodes_of(statements: Iterable[ast.stmt]) -> list[ast.AST]:
    """The nodes of some statements, nested scopes given but not entered."""
    found: list[ast.AST] = []
    for statement in statements:
        found.append(statement)
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.extend(nodes_in(statement))
    return found


def complexity(nodes: Iterable[ast.AST]) -> int:
    """McCabe's number: one and one for each decision."""
    total = 1
    for node in nodes:
        if isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
        elif isinstance(node, ast.comprehension):
            total += 1 + len(node.ifs)
        else:
            total += isinstance(node, _BRANCHES)
    return total


def complexity_word(number: int) -> str:
    return "simple" if number <= 5 else "moderate" if number <= 10 else "complex" if number <= 20 else "very complex"


def shape(nodes: Sequence[ast.AST]) -> str:
    """`2 loops, 1 branch and 3 returns`, or empty for straight code."""
    said: list[str] = []
    for kinds, name in _NAMES:
        n = sum(isinstance(node, kinds) for node in nodes)
        if n:
            said.append(f"{n} {name}" if n == 1 else f"{n} {name}es" if name in ("branch", "match") else f"{n} {name}s")
    if len(said) < 2:
        return "".join(said)
    return ", ".join(said[:-1]) + f" and {said[-1]}"


def calls(nodes: Iterable[ast.AST]) -> list[tuple[str, int]]:
    """(dotted name, first 0-based line) of what is called, most often called first."""
    first: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func)
        if not name and isinstance(node.func, ast.Attribute):
            name = f".{node.func.attr}"
        if name:
            counts[name] += 1
            first.setdefault(name, node.lineno - 1)
    return [(name, first[name]) for name, _ in counts.most_common()]


def callers(module: Module, definition: Definition) -> list[tuple[str, int]]:
    """(qualified name of the caller, 0-based line) in the same file."""
    name = definition.node.name
    found: list[tuple[str, int]] = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or dotted(node.func).rpartition(".")[2] != name:
            continue
        line = node.lineno - 1
        around = [item for item in module.definitions if item.first <= line <= item.last]
        found.append((around[-1].qualname if around else "module level", line))
    return sorted(set(found), key=lambda item: item[1])


def signature(module: Module, definition: Definition) -> str:
    """The header as written, decorators aside, on one line."""
    node = definition.node
    if isinstance(node, ast.ClassDef):
        bases = [module.segment(base) for base in node.bases]
        bases += [f"{keyword.arg}={module.segment(keyword.value)}" for keyword in node.keywords if keyword.arg]
        return f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}"
    start = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    args = ast.unparse(node.args)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{start} {node.name}({args}){returns}"


def traps(module: Module, definition: Definition) -> list[str]:
    """Things a reader should know before changing it."""
    node = definition.node
    if isinstance(node, ast.ClassDef):
        return _class_traps(node)
    found = [*_default_traps(module, node)]
    for item in nodes_of(node.body):
        match item:
            case ast.ExceptHandler(type=None):
                found.append(f"line {item.lineno}: a bare `except:` also catches KeyboardInterrupt and SystemExit")
            case ast.ExceptHandler(body=[ast.Pass()]):
                found.append(f"line {item.lineno}: the exception is swallowed (`pass`)")
            case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=str() | int() as value)]):
                if not isinstance(value, bool):
                    found.append(f"line {item.lineno}: `is` compares identity, not equality")
            case ast.Assert(test=ast.Tuple()):
                found.append(f"line {item.lineno}: asserting a tuple is always true")
            case _:
                pass
    return found


def _default_traps(module: Module, node: FunctionNode) -> Iterable[str]:
    for default in [*node.args.defaults, *node.args.kw_defaults]:
        mutable = isinstance(default, ast.List | ast.Dict | ast.Set)
        built = isinstance(default, ast.Call) and dotted(default.func) in ("list", "dict", "set", "bytearray")
        if default is not None and (mutable or built):
            shown = module.brief(default) or "a mutable value"
            yield f"line {default.lineno}: the default `{shown}` is made once and shared by every call"


def _class_traps(node: ast.ClassDef) -> list[str]:
    return [
        f"line {item.lineno}: `{dotted(item.targets[0])}` is one object shared by all instances"
        for item in node.body
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.List | ast.Dict | ast.Set)
        and dotted(item.targets[0]) not in ("__slots__", "__all__", "__match_args__", "_fields_")
    ]  # fmt: skip


def outer_names(module: Module, node: FunctionNode) -> tuple[list[str], list[str]]:
    """(names rebound by global or nonlocal, module-level variables that are read)."""
    rebound = [
        name for item in nodes_of(node.body) if isinstance(item, ast.Global | ast.Nonlocal) for name in item.names
    ]
    variables = {
        target.id
        for item in module.tree.body
        if isinstance(item, ast.Assign | ast.AnnAssign)
        for target in (item.targets if isinstance(item, ast.Assign) else [item.target])
        if isinstance(target, ast.Name)
    }
    inside = [item for item in ast.walk(node) if isinstance(item, ast.Name)]
    local = {item.id for item in inside if isinstance(item.ctx, ast.Store)}
    local |= {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
    read = [item.id for item in inside if isinstance(item.ctx, ast.Load) and item.id in variables - local]
    return list(dict.fromkeys(rebound)), [name for name in dict.fromkeys(read) if name not in rebound]
