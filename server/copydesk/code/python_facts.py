"""Hover facts for Python, from the syntax tree of one file: find the thing under the cursor, then describe it.

Knows no other file. Start with `facts_of`.
"""

import ast
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING

from copydesk.code.fact_sheet import Facts, Mention
from copydesk.code.measures import Body, dotted
from copydesk.code.scopes import (
    DEFINITIONS,
    Meaning,
    Names,
    enclosing,
    in_import,
    is_plain,
    method_class,
    parameter_owner,
)
from copydesk.code.symbols import signature_of
from copydesk.code.syntax import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node


def facts_of(syntax: Syntax, line: int, column: int) -> Facts | None:
    node = syntax.leaf_at(line, column)
    if node is None or node.type != "identifier":
        return None
    names = Names(syntax)
    parent = node.parent
    if in_import(node):
        return _import_facts(names, node)
    if parent is not None and parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        return _attribute_facts(names, parent, node)
    if parent is not None and parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
        return _keyword_facts(names, parent, node)
    owner = parameter_owner(syntax, node) if is_plain(node) else None
    if owner is not None:
        names = Names(syntax, owner)  # `self` alone stands a thousand times in a large file
    meaning = names.meaning(node)
    return None if meaning is None else _meaning_facts(names, meaning)


def _meaning_facts(names: Names, meaning: Meaning) -> Facts | None:
    definition = meaning.definition
    if definition is not None:
        return _definition_facts(names, definition)
    if meaning.kind == "import":
        return _import_facts(names, meaning.bindings[0].node)
    return _variable_facts(names, meaning)


def _definition_facts(names: Names, definition: "Node") -> Facts:
    if definition.type == "class_definition":
        return _class_facts(names, definition)
    return _function_facts(names, definition)


# --- functions -----------------------------------------------------------------------------------------


def _function_facts(names: Names, definition: "Node") -> Facts:
    syntax = names.syntax
    body = Body.of(syntax, definition)
    is_async = definition.child_count > 0 and definition.children[0].type == "async"
    traits = (("async",) if is_async else ()) + (("generator",) if body.is_generator else ())
    return Facts(
        kind="method" if method_class(definition) else "function",
        name=qualified(syntax, definition),
        line=syntax.line_at(definition.start_byte),
        signature=signature_of(syntax, definition),
        documentation=documentation(syntax, definition),
        callers=tuple(_callers(names, definition)),
        calls=tuple(body.calls),
        raises=tuple(body.raises),
        complexity=body.complexity,
        n_lines=_n_lines(syntax, definition),
        decorators=_decorators(syntax, definition),
        traits=traits,
    )


def _callers(names: Names, definition: "Node") -> Iterator[Mention]:
    """Each place that calls it, once for each line. Calling a class is calling its `__init__`."""
    seen: set[tuple[str, int]] = set()
    for node in _called_names(names, definition):
        line = names.syntax.line_at(node.start_byte)
        around = enclosing(node, *DEFINITIONS)
        name = qualified(names.syntax, around) if around is not None else "module"
        if (name, line) not in seen:
            seen.add((name, line))
            yield Mention(name, line)


def _called_names(names: Names, definition: "Node") -> Iterator["Node"]:
    name_node = definition.child_by_field_name("name")
    if name_node is None:
        return
    name, owner = names.syntax.text(name_node), method_class(definition)
    if name == "__init__" and owner is not None:
        class_name = owner.child_by_field_name("name")
        name = names.syntax.text(class_name) if class_name is not None else name
        definition, owner = owner, method_class(owner)
    for node in names.occurrences(name):
        if _is_called(node) and _refers_to(names, node, definition, owner):
            yield node


def _is_called(node: "Node") -> bool:
    parent = node.parent
    if parent is not None and parent.type == "attribute" and parent.child_by_field_name("attribute") == node:
        node, parent = parent, parent.parent
    if parent is None:
        return False
    return parent.type == "decorator" or (parent.type == "call" and parent.child_by_field_name("function") == node)


def _refers_to(names: Names, node: "Node", definition: "Node", owner: "Node | None") -> bool:
    parent = node.parent
    if parent is not None and parent.type == "attribute" and not is_plain(node):
        target = _attribute_target(names, parent, names.syntax.text(node)) if owner is not None else None
        return target is not None and target.id == definition.id
    meaning = names.meaning(node)
    return meaning is not None and any(binding.node.parent == definition for binding in meaning.bindings)


def _attribute_target(names: Names, attribute: "Node", name: str) -> "Node | None":
    owner = attribute.child_by_field_name("object")
    around = names.class_of(owner) if owner is not None else None
    return names.member(around, name) if around is not None else None


# --- classes -------------------------------------------------------------------------------------------


