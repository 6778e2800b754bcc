"""git: which subcommands only read, and which options and settings make one run something else.

What a repository's own configuration runs (filters, pagers, hooks) is kept off where git runs; here it is judged what
the command line itself asks for. Start with `judge_git`.
"""

import re

from copydesk.domain.risks import RiskLevel
from copydesk.safety.risks.findings import SAFE, Call, Finding, Options, at_least, read_options, worst
from copydesk.safety.risks.reach import is_secret_path, read_of, write_of
from copydesk.safety.shell_words import UNKNOWN, Word, named

_GLOBAL_VALUES = frozenset(named("-C -c --git-dir --work-tree --namespace --exec-path --super-prefix --config-env"))
_GLOBAL_FLAGS = frozenset(
    ["--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs", "--no-replace-objects", "--bare"]
)
_GLOBAL_HARMLESS = _GLOBAL_FLAGS | {"--version", "-v", "--help", "-h", "--html-path", "--man-path", "--info-path"}

HARMLESS_SETTINGS = re.compile(
    r"(?i)(?:color\..*|core\.quotepath|core\.abbrev|log\.\w+|diff\.(?:renames|renamelimit|algorithm|context|color\w*)|"
    r"advice\..*|user\.(?:name|email)|init\.defaultbranch|commit\.gpgsign|tag\.gpgsign|core\.(?:autocrlf|eol|pager)=cat|"
    r"status\..*|column\..*|grep\.\w+|blame\.\w+|core\.pager=|safe\.directory)(?:=.*)?"
)

_READS = named(
    "status log show diff blame annotate shortlog describe rev-parse rev-list ls-files ls-tree cat-file "
    "show-ref for-each-ref merge-base name-rev cherry count-objects whatchanged grep var version help "
    "check-ignore check-attr diff-tree diff-index diff-files range-diff show-branch verify-commit "
    "verify-tag fsck check-ref-format symbolic-ref get-tar-commit-id patch-id stripspace column "
    "ls-remote-local"
)
_RUNS = (
    "--ext-diff",
    "--textconv",
    "--open-files-in-pager",
    "-O",
    "--paginate",
    "--upload-pack",
    "--exec",
    "--receive-pack",
    "--show-signature",
)
"""Options of readers that start what a repository or the line names. `-O` is a pager for grep alone."""

_LEVELS: dict[str, tuple[RiskLevel, str]] = {
    **dict.fromkeys(["add", "commit", "init", "stage"], ("low", "changes the repository's own records")),
    **dict.fromkeys(
        named("mv restore apply am cherry-pick revert merge stash notes"),
        ("medium", "changes files"),
    ),
    **dict.fromkeys(
        ["checkout", "switch", "rm", "sparse-checkout", "worktree", "bundle", "archive"], ("medium", "changes files")
    ),
    **dict.fromkeys(["format-patch", "repack", "pack-refs", "rerere", "mergetool"], ("medium", "changes files")),
    **dict.fromkeys(["fetch", "pull", "clone", "remote", "ls-remote", "request-pull"], ("high", "reaches the network")),
    **dict.fromkeys(
        ["push", "send-pack", "send-email", "svn", "p4", "lfs"], ("high", "sends commits to another machine")
    ),
    **dict.fromkeys(["reset", "rebase", "gc", "prune", "replace"], ("high", "changes history or throws work away")),
    **dict.fromkeys(
        ["maintenance", "hook", "daemon", "instaweb", "credential"], ("high", "starts programs, or handles keys")
    ),
    **dict.fromkeys(["clean", "reflog", "update-ref", "filter-branch", "filter-repo"], ("high", "throws work away")),
}
_LISTS = {
    "branch": "-d -D -m -M -c -C -f -u --delete --move --copy --force --set-upstream-to --unset-upstream"
    " --edit-description",
    "tag": "-d -a -s -u -f -m -F --delete --annotate --sign --force --message --file --local-user --edit",
    "stash": "",
}


