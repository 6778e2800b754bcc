"""Tools of development and of systems: the judge that reads `programs.txt`, which says what their subcommands do.

Of two words that could be the subcommand the worse counts. Start with `judge_tool`.
"""

import re
from functools import cache
from pathlib import Path

from copydesk.domain.risks import LEVELS, RiskLevel
from copydesk.safety.risks.findings import SAFE, Call, Finding, read_options, worst
from copydesk.safety.risks.reach import is_secret_path, read_of, write_of, zone_of
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word, named

_TAKES: dict[str, str] = {
    "npm": "--prefix --workspace -w -C --loglevel --registry",
    "pnpm": "--filter -F --dir -C --workspace --reporter",
    "yarn": "--cwd",
    "bun": "--cwd",
    "cargo": "--manifest-path --config -Z --color -C",
    "go": "-C",
    "make": "-C -f -o -W -I --directory --file --makefile",
    "just": "-f --justfile",
    "tox": "-c -e",
    "jest": "-c --config",
    "eslint": "-c --config",
    "docker": "-H --host --context -l --log-level --config",
    "kubectl": "-n --namespace --context --cluster --kubeconfig -s",
    "helm": "-n --namespace --kube-context",
    "gh": "-R --repo",
    "aws": "--profile --region --output --endpoint-url --query",
    "uv": "--directory --project --python -p --config-file",
    "poetry": "-C --directory -P",
    "terraform": "",
    "systemctl": "-H -M -t --type --state -p",
    "conda": "-n -p",
    "mvn": "-f -pl -P -s",
    "gradle": "-p -b",
}
_RUNS = re.compile(r"--(?:pager|browser|editor|exec|shell|script-shell|command|on-change|onSuccess|rootdir-exec)$")
_CLOUD = frozenset(named("aws gcloud az doctl hcloud oci ibmcloud linode-cli heroku flyctl fly kubectl oc gh glab"))
_DESTROYS = re.compile(r"(?:delete|terminate|destroy|remove|purge|drop|rm)(?:[-:]|$)")
_BREAKS_OUT = re.compile(
    r"--privileged|^/:|=/:|docker\.sock|^/(?:etc|root|home|var|usr|dev|proc|sys)?:|--(?:pid|net|network|ipc|userns)=?host"
    r"|--cap-add|--device|source=/(?:,|$|etc|root|home)|src=/(?:,|$)|seccomp[=:]unconfined"
)
_BY_DATA = re.compile(r"(?i)\b(?:drop|truncate|delete\s+from|flushall|flushdb|dropdatabase|shutdown|grant\s+all)\b")


