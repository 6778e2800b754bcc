"""Finds the inputs worth a test: tries candidates in the evaluator and keeps those that reach something new.

Owns: the search and what is known of each outcome. Must not know: how a test is spelled. Start at `find_cases`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from copydesk.models.offline.skeleton_inputs import candidates, constructions
from copydesk.models.offline.skeleton_machine import Branch, Machine, Raised
from copydesk.models.offline.skeleton_native import items_of, native_attribute
from copydesk.models.offline.skeleton_objects import Frame, NativeModule, Obj, Unsupported
from copydesk.models.offline.skeleton_render import message_of, render
from copydesk.models.offline.skeleton_source import Def, Module, decorator_name, is_generator, parameters

LIMIT_TRIES = 160
LIMIT_CASES = 12
EXTRA_NAMES = {"Decimal": "decimal", "Fraction": "fractions", "date": "datetime", "datetime": "datetime",
               "timedelta": "datetime"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be tested. `kind`: function, method, static, class_method, property or constructor."""

    name: str
    kind: str
    node: Def | None
    owner: ast.ClassDef | None = None

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def gives_items(self) -> bool:
        return self.node is not None and is_generator(self.node)


@dataclass(frozen=True, slots=True)
class Case:
    """One call and what is known of it. `expected` is an expression; '' when the result is not known.

    `outcome`: value, items, raises, state (only `checks` are known) or unknown. `inputs` pairs parameter and text.
    """

    receiver: str
    inputs: tuple[tuple[str, str, bool], ...]
    outcome: str
    expected: str = ""
    message: str | None = None
    checks: tuple[tuple[str, str], ...] = ()
    branches: frozenset[Branch] = frozenset()
    line: int = 0


@dataclass(slots=True)
class Found:
    """The kept cases, the reason the evaluator gave up most plainly, and whether any call was understood."""

    cases: list[Case] = field(default_factory=list[Case])
    gave_up: str = ""
    first_try: Case | None = None
    accident: str = ""


Row = tuple[str, str | None, bool]  # parameter, text (None: leave the default), keyword only


def find_cases(module: Module, target: Target) -> Found:
    """Try inputs in a fixed order; keep each that takes a branch, raise or kind of outcome not seen before."""
    found, seen = Found(), set[object]()
    base: tuple[str, tuple[Row, ...]] | None = None
    for stage in (_diagonals, _singles, _pairs):
        for receiver, rows in _limited(stage(module, target, base)):
            case = _try(module, target, receiver, rows, found)
            if case is None:
                continue
            base = base or (receiver, rows) if case.outcome != "raises" else base
            news = {*case.branches, ("raises", case.line) if case.outcome == "raises" else "value"} - seen
            if news and len(found.cases) < LIMIT_CASES:
                seen |= news
                found.cases.append(case)
    return found


def _limited(tries: Iterator[tuple[str, tuple[Row, ...]]]) -> Iterator[tuple[str, tuple[Row, ...]]]:
    for n, one in enumerate(tries):
        if n >= LIMIT_TRIES:
            return
        yield one


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    texts: tuple[str, ...]
    required: bool
    keyword: bool


def _columns(module: Module, target: Target) -> list[_Column]:
    if target.node is None:
        return []
    rows = parameters(target.node)
    if target.kind in {"method", "class_method", "property", "constructor"}:
        rows = rows[1:]
    return [_Column(a.arg, tuple(candidates(module, target.node, a, d)), d is None, kw) for a, d, kw in rows]


def _receivers(module: Module, target: Target) -> list[str]:
    if target.owner is None:
        return [""]
    if target.kind in {"static", "class_method", "constructor"} and target.node is not None:
        return [target.owner.name]
    return constructions(module, target.owner)


def _diagonals(module: Module, target: Target, base: object) -> Iterator[tuple[str, tuple[Row, ...]]]:
    columns = _columns(module, target)
    if any(c.required and not c.texts for c in columns):
        return
    size = max((len(c.texts) for c in columns if c.required), default=1)
    for receiver in _receivers(module, target):
        for i in range(size):
            for shift in (1, 0) if len(columns) > 1 else (0,):
                yield receiver, _diagonal(columns, i, shift)


def _n_alike(columns: list[_Column], j: int) -> int:
    """How many columns before the j-th start with the same text."""
    return sum(c.texts[:1] == columns[j].texts[:1] for c in columns[:j])


