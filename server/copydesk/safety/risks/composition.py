"""What commands do to one another: a download that is run, a secret that is sent, a file that is written and started.

Owns the patterns over several commands of one line. Start with `together`.
"""

import re
from collections.abc import Sequence

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import RiskLevel, strictest
from copydesk.safety.risks.findings import Finding
from copydesk.safety.risks.network import SENDERS, SENDERS_TOO
from copydesk.safety.shell_commands import SHELLS
from copydesk.safety.shell_scripts import Script, Simple
from copydesk.safety.shell_words import named

FETCHERS = frozenset(named("curl wget aria2c fetch http xh lwp-request GET nc ncat ftp scp rsync axel git gh w3m lynx"))
DECODERS = frozenset(named("base64 base32 xxd openssl gunzip zcat bzcat xzcat uudecode gpg rev tr rot13 hex od"))
INTERPRETERS = re.compile(
    r"(?:python|pypy|node|perl|ruby|php|lua|bun|deno|tclsh|osascript|Rscript|pwsh|awk)[\d.]*|"
    + "|".join(sorted(SHELLS))
)


COMPILERS = re.compile(
    r"(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|rustc|ghc|tcc|nvcc|go|zig|nim|swiftc|ocamlfind)(?:-[\d.]+)?"
)
"""What they write is made of the project's own sources, unless something else is given to them."""


@frozen
class Part:
    """One simple command as judged: its number in its script, bare name, what it does."""

    simple: Simple
    name: str
    finding: Finding
    reads_secret: bool = False


def together(parts: Sequence[Sequence[Part]], script: Script) -> list[Finding]:
    """`parts` by the number of the command in the script; a wrapper has several."""
    findings = [found for numbered in parts for part in numbered for found in _of_part(part, parts)]
    everything = [part for numbered in parts for part in numbered]
    sends = [part for part in everything if is_sender(part)]
    if sends and any(part.reads_secret for part in everything):
        findings.append(Finding("critical", "reads secrets and uses the network"))
    findings += _written_and_run(everything)
    findings += _endless(script)
    return findings


def is_sender(part: Part) -> bool:
    return part.name in SENDERS or part.name in SENDERS_TOO or "network" in part.finding.reason


def runs_its_input(part: Part) -> bool:
    """Whether what reaches it is taken as code: a shell or interpreter without a script, `eval`, `source`."""
    words = [word.text for word in part.simple.words]
    if part.name in ("eval", "source", ".", "xargs", "parallel", "at", "batch", "crontab"):
        return part.name not in ("xargs", "parallel")
    if not INTERPRETERS.fullmatch(part.name) or part.name == "awk":
        return False
    operands = [text for text in words[1:] if not text.startswith("-") or text == "-"]
    gives_code = any(re.fullmatch(r"-\w*[ce]|--eval|-m", text) for text in words[1:])
    return not gives_code and (not operands or operands[0] in ("-", "/dev/stdin") or operands[0].startswith("/dev/fd/"))


def _of_part(part: Part, parts: Sequence[Sequence[Part]]) -> list[Finding]:
    simple = part.simple
    sources = [other for number in simple.sources if number < len(parts) for other in parts[number]]
    piped = [other for number in simple.piped if number < len(parts) for other in parts[number]]
    findings: list[Finding] = []
    text_runs = INTERPRETERS.fullmatch(part.name) is not None or part.name in ("eval", "source", ".")
    if (runs_its_input(part) and sources) or (text_runs and set(simple.sources) - set(simple.piped)):
        names = {other.name for other in sources}
        if names & FETCHERS:
            findings.append(Finding("critical", "runs what it fetches from the network"))
        elif names & DECODERS:
            findings.append(Finding("critical", "runs what it decodes, so that nobody can read it before"))
        elif runs_its_input(part):
            findings.append(Finding("high", f"gives the output of another command to {part.name!r} to run"))
    if part.name in SENDERS or part.name in SENDERS_TOO:
        inside = [other for other in sources if other not in piped]
        if (piped and part.name not in ("git", "gh")) or inside:
            findings.append(Finding("critical", f"sends the output of other commands out by {part.name!r}"))
    return findings


def _written_and_run(everything: list[Part]) -> list[Finding]:
    """`curl -o x …; sh x`, `echo … > x.sh && chmod +x x.sh && ./x.sh`."""
    written: dict[str, RiskLevel] = {}
    findings: list[Finding] = []
    for part in everything:
        words = [word.text for word in part.simple.words]
        for text in {_bare(text) for text in (words[:1] if part.name not in SHELLS else words)} | _script_words(part):
            if text in written:
                findings.append(Finding(written[text], f"writes {text!r} and then runs it"))
        level: RiskLevel = "critical" if part.name in FETCHERS or part.name in DECODERS else "high"
        if COMPILERS.fullmatch(part.name) and not part.simple.sources and part.simple.stdin_text is None:
            level = "medium"
        targets = [redirect.target.text for redirect in part.simple.redirects if redirect.writes]
        targets += [words[i + 1] for i, text in enumerate(words[:-1]) if text in ("-o", "-O", "--output", "of=")]
        targets += [words[-1].rpartition("/")[2]] if part.name in ("wget", "curl") and len(words) > 1 else []
        targets += words[1:] if part.name in ("tee", "cp", "mv", "install", "dd") else []
        for target in targets:
            name = _bare(target.removeprefix("of="))
            if name and name not in ("/dev/null", "-"):
                written[name] = strictest(written.get(name, level), level)
    return findings


def _script_words(part: Part) -> set[str]:
    if part.name in ("source", ".") or INTERPRETERS.fullmatch(part.name):
        return {_bare(word.text) for word in part.simple.words[1:] if not word.text.startswith("-")}
    return set()


def _bare(text: str) -> str:
    return text.removeprefix("./")


def _endless(script: Script) -> list[Finding]:
    """A function that calls itself twice, or in the background: a fork bomb."""
    for name in script.functions:
        calls = [command for command in script.commands if command.in_function == name and command.name == name]
        if len(calls) > 1 or any(command.piped for command in calls):
            return [Finding("critical", "starts itself again and again until the machine stops (a fork bomb)")]
    return []
