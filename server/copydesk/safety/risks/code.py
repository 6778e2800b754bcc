"""Interpreters: what a script given on the command line asks for, and which modules are programs of their own.

A text of code cannot be judged fully: it is never less than medium, and what names files, processes or the network is
more. Start with `JUDGES` and `judge_code`.
"""

import re
from collections.abc import Callable

from copydesk.domain.risks import RiskLevel
from copydesk.safety.risks.findings import SAFE, Call, Finding, Options, worst
from copydesk.safety.risks.reach import is_secret_path, read_of, write_of, zone_of
from copydesk.safety.shell_words import Word, named

RUNS_CODE: RiskLevel = "medium"

_SIGNS: tuple[tuple[str, RiskLevel, str], ...] = (
    (
        r"rmtree\(\s*['\"](?:/|~|\.\.)|rm\s+-\w*[rf]\w*\s+['\"]?(?:/|~)|rmSync\(\s*['\"](?:/|~)",
        "critical",
        "deletes whole folders",
    ),
    (
        r"dup2|pty\.spawn|/dev/tcp/|TCPSocket.*exec|socket.*(?:subprocess|exec|/bin/\w*sh)",
        "critical",
        "opens a shell to others",
    ),
    (r"\bfork\b.*\bfork\b|while.*\bfork\(", "critical", "starts processes without end"),
    (
        (
            r"(?i)urllib|requests\b|http\.client|httpx|aiohttp|socket|fetch\s*\(|https?['\"]?\)?\.(?:get|request)|require\(\s*['\"](?:node:)?"
            r"(?:https?|net|dgram|dns|tls)|IO::Socket|LWP|Net::|open-uri|TCPSocket|fsockopen|curl_|smtplib|ftplib|paramiko"
            r"|file_get_contents\(\s*['\"]http|XMLHttp|WebSocket|telnetlib|xmlrpc|asyncio\.open_connection"
        ),
        "high",
        "uses the network",
    ),
    (
        (
            r"os\.(?:system|popen|exec|spawn|posix_spawn|fork|kill)|subprocess|commands\.|child_process|\bexec\w*\s*[\(\s'\"]|\bsystem\s*[\(\s]"
            r"|\bpopen\b|\bspawn\w*\(|\bshell_exec|passthru|proc_open|Open3|%x|qx\b|`|Deno\.(?:run|Command)|\bBun\.spawn|os\.execute"
            r"|pty\b|Process\.|IO\.popen|Kernel\."
        ),
        "high",
        "starts other programs",
    ),
    (
        (
            r"\beval\b|__import__|\bcompile\s*\(|importlib|ctypes|cffi|getattr\s*\(|globals\(\)|__builtins__|__subclasses__|marshal|pickle"
            r"|base64|b64decode|fromCharCode|new\s+Function|\bvm\b|codecs|unhexlify|fromhex|atob|Buffer\.from|chr\(|\\x[0-9a-f]{2}"
            r"|unpack\b|pack\s*\(|\[::-1\]|reverse\("
        ),
        "high",
        "hides what it runs",
    ),
    (
        (
            r"rmtree|\bos\.(?:remove|unlink|rmdir|removedirs|truncate)|\bunlink\b|rmSync|rmdirSync|unlinkSync|\.rm\(|rimraf|FileUtils|File\.delete"
            r"|\.rmdir\(|removeSync|Deno\.remove|\bdelete_file|shutil\.move|os\.rename|\.replace\(\s*['\"]/"
        ),
        "high",
        "deletes or moves files",
    ),
    (
        (
            r"(?i)\.ssh|id_rsa|\.aws|\.netrc|/etc/(?:passwd|shadow|sudoers)|\.env\b|\.gnupg|\.npmrc|(?:environ|process\.env|ENV)\W{0,3}"
            r"(?:get\W{0,2})?\w*(?:key|token|secret|passw)|keyring|\.git-credentials|/proc/"
        ),
        "high",
        "reads secrets",
    ),
    (
        (
            r"(?:open|writeFile\w*|write_text|write_bytes|File\.write|File\.open|file_put_contents|createWriteStream|appendFile\w*|Path)"
            r"\s*\(?\s*['\"](?:/(?!tmp/|dev/(?:null|std)|usr/|opt/)|~|\.\./)"
        ),
        "high",
        "opens files outside of the workspace",
    ),
    (
        r"chmod|chown|setuid|os\.symlink|symlinkSync|mknod|os\.umask|\.chdir|authorized_keys|crontab|\.bashrc",
        "high",
        "changes the machine",
    ),
)
_COMPILED: tuple[tuple[re.Pattern[str], RiskLevel, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), level, reason) for pattern, level, reason in _SIGNS
)