def _diagonal(columns: list[_Column], i: int, shift: int) -> tuple[Row, ...]:
    """The i-th text of every required column; with a shift neighbours get different ones."""
    return tuple(
        (c.name, c.texts[(i + shift * _n_alike(columns, j)) % len(c.texts)] if c.required else None, c.keyword)
        for j, c in enumerate(columns)
    )


def _singles(
    module: Module, target: Target, base: tuple[str, tuple[Row, ...]] | None
) -> Iterator[tuple[str, tuple[Row, ...]]]:
    if base is None:
        return
    for i, column in enumerate(_columns(module, target)):
        for text in column.texts:
            rows = list(base[1])
            rows[i] = (column.name, text, column.keyword)
            yield base[0], tuple(rows)


def _pairs(
    module: Module, target: Target, base: tuple[str, tuple[Row, ...]] | None
) -> Iterator[tuple[str, tuple[Row, ...]]]:
    columns = _columns(module, target)
    if any(c.required and not c.texts for c in columns):
        return
    for receiver in _receivers(module, target)[:3]:
        start = base[1] if base else tuple((c.name, c.texts[0] if c.required else None, c.keyword) for c in columns)
        for (i, left), (j, right) in combinations(enumerate(columns), 2):
            for a in left.texts[:7]:
                for b in right.texts[:7]:
                    rows = list(start)
                    rows[i], rows[j] = (left.name, a, left.keyword), (right.name, b, right.keyword)
                    yield receiver, tuple(rows)


def _inputs(target: Target, rows: tuple[Row, ...]) -> tuple[tuple[str, str, bool], ...]:
    """Drop defaults left alone; whatever follows one goes by keyword."""
    out: list[tuple[str, str, bool]] = []
    skipped = False
    for name, text, keyword in rows:
        if text is None:
            skipped = True
        else:
            out.append((name, text, keyword or skipped))
    return tuple(out)


def _try(module: Module, target: Target, receiver: str, rows: tuple[Row, ...], found: Found) -> Case | None:
    inputs = _inputs(target, rows)
    n_positional = len(target.node.args.posonlyargs) if target.node is not None else 0
    if (
        any(kw and any(name == a.arg for a in target.node.args.posonlyargs) for name, _, kw in inputs if target.node)
        and n_positional
    ):
        return None
    run = Run(module, target, receiver, inputs)
    try:
        return run.case()
    except Unsupported as reason:
        found.gave_up = found.gave_up or str(reason)
        if not run.started and (target.owner is not None or not any("Path(" in text for _, text, _ in inputs)):
            return None
        found.first_try = found.first_try or Case(receiver, inputs, "unknown")
    except Raised as accident:
        found.accident = found.accident or type(accident.value).__name__
    except Exception as error:  # noqa: BLE001  # whatever a native operation throws, the try is only dropped
        found.accident = found.accident or type(error).__name__
    return None


