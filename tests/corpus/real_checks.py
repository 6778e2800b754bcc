"""What must hold of a file after each job: it parses, and nothing but what was asked for is different."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.corpus.checks import parsed
from tests.corpus.tools import quiet_compile, ruff


def parses(text: str) -> list[str]:
    try:
        quiet_compile(text)
    except (SyntaxError, ValueError) as error:
        return [f"does not compile: {error}"]
    return []


def undefined(text: str) -> Counter[str]:
    """Undefined names, and names that are used before they are bound."""
    found = json.loads(
        ruff(text, "subject.py", "check", "--select=F821,F823,F811", "--output-format=json", "-") or "[]"
    )
    return Counter(one["message"].partition(" from line")[0] for one in found)


def new_undefined(before: str, after: str) -> list[str]:
    return [f"newly wrong: {message}" for message in undefined(after) - undefined(before)]


def tokens(text: str) -> list[str]:
    skip = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)
    return [one.string for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type not in skip]


# --- annotate --------------------------------------------------------------------------------------------


class _Bare(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def only_annotated(before: str, after: str) -> list[str]:
    """The same program without annotations; only lines of headers differ, and by additions only."""
    wrong = parses(after)
    if wrong:
        return wrong
    if ast.dump(_Bare().visit(parsed(before))) != ast.dump(_Bare().visit(parsed(after))):
        wrong.append("more than annotations changed")
    old, new = before.split("\n"), after.split("\n")
    if len(old) != len(new):
        return [*wrong, "the number of lines changed"]
    for a, b in zip(old, new, strict=True):
        rest = iter(b)
        if a != b and not all(letter in rest for letter in re.sub(r"\s", "", a)):
            wrong.append(f"a line lost something: {a!r} → {b!r}")
    return wrong


# --- the rest --------------------------------------------------------------------------------------------


def only_renamed(before: str, after: str, old: str, new: str) -> list[str]:
    """Byte for byte the same but for the name."""
    wrong = [*parses(after), *new_undefined(before, after)]
    if re.sub(rf"\b{new}\b", old, after) != before:
        wrong.append("more than the name changed")
    return wrong


class _Inlined(ast.NodeTransformer):
    def __init__(self, name: str, value: ast.expr) -> None:
        self.name, self.value = name, value

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.value if node.id == self.name and isinstance(node.ctx, ast.Load) else node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        first = node.targets[0]
        return None if isinstance(first, ast.Name) and first.id == self.name else self.generic_visit(node)


def inlines_back(before: str, after: str, name: str) -> list[str]:
    """Putting the extracted variable's value back gives the program that was there."""
    wrong = [*parses(after), *new_undefined(before, after)]
    if wrong:
        return wrong
    tree = parsed(after)
    values = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    ]
    if len(values) != 1:
        return [f"{name} is bound {len(values)} times"]
    inlined = _Inlined(name, values[0]).visit(tree)
    return [] if ast.dump(inlined) == ast.dump(parsed(before)) else ["it does not inline back to what was there"]


def outside_is_kept(before: str, after: str, first: int, last: int) -> list[str]:
    """The lines before `first` and after `last` (0-based, of `before`) stand in `after`, in place."""
    wrong = [*parses(after), *new_undefined(before, after)]
    old, new = before.split("\n"), after.split("\n")
    if old[:first] != new[:first]:
        wrong.append("lines above changed")
    below = old[last + 1 :]
    if below and new[-len(below) :] != below:
        wrong.append("lines below changed")
    return wrong


def imports_only_sorted(before: str, after: str) -> list[str]:
    """The same imports in some order, and everything else as it was."""
    wrong = parses(after)
    return wrong or ([] if _split(before) == _split(after) else ["more than the order of imports changed"])


