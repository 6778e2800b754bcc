"""How dangerous a command or a call is, and why: data that a person can read."""

from typing import Literal, TypeAlias

from copydesk.domain.frozen import frozen

RiskLevel: TypeAlias = Literal["safe", "low", "medium", "high", "critical"]
LEVELS: tuple[RiskLevel, ...] = ("safe", "low", "medium", "high", "critical")
"""safe: only reads. low: writes what a build writes. medium: runs the project's own code, changes many files.
high: reaches the network or outside the folder, changes history, installs, gains privileges. critical: destroys, or
sends data out.
"""


def strictest(*levels: RiskLevel) -> RiskLevel:
    """The highest of them; safe when there are none."""
    return max(levels, key=LEVELS.index) if levels else "safe"


@frozen
class SimpleCommand:
    """One program with its words, as the shell would run it: wrappers (`env`, `timeout`, `sudo`, `sh -c`) are
    unwrapped, and what they wrap is judged too. `text` is how a rule and a person spell it.

    `certain` is False where a word is only known when the shell runs (a variable, a substitution, a glob).
    `extras` are the assignments and redirections that change what it runs or writes, as spelled ("GIT_PAGER=less",
    "> out.txt"): no rule covers the command unless it names them too. `paths` is what its words and redirections name
    if they are paths, absolute.
    """

    words: tuple[str, ...]
    text: str
    level: RiskLevel
    reason: str
    certain: bool = True
    extras: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


@frozen
class Judgement:
    """A command line as a whole: the strictest of its parts. `parsed` False: it cannot be understood, so it asks."""

    level: RiskLevel
    reasons: tuple[str, ...] = ()
    commands: tuple[SimpleCommand, ...] = ()
    parsed: bool = True
