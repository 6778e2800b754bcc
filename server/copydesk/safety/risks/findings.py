"""What a judge of one program sees and says: `Call` in, `Finding` out.

Owns reading a call's options. Knows no program. Start with `Call`.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import LEVELS, RiskLevel
from copydesk.safety.places import Place
from copydesk.safety.shell_scripts import Simple
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word


class Finding(NamedTuple):
    level: RiskLevel
    reason: str = ""


SAFE = Finding("safe")


def worst(findings: Iterable[Finding]) -> Finding:
    """The strictest; of equals the first that has a reason."""
    found = SAFE
    for finding in findings:
        higher = LEVELS.index(finding.level) > LEVELS.index(found.level)
        if higher or (finding.level == found.level and not found.reason):
            found = finding
    return found


def at_least(level: RiskLevel, reason: str, finding: Finding) -> Finding:
    return worst((finding, Finding(level, reason)))


@frozen
class Call:
    """One program with its arguments. `name` is the bare name; `args` the words after it."""

    name: str
    args: tuple[Word, ...]
    simple: Simple
    place: Place
    in_place: bool = False

    @property
    def cwd(self) -> str:
        return self.simple.cwd

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(word.text for word in self.args)

    @property
    def is_fed(self) -> bool:
        """Whether something that is not empty stands on its standard input."""
        reads = any(redirect.operator.startswith("<") for redirect in self.simple.redirects)
        return bool(self.simple.piped) or self.simple.stdin_text is not None or reads

    def split(self, with_value: str = "") -> "Options":
        """`with_value`: the options that take the next word, blank separated ("-n --lines")."""
        return read_options(self.args, frozenset(with_value.split()))


@frozen
class Options:
    """`given` are options as written, short clusters taken apart; `values` what those with a value got; `doubtful`:
    a word that may turn out to be an option.
    """

    given: tuple[str, ...]
    values: tuple[tuple[str, Word], ...]
    operands: tuple[Word, ...]
    doubtful: bool = False

    def has(self, *names: str) -> bool:
        """Whether one was given; long ones also by the abbreviations that GNU programs take."""
        return any(_is_option(given, name) for given in self.given for name in names)

    def value_of(self, *names: str) -> list[Word]:
        return [word for given, word in self.values for name in names if _is_option(given, name)]


def _is_option(given: str, name: str) -> bool:
    if given == name:
        return True
    return name.startswith("--") and len(given) > 3 and given.startswith("--") and name.startswith(given)


def read_options(args: tuple[Word, ...], with_value: frozenset[str]) -> Options:
    given: list[str] = []
    values: list[tuple[str, Word]] = []
    operands: list[Word] = []
    doubtful = False
    position = 0
    while position < len(args):
        word = args[position]
        position += 1
        text = word.text
        if text == "--":
            operands += args[position:]
            break
        if text.startswith((UNKNOWN, SOFT)) or (word.glob and text[0] in "*?["):
            doubtful = doubtful or not text.startswith(SOFT)
            operands.append(word)
        elif not text.startswith("-") or text == "-":
            operands.append(word)
        elif text.startswith("--"):
            name, equals, value = text.partition("=")
            given.append(name)
            if equals:
                values.append((name, Word(value, word.certain, word.glob)))
            elif any(_is_option(name, known) for known in with_value) and position < len(args):
                values.append((name, args[position]))
                position += 1
        elif text in with_value:
            given.append(text)
            if position < len(args):
                values.append((text, args[position]))
                position += 1
        else:
            position += _read_cluster(text, args, position, with_value, given, values)
    return Options(tuple(given), tuple(values), tuple(operands), doubtful)


def _read_cluster(
    text: str,
    args: tuple[Word, ...],
    position: int,
    with_value: frozenset[str],
    given: list[str],
    values: list[tuple[str, Word]],
) -> int:
    """`-rf` is `-r -f`; `-n5` is `-n` with 5. Also given whole, for programs with long options of one dash.

    Returns how many further words it took.
    """
    given.append(text)
    for index in range(1, len(text)):
        letter = "-" + text[index]
        given.append(letter)
        if letter in with_value:
            rest = text[index + 1 :]
            if rest:
                values.append((letter, Word(rest)))
                return 0
            if position < len(args):
                values.append((letter, args[position]))
                return 1
    return 0


def has_secret_name(text: str) -> bool:
    """Whether a variable's name says that its value is a secret."""
    return re.search(r"(?i)(?:key|token|secret|passw|credential)", text) is not None
