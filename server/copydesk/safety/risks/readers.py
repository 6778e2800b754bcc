"""Programs that only read, as data: which options make them do more, and whose operands are files.

Owns the table of readers. A program that is not here, in `tools` or in the families beside it is unknown, and asks.
Start with `READERS`.
"""

import re

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import RiskLevel
from copydesk.safety.risks.findings import Call, Finding, worst
from copydesk.safety.risks.reach import SECRET_PLACES, is_secret_path, read_of, write_of
from copydesk.safety.shell_words import UNKNOWN, Word, named


@frozen
class Reader:
    """`files`: every operand is opened ("all"), all but the first ("rest"), or none is ("names": only their names
    count). `takes`: options with a value. `writes`: options whose value is a file that is written; `opens`: one that is
    read. `runs`: options that start a program or change something, with what they do.
    """

    files: str = "all"
    takes: str = ""
    writes: str = ""
    opens: str = ""
    runs: str = ""
    level: RiskLevel = "safe"
    reason: str = ""


_NAMES = Reader("names")
_ALL = Reader()

QUIET = frozenset(
    named(
        "wc file cksum sum md5 md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum shasum ls stat du test [ [["
    )
)
"""They tell of a file how large, how old or of what kind it is, never what it says: any file will do."""
_NO_HARM_BY_OPTIONS = frozenset(named("grep egrep fgrep"))
"""No option of theirs writes or starts anything: their `runs` are those of a `grep` that is another's program."""

