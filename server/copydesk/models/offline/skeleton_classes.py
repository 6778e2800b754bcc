"""Classes of the file inside the evaluator: what kind they are, and how an instance comes to be.

Owns: dataclasses, enums, exceptions and plain classes as the evaluator sees them. Must not know: tests.
Start at `build_class` and `construct`.
"""

from __future__ import annotations

import ast
import enum
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from copydesk.models.offline.skeleton_objects import ClassValue, Frame, FuncValue, Interpreter, Obj, Unsupported
from copydesk.models.offline.skeleton_source import decorator_name, dotted_name

PLAIN_BASES = frozenset({"object", "Protocol", "Generic", "ABC"})


@dataclass(frozen=True, slots=True)
class Field:
    """One dataclass field: its annotation and default (an expression, or a factory to call)."""

    name: str
    annotation: ast.expr
    default: ast.expr | None = None
    factory: ast.expr | None = None
    in_init: bool = True
    keyword_only: bool = False


def is_dataclass(node: ast.ClassDef) -> bool:
    return any(decorator_name(d) == "dataclass" for d in node.decorator_list)


def is_protocol(node: ast.ClassDef) -> bool:
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    return any(dotted_name(base).rpartition(".")[2] in {"Protocol", "Generic"} for base in bases[-1:]) and any(
        "Protocol" in dotted_name(base) for base in bases
    )


_NATIVE_ENUMS: Mapping[str, Callable[..., object]] = {"IntEnum": enum.IntEnum, "StrEnum": enum.StrEnum}


def native_class(node: ast.ClassDef, machine: Interpreter, frame: Frame) -> object | None:
    """A real IntEnum, StrEnum or namedtuple for a class that only lists members or fields, else None."""
    base = dotted_name(node.bases[0]).rpartition(".")[2] if len(node.bases) == 1 else ""
    if node.decorator_list or node.keywords or not all(_only_lists(item) for item in node.body):
        return None
    if base == "NamedTuple":
        fields = own_fields(node)
        defaults = [machine.evaluate(f.default, frame) for f in fields if f.default is not None]
        names: list[str] = [f.name for f in fields]
        return cast("Callable[..., object]", namedtuple)(node.name, names, defaults=defaults)
    if base not in _NATIVE_ENUMS:
        return None
    rows = [
        (item.targets[0].id, machine.evaluate(item.value, frame))
        for item in node.body
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name)
    ]
    kinds = {type(value) for _, value in rows}
    wanted = {int} if base == "IntEnum" else {str}
    return _NATIVE_ENUMS[base](node.name, rows) if kinds == wanted else None


def _only_lists(item: ast.stmt) -> bool:
    return isinstance(item, ast.Assign | ast.AnnAssign | ast.Pass) or (
        isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
    )


def build_class(node: ast.ClassDef, machine: Interpreter, frame: Frame) -> ClassValue:
    """A class value, or `Unsupported` when a base, metaclass or decorator is not understood."""
    if node.keywords or any(decorator_name(d) not in {"dataclass", "final", "unique"} for d in node.decorator_list):
        raise Unsupported(f"{node.name} has a metaclass or decorator that is not evaluated")
    bases: list[ClassValue] = []
    kind, native = ("dataclass" if is_dataclass(node) else "plain"), None
    for base in node.bases:
        name = dotted_name(base.value if isinstance(base, ast.Subscript) else base).rpartition(".")[2]
        if name == "Enum":
            kind = "enum"
        elif name not in PLAIN_BASES:
            value = machine.evaluate(base.value if isinstance(base, ast.Subscript) else base, frame)
            if isinstance(value, ClassValue):
                bases.append(value)
                kind = value.kind if kind == "plain" else kind
                native = native or value.native
            elif isinstance(value, type) and issubclass(value, Exception):
                kind, native = "exception", value
            else:
                raise Unsupported(f"{node.name} extends something that is not evaluated")
    cls = ClassValue(node.name, node, machine, tuple(bases), kind, native)
    _read_body(cls, frame)
    return cls


def _read_body(cls: ClassValue, frame: Frame) -> None:
    skip = {f.name for f in own_fields(cls.node)} if cls.kind == "dataclass" else set[str]()
    for item in cls.node.body:
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                if cls.kind == "enum" and not name.startswith("_"):
                    _add_member(cls, name, value, frame)
                else:
                    cls.constants[name] = _constant(cls, value, frame)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None and name not in skip:
                cls.constants[name] = _constant(cls, value, frame)
            case _:
                pass


def _constant(cls: ClassValue, value: ast.expr, frame: Frame) -> object:
    """A class attribute; one that is not understood only matters to code that reads it."""
    try:
        return cls.machine.evaluate(value, _class_frame(cls, frame))
    except Unsupported as reason:
        return reason


def _class_frame(cls: ClassValue, frame: Frame) -> Frame:
    return Frame(cls.machine, dict(cls.constants), frame)


