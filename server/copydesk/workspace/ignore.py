"""What searches leave out: `.gitignore` files (nested, and above the root up to the repository's top) and
`.git/info/exclude`, as git reads them; version control directories always.

A directory's rules are compiled once and again when its file changes. Start with `is_ignored`, or walk with `enter`.
"""

import os
import re
from typing import TYPE_CHECKING, cast

from copydesk.domain.frozen import frozen

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

ALWAYS = frozenset({".git", ".hg", ".svn"})
_GROUP_NAME = re.compile(r"\(\?P<\w+>")
_LIMIT_BYTES = 1024 * 1024


class Compiled:
    """One ignore file. Walks come level by level, so a pattern must fit the path itself, not a directory above it.

    Most paths fit no pattern: one joined expression is tried before they are asked one by one, the last first.
    """

    def __init__(self, spec: "GitIgnoreSpec") -> None:
        found = [(cast("re.Pattern[str] | None", one.regex), bool(one.include)) for one in spec.patterns]
        self._patterns = [(regex, include) for regex, include in reversed(found) if regex is not None]
        sources = (_GROUP_NAME.sub("(?:", regex.pattern) for regex, _ in self._patterns)
        self._any = re.compile("|".join(sources) or "(?!)")

    def says(self, relative: str) -> bool | None:
        """Ignored, not ignored after all, or nothing said. Directories end with a slash."""
        if not self._any.match(relative):
            return None
        return next((include for regex, include in self._patterns if _fits(regex, relative)), None)


def _fits(regex: "re.Pattern[str]", relative: str) -> bool:
    """Whether a pattern fits the whole path. A source that ends open (`b/**`) means everything below."""
    if regex.pattern.endswith((")", "$")) or "ps_d" in regex.pattern:
        return regex.fullmatch(relative) is not None
    return regex.match(relative) is not None


@frozen
class Rules:
    """The rules that hold in one directory: its own first, then those of the directories above."""

    directory: str
    spec: Compiled | None
    above: "Rules | None" = None

    def says(self, path: str, is_dir: bool) -> bool:
        """Whether the nearest rule that speaks of the path (which lies below) ignores it."""
        rules: Rules | None = self
        while rules is not None:
            if rules.spec is not None:
                relative = path[len(rules.directory) :].lstrip(os.sep).replace(os.sep, "/")
                verdict = rules.spec.says(relative + "/" if is_dir else relative)
                if verdict is not None:
                    return verdict
            rules = rules.above
        return False


class Ignore:
    """The rules below one root directory."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._specs: dict[str, tuple[tuple[int, int] | None, Compiled | None]] = {}

    def top(self) -> Rules:
        """The rules that hold in the root itself, those of the repository around it included."""
        chain = _up_to_repository(self._root)
        exclude = os.path.join(chain[-1], ".git", "info", "exclude")
        rules = Rules(chain[-1], self._spec(exclude))
        for directory in reversed(chain):
            if directory != chain[-1] and rules.says(directory, True):
                return self.enter(self._root, Rules(self._root, None))  # the repository around does not own it
            rules = self.enter(directory, rules)
        return rules

    def enter(self, directory: str, above: Rules) -> Rules:
        """The rules in a directory, given those in the one that holds it."""
        spec = self._spec(os.path.join(directory, ".gitignore"))
        return above if spec is None else Rules(directory, spec, above)

    def is_ignored(self, path: str, is_dir: bool) -> bool:
        """Whether the path below the root, or a directory on the way to it, is ignored."""
        parts = os.path.relpath(path, self._root).split(os.sep)
        if parts == ["."]:
            return False
        rules, here = self.top(), self._root
        for index, part in enumerate(parts):
            here = os.path.join(here, part)
            is_last = index == len(parts) - 1
            if part in ALWAYS or rules.says(here, is_dir or not is_last):
                return True
            if not is_last:
                rules = self.enter(here, rules)
        return False

    def rules_for(self, directory: str) -> Rules:
        """The rules above a directory below the root. One that is ignored itself, but asked for, begins afresh."""
        if self.is_ignored(directory, True):
            return Rules(directory, None)
        rules, here = self.top(), self._root
        for part in os.path.relpath(directory, self._root).split(os.sep)[:-1]:
            here = os.path.join(here, part)
            rules = self.enter(here, rules)
        return rules

    def _spec(self, path: str) -> Compiled | None:
        stamp = _stamp(path)
        known = self._specs.get(path)
        if known is None or known[0] != stamp:
            known = self._specs[path] = (stamp, compiled_from(path) if stamp else None)
        return known[1]


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return None
    return info.st_mtime_ns, info.st_size


def compiled_from(path: str) -> Compiled | None:
    """The patterns of an ignore file; None where it cannot be read."""
    from pathspec import GitIgnoreSpec  # at first use: starting up needs no ignore rules

    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(_LIMIT_BYTES).splitlines()
    except OSError:
        return None
    good: list[str] = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # one bad pattern must not switch the others off
            continue
        good.append(line)
    return Compiled(GitIgnoreSpec.from_lines(good))


def _up_to_repository(root: str) -> list[str]:
    """The root and the directories above it up to the one with `.git`; only the root where there is none."""
    chain = [root]
    while not os.path.exists(os.path.join(chain[-1], ".git")):
        above = os.path.dirname(chain[-1])
        if above == chain[-1]:
            return [root]
        chain.append(above)
    return chain