def _class_facts(names: Names, definition: "Node") -> Facts:
    syntax = names.syntax
    methods = tuple(_name(syntax, node) for node in names.members(definition) if node.type == "function_definition")
    return Facts(
        kind="class",
        name=qualified(syntax, definition),
        line=syntax.line_at(definition.start_byte),
        signature=signature_of(syntax, definition),
        documentation=documentation(syntax, definition),
        callers=tuple(_callers(names, definition)),
        decorators=_decorators(syntax, definition),
        bases=_base_names(syntax, definition),
        subclasses=tuple(_subclasses(names, definition)),
        methods=tuple(dict.fromkeys(methods)),
        n_lines=_n_lines(syntax, definition),
    )


def _base_names(syntax: Syntax, definition: "Node") -> tuple[str, ...]:
    arguments = definition.child_by_field_name("superclasses")
    nodes = arguments.named_children if arguments is not None else []
    return tuple(
        " ".join(syntax.text(node).split()) for node in nodes if node.type not in ("keyword_argument", "comment")
    )


def _subclasses(names: Names, definition: "Node") -> Iterator[Mention]:
    for other in names.classes:
        if any(base.id == definition.id for base in names.bases(other)):
            yield Mention(qualified(names.syntax, other), names.syntax.line_at(other.start_byte))


# --- the rest ------------------------------------------------------------------------------------------


def _attribute_facts(names: Names, attribute: "Node", node: "Node") -> Facts | None:
    name = names.syntax.text(node)
    target = _attribute_target(names, attribute, name)
    if target is not None:
        return _definition_facts(names, target)
    owner = attribute.child_by_field_name("object")
    if owner is None:
        return None
    around = names.class_of(owner)
    return _field_facts(names, around, name) if around is not None else _module_member_facts(names, owner, name)


def _field_facts(names: Names, around: "Node", name: str) -> Facts | None:
    """`self.name`: where the class assigns it, and how often the file reads or writes it on that class."""
    assigned: list[int] = []
    n_uses = 0
    for node in names.occurrences(name):
        parent = node.parent
        line = names.syntax.line_at(node.start_byte)
        if parent is not None and parent.type == "attribute" and not is_plain(node):
            owner = parent.child_by_field_name("object")
            if owner is not None and names.class_of(owner) == around:
                n_uses += 1
                assigned.extend([line] if _is_assigned(parent) else [])
        elif _is_assigned(node) and enclosing(node, *DEFINITIONS) == around:
            assigned.append(line)
            n_uses += 1
    if not n_uses:
        return None
    first = assigned[0] if assigned else names.syntax.line_at(around.start_byte)
    dotted_name = f"{qualified(names.syntax, around)}.{name}"
    return Facts("field", dotted_name, first, assigned=tuple(assigned), n_uses=n_uses - len(assigned))


def _is_assigned(node: "Node") -> bool:
    parent = node.parent
    return (
        parent is not None
        and parent.type in ("assignment", "augmented_assignment")
        and parent.child_by_field_name("left") == node
    )


def _module_member_facts(names: Names, owner: "Node", name: str) -> Facts | None:
    path = dotted(names.syntax, owner)
    first = owner
    while first.type == "attribute":
        first = first.child_by_field_name("object") or first.children[0]
    meaning = names.meaning(first) if first.type == "identifier" else None
    if not path or meaning is None or meaning.kind != "import":
        return None
    imported = _imported(names.syntax, meaning.bindings[0].node)
    rest = path.partition(".")[2]
    origin = ".".join(part for part in (imported, rest) if part)
    line = names.syntax.line_at(meaning.bindings[0].node.start_byte)
    return Facts("import", f"{path}.{name}", line, origin=f"{origin}.{name}")


def _keyword_facts(names: Names, keyword: "Node", node: "Node") -> Facts | None:
    """`f(name=…)`: the parameter of an `f` in this file."""
    call = enclosing(keyword, "call")
    function = call.child_by_field_name("function") if call is not None else None
    if function is None:
        return None
    target: Node | None = None
    if function.type == "identifier":
        meaning = names.meaning(function)
        target = meaning.definition if meaning is not None else None
    elif function.type == "attribute":
        attribute = function.child_by_field_name("attribute")
        target = _attribute_target(names, function, names.syntax.text(attribute)) if attribute is not None else None
    if target is not None and target.type == "class_definition":
        target = names.member(target, "__init__")
    for other in names.occurrences(names.syntax.text(node)) if target is not None else ():
        meaning = names.meaning(other) if is_plain(other) else None
        if meaning is not None and meaning.kind == "parameter" and meaning.scope == target:
            return _variable_facts(names, meaning)
    return None


