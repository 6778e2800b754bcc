"""Programs that start other programs: what they start, so that it is judged as if it stood alone.

Owns the unwrapping of `env`, `timeout`, `xargs`, `find -exec`, `sh -c` and the like; which words are a command, and
which are a text for a shell. How dangerous any of it is, `risks` says. Start with `unwrap`.
"""

import re
from collections.abc import Callable

from copydesk.domain.risks import RiskLevel
from copydesk.safety.shell_prefixes import FETCHERS, KNOWN_PACKAGES, PREFIXES, Prefix
from copydesk.safety.shell_scripts import Simple
from copydesk.safety.shell_searches import Unwrapped, inner_of, unwrap_fd, unwrap_find, unwrap_xargs
from copydesk.safety.shell_words import UNKNOWN, named

SHELLS = frozenset(named("sh bash dash zsh ksh mksh ash fish rbash csh tcsh yash"))


def prefix_of(simple: Simple, name: str) -> tuple[str, Prefix, int] | None:
    """The entry of the table, and where its own words begin: `uv run` is found behind `uv`."""
    if name in PREFIXES:
        return name, PREFIXES[name], 1
    if len(simple.words) > 1 and (key := f"{name}+{simple.words[1].text}") in PREFIXES:
        return key, PREFIXES[key], 2
    return None


def unwrap(simple: Simple, name: str) -> Unwrapped | None:
    """None where the program starts no other. `name` is its bare name."""
    if name in UNWRAPPERS:
        return UNWRAPPERS[name](simple, name)
    if name in SHELLS:
        return _shell(simple, name)
    found = prefix_of(simple, name)
    return _prefixed(simple, *found) if found else None


def _prefixed(simple: Simple, key: str, prefix: Prefix, start: int) -> Unwrapped:
    words = simple.words
    values, flags = set(prefix.values.split()), set(prefix.flags.split())
    position, doubtful = start, False
    while position < len(words) and words[position].text.startswith("-") and words[position].text != "-":
        text = words[position].text
        position += 1
        if text == "--":
            break
        if text in values:
            position += 1
        elif text not in flags and not _value_inside(text, values, flags):
            doubtful = True
    for word in words[start:position]:
        doubtful = doubtful or UNKNOWN in word.text
    position += prefix.n_skipped
    doubtful = doubtful or any(UNKNOWN in word.text for word in words[position - prefix.n_skipped : position])
    level, reason = prefix.level, prefix.reason
    inner = inner_of(simple, words[position:])
    if key in FETCHERS and inner and not _is_known_package(inner[0].name):
        level, reason = "high", f"may fetch {inner[0].name!r} from the network and run it"
    if doubtful:
        others = tuple(command for skip in (1, 2) for command in inner_of(simple, words[position + skip :]))
        return Unwrapped(
            (*inner, *others[:2]), (), "high", f"has an option of {words[0].text!r} that is not known", True
        )
    if key == "time" and "-o" in [word.text for word in words[start:position]]:
        level, reason = "medium", "writes its times to a file"
    return Unwrapped(inner, (), level, reason, level != "safe" or not inner)


def _value_inside(text: str, values: set[str], flags: set[str]) -> bool:
    """`--signal=9`, `-n5`, `-10` of nice, a cluster of known flags."""
    if text.startswith("--"):
        return text.partition("=")[0] in values
    if text[:2] in values or re.fullmatch(r"-\d+", text):
        return True
    return all(f"-{letter}" in flags for letter in text[1:])


def _is_known_package(name: str) -> bool:
    return re.sub(r"@[\d.^~]+$", "", name) in KNOWN_PACKAGES


# --- each with a language of its own ---


def _shell(simple: Simple, name: str) -> Unwrapped | None:
    """`sh -c TEXT`, and a shell that reads a here-document. What it reads from a pipe, `composition` judges."""
    words = simple.words
    position, takes_text = 1, False
    while position < len(words) and words[position].text[:1] in ("-", "+") and len(words[position].text) > 1:
        text = words[position].text
        position += 1
        if text == "--":
            break
        if text in ("-o", "+o", "-O", "+O", "--rcfile", "--init-file"):
            position += 1
        if not text.startswith("--") and "c" in text[1:]:
            takes_text = True
        if text in ("--rcfile", "--init-file") or UNKNOWN in text:
            return Unwrapped((), (), "high", "starts a shell with settings that are not known", True)
    if takes_text:
        if position >= len(words):
            return Unwrapped((), (), "high", "runs a text that is not there", True)
        word = words[position]
        extra = "" if position + 1 >= len(words) else "has arguments for the text it runs"
        level: RiskLevel = "medium" if extra else "safe"
        return Unwrapped((), ((word.text, word.certain),), level, extra, bool(extra))
    if simple.stdin_text is not None and position >= len(words):
        return Unwrapped((), ((simple.stdin_text, True),), "safe", "", False)
    return None


