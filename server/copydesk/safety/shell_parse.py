"""A command line as the simple commands that a shell would run: tree-sitter's tree, read for what starts programs.

Owns finding every simple command wherever it stands, with its words, redirections, folder, and what feeds it; and
saying what cannot be understood. Knows no program. A tree is believed only where it accounts for every character.
Start with `read_script`.
"""

import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from copydesk.safety.places import Place
from copydesk.safety.shell_names import Names, collect_names
from copydesk.safety.shell_outputs import hinted, is_lister, plain_output
from copydesk.safety.shell_scripts import Redirect, Script, Simple
from copydesk.safety.shell_trust import doubts, gaps
from copydesk.safety.shell_words import SOFT, UNKNOWN, Unreadable, Word, Words, named, text_of, variants

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MAX_TEXT = 16_000
MAX_NODES = 5000
MAX_COMMANDS = 100
MAX_WORDS = 400
MAX_VALUES = 16
MAX_DEPTH = 60
MAX_RESOLVING = 4

_WORDS = frozenset(
    named(
        "word number string raw_string ansi_c_string translated_string concatenation simple_expansion expansion"
        " command_substitution process_substitution arithmetic_expansion brace_expression extglob_pattern variable_name"
        " regex test_operator"
    )
)
_SAYS_WHERE = (["pwd"], ["git", "rev-parse", "--show-toplevel"])
_DECLARES = frozenset(named("export declare local readonly typeset unset unsetenv"))
_REDIRECTS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})


@cache
def _parser() -> "Parser":
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def read_script(text: str, place: Place) -> Script:
    """Never raises, and takes time that grows with the text alone."""
    if len(text) > MAX_TEXT:
        return Script(problems=(f"It is longer than {MAX_TEXT:,} characters.",))
    if problem := doubts(text):
        return Script(problems=(problem,))
    # The grammar loses a lone '-' before a here-document; /dev/stdin says the same.
    source = re.sub(r"(?<=\s)-(?=\s+<<)", "/dev/stdin", text).encode("utf-8", "surrogatepass")
    root = _parser().parse(source).root_node
    if root.has_error:
        return Script(problems=("It is not a complete command line that bash's grammar knows.",))
    if root.descendant_count > MAX_NODES:
        return Script(problems=("It is too large to be judged.",))
    if problem := gaps(root, source):
        return Script(problems=(problem,))
    reader = _Reader(place, collect_names(root))
    try:
        reader.read_all(root, ())
    except Unreadable as problem:
        reader.problems.append(problem.why)
    return Script(tuple(reader.commands), reader.names.functions, tuple(dict.fromkeys(reader.problems)))


