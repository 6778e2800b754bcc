"""The judge of one command line: reads it, unwraps what starts other programs, and asks the judge of each program.

Start with `Judge.judge`.
"""

import re
from dataclasses import replace

from copydesk.domain.risks import LEVELS, Judgement, SimpleCommand, strictest
from copydesk.safety.places import Place
from copydesk.safety.risks import code, files, git, network, readers, tools
from copydesk.safety.risks.composition import Part, together
from copydesk.safety.risks.find import judge_fd, judge_find
from copydesk.safety.risks.findings import SAFE, Call, Finding, has_secret_name, worst
from copydesk.safety.risks.reach import read_of, write_of, zone_of
from copydesk.safety.rules import quoted_word, spelled
from copydesk.safety.shell_commands import SHELLS, unwrap
from copydesk.safety.shell_outputs import hinted, is_lister, plain_output
from copydesk.safety.shell_parse import read_script
from copydesk.safety.shell_prefixes import KNOWN_PACKAGES
from copydesk.safety.shell_scripts import Script, Simple
from copydesk.safety.shell_searches import found_by
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word

MAX_NESTING = 6
MAX_PARTS = 120
MAX_WORDS = 1500

HARMLESS_NAMES = re.compile(
    r"LC_\w+|LANG|LANGUAGE|TZ|NO_COLOR|FORCE_COLOR|CLICOLOR\w*|TERM|COLUMNS|LINES|CI|DEBUG|VERBOSE|RUST_BACKTRACE|RUST_LOG"
    r"|PYTHONDONTWRITEBYTECODE|PYTHONUNBUFFERED|PYTHONHASHSEED|PYTHONWARNINGS|PYTHONUTF8|PYTHONIOENCODING|NODE_ENV|RAILS_ENV"
    r"|GO111MODULE|GOOS|GOARCH|CGO_ENABLED|CARGO_TERM_COLOR|PYTEST_\w*TIMEOUT|TOKIO_\w+|BABEL_ENV|APP_ENV|FLASK_ENV"
    r"|LOG_LEVEL|LOGLEVEL|SLOW|UPDATE_SNAPSHOTS?|V|GIT_OPTIONAL_LOCKS|GIT_TERMINAL_PROMPT|COREPACK_\w+|npm_config_loglevel"
)
"""Variables that change how a program prints or what it prints, never what it starts."""
HARMLESS_VALUES = re.compile(
    r"(?:GIT_PAGER|PAGER|MANPAGER|BAT_PAGER)=(?:cat|less)?|PYTHONPATH=(?:\.|(?:\./)?[\w-]+(?:/[\w-]+)*)(?::(?:\.|[\w-]+))*"
    r"|NODE_OPTIONS=--(?:max[-_]old[-_]space[-_]size=\d+|experimental-vm-modules|no-warnings|openssl-legacy-provider)"
    r"|RUSTFLAGS=-(?:D|A|W) ?\w+|PYTEST_ADDOPTS=-\w+|MAKEFLAGS=-j\d*"
)
CHANGES_WHAT_RUNS = re.compile(
    r"PATH|LD_\w+|DYLD_\w+|GIT_\w+|\w*PAGER|\w*EDITOR|VISUAL|BROWSER|LESSOPEN|LESSCLOSE|PYTHON(?:STARTUP|PATH|HOME|INSPECT"
    r"|BREAKPOINT|USERBASE)|PERL5?\w*|RUBY\w+|NODE_\w+|BASH_ENV|ENV|IFS|PROMPT_COMMAND|SHELLOPTS|BASHOPTS|PS[0-4]|GCONV_PATH"
    r"|HOSTALIASES|\w*_PROXY|\w*_proxy|HOME|XDG_\w+|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|MAVEN_OPTS|GRADLE_OPTS|CC|CXX|LD|AR|SHELL"
    r"|RUSTC\w*|CARGO_\w+|GO\w+|SSH_\w+|MAKEFLAGS|PIP_\w+|UV_\w+|npm_config_\w+|NPM_CONFIG_\w+|TAR_OPTIONS|RSYNC_\w+|GREP_\w+"
    r"|FZF_\w+|RIPGREP_CONFIG_PATH|LUA_\w+|PHP\w+|AWKPATH|AWKLIBPATH|CDPATH|BASH_FUNC\w*|EXINIT|VIMINIT|TERMINFO|LOCPATH|NLSPATH"
    r"|OPENSSL_\w+|CURL_\w+|WGETRC|MANOPT|DOCKER_\w+|KUBECONFIG|AWS_\w+|PYTEST_PLUGINS|RUSTFLAGS|PYTEST_ADDOPTS|BAT_\w+"
)
BIN_FOLDERS = re.compile(r"(?:/usr(?:/local)?|/opt/homebrew|/opt/local)?/s?bin/[^/]+|/usr/games/[^/]+")
PROJECT_BIN = re.compile(r"(?:\./)?(?:\.?venv|env|\.tox/[\w.-]+|node_modules|vendor)/(?:\.bin|bin|Scripts)/[^/]+")


