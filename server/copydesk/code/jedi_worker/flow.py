"""Which names a run of statements reads before it binds them, and which it surely binds. Pure, over `ast`.

Careful in one direction: a name counts as read when it may be, and as bound only when it must be. Start with `Flow`.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(slots=True)
class Flow:
    """`exposed`: read before being bound here. `bound`: bound at the end for sure."""

    exposed: set[str] = field(default_factory=set[str])
    bound: set[str] = field(default_factory=set[str])

    def run(self, statements: Iterable[ast.stmt]) -> "Flow":
        for statement in statements:
            self._statement(statement)
        return self

    def _branch(self, statements: Iterable[ast.stmt]) -> set[str]:
        """Runs a block that may not run; gives what is bound after it."""
        inner = Flow(self.exposed, set(self.bound)).run(statements)
        return inner.bound

    def _read(self, node: ast.AST | None) -> None:
        self.exposed |= set(reads(node)) - self.bound if node is not None else set()

    def _bind(self, node: ast.AST | None) -> None:
        """A target: what is read in it (`a[i] = …`), then the names it binds."""
        self._read(node)
        self.bound |= set(own_stores(node)) if node is not None else set()

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                self._read(value)
                self._walrus(value)
                for target in targets:
                    self._bind(target)
            case ast.AugAssign(target=target, value=value):
                self._read(value)
                if isinstance(target, ast.Name) and target.id not in self.bound:
                    self.exposed.add(target.id)
                self._bind(target)
            case ast.AnnAssign(target=target, value=value):
                self._read(value)
                if value is not None:
                    self._bind(target)
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.With() | ast.AsyncWith() | ast.Match():
                self._compound(node)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self._read(node)
                self.bound.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                self.bound |= {alias.asname or alias.name.partition(".")[0] for alias in names}
            case _:
                self._read(node)
                self._walrus(node)

    def _compound(self, node: ast.stmt) -> None:
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                self._read(test)
                self._walrus(test)
                self.bound = self._joined([body, orelse])
            case ast.For() | ast.AsyncFor():
                self._read(node.iter)
                inner = Flow(self.exposed, set(self.bound))
                inner._bind(node.target)
                inner.run(node.body)
                self._branch(node.orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                self._read(test)
                self._branch(body)
                self._branch(orelse)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                for item in items:
                    self._read(item.context_expr)
                    self._bind(item.optional_vars)
                self._branch(body)  # a context manager may swallow what interrupts the block
            case ast.Match(subject=subject, cases=cases):
                self._read(subject)
                for case in cases:
                    inner = Flow(self.exposed, self.bound | set(own_stores(case.pattern)))
                    inner._read(case.guard)
                    inner.run(case.body)
            case _:
                pass

    def _walrus(self, node: ast.AST) -> None:
        if isinstance(node, ast.NamedExpr):
            self.bound |= set(own_stores(node))

    def _joined(self, blocks: list[list[ast.stmt]]) -> set[str]:
        """What every block that comes to its end binds."""
        ends = [self._branch(block) for block in blocks if not (block and _leaves(block[-1]))]
        for block in blocks:
            if block and _leaves(block[-1]):
                self._branch(block)
        return _common(ends) if ends else set(self.bound)

    def _try(self, node: "ast.Try | ast.TryStar") -> None:
        after_body = self._branch(node.body)
        ends = [Flow(self.exposed, set(after_body)).run(node.orelse).bound]
        for handler in node.handlers:
            inner = Flow(self.exposed, self.bound | ({handler.name} if handler.name else set()))
            inner._read(handler.type)
            inner.run(handler.body)
            if not _leaves(handler.body[-1]):
                ends.append(inner.bound - ({handler.name} if handler.name else set()))
        final = Flow(self.exposed, set(self.bound)).run(node.finalbody)
        self.bound = _common(ends) | final.bound


def _common(ends: list[set[str]]) -> set[str]:
    first, *others = ends
    return first.intersection(*others)


def _leaves(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break)


def reads(node: ast.AST) -> Iterator[str]:
    """Names read in a node, those of scopes within that they do not bind themselves included."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load | ast.Del):
            yield node.id
        return
    if isinstance(node, (*SCOPES, ast.ClassDef)):
        own = set(_names_of(node))
        outer = {name for child in ast.iter_child_nodes(node) for name in reads(child)}
        first = set(reads(node.generators[0].iter)) if isinstance(node, _COMPREHENSIONS) else set[str]()
        yield from (outer - own) | first | _header_reads(node)
        return
    for child in ast.iter_child_nodes(node):
        yield from reads(child)


def _header_reads(node: ast.AST) -> set[str]:
    """Defaults, annotations, decorators and bases are read outside of the scope they belong to."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            parts: list[ast.AST] = [node.args, *node.decorator_list, *([node.returns] if node.returns else [])]
        case ast.ClassDef():
            parts = [*node.bases, *node.keywords, *node.decorator_list]
        case ast.Lambda():
            parts = [*node.args.defaults, *(one for one in node.args.kw_defaults if one)]
        case _:
            parts = []
    return {name for part in parts for name in reads(part)}


def _names_of(scope: ast.AST) -> Iterator[str]:
    if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        yield from (arg.arg for arg in ast.walk(scope.args) if isinstance(arg, ast.arg))
    for child in ast.iter_child_nodes(scope):
        yield from own_stores(child)


def own_stores(node: ast.AST) -> Iterator[str]:
    """Names a node binds in its own scope: not those within functions, classes and comprehensions (but walruses)."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Lambda():
            pass
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            walruses = (one.target.id for one in ast.walk(node) if isinstance(one, ast.NamedExpr))
            yield from walruses
        case ast.alias(name=name, asname=alias):
            yield alias or name.partition(".")[0]
        case (
            ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name)
        ):
            yield name
            yield from _below(node)
        case ast.MatchMapping(rest=str() as name):
            yield name
            yield from _below(node)
        case _:
            yield from _below(node)


def _below(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        yield from own_stores(child)