def judge_git(call: Call) -> Finding:
    findings, rest = _global_options(call)
    if rest is None:
        return worst(findings)
    if not rest:
        return worst([SAFE, *findings])
    name = rest[0].text
    if UNKNOWN in name or not rest[0].certain:
        return worst([*findings, Finding("high", "runs a subcommand of git that is only known when it runs")])
    return worst([*findings, _subcommand(name, rest[1:], call)])


def _global_options(call: Call) -> tuple[list[Finding], tuple[Word, ...] | None]:
    """What stands before the subcommand, and the words from the subcommand on."""
    findings: list[Finding] = []
    position = 0
    while position < len(call.args):
        text = call.args[position].text
        name, equals, value = text.partition("=")
        if not text.startswith("-"):
            return findings, call.args[position:]
        if name in _GLOBAL_VALUES:
            if not equals:
                position += 1
                value = call.args[position].text if position < len(call.args) else ""
            findings.append(_global_value(name, value, call))
        elif text not in _GLOBAL_HARMLESS:
            findings.append(Finding("high", f"has the option {text!r}, which changes what git runs"))
        position += 1
    return findings, ()


def _global_value(name: str, value: str, call: Call) -> Finding:
    if name == "-c":
        key = value.partition("=")[0]
        if HARMLESS_SETTINGS.fullmatch(value):
            return SAFE
        return Finding("high", f"sets git's {key!r} for this run, which can start another program")
    if name == "-C":
        return read_of(Word(value), call)
    return Finding("high", f"has the option {name!r}, which changes what git runs")


_DRY: dict[str, frozenset[str]] = {
    "add": frozenset(named("-n --dry-run -A --all -v --verbose -u")),
    "commit": frozenset(named("--dry-run -a --short --porcelain")),
    "rm": frozenset(named("-n --dry-run -r --cached")),
    "mv": frozenset(named("-n --dry-run")),
    "apply": frozenset(named("--check --stat --numstat --summary -v -3 -R")),
}
"""Options with which a subcommand only says what it would do."""


def _is_dry(name: str, args: tuple[Word, ...]) -> bool:
    given = [word.text for word in args if word.text.startswith("-")]
    says = {"-n", "--dry-run"} if name != "apply" else {"--check", "--stat", "--numstat", "--summary"}
    known = all(word.certain or not word.text.startswith((UNKNOWN, "-")) for word in args)
    if name == "commit":
        says = {"--dry-run"}
    return name in _DRY and known and bool(says & set(given)) and set(given) <= _DRY[name]


def _subcommand(name: str, args: tuple[Word, ...], call: Call) -> Finding:
    if _is_dry(name, args):
        return worst([SAFE, *(read_of(word, call) for word in args if not word.text.startswith("-"))])
    if name == "notes" and args and args[0].text in ("list", "show"):
        return _reader("show", args[1:], call)
    if name in _SPECIAL:
        return _SPECIAL[name](args, call)
    if name in _READS:
        return _reader(name, args, call)
    level, reason = _LEVELS.get(name, ("high", f"runs {name!r}, which is no subcommand that is known, or an alias"))
    options = read_options(
        args, frozenset(["-m", "-F", "-o", "--message", "--file", "--exec", "-x", "--output", "--output-directory"])
    )
    findings = [Finding(level, reason)]
    if options.has(
        "--exec",
        "-x",
        "--upload-pack",
        "--receive-pack",
        "--run-command",
        "--exec-path",
        "--template",
        "--unsafe-paths",
    ):
        findings.append(Finding("high", "runs the program that it is given"))
    findings += [read_of(word, call) for word in options.value_of("-F", "--file")]
    findings += [write_of(word, call) for word in options.value_of("-o", "--output", "--output-directory")]
    if name == "rm" and any(word.text in (".", "*", ":/") for word in options.operands):
        findings.append(Finding("high", "deletes every file of the workspace's folder"))
    if name == "add":
        findings += [Finding("high", f"adds {word.shown!r}") for word in options.operands if is_secret_path(word.text)]
    return worst(findings)