class _Reader:
    """Walks one tree in the order of the text, and keeps the folder as `cd` changes it."""

    def __init__(self, place: Place, names: Names) -> None:
        self.place = place
        self.names = names
        self.commands: list[Simple] = []
        self.problems: list[str] = []
        self._cwd = place.cwd
        self._depth = 0
        self._function = ""
        self._n_words = 0
        self._outputs: dict[int, str] = {}
        self._resolving: set[str] = set()
        self._n_inputs = 0  # files and texts that stand around in the place of what is piped
        self._listed: set[str] = set()  # what a `read` has put a line of a listing into

    def read_all(self, node: "Node", piped: tuple[int, ...]) -> tuple[int, ...]:
        """The numbers of all commands in a node's children."""
        numbers: tuple[int, ...] = ()
        for child in node.children:
            numbers += self.read(child, piped)
        return numbers

    def read(self, node: "Node", piped: tuple[int, ...]) -> tuple[int, ...]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("It is nested too deeply.")
        try:
            return self._read(node, piped)
        finally:
            self._depth -= 1

    def _read(self, node: "Node", piped: tuple[int, ...]) -> tuple[int, ...]:
        match node.type:
            case "command" | "declaration_command" | "unset_command":
                return self._command(node, (), piped)
            case "variable_assignment" | "variable_assignments":
                return self._assignment(node)
            case "redirected_statement":
                return self._redirected(node, piped)
            case "pipeline":
                return self._pipeline(node, piped)
            case "subshell":
                cwd = self._cwd
                numbers = self.read_all(node, piped)
                self._cwd = cwd
                return numbers
            case "function_definition":
                return self._function_definition(node)
            case "test_command":
                return self._test(node)
            case kind if kind in _REDIRECTS:
                redirects = tuple(self._redirect(node))
                return self._add(Simple((), self._cwd, redirects=redirects, text=text_of(node)))
            case kind if kind in _WORDS:
                return self._loose_word(node)
            case _:
                return self.read_all(node, piped)

    def _pipeline(self, node: "Node", piped: tuple[int, ...]) -> tuple[int, ...]:
        numbers: tuple[int, ...] = ()
        for child in node.children:
            if child.is_named:
                stage = self.read(child, piped)
                numbers += stage
                piped += stage
        return numbers

    def _function_definition(self, node: "Node") -> tuple[int, ...]:
        outer, cwd = self._function, self._cwd
        name = next((text_of(child) for child in node.children if child.type == "word"), "?")
        self._function, self._cwd = name, UNKNOWN if _changes_folder(node) else self._cwd
        numbers: tuple[int, ...] = ()
        redirects: list[Redirect] = []
        for child in node.children:
            if child.type in _REDIRECTS:
                redirects += self._redirect(child)
            elif child.is_named and child.type != "word":
                numbers += self.read(child, ())
        if redirects:
            numbers += self._add(Simple((), self._cwd, redirects=tuple(redirects), text=text_of(node)))
        self._function, self._cwd = outer, cwd
        return numbers

    def _test(self, node: "Node") -> tuple[int, ...]:
        """`[[ … ]]` and `[ … ]`: a command whose words are not needed, but what they substitute runs."""
        before = len(self.commands)
        self.read_all(node, ())
        numbers = tuple(range(before, len(self.commands)))
        words = (Word("[["), *(Word(text, certain=False) for text in _literals(node)))
        return (*numbers, *self._add(Simple(words, self._cwd, sources=numbers, text=text_of(node))))

    def _loose_word(self, node: "Node") -> tuple[int, ...]:
        """A word outside of a command: in `for x in …`, `case`, arithmetic. Its substitutions run."""
        before = len(self.commands)
        self._words(node)
        return tuple(range(before, len(self.commands)))

    def _assignment(self, node: "Node") -> tuple[int, ...]:
        before = len(self.commands)
        nodes = [node] if node.type == "variable_assignment" else [c for c in node.children if c.is_named]
        pairs = tuple(pair for one in nodes for pair in self._assigned(one))
        inner = tuple(range(before, len(self.commands)))
        return (*inner, *self._add(Simple((), self._cwd, pairs, sources=inner, text=text_of(node))))

    def _assigned(self, node: "Node") -> list[tuple[str, Word]]:
        name = re.split(r"\+?=|\[", text_of(node), maxsplit=1)[0]
        value = node.child_by_field_name("value")
        if value is None:
            for child in node.children:
                self.read(child, ()) if child.type == "subscript" else None
            return [(name, Word(""))]
        for child in node.children:
            if child.type == "subscript":
                self.read_all(child, ())
        if value.type == "array":
            return [(name, word) for child in value.children if child.is_named for word in self._words(child)[0]]
        alternatives = self._words(value)
        return [(name, words[0] if words else Word("")) for words in alternatives]

    # --- one command ---

    def _redirected(self, node: "Node", piped: tuple[int, ...]) -> tuple[int, ...]:
        body = [child for child in node.children if child.type not in _REDIRECTS]
        redirects = [child for child in node.children if child.type in _REDIRECTS]
        numbers: tuple[int, ...] = ()
        if len(body) == 1 and body[0].type in ("command", "declaration_command", "unset_command"):
            numbers = self._command(body[0], tuple(redirects), piped)
        else:
            before = len(self.commands)
            parts = [part for child in redirects for part in self._redirect(child)]
            fed = tuple(range(before, len(self.commands)))
            stdin = next((self._stdin_text(child) for child in redirects if child.type != "file_redirect"), None)
            numbers = (*fed, *self._add(Simple((), self._cwd, redirects=tuple(parts), text=text_of(node)[:200])))
            first = len(self.commands)
            other = any(part.operator.startswith("<") and part.target.text != "/dev/fd/63" for part in parts)
            self._n_inputs += other or stdin is not None
            for child in body:
                numbers += self.read(child, (*piped, *fed))
            self._n_inputs -= other or stdin is not None
            self._give_stdin(first, stdin)
        for child in redirects:  # `cat <<E | sh`: the grammar puts what follows on the line inside of the redirect
            for inner in child.children:
                if inner.type in ("pipeline", "command", "list", "redirected_statement") or inner.type in ("&&", "||"):
                    numbers += self.read(inner, numbers)
        return numbers

    def _give_stdin(self, first: int, text: str | None) -> None:
        if text is not None:
            for number in range(first, len(self.commands)):
                old = self.commands[number]
                if old.stdin_text is None:
                    self.commands[number] = replace(old, stdin_text=text)

    def _command(self, node: "Node", outside: tuple["Node", ...], piped: tuple[int, ...]) -> tuple[int, ...]:
        before = len(self.commands)
        assignments: list[tuple[str, Word]] = []
        redirects: list[Redirect] = []
        parts: list[list[list[Word]]] = []
        stdin: str | None = None
        for child in (*node.children, *outside):
            if child.type == "variable_assignment" and node.type == "command":
                assignments += self._assigned(child)
            elif child.type in _REDIRECTS:
                redirects += self._redirect(child)
                stdin = self._stdin_text(child) if child.type != "file_redirect" else stdin
                parts += self._words_in_redirect(child)
            elif child.type == "variable_assignment":
                parts.append([[Word(f"{name}={word.text}", word.certain)] for name, word in self._assigned(child)])
            elif child.type == "subshell" and [word.text for part in parts for word in part[0]] == ["time"]:
                self.read(child, piped)
            elif child.type == "subshell":
                raise Unreadable("A bracket stands where a word is expected.")
            elif child.is_named or child.type in _DECLARES:
                parts.append([[Word(text_of(child))]] if not child.is_named else self._words(child))
        inner = tuple(range(before, len(self.commands)))
        added: tuple[int, ...] = ()
        for words in variants(parts):
            simple = Simple(
                words,
                self._cwd,
                tuple(assignments),
                tuple(redirects),
                (*piped, *inner),
                piped,
                stdin,
                text_of(node),
                self._function,
            )
            added += self._add(simple)
        self._follow_folder(added)
        self._follow_read(added, outside)
        return (*inner, *added)

    def _words(self, node: "Node") -> list[list[Word]]:
        self._n_words += 1
        if self._n_words > MAX_WORDS:
            raise Unreadable(f"It has more than {MAX_WORDS} words.")
        return Words(self._substituted, self._values).of(node)

    def _substituted(self, node: "Node") -> str:
        """Reads what a substitution runs, once. Its output where that is written there, SOFT where it is no more than
        names of this folder.
        """
        if node.start_byte not in self._outputs:
            commands = [self.commands[number] for number in self.read_all_apart(node)]
            output = plain_output(commands[0]) if len(commands) == 1 else None
            if len(commands) == 1 and [word.text for word in commands[0].words] in _SAYS_WHERE:
                output = self._cwd if commands[0].name == "pwd" else (*self.place.roots, self._cwd)[0]
            if output is None:
                output = SOFT if commands and all(is_lister(command) for command in commands) else hinted(commands)
            self._outputs[node.start_byte] = output
        return self._outputs[node.start_byte]

    def read_all_apart(self, node: "Node") -> tuple[int, ...]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("It is nested too deeply.")
        cwd = self._cwd
        numbers = self.read_all(node, ())
        self._cwd = cwd
        self._depth -= 1
        return numbers

    def _values(self, name: str) -> list[str] | None:
        """What a variable may be, by what the line itself says; the shell's own only where it is not set here."""
        if name in self._listed and name in self.names.only_read:
            return [SOFT]
        if name in self.names.unknown or name in self._resolving or len(self._resolving) > MAX_RESOLVING:
            return None
        nodes = self.names.values.get(name)
        if nodes is not None and len(nodes) > MAX_VALUES:
            return None
        if nodes is None:
            known = {"HOME": self.place.home or "~", "PWD": self._cwd if UNKNOWN not in self._cwd else None}
            value = known.get(name)
            return [value] if value else None
        self._resolving.add(name)
        try:
            found = [self._words(node) for node in nodes]
        finally:
            self._resolving.discard(name)
        texts = [word.text for alternatives in found for words in alternatives for word in words]
        return texts or None

    def _stdin_text(self, node: "Node") -> str:
        """What a here-document or here-string says; its substitutions stand as written."""
        if node.type == "herestring_redirect":
            words = [self._words(child)[0] for child in node.children if child.is_named]
            return " ".join(word.text for expanded in words for word in expanded)
        text = "".join(text_of(child) for child in node.children if child.type == "heredoc_body")
        quoted = any(set(text_of(child)) & set("'\"\\") for child in node.children if child.type == "heredoc_start")
        return text if quoted else re.sub(r"\\([$`\\\n])", r"\1", text)

    def _words_in_redirect(self, node: "Node") -> list[list[list[Word]]]:
        """Words that follow a here-document's mark on its line are arguments: the grammar hangs them below it."""
        if node.type != "heredoc_redirect":
            return []
        return [self._words(child) for child in node.children if child.type in _WORDS]

    def _redirect(self, node: "Node") -> list[Redirect]:
        if node.type == "heredoc_redirect":
            found: list[Redirect] = []
            for child in node.children:
                if child.type == "heredoc_body":
                    self.read_all(child, ())
                elif child.type in _REDIRECTS:
                    found += self._redirect(child)
            return found
        fd = "".join(text_of(child) for child in node.children if child.type == "file_descriptor")
        operator = next((child.type for child in node.children if not child.is_named), "")
        targets = [child for child in node.children if child.is_named and child.type != "file_descriptor"]
        if node.type == "herestring_redirect":
            for child in targets:
                self._words(child)
            return []
        if len(targets) > 1:
            self.problems.append("More than one word follows a redirection.")
        return [
            Redirect(operator, word, fd) for child in targets for words in self._words(child) for word in words
        ] or [Redirect(operator, Word("-"), fd)]

    def _follow_folder(self, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            words = self.commands[number].words
            if words and words[0].text in ("cd", "chdir", "pushd", "popd") and words[-1].text != SOFT:
                operands = [word for word in words[1:] if not re.fullmatch(r"-[LPe@]+|--", word.text)]
                target = operands[0] if operands else Word("~")
                known = (
                    target.is_known and not target.glob and target.text not in ("-", "") and target.text[0] not in "+-"
                )
                if len(numbers) > 1 or not known or words[0].text == "popd" or "CDPATH" in self.names.values:
                    self._cwd = UNKNOWN
                elif UNKNOWN not in self._cwd or target.text.startswith(("/", "~")):
                    base = "/" if UNKNOWN in self._cwd else self._cwd
                    self._cwd = Place(base, home=self.place.home).absolute(target.text)

    def _follow_read(self, numbers: tuple[int, ...], outside: tuple["Node", ...]) -> None:
        """`git ls-files | while read -r f`: `f` is one of the names that are listed."""
        if len(numbers) == 1 and (read := self.commands[numbers[0]]).name == "read" and not (outside or self._n_inputs):
            fed = [self.commands[number] for number in read.piped]
            if fed and read.stdin_text is None and not read.redirects and all(is_lister(each) for each in fed):
                self._listed.update(word.text for word in read.words[1:])

    def _add(self, command: Simple) -> tuple[int, ...]:
        if len(self.commands) >= MAX_COMMANDS:
            raise Unreadable(f"It has more than {MAX_COMMANDS} commands.")
        self.commands.append(command)
        return (len(self.commands) - 1,)


def _literals(node: "Node") -> list[str]:
    """The texts of a test that stand there literally: what they quote may be evaluated once more."""
    found: list[str] = []
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type not in ("command_substitution", "process_substitution"):
            stack.extend(current.children)
        if current.type in ("raw_string", "ansi_c_string") or (current.type == "string" and "\\" in text_of(current)):
            found.append(text_of(current))
    return found


def _changes_folder(node: "Node") -> bool:
    return re.search(r"\b(?:cd|pushd|popd)\b", text_of(node)) is not None