def _split(text: str) -> tuple[list[str], Counter[str]]:
    rest: list[str] = []
    imports: Counter[str] = Counter()
    tree = parsed(text)
    for node in ast.walk(tree):
        for block in (getattr(node, name, None) for name in ("body", "orelse", "finalbody")):
            if isinstance(block, list):
                found = [one for one in block if isinstance(one, ast.Import | ast.ImportFrom)]
                for one in found:
                    start = (
                        f"{getattr(one, 'level', 0)}{getattr(one, 'module', '')}"
                        if isinstance(one, ast.ImportFrom)
                        else ""
                    )
                    imports.update(f"{start} {alias.name} {alias.asname}" for alias in one.names)
                block[:] = [one for one in block if one not in found]
    rest.append(ast.dump(tree))
    return rest, imports


# --- in processes of their own ---------------------------------------------------------------------------


def type_errors(texts: dict[str, str]) -> dict[str, int]:
    """basedpyright's errors (its default `standard` rules) by file name."""
    with TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name).write_bytes(text.encode("utf-8"))
        Path(folder, "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}', encoding="utf-8")
        command = [
            str(Path(sys.executable).with_name("basedpyright")),
            "--pythonpath", sys.executable, "--outputjson", "-p", folder,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, check=False, timeout=600)
        rows = json.loads(done.stdout)["generalDiagnostics"]
        found = Counter(Path(row["file"]).name for row in rows if row["severity"] == "error")
        _MESSAGES.update({name: [r["message"] for r in rows if Path(r["file"]).name == name and r["severity"] == "error"]
                          for name in texts})  # fmt: skip
        return {name: found[name] for name in texts}


_MESSAGES: dict[str, list[str]] = {}


def new_type_errors(pairs: dict[str, tuple[str, str]]) -> list[str]:
    """Files (name → before, after) that have more type errors than before."""
    if not pairs:
        return []
    before = type_errors({name: old for name, (old, _) in pairs.items()})
    old_messages = {name: Counter(rows) for name, rows in _MESSAGES.items()}
    after = type_errors({name: new for name, (_, new) in pairs.items()})
    return [
        f"{name}: {before[name]} → {after[name]} type errors: {list(Counter(_MESSAGES[name]) - old_messages[name])[:3]}"
        for name in pairs
        if after[name] > before[name]
    ]


_IMPORTING = """\
import importlib, importlib.util, json, sys, warnings
warnings.simplefilter("ignore")
for module, path, is_package in json.load(sys.stdin):
    known = None
    try:
        parent = module.rpartition(".")[0]
        if parent:
            importlib.import_module(parent)
        known = sys.modules.pop(module, None)
        spec = importlib.util.spec_from_file_location(module, path)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[module] = loaded
        spec.loader.exec_module(loaded)
        missing = [n for n in getattr(loaded, "__all__", ()) if not hasattr(loaded, n)]
        print(json.dumps([module, f"__all__ lacks {missing}" if missing else ""]))
    except BaseException as error:
        print(json.dumps([module, f"{type(error).__name__}: {error}"]))
    finally:
        sys.modules.pop(module, None)
        if known is not None:
            sys.modules[module] = known
"""


def imports(texts: dict[str, str]) -> dict[str, str]:
    """Module name → why its text does not import (empty: it does), each as if it were the installed one."""
    with TemporaryDirectory() as folder:
        rows: list[tuple[str, str, bool]] = []
        for module, text in texts.items():
            path = Path(folder, f"{module}.py")
            path.write_bytes(text.encode("utf-8"))
            rows.append((module, str(path), False))
        done = subprocess.run([sys.executable, "-c", _IMPORTING], input=json.dumps(rows), capture_output=True,
                              text=True, check=False, timeout=300, cwd=folder)  # fmt: skip
    found: dict[str, str] = {}
    for line in done.stdout.split("\n"):
        if line.startswith('["'):
            module, why = json.loads(line)
            found[module] = why
    return found


def python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def failing_tests(folder: Path, skeletons: list[tuple[str, str]]) -> list[str]:
    """What fails of the written tests, run against the modules they were written for."""
    for number, (path, text) in enumerate(skeletons):
        module = Path(path).stem
        text = re.sub(r"\bjob\d+\.subject\b|\bsubject\b", module, text)
        Path(folder, f"test_{number}_{module}.py").write_text(text, encoding="utf-8")
    Path(folder, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--tb=line",
        "-rfE",
        "-W",
        "ignore",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=folder)
    return re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