def judge_code(text: str, certain: bool = True) -> Finding:
    """A program's text. What cannot be told from it is at least what running the project's own code is."""
    findings = [Finding(RUNS_CODE, "runs code that is given on the command line")]
    if not certain:
        findings.append(Finding("high", "runs code that is only known when it runs"))
    findings += [Finding(level, reason) for pattern, level, reason in _COMPILED if pattern.search(text[:20_000])]
    return worst(findings)


# --- python, node, perl, ruby, php, lua … ---

_CODE_OPTIONS = {
    "python": "-c",
    "node": "-e --eval -p --print -pe",
    "perl": "-e -E",
    "ruby": "-e",
    "php": "-r -B -R -E",
    "lua": "-e",
    "Rscript": "-e",
    "R": "-e",
    "julia": "-e -E --eval --print",
    "elixir": "-e --eval",
    "erl": "-eval",
    "ghci": "-e",
    "guile": "-c",
    "tclsh": "-c",
    "groovy": "-e",
    "scala": "-e",
    "swift": "-e",
    "jshell": "-e",
    "racket": "-e",
    "sbcl": "--eval",
    "osascript": "-e",
}
_TAKES = {
    "python": "-W -X -m",
    "node": "-r --require --import --loader --experimental-loader -C --input-type --max-old-space-size --env-file",
    "ruby": "-r -I -C -x",
    "perl": "-I -M -m -x",
    "php": "-d -c -f -z -t -S",
    "java": "-cp -classpath --class-path -jar -p -m --module-path --module",
}


def judge_interpreter(call: Call) -> Finding:
    family = _family(call.name)
    codes = _CODE_OPTIONS.get(family, "")
    options = call.split(f"{codes} {_TAKES.get(family, '')}")
    if call.args and all(text in ("--version", "-V", "-v", "--help", "-version", "-VV") for text in call.texts):
        return SAFE
    if family == "python" and (found := _module(call)):
        return found
    code = [*options.value_of(*codes.split())]
    if len(code) == 1 and _only_looks(family, options, code[0]) and not call.simple.assignments:
        return worst([SAFE, *(read_of(word, call) for word in options.operands)])
    findings = [judge_code(word.text, word.certain) for word in code]
    if family == "perl" and any(given.startswith(("-i", "-pi", "-ni")) for given in options.given):
        findings += [write_of(word, call) for word in options.operands]
    elif code:
        findings += [read_of(word, call) for word in options.operands if family in ("perl", "ruby", "awk")]
    if call.simple.stdin_text is not None and not code:
        findings.append(judge_code(call.simple.stdin_text, certain="$" not in call.simple.stdin_text))
    if call.simple.piped and not code and not options.operands:
        findings.append(Finding("high", "runs as code what another command prints"))
    if options.operands and not code:
        findings += [_script(options.operands[0], call), _setup(options.operands[0], call)]
    if options.has("-S") and family == "php":
        findings.append(Finding("high", "serves the folder on the network"))
    if options.has("--inspect", "--inspect-brk", "--allow-all"):
        findings.append(Finding("high", "lets others steer the program"))
    loaded = options.value_of("-r", "--require", "--import", "--loader", "--env-file", "-jar")
    findings += [_script(word, call) for word in loaded if "/" in word.text]
    return worst([Finding(RUNS_CODE, "runs the project's own code"), *findings])


_LOOKS: dict[str, tuple[str, re.Pattern[str]]] = {
    "python": (
        r"-[cBIsSE]+",
        re.compile(
            r"\s*(?:import\s+sys\s*[;\n])?\s*print\((?:sys\.(?:version|path|executable|prefix|platform|maxsize|byteorder)"
            r"|sys\.version_info(?:\[[:\d]+\])?|[-+*/%. \d()]{1,60}|'[\w .,:-]*'|\"[\w .,:-]*\")\)\s*;?\s*"
        ),
    ),
    "node": (
        r"-p|-e|-pe|--print|--eval|-pe?",
        re.compile(
            r"\s*(?:console\.log\()?(?:process\.(?:version|platform|arch|versions(?:\.\w+)?)|[-+*/%. \d]{1,60}"
            r"|require\((['\"])\./(?:[\w-]+/)*[\w.-]+\.json\1\)(?:\.\w+)*)\)?\s*;?\s*"
        ),
    ),
    "perl": (
        r"-[nplaE]*[eE]|-[nplaeE]",
        re.compile(
            r"\s*(?:print(?:\s+if\s+!?/(?:[^/\\{}@$`\n]|\\[\w./-])+\$?/i?|\s+\"?\$(?:F\[-?\d+\]|_|\.)(?:\\n)?\"?)?"
            r"|s/(?:[^/\\{}@$`\n]|\\[\w./-])+\$?/(?:[^/\\{}@$`\n]|\\[\w./-]|\$\d)*/[gi]*)\s*;?\s*"
        ),
    ),
}
"""For each interpreter the options and the texts that can only print: what is there, or lines that match."""


