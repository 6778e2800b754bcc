"""Which checks a folder has for the files that changed: from its own configuration, read as files, nothing started.

A file belongs to the nearest folder above it that has a mark of its language. Start with `detect`.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from posixpath import dirname
from typing import cast

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileSource
from copydesk.services.verifying.checks import Check
from copydesk.services.verifying.judged import is_document
from copydesk.workspace.uris import child, is_under, unquoted

PYTHON = ("pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", "tox.ini", "ruff.toml", ".ruff.toml", "mypy.ini",
          ".mypy.ini", "pyrightconfig.json", "conftest.py", "requirements.txt")  # fmt: skip
_SCRIPT = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|json|css|scss|html)$")
_NO_TESTS = re.compile(r"no test specified|^\s*exit 0\s*$")


@frozen
class Folder:
    """One workspace folder with the files in it that the edits change, as paths below it.

    `python` is how its interpreter is called from it, `has` whether a path below it is on the disk (what git ignores
    is only there).
    """

    root: str
    after: FileSource
    before: FileSource
    changed: tuple[str, ...]
    has: Callable[[str], bool]

    def uri(self, path: str) -> str:
        uri = self.root
        for part in path.split("/") if path else ():
            uri = child(uri, part)
        return uri

    def text(self, path: str) -> str:
        """What is there with the edits; empty where nothing can be read."""
        try:
            return self.after.read(self.uri(path)).text if self.after.exists(self.uri(path)) else ""
        except WorkspaceError:
            return ""

    def exists(self, path: str) -> bool:
        return self.after.exists(self.uri(path))

    def existed(self, path: str) -> bool:
        return self.before.exists(self.uri(path))


def relative(root: str, uri: str) -> str | None:
    """The path of a canonical URI below a root; None where it is not below."""
    return unquoted(uri[len(root.rstrip("/")) :].lstrip("/")) if is_under(uri, root) else None


def detect(folder: Folder, python_tests: Callable[[Folder, str, Sequence[str]], "Tests"]) -> tuple[Check, ...]:
    """The checks that the changed files call for, the quick ones first. May block on the disk."""
    code = [path for path in folder.changed if not is_document(path)]
    found = [
        *_for(folder, code, PYTHON, lambda at, files: _python(folder, at, files, python_tests)),
        *_for(folder, code, ("package.json",), lambda at, files: _javascript(folder, at, files)),
        *_for(folder, code, ("Cargo.toml",), lambda at, files: _cargo(folder, at, files)),
        *_for(folder, code, ("go.mod",), lambda at, files: _go(folder, at, files)),
    ]
    order = ("format", "lint", "build", "command", "tests", "types")
    return tuple(sorted(found, key=lambda check: order.index(check.kind)))


def _for(
    folder: Folder, changed: Iterable[str], marks: Sequence[str], checks: Callable[[str, list[str]], Iterable[Check]]
) -> Iterator[Check]:
    """The checks of each project that has a mark, with its own changed files as paths below it."""
    by_place: dict[str, list[str]] = {}
    for path in changed:
        at = _nearest(folder, path, marks)
        if at is None and marks is PYTHON and path.endswith((".py", ".pyi")):
            at = ""  # Python needs no mark
        if at is not None:
            by_place.setdefault(at, []).append(path[len(at) + 1 :] if at else path)
    for at, files in by_place.items():
        yield from checks(at, files)


def _nearest(folder: Folder, path: str, marks: Sequence[str]) -> str | None:
    at = dirname(path)
    while True:
        if any(folder.exists(f"{at}/{mark}" if at else mark) for mark in marks):
            return at
        if not at:
            return None
        at = dirname(at)


def _below(at: str, path: str) -> str:
    return f"{at}/{path}" if at else path


# --- Python ---


@frozen
class Tests:
    """Test files that the changes can reach, as paths below the project. `is_whole`: run all there are.

    `others` are other files that use what changed; `note` says what was left out.
    """

    with_edits: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    is_whole: bool = True
    others: tuple[str, ...] = ()
    note: str = ""


VENVS = (".venv", "venv", "env")


def interpreter(folder: Folder, at: str) -> str:
    """The project's own interpreter, as a path from the project; empty where it has none."""
    places = [at] if not at else [at, ""]
    for place in places:
        for name in VENVS:
            for program in ("bin/python", "Scripts/python.exe"):
                if folder.has(_below(place, f"{name}/{program}")):
                    up = "../" * (at.count("/") + 1) if at and not place else ""
                    return f"{up}{name}/{program}"
    return ""


