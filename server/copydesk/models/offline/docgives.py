"""What a function returns or yields, in words taken from its return expressions.

An empty description means that the code shows nothing beyond a type. Start with `returned` and `yielded`.
"""

import ast
import re
from collections.abc import Sequence

from copydesk.models.offline import docwords
from copydesk.models.offline.docconditions import condition, quoted
from copydesk.models.offline.pycode import FunctionNode, Module, body_nodes, dotted, targets_of

_NEW: dict[type[ast.expr], str] = {
    ast.ListComp: "list",
    ast.SetComp: "set",
    ast.DictComp: "dict",
    ast.GeneratorExp: "generator",
}
_BUILT = {"sorted": "A sorted list", "list": "A list", "tuple": "A tuple", "set": "A set", "dict": "A dict",
          "frozenset": "A frozenset", "reversed": "A reversed iterator", "iter": "An iterator"}  # fmt: skip
_TRUTHS = frozenset(("isinstance", "issubclass", "callable", "hasattr", "bool", "any", "all"))
_TRUTH_METHODS_WORDS = """
    startswith endswith isdigit isidentifier isspace isupper islower exists is_file is_dir isalnum
    isalpha issubset issuperset isdisjoint
"""
_TRUTH_METHODS = frozenset(_TRUTH_METHODS_WORDS.split())


def returned(module: Module, node: FunctionNode, values: Sequence[ast.expr]) -> str:
    """A sentence on the value, or empty. `values`: what the returns give, None among them."""
    certain = [value for value in values if not is_none(value)]
    tail = ", or None" if len(certain) < len(values) else ""
    if not certain:
        return ""
    if all(is_truth(value) for value in certain):
        return _truth(module, node, certain, tail)
    if len(values) == 1 and isinstance(certain[0], ast.Constant) and (text := quoted(module, certain[0], 40)):
        return f"Always {text}."
    said = list(dict.fromkeys(_value(module, node, value) for value in certain))
    if "" in said or len(said) > 2:
        return _by_name(node.name, tail)
    return f"{said[0]}{f', or {_lower(said[1])}' if len(said) == 2 else ''}{tail}."


def quoted_values(module: Module, values: Sequence[ast.expr]) -> str:
    """The return expressions themselves, when they are one or two and short; else that a value comes back."""
    shown = list(dict.fromkeys(quoted(module, value, 40) for value in values if not is_none(value)))
    if len(shown) <= 2 and all(shown):
        return f"{' or '.join(shown)}{', or None' if any(is_none(v) for v in values) else ''}."
    return "The computed value."


def is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value in (None, "None"))


def is_truth(value: ast.expr) -> bool:
    """Whether an expression can only be True or False."""
    match value:
        case ast.Constant(value=bool()) | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Compare(ops=ops):
            return all(not isinstance(op, ast.Eq | ast.NotEq) for op in ops) or len(ops) == 1
        case ast.BoolOp(values=values):
            return all(is_truth(item) for item in values)
        case ast.Call(func=ast.Name(id=name)):
            return name in _TRUTHS
        case ast.Call(func=ast.Attribute(attr=attr)):
            return attr in _TRUTH_METHODS
        case _:
            return False


def _truth(module: Module, node: FunctionNode, values: list[ast.expr], tail: str) -> str:
    if len(values) == 1:
        match values[0]:
            case ast.Constant(value=value):
                return f"Always {value}{tail}." if not tail else f"{value}{tail}."
            case value:
                said = condition(module, value)
                return f"True if {said}, else False{tail}." if said else f"True or False{tail}."
    said = [said for test in _tests_for_true(node) if (said := condition(module, test))]
    words = docwords.words(node.name)
    if len(said) == 1:
        return f"True if {said[0]}{tail}."
    if words and words[0] in docwords.QUESTIONS and len(words) > 1:
        return f"True if it {' '.join(words)}, else False{tail}."
    return f"True or False{tail}."


def _tests_for_true(node: FunctionNode) -> list[ast.expr]:
    """The conditions right around `return True`, when False is what is given else."""
    found: list[ast.expr] = []
    for item in body_nodes(node):
        match item:
            case ast.If(test=test, body=[ast.Return(value=ast.Constant(value=True))]):
                found.append(test)
            case ast.Return(value=value) if not (isinstance(value, ast.Constant) and isinstance(value.value, bool)):
                return []
            case _:
                pass
    return found if sum(isinstance(i, ast.Return) and isinstance(i.value, ast.Constant) and i.value.value is True
                        for i in body_nodes(node)) == len(found) else []  # fmt: skip


def _value(module: Module, node: FunctionNode, value: ast.expr) -> str:
    """A noun phrase for one expression, capitalised and without a stop; empty when there is none."""
    match value:
        case ast.Name(id=name):
            return {"self": "This instance", "cls": "This class"}.get(name) or _local(module, node, name)
        case ast.Constant():
            return quoted(module, value, 40)
        case ast.Await(value=inner):
            return _value(module, node, inner)
        case ast.Call():
            return _called(value) if dotted(value.func) != "len" else _length(module, value)
        case ast.IfExp(body=first, orelse=second):
            one, other = _value(module, node, first), _value(module, node, second)
            return f"{one} or {_lower(other)}" if one and other and one != other else ""
        case _:
            return _built(module, value) or _quoted_value(module, value)


def _quoted_value(module: Module, value: ast.expr) -> str:
    text = quoted(module, value, 40)
    return f"The value of {text}" if text.startswith("`") else text