def _only_looks(family: str, options: Options, code: Word) -> bool:
    known = _LOOKS.get(family)
    if known is None or not code.certain or options.doubtful:
        return False
    if family == "perl" and not all(word.certain and re.fullmatch(r"[\w./-]+", word.text) for word in options.operands):
        return False  # perl runs a file's name that ends with a '|'
    written = [given for given in options.given if given.startswith("-")]
    return all(re.fullmatch(known[0], given) for given in written) and known[1].fullmatch(code.text) is not None


def _setup(script: Word, call: Call) -> Finding:
    """`setup.py`: what its subcommand does."""
    if not script.text.endswith("setup.py"):
        return SAFE
    if {"upload", "register"} & set(call.texts):
        return Finding("critical", "publishes to a registry")
    installs = {"install", "develop"} & set(call.texts)
    return Finding("high", "changes what is installed") if installs else SAFE


def _script(word: Word, call: Call) -> Finding:
    if word.text in ("-", "/dev/stdin") and call.simple.stdin_text is not None:
        return SAFE
    zone = zone_of(word, call)
    if zone in ("workspace", "everything", "protected"):
        return Finding(RUNS_CODE, f"runs {word.shown!r}, the project's own code")
    if word.text in ("-", "/dev/stdin"):
        return Finding("high", "runs as code what it is given")
    return Finding("high", f"runs {word.shown!r}, which is not the workspace's")


def _family(name: str) -> str:
    bare = re.sub(r"[\d.]+$", "", name)
    return {"pypy": "python", "py": "python", "ipython": "python", "nodejs": "node", "luajit": "lua"}.get(bare, bare)


_MODULES: dict[str, tuple[RiskLevel, str]] = {
    "json.tool": ("safe", ""),
    "this": ("safe", ""),
    "platform": ("safe", ""),
    "site": ("safe", ""),
    "sysconfig": ("safe", ""),
    "tokenize": ("safe", ""),
    "ast": ("safe", ""),
    "base64": ("safe", ""),
    "zipfile": ("safe", ""),
    "tarfile": ("safe", ""),
    "dis": ("safe", ""),
    "calendar": ("safe", ""),
    "py_compile": ("low", "compiles files"),
    "compileall": ("low", "compiles files"),
    "http.server": ("high", "serves the folder on the network"),
    "SimpleHTTPServer": ("high", "serves the folder on the network"),
    "smtpd": ("high", "serves on the network"),
    "ftplib": ("high", "uses the network"),
    "telnetlib": ("high", "uses the network"),
    "webbrowser": ("high", "opens the browser"),
    "ensurepip": ("high", "changes what is installed"),
    "pty": ("high", "starts a shell"),
    "code": ("high", "runs code that is not given here"),
}


PROGRAMS = frozenset(
    named(
        "pip ruff mypy black isort flake8 pylint pycodestyle pydocstyle bandit vulture codespell yapf autopep8 pyright"
        " pytest coverage tox nox build pyupgrade autoflake docformatter djlint mdformat yamllint"
    )
)
"""Modules that are judged as the program of their name."""


def _module(call: Call) -> Finding | None:
    """`python -m name …`: a program of that name, where it is one."""
    texts = call.texts
    position = next((i for i, text in enumerate(texts) if re.fullmatch(r"-[A-Za-z]*m", text)), None)
    if position is None or any(text == "-c" or not text.startswith("-") for text in texts[:position]):
        return None
    if position + 1 >= len(texts):
        return Finding("high", "runs a module that is not named")
    name = texts[position + 1]
    rest = call.args[position + 2 :]
    files = [
        read_of(word, call) for word in rest if word.text.startswith(("/", "~", "..")) or is_secret_path(word.text)
    ]
    if name in _MODULES:
        level, reason = _MODULES[name]
        if name in ("zipfile", "tarfile") and not (rest and rest[0].text in ("-l", "--list", "-t", "--test")):
            level, reason = "medium", "packs or unpacks files"
            files += [write_of(word, call) for word in rest if not word.text.startswith("-")]
        if name == "json.tool":  # a second operand is written
            files += [write_of(word, call) for word in [w for w in rest if not w.text.startswith("-")][1:2]]
        return worst([Finding(level, reason), *files])
    files += [write_of(word, call) for word in rest if word.text.startswith(("/", "~"))]
    return worst([Finding(RUNS_CODE, f"runs the module {name!r}"), *files])


