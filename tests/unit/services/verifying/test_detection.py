"""Which checks a folder calls for, and which tests a change can reach."""

import pytest

from copydesk.domain.evidence import CheckRun
from copydesk.services.verifying.checks import Check
from copydesk.services.verifying.detection import Folder, command_line, detect
from copydesk.services.verifying.imports import find_tests
from copydesk.services.verifying.judged import is_document
from copydesk.services.verifying.words import named
from tests.support.memory import ROOT, MemoryFiles


def folder(
    files: dict[str, str], *changed: str, before: dict[str, str] | None = None, disk: tuple[str, ...] = ()
) -> Folder:
    after = MemoryFiles({f"{ROOT}/{path}": text for path, text in files.items()})
    older = MemoryFiles({f"{ROOT}/{path}": text for path, text in (before or files).items()})
    return Folder(ROOT, after, older, changed, lambda path: path in disk)


def checks_of(files: dict[str, str], *changed: str, **more: object) -> list[Check]:
    found = folder(files, *changed, **more)  # type: ignore[arg-type]

    def tests(each: Folder, at: str, names: object):
        prefix = f"{at}/" if at else ""
        paths = [path[len(prefix) :] for path in files if path.startswith(prefix)]
        return find_tests(paths, each, at, names)  # type: ignore[arg-type]

    return list(detect(found, tests))


def tools(files: dict[str, str], *changed: str) -> list[str]:
    return [check.tool for check in checks_of(files, *changed)]


@pytest.mark.parametrize(
    ("files", "changed", "expected"),
    [
        ({"a.py": ""}, "a.py", []),
        ({"a.txt": ""}, "a.txt", []),
        ({"a.py": "", "tests/test_a.py": ""}, "a.py", ["pytest"]),
        ({"a.py": "", "ruff.toml": "x"}, "a.py", ["ruff format", "ruff"]),
        ({"a.py": "", "pyproject.toml": "[tool.black]\n[tool.mypy]\n"}, "a.py", ["black", "mypy"]),
        ({"a.py": "", "pyrightconfig.json": "{}"}, "a.py", ["pyright"]),
        ({"a.py": "", "pyproject.toml": "[tool.basedpyright]\n"}, "a.py", ["basedpyright"]),
        ({"a.js": "", "package.json": '{"scripts": {"test": "node --test"}}'}, "a.js", ["npm test"]),
        ({"a.js": "", "package.json": '{"scripts": {"test": "echo \\"no test specified\\" && exit 1"}}'}, "a.js", []),
        ({"a.ts": "", "package.json": '{"prettier": {}}', "tsconfig.json": "{}"}, "a.ts", ["prettier", "tsc"]),
        ({"a.js": "", "package.json": "not json"}, "a.js", []),
        ({"src/lib.rs": "", "Cargo.toml": ""}, "src/lib.rs", ["cargo fmt", "cargo test"]),
        ({"a.go": "", "go.mod": ""}, "a.go", ["gofmt", "go vet", "go test"]),
        ({"a.py": "", "tests/test_a.py": "", "README.md": ""}, "README.md", []),
    ],
)
def test_what_is_found(files: dict[str, str], changed: str, expected: list[str]) -> None:
    assert tools(files, changed) == expected


def test_a_file_belongs_to_the_nearest_project() -> None:
    files = {
        "web/package.json": '{"scripts": {"test": "jest"}}',
        "web/a.js": "",
        "api/pyproject.toml": "[tool.ruff]",
        "api/a.py": "",
    }
    found = checks_of(files, "web/a.js", "api/a.py")
    assert {(check.tool, check.folder) for check in found} == {
        ("npm test", "web"),
        ("ruff", "api"),
        ("ruff format", "api"),
    }
    npm = next(check for check in found if check.folder == "web")
    assert command_line(npm, 0, ()) == "cd web && CI=1 npm test --silent"


def test_the_projects_own_interpreter_runs_its_tests() -> None:
    files = {"api/pyproject.toml": "[tool.pytest.ini_options]", "api/a.py": "", "api/test_a.py": "import a"}
    (check,) = checks_of(files, "api/a.py", disk=(".venv/bin/python",))
    assert check.commands[0].startswith("../.venv/bin/python -m pytest ")
    assert len(check.commands) == 1  # another Python has not what the project needs
    (check,) = checks_of(files, "api/a.py")
    assert [command.split()[0] for command in check.commands] == ["python3", "PYTHONPATH=."]


def reached(files: dict[str, str], *changed: str) -> tuple[str, ...]:
    found = find_tests(list(files), folder(files, *changed), "", changed)
    return ("all",) if found.is_whole else tuple(sorted(found.with_edits))


GRAPH = {
    "pkg/__init__.py": "",
    "pkg/a.py": "X = 1\n",
    "pkg/b.py": "from .a import X\n",
    "pkg/c.py": "from pkg import (\n    b,\n)\n",
    "pkg/d.py": "Y = 1\n",
    "tests/test_a.py": "from pkg import a\n",
    "tests/test_c.py": "import pkg.c as c\n",
    "tests/test_d.py": "import importlib\n\nd = importlib.import_module('pkg.d')\n",
    "tests/test_none.py": "",
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("pkg/a.py", ("tests/test_a.py", "tests/test_c.py")),
        ("pkg/c.py", ("tests/test_c.py",)),
        ("pkg/d.py", ("tests/test_d.py",)),
        ("tests/test_none.py", ("tests/test_none.py",)),
        ("data.json", ("all",)),
        ("alone.py", ("all",)),
    ],
)
def test_tests_that_a_change_can_reach(changed: str, expected: tuple[str, ...]) -> None:
    assert reached({**GRAPH, changed: GRAPH.get(changed, "")}, changed) == expected


def test_a_conftest_that_imports_it_reaches_all_tests_below() -> None:
    files = {**GRAPH, "tests/conftest.py": "import pkg.d\n"}
    assert reached(files, "pkg/d.py") == tuple(sorted(path for path in files if "/test_" in path))


def test_a_module_that_was_deleted_is_still_reached() -> None:
    files = {path: text for path, text in GRAPH.items() if path != "pkg/a.py"}
    found = find_tests(list(files), folder(files, "pkg/a.py", before=GRAPH), "", ["pkg/a.py"])
    assert set(found.with_edits) == {"tests/test_a.py", "tests/test_c.py"}


def test_a_new_test_is_run_on_its_own_side_only() -> None:
    files = {**GRAPH, "tests/test_new.py": "from pkg import d\n"}
    found = find_tests(list(files), folder(files, "tests/test_new.py", before=GRAPH), "", ["tests/test_new.py"])
    assert (found.with_edits, found.without) == (("tests/test_new.py",), ())


@pytest.mark.parametrize("path", ["README.md", "docs/a.rst", "LICENSE", "a/b.svg", "CHANGELOG"])
def test_documents(path: str) -> None:
    assert is_document(path)


@pytest.mark.parametrize(
    "path", ["a.py", "requirements.txt", "requirements-dev.txt", "tests/test_data.txt", "notice.py"]
)
def test_no_documents(path: str) -> None:
    assert not is_document(path)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (".venv/bin/python -m pytest --verbosity=0 tests/test_a.py tests/test_b.py", "`pytest`"),
        ("cd web && CI=1 npm test --silent", "`npm test --silent`"),
        ("python3 -m ruff check --output-format=concise a.py", "`ruff check`"),
        ("make test", "`make test`"),
    ],
)
def test_a_run_is_named_in_a_word_or_two(command: str, expected: str) -> None:
    assert named(CheckRun("ev-1", "t", command, "passed")) == expected
