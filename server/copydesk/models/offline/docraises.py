"""What a function raises, from its raise statements: not what it catches itself, not what nested functions raise.

Start with `raises_of`.
"""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from copydesk.models.offline.docconditions import condition
from copydesk.models.offline.pycode import FunctionNode, Module, dotted


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a statement stands: the nearest condition, the exceptions caught around it, the handler it is in."""

    condition: str = ""
    caught: frozenset[str] = frozenset()
    handling: tuple[str, ...] = ()
    handled_name: str = ""
    is_last: bool = False
    is_certain: bool = True
    """Nothing decides whether it is reached."""


def raises_of(module: Module, node: FunctionNode) -> list[tuple[str, str]]:
    """(exception, when), each exception once, in order of appearance."""
    known = _assigned_errors(node)
    found: dict[str, list[str]] = {}
    for statement, around in _raises(module, node.body, _Around()):
        for name, when in _named(module, statement, around, known):
            if name not in around.caught and "BaseException" not in around.caught:
                found.setdefault(name, []).append(when)
    return [(name, _when(reasons)) for name, reasons in found.items()]


def _when(reasons: list[str]) -> str:
    said = list(dict.fromkeys(reason for reason in reasons if reason))
    if not said:
        return "In some cases: see the code."
    text = " or ".join([said[0], *(reason[:1].lower() + reason[1:] for reason in said[1:2])])
    return f"{text}, and in other cases." if len(said) > 2 else f"{text}."


def _named(module: Module, statement: ast.Raise, around: _Around, known: dict[str, str]) -> list[tuple[str, str]]:
    value = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    name = dotted(value)
    if statement.exc is None or (name and name == around.handled_name):
        return [(caught, "Raised again after it is caught") for caught in around.handling]
    name = known.get(name, name)
    if not name.rpartition(".")[2][:1].isupper():
        return []
    when = f"If {around.condition}" if around.condition else ""
    if not when and around.handling:
        when = f"When {' or '.join(f'`{one}`' for one in around.handling)} is caught"
    if not when and around.is_last:
        when = "If no case before it applies"
    elif not when and around.is_certain:
        when = "Always: a subclass has to provide this" if name.endswith("NotImplementedError") else "Always"
    text = message_of(module, statement.exc)
    if text and len(when) + len(text) <= 140:
        when = f"{when}: {text}" if when else f"With the message {text}"
    return [(name, when)]


def message_of(module: Module, raised: ast.expr) -> str:
    """The message as it stands in the code, quotes and all; empty when it is not one short literal."""
    match raised:
        case ast.Call(args=[ast.Constant(value=str()) | ast.JoinedStr() as literal, *_]):
            text = module.brief(literal, 70)
            return text.removeprefix("f") if "\\" not in text and text.endswith(('"', "'")) else ""
        case _:
            return ""


def _assigned_errors(node: FunctionNode) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in ast.walk(node):
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=func)):
                found[name] = dotted(func)
            case _:
                pass
    return found


def _raises(module: Module, body: Sequence[ast.stmt], around: _Around) -> Iterator[tuple[ast.Raise, _Around]]:
    for statement in body:
        match statement:
            case ast.Raise():
                yield statement, replace(around, is_last=_follows_cases(body, statement))
            case ast.If(test=test):
                yield from _raises(
                    module, statement.body, replace(around, condition=condition(module, test), is_certain=False)
                )
                denied = condition(module, test, holds=False) if statement.orelse else ""
                yield from _raises(module, statement.orelse, replace(around, condition=denied, is_certain=False))
            case ast.Try() | ast.TryStar():
                yield from _of_try(module, statement, around)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _:
                is_with = isinstance(statement, ast.With | ast.AsyncWith)
                inner = around if is_with else replace(around, is_certain=False)
                yield from _raises(module, _blocks(statement), inner)


def _follows_cases(body: Sequence[ast.stmt], statement: ast.stmt) -> bool:
    """Whether statements before it in its block may return first."""
    before = body[: body.index(statement)]
    return any(isinstance(node, ast.Return) for one in before for node in ast.walk(one))


def _of_try(module: Module, node: ast.Try | ast.TryStar, around: _Around) -> Iterator[tuple[ast.Raise, _Around]]:
    caught = frozenset(name for handler in node.handlers for name in _caught(handler.type))
    yield from _raises(module, node.body, replace(around, caught=around.caught | caught | _wide(caught)))
    for handler in node.handlers:
        names = tuple(name for name in _caught(handler.type) if name not in ("BaseException",))
        inside = replace(around, condition="", handling=names, handled_name=handler.name or "", is_certain=False)
        yield from _raises(module, handler.body, inside)
    yield from _raises(module, [*node.orelse, *node.finalbody], around)


def _wide(caught: frozenset[str]) -> frozenset[str]:
    return frozenset({"BaseException"}) if "Exception" in caught else frozenset()


def _caught(kind: ast.expr | None) -> list[str]:
    if kind is None:
        return ["BaseException"]
    names = [dotted(item) for item in kind.elts] if isinstance(kind, ast.Tuple) else [dotted(kind)]
    return [name for name in names if name]


def _blocks(statement: ast.stmt) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.stmt):
            found.append(child)
        elif isinstance(child, ast.match_case):
            found.extend(child.body)
    return found
