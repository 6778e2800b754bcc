"""The values of the small evaluator: what a same-file class, object or function is while a test is being planned.

Owns: the two ways a run can end early (`Unsupported`, `Raised`) and the model of user-defined things.
Must not know: how expressions are evaluated (the `Interpreter` protocol is all it sees) nor how tests are written.
Start at `Interpreter`, then `Obj`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Callee = Callable[..., object]


class Unsupported(Exception):
    """The evaluator does not know what real Python would do here; the reason is its only argument."""


class Raised(Exception):
    """The evaluated code raised. `explicit` tells a `raise` statement from an accident in an operation."""

    def __init__(self, value: object, explicit: bool, line: int) -> None:
        super().__init__(value)
        self.value = value
        self.explicit = explicit
        self.line = line


class Interpreter(Protocol):
    """What the model of values asks of the evaluator."""

    def call(self, callee: object, args: Sequence[object], kwargs: Mapping[str, object]) -> object: ...
    def attribute(self, value: object, name: str) -> object: ...
    def evaluate(self, node: ast.expr, frame: Frame) -> object: ...
    def execute(self, body: Sequence[ast.stmt], frame: Frame) -> None: ...
    def name(self, name: str) -> object: ...
    def step(self) -> None: ...
    def branch(self, node: ast.AST, taken: object) -> None: ...
    def guard_change(self, value: object) -> None: ...


@dataclass(slots=True)
class Frame:
    """Names of one running function; `parent` is the lexically enclosing function's frame, None at module level."""

    machine: Interpreter
    names: dict[str, object] = field(default_factory=dict[str, object])
    parent: Frame | None = None
    owner: ClassValue | None = None
    handling: Raised | None = None
    yielded: list[object] | None = None
    outer_names: set[str] = field(default_factory=set[str])

    def find(self, name: str) -> object:
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.parent
        return self.machine.name(name)

    def bind(self, name: str, value: object) -> None:
        if name not in self.outer_names:
            self.names[name] = value
            return
        frame = self.parent
        while frame is not None and name not in frame.names:
            frame = frame.parent
        if frame is None:
            raise Unsupported(f"sets the module's {name!r}")
        frame.names[name] = value


FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True, eq=False)
class FuncValue:
    """A function of the file: its node, the frame it closes over and, for a method, the class that owns it."""

    node: FunctionNode
    closure: Frame | None
    machine: Interpreter
    owner: ClassValue | None = None
    defaults: Mapping[str, object] = field(default_factory=dict[str, object])

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.machine.call(self, args, kwargs)

    def __repr__(self) -> str:
        raise Unsupported("the text of a function holds an address")


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """A method together with the object (or class) it was taken from."""

    function: FuncValue
    receiver: object

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.function.machine.call(self, args, kwargs)

    def __repr__(self) -> str:
        raise Unsupported("the text of a method holds an address")


@dataclass(frozen=True, slots=True, eq=False)
class NativeModule:
    """A standard-library module whose allowed names may be called for real."""

    name: str


class Super:
    """`super()` inside a method: the bases of the owner, seen from one object."""

    def __init__(self, owner: ClassValue, receiver: object) -> None:
        self.owner = owner
        self.receiver = receiver


class Quiet:
    """Logging: it may be called and looked into, and nothing comes of it."""

    def __bool__(self) -> bool:
        raise Unsupported("whether something is logged")

    def __repr__(self) -> str:
        raise Unsupported("the text of a logger")


@dataclass(slots=True, eq=False)
class ClassValue:
    """A class of the file. `kind`: plain, dataclass, enum or exception; `native` is the built-in exception below it."""

    name: str
    node: ast.ClassDef
    machine: Interpreter
    bases: tuple[ClassValue, ...]
    kind: str
    native: type[BaseException] | None = None
    members: dict[str, Obj] = field(default_factory=dict[str, "Obj"])
    constants: dict[str, object] = field(default_factory=dict[str, object])

    def lineage(self) -> Iterator[ClassValue]:
        """This class and its bases in the file, first match wins (single inheritance is exact)."""
        yield self
        for base in self.bases:
            yield from base.lineage()

    def method(self, name: str) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ClassValue] | None:
        for cls in self.lineage():
            for item in reversed(cls.node.body):
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and item.name == name:
                    return item, cls
        return None

    def __call__(self, *args: object, **kwargs: object) -> object:
        return self.machine.call(self, args, kwargs)

    def __repr__(self) -> str:
        raise Unsupported("the text of a class names its module")


class Obj:
    """An instance of a class of the file. Its special methods go through the evaluator, so that native
    operations (`len`, `==`, `sorted`, `str`) on it mean what the class says, or end as `Unsupported`."""

    __slots__ = ("attrs", "cls")

    def __init__(self, cls: ClassValue) -> None:
        self.cls = cls
        self.attrs: dict[str, object] = {}

    def special(self, name: str, *args: object) -> object:
        found = self.cls.method(name)
        if found is None:
            raise Unsupported(f"{self.cls.name} has no {name} of its own")
        node, owner = found
        function = FuncValue(node, None, self.cls.machine, owner)
        return self.cls.machine.call(function, (self, *args), {})

    def __eq__(self, other: object) -> bool:
        if self is other and self.cls.method("__eq__") is None:
            return True
        if self.cls.method("__eq__") is not None:
            return bool(self.special("__eq__", other))
        if self.cls.kind == "dataclass" and isinstance(other, Obj) and other.cls is self.cls:
            return self.attrs == other.attrs
        return False

    def __hash__(self) -> int:
        if self.cls.kind == "enum":
            return hash(str(self.attrs.get("name")))
        raise Unsupported("the hash of an object is not known")

    def __bool__(self) -> bool:
        for name in ("__bool__", "__len__"):
            if self.cls.method(name) is not None:
                return bool(self.special(name))
        return True

    def __repr__(self) -> str:
        return str(self.special("__repr__"))

    def __str__(self) -> str:
        return str(self.special("__str__" if self.cls.method("__str__") else "__repr__"))

    def __format__(self, spec: str) -> str:
        if self.cls.method("__format__") is not None:
            return str(self.special("__format__", spec))
        return format(str(self), spec)

    def __len__(self) -> int:
        size = self.special("__len__")
        if not isinstance(size, int):
            raise Unsupported("__len__ without a number")
        return size

    def __iter__(self) -> Iterator[object]:
        rows = self.special("__iter__")
        if not isinstance(rows, Iterator):
            raise Unsupported("__iter__ without an iterator")
        return rows  # pyright: ignore[reportUnknownVariableType]  # an iterator of whatever the class yields

    def __contains__(self, item: object) -> bool:
        return bool(self.special("__contains__", item))

    def __getitem__(self, key: object) -> object:
        return self.special("__getitem__", key)

    def __lt__(self, other: object) -> object:
        return self.special("__lt__", other)

    def __le__(self, other: object) -> object:
        return self.special("__le__", other)

    def __gt__(self, other: object) -> object:
        return self.special("__gt__", other)

    def __ge__(self, other: object) -> object:
        return self.special("__ge__", other)

    def __add__(self, other: object) -> object:
        return self.special("__add__", other)

    def __sub__(self, other: object) -> object:
        return self.special("__sub__", other)

    def __mul__(self, other: object) -> object:
        return self.special("__mul__", other)

    def __neg__(self) -> object:
        return self.special("__neg__")

    def __abs__(self) -> object:
        return self.special("__abs__")