READERS: dict[str, Reader] = {
    # contents
    **dict.fromkeys(
        named("cat tac nl od hexdump hd strings fold fmt expand unexpand rev colrm column"),
        _ALL,
    ),
    **dict.fromkeys(
        named("md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum sum shasum md5"),
        _ALL,
    ),
    **dict.fromkeys(
        named("zcat bzcat xzcat zstdcat lz4cat gzcat zless zmore cmp comm paste join pr"),
        _ALL,
    ),
    "head": Reader(takes="-n -c --lines --bytes"),
    "tail": Reader(takes="-n -c --lines --bytes -s --pid --sleep-interval"),
    "wc": Reader(opens="--files0-from"),
    "cut": Reader(takes="-d -f -b -c --delimiter --fields --bytes --characters --output-delimiter"),
    "tr": _NAMES,
    "diff": Reader(
        takes="-U -C -I -x -W -L -F --label --exclude --color --context --unified", opens="-X --exclude-from"
    ),
    "diff3": _ALL,
    "colordiff": _ALL,
    "icdiff": _ALL,
    "delta": Reader(runs="--pager"),
    "sdiff": Reader(writes="-o --output", runs="--diff-program"),
    "sort": Reader(
        takes="-k -t -S --key --field-separator --buffer-size --parallel --batch-size --sort --random-source",
        writes="-o --output -T --temporary-directory",
        opens="--files0-from",
        runs="--compress-program",
    ),
    "tsort": _ALL,
    "shuf": Reader(takes="-n -i --head-count --input-range", writes="-o --output", opens="--random-source"),
    "base64": Reader(takes="-w --wrap -b", writes="-o --output", opens="-i --input"),
    "base32": Reader(takes="-w --wrap"),
    "iconv": Reader(takes="-f -t --from-code --to-code", writes="-o --output"),
    "jq": Reader("rest", takes="--indent --tab --arg --argjson -L", opens="-f --from-file --rawfile --slurpfile"),
    "gron": _ALL,
    "xmllint": Reader(takes="--xpath --encode --maxmem", writes="--output -o", opens="--schema --relaxng"),
    "csvlook": _ALL,
    "csvcut": Reader(takes="-c -C"),
    "bat": Reader(
        takes="-l -r -H --language --line-range --theme --style --color --wrap --paging --decorations --tabs -m",
        runs="--pager --diff-program --generate-config-file cache",
    ),
    "batcat": Reader(takes="-l -r -H --language --line-range --theme --style --color --paging", runs="--pager"),
    "less": Reader(
        runs="-o -O -k --log-file --LOG-FILE --lesskey-file --lesskey-src --lesskey-content +", takes="-p -P"
    ),
    "more": Reader(takes="-n"),
    "most": _ALL,
    # searches
    **dict.fromkeys(
        named("grep egrep fgrep zgrep bzgrep xzgrep pcregrep ugrep"),
        Reader(
            "pattern",
            takes="-e -m -A -B -C -d -D --regexp --max-count --after-context --before-context --context --include"
            " --exclude --exclude-dir --color --colour --label --binary-files --directories --devices",
            opens="-f --file --exclude-from",
            runs="--pager --filter",
        ),
    ),
    "rg": Reader(
        "pattern",
        takes="-e -g -t -T -m -A -B -C -M -j -d -r -E --regexp --glob --iglob --type --type-not --max-count --context"
        " --after-context --before-context --max-columns --threads --max-depth --replace --sort --sortr"
        " --color --colors"
        " --engine --encoding --max-filesize --path-separator --context-separator --type-add --type-clear",
        opens="-f --file --ignore-file",
        runs="--pre --pre-glob --hostname-bin -z --search-zip",
    ),
    "ag": Reader("pattern", takes="-A -B -C -G -m --ignore --depth --max-count", runs="--pager", opens="-p"),
    "ack": Reader("pattern", takes="-A -B -C -m --type", runs="--pager --ackrc --files-from"),
    "sift": Reader("pattern"),
    "look": Reader("rest"),
    # names and attributes
    **dict.fromkeys(
        named("ls dir vdir stat exa eza lsd du df pwd basename dirname realpath readlink test [[ ["),
        _NAMES,
    ),
    "tree": Reader("names", takes="-L -P -I --filelimit --charset --sort", writes="-o --output", opens="--fromfile"),
    "file": Reader(takes="-F -P -e --separator --exclude", opens="-f --files-from -m --magic-file"),
    **dict.fromkeys(
        named("echo printf true false : seq expr sleep yes factor numfmt cal ncal uname arch nproc"),
        _NAMES,
    ),
    **dict.fromkeys(
        named("whoami id groups who w users logname tty uptime free vmstat iostat locale lscpu"),
        _NAMES,
    ),
    **dict.fromkeys(
        named("lsblk lsusb lspci which whereis type getconf ps pgrep pidof pstree lsof getent"),
        _NAMES,
    ),
    **dict.fromkeys(
        named("cd pushd popd dirs return exit break continue shift read local readonly"),
        _NAMES,
    ),
    **dict.fromkeys(
        named("declare typeset unset export let getopts wait jobs disown bg fg times ulimit umask"),
        _NAMES,
    ),
    **dict.fromkeys(named("shopt cloc tokei scc sloccount apropos whatis tput clear reset"), _NAMES),
    **dict.fromkeys(
        named("zipinfo ldd nm objdump readelf size c++filt addr2line pdfinfo identify exiftool"),
        _ALL,
    ),
    **dict.fromkeys(("mapfile", "readarray"), Reader("names", takes="-d -n -O -s -u -c", runs="-C")),
    **dict.fromkeys(named("help last lastb locate plocate mlocate"), _NAMES),
    **dict.fromkeys(named("bc csvstat csvgrep csvsort csvjson"), _ALL),
    "hash": Reader("none", runs="-p -d", reason="changes what names mean in this shell"),
    "ffprobe": Reader(takes="-v -loglevel -of -print_format -show_entries -select_streams", writes="-o"),
    "hostname": Reader("none", runs="-F --file -b --boot", reason="sets the machine's name"),
    "date": Reader("names", takes="-d -I -r -f --date --iso-8601", opens="-f --file", runs="-s --set"),
    "nslookup": Reader("names", level="high", reason="asks a name server, which can carry data out"),
    "dig": Reader("names", level="high", reason="asks a name server, which can carry data out"),
    "host": Reader("names", level="high", reason="asks a name server, which can carry data out"),
    "printenv": Reader("names"),
    "dmesg": Reader("none", level="medium", reason="reads the kernel's log"),
    "journalctl": Reader(
        "none", level="medium", reason="reads the system's log", runs="--vacuum-size --vacuum-time --rotate"
    ),
    "top": Reader("none"),
    "htop": Reader("none"),
    "nm-online": _NAMES,
    "ss": Reader("none", runs="-K --kill"),
    "netstat": Reader("none"),
    "ip": Reader("none"),
    "ifconfig": Reader("none"),
}
"""`git`, `find`, `sed`, `awk` and others with a language of their own are in the families."""

