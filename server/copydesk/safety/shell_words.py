"""Words of a command line: what bash makes of quotes, escapes, braces, and of variables whose values the line sets.

Owns the way from a syntax node to `Word`s. Knows no program and no danger. What only the running shell knows stands as
`UNKNOWN` in a word's text, what it knows to be names of files or numbers of this folder as `SOFT`. Start with
`Words.of`.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

from copydesk.domain.frozen import frozen

if TYPE_CHECKING:
    from tree_sitter import Node

UNKNOWN = "\x00"
SOFT = "\x01"
MAX_ALTERNATIVES = 16
MAX_WORD_DEPTH = 24
MAX_BRACES = 8
MAX_VARIANTS = 12

Char = tuple[str, bool]
"""A character and whether it was quoted."""
Chars = list[Char]


@frozen
class Word:
    """`certain`: bash passes exactly this text. `glob`: unquoted `*`, `?` or `[`. `odd`: spelled so that it does not
    look like what it is (quotes or escapes inside a plain word).
    """

    text: str
    certain: bool = True
    glob: bool = False
    odd: bool = False

    @property
    def is_known(self) -> bool:
        return UNKNOWN not in self.text

    @property
    def shown(self) -> str:
        return self.text.replace(UNKNOWN, "…").replace(SOFT, "…")


_EXPANSIONS = frozenset({"simple_expansion", "expansion", "command_substitution", "process_substitution"})


class Unreadable(Exception):
    """The words cannot be told; `why` for a person."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def named(text: str) -> tuple[str, ...]:
    """The names in a text, parted by blanks: a table of names that stays readable."""
    return tuple(text.split())


class Words:
    """Reads words. `substituted` visits a substitution and gives its output, `SOFT` or `UNKNOWN` where that is not
    known; `values` the texts a variable may have, None where they are not known.
    """

    def __init__(self, substituted: Callable[["Node"], str], values: Callable[[str], Sequence[str] | None]) -> None:
        self._substituted = substituted
        self._values = values

    def of(self, node: "Node") -> list[list[Word]]:
        """The alternatives of one word node; each is what it expands to: none, one or (braces) several words."""
        fixed = not any(child.type in _EXPANSIONS for child in _walk(node))
        return [_expanded(chars, fixed) for chars in self._alternatives(node, 0)]

    def _alternatives(self, node: "Node", depth: int) -> list[Chars]:
        if depth > MAX_WORD_DEPTH:
            raise Unreadable("Its quotes and braces are nested too deeply.")
        match node.type:
            case (
                "word" | "number" | "brace_expression" | "variable_name" | "extglob_pattern" | "regex" | "test_operator"
            ):
                return [unescaped(text_of(node))]
            case "raw_string":
                return [[("", True), *((char, True) for char in text_of(node)[1:-1])]]
            case "ansi_c_string":
                return [[("", True), *((char, True) for char in ansi_c(text_of(node)[2:-1]))]]
            case "string" | "translated_string":
                return self._string(node, depth)
            case "concatenation" | "command_name":
                return _joined([self._alternatives(child, depth + 1) for child in node.children])
            case "simple_expansion":
                return self._variable(text_of(node)[1:])
            case "expansion":
                return self._expansion(node)
            case "command_substitution":
                return [[(char, False) for char in self._substituted(node)] or [("", True)]]
            case "process_substitution":
                self._substituted(node)
                return [[(char, True) for char in "/dev/fd/63"]]
            case "arithmetic_expansion":
                self._substituted(node)
                return [[("0", True), (SOFT, True)]]
            case _:
                raise Unreadable(f"{text_of(node)[:40]!r} stands where a word is expected.")

    def _string(self, node: "Node", depth: int) -> list[Chars]:
        """The text between the children is the string's own: the grammar gives no node to all of it."""
        source = node.text or b""
        parts: list[list[Chars]] = [[[("", True)]]]
        position = 0
        for child in node.children:
            start, end = child.start_byte - node.start_byte, child.end_byte - node.start_byte
            parts.append([_double_quoted(source[position:start].decode("utf-8", "replace"))])
            position = end
            if child.type == "string_content":
                parts.append([_double_quoted(text_of(child))])
            elif child.type == "string":
                parts.append(self._string(child, depth + 1))
            elif child.is_named:
                quoted = [[(char, True) for char, _ in chars] for chars in self._alternatives(child, depth + 1)]
                parts.append(quoted)
        return _joined(parts)

    def _expansion(self, node: "Node") -> list[Chars]:
        found = re.fullmatch(r"\$\{(\w+)\}", text_of(node))
        if found:
            return self._variable(found[1])
        for child in node.children:
            self._visit_inside(child)
        return [[(UNKNOWN, False)]]

    def _visit_inside(self, node: "Node") -> None:
        """Substitutions in a default value run too."""
        for child in _walk(node):
            if child.type in ("command_substitution", "process_substitution"):
                self._substituted(child)

    def _variable(self, name: str) -> list[Chars]:
        if name in ("?", "#", "$", "!"):
            return [[("0", True), (SOFT, True)]]
        values = self._values(name)
        if not values or len(values) > MAX_ALTERNATIVES:
            return [[(UNKNOWN, False)]]
        return [[(char, False) for char in value] or [("", True)] for value in values]


def _walk(node: "Node") -> Iterator["Node"]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        if current.type not in ("command_substitution", "process_substitution"):
            stack.extend(current.children)


