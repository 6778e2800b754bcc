"""The habits of the code, held by machine: sizes, docstrings, layers, words. A rule's reason stands beside it.

Exceptions go in a table that may only shrink: a name in it that no longer needs to be there fails too.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SERVER = ROOT / "server" / "copydesk"

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400
MAX_LOOP_LINES = 200

LONG_FILES: frozenset[str] = frozenset()
LONG_FUNCTIONS: frozenset[str] = frozenset()

BROAD_EXCEPT = ("lsp/", "agent/execution.py", "services/session.py")
"""Where an unknown failure is answered instead of ending everything. Elsewhere it would hide a defect."""

BROAD_EXCEPT_TOO = {
    "code/jedi_worker/__main__.py",  # the dispatch of another process: jedi raises anything on odd code
    "code/jedi_worker/virtual.py",  # a damaged pickle of jedi's cache raises anything
    "models/offline/skeleton_cases.py",  # whatever an evaluated operation of the person's code throws
}

BANNED_NAMES = re.compile(r"(?:Manager|Helper|Util|Utils|Common)$|^(?:common|utils?|helpers?|misc)$")
"""Words that say nothing of what a thing does."""

SECRET = re.compile(
    r"sk-[A-Za-z0-9]{20,}|sk-ant-[\w-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|xox[baprs]-[\w-]{20,}"
)
MACHINE_PATH = re.compile(
    r"/(?:home|Users)/(?!me\b|you\b|user\b|USER\b|[a-z]/|\w{1,5}/|<)\w+/|/wor" + r"k/(?:main|shared)|/tmp/w" + "t/"
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> tuple[Path, ...]:
    return tuple(sorted(SERVER.rglob("*.py")))


@cache
def own_tests() -> tuple[Path, ...]:
    return tuple(sorted(path for path in (ROOT / "tests").rglob("*.py") if "__pycache__" not in path.parts))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def short(path: Path) -> str:
    return path.relative_to(SERVER if path.is_relative_to(SERVER) else ROOT).as_posix()


def walk(paths: tuple[Path, ...]) -> Iterator[tuple[Path, ast.AST]]:
    for path in paths:
        for node in ast.walk(tree_of(path)):
            yield path, node


def lines_without_docstring(node: Function) -> int:
    """From `def` to the end, less the docstring: words that explain a function must not make it too long."""
    first = node.body[0]
    is_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if is_docstring else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


@cache
def tracked() -> tuple[Path, ...]:
    """Text files under version control, and new ones that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    kinds = (".py", ".md", ".toml", ".json", ".txt", ".yml", ".yaml", ".sh", ".lua", ".ts", ".el", "")
    paths = (ROOT / name for name in listed.stdout.splitlines())
    return tuple(path for path in paths if path.suffix in kinds and path.is_file())


# --- modules ---


def test_every_module_says_what_it_owns() -> None:
    silent = [
        short(path)
        for path in (*sources(), *own_tests())
        if text_of(path).strip() and not ast.get_docstring(tree_of(path))
    ]
    assert silent == []


def test_files_stay_short() -> None:
    long = {short(path) for path in sources() if len(text_of(path).splitlines()) > MAX_FILE_LINES}
    assert long == LONG_FILES


def test_the_loop_fits_in_the_head() -> None:
    """The loop file's growth is the failure that every agent shares. It has no exception list."""
    assert len(text_of(SERVER / "agent" / "loop.py").splitlines()) <= MAX_LOOP_LINES


# --- functions ---


def test_functions_stay_short() -> None:
    long = {
        f"{short(path)}:{node.name}"
        for path, node in walk(sources())
        if isinstance(node, Function) and lines_without_docstring(node) > MAX_FUNCTION_LINES
    }
    assert long == LONG_FUNCTIONS


def test_broad_excepts_stand_only_at_the_edges() -> None:
    broad = {
        short(path)
        for path, node in walk(sources())
        if isinstance(node, ast.ExceptHandler) and is_broad(node) and not short(path).startswith(BROAD_EXCEPT)
    }
    assert broad == BROAD_EXCEPT_TOO


def is_broad(handler: ast.ExceptHandler) -> bool:
    """`except:`, `except Exception` or `BaseException`, alone or in a tuple; one that always raises again is none."""
    if handler.body and isinstance(handler.body[-1], ast.Raise) and handler.body[-1].exc is None:
        return False
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        one is None or (isinstance(one, ast.Name) and one.id in ("Exception", "BaseException")) for one in caught
    )


def test_no_task_is_without_a_parent() -> None:
    loose = {"create_task", "ensure_future", "run_coroutine_threadsafe"}
    found = [
        f"{short(path)}:{node.lineno}"
        for path, node in walk(sources())
        if isinstance(node, ast.Attribute) and node.attr in loose
    ]
    assert found == []


# --- words ---


def test_names_say_what_things_do() -> None:
    modules = [short(path) for path in sources() if BANNED_NAMES.search(path.stem)]
    classes = [
        f"{short(path)}:{node.name}"
        for path, node in walk(sources())
        if isinstance(node, ast.ClassDef) and BANNED_NAMES.search(node.name)
    ]
    assert modules + classes == []


def test_nothing_is_left_to_do_in_comments() -> None:
    """Work that is left is an issue, where it is seen."""
    mark = re.compile(r"#.*\b(?:TO" + r"DO|XX" + r"X|HA" + r"CK)\b")
    found = [
        f"{short(path)}:{number}"
        for path in sources()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if mark.search(line)
    ]
    assert found == []


def test_tests_use_real_things() -> None:
    banned = re.compile(r"unittest\s*(?:\.|import)\s*mock|\bfrom mock\b|\bMagicMock\b")
    me = Path(__file__)
    assert [short(path) for path in own_tests() if path != me and banned.search(text_of(path))] == []


def test_no_secret_and_no_path_of_a_machine_is_kept() -> None:
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{number}: {hit[0][:24]}"
        for path in tracked()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (hit := SECRET.search(line) or MACHINE_PATH.search(line))
    ]
    assert found == []


# --- layers ---


@pytest.mark.slow
def test_the_layers_hold() -> None:
    # A process of its own: in this one it would switch off every logger that there is.
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "server")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_every_folder_has_a_row() -> None:
    """import-linter's exhaustive contract says so too, but only in the slow tier."""
    import tomllib

    contracts = tomllib.loads(text_of(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = {name.strip() for layer in layers for name in layer.split("|")}
    folders = {path.name for path in SERVER.iterdir() if (path / "__init__.py").exists()}
    assert folders <= rows
