"""The environment of a command: an allow-list, the project's interpreter first where it may run, no keys, no pagers.

Start with `surroundings`.
"""

import os
from collections.abc import Callable, Mapping, Sequence

from copydesk.processes.environment import minimal_env
from copydesk.workspace.git.running import UNTRUSTED

_VENVS = (".venv", "venv", "env")
_QUIET = {
    "TERM": "dumb",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # looking at a repository writes nothing
    "GIT_EDITOR": "true",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM": "1",  # a repository above the workspace is a mount of its own
    "PYTHONUNBUFFERED": "1",
    "npm_config_update_notifier": "false",
    "npm_config_fund": "false",
}
_OWN_FOLDERS = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "TEMP", "TMP")
"""Of the person, which no command of ours needs. What is cached has a place of its own."""


def surroundings(
    roots: Sequence[str],
    cache: str,
    trusted: Callable[[], bool],
    *,
    keeps_temp: bool,
    source: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The whole environment. `roots` are real paths; `cache` is a folder that the commands may fill."""
    env = minimal_env(_QUIET, source=source)
    for name in _OWN_FOLDERS:
        if not (keeps_temp and name.startswith(("TMP", "TEMP"))):
            env.pop(name, None)
    env["XDG_CACHE_HOME"] = cache
    env["npm_config_cache"] = os.path.join(cache, "npm")
    may_run_its_own = trusted()
    if not may_run_its_own:
        env.update(_git_without_programs())
    venv = venv_in(roots) if may_run_its_own else None
    if venv is not None:
        env["VIRTUAL_ENV"] = venv
        env["PATH"] = os.pathsep.join(filter(None, (os.path.join(venv, _bin()), env.get("PATH", ""))))
    return env


def _git_without_programs() -> dict[str, str]:
    """For git in a folder that is not trusted: no hook, no fsmonitor and the like of the repository's own."""
    pairs = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(UNTRUSTED)}
    pairs |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(UNTRUSTED)}
    return {**pairs, "GIT_CONFIG_COUNT": str(len(UNTRUSTED))}


def venv_in(roots: Sequence[str]) -> str | None:
    """The first virtual environment that lies in the workspace and has an interpreter."""
    for root in roots:
        for name in _VENVS:
            folder = os.path.join(root, name)
            is_made = os.path.isfile(os.path.join(folder, "pyvenv.cfg"))
            python = os.path.join(folder, _bin(), "python.exe" if os.name == "nt" else "python")
            if is_made and not os.path.islink(folder) and os.path.exists(python):
                return folder
    return None


def _bin() -> str:
    return "Scripts" if os.name == "nt" else "bin"
