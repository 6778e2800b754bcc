"""What a command line names: its functions, and what it puts into variables.

Owns one pass over the tree, before words are read. A name that something else than a plain assignment may change is
unknown. Start with `collect_names`.
"""

import re
from collections import Counter, defaultdict
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
    only_read: frozenset[str] = frozenset()
    """What nothing but one `read` with plain words puts a value into."""


def collect_names(root: "Node") -> Names:
    functions: set[str] = set()
    values: dict[str, list[Node]] = defaultdict(list)
    unknown: set[str] = set()
    changes_any = False
    n_set: Counter[str] = Counter()
    by_read: set[str] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        stack.extend(node.children)
        match node.type:
            case "function_definition":
                functions.update(text_of(child) for child in node.children if child.type == "word")
            case "variable_assignment":
                n_set[re.split(r"\+?=|\[", text_of(node), maxsplit=1)[0]] += 1
                _note_assignment(node, values, unknown)
            case "for_statement":
                n_set.update(text_of(child) for child in node.children if child.type == "variable_name")
                _note_loop(node, values, unknown)
            case "command" | "declaration_command":
                words = re.findall(r"\w+", _BEFORE.sub("", text_of(node)[:500], count=1))
                if words and words[0] in _SETTERS and not _ONLY_PRINTS.match(text_of(node)):
                    names = words[1:] if node.type == "command" else _integers(text_of(node))
                    unknown.update(names)
                    n_set.update(set(names))
                    if found := _PLAIN_READ.fullmatch(text_of(node)):
                        by_read.update(found[1].split())
                changes_any = changes_any or bool(words and words[0] in ("eval", "source")) or text_of(node)[:2] == ". "
            case "expansion":
                given = re.findall(r"(\w+):?=", text_of(node))
                unknown.update(given)
                n_set.update(given)
            case "compound_statement" | "arithmetic_expansion" | "c_style_for_statement":
                if text_of(node).startswith(("((", "$((", "for")):
                    counted = re.findall(r"[A-Za-z_]\w*", text_of(node)[:500])
                    unknown.update(counted)
                    n_set.update(counted)
            case _:
                pass
    only_read = frozenset(name for name in by_read if n_set[name] == 1 and name not in values and not changes_any)
    return Names(frozenset(functions), dict(values), frozenset(values if changes_any else unknown), only_read)


_BEFORE = re.compile(r"(?:\w+=(?:'[^']*'|\"[^\"]*\"|\S*)\s+|(?:builtin|command)\s+)*")
"""What may stand before the name of a builtin."""
_ONLY_PRINTS = re.compile(r"printf\s+(?:\"[^-$\"'\\]|'[^-'])")
"""A format and no `-v`."""
_PLAIN_READ = re.compile(r"(?:IFS=(?:''|\"\")?\s+)?read(?:\s+-r)?((?:\s+[A-Za-z_]\w*)+)")


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
