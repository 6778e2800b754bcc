"""Where the tree of a command line must not be believed: what bash reads otherwise, or a person sees otherwise.

Owns the checks on the text and on the tree that come before anything is judged. Each finding is a sentence; an empty
text means that the tree accounts for every character. Start with `doubts` and `gaps`.
"""

import re
import unicodedata
from typing import TYPE_CHECKING

from copydesk.safety.shell_words import named, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_RESERVED = frozenset(
    named("! { } if then else elif fi for while until do done case esac in function select [[ ]] time")
)
_MAY_BE_NAMES = frozenset({"time", "in", "function"})
_STATEMENTS = frozenset(
    {
        "command",
        "declaration_command",
        "unset_command",
        "redirected_statement",
        "pipeline",
        "list",
        "if_statement",
        "while_statement",
        "for_statement",
        "c_style_for_statement",
        "case_statement",
        "function_definition",
        "subshell",
        "compound_statement",
        "negated_command",
        "test_command",
        "variable_assignment",
        "variable_assignments",
    }
)
_SEQUENCES = frozenset({"program", "compound_statement", "do_group", "subshell", "command_substitution"})
_TEXTS = frozenset({"string", "translated_string", "heredoc_body", "regex", "expansion", "raw_string", "test_command"})
_TIGHT = frozenset({"concatenation", "variable_assignment", "simple_expansion", "ansi_c_string", "subscript"})
_HIDDEN = re.compile(r"(?<!\\)(?:\\\\)*(?:`|\$\(|\$\{)")
_DELIMITER = re.compile(r"\\?[\w.-]+|'[\w. -]+'|\"[\w. -]+\"")


def doubts(text: str) -> str:
    """What the text alone says against it."""
    if "\r" in text:
        return "It has a carriage return, which a shell takes as part of a word and a screen does not show."
    for char in text:
        if (char >= " " and char <= "~") or char in "\t\n":
            continue
        category = unicodedata.category(char)
        if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp") or "！" <= char <= "～":
            return f"It has the character U+{ord(char):04X}, which cannot be seen or looks like another."
    return ""


def gaps(root: "Node", source: bytes) -> str:
    """What lies between the nodes: characters that the tree leaves out, and blanks where bash would cut otherwise."""
    stack = [root]
    while stack:
        node = stack.pop()
        if problem := _of_node(node, source):
            return problem
        stack.extend(node.children)
    return ""


def _of_node(node: "Node", source: bytes) -> str:
    if node.type in ("heredoc_redirect", "comment", "command_name"):
        return _SPECIAL[node.type](node, source)
    if not node.children:
        hides = node.type in ("word", "string_content", "heredoc_content", "regex", "extglob_pattern")
        return "A substitution is hidden in a word." if hides and _HIDDEN.search(text_of(node)) else ""
    if node.type in _TEXTS:
        return ""
    position = node.start_byte if node.type != "program" else 0
    previous: Node | None = None
    for child in (*node.children, None):
        end = child.start_byte if child is not None else (len(source) if node.type == "program" else node.end_byte)
        gap = source[position:end].decode("utf-8", "replace")
        if problem := _of_gap(node, previous, child, gap):
            return problem
        position, previous = (child.end_byte, child) if child is not None else (end, None)
    return ""


def _of_gap(node: "Node", previous: "Node | None", child: "Node | None", gap: str) -> str:
    bare = gap.replace("\\\n", "")
    if bare.strip(" \t\n"):
        return f"{bare.strip()[:20]!r} is not part of what the grammar understands."
    inside = previous is not None and child is not None
    if node.type in _TIGHT and gap:
        return "Blanks stand inside of a word."
    if inside and node.type == "command" and previous is not None and child is not None:
        operator = child.type.endswith("redirect") or previous.type.endswith("redirect")
        if "\n" in bare and not previous.type.startswith("heredoc"):
            return "A line ends inside of a command."
        if not bare and not operator:
            return "Two words of a command are not apart."
    both = inside and previous is not None and child is not None and {previous.type, child.type} <= _STATEMENTS
    if both and node.type in _SEQUENCES and "\n" not in bare and not _has_heredoc(previous):
        return "Two commands stand side by side with nothing between them."
    return ""


def _has_heredoc(node: "Node | None") -> bool:
    return node is not None and "<<" in text_of(node)


def _comment(node: "Node", source: bytes) -> str:
    before = source[node.start_byte - 1 : node.start_byte]
    return "" if before in (b"", b" ", b"\t", b"\n", b";", b"&", b"|", b"(", b")") else "A '#' stands inside of a word."


def _heredoc(node: "Node", source: bytes) -> str:
    """The mark must be plain and end the text where bash ends it."""
    starts = [child for child in node.children if child.type == "heredoc_start"]
    ends = [child for child in node.children if child.type == "heredoc_end"]
    bodies = [child for child in node.children if child.type == "heredoc_body"]
    if len(starts) != 1 or len(ends) != 1 or not _DELIMITER.fullmatch(text_of(starts[0])):
        return "Its here-document has an unusual mark."
    line_end = source.find(b"\n", starts[0].end_byte)
    if source[starts[0].end_byte : line_end].count(b"<<"):
        return "More than one here-document begins on a line."
    mark = text_of(starts[0]).strip("'\"\\")
    tabs = any(child.type == "<<-" for child in node.children)
    lines = source[line_end + 1 : ends[0].start_byte].decode("utf-8", "replace").split("\n")
    if text_of(ends[0]).strip() != mark or any((line.lstrip("\t") if tabs else line) == mark for line in lines[:-1]):
        return "Its here-document ends elsewhere than it seems."
    before = lines[-1] if lines else ""
    after = source[ends[0].end_byte : ends[0].end_byte + 1]
    if (before.strip("\t") if tabs else before) or after not in (b"", b"\n"):
        return "Its here-document ends elsewhere than it seems."
    quoted = text_of(starts[0]) != mark
    hidden = any(not body.children and _HIDDEN.search(text_of(body)) for body in bodies)
    return "A substitution is hidden in a here-document." if hidden and not quoted else ""


def _command_name(node: "Node", source: bytes) -> str:
    del source
    text = text_of(node)
    return f"{text!r} stands where a command begins." if text in _RESERVED - _MAY_BE_NAMES else ""


_SPECIAL = {"heredoc_redirect": _heredoc, "comment": _comment, "command_name": _command_name}