def _built(module: Module, value: ast.expr) -> str:
    """Strings and collections that are written out where they are returned."""
    match value:
        case ast.JoinedStr() | ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            return "A formatted string"
        case ast.List(elts=[]) | ast.Dict(keys=[]):
            return f"An empty {type(value).__name__.lower()}"
        case ast.List() | ast.Set() | ast.Dict():
            return f"A new {type(value).__name__.lower()}"
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
            return _comprehended(module, value, value.elt, value.generators[0])
        case ast.DictComp():
            return "A new dict"
        case ast.Tuple(elts=elements):
            return _tuple(module, elements)
        case _:
            return ""


def _tuple(module: Module, elements: list[ast.expr]) -> str:
    if not elements:
        return "An empty tuple"
    shown = [quoted(module, element, 24) for element in elements]
    return f"A tuple of {_and(shown)}" if 1 < len(shown) <= 4 and all(shown) else f"A tuple of {len(elements)}"


def _length(module: Module, call: ast.Call) -> str:
    text = quoted(module, call.args[0], 40) if call.args else ""
    return f"The number of items in {text}" if text else "A length"


def _local(module: Module, node: FunctionNode, local: str) -> str:
    """A local variable: what it was made as, when it was made once; else its name, if that says something."""
    made = [
        item.value
        for item in body_nodes(node)
        if isinstance(item, ast.Assign | ast.AnnAssign)
        and item.value is not None
        and any(isinstance(target, ast.Name) and target.id == local for target in targets_of(item))
    ]
    phrase = docwords.phrase(local)
    vague = local in _VAGUE or local in docwords.ADJECTIVES or len(local) < 3
    match made:
        case [ast.List(elts=[])]:
            return "A new list" if vague else f"A list of {phrase}" if phrase.endswith("s") else f"The {phrase}, a list"
        case [ast.Dict(keys=[])]:
            return "A new dict" if vague else f"The {phrase}, a dict"
        case [ast.Call() as call] if vague:
            return _called(call)
        case [one] if vague and not isinstance(one, ast.Name):
            return _value(module, node, one)
        case _:
            pass
    if any(arg.arg == local for arg in ast.walk(node.args) if isinstance(arg, ast.arg)):
        return f"`{local}`" if not made else ""
    return "" if vague else f"The {phrase}"


_VAGUE = frozenset(
    ("result", "results", "res", "ret", "retval", "rv", "out", "value", "val", "data", "tmp", "found", "x")
)


def _comprehended(module: Module, value: ast.expr, elt: ast.expr, first: ast.comprehension) -> str:
    kind = _NEW[type(value)]
    source = quoted(module, first.iter, 40)
    if isinstance(elt, ast.Name) and source:
        chosen = " that pass a condition" if first.ifs else ""
        return f"A {kind} of the items of {source}{chosen}"
    made = quoted(module, elt, 40)
    return f"A {kind} of {made} for each item of {source}" if made and source else f"A new {kind}"


def _called(call: ast.Call) -> str:
    name = dotted(call.func)
    last = name.rpartition(".")[2]
    if name in _BUILT:
        return _BUILT[name]
    if last[:1].isupper() and not last.isupper():
        return f"{'An' if last[0] in 'AEIOU' else 'A'} `{last}`"
    if last == "join":
        return "The joined string"
    if name in ("cls", "type"):
        return "A new instance"
    return f"The result of `{name}`" if name and len(name) <= 40 else ""


def _by_name(name: str, tail: str) -> str:
    """From a verb and its object alone: `parse_header` gives the header. Nothing for what has no object."""
    said = docwords.words(name)
    if len(said) > 1 and said[0].lower() in docwords.GIVING:
        return f"The {' '.join(said[1:])}{tail}."
    return ""


def yielded(module: Module, node: FunctionNode, yields: Sequence[ast.Yield | ast.YieldFrom], kind: str) -> str:
    """What comes out of a generator."""
    values = [item.value for item in yields if isinstance(item, ast.Yield)]
    delegated = [quoted(module, item.value, 40) for item in yields if isinstance(item, ast.YieldFrom)]
    shown = list(dict.fromkeys(_yielded_value(module, node, value) for value in values if not is_none(value)))
    if len(shown) == 1 and shown[0] and not delegated:
        return f"{shown[0]}{'' if len(values) == 1 or all(values) else ', or None'}."
    if not values and len(set(delegated)) == 1 and delegated[0]:
        return f"The items of {delegated[0]}."
    if values and all(is_none(value) for value in values) and not delegated:
        return "Nothing: control only."
    said = docwords.words(node.name)
    noun = " ".join(said[1:] if len(said) > 1 and said[0] in docwords.VERBS else said)
    one = re.sub(r"(?<=[^s])s$", "", re.sub(r"ies$", "y", noun))
    return (
        f"{docwords.article(one).capitalize()} at a time."
        if noun.endswith("s") and one != noun and not kind
        else "Each item in turn."
    )


def _yielded_value(module: Module, node: FunctionNode, value: ast.expr | None) -> str:
    match value:
        case ast.Name(id=local):
            return f"Each {docwords.phrase(local)}" if len(local) > 2 and local not in _VAGUE else ""
        case ast.Tuple(elts=elements):
            shown = [quoted(module, element, 24) for element in elements]
            return f"Tuples of {_and(shown)}" if 1 < len(shown) <= 4 and all(shown) else "Tuples"
        case None:
            return ""
        case _:
            return _value(module, node, value)


def _and(names: list[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else "".join(names)


def _lower(text: str) -> str:
    return text if text.split(" ")[0] in ("None", "True", "False") else text[:1].lower() + text[1:]
