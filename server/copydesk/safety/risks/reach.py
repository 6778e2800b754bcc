"""How dangerous reading, writing or removing a path is, by where it lies. Paths are compared as text.

Start with `read_of`, `write_of` and `removal_of`.
"""

import posixpath
import re
from fnmatch import fnmatchcase
from functools import lru_cache

from copydesk.domain.risks import RiskLevel
from copydesk.safety.paths import is_secret
from copydesk.safety.risks.findings import SAFE, Call, Finding
from copydesk.safety.shell_words import SOFT, UNKNOWN, Word, named

HARMLESS_DEVICES = frozenset(
    f"/dev/{name}" for name in ("null", "zero", "random", "urandom", "tty", "stdin", "stdout", "stderr", "full")
)
PLAIN_SYSTEM = ("/usr/", "/opt/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/nix/store/", "/Library/", "/Applications/")
"""Programs and libraries: the same on every machine."""
PLAIN_FILES = re.compile(
    r"/proc/(?:cpuinfo|meminfo|version|loadavg|uptime|self/status|mounts|stat)|/etc/(?:os-release|lsb-release|"
    r"debian_version|timezone|hosts|services|protocols|shells|issue|resolv\.conf|localtime)|/sys/fs/cgroup/.*"
)
SYSTEM = ("/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/var", "/sys", "/proc", "/opt", "/root", "/srv")
SYSTEM_TOO = ("/System", "/Library", "/Applications", "/private/etc", "/run", "/snap", "/nix", "/mnt", "/media")
TEMP = ("/tmp", "/var/tmp", "/dev/shm", "/private/tmp")
PROTECTED = frozenset(
    named(
        ".vscode .idea .copydesk .claude .cursor .husky .mcp.json .envrc .agents AGENTS.md CLAUDE.md"
        " .cursorrules .devcontainer"
    )
)
"""Folders and files of the workspace that decide what editors and agents run."""
STARTUP = re.compile(
    r"\.(?:bash\w*|zsh\w*|z(?:profile|login|env)|profile|login|inputrc|vimrc|gitconfig|gitmodules|npmrc|pypirc|yarnrc"
    r"|config|local|ssh|gnupg|emacs.*|tmux\.conf|xinitrc|xprofile|pythonrc.*|Xresources|cargo|aws|kube|docker)"
)
SECRET_SAMPLES = (".env", ".env.local", ".env.production", "id_rsa", "id_ed25519", "credentials", ".netrc", ".npmrc")
SECRET_SAMPLES_TOO = (".ssh", ".aws", ".gnupg", ".pgpass", ".git-credentials", "server.pem", "private.key", "a.tfvars")
SECRET_PLACES = re.compile(
    r"(?:^|/)(?:\.ssh|\.gnupg|\.aws|\.azure|\.kube|\.docker|\.config/(?:gcloud|gh|hub|op|sops|rclone)|\.password-store"
    r"|\.mozilla|\.config/(?:google-chrome|chromium|BraveSoftware)|Keychains|\.gcloud|\.local/share/keyrings|\.1password)"
    r"(?:/|$)|/etc/(?:shadow|gshadow|sudoers|ssl/private|krb5\.keytab|ssh/ssh_host)|/proc/[^/]+/(?:environ|mem|cmdline|fd)"
    r"|\.(?:bash|zsh|python|psql|mysql|node_repl)_history$|/run/secrets|/var/run/secrets|docker\.sock|(?:^|/)\.gitconfig$"
    r"|(?:^|/)\.git/config$|/root/\.|/etc/(?:NetworkManager|wireguard|letsencrypt)|wallet\.dat|Cookies$|Login Data$"
)


@lru_cache(4096)
def is_secret_path(text: str) -> bool:
    """Whether a path, or a pattern of paths, names a file that holds secrets."""
    if is_secret(text) or SECRET_PLACES.search(text):
        return True
    if not set(text) & set("*?[" + SOFT):
        return False
    return any(_may_be_secret(part) for part in text.replace(SOFT, "*").split("/"))