def _reader(name: str, args: tuple[Word, ...], call: Call) -> Finding:
    takes = "-n -L -S -G --format --pretty --since --until --author --grep -U --max-count --output -e -A -B -C -f -O"
    options = read_options(args, frozenset(takes.split()))
    findings = [at_least("high", "writes a file by an option", write_of(w, call)) for w in options.value_of("--output")]
    runs = [given for given in _RUNS if options.has(given) and not (given == "-O" and name != "grep")]
    if runs:
        findings.append(Finding("high", f"has the option {runs[0]!r}, which starts a program"))
    findings += [read_of(word, call) for word in options.value_of("-f") if name == "grep"]
    if options.has("--no-index", "--contents") or (name == "diff" and any("/" in w.text[:2] for w in options.operands)):
        findings += [read_of(word, call) for word in options.operands]
    if name == "help" and options.has("-w", "--web", "-i", "--info", "-m", "--man"):
        findings.append(Finding("high", "starts a browser or reader"))
    if name == "symbolic-ref" and (len(options.operands) > 1 or options.has("-d", "--delete")):
        findings.append(Finding("high", "changes a branch's name"))
    if name not in ("status", "ls-files", "log", "rev-list", "check-ignore"):
        shown = [word for word in options.operands if is_secret_path(word.text.rpartition(":")[2])]
        findings += [Finding("high", f"shows {word.shown!r}, which usually holds secrets") for word in shown]
    if name == "log" and options.has("-p", "--patch", "-u"):
        shown = [word for word in options.operands if is_secret_path(word.text)]
        findings += [Finding("high", f"shows {word.shown!r}, which usually holds secrets") for word in shown]
    if options.doubtful:
        findings.append(Finding("medium", "has a word that may turn out to be an option"))
    return worst(findings)


def _listing(name: str, args: tuple[Word, ...], call: Call) -> Finding:
    """`git branch` and `git tag`: without operands or with an option that lists, they only read."""
    del call
    changes = _LISTS[name].split()
    options = read_options(
        args, frozenset({"--sort", "--format", "--contains", "--merged", "--no-merged", "--points-at"})
    )
    if options.has("-D", "-d", "--delete", "-f", "--force", "-M"):
        return Finding("high", f"deletes or moves a {name}")
    if options.has(*changes):
        return Finding("medium", f"changes a {name}")
    lists = options.has("-l", "--list", "-a", "-r", "--all", "--remotes", "-v", "-vv", "--show-current", "-n")
    asks = options.has("--contains", "--merged", "--no-merged", "--points-at")
    return SAFE if not options.operands or lists or asks else Finding("low", f"makes a {name}")


def _branch(args: tuple[Word, ...], call: Call) -> Finding:
    return _listing("branch", args, call)


def _tag(args: tuple[Word, ...], call: Call) -> Finding:
    return _listing("tag", args, call)


def _config(args: tuple[Word, ...], call: Call) -> Finding:
    options = read_options(args, frozenset({"-f", "--file", "--type", "--blob", "--default"}))
    findings = [read_of(word, call) for word in options.value_of("-f", "--file")]
    verb = options.operands[0].text if options.operands else ""
    gets = options.has("--get", "--get-all", "--get-regexp", "--list", "-l", "--get-urlmatch", "--show-origin")
    changes = options.has(
        "--add", "--unset", "--unset-all", "--replace-all", "--rename-section", "--remove-section", "-e"
    )
    if not changes and (gets or verb in ("list", "get") or (len(options.operands) == 1 and not options.has("--edit"))):
        return worst([SAFE, *findings])
    return worst([*findings, Finding("high", "changes git's configuration, which can run programs later")])


def _remote(args: tuple[Word, ...], call: Call) -> Finding:
    del call
    words = [word.text for word in args if not word.text.startswith("-")]
    if not words or words[0] == "get-url":
        return SAFE
    return Finding("high", "changes where commits are sent, or reaches the network")


