"""How a function uses a parameter, in words: what it is compared with, checked for, handed to, iterated over.

Every sentence quotes a place in the code. Knows no docstring style. Start with `use_of`; `Uses` is built once a module.
"""

import ast
import re
from collections.abc import Iterator
from functools import cached_property

from copydesk.models.offline.docconditions import either, kinds_in, quoted
from copydesk.models.offline.pycode import FunctionNode, Module, dotted

_MUTATING = frozenset(("append", "extend", "add", "update", "insert", "remove", "clear", "pop", "setdefault", "sort"))
_STRING_WORDS = """
    startswith endswith strip lstrip rstrip lower upper split rsplit splitlines encode partition
    rpartition casefold title isdigit removeprefix removesuffix
"""
_STRING = frozenset(_STRING_WORDS.split())
_MAPPING = frozenset(("items", "keys", "values", "get", "setdefault"))
_PLAIN_WORDS = """
    len str repr bool list tuple set print isinstance type id hasattr getattr setattr issubclass sorted
    enumerate zip next iter any all sum min max cast
"""
_PLAIN = frozenset(_PLAIN_WORDS.split())
_DOC_ROW = re.compile(
    r"^\s*(?::param\s+(?:[\w.\[\], ]+\s)?(?P<sphinx>\w+):|\*{0,2}(?P<google>\w+)(?:\s*\([^)\n]*\))?:)\s+(?P<text>\S.*)$"
)


class Uses:
    """What is known of the parameters in one module: their uses, and the words other docstrings have for them."""

    def __init__(self, module: Module) -> None:
        self.module = module

    @cached_property
    def documented(self) -> dict[str, str]:
        """Parameter name → what the file's own docstrings say of it, where they say one thing only."""
        found: dict[str, set[str]] = {}
        for definition in self.module.definitions:
            text = ast.get_docstring(definition.node) or ""
            names = _names(definition.node)
            for name, said in _rows(text):
                if name in names:
                    found.setdefault(name, set()).add(said)
        return {name: next(iter(said)) for name, said in found.items() if len(said) == 1}

    @cached_property
    def functions(self) -> dict[str, FunctionNode]:
        """The functions and methods that only one definition of the file is called by."""
        found: dict[str, list[FunctionNode]] = {}
        for definition in self.module.definitions:
            if not isinstance(definition.node, ast.ClassDef):
                found.setdefault(definition.node.name, []).append(definition.node)
        return {name: nodes[0] for name, nodes in found.items() if len(nodes) == 1}


def use_of(uses: Uses, node: FunctionNode, name: str) -> str:
    """One or two sentences on `name`, or empty when the code shows nothing worth saying."""
    said = uses.documented.get(name)
    if said:
        return said
    found = _Found(node, name)
    rows = [found.kinds(uses.module), found.choices(), found.shape()]
    told = [row for row in rows if row][:2]
    return " ".join(told) if told else found.handed(uses)


def unused_or_quoted(module: Module, node: FunctionNode, name: str) -> str:
    """The smallest expression it stands in; or that it is not used, where the body is more than a stub."""
    body = [item for item in node.body if not isinstance(item, ast.Expr | ast.Pass | ast.Raise)]
    parents = [
        (item, child) for statement in node.body for item in ast.walk(statement) for child in ast.iter_child_nodes(item)
    ]
    holders = [item for item, child in parents if isinstance(child, ast.Name) and child.id == name]
    if not holders:
        inside = any(isinstance(item, ast.Name) and item.id == name for s in node.body for item in ast.walk(s))
        return "Not used." if body and not inside and node.name[:2] != "__" else ""
    raised = {id(n) for item, _ in parents if isinstance(item, ast.Raise) for n in ast.walk(item)}
    for item in holders:
        if id(item) in raised:
            continue
        if isinstance(item, ast.Compare) and isinstance(item.comparators[0], ast.Constant):
            continue
        if isinstance(item, ast.expr) and (text := quoted(module, item, 50)):
            return f"Used in {text}."
    return ""


def _names(node: ast.AST) -> set[str]:
    return (
        {item.arg for item in ast.walk(node.args) if isinstance(item, ast.arg)}
        if isinstance(node, FunctionNode)
        else set()
    )


def _rows(docstring: str) -> Iterator[tuple[str, str]]:
    """(name, description) of one-line entries that end as a sentence does: a longer one would be cut."""
    lines = docstring.split("\n")
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        match = _DOC_ROW.match(line)
        if match is None or (not line[:1].isspace() and match["google"]):
            continue
        goes_on = below.strip() and len(below) - len(below.lstrip()) > len(line) - len(line.lstrip())
        text = match["text"].strip()
        if not goes_on and len(text) > 8 and "Defaults to" not in text:
            yield match["sphinx"] or match["google"], text if text.endswith((".", "!", "?")) else f"{text}."


