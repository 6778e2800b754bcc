"""What a docstring must say of a definition, read from its tree: parameters, what it gives, what it raises.

Honest by construction: every description quotes the code or restates a name. Knows no docstring style.
Start with `facts_of`.
"""

import ast
from dataclasses import dataclass
from typing import Literal, TypeAlias

from copydesk.models.offline import docwords
from copydesk.models.offline.docraises import raises_of
from copydesk.models.offline.pycode import Definition, FunctionNode, Module, body_nodes, decorators, dotted

Kind: TypeAlias = Literal["params", "attributes", "returns", "yields", "raises"]


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section. `name` holds the stars of `*args`; either `name` or `type` may be empty."""

    name: str
    type: str
    text: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    summary: str
    sections: tuple[tuple[Kind, tuple[Item, ...]], ...]

    def section(self, kind: Kind) -> tuple[Item, ...]:
        return next((items for name, items in self.sections if name == kind), ())


def facts_of(module: Module, definition: Definition) -> Facts:
    """The facts of a class or function."""
    if isinstance(definition.node, ast.ClassDef):
        return _class_facts(module, definition.node)
    return _function_facts(module, definition.node, definition.owner)


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


def _function_facts(module: Module, node: FunctionNode, owner: ast.ClassDef | None) -> Facts:
    shown = parameters(node, is_method=owner is not None)
    yields, returns = _gives(node)
    property_like = _property_role(node)
    first = shown[0][0].lstrip("*") if shown else ""
    gives = "items" if yields else "value" if returns or _promises(node) else "nothing"
    summary = docwords.summary(node.name, owner=owner.name if owner else "", first=first, gives=gives)
    if property_like:
        summary = f"{property_like} the {docwords.phrase(node.name)}."
    sections: list[tuple[Kind, tuple[Item, ...]]] = [
        ("params", tuple(_parameter(module, name, arg, default) for name, arg, default in shown)),
        ("yields", _yields(module, node, yields)),
        ("returns", () if property_like or yields else _returns(module, node, returns)),
        ("raises", tuple(Item(name, "", text) for name, text in raises_of(module, node))),
    ]
    return Facts(summary, tuple((kind, items) for kind, items in sections if items))


def _property_role(node: FunctionNode) -> str:
    for name in decorators(node):
        last = name.rpartition(".")[2]
        if last in ("property", "cached_property", "abstractproperty") or last == "getter":
            return "Return"
        if name == f"{node.name}.setter":
            return "Set"
        if name == f"{node.name}.deleter":
            return "Delete"
    return ""


def _parameter(module: Module, name: str, arg: ast.arg, default: ast.expr | None) -> Item:
    kind = module.brief(arg.annotation, 80)
    if name.startswith("**"):
        return Item(name, kind, "Further keyword arguments.")
    if name.startswith("*"):
        return Item(name, kind, "Further positional arguments.")
    return _described(module, arg.arg, kind, default)


def _described(module: Module, name: str, kind: str, default: ast.expr | None) -> Item:
    flag = kind == "bool" or (isinstance(default, ast.Constant) and isinstance(default.value, bool))
    text = f"The {docwords.phrase(name)}{' flag' * flag}."
    if default is not None:
        value = module.brief(default)
        text += f" Defaults to {value}." if value and not value.endswith(".") else " Optional."
    return Item(name, "" if kind == "NoneType" else kind, text, optional=default is not None)


def _gives(node: FunctionNode) -> tuple[list[ast.Yield | ast.YieldFrom], list[ast.expr]]:
    """The yields and the returned values of a function itself."""
    nodes = list(body_nodes(node))
    yields = [item for item in nodes if isinstance(item, ast.Yield | ast.YieldFrom)]
    returned = [item.value for item in nodes if isinstance(item, ast.Return) and item.value is not None]
    if all(_is_none(value) for value in returned):
        returned = []
    return yields, returned


def _promises(node: FunctionNode) -> bool:
    """Whether the annotation says that a value comes back though the body shows none (a stub, an abstract one)."""
    plain = dotted(node.returns).rpartition(".")[2]
    return node.returns is not None and not _is_none(node.returns) and plain not in ("NoReturn", "Never")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, "None")


def _returns(module: Module, node: FunctionNode, returned: list[ast.expr]) -> tuple[Item, ...]:
    if not returned and not _promises(node):
        return ()
    kind = module.brief(node.returns, 80) or _literal_type(returned)
    if node.name in ("__init__", "__new__"):
        return () if node.name == "__init__" else (Item("", kind, "The new instance."),)
    return (Item("", kind, _value(module, node.name, returned)),)


def _value(module: Module, name: str, returned: list[ast.expr]) -> str:
    certain = [value for value in returned if not _is_none(value)]
    tail = ", or None" if len(certain) < len(returned) else ""
    if certain and all(_literal_type([value]) == "bool" for value in certain):
        return f"Whether the condition holds{tail}." if not tail else f"A truth value{tail}."
    texts = list(dict.fromkeys(module.brief(value, 50) for value in certain))
    if len(texts) == 1 and texts[0]:
        match certain[0]:
            case ast.Name(id="self"):
                return f"This instance{tail}."
            case ast.Constant():
                return f"Always `{texts[0]}`." if not tail else f"The value of `{texts[0]}`{tail}."
            case ast.Name(id=local):
                return f"The {docwords.phrase(local)}{tail}."
            case _:
                return f"The value of `{texts[0]}`{tail}."
    said = docwords.words(name)
    noun = " ".join(said[1:]) if len(said) > 1 and said[0].lower() in docwords.VERBS else "result"
    return f"The {noun}{tail}."


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
    values = [item.value for item in yields if isinstance(item, ast.Yield) and item.value is not None]
    texts = list(dict.fromkeys(module.brief(value, 50) for value in values))
    if len(texts) == 1 and texts[0] and len(values) == len(yields):
        return (Item("", kind, f"The value of `{texts[0]}`."),)
    return (Item("", kind, "The next item." if values or len(yields) else "Nothing."),)


# --- classes ---------------------------------------------------------------------------------------------


def _class_facts(module: Module, node: ast.ClassDef) -> Facts:
    noun = docwords.phrase(node.name)
    bases = [dotted(base).rpartition(".")[2] for base in node.bases]
    summary = docwords.article(noun)
    if any(base.endswith(("Enum", "Flag")) for base in bases):
        summary = f"an enumeration of {noun}"
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
        found.setdefault(name, Item(name, kind, f"The {docwords.phrase(name)}."))
    return found
