"""A repository's own configuration without what names a program: what git reads in the shadow of an untrusted folder.

Kept is what is known to be data; everything else goes: drivers, hooks, pagers, aliases, includes, and whatever is
written in a way that this reading does not understand. Pure. Start with `without_programs`.
Syntax: git-config(1), "Configuration file".
"""

import re

_HEADER = re.compile(
    r'[ \t]*\[[ \t]*(?P<section>[A-Za-z0-9.-]+)(?:[ \t]+"(?P<name>(?:\\.|[^"\\\n])*)")?[ \t]*\](?P<rest>.*)'
)
_KEY = re.compile(r"[ \t]*(?P<key>[A-Za-z][A-Za-z0-9-]*)[ \t]*(?:=.*)?")

_DATA: dict[str, str] = {
    "core": "repositoryformatversion filemode bare logallrefupdates ignorecase precomposeunicode symlinks autocrlf eol "
    "safecrlf sparsecheckout sparsecheckoutcone untrackedcache abbrev quotepath longpaths protecthfs protectntfs",
    "extensions": "objectformat compatobjectformat partialclone preciousobjects refstorage noop",
    "remote": "url pushurl fetch push prune tagopt promisor partialclonefilter mirror",
    "branch": "remote pushremote merge rebase description autosetuprebase autosetupmerge",
    "submodule": "url path active branch ignore",
    "user": "name email",
    "author": "name email",
    "committer": "name email",
    "init": "defaultbranch",
    "pull": "rebase ff",
    "push": "default autosetupremote",
    "merge": "ff conflictstyle renames renamelimit",
    "diff": "renames renamelimit algorithm mnemonicprefix noprefix context",
    "status": "short branch showuntrackedfiles renames",
    "log": "date abbrevcommit decorate follow",
    "color": "ui",
    "index": "version threads",
    "i18n": "commitencoding logoutputencoding",
    "rerere": "enabled",
}
"""Section → the keys that are data. Lower case, as git compares them."""

_PLAIN_ONLY = frozenset({"diff", "merge"})
"""Sections that name a driver when they have a name of their own."""


def without_programs(config: str) -> str:
    """The lines that hold data, each under its header."""
    kept: list[str] = []
    section, is_plain, continues = "", True, False
    for line in config.splitlines():
        if continues:  # of a value that was left out
            continues = _goes_on(line)
            continue
        if header := _HEADER.fullmatch(line):
            section, is_plain = header["section"].lower(), header["name"] is None
            kept.append(line[: header.start("rest")])
            line = header["rest"]
        if not line.strip():
            continue
        continues = _goes_on(line)
        if not continues and _is_data(section, line, is_plain=is_plain):
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def _is_data(section: str, line: str, *, is_plain: bool) -> bool:
    key = _KEY.fullmatch(line)
    if key is None or (section in _PLAIN_ONLY and not is_plain):
        return False
    return key["key"].lower() in _DATA.get(section, "").split()


def _goes_on(line: str) -> bool:
    """Whether a value continues on the next line."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