def _module(folder: Folder, at: str, module: str, program: str = "") -> tuple[str, ...]:
    own = interpreter(folder, at)
    program = program or module
    if own:
        beside = f"{own.rpartition('/')[0]}/{program}"
        native = (beside,) if folder.has(_resolved(at, beside)) and module != "pytest" else ()
        return (f"{own} -m {module}", *native, *(() if module == "pytest" else (program,)))
    return (f"python3 -m {module}", f"PYTHONPATH=. {program}" if module == "pytest" else program)


def _resolved(at: str, path: str) -> str:
    from posixpath import normpath

    return normpath(_below(at, path))


def _python(
    folder: Folder, at: str, files: list[str], find_tests: Callable[[Folder, str, Sequence[str]], Tests]
) -> Iterator[Check]:
    config = {name: folder.text(_below(at, name)) for name in PYTHON if name != "requirements.txt"}
    project = config["pyproject.toml"]
    sources = [path for path in files if path.endswith((".py", ".pyi"))]
    configured = any(name in PYTHON for name in files)
    uses_ruff = bool(config["ruff.toml"] or config[".ruff.toml"]) or "[tool.ruff" in project
    if sources and uses_ruff:
        yield from _ruff(folder, at, sources)
    if sources and "[tool.black]" in project:
        yield _on_files(
            folder, at, sources, "black", "format", _with(_module(folder, at, "black"), "--check"), "format"
        )
    if not sources and not configured and not _has_tests(folder, at, config, files):
        return
    tests = find_tests(folder, at, files)
    yield from _types(folder, at, config, [*sources, *tests.others])
    if _has_tests(folder, at, config, [*files, *tests.with_edits]):
        yield _pytest(folder, at, tests)


def _with(commands: Iterable[str], arguments: str) -> tuple[str, ...]:
    return tuple(f"{command} {arguments}" for command in commands)


def _on_files(
    folder: Folder, at: str, files: Sequence[str], tool: str, kind: str, commands: tuple[str, ...], reader: str
) -> Check:
    there = tuple(path for path in files if folder.exists(_below(at, path)))
    were = tuple(path for path in files if folder.existed(_below(at, path)))
    return Check(tool, kind, folder.root, commands, reader, at, there or None, were or None)  # pyright: ignore[reportArgumentType]


def _ruff(folder: Folder, at: str, files: Sequence[str]) -> Iterator[Check]:
    run = _module(folder, at, "ruff")
    lint = _with(run, "check --output-format=concise --force-exclude")
    yield _on_files(folder, at, files, "ruff", "lint", lint, "placed")
    yield _on_files(folder, at, files, "ruff format", "format", _with(run, "format --check --force-exclude"), "format")


def _types(folder: Folder, at: str, config: Mapping[str, str], files: Sequence[str]) -> Iterator[Check]:
    project = config["pyproject.toml"]
    if config["mypy.ini"] or config[".mypy.ini"] or "[tool.mypy" in project or "[mypy" in config["setup.cfg"]:
        flags = "--no-color-output --hide-error-context --no-pretty --show-error-codes"
        check = _on_files(folder, at, files, "mypy", "types", _with(_module(folder, at, "mypy"), flags), "placed")
        if check.with_edits or check.without:
            yield check
    if "[tool.basedpyright" in project:
        yield Check("basedpyright", "types", folder.root, _module(folder, at, "basedpyright"), "placed", at)
    elif config["pyrightconfig.json"] or "[tool.pyright" in project:
        commands = (*_module(folder, at, "pyright"), "basedpyright")
        yield Check("pyright", "types", folder.root, commands, "placed", at)


