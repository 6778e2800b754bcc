"""The rule language: `Bash(git status *)`, `FileRead(.env*)`, `Tool(shell)` and what they match.

Owns parsing and matching of one rule. Which list wins, modes and risk are `judge`'s. Does no I/O.

A command pattern is split into words as a shell does. A quoted character is always literal, so that a rule written by
"always" names one command and no other. In an unquoted word `*` and `?` stand for any characters of that word; a last
word `*` stands for any further words, none included. Start with `parse`.
"""

import re
from fnmatch import translate
from functools import cache
from typing import Literal, TypeAlias

from copydesk.domain.errors import ConfigError
from copydesk.domain.frozen import frozen
from copydesk.domain.risks import SimpleCommand

RuleKind: TypeAlias = Literal["Bash", "InPlace", "FileRead", "FileWrite", "Network", "Tool", "Skill", "Mcp"]
KINDS: tuple[RuleKind, ...] = ("Bash", "InPlace", "FileRead", "FileWrite", "Network", "Tool", "Skill", "Mcp")
_KINDS: dict[str, RuleKind] = {kind: kind for kind in KINDS}

_EXAMPLES = (
    "Rules are Bash(git status *), FileRead(path), FileWrite(src/**), Network(host), Tool(name), Skill(name), "
    "Mcp(server, tool)."
)
_SHAPE = re.compile(r"\s*([A-Za-z]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_REDIRECTION = re.compile(r"\d*(?:>>|>\||<>|&>>|&>|>)|\{\w+\}>")
MAX_LENGTH = 4000


@frozen
class Pattern:
    """One word of a command rule: an expression over the whole word; `literal` where only one text matches."""

    expression: str
    literal: str | None = None

    def matches(self, word: str) -> bool:
        if self.literal is not None:
            return word == self.literal
        return _compiled(self.expression).fullmatch(word) is not None


@frozen
class Rule:
    """A parsed rule. `text` is how it was written.

    `words` is a command's; `rest` whether further words may follow; `extras` the assignments and redirections that it
    names; `globs` the other kinds' arguments.
    """

    kind: RuleKind
    text: str
    words: tuple[Pattern, ...] = ()
    rest: bool = False
    extras: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether it names one command or thing, and no other."""
        if self.kind in ("Bash", "InPlace"):
            return not self.rest and bool(self.words) and all(word.literal is not None for word in self.words)
        return bool(self.globs) and not any(set(glob) & set("*?[") for glob in self.globs)


@frozen
class Rules:
    """The three lists of the settings, and what a person answered with "always" or "for this session".

    `granted` are exact rules: `Bash(…)` there holds for runs in the shadow, `InPlace(…)` for the real tree. One of the
    person's own exact `Bash(…)` rules in `allow` holds for both.
    """

    allow: tuple[Rule, ...] = ()
    ask: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()
    granted: tuple[Rule, ...] = ()


def parse(text: str) -> Rule:
    """Raises `ConfigError`, which names the rule, says what is wrong, and what is allowed."""
    if len(text) > MAX_LENGTH:
        raise ConfigError(f"The rule {text[:60]!r}… is longer than {MAX_LENGTH} characters.", advice="Use a pattern.")
    found = _SHAPE.fullmatch(text)
    kind = _KINDS.get(found[1]) if found else None
    if found is None or kind is None:
        raise _problem(text, "no kind of rule begins so" if found else "it is not of the form Kind(pattern)")
    argument = found[2]
    if argument is None:
        argument = "*, *" if kind == "Mcp" else "**" if kind in ("FileRead", "FileWrite") else "*"
    if not argument.strip():
        raise _problem(text, "nothing stands between the brackets; write * for everything")
    if kind in ("Bash", "InPlace"):
        return _command_rule(kind, text, argument.strip())
    return Rule(kind, text, globs=_globs(kind, text, argument.strip()))


def parse_all(texts: tuple[str, ...]) -> tuple[tuple[Rule, ...], tuple[ConfigError, ...]]:
    """The rules that can be read, and what is wrong with the others."""
    rules: list[Rule] = []
    problems: list[ConfigError] = []
    for text in texts:
        try:
            rules.append(parse(text))
        except ConfigError as problem:
            problems.append(problem)
    return tuple(rules), tuple(problems)


def exact_rule(command: SimpleCommand, *, in_place: bool = False) -> str | None:
    """The rule that names this command and no other; None where its words are not certain."""
    if not command.certain or command.level == "critical" or not command.words:
        return None
    text = f"{'InPlace' if in_place else 'Bash'}({spelled(command.words, command.extras)})"
    return text if len(text) <= MAX_LENGTH else None


def spelled(words: tuple[str, ...], extras: tuple[str, ...] = ()) -> str:
    """A command as one line, quoted only where it must be: reading it as a rule gives the same words."""
    before = [extra for extra in extras if _ASSIGNMENT.match(extra)]
    after = [extra for extra in extras if not _ASSIGNMENT.match(extra)]
    return " ".join([*map(_quoted, before), *map(quoted_word, words), *after])


def _quoted(text: str) -> str:
    name, _, value = text.partition("=")
    return f"{name}={quoted_word(value) if value else ''}"


def quoted_word(word: str) -> str:
    if word and re.fullmatch(r"[\w@%+=:,./^~-]+", word, re.ASCII) and not _ASSIGNMENT.match(word):
        return word
    return "'" + word.replace("'", "'\"'\"'") + "'"


# --- matching ---


def matches_command(rule: Rule, command: SimpleCommand, *, strict: bool) -> bool:
    """`strict` is for rules that allow: every word is certain and every extra is named. Rules that ask or forbid also
    match a program by the last part of its path, and whatever extras it has.
    """
    if rule.kind not in ("Bash", "InPlace"):
        return False
    if strict:
        extras_named = sorted(rule.extras) == sorted(command.extras)
        return command.certain and extras_named and _words_match(rule, command.words)
    names = {command.words, _with_bare_name(command.words)}
    return set(rule.extras) <= set(command.extras) and any(_words_match(rule, words) for words in names)


def _with_bare_name(words: tuple[str, ...]) -> tuple[str, ...]:
    return (words[0].rsplit("/", 1)[-1], *words[1:]) if words else words


def _words_match(rule: Rule, words: tuple[str, ...]) -> bool:
    n_words = len(rule.words)
    if len(words) < n_words or (len(words) > n_words and not rule.rest):
        return False
    return all(pattern.matches(word) for pattern, word in zip(rule.words, words, strict=False))


def matches_path(rule: Rule, path: str, relative: str | None, home: str, *, below: bool) -> bool:
    """`path` is absolute, `relative` to its workspace root (None outside). `below`: what lies in a named folder counts
    too, and case is ignored; for rules that ask or forbid.
    """
    glob = rule.globs[0]
    if glob.startswith("~/"):
        glob = home.rstrip("/") + glob[1:] if home else glob
    target = path if glob.startswith("/") or re.match(r"[A-Za-z]:/", glob) else relative
    if glob == "**" or (target is None and "/" not in glob.rstrip("/")):
        target = path.lstrip("/") if glob != "**" else path
    if target is None:
        return False
    expression = _path_expression(glob, below)
    return re.compile(expression, re.IGNORECASE if below else 0).fullmatch(target) is not None


def matches_name(rule: Rule, *names: str) -> bool:
    """Tools, hosts, skills and MCP tools: each argument against its glob, case ignored for hosts."""
    if len(names) != len(rule.globs):
        return False
    if rule.kind == "Network":
        return _host_matches(rule.globs[0].lower(), names[0].lower().rstrip("."))
    return all(_compiled(translate(glob)).fullmatch(name) for glob, name in zip(rule.globs, names, strict=True))


def _host_matches(glob: str, host: str) -> bool:
    """`*.example.com` is every host below, not `example.com` itself, and never `evil-example.com`."""
    return _compiled(translate(glob)).fullmatch(host) is not None


@cache
def _path_expression(glob: str, below: bool) -> str:
    """`**` crosses folders, `*` and `?` do not. Without a slash the glob is of a name at any depth."""
    folder = glob.endswith("/")
    body = glob.rstrip("/")
    anywhere = "/" not in body and body != "**"
    pieces = [_PATH_GLOBS.get(piece) or re.escape(piece) for piece in re.split(r"(\*\*/|/\*\*$|\*\*|\*|\?)", body)]
    expression = ("(?:.*/)?" if anywhere else "") + "".join(pieces)
    return expression + ("/.*" if folder and not below else "(?:/.*)?" if folder or below else "")


_PATH_GLOBS = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


# --- parsing ---


def _command_rule(kind: RuleKind, text: str, argument: str) -> Rule:
    if re.fullmatch(r"[\w./-]+:\*", argument):
        raise _problem(text, f"a prefix is written with a blank: {kind}({argument[:-2]} *)")
    words: list[Pattern] = []
    extras: list[str] = []
    pending = ""
    for word, is_quoted in _split(text, argument):
        if pending:
            if word.literal is None:
                raise _problem(text, "the file of a redirection has no wildcard")
            extras.append(f"{pending} {quoted_word(word.literal)}")
            pending = ""
        elif not is_quoted and word.literal is not None and _REDIRECTION.fullmatch(word.literal):
            pending = word.literal
        elif not words and word.literal is not None and _ASSIGNMENT.match(word.literal):
            extras.append(word.literal)
        else:
            words.append(word)
    if not words or pending:
        raise _problem(text, "it names no command")
    rest = words[-1].literal is None and words[-1].expression == ".*"
    return Rule(kind, text, tuple(words[:-1] if rest else words), rest, tuple(extras))


def _split(text: str, argument: str) -> list[tuple[Pattern, bool]]:
    """Words as a shell splits them, with whether any of it was quoted. Operators, `$` and backquotes need quotes."""
    found: list[tuple[Pattern, bool]] = []
    for token in _tokens(text, argument):
        literal = "".join(char for char, _ in token)
        has_glob = any(char in "*?" and not quoted for char, quoted in token)
        if any(not quoted and char in ";|&$`()" for char, quoted in token) and literal not in ("&>", "&>>"):
            raise _problem(text, "a rule is about one simple command; operators and $ need quotes")
        pieces = [
            {"*": ".*", "?": "."}.get(char, re.escape(char)) if not quoted else re.escape(char)
            for char, quoted in token
        ]
        pattern = Pattern("".join(pieces), None if has_glob else literal)
        found.append((pattern, any(quoted for _, quoted in token)))
    return found


def _tokens(text: str, argument: str) -> list[list[tuple[str, bool]]]:
    tokens: list[list[tuple[str, bool]]] = []
    current: list[tuple[str, bool]] | None = None
    quote = ""
    position = 0
    while position < len(argument):
        char = argument[position]
        position += 1
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and argument[position : position + 1] in ('"', "\\", "$", "`"):
                current = [*(current or []), (argument[position], True)]
                position += 1
            else:
                current = current if current is not None else []
                current.append((char, True))
        elif char in "'\"":
            quote, current = char, current if current is not None else [("", True)]
        elif char == "\\" and position < len(argument):
            current = [*(current or []), (argument[position], True)]
            position += 1
        elif char in " \t\n":
            tokens += [current] if current is not None else []
            current = None
        else:
            current = current if current is not None else []
            current.append((char, False))
    if quote:
        raise _problem(text, "a quote is not closed")
    return tokens + ([current] if current is not None else [])


def _globs(kind: RuleKind, text: str, argument: str) -> tuple[str, ...]:
    if kind == "Mcp":
        parts = [part.strip() for part in argument.split(",")]
        if len(parts) not in (1, 2) or not all(parts):
            raise _problem(text, "it takes a server and a tool: Mcp(server, tool)")
        return (parts[0], parts[1] if len(parts) == 2 else "*")
    if kind in ("FileRead", "FileWrite"):
        argument = argument.replace("\\", "/").removeprefix("./") or "**"
        if ".." in argument.split("/"):
            raise _problem(text, "a path of a rule has no '..'")
    if kind == "Network" and re.search(r"[/\s]|://", argument):
        raise _problem(text, "it takes a host without scheme, port or path")
    return (argument,)


def _problem(text: str, why: str) -> ConfigError:
    return ConfigError(f"The rule {text[:200]!r} cannot be used: {why}.", advice=_EXAMPLES)