def _stash(args: tuple[Word, ...], call: Call) -> Finding:
    verb = next((word.text for word in args if not word.text.startswith("-")), "")
    if verb in ("list", "show"):
        return _reader("show", args, call)
    return (
        Finding("high", "throws stashed work away")
        if verb in ("drop", "clear")
        else Finding("medium", "moves work away")
    )


def _checkout(args: tuple[Word, ...], call: Call) -> Finding:
    options = read_options(args, frozenset({"-b", "-B", "--orphan", "-s", "--source", "--conflict"}))
    everything = any(word.text in (".", ":/", "*") for word in options.operands)
    if options.has("-f", "--force", "--discard-changes") or everything:
        return Finding("high", "throws away changes that are not committed")
    findings = [read_of(word, call) for word in options.operands if word.text.startswith(("/", "~", ".."))]
    return worst([Finding("medium", "changes files of the workspace"), *findings])


def _push(args: tuple[Word, ...], call: Call) -> Finding:
    del call
    options = read_options(args, frozenset({"-o", "--push-option", "--repo", "--exec", "--receive-pack"}))
    forced = options.has("-f", "--force", "--mirror", "--delete", "-d", "--prune", "--exec", "--receive-pack")
    forced = forced or any(given.startswith("--force") for given in options.given)
    forced = forced or any(word.text.startswith(("+", ":")) for word in options.operands)
    urls = any(re.search(r"://|@.*:|^/|^\.\.", word.text) for word in options.operands)
    if forced:
        return Finding("critical", "overwrites or deletes commits on another machine")
    return (
        Finding("critical", "sends commits to an address")
        if urls
        else Finding("high", "sends commits to another machine")
    )


def _reset(args: tuple[Word, ...], call: Call) -> Finding:
    del call
    if read_options(args, frozenset()).has("--hard", "--merge", "--keep"):
        return Finding("high", "throws away changes that are not committed")
    return Finding("medium", "changes what is staged or where the branch stands")


def _clean(args: tuple[Word, ...], call: Call) -> Finding:
    del call
    options = read_options(args, frozenset({"-e", "--exclude"}))
    if options.has("-n", "--dry-run"):
        return SAFE
    return Finding("high", "deletes every file that git does not know")


def _reflog(args: tuple[Word, ...], call: Call) -> Finding:
    verb = next((word.text for word in args if not word.text.startswith("-")), "show")
    if verb in ("expire", "delete"):
        return Finding("high", "throws away what could be brought back")
    return _reader("log", args, call)


def _worktree(args: tuple[Word, ...], call: Call) -> Finding:
    words = [word for word in args if not word.text.startswith("-")]
    if words and words[0].text == "list":
        return SAFE
    return worst([Finding("medium", "changes worktrees"), *(write_of(word, call) for word in words[1:2])])


def _runs_commands(args: tuple[Word, ...], call: Call) -> Finding:
    """`submodule`, `bisect`: reading forms only; what `foreach` and `run` start is unwrapped too."""
    del call
    verb = next((word.text for word in args if not word.text.startswith("-")), "")
    if verb in ("status", "summary", "log", "view", "visualize", ""):
        return SAFE
    return Finding("high", "runs commands, reaches the network or moves the checkout")


def _hash_object(args: tuple[Word, ...], call: Call) -> Finding:
    options: Options = read_options(args, frozenset({"-t", "--path"}))
    findings = [read_of(word, call) for word in options.operands]
    return worst([*findings, Finding("low" if options.has("-w") else "safe", "adds an object")])


_SPECIAL = {
    "branch": _branch,
    "tag": _tag,
    "config": _config,
    "remote": _remote,
    "stash": _stash,
    "checkout": _checkout,
    "restore": _checkout,
    "switch": _checkout,
    "push": _push,
    "reset": _reset,
    "clean": _clean,
    "reflog": _reflog,
    "worktree": _worktree,
    "submodule": _runs_commands,
    "bisect": _runs_commands,
    "hash-object": _hash_object,
}
