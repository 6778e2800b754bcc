"""jedi's view of a project: where modules are looked for. Starts no interpreter and imports nothing of the project.

Start with `project_for` and `environment`.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

import functools
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

_N_PARSED = 600
_N_OPENED = 20_000
_SKIPPED = (".git", ".hg", "node_modules", ".nox", ".ruff_cache", ".pytest_cache", "site-packages")


@functools.cache
def environment() -> Any:
    """Our own interpreter, in this very process: the project's is never run."""
    from jedi.api.environment import InterpreterEnvironment

    found: Any = InterpreterEnvironment()
    # Compiled modules are imported from these paths only, never from the project.
    found.get_sys_path = _own_paths
    return found


@functools.cache
def _own_paths() -> list[str]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    dynload = [path for path in sys.path if path.endswith("lib-dynload")]
    return list(dict.fromkeys([sysconfig.get_path(names[0]), sysconfig.get_path(names[1]), *dynload, *_packages()]))


def _packages() -> list[str]:
    return [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]


@functools.lru_cache(maxsize=16)
def project_for(root: str) -> Any:
    from jedi import Project

    widen_limits()
    theirs = site_packages(root)
    own = [path for path in _own_paths() if path not in _packages()] if theirs else _own_paths()
    sources = [os.path.join(root, name) for name in ("src", "server", "lib") if os.path.isdir(os.path.join(root, name))]
    return Project(root, sys_path=own, added_sys_path=[*sources, *theirs])


def site_packages(root: str) -> list[str]:
    """The packages of the project's own virtual environment, as files to read."""
    found: list[str] = []
    for name in (".venv", "venv"):
        found += map(str, sorted(Path(root, name).glob("lib/python*/site-packages")))
        found += map(str, Path(root, name).glob("Lib/site-packages"))
    return found


@functools.cache
def widen_limits() -> None:
    """A rename that silently stops after 30 files breaks code: the time limit is the bound, not a count."""
    from jedi.inference import references

    limits: Any = references
    limits._PARSED_FILE_LIMIT = _N_PARSED
    limits._OPENED_FILE_LIMIT = _N_OPENED
    limits._IGNORE_FOLDERS = (*references._IGNORE_FOLDERS, *_SKIPPED)  # pyright: ignore[reportPrivateUsage]  # to add
