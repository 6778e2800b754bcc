"""Programs that change files: copies, moves, deletes, permissions, archives, and editors of streams.

Owns a judge for each, by where its operands lie. Start with `JUDGES`.
"""

import re
from collections.abc import Callable

from copydesk.safety.risks.findings import SAFE, Call, Finding, Options, at_least, worst
from copydesk.safety.risks.reach import read_of, removal_of, write_of, zone_of
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word, named


def judge_rm(call: Call) -> Finding:
    options = call.split()
    recursive = options.has("-r", "-R", "--recursive") or call.name in ("rimraf", "trash")
    findings = [removal_of(word, call, recursive=recursive) for word in options.operands]
    if options.has("--no-preserve-root"):
        findings.append(Finding("critical", "removes the guard of the root folder"))
    if options.doubtful and not any(finding.level == "high" for finding in findings):
        findings.append(Finding("medium", "deletes what a pattern finds"))
    return worst(findings or [Finding("medium", "deletes what it is given")])


def judge_copy(call: Call) -> Finding:
    """`cp`, `mv`, `install`, `ln`: all but the last are read (moved: removed), the last is written."""
    options = call.split("-t --target-directory -S --suffix -m --mode -o --owner -g --group")
    targets = options.value_of("-t", "--target-directory")
    operands = options.operands
    sources = operands if targets else operands[:-1] if len(operands) > 1 else operands
    if not targets:
        targets = list(operands[-1:]) if len(operands) > 1 else []
    findings = [write_of(word, call) for word in targets]
    for word in sources:
        finding = removal_of(word, call, recursive=True) if call.name == "mv" else read_of(word, call)
        if call.name == "mv" and zone_of(word, call) in ("workspace", "temp"):
            listed = word.text.startswith(SOFT)
            finding = Finding("medium" if listed else "low", f"moves {word.shown!r}")
        findings.append(finding)
    if call.name == "install" and options.has("-m", "--mode") and _sets_id(options.value_of("-m", "--mode")):
        findings.append(Finding("critical", "makes a program that runs with another's rights"))
    return at_least("low", "writes files of the workspace", worst(findings))


def _sets_id(modes: list[Word]) -> bool:
    return any(re.fullmatch(r"[2467]\d{3}|.*\+.*s.*", mode.text) for mode in modes)


def judge_make(call: Call) -> Finding:
    """`mkdir`, `touch`, `mktemp`, `mkfifo`, `truncate`, `split`: their operands are written."""
    takes = {"mkdir": "-m --mode", "mkfifo": "-m --mode", "touch": "-d -t -r --date --reference"}
    options = call.split(takes.get(call.name, "-s --size -r --reference -p --tmpdir --suffix -l -b -n -a"))
    if call.name == "mktemp":
        return worst(
            [Finding("low", "makes a file"), *(write_of(word, call) for word in options.value_of("-p", "--tmpdir"))]
        )
    operands = options.operands
    if call.name in ("split", "csplit"):
        findings = [read_of(word, call) for word in operands[:1]]
        if options.has("--filter"):
            findings.append(Finding("high", "runs a program for each part"))
        return worst([*findings, Finding("low", "writes parts of a file"), *(write_of(w, call) for w in operands[1:2])])
    findings = [write_of(word, call) for word in operands]
    if call.name == "truncate":
        findings += [at_least("medium", f"empties {word.shown!r}", write_of(word, call)) for word in operands]
    return worst(findings or [Finding("low", "makes a file")])


def judge_tee(call: Call) -> Finding:
    return worst([Finding("safe"), *(write_of(word, call) for word in call.split().operands)])


