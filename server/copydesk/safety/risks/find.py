"""find and fd: expressions are believed only where every word of them is known.

What they start is unwrapped in `shell_searches`. Start with `judge_find`.
"""

import re

from copydesk.safety.risks.findings import SAFE, Call, Finding, worst
from copydesk.safety.risks.reach import removal_of, write_of, zone_of
from copydesk.safety.shell_words import Word, named

_TESTS = named(
    "name iname path ipath wholename iwholename lname ilname regex iregex regextype type xtype size mtime "
    "atime ctime mmin amin cmin newer anewer cnewer newermt newerct newerat user group uid gid perm inum "
    "links samefile fstype maxdepth mindepth printf used context D O"
)
_FLAGS = named(
    "print print0 ls prune quit empty executable readable writable nouser nogroup not a and o or follow "
    "daystart depth d mount xdev noleaf warn nowarn true false H L P help version ignore_readdir_race E X "
    "s x"
)
_RUNS = re.compile(r"-(?:exec|ok)(?:dir)?")


def judge_find(call: Call) -> Finding:
    words = call.args
    start = next((i for i, word in enumerate(words) if re.match(r"-[a-zA-Z]|[()!,]", word.text) and i >= 0), len(words))
    while start < len(words) and words[start].text in ("-H", "-L", "-P"):
        start += 1
    roots = [word for word in words[:start] if not word.text.startswith("-")]
    position = start
    findings = [SAFE]
    while position < len(words):
        word = words[position]
        text = word.text
        position += 1
        if text in ("(", ")", "!", ","):
            continue
        if _RUNS.fullmatch(text):
            position = next((i for i in range(position, len(words)) if words[i].text in (";", "+")), len(words)) + 1
            continue
        if text == "-delete":
            findings.append(_deletes(roots, words, call))
        elif re.fullmatch(r"-fprint[0f]?|-fls|-fprintf", text):
            findings.append(Finding("high", "writes a list to a file"))
            findings += [write_of(words[position], call)] if position < len(words) else []
            position += 2 if text == "-fprintf" else 1
        elif text.startswith("-") and text[1:] in _TESTS:
            position += 1
        elif not (text.startswith("-") and text[1:] in _FLAGS):
            findings.append(_stray(word, position - 1, start))
    return worst(findings)


def _stray(word: Word, position: int, start: int) -> Finding:
    """A word that is neither a root nor of the expression that we know."""
    if not word.text.startswith(("-", "\x00", "*", "?", "[", "\x01")) and position <= start:
        return SAFE
    if word.glob:
        return Finding("low", "has a pattern without quotes, which may find a file named like an option")
    return Finding("medium", f"has {word.shown!r}, which may do more than look")


def _deletes(roots: list[Word], words: tuple[Word, ...], call: Call) -> Finding:
    narrows = any(word.text in ("-name", "-iname", "-path", "-regex", "-empty", "-mtime", "-newer") for word in words)
    findings = [removal_of(root, call, recursive=True) for root in roots or [Word(".")]]
    inside = all(zone_of(root, call) in ("workspace", "root", "temp", "everything") for root in roots or [Word(".")])
    if narrows and inside:
        return Finding("medium", "deletes the files that it finds")
    return worst([Finding("high", "deletes the files that it finds"), *findings])


def judge_fd(call: Call) -> Finding:
    options = call.split(
        "-e -t -d -E -g -c -j -S --extension --type --max-depth --exclude --color --base-directory --size"
    )
    if options.has("--ignore-file") or options.doubtful:
        return Finding("low", "has a word that may turn out to be an option")
    return SAFE