class Judge:
    """`place` and `in_place` are those of the whole line."""

    def __init__(self, place: Place, in_place: bool = False) -> None:
        self._place = place
        self._in_place = in_place
        self._problems: list[str] = []
        self._commands: list[SimpleCommand] = []
        self._findings: list[Finding] = []
        self._n_parts = 0
        self._n_words = 0

    def judge(self, text: str) -> Judgement:
        self._read(text, self._place, 0)
        finding = worst([*self._findings, *(Finding(each.level, each.reason) for each in self._commands)])
        level = strictest(finding.level, "high") if self._problems else finding.level
        reasons = dict.fromkeys(
            each.reason
            for each in sorted(
                (
                    Finding(one.level, _sentence(one.reason))
                    for one in [*self._findings, *map(_finding_of, self._commands)]
                ),
                key=lambda one: -LEVELS.index(one.level),
            )
            if each.reason and each.level != "safe"
        )
        return Judgement(level, (*self._problems, *reasons)[:6], tuple(self._commands), not self._problems)

    # --- scripts ---

    def _read(self, text: str, place: Place, nesting: int) -> list[list[Part]]:
        if nesting > MAX_NESTING:
            self._problems.append("Its commands are nested too deeply.")
            return []
        script = read_script(text, place)
        self._problems += [problem for problem in script.problems if problem not in self._problems]
        if script.problems:
            self._findings += [Finding("critical", reason) for sign, reason in _ROUGH if sign.search(text)]
        parts = [self._parts(command, script, place, nesting) for command in script.commands]
        found = together(parts, script)
        self._findings += found
        if worst(found).level in ("high", "critical"):  # a rule about one of them must not allow what they do together
            self._commands = [replace(command, certain=False) for command in self._commands]
        return parts

    def _parts(self, simple: Simple, script: Script, place: Place, nesting: int) -> list[Part]:
        self._n_parts += 1
        self._n_words += len(simple.words) + len(simple.redirects)
        if self._n_parts > MAX_PARTS or self._n_words > MAX_WORDS:
            self._problems += ["It has too many commands."] if "It has too many commands." not in self._problems else []
            return []
        if nesting > MAX_NESTING:
            self._problems.append("Its commands are nested too deeply.")
            return []
        if not simple.words:
            finding = worst([self._assignments(simple), *self._redirects(simple)])
            self._keep(simple, finding)
            return [Part(simple, "", finding)]
        name, by_name = self._name(simple, script)
        simple = _fed(simple, name, script)
        unwrapped = unwrap(simple, name) if name not in script.functions else None
        if unwrapped is None:
            finding = worst(
                [by_name, self._program(simple, name, script), self._assignments(simple), *self._redirects(simple)]
            )
            self._keep(simple, finding)
            return [self._part(simple, name, finding)]
        parts: list[Part] = []
        for command in unwrapped.commands:
            parts += self._parts(command, script, place, nesting + 1)
        for text, certain in unwrapped.scripts:
            parts += self._scripted(text, certain, simple, place, nesting)
        own = [by_name, Finding(unwrapped.level, unwrapped.reason), self._assignments(simple), *self._redirects(simple)]
        if unwrapped.kept:
            if name in _ALSO_JUDGED:
                own.append(self._program(simple, name, script))
            self._keep(simple, worst(own))
        else:
            self._findings += own
        return [*parts, self._part(simple, name, worst(own))]

    def _scripted(self, text: str, certain: bool, simple: Simple, place: Place, nesting: int) -> list[Part]:
        if not certain or UNKNOWN in text:
            self._findings.append(Finding("high", "runs a text as commands that is only known when it runs"))
            self._problems.append("It runs a text as commands that is only known when it runs.")
        cwd = simple.cwd if UNKNOWN not in simple.cwd else place.cwd
        inner = self._read(text.replace(UNKNOWN, "$UNKNOWN"), replace(place, cwd=cwd), nesting + 1)
        return [part for numbered in inner for part in numbered]

    def _part(self, simple: Simple, name: str, finding: Finding) -> Part:
        call = Call(name, simple.words[1:], simple, self._place, self._in_place)
        words = [word for word in simple.words[1:] if name not in ("echo", "printf", "grep", "rg", "git")]
        secret = any(zone_of(word, call) == "secret" or zone_of(_tail(word), call) == "secret" for word in words)
        secret = secret or any(zone_of(redirect.target, call) == "secret" for redirect in simple.redirects)
        named = re.findall(r"\$\{?(\w+)", simple.text)
        return Part(simple, name, finding, secret or "secrets" in finding.reason or any(map(has_secret_name, named)))

    # --- one command ---

    def _name(self, simple: Simple, script: Script) -> tuple[str, Finding]:
        word = simple.words[0]
        text = word.text
        if UNKNOWN in text or "\x01" in text or word.glob or not text:
            self._problems.append("The name of a program is only known when it runs.")
            return text or "?", Finding("high", "runs a program whose name is only known when it runs")
        found = SAFE
        if not word.certain:
            found = Finding("high", f"runs {text!r} by another name, so that it is not seen")
        elif word.odd and not (simple.text.startswith("\\" + text) and text.isalpha()):
            found = Finding("medium", f"hides the name {text!r} in quotes or escapes")
        bare = text.rsplit("/", 1)[-1]
        if "/" not in text or BIN_FOLDERS.fullmatch(text):
            return bare, found
        return bare, worst([found, self._own_program(word, simple)])

    def _own_program(self, word: Word, simple: Simple) -> Finding:
        """A program by its path: the project's own code, whatever its name says."""
        call = Call("", (), simple, self._place, self._in_place)
        if PROJECT_BIN.fullmatch(word.text):
            return SAFE
        if zone_of(word, call) in ("workspace", "protected"):
            return Finding("medium", f"runs {word.text!r}, the project's own code")
        return Finding("high", f"runs {word.text!r}, a program outside of the workspace and the system")

    def _program(self, simple: Simple, name: str, script: Script) -> Finding:
        call = Call(name, simple.words[1:], simple, self._place, self._in_place)
        known = _judge_known(call)
        path = simple.words[0].text
        if name in script.functions and "/" not in path:
            arguments = worst(read_of(word, call) for word in call.args if zone_of(word, call) == "secret")
            return worst([SAFE, arguments, *([known] if known else [])])
        if "/" in path and not BIN_FOLDERS.fullmatch(path) and not PROJECT_BIN.fullmatch(path):
            arguments = worst(read_of(word, call) for word in call.args)
            return worst([arguments, known or SAFE])
        if known is None and PROJECT_BIN.fullmatch(path):
            return Finding("medium", f"runs {path!r}, the project's own code")
        return known if known is not None else Finding("high", f"runs {name!r}, which is no program that is known")

    def _assignments(self, simple: Simple) -> Finding:
        findings = [SAFE]
        for name, word in simple.assignments:
            if HARMLESS_VALUES.fullmatch(f"{name}={word.text}") or (name == "IFS" and simple.name == "read"):
                continue
            if CHANGES_WHAT_RUNS.fullmatch(name) and not HARMLESS_NAMES.fullmatch(name):
                findings.append(Finding("high", f"sets {name}, which changes what is run"))
            elif simple.words and not HARMLESS_NAMES.fullmatch(name):
                findings.append(Finding("low", f"sets {name} for the command"))
        if simple.words and simple.words[0].text in ("export", "declare", "typeset", "readonly", "local"):
            named = [re.match(r"(\w+)=", word.text) for word in simple.words[1:]]
            pairs = tuple((each[1], Word(each.string[each.end() :])) for each in named if each)
            findings.append(self._assignments(Simple((), simple.cwd, pairs)))
        return worst(findings)

    def _redirects(self, simple: Simple) -> list[Finding]:
        name = simple.name.rsplit("/", 1)[-1]
        call = Call(name, simple.words[1:], simple, self._place, self._in_place)
        return [
            write_of(redirect.target, call) if redirect.writes else read_of(redirect.target, call)
            for redirect in simple.redirects
            if redirect.writes
            or (redirect.operator == "<" and not (name in readers.QUIET and redirect.target.text == UNKNOWN))
        ]

    def _keep(self, simple: Simple, finding: Finding) -> None:
        words = tuple(word.shown for word in simple.words)
        if not words and finding.level == "safe":
            return
        extras = _extras(simple)
        certain = all(word.certain for word in simple.words) and all(word.certain for _, word in simple.assignments)
        certain = certain and all(redirect.target.certain for redirect in simple.redirects) and bool(words)
        certain = certain and simple.stdin_text is None and simple.cwd == self._place.cwd and not self._problems
        text = spelled(words, extras)
        reason = _sentence(finding.reason, _label(words))
        self._commands.append(SimpleCommand(words, text, finding.level, reason, certain, extras, self._paths(simple)))

    def _paths(self, simple: Simple) -> tuple[str, ...]:
        """Every word that may be a path, from the folder that the command stands in."""
        here = replace(self._place, cwd=simple.cwd if UNKNOWN not in simple.cwd else self._place.cwd)
        words = [word.shown for word in simple.words[1:]] + [redirect.target.shown for redirect in simple.redirects]
        tails = [re.split(r"[=:@]", word, maxsplit=1)[-1] for word in words if re.search(r"[=:@]", word)]
        tails += [word[2:] for word in words if re.match(r"-[A-Za-z][./~\w]", word)]
        return tuple(dict.fromkeys(here.absolute(text) for text in (*words, *tails) if text and len(text) < 4096))


