"""Python text as a tree: definitions with their names, ranges and source, all in lines and code-point columns.

Knows no tool and no job. `parse` never raises: text that is not Python gives a `NotPython`. Start there.
"""

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
DefinitionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Documented: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


@dataclass(frozen=True, slots=True)
class NotPython:
    """Why the text does not parse; 0-based line."""

    message: str
    line: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A class or function. `first` and `last` are 0-based lines, decorators included; `owner` the class it is in."""

    node: DefinitionNode
    qualname: str
    owner: ast.ClassDef | None
    in_function: bool

    @property
    def first(self) -> int:
        return min([self.node.lineno, *(decorator.lineno for decorator in self.node.decorator_list)]) - 1

    @property
    def header(self) -> int:
        return self.node.lineno - 1

    @property
    def last(self) -> int:
        return (self.node.end_lineno or self.node.lineno) - 1

    @property
    def kind(self) -> str:
        if isinstance(self.node, ast.ClassDef):
            return "class"
        return "method" if self.owner is not None else "function"


@dataclass(frozen=True, slots=True)
class Module:
    lines: tuple[str, ...]
    tree: ast.Module
    definitions: tuple[Definition, ...]

    def segment(self, node: ast.AST) -> str:
        """The node's own text; empty when it has no place."""
        start, end = span(self.lines, node)
        if start is None or end is None:
            return ""
        if start[0] == end[0]:
            return self.lines[start[0]][start[1] : end[1]]
        middle = self.lines[start[0] + 1 : end[0]]
        return "\n".join([self.lines[start[0]][start[1] :], *middle, self.lines[end[0]][: end[1]]])

    def brief(self, node: ast.AST | None, limit: int = 60) -> str:
        """The node's text on one line, or empty when it is long or holds a comment or an odd character."""
        text = " ".join(self.segment(node).split()) if node is not None else ""
        usable = 0 < len(text) <= limit and text.isprintable() and '"""' not in text and "'''" not in text
        return text if usable and "#" not in text else ""


def parse(lines: Sequence[str]) -> Module | NotPython:
    """The module in `lines` (without line ends)."""
    text = parsable("\n".join(lines))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except SyntaxError as error:
        return NotPython(error.msg, max((error.lineno or 1) - 1, 0))
    except (ValueError, RecursionError, MemoryError) as error:
        return NotPython(str(error) or "too deeply nested", 0)
    return Module(tuple(lines), tree, tuple(_definitions(tree, "", None, in_function=False)))


def compiles(text: str) -> SyntaxError | None:
    """None when the whole text compiles, else why not. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(parsable(text), "<text>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxError(str(error))
    return None


def parsable(text: str) -> str:
    """`text` with lone surrogates replaced one for one, because the parser takes only what UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def column(line: str, n_bytes: int) -> int:
    """A parser's byte offset → code points."""
    if line.isascii():
        return n_bytes
    return len(line.encode("utf-8", "replace")[:n_bytes].decode("utf-8", "ignore"))


def span(lines: Sequence[str], node: ast.AST) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """(line, column) of a node's start and end, 0-based, in code points."""
    line, end = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    if not isinstance(line, int) or not isinstance(end, int) or line < 1 or end > len(lines):
        return None, None
    start_column = column(lines[line - 1], int(getattr(node, "col_offset", 0)))
    end_column = column(lines[end - 1], int(getattr(node, "end_col_offset", 0)))
    return (line - 1, start_column), (end - 1, end_column)


def _definitions(node: ast.AST, prefix: str, owner: ast.ClassDef | None, *, in_function: bool) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):  # no expression holds a definition
                yield from _definitions(child, prefix, owner, in_function=in_function)
            continue
        qualname = f"{prefix}{child.name}"
        yield Definition(child, qualname, owner, in_function)
        if isinstance(child, ast.ClassDef):
            yield from _definitions(child, f"{qualname}.", child, in_function=in_function)
        else:
            yield from _definitions(child, f"{qualname}.", None, in_function=True)


def nodes_in(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that belong to a scope itself: nested functions, classes and lambdas are given, not entered."""
    stack = list(reversed(list(ast.iter_child_nodes(node))))
    while stack:
        current = stack.pop()
        yield current
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(reversed(list(ast.iter_child_nodes(current))))


def body_nodes(node: FunctionNode) -> Iterator[ast.AST]:
    """`nodes_in` of the body alone: not of decorators, defaults and annotations."""
    for statement in node.body:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from nodes_in(statement)


def header_colon(lines: Sequence[str], node: DefinitionNode) -> tuple[int, int] | None:
    """(line, column) of the colon that ends the header, 0-based; None when it cannot be told."""
    first = node.lineno - 1
    rest = iter(f"{parsable(line)}\n" for line in lines[first:])
    depth = 0
    try:
        for token in tokenize.generate_tokens(lambda: next(rest, "")):
            if token.type == tokenize.NAME and token.string == "lambda" and not depth:
                return None
            if token.type != tokenize.OP:
                continue
            depth += (token.string in "([{") - (token.string in ")]}")
            if token.string == ":" and not depth:
                return first + token.start[0] - 1, token.start[1]
    except (tokenize.TokenError, SyntaxError):
        return None
    return None


def targets_of(node: ast.AST) -> list[ast.expr]:
    """What an assignment of any kind assigns to; empty for other nodes."""
    match node:
        case ast.Assign(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            return [target]
        case _:
            return []


def decorators(node: DefinitionNode) -> list[str]:
    """Dotted names of the decorators, without their arguments."""
    return [dotted(item.func if isinstance(item, ast.Call) else item) for item in node.decorator_list]


def dotted(node: ast.AST | None) -> str:
    """`a.b.c` for names and attributes, else empty."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            base = dotted(value)
            return f"{base}.{attr}" if base else ""
        case _:
            return ""


def string_tokens(text: str) -> int:
    """How many string literals stand in `text` (which is an expression); 0 when it does not tokenize."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({parsable(text)})").readline))
    except (tokenize.TokenError, SyntaxError):
        return 0
    return sum(token.type == tokenize.STRING for token in tokens)
