"""What a docstring must say of a definition, read from its tree: parameters, what it gives, what it raises.

Honest by construction: every description quotes the code or restates a name. Knows no docstring style.
Start with `facts_of`.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from copydesk.models.offline import docgives, docwords
from copydesk.models.offline.docraises import raises_of
from copydesk.models.offline.docuse import Uses, unused_or_quoted, use_of
from copydesk.models.offline.pycode import Definition, FunctionNode, Module, body_nodes, decorators, dotted, targets_of

Kind: TypeAlias = Literal["params", "attributes", "returns", "yields", "raises"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section. `name` holds the stars of `*args`; either `name` or `type` may be empty."""

    name: str
    type: str
    text: str
    optional: bool = False
    annotated: bool = False
    """The signature says the type already."""


@dataclass(frozen=True, slots=True)
class Facts:
    summary: str
    sections: tuple[tuple[Kind, tuple[Item, ...]], ...]
    note: str = ""
    """A sentence below the summary: what is changed beside what is given."""

    def section(self, kind: Kind) -> tuple[Item, ...]:
        return next((items for name, items in self.sections if name == kind), ())


def facts_of(module: Module, definition: Definition, uses: Uses | None = None) -> Facts:
    """The facts of a class or function. `uses`: of this module, when many are asked for."""
    if isinstance(definition.node, ast.ClassDef):
        return _class_facts(module, definition.node)
    return _function_facts(uses or Uses(module), definition.node, definition.owner)


def module_facts(module: Module, stem: str) -> Facts:
    """The facts of a module called `stem`: only what it defines can be said."""
    names = [d.qualname for d in module.definitions if "." not in d.qualname and not d.qualname.startswith("_")]
    title = docwords.phrase(stem)
    if not names:
        return Facts(f"{title[:1].upper()}{title[1:]}.", ())
    shown = ", ".join(f"`{name}`" for name in dict.fromkeys(names[:4]))
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return Facts(f"{title[:1].upper()}{title[1:]}: {shown}{more}.", ())


# --- functions -------------------------------------------------------------------------------------------


