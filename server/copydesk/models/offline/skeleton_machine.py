"""The evaluator as a whole: calls, classes, attributes and the names of one module, within a budget of steps.

Owns: one run of the code under test, and which branches it took. Must not know: tests.
Start at `Machine.run`. Nothing of the user's code is compiled or executed.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

from copydesk.models.offline.skeleton_classes import build_class, construct, isolate, native_class
from copydesk.models.offline.skeleton_expressions import EnoughItems, defaults_of, evaluate
from copydesk.models.offline.skeleton_native import (
    CHANGING,
    builtin,
    call_native,
    items_of,
    method_of,
    native_attribute,
)
from copydesk.models.offline.skeleton_objects import (
    Bound,
    Callee,
    ClassValue,
    Frame,
    FuncValue,
    NativeModule,
    Obj,
    Quiet,
    Raised,
    Super,
    Unsupported,
)  # fmt: skip
from copydesk.models.offline.skeleton_source import Module, decorator_name, is_generator
from copydesk.models.offline.skeleton_statements import Return, execute, matches

LIMIT_STEPS = 6_000
LIMIT_DEPTH = 25
TRANSPARENT = frozenset({"lru_cache", "cache", "staticmethod", "classmethod", "property", "override", "final",
                         "abstractmethod", "cached_property"})  # fmt: skip
Branch = tuple[int, int, str]


class Machine:
    """One run over one module. Satisfies `Interpreter`; make a fresh one for every run."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.covered: set[Branch] = set()
        self.truncated = False
        self._steps = 0
        self._depth = 0
        self._globals: dict[str, object] = {}
        self._fixed: dict[int, object] = {}
        self._loading: set[str] = set()

    # -- the protocol the expressions and statements use

    def step(self) -> None:
        self._steps += 1
        if self._steps > LIMIT_STEPS:
            raise Unsupported("takes too many steps")

    def branch(self, node: ast.AST, taken: object) -> None:
        line, column = cast("int", getattr(node, "lineno", 0)), cast("int", getattr(node, "col_offset", 0))
        self.covered.add((line, column, f"{type(node).__name__}:{taken}"))

    def guard_change(self, value: object) -> None:
        if id(value) in self._fixed:
            raise Unsupported("changes what the module shares")

    def evaluate(self, node: ast.expr, frame: Frame) -> object:
        return evaluate(node, frame)

    def execute(self, body: Sequence[ast.stmt], frame: Frame) -> None:
        execute(body, frame)

    def name(self, name: str) -> object:
        """A module-level name, built at its first use; a name bound in two ways is not guessed."""
        if name not in self._globals:
            if name in self.module.unsure:
                raise Unsupported(f"{name!r} is bound in more than one way")
            if name in self._loading:
                raise Unsupported(f"{name!r} needs itself")
            self._loading.add(name)
            self._globals[name] = self._load(name)
            self._loading.discard(name)
        return self._globals[name]

    def _load(self, name: str) -> object:
        module = self.module
        frame = Frame(self)
        if name in module.functions:
            node = module.functions[name]
            check_decorators(node)
            return FuncValue(node, None, self, None, self._fix_all(defaults_of(node, frame)))
        if name in module.classes:
            return native_class(module.classes[name], self, frame) or build_class(module.classes[name], self, frame)
        if name in module.constants and ast.unparse(module.constants[name]).startswith("logging.getLogger("):
            return Quiet()
        if name in module.constants:
            return self._fix(evaluate(module.constants[name], frame))
        if name in module.imports:
            return self._imported(module.imports[name])
        return builtin(name)

    def _imported(self, dotted: str) -> object:
        parent, _, last = dotted.rpartition(".")
        if parent == "logging":
            return Quiet()
        if not parent:
            return NativeModule(dotted)
        return NativeModule(dotted) if dotted == "urllib.parse" else native_attribute(parent, last)

    def _fix(self, value: object) -> object:
        if isinstance(value, list | dict | set | bytearray | Obj):
            self._fixed[id(cast("object", value))] = cast("object", value)
        if isinstance(value, dict):
            for inner in cast("dict[object, object]", value).values():
                self._fix(inner)
        if isinstance(value, list | tuple):
            for inner in cast("Sequence[object]", value):
                self._fix(inner)
        return cast("object", value)

    def _fix_all(self, values: dict[str, object]) -> dict[str, object]:
        return {name: self._fix(value) for name, value in values.items()}

    # -- attributes

    def attribute(self, value: object, name: str) -> object:
        self.step()
        match value:
            case Quiet() | NativeModule(name="logging"):
                return Quiet()
            case NativeModule(name=module):
                dotted = f"{module}.{name}"
                return NativeModule(dotted) if dotted in {"urllib.parse", "os.path"} else native_attribute(module, name)
            case Obj():
                return self._object_attribute(value, name)
            case ClassValue():
                return self._class_attribute(value, name)
            case Super():
                return self._super_attribute(value, name)
            case FuncValue() | Bound():
                raise Unsupported("an attribute of a function")
            case _:
                return method_of(value, name)

    def _object_attribute(self, value: Obj, name: str) -> object:
        if name in value.attrs:
            return value.attrs[name]
        if name == "__class__":
            return value.cls
        if value.cls.kind == "exception" and name == "args" and "args" not in value.attrs:
            raise Unsupported("args of an exception")
        found = value.cls.method(name)
        if found is None:
            return self._class_constant(value.cls, name)
        return self._take(found, value.cls, value)

    def _take(
        self, found: tuple[ast.FunctionDef | ast.AsyncFunctionDef, ClassValue], cls: ClassValue, value: Obj
    ) -> object:
        node, owner = found
        kinds = check_decorators(node)
        function = FuncValue(node, None, self, owner, self._fix_all(defaults_of(node, Frame(self))))
        if "staticmethod" in kinds:
            return function
        if "classmethod" in kinds:
            return Bound(function, cls)
        if "cached_property" in kinds:
            value.attrs[node.name] = self.call(function, (value,), {})
            return value.attrs[node.name]
        return self.call(function, (value,), {}) if "property" in kinds else Bound(function, value)

    def _class_attribute(self, cls: ClassValue, name: str) -> object:
        if name == "__name__":
            return cls.name
        if cls.kind == "enum" and name in cls.members:
            return cls.members[name]
        if cls.kind == "enum" and name == "__members__":
            return dict(cls.members)
        found = cls.method(name)
        if found is None:
            return self._class_constant(cls, name)
        kinds = check_decorators(found[0])
        function = FuncValue(found[0], None, self, found[1], self._fix_all(defaults_of(found[0], Frame(self))))
        return Bound(function, cls) if "classmethod" in kinds else function

    def _class_constant(self, cls: ClassValue, name: str) -> object:
        for one in cls.lineage():
            if name in one.constants:
                value = one.constants[name]
                if isinstance(value, Unsupported):
                    raise value
                return self._fix(value)
        if name.startswith("__") or any(c.method("__getattr__") for c in cls.lineage()):
            raise Unsupported(f"the attribute {name!r} of {cls.name}")
        raise AttributeError(name)

    def _super_attribute(self, value: Super, name: str) -> object:
        for base in value.owner.bases:
            found = base.method(name)
            if found is not None:
                kinds = check_decorators(found[0])
                if kinds & {"property", "cached_property", "staticmethod"}:
                    raise Unsupported("super() of a property")
                return Bound(
                    FuncValue(found[0], None, self, found[1], defaults_of(found[0], Frame(self))), value.receiver
                )
        if name == "__init__":
            return _nothing
        raise Unsupported(f"super().{name}")

    # -- calls

    def call(self, callee: object, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        self.step()
        match callee:
            case FuncValue():
                return self._call_function(callee, args, kwargs)
            case Bound(function=function, receiver=receiver):
                return self._call_function(function, [receiver, *args], kwargs)
            case ClassValue():
                return construct(callee, args, kwargs)
            case Quiet():
                return Quiet()
            case Obj():
                return self.call(self._object_attribute(callee, "__call__"), args, kwargs)
            case _:
                return self._call_native(callee, args, kwargs)

    def _call_native(self, callee: object, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if not callable(callee):
            raise TypeError("not callable")
        special = _SPECIAL.get(callee) if _hashable(callee) else None
        if special is not None:
            return special(self, *args)
        receiver = cast("object", getattr(callee, "__self__", None))
        if getattr(callee, "__name__", "") in CHANGING:
            self.guard_change(receiver)
        for value in args:
            isolate(value)
        return call_native(callee, args, kwargs)

    def _call_function(self, function: FuncValue, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        frame = Frame(self, parent=function.closure, owner=function.owner)
        _bind(function, args, kwargs, frame)
        self._depth += 1
        if self._depth > LIMIT_DEPTH:
            raise Unsupported("calls itself too deeply")
        try:
            return self._run_body(function, frame)
        finally:
            self._depth -= 1

    def _run_body(self, function: FuncValue, frame: Frame) -> object:
        node = function.node
        if isinstance(node, ast.Lambda):
            return evaluate(node.body, frame)
        if is_generator(node):
            return self._generate(node, frame)
        try:
            execute(node.body, frame)
        except Return as returned:
            return returned.value
        return None

    def _generate(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> Iterator[object]:
        if isinstance(node, ast.AsyncFunctionDef):
            raise Unsupported("an asynchronous generator")
        frame.yielded = []
        try:
            execute(node.body, frame)
        except Return:
            pass
        except EnoughItems:
            if self._depth > 1:
                raise Unsupported("a long generator") from None
            self.truncated = True
        return iter(frame.yielded)


def _hashable(callee: Callee) -> bool:
    """Bound methods of lists and the like are compared by their object: only plain functions are looked up."""
    return isinstance(callee, type) or getattr(callee, "__self__", None) is builtins


def _nothing(*args: object, **kwargs: object) -> None:
    return


def check_decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Names of the decorators; `Unsupported` if one of them could change what a call means."""
    names = {decorator_name(d) for d in node.decorator_list}
    if names - TRANSPARENT:
        raise Unsupported(f"decorated with {', '.join(sorted(names - TRANSPARENT)) or 'an expression'}")
    return names


def _bind(function: FuncValue, args: Sequence[object], kwargs: Mapping[str, object], frame: Frame) -> None:
    spec = function.node.args
    positional = [*spec.posonlyargs, *spec.args]
    left = dict(kwargs)
    if len(args) > len(positional) and spec.vararg is None:
        raise TypeError("too many arguments")
    for i, arg in enumerate([*positional, *spec.kwonlyargs]):
        if i < len(args) and i < len(positional):
            frame.names[arg.arg] = args[i]
        elif arg.arg in left:
            frame.names[arg.arg] = left.pop(arg.arg)
        elif arg.arg in function.defaults:
            frame.names[arg.arg] = function.defaults[arg.arg]
        elif not _late_default(function, arg.arg, frame):
            raise TypeError(f"missing argument {arg.arg!r}")
    if spec.vararg is not None:
        frame.names[spec.vararg.arg] = tuple(args[len(positional) :])
    if spec.kwarg is not None:
        frame.names[spec.kwarg.arg] = left
    elif left:
        raise TypeError("unexpected argument")


def _late_default(function: FuncValue, name: str, frame: Frame) -> bool:
    """Defaults of functions made without them (special methods); evaluated at the call."""
    values = defaults_of(function.node, Frame(frame.machine))
    if name in values:
        frame.names[name] = values[name]
    return name in values


def _isinstance(machine: Machine, value: object, wanted: object) -> object:
    return matches(value, wanted)


def _getattr(machine: Machine, value: object, name: object, *default: object) -> object:
    try:
        return machine.attribute(value, str(name))
    except AttributeError:
        if default:
            return default[0]
        raise


def _hasattr(machine: Machine, value: object, name: object) -> object:
    try:
        machine.attribute(value, str(name))
    except AttributeError:
        return False
    return True


def _type(machine: Machine, value: object, *more: object) -> object:
    if more:
        raise Unsupported("builds a class")
    return value.cls if isinstance(value, Obj) else type(value)


def _callable(machine: Machine, value: object) -> object:
    if isinstance(value, Obj):
        return value.cls.method("__call__") is not None
    return callable(value)


def _list(machine: Machine, *values: object) -> object:
    return list(items_of(values[0], machine.step)) if values else []


def _issubclass(machine: Machine, *values: object) -> object:
    raise Unsupported("issubclass")


def _print(machine: Machine, *values: object) -> object:
    return None


_SPECIAL: Mapping[Callable[..., object], Callable[..., object]] = {
    isinstance: _isinstance,
    print: _print,
    getattr: _getattr,
    hasattr: _hasattr,
    type: _type,
    callable: _callable,
    list: _list,
    issubclass: _issubclass,
}

__all__ = ["Branch", "Machine", "Raised", "check_decorators"]
