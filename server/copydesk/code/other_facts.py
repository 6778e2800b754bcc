"""Hover facts for languages without name resolution here: matched by identifier within the file, and said so.

Knows no other file. Start with `facts_of`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from copydesk.code.fact_sheet import Facts, Mention
from copydesk.code.symbols import definitions
from copydesk.code.syntax import Syntax
from copydesk.domain.ports import Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

_CALLS = {"call_expression": "function", "new_expression": "constructor", "macro_invocation": "macro"}
_MEMBERS = {"member_expression", "field_expression", "selector_expression", "scoped_identifier"}


def facts_of(syntax: Syntax, line: int, column: int) -> Facts | None:
    node = syntax.leaf_at(line, column)
    if node is None or not node.type.endswith("identifier"):
        return None
    name = syntax.text(node)
    symbols = definitions(syntax)
    named = [symbol for symbol in symbols if symbol.name == name]
    if not named:
        return None
    # The definition under the cursor itself, else the first with the name.
    symbol = next((one for one in named if (one.line, one.column) == (line, column)), named[0])
    dotted = f"{symbol.container}.{name}" if symbol.container else name
    return Facts(
        kind=symbol.kind,
        name=dotted,
        line=symbol.line,
        signature=symbol.signature,
        callers=tuple(_callers(syntax, name, symbols)),
        n_lines=symbol.range.end_line - symbol.range.start_line + 1,
    )


def _callers(syntax: Syntax, name: str, symbols: tuple[Symbol, ...]) -> Iterator[Mention]:
    for node in syntax.occurrences(name):
        if _is_called(node):
            line = syntax.line_at(node.start_byte)
            yield Mention(_around(symbols, line), line)


def _is_called(node: "Node") -> bool:
    parent = node.parent
    while parent is not None and parent.type in _MEMBERS:
        node, parent = parent, parent.parent
    field = _CALLS.get(parent.type) if parent is not None else None
    return parent is not None and field is not None and parent.child_by_field_name(field) == node


def _around(symbols: tuple[Symbol, ...], line: int) -> str:
    inside = [
        one
        for one in symbols
        if one.range.start_line <= line <= one.range.end_line and one.kind in ("function", "method")
    ]
    if not inside:
        return "module"
    inner = max(inside, key=lambda one: one.range.start_line)
    return f"{inner.container}.{inner.name}" if inner.container else inner.name