def _add_member(cls: ClassValue, name: str, value: ast.expr, frame: Frame) -> None:
    if isinstance(value, ast.Call) and decorator_name(value) == "auto":
        number: object = len(cls.members) + 1
    else:
        number = cls.machine.evaluate(value, frame)
    if cls.method("__new__") or cls.method("__init__") or cls.method("_missing_"):
        raise Unsupported("an enum with its own construction")
    for other in cls.members.values():
        if other.attrs["value"] == number:
            cls.members[name] = other
            return
    member = Obj(cls)
    member.attrs.update(name=name, value=number)
    cls.members[name] = member


def own_fields(node: ast.ClassDef) -> list[Field]:
    """The dataclass fields a class body declares, in order."""
    rows: list[Field] = []
    keyword_only = any(isinstance(d, ast.Call) and _flag(d, "kw_only") for d in node.decorator_list)
    for item in node.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        text = ast.unparse(item.annotation)
        if "ClassVar" in text:
            continue
        if "KW_ONLY" in text:
            keyword_only = True
            continue
        rows.append(_field(item.target.id, item, keyword_only))
    return rows


def _field(name: str, item: ast.AnnAssign, keyword_only: bool) -> Field:
    value = item.value
    if not (isinstance(value, ast.Call) and decorator_name(value) == "field"):
        return Field(name, item.annotation, value, None, True, keyword_only)
    options = {k.arg: k.value for k in value.keywords}
    only = keyword_only or _flag(value, "kw_only")
    in_init = "init" not in options or _flag(value, "init")
    return Field(name, item.annotation, options.get("default"), options.get("default_factory"), in_init, only)


def _flag(call: ast.Call, name: str) -> bool:
    return any(k.arg == name and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords)


def fields_of(cls: ClassValue) -> list[Field]:
    """All fields of a dataclass, those of its bases first."""
    rows: dict[str, Field] = {}
    for one in reversed(list(cls.lineage())):
        if is_dataclass(one.node):
            rows.update({f.name: f for f in own_fields(one.node)})
    return list(rows.values())


def construct(cls: ClassValue, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    """An instance, as calling the class would give it."""
    if cls.kind == "enum":
        for member in cls.members.values():
            if args and member.attrs["value"] == args[0]:
                return member
        raise ValueError("not a member")
    if cls.method("__new__") is not None or _is_abstract(cls) or is_protocol(cls.node):
        raise Unsupported(f"{cls.name} is not built in the ordinary way")
    obj = Obj(cls)
    found = cls.method("__init__")
    if found is not None and not (cls.kind == "dataclass" and not _hand_written(cls)):
        cls.machine.call(FuncValue(found[0], None, cls.machine, found[1]), [obj, *args], kwargs)
    elif cls.kind == "dataclass":
        _fill(obj, args, kwargs)
    elif cls.kind == "exception":
        obj.attrs["args"] = tuple(args)
    elif args or kwargs:
        raise TypeError("takes no arguments")
    return obj


def _hand_written(cls: ClassValue) -> bool:
    found = cls.method("__init__")
    return found is not None and found[1] is cls


def _is_abstract(cls: ClassValue) -> bool:
    for one in cls.lineage():
        for item in one.node.body:
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                decorator_name(d) == "abstractmethod" for d in item.decorator_list
            ):
                found = cls.method(item.name)
                if found is not None and found[0] is item:
                    return True
    return False


def _fill(obj: Obj, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
    machine, frame = obj.cls.machine, Frame(obj.cls.machine)
    fields = fields_of(obj.cls)
    positional = [f for f in fields if f.in_init and not f.keyword_only]
    if len(args) > len(positional) or set(kwargs) - {f.name for f in fields if f.in_init}:
        raise TypeError("unexpected argument")
    given = {**{f.name: value for f, value in zip(positional, args, strict=False)}, **kwargs}
    for one in fields:
        if "InitVar" in ast.unparse(one.annotation):
            raise Unsupported("an InitVar")
        if one.name in given:
            obj.attrs[one.name] = given[one.name]
        elif one.factory is not None:
            obj.attrs[one.name] = machine.call(machine.evaluate(one.factory, frame), (), {})
        elif one.default is not None:
            obj.attrs[one.name] = machine.evaluate(one.default, frame)
        elif one.in_init:
            raise TypeError(f"missing argument {one.name!r}")
    found = obj.cls.method("__post_init__")
    if found is not None:
        machine.call(FuncValue(found[0], None, machine, found[1]), [obj], {})


def isolate(value: object) -> None:
    """Refuse to hand evaluator machinery to a native function that would look inside it."""
    if isinstance(value, Iterator) and not hasattr(cast("object", value), "__next__"):
        raise Unsupported("an unusual iterator")


def fields_of_node(classes: Mapping[str, ast.ClassDef], node: ast.ClassDef, depth: int = 0) -> list[Field]:
    """The fields a dataclass or NamedTuple of the file is constructed with, those of its bases first."""
    rows: dict[str, Field] = {}
    for base in node.bases:
        name = dotted_name(base)
        if name in classes and depth < 8:
            rows.update({f.name: f for f in fields_of_node(classes, classes[name], depth + 1)})
    rows.update({f.name: f for f in own_fields(node)})
    return list(rows.values())