def parameters(node: FunctionNode, *, is_method: bool) -> list[tuple[str, ast.arg, ast.expr | None]]:
    """(shown name, argument, default), in order; without self or cls."""
    args = node.args
    positional = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    found = [(arg.arg, arg, default) for arg, default in zip(positional, defaults, strict=True)]
    if is_method and found and "staticmethod" not in decorators(node):
        found = found[1:]
    if args.vararg:
        found.append((f"*{args.vararg.arg}", args.vararg, None))
    found += [(arg.arg, arg, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    if args.kwarg:
        found.append((f"**{args.kwarg.arg}", args.kwarg, None))
    return found


def _function_facts(uses: Uses, node: FunctionNode, owner: ast.ClassDef | None) -> Facts:
    module = uses.module
    shown = parameters(node, is_method=owner is not None)
    yields, returns = _gives(node)
    role = _role(node)
    first = next((name for name, _, _ in shown if not name.startswith("*")), "")
    gives = "items" if yields else _kind_given(node, returns)
    summary = docwords.summary(node.name, owner=owner.name if owner else "", first=first, gives=gives)
    summary = _summary_for(role, node.name, summary)
    is_property = role in ("property", "setter", "deleter")
    sections: list[tuple[Kind, tuple[Item, ...]]] = [
        ("params", tuple(_parameter(uses, node, name, arg, default) for name, arg, default in shown)),
        (
            "yields",
            () if role in ("manager", "fixture") and not _telling(node, yields) else _yields(module, node, yields),
        ),
        ("returns", () if is_property or yields else _returns(module, node, returns)),
        ("raises", tuple(Item(name, "", text) for name, text in raises_of(module, node))),
    ]
    if role == "test":
        sections = [("params", ()), *sections[1:]] if not shown else sections
    effects = () if is_property or node.name == "__init__" else tuple(_effects(node, owner))
    return Facts(summary, tuple((kind, items) for kind, items in sections if items), " ".join(effects))


def _kind_given(node: FunctionNode, returns: list[ast.expr]) -> str:
    certain = [value for value in returns if not docgives.is_none(value)]
    if (certain and all(docgives.is_truth(value) for value in certain)) or dotted(node.returns) == "bool":
        return "truth"
    return "value" if returns or _promises(node) else "nothing"


def _summary_for(role: str, name: str, summary: str) -> str:
    """The sentence as properties, context managers, fixtures and tests have it."""
    noun = docwords.phrase(name)
    parts = docwords.words(name)
    is_verb = bool(parts) and parts[0] in docwords.VERBS
    match role:
        case "property":
            is_question = len(parts) > 1 and parts[0] in docwords.QUESTIONS
            return (
                f"Whether it {' '.join(parts)}."
                if is_question
                else f"The {noun}{' one' * (len(parts) == 1 and parts[0] in docwords.ADJECTIVES)}."
            )
        case "setter":
            return f"Set the {noun}."
        case "deleter":
            return f"Delete the {noun}."
        case "test":
            return docwords.test_summary(name)
        case "fixture":
            return summary if is_verb else f"Provide the {noun} to a test."
        case "manager":
            return (
                f"{summary[:-1]} for the length of a `with` block."
                if is_verb
                else f"Provide the {noun} within a `with` block."
            )
        case _:
            return summary


def _role(node: FunctionNode) -> str:
    for name in decorators(node):
        last = name.rpartition(".")[2]
        if last in ("property", "cached_property", "abstractproperty") or last == "getter":
            return "property"
        if name in (f"{node.name}.setter", f"{node.name}.deleter"):
            return last
        if last in ("contextmanager", "asynccontextmanager"):
            return "manager"
        if last == "fixture":
            return "fixture"
    return "test" if node.name.startswith("test_") else ""


def _telling(node: FunctionNode, yields: list[ast.Yield | ast.YieldFrom]) -> bool:
    del node
    return any(isinstance(item, ast.Yield) and item.value is not None for item in yields)


def _effects(node: FunctionNode, owner: ast.ClassDef | None) -> Iterator[str]:
    """What it changes beside what it gives: attributes of self, as far as a few."""
    if owner is None:
        return
    names: dict[str, None] = {}
    for item in body_nodes(node):
        for target in targets_of(item):
            if isinstance(target, ast.Attribute) and dotted(target.value) == "self":
                names.setdefault(f"`self.{target.attr}`")
    shown = list(names)
    if 0 < len(shown) <= 4:
        yield f"Sets {', '.join(shown[:-1]) + ' and ' if len(shown) > 1 else ''}{shown[-1]}."


def _parameter(uses: Uses, node: FunctionNode, name: str, arg: ast.arg, default: ast.expr | None) -> Item:
    kind = uses.module.brief(arg.annotation, 80)
    if name.startswith("*"):
        said = uses.documented.get(arg.arg) or _passed_on(node, arg.arg, keywords=name.startswith("**"))
        what = "keyword" if name.startswith("**") else "positional"
        return Item(name, kind, said or f"Further {what} arguments.", annotated=arg.annotation is not None)
    said = _flag(uses, arg.arg, kind, default) or _used(uses, node, arg.arg)
    text = " ".join(part for part in (said, _default(uses.module, default)) if part)
    return Item(
        arg.arg, "" if kind == "NoneType" else kind, text or f"The {docwords.phrase(arg.arg)}.",
        optional=default is not None, annotated=arg.annotation is not None,
    )  # fmt: skip


def _passed_on(node: FunctionNode, name: str, *, keywords: bool) -> str:
    """Where `*args` or `**kwargs` goes, when that is one call."""
    found: dict[str, None] = {}
    for item in body_nodes(node):
        if isinstance(item, ast.Call):
            double = [keyword.value for keyword in item.keywords if keyword.arg is None]
            single = [value.value for value in item.args if isinstance(value, ast.Starred)]
            if any(dotted(value) == name for value in (double if keywords else single)):
                found.setdefault(_callee(item.func))
    where = list(found)
    what = "Keyword" if keywords else "Positional"
    return f"{what} arguments for {where[0]}." if len(where) == 1 and where[0] else ""


def _callee(func: ast.expr) -> str:
    match func:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attr):
            return f"`super().{attr}`"
        case _:
            return f"`{dotted(func)}`" if dotted(func) else ""


def _flag(uses: Uses, name: str, kind: str, default: ast.expr | None) -> str:
    value = default.value if isinstance(default, ast.Constant) else None
    if uses.documented.get(name) or (kind != "bool" and not isinstance(value, bool)):
        return ""
    said = docwords.switch(name) or f"{docwords.phrase(name).capitalize()} or not"
    return f"{said}."


def _used(uses: Uses, node: FunctionNode, name: str) -> str:
    """How it is used; before that the words of a name that says more than itself."""
    if name in uses.documented:
        return uses.documented[name]
    phrase = docwords.phrase(name)
    start = f"{phrase[:1].upper()}{phrase[1:]}." if docwords.says_more(name) else ""
    said = use_of(uses, node, name)
    if start or said:
        return " ".join(part for part in (start, said) if part)
    if len(docwords.words(name)) > 1:
        return f"The {phrase}."
    return unused_or_quoted(uses.module, node, name)


def _default(module: Module, default: ast.expr | None) -> str:
    if default is None:
        return ""
    if isinstance(default, ast.Constant) and default.value is None:
        return "Optional."
    value = module.brief(default, 40)
    return f"Defaults to {value}." if value and not value.endswith(".") else "Optional."


def _described(module: Module, name: str, kind: str, default: ast.expr | None) -> Item:
    """An attribute of a class: its words, and the value it starts with."""
    phrase = docwords.phrase(name.lower() if name.isupper() else name)
    text = f"{phrase[:1].upper()}{phrase[1:]}." if docwords.says_more(name) else f"The {phrase}."
    if kind == "bool" and docwords.switch(name):
        text = f"{docwords.switch(name)}."
    if default is not None:
        value = module.brief(default, 40)
        text += f" Defaults to {value}." if value and not value.endswith(".") else ""
    return Item(name, kind, text, optional=default is not None)


def _gives(node: FunctionNode) -> tuple[list[ast.Yield | ast.YieldFrom], list[ast.expr]]:
    """The yields and the returned values of a function itself."""
    nodes = list(body_nodes(node))
    yields = [item for item in nodes if isinstance(item, ast.Yield | ast.YieldFrom)]
    returned = [item.value or ast.Constant(None) for item in nodes if isinstance(item, ast.Return)]
    if all(docgives.is_none(value) for value in returned):
        returned = []
    return yields, returned


def _promises(node: FunctionNode) -> bool:
    """Whether the annotation says that a value comes back though the body shows none (a stub, an abstract one)."""
    plain = dotted(node.returns).rpartition(".")[2]
    return node.returns is not None and not docgives.is_none(node.returns) and plain not in ("NoReturn", "Never")


def _returns(module: Module, node: FunctionNode, returned: list[ast.expr]) -> tuple[Item, ...]:
    if not returned and not _promises(node):
        return ()
    kind = module.brief(node.returns, 80) or _literal_type(returned)
    annotated = node.returns is not None
    if node.name in ("__init__", "__new__"):
        return () if node.name == "__init__" else (Item("", kind, "The new instance.", annotated=annotated),)
    text = docgives.returned(module, node, returned)
    if not annotated and kind in text.lower().split(" "):
        kind = ""
    if not text and kind:
        text = (
            f"{'An' if kind[0] in 'AEIOaeio' else 'A'} `{kind}`."
            if len(kind) <= 40 and "|" not in kind
            else f"`{kind}`."
        )
    return (Item("", kind, text or docgives.quoted_values(module, returned), annotated=annotated),)


def _literal_type(values: list[ast.expr]) -> str:
    """The one built-in type that every value plainly has, or empty."""
    kinds = {_type_of(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else ""


def _type_of(value: ast.expr) -> str:
    match value:
        case ast.Constant(value=bool() | int() | float() | complex() | str() | bytes() as constant):
            return type(constant).__name__
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "bool"
        case ast.JoinedStr():
            return "str"
        case ast.List() | ast.ListComp():
            return "list"
        case ast.Dict() | ast.DictComp():
            return "dict"
        case ast.Set() | ast.SetComp():
            return "set"
        case ast.Tuple():
            return "tuple"
        case _:
            return ""


def _yields(module: Module, node: FunctionNode, yields: list[ast.Yield | ast.YieldFrom]) -> tuple[Item, ...]:
    if not yields:
        return ()
    kind = ""
    match node.returns:
        case ast.Subscript(slice=ast.Tuple(elts=[first, *_])):
            kind = module.brief(first, 80)
        case ast.Subscript(slice=inner):
            kind = module.brief(inner, 80)
        case _:
            pass
    return (Item("", kind, docgives.yielded(module, node, yields, kind), annotated=bool(kind)),)


# --- classes ---------------------------------------------------------------------------------------------


def _class_facts(module: Module, node: ast.ClassDef) -> Facts:
    noun = docwords.phrase(node.name)
    bases = [dotted(base).rpartition(".")[2] for base in node.bases]
    summary = noun if noun.endswith("s") and not noun.endswith(("ss", "us", "is")) else docwords.article(noun)
    if any(base.endswith(("Enum", "Flag")) for base in bases):
        summary = f"an enumeration: {noun}"
    elif node.name.startswith("Test") and len(docwords.words(node.name)) > 1:
        summary = f"tests of {' '.join(docwords.words(node.name)[1:])}"
    elif any(base.endswith(("Error", "Exception", "Warning")) for base in bases):
        summary = f"{docwords.article(noun)}, a kind of `{dotted(node.bases[0])}`"
    elif "Protocol" in bases:
        summary = f"what {docwords.article(noun)} provides"
    attributes = tuple(_attributes(module, node).values())
    return Facts(f"{summary[:1].upper()}{summary[1:]}.", (("attributes", attributes),) if attributes else ())


def _attributes(module: Module, node: ast.ClassDef) -> dict[str, Item]:
    """Public attributes: annotated or plain ones of the class body, then what `__init__` sets on self."""
    found: dict[str, Item] = {}
    for statement in node.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                found[name] = _described(module, name, module.brief(annotation, 80), value)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = _described(module, name, _type_of(value), value)
            case ast.FunctionDef(name="__init__") as init:
                for name, item in _set_on_self(module, init).items():
                    found.setdefault(name, item)
            case _:
                pass
    return {name: item for name, item in found.items() if not name.startswith("_")}


def _set_on_self(module: Module, init: ast.FunctionDef) -> dict[str, Item]:
    types = {arg.arg: module.brief(arg.annotation, 80) for _, arg, _ in parameters(init, is_method=True)}
    found: dict[str, Item] = {}
    for node in body_nodes(init):
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                kind = types.get(value.id, "") if isinstance(value, ast.Name) else _type_of(value)
            case ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=name), annotation=annotation):
                kind = module.brief(annotation, 80)
            case _:
                continue
        found.setdefault(name, _described(module, name, kind, None))
    return found