class _Found:
    """The places of one function where one parameter is used as itself; a rebound one is followed no further."""

    def __init__(self, node: FunctionNode, name: str) -> None:
        self.name = name
        self.nodes = list(_before_rebinding(node, name))
        self.annotated = any(
            item.arg == name and item.annotation for item in ast.walk(node.args) if isinstance(item, ast.arg)
        )

    def _is(self, node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name) and node.id == self.name

    def kinds(self, module: Module) -> str:
        """From isinstance checks."""
        names: list[str] = []
        for node in self.nodes:
            match node:
                case ast.Call(func=ast.Name(id="isinstance"), args=[value, kinds]) if self._is(value):
                    names += kinds_in(module, kinds)
                case _:
                    pass
        return f"Checked for being {either(names, a=True)}." if 0 < len(set(names)) <= 4 else ""

    def choices(self) -> str:
        """From comparisons with literals."""
        values: list[str] = []
        for node in self.nodes:
            match node:
                case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[ast.Constant(value=str() as v)]):
                    values += [repr(v)] if self._is(left) else []
                case ast.Compare(
                    left=left, ops=[ast.In() | ast.NotIn()], comparators=[ast.Tuple() | ast.List() | ast.Set() as c]
                ):
                    given = [item.value for item in c.elts if isinstance(item, ast.Constant)]
                    values += [repr(v) for v in given if isinstance(v, str)] if self._is(left) else []
                case ast.match_case(pattern=ast.MatchValue(value=ast.Constant(value=str() as v))):
                    values += (
                        [repr(v)] if any(isinstance(n, ast.Match) and self._is(n.subject) for n in self.nodes) else []
                    )
                case _:
                    pass
        unique = list(dict.fromkeys(value for value in values if len(value) <= 24 and value.isprintable()))
        if not unique or len(unique) > 6 or "''" in unique:
            return ""
        return f"Compared with {either(unique)}."

    def shape(self) -> str:
        """Called, iterated over, changed in place, or known by the attributes that are read from it."""
        attributes: dict[str, None] = {}
        called, looped, indexed, changed = False, False, False, False
        for node in self.nodes:
            match node:
                case ast.Call(func=func) if self._is(func):
                    called = True
                case ast.For(iter=it) | ast.AsyncFor(iter=it) | ast.comprehension(iter=it) if self._is(it):
                    looped = True
                case ast.Subscript(value=value, ctx=ctx) if self._is(value):
                    indexed, changed = True, changed or not isinstance(ctx, ast.Load)
                case ast.Attribute(value=value, attr=attr, ctx=ctx) if self._is(value):
                    attributes.setdefault(attr)
                    changed = changed or not isinstance(ctx, ast.Load)
                case _:
                    pass
        changed = changed or bool(_MUTATING & set(attributes) and self._statement_calls())
        if called:
            return "Called by this function." if not looped else ""
        tail = " Changed in place." if changed else ""
        if looped:
            return f"Iterated over.{tail}"
        shown = [name for name in attributes if not name.startswith("__")]
        if shown and all(name in _STRING for name in shown):
            return "" if self.annotated else "Used as a string."
        if shown and all(name in _MAPPING or name in _MUTATING for name in shown) and set(shown) & _MAPPING:
            return tail.strip() if self.annotated else f"Used as a mapping.{tail}"
        if self.annotated and all(name in _MUTATING for name in shown):
            shown = []
        if shown:
            names = [f"`{one}`" for one in shown]
            return f"Used for its {_and(names if len(names) <= 3 else [*names[:3], 'more'])}.{tail}"
        return tail.strip() or ("Indexed or looked up by key." if indexed and not attributes else "")

    def _tells(self, func: ast.expr) -> bool:
        """Whether being handed to this callee says something: not so for what takes anything, and for messages."""
        name = dotted(func)
        is_error = any(
            isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call) and n.exc.func is func for n in self.nodes
        )
        return (
            name not in _PLAIN and not is_error and not name.endswith((".append", ".add", ".debug", ".info", ".format"))
        )

    def _statement_calls(self) -> bool:
        """Whether a method that changes it stands as a statement of its own."""
        for node in self.nodes:
            match node:
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=value, attr=attr))):
                    if self._is(value) and attr in _MUTATING:
                        return True
                case _:
                    pass
        return False

    def handed(self, uses: Uses) -> str:
        """What it is stored as or passed on to, when that is one place."""
        places: dict[str, None] = {}
        for node in self.nodes:
            match node:
                case ast.Call(func=func, args=args, keywords=keywords) if dotted(func) and self._tells(func):
                    for index, value in enumerate(args):
                        if self._is(value):
                            places.setdefault(_passed(uses, func, index, self.name))
                    for keyword in keywords:
                        if self._is(keyword.value) and keyword.arg:
                            places.setdefault(_as(dotted(func), keyword.arg, self.name))
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=attr)], value=value):
                    if self._is(value) and attr.lstrip("_") != self.name:
                        places.setdefault(f"Kept as `self.{attr}`.")
                case _:
                    pass
        return next(iter(places)) if len(places) == 1 else ""


def _before_rebinding(node: FunctionNode, name: str) -> Iterator[ast.AST]:
    """The function's nodes in the order of the text, until the parameter is given another value."""
    stack: list[ast.AST] = list(reversed(node.body))
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = current.targets if isinstance(current, ast.Assign) else [current.target]
            if any(isinstance(item, ast.Name) and item.id == name for target in targets for item in ast.walk(target)):
                yield from ast.walk(current.value) if current.value else ()
                return
        yield current
        stack.extend(reversed(list(ast.iter_child_nodes(current))))


def _passed(uses: Uses, func: ast.expr, index: int, name: str) -> str:
    """Passed on by position: the other side's name for it is the more telling one, where the file shows it."""
    callee = dotted(func)
    target = uses.functions.get(callee.rpartition(".")[2])
    if target is None:
        return f"Passed to `{callee}`." if not callee.startswith("self.") or callee.count(".") == 1 else ""
    positional = [*target.args.posonlyargs, *target.args.args]
    if positional and positional[0].arg in ("self", "cls") and "." in callee:
        positional = positional[1:]
    return _as(callee, positional[index].arg if index < len(positional) else name, name)


def _as(callee: str, their_name: str, name: str) -> str:
    return f"Passed to `{callee}`." if their_name == name else f"Passed to `{callee}` as `{their_name}`."


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
