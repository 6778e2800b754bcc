"""Who a Python name is, within one file: scopes, bindings, and what an occurrence refers to.

Works on the syntax tree alone, by looking only at the occurrences of the one name asked about, so that an answer
costs well under a millisecond. Knows no other file and guesses no types beyond `x = Class()`. Start with `Names`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from copydesk.code.syntax import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = frozenset({"function_definition", "lambda"})
DEFINITIONS = frozenset({"function_definition", "class_definition"})
COMPREHENSIONS = frozenset(
    {"list_comprehension", "set_comprehension", "dictionary_comprehension", "generator_expression"}
)
SCOPES = FUNCTIONS | DEFINITIONS | COMPREHENSIONS | {"module"}
_PARAMETERS = frozenset(
    {
        "parameters",
        "lambda_parameters",
        "default_parameter",
        "typed_parameter",
        "typed_default_parameter",
        "list_splat_pattern",
        "dictionary_splat_pattern",
    }
)
_PATTERNS = frozenset({"pattern_list", "tuple_pattern", "list_pattern", "list_splat_pattern", "as_pattern_target"})
_TARGETS = frozenset({"assignment", "augmented_assignment", "for_statement", "for_in_clause"})
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Binding:
    """An occurrence that gives a name its meaning. `kind`: function, class, parameter, import, variable."""

    node: "Node"
    kind: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name refers to: the scope that binds it and all its bindings there, in order."""

    name: str
    scope: "Node"
    bindings: tuple[Binding, ...]

    @property
    def kind(self) -> str:
        return self.bindings[0].kind

    @property
    def definition(self) -> "Node | None":
        """The function or class node, when the name is one."""
        for binding in reversed(self.bindings):
            if binding.kind in ("function", "class"):
                return binding.node.parent
        return None


