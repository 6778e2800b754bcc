"""Tools of development and of systems: the judge that reads `programs.txt`, which says what their subcommands do.

Of two words that could be the subcommand the worse counts. Start with `judge_tool`.
"""

import re
from functools import cache
from pathlib import Path

from copydesk.domain.risks import LEVELS, RiskLevel
from copydesk.safety.risks.findings import SAFE, Call, Finding, read_options, worst
from copydesk.safety.risks.reach import is_secret_path, read_of, write_of
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word

_TAKES: dict[str, str] = {
    "npm": "--prefix --workspace -w -C --loglevel --registry",
    "pnpm": "--filter -F --dir -C --workspace --reporter",
    "yarn": "--cwd",
    "bun": "--cwd",
    "cargo": "--manifest-path --config -Z --color -C",
    "go": "-C",
    "make": "-C -f -j -o -W -I --directory --file --makefile",
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
    return name in _levels()


def judge_tool(call: Call) -> Finding:
    entries = _levels()[call.name]
    if call.texts and all(text in ("--version", "--help") for text in call.texts):
        return SAFE
    takes = frozenset(_TAKES.get(call.name, "").split())
    options = read_options(call.args, takes)
    findings = [_entry(entries, words, call) for words in _candidates(call, takes)]
    if call.name in _DATABASES and any(_BY_DATA.search(text) for text in (*call.texts, call.simple.stdin_text or "")):
        findings.append(Finding("critical", "destroys what a database holds"))
    if any(_RUNS.fullmatch(given) for given in options.given):
        findings.append(Finding("high", "has an option that runs a program"))
    findings += [_path_finding(word, call, worst(findings).level) for word in call.args]
    return worst(findings)


def _candidates(call: Call, takes: frozenset[str]) -> list[tuple[str, ...]]:
    """The words that may be the subcommand, each with its next. An option that is not known may take a value."""
    words = [word for word in call.args]
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
            candidates += [(text,)] if text in _levels()[call.name] else []
            position += 1
            continue
        rest = [word.text for word in words[position + 1 :] if not word.text.startswith("-")]
        candidates.append((text, *rest[:1]))
        if not doubtful:
            break
        doubtful = False
        position += 1
    return candidates or [("-",)]


_FLAGS = frozenset("-q -s -v -y -n -d -k -i -B -b -e -C --quiet --silent --verbose --yes --offline --frozen --locked".split())
_DATABASES = frozenset("psql mysql mariadb mongosh mongo redis-cli cqlsh duckdb sqlite3 sqlite clickhouse-client sqlcmd".split())


def _entry(entries: dict[str, tuple[RiskLevel, str]], words: tuple[str, ...], call: Call) -> Finding:
    first = words[0]
    if (UNKNOWN in first or SOFT in first) and not set(entries) <= {"*", "-"}:
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
