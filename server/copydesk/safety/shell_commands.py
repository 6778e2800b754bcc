"""Programs that start other programs: what they start, so that it is judged as if it stood alone.

Owns the unwrapping of `env`, `timeout`, `xargs`, `find -exec`, `sh -c` and the like; which words are a command, and which
are a text for a shell. How dangerous any of it is, `risks` says. Start with `unwrap`.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import RiskLevel
from copydesk.safety.shell_parse import Simple, is_secret_like
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word

SHELLS = frozenset("sh bash dash zsh ksh mksh ash fish rbash csh tcsh yash".split())


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


@frozen
class Prefix:
    """`values`: options that take the next word; `flags`: those that do not; `n_skipped` words before the command."""

    values: str = ""
    flags: str = ""
    n_skipped: int = 0
    level: RiskLevel = "safe"
    reason: str = ""


_RIGHTS = "runs it with another's rights"
_MACHINE = "runs it in another place of the machine"

PREFIXES: dict[str, Prefix] = {
    "timeout": Prefix("-s --signal -k --kill-after", "--preserve-status --foreground -v --verbose", 1),
    "gtimeout": Prefix("-s --signal -k --kill-after", "--preserve-status --foreground", 1),
    "nice": Prefix("-n --adjustment"),
    "nohup": Prefix(),
    "setsid": Prefix("", "-f -w -c --fork --wait --ctty"),
    "stdbuf": Prefix("-i -o -e --input --output --error"),
    "unbuffer": Prefix("", "-p"),
    "ionice": Prefix("-c -n --class --classdata", "-t"),
    "chrt": Prefix("", "-f -r -o -b -i -d --fifo --rr --other --batch --idle", 1),
    "taskset": Prefix("", "-c -a --cpu-list", 1),
    "caffeinate": Prefix("-t -w", "-d -i -m -s -u -di -dis"),
    "builtin": Prefix(),
    "winpty": Prefix(),
    "catchsegv": Prefix(),
    "not": Prefix(),
    "chronic": Prefix("", "-v -e"),
    "ts-run": Prefix(),
    "time": Prefix("-f --format", "-p -v --verbose --portability"),
    "hyperfine-run": Prefix(),
    "sudo": Prefix("-u -g -h -p -C -T -r -t -D -R -U --user --group", "-n -E -H -S -k -K -b -A -P -B --", 0, "high", _RIGHTS),
    "doas": Prefix("-u -C", "-n -s -L", 0, "high", _RIGHTS),
    "pkexec": Prefix("--user", "--disable-internal-agent --keep-cwd", 0, "high", _RIGHTS),
    "gosu": Prefix("", "", 1, "high", _RIGHTS),
    "su-exec": Prefix("", "", 1, "high", _RIGHTS),
    "setpriv": Prefix("--reuid --regid --groups --inh-caps", "--clear-groups --no-new-privs", 0, "high", _RIGHTS),
    "fakeroot": Prefix("-l -i -s", "-u -b", 0, "medium", "runs it in a pretended root"),
    "chroot": Prefix("--userspec --groups", "--skip-chdir", 1, "high", _MACHINE),
    "unshare": Prefix("-S -G -R -w", "-r -n -m -p -f -u -i -U -C --fork --net --map-root-user --user --pid", 0, "high", _MACHINE),
    "nsenter": Prefix("-t -S -G --target", "-m -u -i -n -p -a -U -C", 0, "high", _MACHINE),
    "systemd-run": Prefix("-p -u --unit --uid -t --on-active", "--user --scope --pty -q --wait --collect", 0, "high", _MACHINE),
    "proot": Prefix("-r -b -w -q", "-0 -S", 0, "high", _MACHINE),
    "prlimit": Prefix("-p", "", 0),
    "xvfb-run": Prefix("-n -e -s -f -w --server-num --server-args", "-a --auto-servernum -d"),
    "dbus-run-session": Prefix("--config-file", "--"),
    "dbus-launch": Prefix("", "--exit-with-session"),
    "strace": Prefix("-e -o -p -s -u -P -a -b -E -I -O -S -X", "-f -ff -t -tt -ttt -T -y -c -C -v -q -k -r -i", 0, "high", "looks into the program"),
    "ltrace": Prefix("-e -o -p -s -u -l -n -a", "-f -S -c -t -T -i -r", 0, "high", "looks into the program"),
    "valgrind": Prefix("", "-q -v", 0, "medium", "looks into the program"),
    "torsocks": Prefix("", "", 0, "high", "uses the network"),
    "proxychains": Prefix("-f", "-q", 0, "high", "uses the network"),
    "proxychains4": Prefix("-f", "-q", 0, "high", "uses the network"),
    "sshpass": Prefix("-p -f -d -P", "-e -v", 0, "high", "hands over a password"),
    "bundle+exec": Prefix("", "--keep-file-descriptors"),
    "poetry+run": Prefix(),
    "pipenv+run": Prefix(),
    "pdm+run": Prefix("-p -s"),
    "rye+run": Prefix(),
    "hatch+run": Prefix(),
    "uv+run": Prefix("--with --python -p --extra --group --project --directory --env-file --index-url --only-group --no-group",
                     "--no-sync --frozen --locked --isolated --no-project --all-extras --dev --no-dev -q --quiet --offline --active --exact"),
    "conda+run": Prefix("-n -p --name --prefix --cwd", "--no-capture-output -v --live-stream"),
    "mamba+run": Prefix("-n -p --name --prefix", ""),
    "micromamba+run": Prefix("-n -p", ""),
    "pixi+run": Prefix("-e --environment", "--frozen --locked"),
    "rustup+run": Prefix("", "--install", 1),
    "direnv+exec": Prefix("", "", 1, "high", "loads the environment of a folder"),
    "dotenv": Prefix("-e -f", "-- --override"),
    "nvm+exec": Prefix("", "--silent", 1),
    "asdf+exec": Prefix(),
    "mise+exec": Prefix("", "--", 1),
    "op+run": Prefix("--env-file", "--no-masking --", 0, "high", "hands out secrets"),
    "doppler+run": Prefix("-p -c", "--", 0, "high", "hands out secrets"),
    "cross-env": Prefix(),
    "env-cmd": Prefix("-f -e", ""),
    "pnpm+exec": Prefix("", "-r"),
    "yarn+exec": Prefix(),
    "npm+exec": Prefix("", "--no -y --yes --offline --"),
    "bun+x": Prefix("", "--bun"),
    "npx": Prefix("", "--no --no-install --offline -q --quiet"),
    "bunx": Prefix("", "--bun"),
    "pnpx": Prefix(),
    "uvx": Prefix("--python -p", "--offline -q"),
    "pipx+run": Prefix("", ""),
    "yarn+dlx": Prefix("", "-q"),
    "pnpm+dlx": Prefix(),
}  # fmt: skip

_FETCHERS = frozenset({"npx", "bunx", "pnpx", "uvx", "pipx+run", "yarn+dlx", "pnpm+dlx", "npm+exec", "bun+x"})
"""They fetch the program where it is not there: only those that a project usually has are run as if they were."""
KNOWN_PACKAGES = frozenset(
    "tsc eslint prettier jest vitest mocha ava nyc c8 tsx ts-node ruff black mypy pyright pytest isort flake8 pylint biome"
    " stylelint webpack vite rollup esbuild next nuxt playwright cypress turbo nx lerna tailwindcss postcss babel swc"
    " markdownlint markdownlint-cli2 knip depcheck madge commitlint oxlint dprint typedoc karma tap basedpyright ty tox nox"
    " pre-commit codespell taplo sphinx-build mkdocs hatch pyupgrade autoflake vulture bandit deptry rimraf cspell".split()
)


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


def _inner(simple: Simple, words: tuple[Word, ...], *, fed: bool = True) -> tuple[Simple, ...]:
    if not words:
        return ()
    assignments = simple.assignments
    while words and (found := re.match(r"([A-Za-z_]\w*)=", words[0].text)) and words[0].text[0] != "-":
        assignments += ((found[1], replace(words[0], text=words[0].text[found.end() :])),)
        words = words[1:]
    piped = simple.piped if fed else ()
    return (replace(simple, words=words, assignments=assignments, piped=piped),) if words else ()


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
    inner = _inner(simple, words[position:])
    if key in _FETCHERS and inner and not _is_known_package(inner[0].name):
        level, reason = "high", f"may fetch {inner[0].name!r} from the network and run it"
    if doubtful:
        others = tuple(command for skip in (1, 2) for command in _inner(simple, words[position + skip :]))
        return Unwrapped((*inner, *others[:2]), (), "high", f"has an option of {words[0].text!r} that is not known", True)
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
            return Unwrapped((), ((script, all(word.certain for word in words)),), "medium", "splits a text into words", True)
        if text in ("-u", "-C", "--unset", "--chdir", "-P"):
            position += 1
        elif not re.fullmatch(r"-[i0v]+|-|--|--ignore-environment|--null|-u\w+|--unset=\w+|--debug", text):
            return Unwrapped((), (), "high", f"has an option of env that is not known: {text!r}", True)
    inner = _inner(simple, words[position:])
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
    inner = _inner(simple, words[position:])
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


_XARGS_VALUES = frozenset("-I -n -P -L -d -a -E -s -i -l -J -R --max-args --max-procs --max-lines --delimiter --arg-file --replace".split())
_XARGS_FLAGS = re.compile(r"-[0rtpxo]+|--null|--no-run-if-empty|--verbose|--open-tty|--exit|-[nPLsdIEJ].+|--[\w-]+=.*")


def _xargs(simple: Simple, name: str) -> Unwrapped:
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
    given = Word(SOFT if simple.stdin_text == SOFT else UNKNOWN, certain=False)
    filled = tuple(Word(word.text.replace("{}", given.text), certain=False) if "{}" in word.text else word for word in rest)
    inner = _inner(simple, (*filled, given), fed=False)
    if doubtful:
        return Unwrapped(inner, (), "high", "has an option of xargs that is not known", True)
    return Unwrapped(inner, (), "safe", "", False)


def _find(simple: Simple, name: str) -> Unwrapped | None:
    """What `-exec`, `-execdir`, `-ok` and `-okdir` start. The rest of find is judged as find."""
    del name
    words = simple.words
    starts = [i for i, word in enumerate(words) if re.fullmatch(r"-(?:exec|ok)(?:dir)?", word.text)]
    inner: list[Simple] = []
    roots = [word.text for word in words[1 : _expression_start(words)]]
    soft = all(not root.startswith(("/", "~", "..")) and UNKNOWN not in root for root in roots) and not _finds_secrets(words)
    found = Word(SOFT if soft else UNKNOWN, certain=False)
    for start in starts:
        end = next((i for i in range(start + 1, len(words)) if words[i].text in (";", "+")), len(words))
        given = tuple(
            Word(word.text.replace("{}", found.text), certain=False) if "{}" in word.text else word
            for word in words[start + 1 : end]
        )
        inner += _inner(simple, given, fed=False)
    return Unwrapped(tuple(inner), (), "safe", "", True) if starts else None


def _expression_start(words: tuple[Word, ...]) -> int:
    return next((i for i, word in enumerate(words) if i and re.match(r"-[a-z]{2}|[(!]", word.text)), len(words))


def _finds_secrets(words: tuple[Word, ...]) -> bool:
    """Whether the names it looks for may be those of secrets: a name that ends like source code is none."""
    names = [words[i + 1].text for i, word in enumerate(words[:-1]) if word.text in ("-name", "-iname", "-path", "-regex")]
    return not names or any(is_secret_like(text) or len(text.strip("*?./[]")) < 2 for text in names)


def _fd(simple: Simple, name: str) -> Unwrapped | None:
    del name
    words = simple.words
    start = next((i for i, word in enumerate(words) if re.fullmatch(r"-[xX]|--exec(?:-batch)?", word.text)), None)
    if start is None:
        return None
    given = tuple(
        Word(UNKNOWN, certain=False) if re.search(r"\{/?/?\.?\}", word.text) else word for word in words[start + 1 :]
    )
    return Unwrapped(_inner(simple, (*given, Word(UNKNOWN, certain=False)), fed=False), (), "safe", "", True)


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
    values = {"-n", "-d", "-j", "-w", "-r", "-m", "-M", "-i", "--interval", "--warmup", "--runs", "-N", "--colsep", "-k"}
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
        return Unwrapped((), tuple(scripts), "high", "starts commands with words that are only known when it runs", True)
    return Unwrapped((), tuple(scripts), "medium", f"runs commands through {name}", True)


def _busybox(simple: Simple, name: str) -> Unwrapped:
    del name
    inner = _inner(simple, simple.words[1:])
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
            commands += _inner(simple, simple.words[position + 1 :])
        elif text in ("--exec", "-x") and "rebase" in texts:
            scripts.append((following.text, following.certain))
        elif text == "-c" and (found := re.fullmatch(r"alias\.[^=]+=!(.*)", following.text, re.DOTALL)):
            scripts.append((found[1], following.certain))
    return Unwrapped(tuple(commands), tuple(scripts), "safe", "", True) if scripts or commands else None


def _ssh(simple: Simple, name: str) -> Unwrapped:
    """`ssh host command`: judged as a command here too, because that says what it does."""
    values = set("-i -p -l -F -o -L -R -D -J -b -c -e -m -O -Q -S -W -w -B -E -I".split())
    words = simple.words
    position = 1
    while position < len(words) and words[position].text.startswith("-"):
        position += 2 if words[position].text in values else 1
    rest = words[position + 1 :]
    scripts = ((" ".join(word.text for word in rest), all(word.certain for word in rest)),) if rest else ()
    proxy = tuple(
        (word.text.partition("=")[2], word.certain) for word in words if re.match(r"(?i)-?o?(?:ProxyCommand|LocalCommand)=", word.text)
    )  # fmt: skip
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
    "xargs": _xargs,
    "gxargs": _xargs,
    "find": _find,
    "gfind": _find,
    "fd": _fd,
    "fdfind": _fd,
    "busybox": _busybox,
    "toybox": _busybox,
    "git": _git,
    "ssh": _ssh,
    **dict.fromkeys(("watch", "hyperfine", "concurrently", "parallel", "entr", "sem"), _words_as_text),
    **dict.fromkeys(("su", "runuser", "script", "flock", "nix-shell"), _text_after("-c", "--command", "--run")),
}
