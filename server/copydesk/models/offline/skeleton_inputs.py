"""Candidate inputs for a parameter, as source text: from its annotation, its default and the code's own conditions.

Owns: what to try. Whether a try is any good is the evaluator's to say. Start at `candidates`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import cast

from copydesk.models.offline.skeleton_classes import Field, fields_of_node, is_dataclass, is_protocol
from copydesk.models.offline.skeleton_source import Def, Module, dotted_name, parameters

LIMIT = 14
BY_TYPE: dict[str, tuple[str, ...]] = {
    "int": ("3", "0", "1", "-1", "2", "10"),
    "float": ("2.5", "0.0", "-1.5", "1.0"),
    "complex": ("1 + 2j",),
    "bool": ("True", "False"),
    "str": ('"text"', '""', '"two words"', '"Ab1"', '"7"', '" a, b "'),
    "bytes": ('b"data"', 'b""'),
    "bytearray": ('bytearray(b"data")', 'bytearray(b"")'),
    "None": ("None",),
    "object": ('"text"', "3", "None", "[1, 2]"),
    "Any": ('"text"', "3", "None", "[1, 2]", '{"key": 1}'),
    "Decimal": ('Decimal("2.5")', 'Decimal("0")'),
    "Fraction": ("Fraction(1, 2)",),
    "date": ("date(2024, 2, 29)",),
    "datetime": ("datetime(2024, 2, 29, 12, 30)",),
    "timedelta": ("timedelta(seconds=90)", "timedelta(0)"),
    "Pattern": ('re.compile("a+")',),
    "Path": ('Path("folder/name.txt")',),
    "PurePath": ('PurePath("folder/name.txt")',),
    "PurePosixPath": ('PurePosixPath("folder/name.txt")',),
    "SupportsInt": ("3",),
    "SupportsFloat": ("2.5",),
    "Number": ("3", "2.5"),
    "Sized": ("[1, 2]", "[]"),
    "Hashable": ('"text"',),
    "list": ("[3, 1, 2]", "[]", "[1]", '["a", "b"]'),
    "tuple": ("(1, 2)", "()", '("a", "b")'),
    "set": ("{1}", "set()"),
    "frozenset": ("frozenset({1})", "frozenset()"),
    "dict": ('{"key": 1}', "{}"),
}
ORIGIN: dict[str, str] = {
    "Decimal": "decimal", "Fraction": "fractions", "date": "datetime", "datetime": "datetime", "timedelta": "datetime",
    "Path": "pathlib", "PurePath": "pathlib", "PurePosixPath": "pathlib",
}  # fmt: skip
LISTS = frozenset(
    {"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence", "Iterator", "Reversible", "Container"}
)
DICTS = frozenset({"dict", "Dict", "Mapping", "MutableMapping"})
SETS = frozenset({"set", "Set", "AbstractSet", "MutableSet", "frozenset", "FrozenSet"})
ANYTHING = ('"text"', "3", "[3, 1, 2]", "2.5", "None", '""', "0", "[]", '{"key": 1}', 'b"data"', '["a", "b"]', "(1, 2)")

NUMBERS = ("3", "2", "2.5", "0")


def candidates(module: Module, node: Def, arg: ast.arg, default: ast.expr | None, depth: int = 0) -> list[str]:
    """Up to `LIMIT` expressions for one parameter, the plainest first."""
    annotated = list(of_annotation(module, arg.annotation, depth)) if arg.annotation is not None else []
    hints = [h for h in _hints(node, arg.arg) if not annotated or _same_kind(h, annotated)]
    rest = annotated or ([] if arg.annotation is not None else _anything(node, arg.arg))
    if default is not None and _plain(default):
        rest = [ast.unparse(default), *rest]
    first, later = rest[:2], rest[2:]
    return list(dict.fromkeys([*first, *hints, *later]))[:LIMIT]


def _anything(node: Def, name: str) -> list[str]:
    """Values for a parameter without an annotation: numbers first where it is reckoned with."""
    reckoned = any(_reckons(part, name) for part in ast.walk(node))
    return [*NUMBERS, *(one for one in ANYTHING if one not in NUMBERS)] if reckoned else list(ANYTHING)


def _reckons(part: ast.AST, name: str) -> bool:
    match part:
        case ast.BinOp(op=ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Pow(), left=left, right=right):
            return any(isinstance(side, ast.Name) and side.id == name for side in (left, right))
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id=found)):
            return found == name
        case _:
            return False


def _plain(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _same_kind(text: str, annotated: Iterable[str]) -> bool:
    """A hint must be of a type that the annotation already led to."""
    kinds = {_kind(one) for one in annotated}
    return _kind(text) in kinds or (_kind(text) == "int" and "float" in kinds)


def _kind(text: str) -> str:
    try:
        return type(cast("object", ast.literal_eval(text))).__name__
    except (ValueError, SyntaxError):
        return text.partition("(")[0].partition(".")[0]


def of_annotation(module: Module, node: ast.expr | None, depth: int = 0) -> Iterator[str]:
    """Expressions of the annotated type; nothing when the type is not understood."""
    if node is None or depth > 4:
        return
    match node:
        case ast.Constant(value=None):
            yield "None"
        case ast.Constant(value=str(text)):
            yield from _quoted(module, text, depth)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from _interleave([list(of_annotation(module, part, depth + 1)) for part in (left, right)])
        case ast.Subscript(value=value, slice=inner):
            yield from _generic(module, dotted_name(value).rpartition(".")[2], inner, depth)
        case ast.Attribute(attr=name) if name in module.classes:
            return  # another module's class of the same name
        case ast.Name() | ast.Attribute():
            yield from _named(module, dotted_name(node).rpartition(".")[2], depth)
        case _:
            return


def _quoted(module: Module, text: str, depth: int) -> Iterator[str]:
    try:
        yield from of_annotation(module, ast.parse(text, mode="eval").body, depth + 1)
    except SyntaxError:
        return


def _interleave(rows: list[list[str]]) -> Iterator[str]:
    for i in range(max((len(row) for row in rows), default=0)):
        yield from (row[i] for row in rows if i < len(row))


def _named(module: Module, name: str, depth: int) -> Iterator[str]:
    if name in module.classes:
        yield from _instances(module, module.classes[name], depth)
    elif name in module.constants and depth < 3:
        yield from of_annotation(module, module.constants[name], depth + 1)
    elif name in LISTS:
        yield from BY_TYPE["list"]
    elif name in DICTS:
        yield from BY_TYPE["dict"]
    elif name in SETS:
        yield from BY_TYPE["frozenset" if name.lower() == "frozenset" else "set"]
    elif name == "Callable":
        yield "lambda *args: 1"
    else:
        for text in BY_TYPE.get(name, ()):
            if _importable(module, name):
                yield text


def _importable(module: Module, name: str) -> bool:
    if name == "Pattern":
        return True
    return name not in ORIGIN or module.imports.get(name) == f"{ORIGIN[name]}.{name}"


def _instances(module: Module, node: ast.ClassDef, depth: int) -> Iterator[str]:
    bases = {dotted_name(base).rpartition(".")[2] for base in node.bases}
    if bases & {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}:
        for item in node.body:
            match item:
                case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                    yield f"{node.name}.{name}"
                case _:
                    pass
        return
    yield from constructions(module, node, depth + 1)


def constructions(module: Module, node: ast.ClassDef, depth: int = 0) -> list[str]:
    """Calls that should build an instance: all defaults first, then with each required value varied."""
    if is_protocol(node) or depth > 3:  # a class may need one of itself to be built
        return []
    init = next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"), None)
    if init is not None:
        rows = [(a.arg, candidates(module, init, a, d, depth), d is None, kw) for a, d, kw in parameters(init)[1:]]
    elif is_dataclass(node) or "NamedTuple" in {dotted_name(b).rpartition(".")[2] for b in node.bases}:
        rows = [
            (f.name, _field_texts(module, node, f, depth), f.default is None and f.factory is None, f.keyword_only)
            for f in fields_of_node(module.classes, node)
            if f.in_init
        ]
    else:
        rows = []
    if any(required and not values for _, values, required, _ in rows):
        return []
    needed = [(name, values, kw) for name, values, required, kw in rows if required]
    n = max((len(values) for _, values, _ in needed), default=1)
    calls = [_construction(node.name, needed, i) for i in range(min(n, 2))]
    for name, values, _, _ in rows:
        others = [row for row in needed if row[0] != name]
        calls.extend(_construction(node.name, [*others, (name, [value], True)], 0) for value in values[:5])
    return list(dict.fromkeys(calls))[:24]


def _field_texts(module: Module, node: ast.ClassDef, field: Field, depth: int) -> list[str]:
    """Texts for a dataclass field: of its type, and what `__post_init__` asks about it."""
    texts = list(of_annotation(module, field.annotation, depth))
    checks = next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__post_init__"), None)
    hints = [h for h in _hints(checks, field.name) if _same_kind(h, texts)] if checks is not None else []
    return list(dict.fromkeys([*texts[:1], *hints, *texts[1:]]))


def _construction(name: str, rows: list[tuple[str, list[str], bool]], i: int) -> str:
    parts = [f"{arg}={values[i % len(values)]}" if kw else values[i % len(values)] for arg, values, kw in rows]
    return f"{name}({', '.join(parts)})"


def _generic(module: Module, name: str, inner: ast.expr, depth: int) -> Iterator[str]:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name in {"Optional", "Annotated", "Final", "Type"} and name != "Type":
        yield from list(of_annotation(module, parts[0], depth + 1))
        yield from ["None"] if name == "Optional" else []
    elif name == "Union":
        yield from _interleave([list(of_annotation(module, part, depth + 1)) for part in parts])
    elif name == "Literal":
        yield from (ast.unparse(part) for part in parts)
    elif name == "Callable":
        yield from _lambdas(module, parts, depth)
    elif name in LISTS or name in SETS:
        yield from _collections(name, list(of_annotation(module, parts[0], depth + 1)))
    elif name in DICTS and len(parts) == 2:
        keys, values = (list(of_annotation(module, part, depth + 1)) for part in parts)
        if keys and values:
            yield f"{{{keys[0]}: {values[0]}}}"
            yield "{}"
    elif name in {"tuple", "Tuple"}:
        yield from _tuples(module, parts, depth)
    elif name == "Pattern":
        yield from BY_TYPE["Pattern"]


def _lambdas(module: Module, parts: list[ast.expr], depth: int) -> Iterator[str]:
    results = list(of_annotation(module, parts[-1], depth + 1)) or ["None"]
    if isinstance(parts[0], ast.List):
        names = ", ".join(f"arg{i}" for i in range(len(parts[0].elts)))
        yield from (f"lambda {names}: {r}" if names else f"lambda: {r}" for r in results[:2])
    else:
        yield f"lambda *args: {results[0]}"


def _collections(name: str, items: list[str]) -> Iterator[str]:
    if not items:
        return
    is_set, frozen = name in SETS, name.lower() == "frozenset"
    left, right = ("{", "}") if is_set else ("[", "]")
    empty = "set()" if is_set else "[]"
    for text in (f"{left}{', '.join(items[: 1 if is_set else 3])}{right}", empty, f"{left}{items[0]}{right}"):
        yield (f"frozenset({text})" if text != "set()" else "frozenset()") if frozen else text


def _tuples(module: Module, parts: list[ast.expr], depth: int) -> Iterator[str]:
    variadic = len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis
    columns = [list(of_annotation(module, part, depth + 1)) for part in (parts[:1] if variadic else parts)]
    if not all(columns):
        return
    if variadic:
        yield f"({', '.join(columns[0][:2])},)" if len(columns[0]) < 2 else f"({', '.join(columns[0][:2])})"
        yield "()"
        return
    for i in range(3):
        row = [column[i % len(column)] for column in columns]
        yield f"({row[0]},)" if len(row) == 1 else f"({', '.join(row)})"


def _hints(node: Def, name: str) -> Iterator[str]:
    """Values that the function's own conditions ask about this parameter."""
    for inner in ast.walk(node):
        match inner:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                yield from _compared(left, op, right, name)
                yield from _compared(right, op, left, name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr), args=[*args]) if owner == name:
                yield from _by_method(attr, args)
            case ast.Call(func=ast.Name(id="isinstance"), args=[ast.Name(id=owner), kinds]) if owner == name:
                yield from _by_type(kinds)
            case ast.Match(subject=ast.Name(id=owner), cases=cases) if owner == name:
                yield from (ast.unparse(c.pattern) for c in cases if isinstance(c.pattern, ast.MatchValue))
            case _:
                pass


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, name: str) -> Iterator[str]:
    if (
        isinstance(left, ast.Call)
        and dotted_name(left.func) == "len"
        and ast.unparse(left.args[0] if left.args else left) == name
    ):
        yield from _of_length(right)
        return
    values = (
        right.elts
        if isinstance(right, ast.Tuple | ast.List | ast.Set) and isinstance(op, ast.In | ast.NotIn)
        else [right]
    )
    if not _mentions(left, name):
        return
    for value in values:
        if not _plain(value):
            continue
        literal = cast("object", ast.literal_eval(value))
        yield ast.unparse(value)
        if isinstance(literal, int) and not isinstance(literal, bool) and abs(literal) < 10**9:
            yield from (str(literal + 1), str(literal - 1))
        elif isinstance(literal, float):
            yield from (repr(literal + 1.0), repr(literal - 1.0))
        elif isinstance(literal, str) and isinstance(op, ast.In | ast.NotIn):
            yield from (repr(literal[:1]), repr("a" + literal + "b"))


