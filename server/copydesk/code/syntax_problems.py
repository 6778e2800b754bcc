"""Syntax errors from a tree-sitter tree, for the languages that have no analyser here. Start with `syntax_problems`."""

from typing import TYPE_CHECKING

from copydesk.code.syntax import Syntax
from copydesk.domain.messages import Problem

if TYPE_CHECKING:
    from tree_sitter import Node

_N_PROBLEMS = 50


def syntax_problems(syntax: Syntax | None) -> tuple[Problem, ...]:
    """What the parser could not make sense of; nothing for a language without a grammar."""
    found: list[Problem] = []
    pending = [syntax.root] if syntax is not None and syntax.root.has_error else []
    while syntax is not None and pending and len(found) < _N_PROBLEMS:
        node = pending.pop()
        if node.is_error or node.is_missing:
            found.append(_problem(syntax, node))
        else:
            pending.extend(reversed([child for child in node.children if child.has_error or child.is_missing]))
    return tuple(found)


def _problem(syntax: Syntax, node: "Node") -> Problem:
    if node.is_missing:
        message = f"Syntax error: {node.type!r} is missing here."
    else:
        shown = " ".join(syntax.text(node).split())
        message = f"Syntax error at {shown[:40]!r}."
    return Problem(syntax.uri, syntax.range_of(node), message, "error", "syntax")
