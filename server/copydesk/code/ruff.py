"""ruff on the text in `files`, never on the disk's: problems, and its own safe fixes.

The project's ruff configuration is respected (it runs no code). Start with `check` and `fixed`.
"""

import json
import os
from pathlib import Path
from typing import Any, cast

import anyio

from copydesk.code.places import root_of
from copydesk.domain.errors import ToolFailed
from copydesk.domain.messages import LineRange, Problem
from copydesk.processes.spawn import Finished, run

DEFAULT_RULES = "F,E9"
_LIMIT_BYTES = 16_000_000
_N_PROBLEMS = 500


async def check(uri: str, path: str, roots: tuple[str, ...], text: str, timeout_s: float) -> tuple[Problem, ...]:
    """What ruff finds by the project's own rules and `DEFAULT_RULES`. Raises `ToolFailed`."""
    # Without rules of the project's own, ruff's defaults are a matter of taste: only what is wrong is reported.
    select = "--extend-select" if await anyio.to_thread.run_sync(_is_configured, path) else "--select"
    done = await _ruff(path, roots, text, timeout_s, "--output-format", "json", select, DEFAULT_RULES)
    if done.exit_code not in (0, 1):
        raise _failed(done)
    rows = cast(list[dict[str, Any]], json.loads(done.stdout or b"[]"))
    return tuple(_problem(uri, row) for row in rows[:_N_PROBLEMS])


async def fixed(path: str, roots: tuple[str, ...], text: str, rules: str, timeout_s: float) -> str:
    """The text after ruff's safe fixes for `rules`; line ends are kept. Raises `ToolFailed`.

    The gap below an import that opened the file goes with it, which ruff leaves to its formatter.
    """
    done = await _ruff(path, roots, text, timeout_s, "--fix-only", "--select", rules)
    if done.exit_code != 0 or done.cut_bytes:
        raise _failed(done)
    new = done.stdout.decode("utf-8") if done.stdout else text
    return new if text.startswith(("\r", "\n")) else new.lstrip("\r\n")


def _is_configured(path: str) -> bool:
    """Whether ruff finds settings for this file: the nearest folder that has some, as ruff looks for them."""
    for folder in Path(path).parents:
        if (folder / "ruff.toml").is_file() or (folder / ".ruff.toml").is_file():
            return True
        try:
            if b"[tool.ruff" in (folder / "pyproject.toml").read_bytes():
                return True
        except OSError:
            continue
    return False


async def _ruff(path: str, roots: tuple[str, ...], text: str, timeout_s: float, *options: str) -> Finished:
    from ruff import find_ruff_bin  # pyright: ignore[reportMissingTypeStubs]  # it has none

    cwd = _folder(root_of(path, roots))
    command = [find_ruff_bin(), "check", "--no-cache", "--quiet", *options, "--stdin-filename", path, "-"]
    done = await run(command, cwd=cwd, stdin=text.encode("utf-8"), timeout_s=timeout_s, limit_bytes=_LIMIT_BYTES)
    if done.timed_out:
        raise ToolFailed(f"ruff did not finish within {timeout_s:g} s on {path!r}.")
    return done


def _folder(path: str) -> str | None:
    return path if os.path.isdir(path) else None


def _failed(done: Finished) -> ToolFailed:
    said = done.stderr.decode("utf-8", "replace").strip()[:500]
    return ToolFailed(
        f"ruff failed with exit code {done.exit_code}: {said}", advice="Check the rules and ruff's settings."
    )


def _problem(uri: str, row: dict[str, Any]) -> Problem:
    code = str(row.get("code") or "")
    is_error = code in ("", "invalid-syntax", "F821") or code.startswith("E9")
    start, end = row["location"], row["end_location"]
    where = LineRange(start["row"] - 1, start["column"] - 1, end["row"] - 1, end["column"] - 1)
    return Problem(uri, where, str(row["message"]), "error" if is_error else "warning", "ruff", code)
