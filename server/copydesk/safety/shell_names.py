"""What a command line names: its functions, and what it puts into variables.

Owns one pass over the tree, before words are read. A name that something else than a plain assignment may change is
unknown. Start with `collect_names`.
"""

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from copydesk.domain.frozen import frozen
from copydesk.safety.shell_words import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_SETTERS = frozenset(
    {"read", "mapfile", "readarray", "printf", "getopts", "let", "wait", "declare", "typeset", "local"}
)
"""Builtins that put a value into a variable that they are given the name of."""


@frozen
class Names:
    functions: frozenset[str]
    values: dict[str, list["Node"]]
    unknown: frozenset[str]


def collect_names(root: "Node") -> Names:
    functions: set[str] = set()
    values: dict[str, list[Node]] = defaultdict(list)
    unknown: set[str] = set()
    changes_any = False
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(node.children)
        match node.type:
            case "function_definition":
                functions.update(text_of(child) for child in node.children if child.type == "word")
            case "variable_assignment":
                _note_assignment(node, values, unknown)
            case "for_statement":
                _note_loop(node, values, unknown)
            case "command" | "declaration_command":
                words = re.findall(r"\w+", text_of(node)[:500])
                if words and words[0] in _SETTERS:
                    unknown.update(words[1:] if node.type == "command" else _integers(text_of(node)))
                changes_any = changes_any or bool(words and words[0] in ("eval", "source")) or text_of(node)[:2] == ". "
            case "expansion":
                unknown.update(re.findall(r"(\w+):?=", text_of(node)))
            case "compound_statement" | "arithmetic_expansion" | "c_style_for_statement":
                if text_of(node).startswith(("((", "$((", "for")):
                    unknown.update(re.findall(r"[A-Za-z_]\w*", text_of(node)[:500]))
            case _:
                pass
    return Names(frozenset(functions), dict(values), frozenset(values if changes_any else unknown))


def _integers(text: str) -> list[str]:
    """Names that `declare -i`, `-n` and the like make to be something else than what is written."""
    return re.findall(r"\w+", text) if re.search(r"\s-\w*[inluc]", text) else []


def _note_assignment(node: "Node", values: dict[str, list["Node"]], unknown: set[str]) -> None:
    name = re.split(r"\+?=|\[", text_of(node), maxsplit=1)[0]
    value = node.child_by_field_name("value")
    plain = text_of(node).startswith(f"{name}=")
    if not plain or (value is not None and value.type == "array"):
        unknown.add(name)
    elif value is not None:
        values[name].append(value)


def _note_loop(node: "Node", values: dict[str, list["Node"]], unknown: set[str]) -> None:
    name = ""
    seen_in = False
    for child in node.children:
        if child.type == "variable_name" and not seen_in:
            name = text_of(child)
        elif child.type == "in":
            seen_in = True
        elif child.is_named and seen_in and child.type not in ("do_group", "compound_statement", "comment"):
            values[name].append(child)
    if not seen_in or node.children[0].type == "select":
        unknown.add(name)