_ROUGH = (
    (re.compile(r"/dev/(?:tcp|udp)/"), "opens a network connection"),
    (re.compile(r"\brm\b[^\n;|&]*\s['\"]?(?:/|~|\$HOME)"), "deletes something outside of the workspace"),
    (re.compile(r"\bmkfs|\bdd\b[^\n]*of=/dev/|>\s*/dev/(?:sd|nvme|disk|hd|vd)"), "overwrites a disk"),
    (re.compile(r"(?:curl|wget)[^\n]*\|[^\n]*sh\b"), "runs what it fetches from the network"),
    (re.compile(r"\(\)\s*\{[^}]*\|[^}]*&"), "starts itself again and again (a fork bomb)"),
)
"""What a text that is not understood must not hide: only to say how bad it may be, since it asks anyway."""

_ALSO_JUDGED = frozenset({"find", "gfind", "fd", "fdfind", "git", "ssh", "env"})
"""Wrappers that do something of their own besides."""

_JUDGES = {
    **dict.fromkeys(readers.READERS, readers.judge_reader),
    **code.JUDGES,
    **files.JUDGES,
    **network.JUDGES,
    "git": git.judge_git,
    "man": readers.judge_man,
    "info": readers.judge_man,
    "find": judge_find,
    "gfind": judge_find,
    "fd": judge_fd,
    "fdfind": judge_fd,
}


