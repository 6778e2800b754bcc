"""What to show when nobody said: a definition of the tree that is worth a docstring, else one worth explaining.

Only reads, and only so much: the first `MAX_FILES` files. Start with `best_target`.
"""

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SKIPPED = {"node_modules", "site-packages", "build", "dist", "venv", "env", "__pycache__", "vendor", "target"}
SIDE_FOLDERS = re.compile(r"(?:^|/)(?:tests?|testing|docs?|examples?|benchmarks?|scripts?|tools?|setup\.py|conftest)")
MAX_FILES = 3_000
MAX_BYTES = 400_000
VERBS = frozenset(
    [
        "add",
        "apply",
        "build",
        "check",
        "clean",
        "collect",
        "compute",
        "convert",
        "copy",
        "count",
        "create",
        "decode",
        "delete",
        "describe",
        "detect",
        "encode",
        "expand",
        "extract",
        "filter",
        "find",
        "format",
        "generate",
        "get",
        "group",
        "insert",
        "iter",
        "join",
        "list",
        "load",
        "make",
        "map",
        "match",
        "merge",
        "normalize",
        "open",
        "pack",
        "parse",
        "prepare",
        "process",
        "put",
        "read",
        "register",
        "remove",
        "render",
        "replace",
        "resolve",
        "rotate",
        "save",
        "scan",
        "search",
        "select",
        "send",
        "set",
        "split",
        "sort",
        "start",
        "stop",
        "store",
        "strip",
        "sum",
        "to",
        "transform",
        "truncate",
        "unpack",
        "update",
        "validate",
        "walk",
        "wrap",
        "write",
    ]
)
OTHER_DEFINITION = re.compile(r"\b(?:function|func|fn|class|struct)\s+(?P<name>[A-Za-z_]\w{2,})")
PLAIN_DEFINITION = re.compile(r"(?:export |default |async |pub )*(?:function|func|fn)\s")
OTHER_SUFFIXES = (".js", ".mjs", ".cjs", ".ts", ".tsx", ".jsx", ".go", ".rs")
LANGUAGES = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascriptreact",
    ".ts": "typescript",
    ".tsx": "typescriptreact",
    ".go": "go",
    ".rs": "rust",
    ".md": "markdown",
    ".json": "json",
    ".toml": "toml",
    ".sh": "shellscript",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A definition: 0-based line of its name, the column of the name, and the command that suits it."""

    path: Path
    name: str
    line: int
    column: int
    verb: Literal["document", "explain"]
    score: float = 0


def source_files(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Files of some size with these endings, in a stable order; hidden and built folders are left out."""
    n_found = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(files):
            path = Path(folder, name)
            if name.endswith(suffixes) and _size(path) < MAX_BYTES:
                n_found += 1
                if n_found > MAX_FILES:
                    return
                yield path


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return MAX_BYTES


def best_target(root: Path, file: Path | None, ask: str = "") -> Target | None:
    """The definition that shows most: public, of middling size, with arguments, a result and a raise or two.

    With `ask`, one that it names.
    """
    if ask:
        words = set(re.findall(r"\w+", ask))
        files = [file] if file else []
        named = (target for path in files for target in (*_python(path, root), *_other(path, root)))
        return next((target for target in named if target.name in words), None)
    files = [file] if file else list(source_files(root, (".py",)))
    python = [target for path in files if path.suffix == ".py" for target in _python(path, root)]
    if python:
        return max(python, key=lambda target: (target.verb == "document" and target.score > 0, target.score))
    others = [file] if file else list(source_files(root, OTHER_SUFFIXES))
    return max(
        (target for path in others for target in _other(path, root)), key=lambda found: found.score, default=None
    )


def language_of(path: Path) -> str:
    return LANGUAGES.get(path.suffix.lower(), "plaintext")


# --- Python ---


def _python(path: Path, root: Path) -> Iterator[Target]:
    try:
        source = path.read_bytes().decode("utf-8")
        tree = ast.parse(source)
    except (SyntaxError, ValueError, OSError, RecursionError):
        return
    lines = source.splitlines()
    for node, in_class in _functions(tree):
        column = lines[node.lineno - 1].find(node.name) if node.lineno <= len(lines) else -1
        if column >= 0:
            verb = "explain" if ast.get_docstring(node) else "document"
            score = _score(node, path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name)
            yield Target(path, node.name, node.lineno - 1, column, verb, score - in_class)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.Module) -> Iterator[tuple[Function, bool]]:
    """Functions of the module and methods of its classes; nested ones show little."""
    for node in tree.body:
        if isinstance(node, Function):
            yield node, False
        elif isinstance(node, ast.ClassDef):
            yield from ((item, True) for item in node.body if isinstance(item, Function) and node.name[0] != "_")


def _score(node: Function, where: str) -> float:
    size = (node.end_lineno or node.lineno) - node.lineno
    inside = list(ast.walk(node))
    n_raises = sum(isinstance(item, ast.Raise) and _is_made(item) for item in inside)
    returns = any(isinstance(item, ast.Return) and item.value for item in inside)
    n_branches = sum(isinstance(item, ast.If | ast.For | ast.While | ast.BoolOp) for item in inside)
    arguments = [item for item in (*node.args.args, *node.args.kwonlyargs) if item.arg not in ("self", "cls")]
    n_annotated = sum(isinstance(item.annotation, ast.Name) and item.annotation.id != "object" for item in arguments)
    words = node.name.strip("_").lower().split("_")
    readable = words[0] in VERBS and len(words) > 1
    is_side = bool(SIDE_FOLDERS.search(where)) or node.name.startswith("test") or node.name.endswith("_")
    return (
        (6 <= size <= 30) * 5
        + min(n_raises, 2) * 5
        + returns * 3
        + (2 <= len(arguments) <= 4) * 3
        + min(n_annotated, 3) * 2
        - sum(len(item.arg.strip("_")) < 2 for item in arguments) * 2
        + readable * 6
        + (not node.name.startswith("_")) * 5
        - is_side * 20
        - node.name.startswith("__") * 20
        - bool(node.decorator_list) * 4
        - (size < 3) * 8
        - max(0, n_branches - 4) * 2
    )


def _is_made(item: ast.Raise) -> bool:
    """`raise ValueError(…)`, not a bare `raise` or one of a variable."""
    return isinstance(item.exc, ast.Call)


# --- other languages ---


def _other(path: Path, root: Path) -> Iterator[Target]:
    if path.suffix not in OTHER_SUFFIXES:
        return
    try:
        lines = path.read_bytes().decode("utf-8").splitlines()
    except (ValueError, OSError):
        return
    where = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    for number, text in enumerate(lines):
        if (found := OTHER_DEFINITION.search(text)) and not text.lstrip().startswith(("//", "*", "/*", "#")):
            score = bool(PLAIN_DEFINITION.match(text)) * 2 - bool(SIDE_FOLDERS.search(where)) * 5 - (number < 5) * 0.5
            yield Target(path, found["name"], number, found.start("name"), "explain", score)
