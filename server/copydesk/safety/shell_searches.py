"""Programs that start others for each thing they find or are given: `find -exec`, `fd -x`, `xargs`.

Owns what such a program puts in the place of `{}`, as far as its words tell. Start with `unwrap_find`.
"""

import re
from dataclasses import replace

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import RiskLevel
from copydesk.safety.shell_outputs import is_lister, is_secret_like
from copydesk.safety.shell_scripts import Simple
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word, named


@frozen
class Unwrapped:
    """What a program starts. `commands` are its words as commands, `scripts` texts that a shell reads (with whether
    they are certain). `level` and `reason` are the wrapper's own; `kept`: it stays in the list of what is run, because
    a rule about what it starts is not enough for it.
    """

    commands: tuple[Simple, ...] = ()
    scripts: tuple[tuple[str, bool], ...] = ()
    level: RiskLevel = "safe"
    reason: str = ""
    kept: bool = False


def inner_of(simple: Simple, words: tuple[Word, ...], *, fed: bool = True) -> tuple[Simple, ...]:
    if not words:
        return ()
    assignments = simple.assignments
    while words and (found := re.match(r"([A-Za-z_]\w*)=", words[0].text)) and words[0].text[0] != "-":
        assignments += ((found[1], replace(words[0], text=words[0].text[found.end() :])),)
        words = words[1:]
    piped = simple.piped if fed else ()
    return (replace(simple, words=words, assignments=assignments, piped=piped),) if words else ()


_XARGS_VALUES = frozenset(
    named("-I -n -P -L -d -a -E -s -i -l -J -R --max-args --max-procs --max-lines --delimiter --arg-file --replace")
)
_XARGS_FLAGS = re.compile(r"-[0rtpxo]+|--null|--no-run-if-empty|--verbose|--open-tty|--exit|-[nPLsdIEJ].+|--[\w-]+=.*")


_SEARCHERS = frozenset(
    named("grep egrep fgrep wc file ls stat du md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum")
)
"""They show lines that match, as `grep -r` does for every file of a folder, or nothing of what a file says."""


def _softened(path: str) -> str:
    """A path below a folder of the workspace that `find` gives, by whatever name."""
    inside = re.fullmatch(rf"(?![/~]|\.\.)[^{UNKNOWN}{SOFT}]+/{UNKNOWN}", path)
    return path.replace(UNKNOWN, SOFT) if inside and ".." not in path else path


def unwrap_xargs(simple: Simple, name: str) -> Unwrapped:
    del name
    words = simple.words
    position, doubtful = 1, False
    while position < len(words) and words[position].text.startswith("-"):
        text = words[position].text
        position += 1
        if text in _XARGS_VALUES:
            position += 1
        elif not _XARGS_FLAGS.fullmatch(text):
            doubtful = True
    rest = words[position:] or (Word("echo"),)
    given = re.sub("['\"]", "", simple.stdin_text or "").split() or [UNKNOWN]
    own = words[1:position]
    marks = [own[i + 1].text for i, word in enumerate(own[:-1]) if word.text == "-I"]
    marks += [word.text[2:] for word in own if re.fullmatch(r"-I.+", word.text)]
    places = any(mark in word.text for mark in marks for word in rest) and len(marks) == 1
    """Then nothing is added behind."""
    marks += [words[i + 1].text for i, word in enumerate(words[:-1]) if word.text in ("-I", "-J", "--replace")]
    mark = marks[0] if marks else "{}"
    filled = tuple(
        Word(word.text.replace(mark, given[0]), certain=False) if mark in word.text else word for word in rest
    )
    if rest[0].text in _SEARCHERS:
        given = [_softened(path) for path in given]
    behind = () if places else tuple(Word(path, certain=False) for path in given)
    inner = inner_of(simple, (*filled, *behind), fed=False)
    if doubtful:
        return Unwrapped(inner, (), "high", "has an option of xargs that is not known", True)
    return Unwrapped(inner, (), "safe", "", False)


def unwrap_find(simple: Simple, name: str) -> Unwrapped | None:
    """What `-exec`, `-execdir`, `-ok` and `-okdir` start. The rest of find is judged as find."""
    del name
    words = simple.words
    starts = [i for i, word in enumerate(words) if re.fullmatch(r"-(?:exec|ok)(?:dir)?", word.text)]
    inner: list[Simple] = []
    for start in starts:
        end = next((i for i in range(start + 1, len(words)) if words[i].text in (";", "+")), len(words))
        given: list[Word] = []
        for word in words[start + 1 : end]:
            paths = found_by(words)
            if words[start + 1].text in _SEARCHERS:
                paths = [_softened(path) for path in paths]
            given += _filled(word, paths) if "{}" in word.text else [word]
        inner += inner_of(simple, tuple(given), fed=False)
    return Unwrapped(tuple(inner), (), "safe", "", True) if starts else None


def _expression_start(words: tuple[Word, ...]) -> int:
    return next((i for i, word in enumerate(words) if i and re.match(r"-[a-z]{2}|[(!]", word.text)), len(words))


def found_by(words: tuple[Word, ...]) -> list[str]:
    """Paths as find gives them, as far as its words tell: below its roots, with the names it looks for."""
    roots = [word.text for word in words[1 : _expression_start(words)] if not word.text.startswith("-")] or ["."]
    names = [
        words[i + 1].text.strip("/*") if word.text != "-name" else words[i + 1].text
        for i, word in enumerate(words[:-1])
        if word.text in ("-name", "-iname", "-path", "-ipath", "-regex", "-wholename")
    ]
    outside = [root for root in roots if root.startswith(("/", "~", ".."))]
    narrow = [name for name in names if re.search(r"\.\w|\w\w", name) or is_secret_like(name)]
    if len(narrow) < max(len(names), 1):
        narrow = [SOFT if outside else UNKNOWN]
    return [f"{root.rstrip('/')}/{name}" for root in roots[:4] for name in narrow[:6]]


def _filled(word: Word, paths: list[str]) -> list[Word]:
    return [Word(word.text.replace("{}", path), certain=False) for path in paths]


def unwrap_fd(simple: Simple, name: str) -> Unwrapped | None:
    del name
    words = simple.words
    start = next((i for i, word in enumerate(words) if re.fullmatch(r"-[xX]|--exec(?:-batch)?", word.text)), None)
    if start is None:
        return None
    found = Word(SOFT if is_lister(replace(simple, words=words[:start])) else UNKNOWN, certain=False)
    given = tuple(found if re.search(r"\{/?/?\.?\}", word.text) else word for word in words[start + 1 :])
    return Unwrapped(inner_of(simple, (*given, found), fed=False), (), "safe", "", True)