class Run:
    """One call inside a fresh evaluator."""

    def __init__(
        self, module: Module, target: Target, receiver: str, inputs: tuple[tuple[str, str, bool], ...]
    ) -> None:
        self.module, self.target, self.receiver, self.inputs = module, target, receiver, inputs
        self.machine = Machine(module)
        self.started = False

    def case(self) -> Case:
        frame = Frame(self.machine, _extra_names(self.module))
        receiver = self._text(self.receiver, frame) if self.receiver and not self._constructs() else None
        values = [(name, self._text(text, frame), kw) for name, text, kw in self.inputs]
        before = [render(value) for _, value, _ in values]
        state = _state(receiver)
        self.machine.covered.clear()
        self.started = True
        try:
            result = self._call(receiver, values, frame)
        except Raised as raised:
            if not raised.explicit:
                raise
            return self._raised(raised)
        changes = _changes(values, before, receiver, state)
        return self._known(result, changes)

    def _constructs(self) -> bool:
        return self.target.kind == "constructor"

    def _text(self, text: str, frame: Frame) -> object:
        return self.machine.evaluate(ast.parse(text, mode="eval").body, frame)

    def _call(self, receiver: object, values: list[tuple[str, object, bool]], frame: Frame) -> object:
        if self._constructs():
            if self.target.node is None:
                return self._text(self.receiver, frame)
            callee = self.machine.name(self.receiver)
        elif self.target.owner is None:
            callee = self.machine.name(self.target.name)
        else:
            callee = self.machine.attribute(receiver, self.target.name)
            if self.target.kind == "property":
                return callee
        args = [value for _, value, keyword in values if not keyword]
        return self.machine.call(callee, args, {name: value for name, value, keyword in values if keyword})

    def _raised(self, raised: Raised) -> Case:
        value = raised.value
        name = value.cls.name if isinstance(value, Obj) else type(value).__name__
        if not isinstance(value, Obj) and type(value).__module__ != "builtins":
            raise Unsupported("raises an exception from outside")
        if name in {"StopIteration", "GeneratorExit", "KeyboardInterrupt", "SystemExit"}:
            raise Unsupported(f"raises {name}")
        covered = frozenset(self.machine.covered)
        return Case(self.receiver, self.inputs, "raises", name, message_of(value), (), covered, raised.line)

    def _known(self, result: object, checks: tuple[tuple[str, str], ...]) -> Case:
        outcome = "value"
        if self.target.gives_items:
            result = list(items_of(result, self.machine.step))[:20]
            outcome = "items"
        if self._constructs():
            return self._built(result)
        expected = render(result)
        if expected is None:
            if isinstance(result, Obj):
                checks = (*checks, *((f".{n}", t) for n, t in _state(result).items()))
                return self._case("object", result.cls.name, checks)
            return self._case(
                "state" if checks else "unknown", type(result).__name__ if type(result) in _SHOWN else "", checks
            )
        return self._case(outcome, expected, checks)

    def _built(self, result: object) -> Case:
        if not isinstance(result, Obj):
            raise Unsupported("not an object")
        return self._case("built", result.cls.name, tuple((f".{n}", t) for n, t in _state(result).items()))

    def _case(self, outcome: str, expected: str, checks: tuple[tuple[str, str], ...]) -> Case:
        return Case(self.receiver, self.inputs, outcome, expected, None, checks, frozenset(self.machine.covered))


_SHOWN = frozenset({int, str, float, bytes, list, dict, tuple, set, bool})


def _extra_names(module: Module) -> dict[str, object]:
    names: dict[str, object] = {}
    for name, origin in EXTRA_NAMES.items():
        if not module.is_local(name):
            names[name] = native_attribute(origin, name)
    if not module.is_local("re"):
        names["re"] = NativeModule("re")
    return names


def _state(value: object) -> dict[str, str]:
    """Public attributes of an object of the file that can be written down."""
    if not isinstance(value, Obj) or value.cls.kind == "enum":
        return {}
    shown = {name: render(item) for name, item in value.attrs.items() if not name.startswith("_")}
    if value.cls.kind == "exception":
        shown.pop("args", None)
    return {name: text for name, text in shown.items() if text is not None}


def _changes(
    values: list[tuple[str, object, bool]], before: list[str | None], receiver: object, state: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    rows: list[tuple[str, str]] = []
    for (name, value, _), old in zip(values, before, strict=True):
        new = render(value)
        if old is not None and new != old:
            if new is None:
                raise Unsupported("an argument changes into something that cannot be written down")
            rows.append((name, new))
    now = _state(receiver)
    rows.extend((f".{name}", text) for name, text in now.items() if state.get(name) != text)
    return tuple(rows)


def targets_of(module: Module, qualname: str | None) -> list[Target]:
    """The functions and methods a name stands for; all public ones when it is None."""
    if qualname is None:
        public = [n for n in (*module.functions, *module.classes) if not n.startswith("_")]
        return [t for name in public for t in targets_of(module, name)]
    head, _, member = qualname.partition(".")
    if not member and head in module.functions:
        return [Target(head, "function", module.functions[head])]
    if head not in module.classes:
        return []
    rows = _class_targets(module.classes[head])
    return (
        [t for t in rows if t.name == member or (member == "__init__" and t.kind == "constructor")] if member else rows
    )


def _class_targets(node: ast.ClassDef) -> list[Target]:
    methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)}
    rows = [Target(node.name, "constructor", methods.get("__init__"), node)]
    for name, method in methods.items():
        if name.startswith("_") or any(
            decorator_name(d) in {"overload", "abstractmethod", "setter"} for d in method.decorator_list
        ):
            continue
        rows.append(Target(name, _method_kind(method), method, node))
    return rows


def _method_kind(method: Def) -> str:
    names = {decorator_name(d) for d in method.decorator_list}
    kinds = {
        "staticmethod": "static",
        "classmethod": "class_method",
        "property": "property",
        "cached_property": "property",
    }
    return next((kinds[name] for name in sorted(names) if name in kinds), "method")


__all__ = ["Case", "Found", "Target", "find_cases", "targets_of"]