def _judge_known(call: Call) -> Finding | None:
    """None for a program that nobody knows."""
    if call.name in SHELLS:
        return _judge_shell(call)
    if code.is_python(call.name):
        call = replace(call, args=code.parted(call.args))
    if call.name == "env":
        return SAFE
    if (module := code.module_of(call)) is not None:
        return _judge_module(call, Call(*module, call.simple, call.place, call.in_place))
    if call.name in files.JUDGES and call.texts in (("--help",), ("--version",)):
        return SAFE
    if call.name in _JUDGES:
        return _JUDGES[call.name](call)
    if tools.is_tool(call.name):
        return tools.judge_tool(call)
    return Finding("medium", "runs a tool of the project") if call.name in KNOWN_PACKAGES else None


def _judge_module(call: Call, inner: Call) -> Finding:
    """`python -m name`: what the program of that name is, where Python has one; else the project's own code."""
    own = code.judge_interpreter(call)
    if not tools.is_tool(inner.name) or inner.name in code.JUDGES or inner.name in files.JUDGES:
        return own
    known = tools.judge_tool(inner)
    before = call.texts[: len(call.texts) - len(inner.args) - 1]
    plain = all(re.fullmatch(r"-[BIsSEuOm]+", text) for text in before)
    runs_only = own.level == code.RUNS_CODE and inner.name in code.PROGRAMS and plain
    return known if runs_only else worst([own, known])


