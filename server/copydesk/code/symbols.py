"""The definitions in one file, from its syntax tree: kind, range, name, dotted container, one-line signature.

Survives syntax errors: what still parses is found, and Python's `def` and `class` lines inside an error too.
Knows no other file. Start with `SymbolTable.symbols`.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from copydesk.code.grammars import language_of
from copydesk.code.syntax import Syntax, SyntaxCache
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import FileHandle, Symbol

if TYPE_CHECKING:
    from tree_sitter import Node

_SIGNATURE_LIMIT = 200
_CLASS_LIKE = {"class", "interface", "trait", "impl", "struct", "enum"}
_BROKEN_DEFINITION = re.compile(rb"^[ \t]*(?:async[ \t]+)?(def|class)[ \t]+([A-Za-z_]\w*)", re.MULTILINE)
_RECEIVER = re.compile(r"\(\s*(?:\w+\s+)?\*?\s*(\w+)")


@dataclass(slots=True)
class _Found:
    """A definition before its container is known."""

    kind: str
    name: str
    start_byte: int
    end_byte: int
    name_byte: int
    signature: str
    container: str = ""


class SymbolTable:
    """Symbols by file, computed once for each text. Raises nothing: an unknown language has no symbols."""

    def __init__(self, syntaxes: SyntaxCache | None = None) -> None:
        self.syntaxes = syntaxes or SyntaxCache()
        self._by_uri: dict[str, tuple[str, tuple[Symbol, ...]]] = {}

    def symbols(self, handle: FileHandle) -> tuple[Symbol, ...]:
        known = self._by_uri.get(handle.uri)
        if known is not None and known[0] == handle.content_hash:
            return known[1]
        syntax = self.syntaxes.get(handle)
        if syntax is None:
            return ()
        symbols = definitions(syntax)
        if len(self._by_uri) >= 4096:
            self._by_uri.clear()
        self._by_uri[handle.uri] = handle.content_hash, symbols
        return symbols


def note_for(uri: str) -> str:
    """Why a file has no symbols, as a sentence; empty when its language is supported."""
    if language_of(uri) is not None:
        return ""
    return "Symbols are known for Python, JavaScript, TypeScript, Rust and Go files only."


def definitions(syntax: Syntax) -> tuple[Symbol, ...]:
    """All definitions, in the order of their names."""
    found = _matched(syntax)
    if syntax.grammar.name == "python" and syntax.root.has_error:
        found.extend(_broken(syntax, {one.name_byte for one in found}))
    found.sort(key=lambda one: (one.start_byte, -one.end_byte, one.name_byte))
    _place(found)
    # Only a container: `impl Foo` has no name of its own.
    return tuple(_to_symbol(syntax, one) for one in found if one.kind != "impl")


def _matched(syntax: Syntax) -> list[_Found]:
    from tree_sitter import QueryCursor

    by_name: dict[int, _Found] = {}
    for _, captures in QueryCursor(syntax.grammar.definitions).matches(syntax.root):
        name = captures["name"][0]
        kind = next(kind for kind in captures if kind != "name")
        node = captures[kind][0]
        # `const f = () => …` is matched both as a function and as a variable: the function says more.
        if name.start_byte not in by_name or kind != "variable":
            by_name[name.start_byte] = _definition(syntax, kind, node, name)
    return list(by_name.values())


def _definition(syntax: Syntax, kind: str, node: "Node", name: "Node") -> _Found:
    whole = _whole(node)
    text = syntax.text(name)
    if kind == "impl":
        text = text.partition("<")[0]
    container = _go_receiver(syntax, node) if node.type == "method_declaration" else ""
    signature = signature_of(syntax, node)
    return _Found(
        _kind(kind, text, node), text, whole.start_byte, whole.end_byte, name.start_byte, signature, container
    )


def _kind(kind: str, name: str, node: "Node") -> str:
    if kind == "type" and node.type == "type_spec":
        value = node.child_by_field_name("type")
        return {"struct_type": "struct", "interface_type": "interface"}.get(value.type if value else "", "type")
    if kind == "variable" and name.isupper():
        return "constant"
    return kind


def _whole(node: "Node") -> "Node":
    """With what belongs in front of it: decorators, `export`, `const`."""
    parent = node.parent
    while parent is not None and parent.type in (
        "decorated_definition",
        "export_statement",
        "lexical_declaration",
        "variable_declaration",
        "type_declaration",
        "expression_statement",
    ):
        if parent.type.endswith("declaration") and parent.named_child_count > 1:
            break  # `const a = 1, b = 2`: each is itself
        node, parent = parent, parent.parent
    return node


def signature_of(syntax: Syntax, node: "Node") -> str:
    """The head of a definition on one line, without its body."""
    body = node.child_by_field_name("body")
    value = node.child_by_field_name("value")
    if body is None and value is not None:
        body = value.child_by_field_name("body")
    end = body.start_byte if body is not None else node.end_byte
    if body is None and node.type in ("type_spec", "struct_item"):
        end = node.end_byte
    head = syntax.data[node.start_byte : end].decode("utf-8", "replace")
    if node.type == "class_definition" or node.type == "function_definition":
        head = _without_comments(head)
    line = " ".join(head.split()).rstrip("{").rstrip()
    line = line.removesuffix(":").removesuffix(";").removesuffix("=>").rstrip()
    line = line.replace("( ", "(").replace(", )", ")").replace(" )", ")")
    return line if len(line) <= _SIGNATURE_LIMIT else line[: _SIGNATURE_LIMIT - 1] + "…"


def _without_comments(head: str) -> str:
    # A `#` in a default string is rare; only a comment that follows white space to the line's end goes.
    return re.sub(r"(?m)(?<=[\s,(:])#[^\n'\"]*$", "", head) if "#" in head else head


def _go_receiver(syntax: Syntax, node: "Node") -> str:
    receiver = node.child_by_field_name("receiver")
    match = _RECEIVER.match(syntax.text(receiver)) if receiver else None
    return match[1] if match else ""


def _broken(syntax: Syntax, known: set[int]) -> list[_Found]:
    """Definitions that the parser lost inside an error: found by their line alone."""
    found: list[_Found] = []
    for match in _BROKEN_DEFINITION.finditer(syntax.data):
        start, end = match.span(2)
        node = syntax.root.descendant_for_byte_range(start, end)
        if start in known or node is None or node.type in ("comment", "string_content", "string"):
            continue
        stop = syntax.data.find(b"\n", end)
        stop = len(syntax.data) if stop < 0 else stop
        head = match.start() + len(match[0]) - len(match[0].lstrip())
        line = syntax.data[head:stop].decode("utf-8", "replace").strip().removesuffix(":")
        kind = "class" if match[1] == b"class" else "function"
        found.append(_Found(kind, match[2].decode(), head, stop, start, line[:_SIGNATURE_LIMIT]))
    return found


def _place(found: list[_Found]) -> None:
    """Gives each definition its container, and calls a function in a class a method."""
    around: list[tuple[int, str, str]] = []
    for one in found:
        while around and around[-1][0] < one.end_byte:
            around.pop()
        if around:
            _, dotted, kind = around[-1]
            one.container = one.container or dotted
            if one.kind == "function" and kind in _CLASS_LIKE:
                one.kind = "method"
        if one.kind not in ("variable", "constant", "field"):
            dotted = f"{one.container}.{one.name}" if one.container else one.name
            around.append((one.end_byte, dotted, one.kind))


def _to_symbol(syntax: Syntax, one: _Found) -> Symbol:
    line, column = syntax.position_at(one.name_byte)
    whole = LineRange(*syntax.position_at(one.start_byte), *syntax.position_at(one.end_byte))
    return Symbol(one.name, one.kind, syntax.uri, line, column, whole, one.container, one.signature)