def _may_be_secret(part: str) -> bool:
    if not set(part) & set("*?["):
        return False
    literal = re.sub(r"\[[^\]]*\]|[*?]", "", part)
    if not part.startswith(".") and len(literal.strip(".")) < 3:
        return False
    dotted = part.startswith(".")
    samples = (*SECRET_SAMPLES, *SECRET_SAMPLES_TOO)
    return any(fnmatchcase(sample, part) for sample in samples if sample.startswith(".") == dotted)


def zone_of(word: Word, call: Call) -> str:
    """Where a path lies, in one word; see the tables below. `unknown` where only the running shell knows."""
    text = word.text
    if re.match(r"[A-Za-z][\w+.-]+://", text):
        return "url"
    if is_secret_path(text):
        return "secret"
    if UNKNOWN in text:
        return "unknown"
    if UNKNOWN in call.cwd and not text.startswith(("/", "~")):
        return "unknown"
    path = call.place.absolute(posixpath.join(call.cwd, text) if not text.startswith("~") else text)
    if is_secret_path(path) and not _workspace_holds(path, call):
        return "secret"
    return _zone_of_path(path, call)


def _workspace_holds(path: str, call: Call) -> bool:
    """Whether only the way to the workspace looks like a secret's place: what is inside has its own name."""
    inside = call.place.inside(path)
    return inside is not None and not is_secret_path(inside)


def _zone_of_path(path: str, call: Call) -> str:
    inside = call.place.inside(path)
    if inside is not None:
        parts = inside.split("/")
        if inside in (".", "*", "**"):
            return "root" if inside == "." else "everything"
        if any(part in (".git", ".hg", ".svn", ".jj") for part in parts):
            return "git"
        is_protected = any(part in PROTECTED for part in parts) or inside.startswith(".github/workflows")
        return "protected" if is_protected else "workspace"
    if any(root == path or root.startswith(path.rstrip("/*") + "/") for root in call.place.roots) or path in (
        "/",
        "/*",
    ):
        return "above"
    home = call.place.home.rstrip("/")
    if home and (path.rstrip("/*") == home):
        return "home root"
    if path in HARMLESS_DEVICES or path.startswith("/dev/fd/"):
        return "nothing"
    if path.startswith(("/dev/tcp/", "/dev/udp/")):
        return "network"
    if any(path == temp or path.startswith(temp + "/") for temp in TEMP):
        return "temp root" if path.rstrip("/*") in TEMP else "temp"
    if path.startswith("/dev/"):
        return "device"
    if home and path.startswith(home + "/"):
        return "startup" if STARTUP.match(path[len(home) + 1 :]) else "home"
    return _zone_of_system(path)


def _zone_of_system(path: str) -> str:
    if PLAIN_FILES.fullmatch(path) or path.startswith(PLAIN_SYSTEM):
        return "system"
    if any(path == top or path.startswith(top + "/") for top in (*SYSTEM, *SYSTEM_TOO)):
        return "config"
    return "outside"