def _mentions(node: ast.expr, name: str) -> bool:
    """The parameter itself, or the attribute of `self` that carries its name."""
    return any(
        (isinstance(n, ast.Name) and n.id == name)
        or (isinstance(n, ast.Attribute) and ast.unparse(n) == f"self.{name}")
        for n in ast.walk(node)
    )


def _of_length(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and 0 <= node.value <= 60:
        for n in (node.value, node.value + 1, max(node.value - 1, 0)):
            yield repr("x" * n)
            yield repr([1] * n) if n <= 12 else "[]"


def _by_method(attr: str, args: list[ast.expr]) -> Iterator[str]:
    texts = [a.value for a in args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    for text in texts[:2]:
        if attr in {"startswith", "removeprefix"}:
            yield repr(text + "rest")
        elif attr in {"endswith", "removesuffix"}:
            yield repr("some" + text)
        elif attr in {"split", "partition", "rsplit", "rpartition", "find", "index", "replace", "count"}:
            yield from (repr(f"a{text}b"), repr(f"a{text}b{text}c"))
        elif attr == "get":
            yield f"{{{text!r}: 1}}"
    by_method = {"isdigit": '"12"', "isupper": '"ABC"', "isspace": '" "', "isalpha": '"abc"', "isidentifier": '"name"'}
    if attr in by_method:
        yield by_method[attr]


def _by_type(kinds: ast.expr) -> Iterator[str]:
    for kind in kinds.elts if isinstance(kinds, ast.Tuple) else [kinds]:
        yield from BY_TYPE.get(dotted_name(kind), ())[:1]