def text_of(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _joined(parts: list[list[Chars]]) -> list[Chars]:
    n_alternatives = 1
    for part in parts:
        n_alternatives *= len(part)
    if n_alternatives > MAX_ALTERNATIVES:
        return [[(UNKNOWN, False)]]
    return [[char for chars in combination for char in chars] for combination in product(*parts)]


def variants(parts: list[list[list[Word]]]) -> list[tuple[Word, ...]]:
    """Every way the words can come out; where these are many, one in which the doubtful words are unknown."""
    n_variants = 1
    for part in parts:
        n_variants *= len(part)
    if n_variants > MAX_VARIANTS:
        parts = [part if len(part) == 1 else [[Word(UNKNOWN, certain=False)]] for part in parts]
    return [tuple(word for words in choice for word in words) for choice in product(*parts)]


# --- quoting ---


def unescaped(text: str) -> Chars:
    chars: Chars = []
    position = 0
    while position < len(text):
        if text[position] == "\\" and position + 1 < len(text):
            if text[position + 1] != "\n":
                chars.append((text[position + 1], True))
            position += 2
        else:
            chars.append((text[position], False))
            position += 1
    return chars


def _double_quoted(text: str) -> Chars:
    chars: Chars = []
    position = 0
    while position < len(text):
        follower = text[position + 1 : position + 2]
        if text[position] == "\\" and follower and follower in '$`"\\\n':
            if follower != "\n":
                chars.append((follower, True))
            position += 2
        else:
            chars.append((text[position], True))
            position += 1
    return chars


_SIMPLE_ESCAPES = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
_ANSI_C = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|c.|.)", re.DOTALL)


def ansi_c(text: str) -> str:
    """What `$'…'` stands for. A NUL ends it, as in bash."""

    def one(found: re.Match[str]) -> str:
        code = found[1]
        if code[0] in "xuU" and len(code) > 1:
            return chr(min(int(code[1:], 16), 0x10FFFF))
        if code[0] in "01234567":
            return chr(int(code, 8) & 0xFF)
        if code[0] == "c" and len(code) == 2:
            return chr(ord(code[1].upper()) & 0x1F)
        return _SIMPLE_ESCAPES.get(code, "\\" + code)

    return _ANSI_C.sub(one, text).partition("\0")[0]


# --- expansion ---


def _expanded(chars: Chars, fixed: bool) -> list[Word]:
    words: list[Word] = []
    for one in _braces(chars):
        text = "".join(char for char, _ in one)
        if not one:
            continue
        glob = any(char in "*?[" and not quoted for char, quoted in one)
        splits = any(char in " \t\n" and not quoted for char, quoted in one)
        known = UNKNOWN not in text and SOFT not in text
        if splits:  # an unquoted variable of several words
            words.append(Word(UNKNOWN, certain=False))
        else:
            certain = fixed and known and not glob and one is chars
            words.append(Word(text, certain, glob, _is_odd(one)))
    return words


def _is_odd(chars: Chars) -> bool:
    """Quoted in part only, inside of what would be a plain word."""
    kinds = {quoted for char, quoted in chars if char}
    has_break = any(quoted for char, quoted in chars if not char) or True in kinds
    plain = "".join(char for char, _ in chars)
    return has_break and False in kinds and re.fullmatch(r"[\w./-]+", plain) is not None


def _braces(chars: Chars) -> list[Chars]:
    """Brace expansion, which comes before all others. Bounded: what is larger is one unknown."""
    if sum(char == ("{", False) for char in chars) > MAX_BRACES:
        return [[(UNKNOWN, False)]]
    found = _first_brace(chars)
    if found is None:
        return [chars]
    start, end, choices = found
    results: list[Chars] = []
    for choice in choices:
        for rest in _braces(chars[end + 1 :]):
            results += [[*chars[:start], *inner, *rest] for inner in _braces(choice)]
            if len(results) > 64:
                return [[(UNKNOWN, False)]]
    return results


def _first_brace(chars: Chars) -> tuple[int, int, list[Chars]] | None:
    for start, char in enumerate(chars):
        if char == ("{", False):
            found = _choices(chars, start)
            if found is not None:
                return (start, *found)
    return None


def _choices(chars: Chars, start: int) -> tuple[int, list[Chars]] | None:
    depth = 0
    parts: list[Chars] = [[]]
    for position in range(start + 1, len(chars)):
        char = chars[position]
        if char == ("}", False) and depth == 0:
            if len(parts) > 1:
                return position, parts
            span = _sequence("".join(char for char, _ in parts[0]))
            return (position, span) if span is not None else None
        if char == (",", False) and depth == 0:
            parts.append([])
            continue
        depth += {("{", False): 1, ("}", False): -1}.get(char, 0)
        parts[-1].append(char)
    return None


def _sequence(text: str) -> list[Chars] | None:
    """`{1..3}` and `{a..c}`; longer ones are their ends and something between."""
    found = re.fullmatch(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.-?\d+)?", text)
    if found is None:
        return None
    if found[1].lstrip("-").isdigit() and found[2].lstrip("-").isdigit():
        return [[(found[1], True)], [(SOFT, True)], [(found[2], True)]]
    ends = sorted((ord(found[1][0]), ord(found[2][0])))
    return [[(chr(code), True)] for code in range(ends[0], ends[1] + 1)]
