"""Names that commands never change for real: version control, and what configures editors, agents and their hooks.

What stands in such a file runs by itself later, with the person's rights. Pure. Start with `is_protected`.
"""

from collections.abc import Iterable

PROTECTED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".jj",
        ".bzr",
        ".gitmodules",
        ".githooks",
        ".husky",
        ".vscode",
        ".idea",
        ".fleet",
        ".zed",
        ".helix",
        ".nvim",
        ".nvimrc",
        ".nvim.lua",
        ".exrc",
        ".vimrc",
        ".dir-locals.el",
        ".sublime-project",
        ".copydesk",
        ".lmagent",
        ".claude",
        ".cursor",
        ".codex",
        ".gemini",
        ".agents",
        ".aider.conf.yml",
        ".continue",
        ".windsurf",
        ".mcp.json",
        ".envrc",
        ".devcontainer",
        ".devcontainer.json",
    }
)
"""Lower-cased names of files and folders, at any depth."""

VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj", ".bzr"})

DROPPINGS = frozenset(
    {
        "__pycache__",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        ".tox",
        ".nox",
        "node_modules",
        ".ds_store",
    }
)
"""What tools leave behind and nobody keeps, also where no ignore file says so."""


def is_protected(relative: str) -> bool:
    return not PROTECTED.isdisjoint(relative.lower().replace("\\", "/").split("/"))


def is_dropping(name: str) -> bool:
    return name.lower() in DROPPINGS or name.endswith((".pyc", ".pyo"))


def some_of(names: Iterable[str], limit: int = 5) -> str:
    """A list for a sentence: the first few, and how many more."""
    every = list(names)
    shown = ", ".join(repr(name) for name in every[:limit])
    return shown if len(every) <= limit else f"{shown} and {len(every) - limit:,} more"