def _has_tests(folder: Folder, at: str, config: Mapping[str, str], files: Iterable[str]) -> bool:
    if config["pytest.ini"] or config["conftest.py"] or "[tool.pytest" in config["pyproject.toml"]:
        return True
    if "[pytest]" in config["tox.ini"] or "[tool:pytest]" in config["setup.cfg"]:
        return True
    if any(is_python_test(path) for path in files):
        return True
    return any(folder.exists(_below(at, name)) for name in ("tests", "test"))


def is_python_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py") or name == "tests.py")


def _pytest(folder: Folder, at: str, tests: Tests) -> Check:
    run = _with(_module(folder, at, "pytest"), "--verbosity=0 --color=no --tb=short -rfE --maxfail=0")
    if tests.is_whole:
        return Check("pytest", "tests", folder.root, run, "pytest", at, note=tests.note)
    return Check(
        "pytest", "tests", folder.root, run, "pytest", at, tests.with_edits or None, tests.without or None, tests.note
    )


# --- JavaScript and TypeScript ---


def _javascript(folder: Folder, at: str, files: list[str]) -> Iterator[Check]:
    if not any(_SCRIPT.search(path) for path in files):
        return
    package = _read_json(folder.text(_below(at, "package.json")))
    scripts = cast("dict[str, object]", package.get("scripts") if isinstance(package.get("scripts"), dict) else {})
    bin = "node_modules/.bin"
    styles = (".prettierrc", ".prettierrc.json", ".prettierrc.yaml", ".prettierrc.yml", ".prettierrc.js",
              "prettier.config.js", "prettier.config.mjs", ".prettierrc.toml")  # fmt: skip
    if "prettier" in package or any(folder.exists(_below(at, name)) for name in styles):
        command = (f"{bin}/prettier --check --ignore-unknown",)
        yield _on_files(folder, at, files, "prettier", "format", command, "format")
    if folder.exists(_below(at, "tsconfig.json")):
        command = (f"{bin}/tsc --noEmit -p tsconfig.json --pretty false",)
        yield Check("tsc", "types", folder.root, command, "placed", at)
    test = str(scripts.get("test") or "")
    if test and not _NO_TESTS.search(test):
        yield Check("npm test", "tests", folder.root, ("CI=1 npm test --silent",), _runner(test), at)


def _read_json(text: str) -> dict[str, object]:
    import json

    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _runner(script: str) -> str:
    if re.search(r"\b(?:jest|vitest|react-scripts)\b", script):
        return "jest"
    return "tap" if re.search(r"\bnode\b.*--test|\btap\b|\bava\b", script) else ""


# --- Rust and Go ---


def _cargo(folder: Folder, at: str, files: list[str]) -> Iterator[Check]:
    if not any(path.endswith((".rs", ".toml", ".lock")) or "tests/" in path for path in files):
        return
    offline = "CARGO_NET_OFFLINE=true CARGO_TERM_COLOR=never"
    if any(folder.exists(_below(at, name)) for name in ("rustfmt.toml", ".rustfmt.toml")) or any(
        path.endswith(".rs") for path in files
    ):
        yield Check("cargo fmt", "format", folder.root, ("cargo fmt --check",), "format", at)
    yield Check("cargo test", "tests", folder.root, (f"{offline} cargo test --no-fail-fast",), "cargo", at)


def _go(folder: Folder, at: str, files: list[str]) -> Iterator[Check]:
    sources = [path for path in files if path.endswith(".go")]
    if not sources and not any(path.endswith(("go.mod", "go.sum")) for path in files):
        return
    if sources:
        yield _on_files(folder, at, sources, "gofmt", "format", ("gofmt -l",), "listed")
    yield Check("go vet", "build", folder.root, ("GOFLAGS=-mod=mod GOPROXY=off go vet ./...",), "go", at)
    yield Check("go test", "tests", folder.root, ("GOPROXY=off go test -json ./...",), "go", at)


def command_line(check: Check, number: int, arguments: Sequence[str]) -> str:
    """One of a check's commands, with its arguments, from the workspace folder."""
    words = " ".join(map(shlex.quote, arguments))
    text = f"{check.commands[number]} {words}".strip()
    return f"cd {shlex.quote(check.folder)} && {text}" if check.folder else text
