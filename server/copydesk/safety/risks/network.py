"""Programs whose work is the network: what they fetch, and what they send.

Start with `JUDGES`. Composition (what reaches them by a pipe) is in `composition`.
"""

import re
from collections.abc import Callable

from copydesk.safety.risks.findings import SAFE, Call, Finding, worst
from copydesk.safety.risks.reach import read_of, write_of
from copydesk.safety.shell_words import UNKNOWN, Word, named

_LOCAL = re.compile(r"(?:https?://)?(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0)(?::\d+)?(?:/.*)?")
_SENDS = (
    "-d --data --data-raw --data-binary --data-ascii --data-urlencode -F --form --form-string -T --upload-file --json"
)
_CURL_TAKES = (
    " -X -H -A -e -u -b -c -o -O -w -m -x -K -E -r -z -C -y -Y --request --header --user-agent --referer --user"
    " --cookie --cookie-jar --output --write-out --max-time --connect-timeout --proxy --config --cert --key --cacert"
    " --retry --range --resolve --url --output-dir --limit-rate --retry-delay -D --dump-header --trace --trace-ascii"
    " --stderr --libcurl"
)


def judge_curl(call: Call) -> Finding:
    if call.texts in (("--version",), ("--help",), ("-V",)):
        return SAFE
    options = call.split(_SENDS + _CURL_TAKES.replace(" -O", ""))
    urls = [*options.operands, *options.value_of("--url")]
    local = bool(urls) and all(_LOCAL.fullmatch(word.text) for word in urls)
    findings = [Finding("medium", "asks a server on this machine") if local else _fetches(urls)]
    sent = options.value_of(*_SENDS.split())
    if sent or options.has(*_SENDS.split()):
        findings.append(Finding("high" if local else "critical", "sends data to " + _hosts(urls)))
    method = "".join(word.text.upper() for word in options.value_of("-X", "--request"))
    if method not in ("", "GET", "HEAD", "OPTIONS"):
        findings.append(Finding("high", f"sends a {method} request"))
    for word in sent:
        if "@" in word.text:
            findings.append(read_of(Word(word.text.rpartition("@")[2], word.certain), call))
    written = options.value_of("-o", "--output", "--output-dir", "-c", "--cookie-jar", "-D", "--dump-header", "--trace")
    written += options.value_of("--trace-ascii", "--stderr", "--libcurl")
    findings += [write_of(word, call) for word in written if word.text != "-"]
    findings += [read_of(Word(w.text[7:]), call) for w in urls if w.text.lower().startswith("file://")]
    if options.has("-K", "--config", "--proxy", "-x", "--unix-socket", "--abstract-unix-socket", "--netrc", "-n"):
        findings.append(Finding("high", "takes settings, keys or a way around from elsewhere"))
    return worst(findings)


def judge_wget(call: Call) -> Finding:
    if call.texts in (("--version",), ("--help",)):
        return SAFE
    options = call.split("-O -o -P -i -e --output-document --output-file --directory-prefix --post-data --post-file -U")
    sent = [*options.value_of("--post-file", "--body-file"), *options.value_of("--post-data", "--body-data")]
    findings = [_fetches(list(options.operands))]
    if sent:
        findings.append(Finding("critical", "sends data to " + _hosts(list(options.operands))))
    written = options.value_of("-O", "-o", "-P", "--output-document", "--output-file", "--directory-prefix")
    findings += [write_of(word, call) for word in written if word.text != "-"]
    if options.has("-e", "--execute", "--use-askpass", "--config"):
        findings.append(Finding("high", "takes settings or runs a program"))
    return worst(findings)


def _fetches(urls: list[Word]) -> Finding:
    if any(UNKNOWN in word.text for word in urls):
        return Finding("high", "asks an address that is only known when it runs")
    return Finding("high", "fetches from " + _hosts(urls))


def _hosts(urls: list[Word]) -> str:
    names = [re.sub(r"^\w+://", "", word.shown).split("/")[0] for word in urls]
    return ", ".join(names[:3]) or "the network"


def judge_remote(call: Call) -> Finding:
    """`ssh`, `scp`, `sftp`, `ftp`: another machine."""
    if call.texts == ("-V",):
        return SAFE
    if call.name in ("scp", "sftp", "rcp"):
        options = call.split("-i -P -F -l -o -c -S -J")
        local = [word for word in options.operands if ":" not in word.text]
        sends = bool(options.operands) and ":" in options.operands[-1].text
        level = Finding("critical", "sends files to another machine") if sends else Finding("high", "fetches files")
        return worst([level, *(read_of(word, call) for word in local)])
    options = call.split("-i -p -l -F -o -L -R -D -J -b -c -e -m -O -Q -S -W -w -B -E -I")
    tunnels = options.has("-R", "-D", "-w", "-L", "-W")
    return Finding("critical" if tunnels else "high", "opens a tunnel" if tunnels else "works on another machine")


def judge_raw(call: Call) -> Finding:
    """`nc`, `socat`, `telnet`: a connection with whatever goes through it."""
    text = " ".join(call.texts)
    runs = re.search(r"(?:^|\s)-\w*[ec]\b|--exec|--sh-exec|EXEC:|SYSTEM:|-lua", text)
    checks = call.name in ("nc", "ncat", "netcat") and re.search(r"(?:^|\s)-\w*z", text) and not call.is_fed
    if runs:
        return Finding("critical", "gives another machine a shell")
    return Finding("high", "looks whether a port answers" if checks else "opens a raw connection")


def judge_mail(call: Call) -> Finding:
    del call
    return Finding("critical", "sends mail or messages to others")


def judge_ping(call: Call) -> Finding:
    del call
    return Finding("high", "reaches the network")


SENDERS = frozenset(
    named("curl wget nc ncat netcat socat telnet ssh scp sftp ftp rsync mail mailx sendmail mutt http https")
)
SENDERS_TOO = frozenset(
    named("dig nslookup host ping traceroute xh httpie aria2c lftp tftp rcp gh aws gsutil rclone websocat")
)
"""Programs that carry out what reaches them or stands in their words."""

JUDGES: dict[str, Callable[[Call], Finding]] = {
    "curl": judge_curl,
    "wget": judge_wget,
    **dict.fromkeys(named("ssh scp sftp rcp rsh mosh autossh sshpass-ssh"), judge_remote),
    **dict.fromkeys(["nc", "ncat", "netcat", "socat", "telnet", "websocat", "cryptcat"], judge_raw),
    **dict.fromkeys(["mail", "mailx", "sendmail", "mutt", "msmtp", "swaks"], judge_mail),
    **dict.fromkeys(
        named("ping ping6 traceroute mtr tracepath whois arping fping aria2c lftp ftp tftp lynx links"),
        judge_ping,
    ),
    **dict.fromkeys(
        named("w3m http https xh httpie youtube-dl yt-dlp axel lwp-request GET POST elinks wscat grpcurl"),
        judge_ping,
    ),
}