@cache
def _levels() -> dict[str, dict[str, tuple[RiskLevel, str]]]:
    table: dict[str, dict[str, tuple[RiskLevel, str]]] = {}
    for line in Path(__file__).with_name("programs.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        programs, level, subcommands, reason = (part.strip() for part in line.split(" | "))
        for program in programs.split():
            entries = table.setdefault(program, {})
            for subcommand in subcommands.split(" "):
                entries[subcommand.replace("+", " ")] = (_LEVELS[level], reason)
    return table


_LEVELS: dict[str, RiskLevel] = {level: level for level in LEVELS}


def is_tool(name: str) -> bool:
    return _known_as(name) in _levels()


def _known_as(name: str) -> str:
    """`mkfs.ext4` is `mkfs`, `gcc-12` is `gcc`."""
    if name in _levels():
        return name
    return re.sub(r"^(mkfs|fsck|mount|umount)\..+$|^([a-z+]+)-\d[\d.]*$", lambda found: found[1] or found[2], name)


def judge_tool(call: Call) -> Finding:
    entries = _levels()[_known_as(call.name)]
    if call.texts and all(text in ("--version", "--help") for text in call.texts):
        return SAFE
    if len(call.texts) <= 2 and _TELLS_ABOUT_ITSELF.fullmatch(" ".join((_known_as(call.name), *call.texts))):
        return SAFE
    takes = frozenset(_TAKES.get(call.name, "").split())
    options = read_options(call.args, takes)
    findings = [_entry(entries, words, call) for words in _candidates(call, takes)]
    if call.name in _DATABASES and any(_BY_DATA.search(text) for text in (*call.texts, call.simple.stdin_text or "")):
        findings.append(Finding("critical", "destroys what a database holds"))
    if call.name in _CLOUD and any(_DESTROYS.match(text) for text in call.texts):
        findings.append(Finding("critical", "destroys something on other machines"))
    if call.name in ("docker", "podman", "nerdctl") and any(_BREAKS_OUT.search(text) for text in call.texts):
        findings.append(Finding("critical", "gives a container the whole machine"))
    if any(_RUNS.fullmatch(given) for given in options.given):
        findings.append(Finding("high", "has an option that runs a program"))
    findings += [_path_finding(word, call, worst(findings).level) for word in call.args]
    findings += _settings(call)
    if any(_SIGNS.search(f"{call.name} {text}") for text in call.texts):
        findings.append(Finding("high", "has an option or a word that runs a program or changes settings"))
    if any(re.match(r"\w+://", text) for text in call.texts) and worst(findings).level != "critical":
        findings.append(Finding("high", "uses an address of the network"))
    return worst(findings)


_TELLS_ABOUT_ITSELF = re.compile(
    r"(?:mvn|gradle|gcc|g\+\+|clang|clang\+\+|make|tsc|eslint|docker|phpunit|rustc|javac|cc) -[vV]"
    r"|(?:gcc|g\+\+|clang|clang\+\+|cc) -(?:dumpversion|dumpmachine|print-search-dirs)|rustc -[vV]V"
    r"|rustc --version --verbose"
    r"|rustc --print (?:sysroot|cfg|target-list|host-tuple|target-libdir)|rustc --explain E\d+"
    r"|dotnet --list-(?:sdks|runtimes)"
    r"|rustup (?:toolchain|target|component) list|(?:cargo|rustc|go|npm|pip3?) --version|javac -version"
    r"|tsc --showConfig"
)


def _candidates(call: Call, takes: frozenset[str]) -> list[tuple[str, ...]]:
    """The words that may be the subcommand, each with its next. An option that is not known may take a value."""
    words = list(call.args)
    position = 0
    doubtful = False
    candidates: list[tuple[str, ...]] = []
    while position < len(words):
        text = words[position].text
        if text in takes:
            position += 2
            continue
        if text.startswith(("-", "+")):
            doubtful = doubtful or (text.startswith("-") and "=" not in text and text not in _FLAGS)
            candidates += [(text,)] if text in _levels()[_known_as(call.name)] else []
            position += 1
            continue
        rest = [word.text for word in words[position + 1 :] if not word.text.startswith("-")]
        candidates.append((text, *rest[:1]))
        if not doubtful:
            break
        doubtful = False
        position += 1
    return candidates or [("-",)]


_FLAGS = frozenset(
    named("-q -s -v -y -n -d -k -i -B -b -e -C --quiet --silent --verbose --yes --offline --frozen --locked")
)
_SETS = re.compile(
    r"(?!.*(?:cache|target|out|temp|tmp|report|log|cov|xml))(?:-[CcfIPpr]|--?[\w-]*(?:config|plugin|rule|rc$|settings|load"
    r"|require|preset|filter|init|manifest|prefix|dir|root|chdir|import|include|file|script|format|resolve)[\w-]*)"
)
"""Options whose value is settings or code."""
_WRITTEN = re.compile(r"-o|--?out(?:put|file|dir|-file|-dir)?")
_SIGNS = re.compile(
    r"make (?:SHELL=|--eval|-f-?$)|sqlite3? \.(?:shell|system|output|once|load|import|backup|save|open|excel)"
    r"|-?-shell-escape"
    r"|(?:gcc|g\+\+|cc|c\+\+|clang\S*) (?:-wrapper|@|-fplugin|-B/)|go (?:-w|\S+@(?:latest|v\d))|-toolexec|kubectl --raw"
    r"|mysql (?:system|\\!)|psql \\|--js-flags|--shell=|duckdb \.(?:shell|system|output)|cmake -P"
    r"|ld -plugin|--install-types|pip[\d.]* --python"
    r"|cargo .*(?:runner|linker|wrapper)\b.*="
)


def _settings(call: Call) -> list[Finding]:
    """Settings and code that are taken from outside of the workspace, and files that an option writes."""
    findings: list[Finding] = []
    for position, word in enumerate(call.args):
        name, equals, value = word.text.partition("=")
        if not name.startswith("-"):
            continue
        target = Word(value) if equals else call.args[position + 1] if position + 1 < len(call.args) else None
        attached = re.fullmatch(r"-([CcfIo])([/~.].*)", word.text)
        if attached:
            name, target = "-" + attached[1], Word(attached[2])
        if target is None or (target.text.startswith("-") and target.text != "-"):
            continue
        zone = zone_of(target, call)
        if _WRITTEN.fullmatch(name) and zone != "workspace":
            findings.append(write_of(target, call))
        elif _SETS.fullmatch(name) and zone in _FOREIGN and not (zone == "unknown" and SOFT in target.text):
            findings.append(
                Finding("high", f"takes settings or code from {target.shown!r}, which is not the workspace's")
            )
    return findings


_FOREIGN = ("temp", "temp root", "outside", "home", "home root", "above", "startup", "config", "unknown", "nothing")
_DATABASES = frozenset(
    named("psql mysql mariadb mongosh mongo redis-cli cqlsh duckdb sqlite3 sqlite clickhouse-client sqlcmd")
)


def _entry(entries: dict[str, tuple[RiskLevel, str]], words: tuple[str, ...], call: Call) -> Finding:
    first = words[0]
    if (UNKNOWN in first or (SOFT in first and len(entries) > 8)) and not set(entries) <= {"*", "-"}:
        return Finding("high", f"runs a subcommand of {call.name} that is only known when it runs")
    found = entries.get(" ".join(words[:2])) or entries.get(first) or entries.get("*")
    if found is None:
        return Finding("high", f"runs {call.name} in a way that is not known")
    return Finding(*found)


def _path_finding(word: Word, call: Call, level: RiskLevel) -> Finding:
    """Words that lead out of the workspace, or to a secret."""
    text = word.text
    tail = text.rpartition("=")[2] if text.startswith("-") else text
    if tail.startswith(("/", "~", "..")) or (is_secret_path(tail) and level in ("safe", "low", "medium")):
        there = Word(tail, word.certain, word.glob)
        return read_of(there, call) if level != "low" else write_of(there, call)
    return SAFE