_READS: dict[str, tuple[RiskLevel, str]] = {
    "secret": ("high", "reads {path}, which usually holds secrets"),
    "unknown": ("medium", "reads a file whose name is only known when it runs"),
    "startup": ("medium", "reads {path} in the home folder"),
    "home": ("medium", "reads {path} in the home folder"),
    "home root": ("medium", "reads the home folder"),
    "config": ("medium", "reads {path}, outside of the workspace"),
    "outside": ("medium", "reads {path}, outside of the workspace"),
    "above": ("medium", "reads {path}, outside of the workspace"),
    "device": ("high", "reads the device {path}"),
    "network": ("critical", "opens the network connection {path}"),
    "url": ("high", "reads {path} from the network"),
}
_WRITES: dict[str, tuple[RiskLevel, str]] = {
    "workspace": ("low", "writes {path}"),
    "everything": ("medium", "writes {path}"),
    "root": ("medium", "writes into the workspace's folder"),
    "temp": ("low", "writes {path}"),
    "temp root": ("low", "writes into {path}"),
    "git": ("high", "changes {path}, version control's own"),
    "protected": ("high", "changes {path}, which decides what an editor or agent runs"),
    "secret": ("high", "writes {path}, which usually holds secrets"),
    "unknown": ("high", "writes a file whose name is only known when it runs"),
    "startup": ("high", "changes {path}, which decides what later sessions run"),
    "home": ("high", "writes {path} in the home folder"),
    "home root": ("high", "writes into the home folder"),
    "config": ("critical", "changes the system's {path}"),
    "system": ("critical", "changes the system's {path}"),
    "outside": ("high", "writes {path}, outside of the workspace"),
    "above": ("high", "writes {path}, outside of the workspace"),
    "device": ("critical", "overwrites the device {path}"),
    "network": ("critical", "sends data to {path}"),
    "url": ("high", "writes {path} over the network"),
}
_REMOVALS: dict[str, tuple[RiskLevel, str]] = {
    "workspace": ("medium", "deletes {path}"),
    "temp": ("medium", "deletes {path}"),
    "temp root": ("high", "deletes everything in {path}"),
    "everything": ("high", "deletes every file of the workspace's folder"),
    "root": ("critical", "deletes the whole workspace"),
    "git": ("critical", "deletes {path}, version control's own"),
    "protected": ("high", "deletes {path}, which decides what an editor or agent runs"),
    "secret": ("high", "deletes {path}, which usually holds secrets"),
    "unknown": ("high", "deletes something whose name is only known when it runs"),
    "startup": ("critical", "deletes {path} in the home folder"),
    "home": ("high", "deletes {path} in the home folder"),
    "home root": ("critical", "deletes the home folder"),
    "config": ("critical", "deletes the system's {path}"),
    "system": ("critical", "deletes the system's {path}"),
    "outside": ("high", "deletes {path}, outside of the workspace"),
    "above": ("critical", "deletes {path} and with it the workspace"),
    "device": ("critical", "deletes the device {path}"),
    "network": ("high", "deletes {path}"),
    "url": ("high", "deletes {path} over the network"),
}


def _found(table: dict[str, tuple[RiskLevel, str]], word: Word, call: Call) -> Finding:
    level, reason = table.get(zone_of(word, call), ("safe", ""))
    return Finding(level, reason.format(path=repr(word.shown)) if reason else "") if level != "safe" else SAFE


def read_of(word: Word, call: Call) -> Finding:
    return _found(_READS, word, call)


def write_of(word: Word, call: Call) -> Finding:
    finding = _found(_WRITES, word, call)
    if call.place.absolute(word.text).startswith(("/etc/", "/proc/", "/run/", "/var/run/")):
        return Finding("critical", f"changes the system's {word.shown!r}")
    if word.text.startswith(SOFT) and finding.level == "low":
        return Finding("medium", "writes whatever another command lists")
    if finding.level == "low" and set(word.text) & set("*?[") and not word.certain:
        return Finding("medium", f"writes every file that {word.shown!r} finds")
    if call.in_place and finding.level == "low":
        return Finding("medium", finding.reason + " on the real tree")
    return finding


def removal_of(word: Word, call: Call, *, recursive: bool) -> Finding:
    if word.text.removeprefix("./") == SOFT:
        return Finding("high", "deletes whatever another command lists")
    finding = _found(_REMOVALS, word, call)
    if recursive and finding.level == "high" and zone_of(word, call) in ("home", "outside", "protected"):
        return Finding("critical", finding.reason + " and everything in it")
    if recursive and finding.level == "medium":
        return Finding("medium", finding.reason + " and everything in it")
    return finding