def _variable_facts(names: Names, meaning: Meaning) -> Facts:
    syntax = names.syntax
    lines = [syntax.line_at(binding.node.start_byte) for binding in meaning.bindings if binding.kind == "variable"]
    n_uses = sum(1 for _ in names.uses(meaning)) - len(meaning.bindings)
    kind = meaning.kind
    if kind == "variable" and meaning.scope.type == "class_definition":
        kind = "field"
    elif kind == "variable" and meaning.name.isupper():
        kind = "constant"
    around = meaning.scope if meaning.scope.type in DEFINITIONS else enclosing(meaning.scope, *DEFINITIONS)
    name = f"{qualified(syntax, around)}.{meaning.name}" if around is not None else meaning.name
    first = meaning.bindings[0].node
    signature = _parameter_text(syntax, first) if kind == "parameter" else ""
    line = syntax.line_at(first.start_byte)
    return Facts(kind, name, line, signature=signature, assigned=tuple(dict.fromkeys(lines)), n_uses=n_uses)


def _parameter_text(syntax: Syntax, node: "Node") -> str:
    parent = node.parent
    while parent is not None and parent.type not in ("parameters", "lambda_parameters"):
        node, parent = parent, parent.parent
    return " ".join(syntax.text(node).split())


def _import_facts(names: Names, node: "Node") -> Facts | None:
    statement = enclosing(node, "import_statement", "import_from_statement", "future_import_statement")
    if statement is None:
        return None
    meaning = names.meaning(node) if is_plain(node) else None
    n_uses = None
    if meaning is not None and meaning.kind == "import":
        n_uses = sum(1 for _ in names.uses(meaning)) - len(meaning.bindings)
    line = names.syntax.line_at(node.start_byte)
    return Facts("import", names.syntax.text(node), line, origin=_imported(names.syntax, node), n_uses=n_uses)


def _imported(syntax: Syntax, node: "Node") -> str:
    """The dotted path that an imported name stands for: `from a.b import c as d` → `a.b.c` for `d`."""
    statement = enclosing(node, "import_statement", "import_from_statement", "future_import_statement")
    holder = node.parent
    if statement is None or holder is None:
        return ""
    module = statement.child_by_field_name("module_name")
    if module is not None and module.start_byte <= node.start_byte < module.end_byte:
        return syntax.data[module.start_byte : node.end_byte].decode()
    if holder.type == "aliased_import" or (holder.parent and holder.parent.type == "aliased_import"):
        alias = holder if holder.type == "aliased_import" else holder.parent
        name = alias.child_by_field_name("name") if alias is not None else None
        own = syntax.text(name) if name is not None else ""
        if name is not None and node.start_byte < name.end_byte:
            own = syntax.data[name.start_byte : node.end_byte].decode()
    else:
        own = syntax.data[holder.start_byte : node.end_byte].decode()
    if statement.type == "future_import_statement":
        return f"__future__.{own}"
    prefix = syntax.text(module) if module is not None else ""
    return f"{prefix}{'' if not prefix or prefix.endswith('.') else '.'}{own}"


def qualified(syntax: Syntax, definition: "Node") -> str:
    """The dotted name within the file, as `Class.method`; `<lambda>` has none."""
    parts: list[str] = []
    node: Node | None = definition
    while node is not None:
        if node.type in DEFINITIONS:
            parts.append(_name(syntax, node))
        node = node.parent
    return ".".join(reversed(parts))


def documentation(syntax: Syntax, definition: "Node") -> str:
    """The first paragraph of the docstring, on its own lines."""
    body = definition.child_by_field_name("body")
    first = next((child for child in body.named_children if child.type != "comment"), None) if body else None
    literal = first.named_children[0] if first is not None and first.type == "expression_statement" else None
    if literal is None or literal.type not in ("string", "concatenated_string"):
        return ""
    try:
        value = ast.literal_eval(syntax.text(literal))
    except (ValueError, SyntaxError):
        return ""
    return inspect.cleandoc(value).partition("\n\n")[0].strip() if isinstance(value, str) else ""


def _name(syntax: Syntax, definition: "Node") -> str:
    name = definition.child_by_field_name("name")
    return syntax.text(name) if name is not None else "?"


def _decorators(syntax: Syntax, definition: "Node") -> tuple[str, ...]:
    parent = definition.parent
    if parent is None or parent.type != "decorated_definition":
        return ()
    return tuple(
        " ".join(syntax.text(node).removeprefix("@").split())
        for node in parent.named_children
        if node.type == "decorator"
    )


def _n_lines(syntax: Syntax, definition: "Node") -> int:
    return syntax.line_at(definition.end_byte) - syntax.line_at(definition.start_byte) + 1