def is_python(name: str) -> bool:
    return re.fullmatch(r"(?:python|pypy|py)[\d.]*", name) is not None


def parted(args: tuple[Word, ...]) -> tuple[Word, ...]:
    """`-mpip` is `-m pip`; only before a script or another text."""
    for position, word in enumerate(args):
        if not word.text.startswith("-") or word.text in ("-c", "-m"):
            break
        if found := re.fullmatch(r"(-[A-Za-z]*?[mc])(.+)", word.text, re.DOTALL):
            both = (Word(found[1], word.certain), Word(found[2], word.certain))
            return (*args[:position], *both, *args[position + 1 :])
    return args


def module_of(call: Call) -> tuple[str, tuple[Word, ...]] | None:
    """The program that `python -m` starts, with its words; None where it is not a plain `-m`."""
    position = next((i for i, text in enumerate(call.texts) if re.fullmatch(r"-[A-Za-z]*m", text)), None)
    if not is_python(call.name) or position is None or position + 1 >= len(call.args):
        return None
    if any(text == "-c" or not text.startswith("-") for text in call.texts[:position]):
        return None
    return call.texts[position + 1], call.args[position + 2 :]


# --- awk ---

_AWK_REGEX = re.compile(r"(?:(?<=[~(,{;!&|\n])|^)\s*/(?:[^/\\\n]|\\.)+/")
_AWK_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')


def judge_awk(call: Call) -> Finding:
    options = call.split("-F -v -f --field-separator --assign --file -i --include -l --load -E --exec")
    has_file = options.has("-f", "--file", "-E", "--exec")
    findings = [SAFE]
    if has_file or options.has("-i", "--include", "-l", "--load"):
        findings.append(Finding("medium", "runs a script of awk from a file, or loads one"))
        findings += [_script(word, call) for word in options.value_of("-f", "--file", "-E", "--exec")]
        findings += [write_of(w, call) for w in options.operands if options.has("-i", "--include")]
    operands = options.operands if has_file else options.operands[1:]
    if not has_file and options.operands:
        findings.append(_awk_text(options.operands[0]))
    findings += [read_of(word, call) for word in operands if not re.match(r"[A-Za-z_]\w*=", word.text)]
    return worst(findings)


def _awk_text(word: Word) -> Finding:
    if not word.certain:
        return Finding("medium", "runs a script of awk that is only known when it runs")
    bare = _AWK_STRING.sub('""', _AWK_REGEX.sub(" ", word.text))
    if re.search(r"\bsystem\s*\(|getline|@load|@include|@\w", word.text) or re.search(r"(?<!\|)\|(?!\|)", bare):
        return Finding("high", "has a script of awk that starts programs")
    if re.search(r"printf?\b[^;}\n]*>", bare):
        return Finding("high", "has a script of awk that writes files")
    return SAFE


def judge_yq(call: Call) -> Finding:
    options = call.split("-o -p -I --output-format --input-format --indent --arg")
    findings = [read_of(word, call) for word in options.operands[1:]]
    if options.has("-i", "--inplace", "--in-place"):
        findings += [write_of(word, call) for word in options.operands[1:]]
    if any("load(" in text or "strenv(" in text or "env(" in text for text in call.texts):
        findings.append(Finding("medium", "reads other files or the environment"))
    return worst(findings)


_NAMES = (
    "python python2 python3 pypy pypy3 py ipython node nodejs perl ruby php lua luajit Rscript R julia elixir erl ghci"
    " guile tclsh groovy scala java jshell racket sbcl runghc runhaskell ts-node tsx swift irb pry iex bpython octave"
    " kotlin dart-run zx esno vite-node babel-node coffee escript"
)
JUDGES: dict[str, Callable[[Call], Finding]] = {
    **dict.fromkeys(_NAMES.split(), judge_interpreter),
    **dict.fromkeys((f"python3.{minor}" for minor in range(6, 20)), judge_interpreter),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), judge_awk),
    **dict.fromkeys(("yq", "xq", "tomlq"), judge_yq),
}