_ARITHMETIC = frozenset(
    {"let", "declare", "typeset", "local", "readonly", "export", "test", "[", "[[", "unset", "printf"}
)
"""Builtins that evaluate a word as arithmetic or as an array's index, and with it a substitution that it quotes."""


_SHOWS_NETWORK = re.compile(
    r"-(?:[46aosdj]|br|brief|json|details|oneline)|a|addr|address|r|route|l|link|n|neigh|s?how|ls|list|lo|e(?:th|n)\w+"
)


def judge_reader(call: Call) -> Finding:
    reader = READERS[call.name]
    options = call.split(" ".join((reader.takes, reader.writes, reader.opens)))
    findings = [Finding(reader.level, reader.reason)]
    findings += [write_of(word, call) for word in options.value_of(*reader.writes.split())]
    findings += [read_of(word, call) for word in options.value_of(*reader.opens.split())]
    if call.name in ("declare", "typeset", "local") and options.has("-n"):
        findings.append(Finding("high", "makes a name stand for another"))
    if call.name == "hostname" and options.operands:
        findings.append(Finding("high", "sets the machine's name"))
    if call.name in ("ip", "ifconfig") and not all(_SHOWS_NETWORK.fullmatch(text) for text in call.texts):
        findings.append(Finding("medium", "shows or changes the network's settings"))
    if call.name == "ip" and {"set", "add", "del", "flush", "delete", "replace", "exec"} & set(call.texts):
        findings.append(Finding("high", "changes the network's settings"))
    if call.name in ("less", "more", "most") and any(text.startswith("+") for text in call.texts):
        findings.append(Finding("high", "runs a command of less at its start"))
    if reader.runs and options.has(*reader.runs.split()):
        does = reader.reason or "has an option that runs a program or changes something"
        findings.append(Finding("high", does))
    for word in options.value_of("--include", "-g", "--glob", "--iglob", "-G"):
        if is_secret_path(word.text) and not word.text.startswith("!"):
            findings.append(Finding("high", f"searches {word.shown!r}, which usually holds secrets"))
    if options.doubtful and (reader.runs or reader.writes) and call.name not in _NO_HARM_BY_OPTIONS:
        findings.append(Finding("medium", "has a word that may turn out to be an option"))
    if call.name in _ARITHMETIC and any("$(" in text or "`" in text for text in call.texts):
        findings.append(Finding("high", "evaluates a word that has a command in it"))
    files = opened(reader, options.operands, options.has("-e", "-f", "--regexp"))
    findings += [read_of(word, call) for word in files if not (call.name in QUIET and word.text == UNKNOWN)]
    if reader.files == "names" and call.name not in ("echo", "printf"):
        findings += [
            Finding("medium", f"looks at {word.shown!r}") for word in options.operands if looks_at_secrets(word, call)
        ]
    return worst(findings)


def opened(reader: Reader, operands: tuple[Word, ...], has_pattern: bool) -> tuple[Word, ...]:
    match reader.files:
        case "all":
            return operands
        case "rest":
            return operands[1:]
        case "pattern":
            return operands if has_pattern else operands[1:]
        case _:
            return ()


def looks_at_secrets(word: Word, call: Call) -> bool:
    """Listing a folder of keys tells more than that it is there."""
    lists = call.name in ("ls", "tree", "du", "exa", "eza", "dir", "vdir")
    return lists and SECRET_PLACES.search(word.text) is not None


def judge_man(call: Call) -> Finding:
    options = call.split("-s -S -L -m -M -P -H --pager --html --browser")
    if options.has("-P", "--pager", "-H", "--html", "-C", "--config-file", "-X"):
        return Finding("high", "runs the pager or browser that it is given")
    return worst(read_of(word, call) for word in options.operands if "/" in word.text)