class Names:
    """Name resolution in one file, or `within` one node of it. Keep one for each `Syntax`: answers are remembered."""

    def __init__(self, syntax: Syntax, within: "Node | None" = None) -> None:
        self.syntax = syntax
        self._within = within
        self._occurrences: dict[str, tuple[Node, ...]] = {}
        self._declarations: dict[str, dict[int, str]] = {}
        self._bindings: dict[str, dict[int, tuple[Binding, ...]]] = {}

    def occurrences(self, name: str) -> "tuple[Node, ...]":
        if name not in self._occurrences:
            self._occurrences[name] = tuple(self.syntax.occurrences(name, self._within))
        return self._occurrences[name]

    def meaning(self, node: "Node") -> Meaning | None:
        """What a plain name (not an attribute, not a keyword argument) refers to; None when not bound here."""
        name = self.syntax.text(node)
        by_scope = self._scoped(name)
        start = _reading_scope(node)
        for scope in _chain(start):
            if scope.type == "class_definition" and scope.id != start.id:
                continue  # a class's names are not seen from its methods
            bindings = by_scope.get(scope.id)
            if bindings:
                return Meaning(name, scope, bindings)
        return None

    def _scoped(self, name: str) -> dict[int, tuple[Binding, ...]]:
        """The bindings of a name by the id of the scope they are in."""
        if name not in self._bindings:
            found: dict[int, list[Binding]] = {}
            for node in self.occurrences(name):
                kind = binding_kind(node)
                if kind:
                    found.setdefault(self._bound_scope(node, kind, name).id, []).append(Binding(node, kind))
            self._bindings[name] = {scope: tuple(bindings) for scope, bindings in found.items()}
        return self._bindings[name]

    def _bound_scope(self, node: "Node", kind: str, name: str) -> "Node":
        scope = _binding_scope(node, kind)
        declared = self._declared(name).get(scope.id)
        if declared == "global":
            return self.syntax.root
        if declared == "nonlocal":
            return next((outer for outer in _chain(scope.parent) if outer.type in FUNCTIONS), scope)
        return scope

    def _declared(self, name: str) -> dict[int, str]:
        """Scopes (by id) that say `global name` or `nonlocal name`."""
        if name in self._declarations:
            return self._declarations[name]
        found = self._declarations[name] = {}
        for node in self.occurrences(name):
            parent = node.parent
            if parent is not None and parent.type in ("global_statement", "nonlocal_statement"):
                found[enclosing_scope(parent).id] = parent.type.removesuffix("_statement")
        return found

    def uses(self, meaning: Meaning) -> "Iterator[Node]":
        """Every plain occurrence that refers to the same thing, its bindings included."""
        bound = {binding.node.id for binding in meaning.bindings}
        for node in self.occurrences(meaning.name):
            if node.id in bound:
                yield node
            elif meaning.scope.start_byte <= node.start_byte < meaning.scope.end_byte and is_plain(node):
                other = self.meaning(node)
                if other is not None and other.scope.id == meaning.scope.id:
                    yield node

    # --- classes ---------------------------------------------------------------------------------------

    def class_named(self, node: "Node") -> "Node | None":
        """The class definition in this file that a name expression refers to."""
        if node.type == "string":
            return None
        if node.type == "type" and node.named_child_count == 1:
            return self.class_named(node.named_children[0])
        if node.type != "identifier":
            return None
        meaning = self.meaning(node)
        definition = meaning.definition if meaning else None
        return definition if definition is not None and definition.type == "class_definition" else None

    def class_of(self, node: "Node", depth: int = 0) -> "Node | None":
        """The class an expression is an instance of (or is itself), when this file says so plainly."""
        if depth > _MAX_DEPTH:
            return None
        if node.type == "call":
            function = node.child_by_field_name("function")
            if function is None:
                return None
            return self._super_of(node) if self._is_super(function) else self.class_named(function)
        if node.type == "attribute":
            return self._class_of_attribute(node, depth)
        if node.type != "identifier":
            return None
        owner = self._class_of_self(node)
        if owner is not None:
            return owner
        return self.class_named(node) or self._class_of_name(node, depth)

    def _class_of_self(self, node: "Node") -> "Node | None":
        """The class around when the name is a method's first parameter, without looking at every `self` there is."""
        name = self.syntax.data[node.start_byte : node.end_byte]
        function = enclosing(node, "function_definition")
        while function is not None:
            parameters = function.child_by_field_name("parameters")
            first = parameters.named_children[0] if parameters is not None and parameters.named_child_count else None
            if first is not None and self.syntax.data[first.start_byte : first.end_byte] == name:
                return method_class(function)
            function = enclosing(function, "function_definition")
        return None

    def _is_super(self, function: "Node") -> bool:
        return function.type == "identifier" and self.syntax.text(function) == "super"

    def _super_of(self, node: "Node") -> "Node | None":
        around = enclosing(node, "class_definition")
        bases = self.bases(around) if around else ()
        return bases[0] if bases else None

    def _class_of_name(self, node: "Node", depth: int) -> "Node | None":
        meaning = self.meaning(node)
        if meaning is None:
            return None
        found = {self._class_bound(binding.node, depth) for binding in meaning.bindings}
        return found.pop() if len(found) == 1 else None

    def _class_bound(self, name: "Node", depth: int) -> "Node | None":
        """The class of what one binding assigns or annotates; `self` and `cls` belong to the class around."""
        parent = name.parent
        if parent is None:
            return None
        if parent.type == "parameters":
            function = parent.parent
            is_first = parent.named_children[0].id == name.id
            return method_class(function) if function is not None and is_first else None
        annotation = parent.child_by_field_name("type")
        if annotation is not None:
            return self.class_named(annotation)
        right = parent.child_by_field_name("right") if parent.type == "assignment" else None
        return self.class_of(right, depth + 1) if right is not None and right.type == "call" else None

    def _class_of_attribute(self, node: "Node", depth: int) -> "Node | None":
        """`self.store` where the class assigns or annotates `self.store = Store()`."""
        owner_node, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        owner = self.class_of(owner_node, depth + 1) if owner_node and name else None
        if owner is None or name is None:
            return None
        for other in self.occurrences(self.syntax.text(name)):
            holder = other.parent
            if holder is None or holder.type != "attribute" or holder.parent is None:
                continue
            assigned = holder.parent
            left = assigned.child_by_field_name("left") if assigned.type == "assignment" else None
            if left is not None and left.id == holder.id and enclosing(holder, "class_definition") == owner:
                return self._class_bound(holder, depth + 1)
        return None

    def bases(self, definition: "Node") -> "tuple[Node, ...]":
        """The base classes that are defined in this file."""
        arguments = definition.child_by_field_name("superclasses")
        found = [self.class_named(node) for node in arguments.named_children] if arguments else []
        return tuple(node for node in found if node is not None)

    def member(self, definition: "Node", name: str, depth: int = 0) -> "Node | None":
        """A method or nested class by name, looked up through the base classes in this file."""
        for node in self.members(definition):
            name_node = node.child_by_field_name("name")
            if name_node is not None and self.syntax.text(name_node) == name:
                return node
        if depth > _MAX_DEPTH:
            return None
        found = (self.member(base, name, depth + 1) for base in self.bases(definition) if base.id != definition.id)
        return next((node for node in found if node is not None), None)

    def members(self, definition: "Node") -> "list[Node]":
        body = definition.child_by_field_name("body")
        children = body.named_children if body is not None else []
        undecorated = [node.child_by_field_name("definition") or node for node in children]
        return [node for node in undecorated if node.type in DEFINITIONS]

    @cached_property
    def classes(self) -> "tuple[Node, ...]":
        from tree_sitter import QueryCursor

        return tuple(QueryCursor(self.syntax.grammar.definitions).captures(self.syntax.root).get("class", []))