def judge_mode(call: Call) -> Finding:
    """`chmod`, `chown`, `chgrp`, `chattr`, `setfacl`."""
    options = call.split("--reference")
    operands = options.operands
    recursive = options.has("-R", "--recursive")
    findings = [write_of(word, call) for word in operands[1:]]
    mode = operands[0].text if operands else ""
    if call.name == "chmod":
        if _sets_id(list(operands[:1])):
            findings.append(Finding("critical", "lets a program run with another's rights"))
        outside = any(finding.level in ("high", "critical") for finding in findings)
        if recursive and outside:
            findings.append(Finding("critical", "changes who may use everything in a folder outside of the workspace"))
        wide = re.fullmatch(r"0?[0-7]?[0-7]?[2367]|a\+.*w.*|o\+.*w.*|\+.*w.*", mode) is not None
        if wide or recursive:
            findings.append(Finding("medium", "lets everybody write" if wide else "changes many files' permissions"))
        return at_least("low", "changes who may use a file", worst(findings))
    if recursive and any(finding.level in ("high", "critical") for finding in findings):
        findings.append(Finding("critical", "changes whose everything is in a folder outside of the workspace"))
    return at_least("high", "changes whose a file is", worst(findings))


def judge_dd(call: Call) -> Finding:
    findings = [Finding("medium", "copies bytes")]
    for text in call.texts:
        name, _, value = text.partition("=")
        if name == "of":
            findings.append(write_of(Word(value), call))
        elif name == "if":
            findings.append(read_of(Word(value), call))
        elif not re.fullmatch(r"(?:[io]?bs|count|skip|seek|conv|status|[io]flag|cbs)=.*|--help|--version", text):
            findings.append(Finding("high", "has an operand that is only known when it runs"))
    return worst(findings)


def judge_archive(call: Call) -> Finding:
    """`tar`, `zip`, `gzip` and their kin: what they pack is read, where they unpack is written."""
    is_tar = call.name in ("tar", "bsdtar", "gtar")
    tar_takes = "-f -C -T -X --file --directory --exclude --files-from --exclude-from --transform"
    options = call.split(tar_takes if is_tar else _ARCHIVE_TAKES.get(call.name, ""))
    runs = ("--to-command", "--checkpoint-action", "--use-compress-program", "--rsh-command", "--info-script")
    runs += ("--new-volume-script", "-TT", "--unzip-command", "--rmt-command", "--warning-action")
    first = call.texts[0] if call.args else ""
    old_style = call.name == "tar" and not first.startswith("-")
    letters = set(first) if old_style else {given[1:] for given in options.given if len(given) == 2}
    lists = _only_shows(call, options, letters | ({"t"} if is_tar and options.has("--list") else set()))
    findings = [SAFE if lists else Finding("low", "packs or unpacks files")]
    if options.has(*runs) or ({"I", "F"} & letters and call.name in ("tar", "bsdtar")):
        findings.append(Finding("high", "has an option that runs a program"))
    if options.doubtful and call.name in ("tar", "zip", "7z"):
        findings.append(Finding("medium", "has a pattern, which may find a file named like an option"))
    if "P" in letters or options.has("--absolute-names", "--unlink-first", "--overwrite-dir"):
        findings.append(Finding("high", "may write outside of the folder it unpacks in"))
    packs = bool({"c", "r", "u"} & letters) or call.name in ("zip", "gzip", "bzip2", "xz", "zstd", "7z")
    targets = [*options.value_of("-C", "--directory"), *options.value_of("-d", "-o")]
    files = [*options.value_of("-f", "--file"), *(word for word in options.operands[1 if old_style else 0 :])]
    findings += [write_of(word, call) for word in targets]
    if call.name in _REPLACES and not options.has("-c", "-t", "-l", "--stdout", "--test", "--list"):
        findings += [write_of(word, call) for word in options.operands]
    for word in files:
        findings.append(read_of(word, call))
        if word in options.value_of("-f", "--file") and packs and word.text != "-":
            findings.append(write_of(word, call))
    if any(":" in word.text for word in options.value_of("-f", "--file")):
        findings.append(Finding("high", "packs to or from another machine"))
    if call.name in _REPLACES and any(given.startswith(("--files", "--train", "--patch")) for given in options.given):
        findings.append(Finding("medium", "has an option that reads other files"))
    if call.name == "7z" and any(re.match(r"-o(?:/|~|\.\.)", text) for text in call.texts):
        findings.append(Finding("high", "unpacks outside of the workspace"))
    if not lists and (
        (not packs and options.has("-x", "--extract", "--get")) or call.name in ("unzip", "cpio", "7z", "ar")
    ):
        findings.append(Finding("medium", "unpacks many files"))
    if options.has("--remove-files", "-m", "--move") and packs:
        findings.append(Finding("medium", "removes what it packs"))
    return worst(findings)


