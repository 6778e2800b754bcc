"""What to show when nobody said: an undocumented function of the tree that is worth a docstring."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED = {"node_modules", "site-packages", "build", "dist", "venv", "__pycache__"}
MAX_FILES = 3_000
MAX_BYTES = 400_000


@dataclass(frozen=True)
class Target:
    """A function: 0-based line of its name's `def`, and the column of the name."""

    path: Path
    name: str
    line: int
    column: int
    score: float = 0


def python_files(root: Path) -> Iterator[Path]:
    n = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f not in SKIPPED)
        for name in sorted(files):
            path = Path(folder, name)
            if name.endswith(".py") and n < MAX_FILES and path.stat().st_size < MAX_BYTES:
                n += 1
                yield path


def best_target(root: Path, file: Path | None) -> Target | None:
    """The function that shows most: some parameters, a raise or two, neither tiny nor huge."""
    found = [target for path in ([file] if file else python_files(root)) for target in _targets(path)]
    return max(found, key=lambda target: target.score, default=None)


def _targets(path: Path) -> Iterator[Target]:
    try:
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
    except (SyntaxError, ValueError, OSError):
        return
    lines = source.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not ast.get_docstring(node):
            column = lines[node.lineno - 1].find(node.name)
            if column >= 0:
                yield Target(path, node.name, node.lineno - 1, column, _score(node, path))


def _score(node: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> float:
    size = (node.end_lineno or node.lineno) - node.lineno
    raises = sum(isinstance(item, ast.Raise) for item in ast.walk(node))
    returns = any(isinstance(item, ast.Return) and item.value for item in ast.walk(node))
    is_test = "test" in path.as_posix() or node.name.startswith("test")
    fits = 6 <= size <= 40
    n_arguments = len(node.args.args) + len(node.args.kwonlyargs)
    public = not node.name.startswith("_")
    return fits * 5 + min(raises, 2) * 3 + returns * 2 + min(n_arguments, 4) + public * 2 - is_test * 12
