"""What a Python function's own body does: calls, raises, complexity, yields. Nested definitions count for themselves.

Pure walks over a syntax tree; knows no scopes. Start with `Body.of`.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from copydesk.code.scopes import DEFINITIONS, enclosing
from copydesk.code.syntax import Syntax

if TYPE_CHECKING:
    from tree_sitter import Node

_BRANCHES = frozenset(
    {
        "if_statement",
        "elif_clause",
        "for_statement",
        "while_statement",
        "except_clause",
        "except_group_clause",
        "conditional_expression",
        "boolean_operator",
        "for_in_clause",
        "if_clause",
        "case_clause",
    }
)
_CALLEE_LIMIT = 60


@dataclass(slots=True)
class Body:
    """`calls` and `raises` in order, each once. `complexity` is 1 + the number of branches."""

    calls: list[str] = field(default_factory=list[str])
    raises: list[str] = field(default_factory=list[str])
    complexity: int = 1
    is_generator: bool = False

    @staticmethod
    def of(syntax: Syntax, definition: "Node") -> "Body":
        found = Body()
        body = definition.child_by_field_name("body")
        if body is not None:
            _walk(syntax, body, found)
        return found


def _walk(syntax: Syntax, body: "Node", found: Body) -> None:
    pending = [body]
    while pending:
        node = pending.pop()
        kind = node.type
        if kind in _BRANCHES:
            found.complexity += 0 if _is_catch_all(syntax, node) else 1
        elif kind == "call":
            _add(found.calls, _callee(syntax, node))
        elif kind == "raise_statement":
            _add(found.raises, _raised(syntax, node))
        elif kind == "yield":
            found.is_generator = True
        pending.extend(reversed([child for child in node.named_children if not _is_nested(child)]))


def _is_nested(node: "Node") -> bool:
    return node.type in DEFINITIONS or node.type in ("decorated_definition", "comment", "string_content")


def _is_catch_all(syntax: Syntax, node: "Node") -> bool:
    if node.type != "case_clause" or node.child_by_field_name("guard") is not None:
        return False
    return syntax.text(node.named_children[0]) == "_"


def _add(names: list[str], name: str) -> None:
    if name and name not in names:
        names.append(name)


def _callee(syntax: Syntax, call: "Node") -> str:
    function = call.child_by_field_name("function")
    return dotted(syntax, function) if function is not None else ""


def dotted(syntax: Syntax, node: "Node") -> str:
    """`a.b.c` as written; `….c` when it is called on something that is not a name. Empty for other expressions."""
    if node.type == "identifier":
        return syntax.text(node)
    if node.type != "attribute":
        return ""
    owner, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
    if owner is None or name is None:
        return ""
    text = f"{dotted(syntax, owner) or '…'}.{syntax.text(name)}"
    return text if len(text) <= _CALLEE_LIMIT else ""


def _raised(syntax: Syntax, node: "Node") -> str:
    cause = node.child_by_field_name("cause")
    raised = next((child for child in node.named_children if child != cause and child.type != "comment"), None)
    if raised is None:
        caught = _caught(syntax, node, None)
        return f"re-raises {caught}" if caught else "re-raises the current exception"
    if raised.type == "call":
        raised = raised.child_by_field_name("function") or raised
    name = dotted(syntax, raised)
    caught = _caught(syntax, node, name) if raised.type == "identifier" else ""
    return f"re-raises {caught}" if caught else name or " ".join(syntax.text(raised).split())[:_CALLEE_LIMIT]


def _caught(syntax: Syntax, node: "Node", name: str | None) -> str:
    """What the `except` around catches; with a name, only if it catches it as that name."""
    clause = enclosing(node, "except_clause", "except_group_clause", *DEFINITIONS)
    if clause is None or clause.type in DEFINITIONS or clause.named_child_count < 2:
        return ""
    value = clause.named_children[0]
    alias = ""
    if value.type == "as_pattern":
        alias_node = value.child_by_field_name("alias") or value.named_children[-1]
        alias, value = syntax.text(alias_node), value.named_children[0]
    if name is not None and name != alias:
        return ""
    return " ".join(syntax.text(value).strip("()").split())