def _judge_shell(call: Call) -> Finding:
    """A shell with a file: the project's own code. What it reads otherwise is unwrapped, or judged together."""
    if call.texts in (("--version",), ("--help",)):
        return SAFE
    options = call.split("-o -O --rcfile --init-file")
    if not options.operands:
        return Finding("high", "starts a shell that reads commands from elsewhere")
    if options.has("-n") and len(options.given) == 1:
        return worst([SAFE, read_of(options.operands[0], call)])
    if options.operands[0].text in ("-", "/dev/stdin"):
        return Finding("high", "starts a shell that reads commands from elsewhere")
    zone = zone_of(options.operands[0], call)
    if zone == "workspace":
        return Finding("medium", f"runs {options.operands[0].shown!r}, the project's own code")
    return Finding("high", f"runs {options.operands[0].shown!r}, which is not the workspace's")


def _fed(simple: Simple, name: str, script: Script) -> Simple:
    """For xargs and shells: what a pipe gives them, as far as the line tells."""
    if name not in ("xargs", "gxargs") and name not in SHELLS:
        return simple
    sources = [script.commands[number] for number in simple.piped if number < len(script.commands)]
    if not sources or simple.stdin_text is not None:
        return simple
    last = sources[-1]
    text = plain_output(last) if len(sources) == 1 else None
    if text is None and name not in SHELLS:
        finds = len(sources) == 1 and last.name == "find"
        listed = all(is_lister(source) for source in sources)
        text = "\n".join(found_by(last.words)) if finds else SOFT if listed else hinted(sources)
    return replace(simple, stdin_text=text) if text is not None else simple


def _extras(simple: Simple) -> tuple[str, ...]:
    """Assignments and redirections that a rule has to name."""
    assigned = [
        f"{name}={word.shown}"
        for name, word in simple.assignments
        if not HARMLESS_NAMES.fullmatch(name) and not HARMLESS_VALUES.fullmatch(f"{name}={word.text}")
    ]
    written = [
        f"{redirect.fd}{redirect.operator} {quoted_word(redirect.target.shown)}"
        for redirect in simple.redirects
        if redirect.writes and redirect.target.text not in ("/dev/null", "/dev/stderr", "/dev/stdout")
    ]
    return (*assigned, *written)


def _tail(word: Word) -> Word:
    """`--file=x`, `@x`, `if=x`: the path in a word."""
    return Word(re.sub(r"^[^=@]*[=@]", "", word.text), word.certain)


def _finding_of(command: SimpleCommand) -> Finding:
    return Finding(command.level, command.reason)


def _sentence(reason: str, text: str = "") -> str:
    if not reason or reason.endswith("."):
        return reason
    return f"{text or 'It'} {reason}."


def _label(words: tuple[str, ...]) -> str:
    """The program with its subcommand or first options: "rm -rf", "git push"."""
    if not words:
        return ""
    label = [words[0] if len(words[0]) <= 40 else "…" + words[0][-39:]]
    for word in words[1:3]:
        if not re.fullmatch(r"--?[\w-]{1,20}|[a-z][a-z-]{1,15}", word) or (len(label) > 1 and not word.startswith("-")):
            break
        label.append(word)
    return " ".join(label)
