"""What a child process may see of our environment: an allow-list, so that no key ever leaves by accident.

Pure apart from reading `os.environ`. Start with `minimal_env`.
"""

import os
from collections.abc import Mapping

ALLOWED = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TERM",
        "TMPDIR",
        "TEMP",
        "TMP",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_RUNTIME_DIR",
        "XDG_STATE_HOME",
        # Windows cannot start most programs without these.
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "APPDATA",
        "LOCALAPPDATA",
        "PROGRAMDATA",
        "PROGRAMFILES",
        "PROGRAMFILES(X86)",
        "USERPROFILE",
        "USERNAME",
        "NUMBER_OF_PROCESSORS",
        "PROCESSOR_ARCHITECTURE",
    }
)


def minimal_env(extra: Mapping[str, str] | None = None, *, source: Mapping[str, str] | None = None) -> dict[str, str]:
    """The allowed part of `source` (our own environment when None) with `extra` on top."""
    environ = os.environ if source is None else source
    allowed = {name: value for name, value in environ.items() if _is_allowed(name)}
    return {**allowed, **(extra or {})}


def _is_allowed(name: str) -> bool:
    # Names are case-insensitive on Windows, where os.environ gives them in upper case.
    upper = name.upper()
    return upper in ALLOWED or upper.startswith("LC_")
