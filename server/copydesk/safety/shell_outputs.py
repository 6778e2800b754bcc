"""What is known of a command's output without running it: a text that stands there, names of the folder, or a secret.

Start with `plain_output`.
"""

import re
from collections.abc import Iterable

from copydesk.safety.paths import is_secret
from copydesk.safety.shell_scripts import Simple
from copydesk.safety.shell_words import UNKNOWN


def is_lister(command: Simple) -> bool:
    """Whether its output is names and numbers of the folder it stands in, none of them a secret's by its words."""
    if not command.words or command.assignments or any(redirect.writes for redirect in command.redirects):
        return False
    texts = [word.text for word in command.words]
    if any(is_secret_like(text) or text.startswith(("/", "~", "..")) or UNKNOWN in text for text in texts[1:]):
        return False
    if texts[0] == "git":
        said = any(_SAYS_TEXT.search(text) for text in texts[2:])
        return len(texts) > 1 and texts[1] in LISTING_GIT and not said
    if texts[0] in ("ls", "fd", "rg") and any(_SHOWS_HIDDEN.fullmatch(text) for text in texts[1:]):
        return False
    if texts[0] in ("ls", "fd", "find") and any(_MAY_BE_HIDDEN.search(text) for text in texts[1:]):
        return False
    if texts[0] == "find":
        narrows = any(text in ("-name", "-iname", "-path", "-wholename") for text in texts)
        return narrows and not any(text.startswith(("-exec", "-ok", "-printf", "-fprint", "-delete")) for text in texts)
    return texts[0] in LISTERS


def hinted(commands: Iterable[Simple]) -> str:
    """What is not known, with the name of a secret where the words that make it hold one."""
    for command in commands:
        for word in (*command.words[1:], *(redirect.target for redirect in command.redirects)):
            if is_secret_like(word.text):
                return f"{UNKNOWN}/{word.text.rpartition('/')[2].strip('*?') or '.env'}"
    return UNKNOWN


def plain_output(command: Simple) -> str | None:
    """What `echo words` and `cat` of a here-document print: the text that stands there."""
    if command.redirects or command.assignments or not command.words:
        return None
    if [word.text for word in command.words] == ["cat"] and command.stdin_text is not None and not command.piped:
        return None if re.search(r"[$`\\\x00]", command.stdin_text) else command.stdin_text.rstrip("\n")
    texts = [word.text for word in command.words]
    plain = all(word.certain for word in command.words) and not any("\\" in text or "%" in text for text in texts)
    if texts[0] in ("echo", "printf") and plain and not any(text.startswith("-") for text in texts[1:]):
        return " ".join(texts[1:])
    return None


_SHOWS_HIDDEN = re.compile(r"-\w*[aAHu]\w*|--(?:all|almost-all|hidden|unrestricted|no-ignore)")
_MAY_BE_HIDDEN = re.compile(r"\.\w{0,3}[*?\[]")
"""A pattern that a hidden file may match, such as `.e*`."""
_SAYS_TEXT = re.compile(r"%\w*(?:[sbBNn]|[ac][nNeElL])(?![a-z])|^--(?:patch|ext-diff|textconv)|^-[pu]$")
"""What others have written, which may look like an option."""
LISTERS = frozenset(
    {"ls", "pwd", "nproc", "date", "basename", "dirname", "which", "seq", "wc", "uname", "whoami", "sort", "uniq"}
    | {
        "head",
        "tail",
        "fd",
        "rg",
        "grep",
        "cut",
        "tr",
        "id",
        "hostname",
        "realpath",
        "readlink",
        "lsof",
        "pgrep",
    }
)
LISTING_GIT = frozenset(
    {"rev-parse", "merge-base", "branch", "ls-files", "diff", "describe", "log", "status", "rev-list"}
)


def is_secret_like(text: str) -> bool:
    bare = text.rpartition("=")[2]
    return is_secret(text) or is_secret(bare) or is_secret(bare.strip("*?")) or is_secret("." + bare.strip("*?."))