def binding_kind(node: "Node") -> str:
    """What an occurrence binds its name as; empty when it only reads it."""
    parent = node.parent
    if parent is None:
        return ""
    if parent.type in DEFINITIONS:
        is_name = parent.child_by_field_name("name") == node
        return ("class" if parent.type == "class_definition" else "function") if is_name else ""
    if in_import(node):
        return "import" if _binds_import(node) else ""
    if _is_parameter(node):
        return "parameter"
    return "variable" if _is_target(node) else ""


def in_import(node: "Node") -> bool:
    parent = node.parent
    while parent is not None and parent.type in ("dotted_name", "aliased_import", "relative_import"):
        parent = parent.parent
    return parent is not None and parent.type in (
        "import_statement",
        "import_from_statement",
        "future_import_statement",
    )


def _binds_import(node: "Node") -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "aliased_import":
        return parent.child_by_field_name("alias") == node
    outer = parent.parent
    if parent.type != "dotted_name" or outer is None or outer.type == "aliased_import":
        return False
    # `import a.b` binds `a`; `from m import b` binds `b`, and nothing of `m`.
    return parent.named_children[0] == node and outer.child_by_field_name("module_name") != parent


def _is_parameter(node: "Node") -> bool:
    current, parent = node, node.parent
    while parent is not None and parent.type in _PARAMETERS:
        if parent.type in ("parameters", "lambda_parameters"):
            return True
        first = parent.child_by_field_name("name") or parent.named_children[0]
        if first.id != current.id:
            return False
        current, parent = parent, parent.parent
    return False


def _is_target(node: "Node") -> bool:
    current, parent = node, node.parent
    while parent is not None and parent.type in _PATTERNS:
        current, parent = parent, parent.parent
    if parent is None:
        return False
    if parent.type in _TARGETS:
        return parent.child_by_field_name("left") == current
    if parent.type == "named_expression":
        return parent.child_by_field_name("name") == current
    # `except E as name`, `with f() as name`, `case Pattern as name`, `case name`.
    return (parent.type == "as_pattern" and current.type in ("as_pattern_target", "identifier")) and (
        parent.child_by_field_name("alias") == current or parent.named_children[-1] == current
    )


def is_plain(node: "Node") -> bool:
    """Whether an identifier is a name by itself: not an attribute, not a keyword argument's name."""
    parent = node.parent
    if parent is None or node.type != "identifier":
        return False
    if parent.type == "attribute":
        return parent.child_by_field_name("object") == node
    if parent.type == "keyword_argument":
        return parent.child_by_field_name("value") == node
    return not in_import(node) or _binds_import(node)


def enclosing(node: "Node", *types: str) -> "Node | None":
    parent = node.parent
    while parent is not None and parent.type not in types:
        parent = parent.parent
    return parent


def enclosing_scope(node: "Node") -> "Node":
    scope = enclosing(node, *SCOPES)
    return scope if scope is not None else node


def parameter_owner(syntax: Syntax, node: "Node") -> "Node | None":
    """The function whose parameter a plain name is, found without looking at the rest of the file."""
    name = syntax.text(node)
    function = enclosing(node, "function_definition")
    while function is not None:
        parameters = function.child_by_field_name("parameters")
        if parameters is not None and parameters.end_byte < node.start_byte:
            for other in syntax.occurrences(name, parameters):
                if binding_kind(other) == "parameter" and enclosing(other, *FUNCTIONS) == function:
                    return function
        function = enclosing(function, "function_definition")
    return None


def method_class(function: "Node") -> "Node | None":
    """The class that a function is a direct member of."""
    parent = function.parent
    if parent is not None and parent.type == "decorated_definition":
        parent = parent.parent
    around = parent.parent if parent is not None and parent.type == "block" else None
    return around if around is not None and around.type == "class_definition" else None


def _binding_scope(node: "Node", kind: str) -> "Node":
    if kind in ("function", "class"):
        assert node.parent is not None
        return enclosing_scope(node.parent)
    scope = enclosing_scope(node)
    if kind == "variable" and scope.type in COMPREHENSIONS and enclosing(node, "named_expression", *SCOPES) != scope:
        return next((outer for outer in _chain(scope) if outer.type not in COMPREHENSIONS), scope)
    return scope


def _reading_scope(node: "Node") -> "Node":
    """Where a lookup begins: defaults, decorators, annotations and bases belong to the scope outside."""
    kind = binding_kind(node)
    if kind:
        return _binding_scope(node, kind)
    scope = enclosing_scope(node)
    while scope.type in DEFINITIONS:
        body = scope.child_by_field_name("body")
        if body is None or body.start_byte <= node.start_byte:
            break
        scope = enclosing_scope(scope)
    return scope


def _chain(scope: "Node | None") -> "Iterator[Node]":
    while scope is not None:
        if scope.type in SCOPES:
            yield scope
        scope = scope.parent
