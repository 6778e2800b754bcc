"""Instruction comments: `# copydesk: make this async`, in whatever way the language writes comments.

Owns finding them in text, and nothing else: no LSP type, no edit. Start with `find_instruction`.

Lexing is cheap on purpose: one regular expression a language, made of its strings and comments, so that a marker
inside a string is not taken for a comment. It runs only when the word stands near the place asked about.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from copydesk.domain.messages import LineRange

MAX_LEXED = 400_000
"""Characters lexed from the top of a file; beyond this only the lines near the place are looked at."""
MAX_BLOCK_LINES = 60
"""A comment block that starts further above the cursor is not found."""

_MARK = re.compile(r"copydesk[ \t]*:", re.IGNORECASE)
_INSTRUCTION = re.compile(r"[\s*!/#;%-]*copydesk[ \t]*:[ \t]*(.*)", re.IGNORECASE | re.DOTALL)

_DOUBLE = r'"(?:\\.|[^"\\\n])*"?'
_SINGLE = r"'(?:\\.|[^'\\\n])*'?"
_CHARACTER = r"'(?:\\[^\n']{1,10}|[^'\\\n])'"
_TRIPLE = r'"""(?:\\.|[^\\])*?(?:"""|\Z)' + "|" + r"'''(?:\\.|[^\\])*?(?:'''|\Z)"
_BACKTICK = r"`(?:\\.|[^`\\])*(?:`|\Z)"
_SHELL = r"'[^']*(?:'|\Z)" + "|" + r'"(?:\\.|[^"\\])*(?:"|\Z)'
_C_BLOCK = ("/*", "*/")


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a family of languages writes comments: line markers, block pairs, and a pattern for its strings.

    `apart`: a line marker counts only at the start of a line or after white space (`${#name}` in a shell).
    """

    line: tuple[str, ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    strings: str = ""
    apart: bool = False


_PYTHON = Syntax(("#",), (), f"{_TRIPLE}|{_DOUBLE}|{_SINGLE}")
_HASH = Syntax(("#",), (), f"{_DOUBLE}|{_SINGLE}", apart=True)
_SHELLS = Syntax(("#",), (), _SHELL, apart=True)
_C = Syntax(("//",), (_C_BLOCK,), f"{_DOUBLE}|{_CHARACTER}")
_SCRIPT = Syntax(("//",), (_C_BLOCK,), f"{_BACKTICK}|{_DOUBLE}|{_SINGLE}")
_TRIPLE_C = Syntax(("//",), (_C_BLOCK,), f"{_TRIPLE}|{_DOUBLE}|{_CHARACTER}")
_MARKUP = Syntax((), (("<!--", "-->"),))
_COMPONENT = Syntax(("//",), (("<!--", "-->"), _C_BLOCK), f"{_DOUBLE}|{_SINGLE}", apart=True)
_LISP = Syntax((";",), (("#|", "|#"),), _DOUBLE.replace(r"\n", ""))
_ANY = Syntax(
    ("#", "//", "--", ";", "%"), (_C_BLOCK, ("<!--", "-->"), ("(*", "*)")), f"{_DOUBLE}|{_CHARACTER}", apart=True
)

_FAMILIES: tuple[tuple[str, Syntax], ...] = (
    ("python starlark gdscript", _PYTHON),
    ("ruby perl yaml toml r elixir dockerfile coffeescript crystal graphql cmake nim tcl awk", _HASH),
    ("dockercompose properties julia git-commit git-rebase ignore robotframework", _HASH),
    ("shellscript sh bash zsh fish makefile", _SHELLS),
    ("powershell", Syntax(("#",), (("<#", "#>"),), f"{_DOUBLE}|'[^']*'", apart=True)),
    ("c cpp objective-c objective-cpp cuda-cpp java csharp rust zig d solidity proto proto3 verilog wgsl glsl v", _C),
    ("javascript javascriptreact typescript typescriptreact go jsonc json5 json less scss groovy gradle", _SCRIPT),
    ("kotlin scala swift dart", _TRIPLE_C),
    ("php", Syntax(("//", "#"), (_C_BLOCK,), f"{_DOUBLE}|{_SINGLE}")),
    ("terraform hcl nix", Syntax(("#", "//"), (_C_BLOCK,), _DOUBLE, apart=True)),
    ("css", Syntax((), (_C_BLOCK,), f"{_DOUBLE}|{_SINGLE}")),
    ("sql plsql pgsql", Syntax(("--",), (_C_BLOCK,), r"'(?:''|[^'])*(?:'|\Z)|" + '"[^"\n]*"?')),
    ("lua luau", Syntax(("--",), (("--[[", "]]"),), rf"\[\[.*?(?:\]\]|\Z)|{_DOUBLE}|{_SINGLE}")),
    ("haskell elm purescript", Syntax(("--",), (("{-", "-}"),), _DOUBLE)),
    ("ada vhdl applescript", Syntax(("--",), (), '"[^"\n]*"?')),
    ("lisp commonlisp clojure scheme racket emacs-lisp elisp fennel", _LISP),
    ("ini asm nasm autohotkey", Syntax((";", "#"), (), f"{_DOUBLE}", apart=True)),
    ("tex latex bibtex matlab octave", Syntax(("%",), (), r"\\%")),
    ("erlang prolog", Syntax(("%",), (), _DOUBLE)),
    ("ocaml fsharp", Syntax(("//",), (("(*", "*)"),), f"{_DOUBLE}|{_CHARACTER}")),
    ("html xml xsl svg markdown handlebars razor", _MARKUP),
    ("vue svelte astro", _COMPONENT),
    ("vim viml", Syntax(('"',), (), _SINGLE, apart=True)),
    ("vb vbnet", Syntax(("'",), (), '"[^"\n]*"?')),
    ("fortran fortran-modern", Syntax(("!",), (), f"{_DOUBLE}|{_SINGLE}")),
)
_SYNTAX = {language: syntax for languages, syntax in _FAMILIES for language in languages.split()}


@dataclass(frozen=True, slots=True)
class InstructionComment:
    """`text` is the instruction without marks; `range` covers the comment (0-based lines, code points)."""

    text: str
    range: LineRange


def find_instruction(lines: Sequence[str], language: str, start_line: int, end_line: int) -> InstructionComment | None:
    """The first instruction comment that lines `start_line` to `end_line` (inclusive) touch.

    `lines` may keep their ends. `language` is LSP's language id; an unknown one gets every common marker.
    """
    first, last = max(0, start_line - MAX_BLOCK_LINES), min(len(lines), end_line + 1)
    if not any(_MARK.search(lines[i]) for i in range(first, last)):
        return None
    top = 0 if sum(len(lines[i]) for i in range(last)) <= MAX_LEXED else first
    bottom = min(len(lines), last + MAX_BLOCK_LINES)
    bare = [lines[i].rstrip("\r\n") for i in range(top, bottom)]
    for found in _instructions(bare, syntax_of(language)):
        if found.range.start_line + top <= end_line and found.range.end_line + top >= start_line:
            return InstructionComment(found.text, _moved(found.range, top))
    return None


def syntax_of(language: str) -> Syntax:
    return _SYNTAX.get(language.lower(), _ANY)


def _moved(at: LineRange, by: int) -> LineRange:
    return LineRange(at.start_line + by, at.start_column, at.end_line + by, at.end_column)


# --- lexing ----------------------------------------------------------------------------------------------


@cache
def _pattern(syntax: Syntax) -> re.Pattern[str]:
    """Blocks before line markers (`--[[` before `--`), both before strings (`"` in Vim is a comment)."""
    blocks = "|".join(rf"{re.escape(start)}.*?(?:{re.escape(end)}|\Z)" for start, end in syntax.blocks)
    marks = "|".join(re.escape(mark) for mark in syntax.line)
    ahead = r"(?<![^\s(;])" if syntax.apart else ""
    options = [
        rf"(?P<block>{blocks})" if blocks else "",
        rf"(?P<line>{ahead}(?P<mark>(?:{marks}))[^\n]*)" if marks else "",
        syntax.strings,
    ]
    return re.compile("|".join(option for option in options if option), re.DOTALL)


def _instructions(lines: list[str], syntax: Syntax) -> Iterator[InstructionComment]:
    text = "\n".join(lines)
    for token in _pattern(syntax).finditer(text):
        groups = token.groupdict()
        if not _MARK.search(token.group()):
            continue
        line = text.count("\n", 0, token.start())
        column = token.start() - (text.rfind("\n", 0, token.start()) + 1)
        if groups.get("block"):
            found = _from_block(token.group(), line, column, syntax)
        elif groups.get("line"):
            found = _from_lines(lines, line, column, groups["mark"])
        else:
            continue
        if found:
            yield found


def _from_block(comment: str, line: int, column: int, syntax: Syntax) -> InstructionComment | None:
    start, end = next(pair for pair in syntax.blocks if comment.startswith(pair[0]))
    inner = comment[len(start) :].removesuffix(end)
    found = _INSTRUCTION.fullmatch(inner)
    if not found:
        return None
    words = " ".join(part.strip().lstrip("*").strip() for part in found.group(1).split("\n"))
    n_below = comment.count("\n")
    end_column = len(comment) - (comment.rfind("\n") + 1) if n_below else column + len(comment)
    return _instruction(words.rstrip("*").strip(), LineRange(line, column, line + n_below, end_column))


def _from_lines(lines: list[str], line: int, column: int, mark: str) -> InstructionComment | None:
    found = _INSTRUCTION.fullmatch(lines[line][column + len(mark) :])
    if not found:
        return None
    words, last = [found.group(1).strip()], line
    if not lines[line][:column].strip():
        more = _continuation(lines, line, lines[line][:column] + mark)
        words, last = words + more, line + len(more)
    return _instruction(" ".join(words).strip(), LineRange(line, column, last, len(lines[last])))


def _continuation(lines: list[str], line: int, prefix: str) -> list[str]:
    """The comment lines directly below with the same indentation and marker; an empty or a new one ends them."""
    more: list[str] = []
    for below in lines[line + 1 :]:
        words = below[len(prefix) :].lstrip(prefix.strip()).strip() if below.startswith(prefix) else ""
        if not words or _INSTRUCTION.fullmatch(words):
            break
        more.append(words)
    return more


def _instruction(text: str, at: LineRange) -> InstructionComment | None:
    return InstructionComment(text, at) if text else None