_ARCHIVE_TAKES = {"unzip": "-d -x", "zip": "-d -x", "zstd": "-o", "unzstd": "-o"}


def _only_shows(call: Call, options: Options, letters: set[str]) -> bool:
    """Whether an archive is listed, tested or unpacked to the standard output, so that no file comes of it."""
    match call.name:
        case "tar" | "bsdtar" | "gtar":
            shows = "t" in letters or ({"x", "O"} <= letters)
            return shows and not {"c", "r", "u"} & letters and (("t" in letters) != ("x" in letters))
        case "unzip":
            return options.has("-l", "-t", "-v", "-Z", "-p", "-c", "-Z1")
        case "gzip" | "gunzip" | "bzip2" | "bunzip2" | "xz" | "unxz" | "zstd" | "unzstd":
            shows = options.has("-l", "-t", "-c", "--list", "--test", "--stdout")
            known = r"-[dcltkvq\d]+|--(?:list|test|stdout|decompress|keep|verbose|quiet)"
            return shows and not options.doubtful and all(re.fullmatch(known, given) for given in options.given)
        case "ar":
            plain = all(not word.text.startswith("-") for word in call.args[1:])
            return plain and bool(call.args) and re.fullmatch(r"-?[tp]v?", call.args[0].text) is not None
        case "7z":
            switches = all(re.fullmatch(r"l|t|-slt|-ba|[^-].*", word.text) for word in call.args)
            return bool(call.args) and call.args[0].text in ("l", "t") and switches
        case _:
            return False


_REPLACES = frozenset(named("gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd"))
"""They put another file in the place of the one they are given."""


def judge_sed(call: Call) -> Finding:
    options = call.split("-e -f -l --expression --file --line-length")
    scripts = options.value_of("-e", "--expression")
    operands = options.operands
    if not scripts and not options.has("-f", "--file"):
        scripts, operands = list(operands[:1]), operands[1:]
    in_place = any(given.startswith(("-i", "--in-place")) for given in options.given)
    findings = [read_of(word, call) for word in (*operands, *options.value_of("-f", "--file"))]
    if options.has("-f", "--file"):
        findings.append(Finding("medium", "runs a script of sed from a file"))
        findings += [_foreign(word, call) for word in options.value_of("-f", "--file")]
    findings += [_sed_script(word) for word in scripts]
    if in_place:
        findings += [write_of(word, call) for word in operands]
        findings.append(Finding("low", "rewrites files of the workspace"))
    if options.doubtful and not in_place:
        findings.append(Finding("low", "has a word that may turn out to be an option"))
    return worst(findings)


def _foreign(word: Word, call: Call) -> Finding:
    """A script that is not the workspace's own."""
    inside = zone_of(word, call) == "workspace"
    return SAFE if inside else Finding("high", f"runs {word.shown!r}, which is not the workspace's")


_SED_ADDRESS = r"(?:\d+(?:~\d+)?|\$|/(?:[^/\\\n]|\\.)*/I?)(?:,[+~]?(?:\d+|\$|/(?:[^/\\\n]|\\.)*/I?))?"
_SED_SAFE = re.compile(
    rf"[\s;}}]*(?:(?:{_SED_ADDRESS})?\s*!?\s*(?:\{{|(?:[pPdDhHgGxnNlqQ=]|q\d+|[bt]\s*\w*|:\s*\w+"
    r"|s(?P<d>[/|#,@:!%])(?:(?!(?P=d))[^\\\n]|\\.)*(?P=d)(?:(?!(?P=d))[^\\\n]|\\.)*(?P=d)[gpiI\d]*"
    r"|y/[^/]*/[^/]*/|[aic]\\?\s?[^\n;{}]*)?\s*(?:;|\n|$|(?=\}))))"
)


