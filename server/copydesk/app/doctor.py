"""Looks at this installation as a whole: the doctor's findings, for the command line and the editor's command."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from copydesk import __version__
from copydesk.app.compose import Core
from copydesk.cli.reports import Finding
from copydesk.config.layers import state_path, user_config_path
from copydesk.domain.attempts import in_words
from copydesk.domain.errors import CopydeskError
from copydesk.workspace.uris import to_path

if TYPE_CHECKING:
    from copydesk.models.selection import ModelInfo

_PACKAGES = ("pygls", "lsprotocol", "httpx", "jedi", "tree-sitter", "ruff")
MAX_NAMED = 5
N_FAILURES = 3
"""Newest failures of models that are shown."""
_GRAMMARS = ("python", "javascript", "typescript", "rust", "go")


async def findings(core: Core) -> list[Finding]:
    """Everything worth knowing, in the order a person would ask."""
    return [
        *_program(),
        *_languages(),
        *_tools(),
        *_state(),
        *_ledger(core),
        *_settings(core),
        *_consent(core),
        await _sandbox(core),
        *await _models(core),
        await _attempts(core),
    ]


def _program() -> Iterator[Finding]:
    python = f"Python {platform.python_version()} at {sys.executable}"
    yield Finding("ok", "copydesk", f"{__version__} on {python}")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield Finding("ok", "packages", versions)


def _languages() -> Iterator[Finding]:
    missing = [name for name in _GRAMMARS if not _imports(f"tree_sitter_{name}")]
    if missing:
        advice = f"pip install {' '.join(f'tree-sitter-{name}' for name in missing)}"
        yield Finding("problem", "grammars", f"missing: {', '.join(missing)}", advice)
    else:
        yield Finding("ok", "grammars", ", ".join(_GRAMMARS))


def _imports(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def _tools() -> Iterator[Finding]:
    for name, without in (("git", "git tools will not work"), ("rg", "searches use the built-in engine")):
        found = shutil.which(name)
        yield Finding("ok", name, found) if found else Finding("note", name, f"not found; {without}")


def _state() -> Iterator[Finding]:
    path = state_path()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if os.access(nearest, os.W_OK):
        yield Finding("ok", "transcripts", str(path / "sessions"))
    else:
        advice = "Set COPYDESK_STATE_DIR to a folder you may write to."
        yield Finding("problem", "transcripts", f"{nearest} cannot be written; sessions are not kept.", advice)


def _ledger(core: Core) -> Iterator[Finding]:
    ledger = core.outward.ledger
    if ledger.problem:
        yield Finding("problem", "ledger", ledger.problem, "Free some space, or set COPYDESK_STATE_DIR.")
    else:
        yield Finding("ok", "ledger", f"every request that leaves is noted in {ledger.path}; copydesk.ledger shows it")


def _settings(core: Core) -> Iterator[Finding]:
    path = user_config_path()
    yield Finding("ok" if path.exists() else "note", "settings", str(path) if path.exists() else f"no {path}")
    for problem in core.configuration.problems:
        yield Finding("problem", "settings", problem)
    for uri in core.workspace.roots:
        if (root := _folder(uri)) is not None and not root.is_dir():
            yield Finding("problem", "workspace", f"{root} is not a folder")


def _consent(core: Core) -> Iterator[Finding]:
    """What is trusted and always allowed in the folders."""
    for uri in core.workspace.roots:
        said = core.consent.trust.said_of(uri)
        kept = core.consent.permissions.read(uri)
        trust = {True: "trusted", False: "not trusted", None: "not asked whether it is trusted"}[said]
        count = f"{len(kept.grants)} rule{'' if len(kept.grants) == 1 else 's'} always allowed"
        if kept.problem:
            yield Finding("problem", "permissions", kept.problem)
        else:
            yield Finding("ok", "permissions", f"{to_path(uri) or uri}: {trust}, {count}")


def _folder(uri: str) -> Path | None:
    path = to_path(uri)
    return Path(path) if path else None


async def _sandbox(core: Core) -> Finding:
    from copydesk.processes.sandboxes import describe

    report = await core.shadow.report()
    text = " ".join(each for each in (f"{describe(report)}.", report.why) if each)
    if report.refused:
        return Finding("problem", "sandbox", report.refused, "Change `sandbox.backend`, or install what is missing.")
    if report.is_working:
        return Finding("ok", "sandbox", text)
    return Finding("note", "sandbox", text, "Install bubblewrap (Debian, Ubuntu: apt install bubblewrap).")


async def _models(core: Core) -> list[Finding]:
    from copydesk.models.selection import Models

    infos = await core.models.available() if isinstance(core.models, Models) else []
    return [*await _chosen_model(core), *_editors_models([info for info in infos if info.provider == "editor"])]


async def _attempts(core: Core) -> Finding:
    """The newest failures of models, from the log of attempts."""
    log = core.outward.attempts
    if log.problem:
        return Finding("problem", "attempts", log.problem, "Free some space, or set COPYDESK_STATE_DIR.")
    tried = await anyio.to_thread.run_sync(log.read)
    failed = [attempt for attempt in tried if attempt.failed]
    if not failed:
        return Finding("ok", "attempts", f"no model request of the last {len(tried)} failed" if tried else "none yet")
    shown = "; ".join(in_words(attempt) for attempt in failed[-N_FAILURES:])
    text = f"{len(failed)} of the last {len(tried)} tries of a model failed. The newest: {shown}"
    return Finding("note", "attempts", text, f"All of them are in {log.path}.")


async def _chosen_model(core: Core) -> list[Finding]:
    try:
        model = await core.models.resolve()
    except CopydeskError as error:
        return [Finding("problem", "model", error.message, error.advice)]
    if model.name == "offline":
        advice = "Set OPENAI_API_KEY or ANTHROPIC_API_KEY, or start Ollama, for a language model."
        return [Finding("note", "model", "offline: works with no key and no network; no language model", advice)]
    return [Finding("ok", "model", model.name)]


def _editors_models(infos: "list[ModelInfo]") -> Iterator[Finding]:
    """One line for them all; none without an editor."""
    from copydesk.models.editor_offers import HOW, NO_NAME

    if not infos:
        return
    allowed = [info.name for info in infos if info.available]
    if infos[0].name == NO_NAME:
        yield Finding("note", "editor's models", infos[0].why)
    elif allowed:
        yield Finding("ok", "editor's models", _some(allowed))
    else:
        there = _some([info.name for info in infos])
        yield Finding("note", "editor's models", f"not allowed for Copydesk yet: {there}", f"Allow them ({HOW}).")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more
