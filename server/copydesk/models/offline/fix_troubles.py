"""Diagnostics of any tool put into a few kinds that can be worked on. Start with `trouble_of`."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from copydesk.domain.messages import Problem
from copydesk.models.offline.reading import Finding

Kind: TypeAlias = Literal["undefined", "ruff", "syntax", "other"]

_UNDEFINED = re.compile(
    r"undefined (?:name|variable)[: ]*[`'\"“](\w+)|[`'\"“](\w+)[`'\"”] (?:is not defined|used when not defined)|"
    r"(?:unresolved reference|cannot find name|name) [`'\"“](\w+)",
    re.IGNORECASE,
)
_UNDEFINED_CODES = frozenset(
    ("F821", "F822", "E0602", "reportUndefinedVariable", "undefined-variable", "name-defined", "unresolved-reference")
)
_SAME_AS: dict[str, str] = {
    "W0611": "F401", "unused-import": "F401", "reportUnusedImport": "F401", "W0612": "F841", "unused-variable": "F841",
    "reportUnusedVariable": "F841", "C0411": "I001", "wrong-import-order": "I001", "C0303": "W291",
    "trailing-whitespace": "W291", "C0304": "W292", "missing-final-newline": "W292", "C0121": "E711",
    "singleton-comparison": "E711", "W1309": "F541", "f-string-without-interpolation": "F541", "W0404": "F811",
    "reimported": "F811", "unused-f-string": "F541",
}  # fmt: skip
_BY_WORDS: tuple[tuple[str, str], ...] = (
    (
        r"imported but (?:unused|never used)|unused import|import [`'\"]?[\w.]+[`'\"]? is (?:not accessed|unused)",
        "F401",
    ),
    (r"f-string (?:is )?(?:without|missing)(?: any)? placeholders|f-string is missing placeholders", "F541"),
    (r"import block is un-?sorted|imports? (?:are )?(?:incorrectly|not) sorted", "I001"),
    (r"trailing whitespace", "W291"),
    (r"no newline at end of file", "W292"),
    (r"assigned to but never used|local variable .* never used", "F841"),
    (r"comparison to [`'\"]?None", "E711"),
)
_SYNTAX = re.compile(
    r"syntax ?error|invalid syntax|was never closed|unterminated|expected|unexpected indent|unindent", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing to fix. `name` is the undefined name, `rule` ruff's code; lines and columns 0-based, -1 unknown."""

    kind: Kind
    line: int
    column: int
    message: str
    name: str = ""
    rule: str = ""


def trouble_of_problem(problem: Problem) -> Trouble:
    finding = Finding(problem.range.start_line, problem.range.start_column, str(problem.code), problem.message)
    return trouble_of(finding)


def trouble_of(finding: Finding) -> Trouble:
    """The finding, sorted into a kind."""
    message = finding.message
    undefined = _UNDEFINED.search(message)
    name = next((group for group in undefined.groups() if group), "") if undefined else ""
    if finding.code in _UNDEFINED_CODES and not name:
        quoted = re.search(r"[`'\"“](\w+)[`'\"”]", message)
        name = quoted[1] if quoted else ""
    if name and finding.code not in ("F401", "F841", "F811"):
        return Trouble("undefined", finding.line, finding.column, message, name=name)
    rule = _rule(finding.code, message)
    if rule:
        return Trouble("ruff", finding.line, finding.column, message, rule=rule)
    kind: Kind = "syntax" if _SYNTAX.search(f"{finding.code} {message}") else "other"
    return Trouble(kind, finding.line, finding.column, message)


def _rule(code: str, message: str) -> str:
    if code in _SAME_AS:
        return _SAME_AS[code]
    if re.fullmatch(r"(?!E9)[A-Z]{1,4}\d{3}|PL[A-Z]\d{4}", code):
        return code
    return next((rule for words, rule in _BY_WORDS if re.search(words, message, re.IGNORECASE)), "")