def _sed_script(word: Word) -> Finding:
    """Only commands of a known form are believed: `e` runs a program, `w` writes a file, and so do flags of `s`."""
    text = word.text
    if UNKNOWN in text or SOFT in text or word.glob:
        return Finding("medium", "runs a script of sed that is only known when it runs")
    position = 0
    while position < len(text):
        found = _SED_SAFE.match(text, position)
        if found is None or found.end() == position:
            return Finding("high", "has a script of sed that may run programs or write files")
        position = found.end()
    return SAFE


def judge_patch(call: Call) -> Finding:
    options = call.split("-i -d -o -p -r --input --directory --output -B -D -F -V")
    written = [*options.value_of("-d", "--directory", "-o", "--output", "-r"), *options.operands[:1]]
    findings = [write_of(word, call) for word in written]
    return at_least("medium", "changes what a patch names", worst(findings))


def judge_rsync(call: Call) -> Finding:
    options = call.split("-e -f -T -B --rsh --exclude --include --filter --files-from --exclude-from --include-from")
    operands = options.operands
    remote = [word for word in operands if re.match(r"[\w.@-]+:|rsync://", word.text)]
    findings = [Finding("medium", "copies many files")]
    if options.has("-e", "--rsh", "--rsync-path", "--daemon", "-M", "--remote-option"):
        findings.append(Finding("high", "runs the program that it is given"))
    if remote:
        sends = operands and operands[-1] in remote
        findings.append(
            Finding("critical", "sends files to another machine") if sends else Finding("high", "uses the network")
        )
    findings += [read_of(word, call) for word in operands[:-1] if word not in remote]
    findings += [write_of(word, call) for word in operands[-1:] if word not in remote]
    if any(given.startswith("--del") for given in options.given):
        findings += [removal_of(word, call, recursive=True) for word in operands[-1:] if word not in remote]
        findings.append(Finding("high", "deletes what the source does not have"))
    return worst(findings)


def judge_link(call: Call) -> Finding:
    options: Options = call.split("-t --target-directory -S --suffix")
    operands = options.operands
    written = operands[1:] if len(operands) > 1 else ()
    findings = [read_of(word, call) for word in operands[:1]] + [write_of(word, call) for word in written]
    for word in operands[:1]:
        if zone_of(word, call) not in ("workspace", "temp", "system"):
            findings.append(Finding("high", f"makes a way to {word.shown!r}, outside of the workspace"))
    return at_least("low", "makes a link", worst(findings))


def judge_uniq(call: Call) -> Finding:
    """Its second operand is written."""
    operands = call.split("-f -s -w --skip-fields --skip-chars --check-chars").operands
    findings = [read_of(word, call) for word in operands[:1]]
    return worst([*findings, *(write_of(word, call) for word in operands[1:])])


def judge_xxd(call: Call) -> Finding:
    operands = call.split("-c -g -l -s -o -cols -len -seek").operands
    findings = [read_of(word, call) for word in operands[:1]]
    return worst([*findings, *(write_of(word, call) for word in operands[1:])])


JUDGES: dict[str, Callable[[Call], Finding]] = {
    **dict.fromkeys(("rm", "rmdir", "unlink", "rimraf", "trash", "gio"), judge_rm),
    **dict.fromkeys(("cp", "mv", "install", "gcp", "gmv", "ditto"), judge_copy),
    "ln": judge_link,
    "link": judge_link,
    **dict.fromkeys(("mkdir", "touch", "mktemp", "mkfifo", "truncate", "split", "csplit", "fallocate"), judge_make),
    "tee": judge_tee,
    **dict.fromkeys(("chmod", "chown", "chgrp", "chattr", "setfacl", "setcap"), judge_mode),
    "dd": judge_dd,
    **dict.fromkeys(
        named("tar bsdtar gtar zip unzip gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd 7z cpio ar"),
        judge_archive,
    ),
    **dict.fromkeys(("sed", "gsed"), judge_sed),
    "patch": judge_patch,
    "rsync": judge_rsync,
    "uniq": judge_uniq,
    "xxd": judge_xxd,
}