def _env(simple: Simple, name: str) -> Unwrapped:
    del name
    words = simple.words
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        text = words[position].text
        position += 1
        if text in ("-S", "--split-string", "-vS") or text.startswith(("-S", "--split-string=", "-vS")):
            rest = text.removeprefix("--split-string=").removeprefix("-vS").removeprefix("-S")
            script = " ".join([rest, *(word.text for word in words[position:])]).strip()
            return Unwrapped(
                (), ((script, all(word.certain for word in words)),), "medium", "splits a text into words", True
            )
        if text in ("-u", "-C", "--unset", "--chdir", "-P"):
            position += 1
        elif not re.fullmatch(r"-[i0v]+|-|--|--ignore-environment|--null|-u\w+|--unset=\w+|--debug", text):
            return Unwrapped((), (), "high", f"has an option of env that is not known: {text!r}", True)
    inner = inner_of(simple, words[position:])
    assigned = [word for word in words[position:] if "=" in word.text]
    if not inner and any(UNKNOWN in word.text for word in words[position:]):
        return Unwrapped((), (), "high", "runs a program that is only known when it runs", True)
    return Unwrapped(inner, (), "safe", "", not inner and not assigned)


def _command(simple: Simple, name: str) -> Unwrapped | None:
    """`command`, `exec`: with `-v` only a question."""
    words = simple.words
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        text = words[position].text
        if name == "command" and re.fullmatch(r"-p?[vV]+", text):
            return Unwrapped((), (), "safe", "", True)
        position += 2 if name == "exec" and text.endswith("a") else 1
    inner = inner_of(simple, words[position:])
    return Unwrapped(inner, (), "safe", "", not inner)


def _eval(simple: Simple, name: str) -> Unwrapped:
    del name
    words = simple.words[1:]
    text = " ".join(word.text for word in words)
    if not words:
        return Unwrapped((), (), "safe", "", True)
    return Unwrapped((), ((text, all(word.certain for word in words)),), "medium", "reads a text as commands", True)


def _source(simple: Simple, name: str) -> Unwrapped:
    del name
    files = simple.words[1:2]
    if files and re.fullmatch(r"(?:\./)?(?:\.?venv|env)/bin/activate(?:\.fish)?", files[0].text) and files[0].certain:
        return Unwrapped((), (), "low", "uses the project's virtual environment", True)
    return Unwrapped((), (), "high", f"runs what stands in {files[0].shown if files else '?'!r} in this shell", True)


def _trap(simple: Simple, name: str) -> Unwrapped:
    del name
    words = [word for word in simple.words[1:] if word.text not in ("--", "-l", "-p", "-")]
    scripts = ((words[0].text, words[0].certain),) if len(words) > 1 else ()
    return Unwrapped((), scripts, "safe", "", not scripts)


def _text_after(*options: str) -> Callable[[Simple, str], Unwrapped]:
    """Programs that give a text to a shell: the word after an option, or all words that are no options."""

    def unwrapped(simple: Simple, name: str) -> Unwrapped:
        words = simple.words[1:]
        scripts: list[tuple[str, bool]] = []
        for position, word in enumerate(words[:-1]):
            if word.text in options:
                scripts.append((words[position + 1].text, words[position + 1].certain))
        reason = f"starts commands through {name}"
        return Unwrapped((), tuple(scripts), "high", reason, True)

    return unwrapped


