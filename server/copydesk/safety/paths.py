"""Which files tools keep away from by their name: those that hold secrets, and version control's own.

Owns the deny lists. A list of names cannot find every secret: it keeps the usual ones out of a model's context.
Does no I/O and knows no tool. Start with `Hidden`, `refuse_secret` and `refuse_change`.
"""

import re
from collections.abc import Callable
from fnmatch import translate
from functools import cache, lru_cache

from copydesk.domain.errors import PermissionDenied

SECRET_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "*.gpg",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_ecdsa_sk",
    "id_ed25519_sk",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "credentials.y*ml",
    "client_secret*.json",
    "service-account*.json",
    "service_account*.json",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    "*.tfstate",
    "*.tfstate.backup",
    "*.tfvars",
    "kubeconfig",
)
"""Patterns over the lower-cased file name."""

SAFE_NAMES = (
    "*.example",
    "*.example.*",
    "*.sample",
    "*.sample.*",
    "*.template",
    "*.template.*",
    "*.dist",
    "example.env",
    "sample.env",
)
"""Templates of such files: made to be read."""

VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj", ".bzr"})
"""Folders and files whose content decides what later commands of the person run: hooks, aliases, filters."""

SECRET_ENDINGS = (".docker/config.json", ".kube/config", ".aws/config", ".azure/accesstokens.json")
SECRET_FOLDERS = frozenset({".ssh", ".gnupg"})


def is_secret(path: str) -> bool:
    """Whether a path or URI names a file that usually holds secrets. Case is ignored; either slash separates."""
    parts = [part for part in re.split(r"[/\\]+", path.lower()) if part]
    if not parts:
        return False
    # Windows: `.env::$DATA`, `.env.` and `.env ` name the same file
    said = _said_by_name(parts[-1].split(":", 1)[0].rstrip(". "))
    if said is not None:
        return said
    return bool(SECRET_FOLDERS.intersection(parts[:-1])) or "/".join(parts[-2:]) in SECRET_ENDINGS


@lru_cache(16_384)
def _said_by_name(name: str) -> bool | None:
    """Whether a lower-cased name alone says that the file is secret, or that it is not; None where it says nothing."""
    if _any_of(SAFE_NAMES).fullmatch(name):
        return False
    return True if _any_of(SECRET_NAMES).fullmatch(name) else None


@cache
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all: this is asked of every path a tool opens and every line a search shows."""
    return re.compile("|".join(map(translate, patterns)))


def nothing_more(path: str) -> bool:
    del path
    return False


class Hidden:
    """Whether tools keep away from a file: its name says that it holds secrets, or the person's rules deny reading it.

    `denied` is asked with the path or URI as given. Calling it is cheap enough for every file of a tree.
    """

    def __init__(self, denied: Callable[[str], bool] = nothing_more) -> None:
        self.denied = denied

    def __call__(self, path: str) -> bool:
        return is_secret(path) or self.denied(path)


def refuse_secret(path: str, *names: str, hides: Callable[[str], bool] = nothing_more) -> None:
    """Raises `PermissionDenied` when `path`, or another name of the same file, is a secret's, or `hides` says so."""
    if any(hides(name) and not is_secret(name) for name in (path, *names) if name):
        raise PermissionDenied(
            f"{path!r} may not be read: a rule of the person (permissions.deny) keeps tools away from it.",
            advice="Ask the person for what you need from it.",
        )
    if any(is_secret(name) for name in (path, *names)):
        raise PermissionDenied(
            f"{path!r} looks like a file of secrets, so tools do not open, change or copy it.",
            advice="Ask the person for what you need from it, or read a template such as '.env.example'.",
        )


def refuse_change(path: str, *names: str) -> None:
    """Raises `PermissionDenied` when `path`, or another name of the same file, is version control's own.

    A hook or a line of `.git/config` is a command that the person's next `git` runs.
    """
    if any(_is_version_control(name) for name in (path, *names)):
        raise PermissionDenied(
            f"{path!r} belongs to version control, and what is written there can run commands; tools do not change it.",
            advice="Ask the person to do it with the version control's own command.",
        )


def _is_version_control(path: str) -> bool:
    parts = (part.split(":", 1)[0].rstrip(". ") for part in re.split(r"[/\\]+", path.lower()))
    return any(part in VERSION_CONTROL or part == "git~1" for part in parts)