def _words_as_text(simple: Simple, name: str) -> Unwrapped:
    """`watch`, `hyperfine`, `concurrently`, `entr`, `parallel`: words that a shell reads."""
    values = {
        "-n",
        "-d",
        "-j",
        "-w",
        "-r",
        "-m",
        "-M",
        "-i",
        "--interval",
        "--warmup",
        "--runs",
        "-N",
        "--colsep",
        "-k",
    }
    words = simple.words
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        if words[position].text == "--":
            position += 1
            break
        position += 2 if words[position].text in values and position + 1 < len(words) else 1
    rest = words[position:]
    ends = next((i for i, word in enumerate(rest) if word.text in (":::", "::::", ":::+")), len(rest))
    certain = all(word.certain for word in rest) and name != "parallel"
    scripts: list[tuple[str, bool]] = []
    if name in ("hyperfine", "concurrently"):
        scripts = [(word.text, word.certain) for word in rest if not word.text.startswith("-")]
    elif rest:
        scripts = [(" ".join(word.text for word in rest[:ends]), certain)]
    if name == "parallel":
        scripts += [(word.text, word.certain) for word in rest[ends + 1 :] if ends == 0]
        return Unwrapped(
            (), tuple(scripts), "high", "starts commands with words that are only known when it runs", True
        )
    return Unwrapped((), tuple(scripts), "medium", f"runs commands through {name}", True)


def _session(simple: Simple, name: str) -> Unwrapped:
    """`tmux`, `screen`: any word of several words may be a command."""
    scripts = tuple((word.text, word.certain) for word in simple.words[1:] if " " in word.text)
    plain = inner_of(simple, tuple(word for word in simple.words[1:] if not word.text.startswith("-"))[:8])
    return Unwrapped(plain if name == "screen" else (), scripts, "high", "starts a session of its own", True)


def _busybox(simple: Simple, name: str) -> Unwrapped:
    del name
    inner = inner_of(simple, simple.words[1:])
    return Unwrapped(inner, (), "safe", "", not inner)


def _git(simple: Simple, name: str) -> Unwrapped | None:
    """Commands inside of git's own words: `submodule foreach`, `bisect run`, `rebase --exec`, an alias by `-c`."""
    del name
    texts = [word.text for word in simple.words]
    scripts: list[tuple[str, bool]] = []
    commands: list[Simple] = []
    for position, text in enumerate(texts[:-1]):
        following = simple.words[position + 1]
        if text == "foreach" and "submodule" in texts:
            rest = [word for word in simple.words[position + 1 :] if not word.text.startswith("-")]
            scripts.append((" ".join(word.text for word in rest), all(word.certain for word in rest)))
        elif text == "run" and "bisect" in texts:
            commands += inner_of(simple, simple.words[position + 1 :])
        elif text in ("--exec", "-x") and "rebase" in texts:
            scripts.append((following.text, following.certain))
        elif text == "-c" and (found := re.fullmatch(r"alias\.[^=]+=!(.*)", following.text, re.DOTALL)):
            scripts.append((found[1], following.certain))
    return Unwrapped(tuple(commands), tuple(scripts), "safe", "", True) if scripts or commands else None


def _ssh(simple: Simple, name: str) -> Unwrapped:
    """`ssh host command`: judged as a command here too, because that says what it does."""
    values = {
        "-i",
        "-p",
        "-l",
        "-F",
        "-o",
        "-L",
        "-R",
        "-D",
        "-J",
        "-b",
        "-c",
        "-e",
        "-m",
        "-O",
        "-Q",
        "-S",
        "-W",
        "-w",
        "-B",
        "-E",
        "-I",
    }
    words = simple.words
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        position += 2 if words[position].text in values else 1
    rest = words[position + 1 :]
    scripts = ((" ".join(word.text for word in rest), all(word.certain for word in rest)),) if rest else ()
    proxy = tuple(
        (word.text.partition("=")[2], word.certain)
        for word in words
        if re.match(r"(?i)-?o?(?:ProxyCommand|LocalCommand)=", word.text)
    )
    return Unwrapped((), (*scripts, *proxy), "high", f"works on another machine by {name}", True)


UNWRAPPERS: dict[str, Callable[[Simple, str], Unwrapped | None]] = {
    "env": _env,
    "genv": _env,
    "command": _command,
    "exec": _command,
    "eval": _eval,
    "source": _source,
    ".": _source,
    "trap": _trap,
    "xargs": unwrap_xargs,
    "gxargs": unwrap_xargs,
    "find": unwrap_find,
    "gfind": unwrap_find,
    "fd": unwrap_fd,
    "fdfind": unwrap_fd,
    "tmux": _session,
    "screen": _session,
    "busybox": _busybox,
    "toybox": _busybox,
    "git": _git,
    "ssh": _ssh,
    **dict.fromkeys(("watch", "hyperfine", "concurrently", "parallel", "entr", "sem"), _words_as_text),
    **dict.fromkeys(("su", "runuser", "script", "flock", "nix-shell"), _text_after("-c", "--command", "--run")),
}
