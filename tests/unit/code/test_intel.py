"""Definitions, references, refactorings and problems over unsaved text, by the real worker process."""

import argparse
import ast
import inspect
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import anyio
import pytest

from copydesk.code.intel import Intel
from copydesk.domain.edits import ChangeText, MoveFile, PendingEdit
from copydesk.domain.errors import ToolFailed
from copydesk.domain.messages import LineRange
from copydesk.domain.ports import FileHandle
from tests.unit.code.support import Files, handle, place

A = 'from b import old\nfrom c import fresh\nprint(old(x=1), fresh())\n__all__ = ["old"]\n'
B = 'def old(x):\n    """Doc."""\n    return x\n'


class Workspace:
    def __init__(self, root: Path) -> None:
        self.roots = (root.as_uri(),)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.fixture
async def intel(root: Path) -> AsyncGenerator[Intel]:
    async with Intel(Workspace(root), timeout_s=30) as opened:
        yield opened


def write(root: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def listing(root: Path) -> list[Path]:
    return sorted(root.rglob("*"))


def applied(files: Files, edits: tuple[PendingEdit, ...]) -> dict[str, str]:
    """File name → text after the edits."""
    texts: dict[str, str] = {}
    for edit in edits:
        if isinstance(edit, ChangeText):
            text = files.read(edit.uri).text
            for start, end, new in reversed(edit.spans):
                text = text[:start] + new + text[end:]
            texts[edit.uri.rpartition("/")[2]] = text
    return texts


# --- unsaved text of other modules -----------------------------------------------------------------------


async def test_definition_follows_a_function_into_an_unsaved_module(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root, {"b.py": "\n\n" + B.replace("Doc", "Unsaved")})
    [found] = await intel.definition(files, files.uri("a.py"), *place(A, "old(x"))
    assert (found.location.uri, found.location.line, found.column) == (files.uri("b.py"), 2, 4)
    assert "Unsaved" in await intel.hover(files, files.uri("a.py"), *place(A, "old(x"))


async def test_a_rename_in_an_unsaved_module_is_seen_from_another(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    before = Files(root)
    assert await intel.definition(before, before.uri("a.py"), *place(A, "old(x"))
    files = Files(root, {"b.py": B.replace("old", "new"), "a.py": A.replace("old", "new")})
    [found] = await intel.definition(files, files.uri("a.py"), *place(A, "old(x"))
    assert (found.name, found.location.uri) == ("new", files.uri("b.py"))
    stale = Files(root, {"b.py": B.replace("old", "new")})
    found_stale = await intel.definition(stale, stale.uri("a.py"), *place(A, "old(x"))
    assert all(one.location.uri != stale.uri("b.py") for one in found_stale)


async def test_a_new_unsaved_module_and_package_are_found(root: Path, intel: Intel):
    text = "from c import fresh\nfrom pkg.deep import thing\nfresh(), thing()\n"
    write(root, {"a.py": text})
    unsaved = {"c.py": "def fresh(): 1\n", "pkg/__init__.py": "", "pkg/deep.py": "\ndef thing(): 2\n"}
    files = Files(root, unsaved)
    [fresh] = await intel.definition(files, files.uri("a.py"), *place(text, "fresh()"))
    [thing] = await intel.definition(files, files.uri("a.py"), *place(text, "thing()"))
    assert fresh.location.uri == files.uri("c.py")
    assert (thing.location.uri, thing.location.line) == (files.uri("pkg/deep.py"), 1)


async def test_going_back_to_the_disk_is_seen(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    for unsaved, line in (({"b.py": "\n\n\n" + B}, 3), ({}, 0), ({"b.py": "#\n" + B}, 1)):
        files = Files(root, unsaved)
        [found] = await intel.definition(files, files.uri("a.py"), *place(A, "old(x"))
        assert found.location.line == line


async def test_a_deleted_module_is_gone(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root, {"b.py": None})
    found = await intel.definition(files, files.uri("a.py"), *place(A, "old(x"))
    assert all(one.location.uri != files.uri("b.py") for one in found)


async def test_references_across_saved_and_unsaved_files(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root, {"new.py": "import b\nb.old(2)\n"})
    found = await intel.references(files, files.uri("b.py"), 0, 4)
    places = {(one.location.uri.rpartition("/")[2], one.location.line, one.column) for one in found}
    assert places == {("a.py", 0, 14), ("a.py", 2, 6), ("b.py", 0, 4), ("new.py", 1, 2)}


async def test_nothing_is_written_into_the_project_and_none_of_its_code_runs(root: Path, intel: Intel):
    trap = "open({!r}, 'w').close()\n"
    marker = root / "ran"
    text = "import trap\ntrap.x\nprint\n"
    write(
        root,
        {"a.py": text, "trap.py": trap.format(str(marker)) + "x = 1\n", "sitecustomize.py": trap.format(str(marker))},
    )
    before = listing(root)
    files = Files(root)
    await intel.definition(files, files.uri("a.py"), 1, 5)
    await intel.hover(files, files.uri("a.py"), 2, 1)
    assert listing(root) == before


async def test_packages_of_the_projects_environment_are_read(root: Path, intel: Intel):
    package = ".venv/lib/python3.11/site-packages/theirs.py"
    write(root, {"a.py": "import theirs\ntheirs.f()\n", package: "def f(): 1\n"})
    files = Files(root)
    [found] = await intel.definition(files, files.uri("a.py"), 1, 7)
    assert found.location.uri.endswith("theirs.py")


# --- changes ---------------------------------------------------------------------------------------------


async def test_rename_reaches_every_file_and_all(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root, {"c.py": "from b import old\ndef fresh(): return old(x=3)\n"})
    texts = applied(files, await intel.rename(files, files.uri("a.py"), *place(A, "old(x"), "newer"))
    assert texts["a.py"] == A.replace("old", "newer")
    assert texts["b.py"] == B.replace("old", "newer")
    assert texts["c.py"] == "from b import newer\ndef fresh(): return newer(x=3)\n"


async def test_renaming_a_parameter_reaches_keyword_arguments_in_other_modules(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root)
    texts = applied(files, await intel.rename(files, files.uri("b.py"), 0, 8, "value"))
    assert texts["a.py"] == A.replace("x=1", "value=1")
    assert texts["b.py"] == B.replace("(x)", "(value)").replace("return x", "return value")


async def test_renaming_a_module_moves_its_file(root: Path, intel: Intel):
    write(root, {"a.py": "import b\nb.old(1)\n", "b.py": B})
    files = Files(root)
    edits = await intel.rename(files, files.uri("a.py"), 0, 7, "better")
    assert applied(files, edits) == {"a.py": "import better\nbetter.old(1)\n"}
    assert [edit.destination for edit in edits if isinstance(edit, MoveFile)] == [files.uri("better.py")]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("class", "keyword"),
        ("1x", "not a name"),
        ("print", "exists already"),
        ("fresh", "exists already"),
        ("old", "already"),
    ],
)
async def test_a_rename_that_would_break_code_is_refused(root: Path, intel: Intel, name: str, reason: str):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root)
    with pytest.raises(ToolFailed, match=reason):
        await intel.rename(files, files.uri("a.py"), *place(A, "old(x"), name)


async def test_a_name_from_outside_of_the_workspace_is_not_renamed(root: Path, intel: Intel):
    write(root, {"a.py": "import json\njson.dumps(1)\n"})
    files = Files(root)
    with pytest.raises(ToolFailed, match="outside of the workspace"):
        await intel.rename(files, files.uri("a.py"), 1, 6, "dumped")


async def test_extract_variable_and_function(root: Path, intel: Intel):
    text = "def f(a):\r\n    y = a * 2 + 1\r\n    return y\r\n"
    files = Files(root, {"x.py": text})
    variable = await intel.extract(files, files.uri("x.py"), LineRange(1, 8, 1, 13), "doubled", "variable")
    assert applied(files, variable)["x.py"].replace("\r\n", "\n") == (
        "def f(a):\n    doubled = a * 2\n    y = doubled + 1\n    return y\n"
    )
    function = applied(
        files, await intel.extract(files, files.uri("x.py"), LineRange(1, 0, 2, 0), "compute", "function")
    )
    names: dict[str, object] = {}
    exec(compile(function["x.py"], "x.py", "exec"), names)
    assert callable(names["f"])
    assert names["f"](4) == 9
    assert "compute" in names


ANNOTATE = """
import sys
class Base:
    def hook(self):
        return other()
class C(Base):
    def __init__(self, name, deep=False):
        self.name = name
    def hook(self):
        print(self)
    def shout(self, end="!"):
        return f"{self.name}{end}"
def say(text):
    print(text)
def gen():
    yield 1
def abstract():
    raise NotImplementedError
def stop():
    sys.exit(1)
def unsure(x):
    return x
def maybe(x=None, n=0):
    if x:
        return 1
def big(a): return len(a)
async def later(self, x, /, *, loud=False): # say
    await x
"""
EXPECTED = {
    "__init__": "def __init__(self, name, deep: bool = False) -> None:",
    "shout": 'def shout(self, end: str = "!") -> str:',
    "say": "def say(text) -> None:",
    "big": "def big(a) -> int: return len(a)",
    "later": "async def later(self, x, /, *, loud: bool = False) -> None: # say",
}


async def test_annotations_only_where_there_is_no_doubt(root: Path, intel: Intel):
    files = Files(root, {"x.py": ANNOTATE})
    changed: dict[str, str] = {}
    for number, line in enumerate(ANNOTATE.split("\n")):
        if "def " in line:
            new = applied(files, await intel.annotate(files, files.uri("x.py"), number)).get("x.py", ANNOTATE)
            ast.parse(new)
            different = [
                after for before, after in zip(ANNOTATE.split("\n"), new.split("\n"), strict=True) if before != after
            ]
            if different:
                changed[line.split("def ")[1].split("(")[0]] = "".join(different).strip()
    assert changed == EXPECTED


async def test_a_parameter_that_is_given_something_else_is_left_alone(root: Path, intel: Intel):
    write(root, {"user.py": "from x import f\nf(flag=None)\n"})
    files = Files(root, {"x.py": "def f(flag=False):\n    if flag:\n        print(1)\n"})
    edits = await intel.annotate(files, files.uri("x.py"), 0)
    assert applied(files, edits)["x.py"].startswith("def f(flag=False) -> None:")


async def test_an_untitled_document_is_answered_too(root: Path, intel: Intel):
    uri = "untitled:Untitled-1.py"
    files = Files(root)
    text = "def f(x):\n    print(x)\nf(1)\n"
    untitled: Mapping[str, FileHandle | None] = {uri: handle(uri, text)}
    files.hold(untitled)
    [found] = await intel.definition(files, uri, 2, 0)
    assert (found.location.uri, found.location.line) == (uri, 0)
    [edit] = await intel.annotate(files, uri, 0)
    assert isinstance(edit, ChangeText)
    assert edit.spans == ((8, 8, " -> None"),)
    [renamed] = await intel.rename(files, uri, 0, 4, "g")
    assert renamed.uri == uri


# --- problems --------------------------------------------------------------------------------------------


async def test_problems_are_of_the_unsaved_text(root: Path, intel: Intel):
    write(root, {"a.py": "x = 1\n"})
    files = Files(root, {"a.py": "import os\nprnt('😀', nope)\n"})
    problems = await intel.problems(files, files.uri("a.py"))
    assert {(one.code, one.range.start_line, one.range.start_column, one.severity) for one in problems} >= {
        ("F401", 0, 7, "warning"),
        ("F821", 1, 0, "error"),
        ("F821", 1, 10, "error"),
    }


async def test_syntax_errors_of_python_and_others(root: Path, intel: Intel):
    files = Files(root, {"a.py": "def f(:\n", "a.js": "function f( { return 1 }\n", "ok.go": "package a\n"})
    assert (await intel.problems(files, files.uri("a.py")))[0].severity == "error"
    assert await intel.problems(files, files.uri("a.js"))
    assert await intel.problems(files, files.uri("ok.go")) == ()


async def test_fix_keeps_line_ends_and_the_rest(root: Path, intel: Intel):
    text = "import os\r\nimport sys\r\n\r\nx = '😀'  \r\nprint(sys, x)\r\n"
    files = Files(root, {"a.py": text})
    texts = applied(files, await intel.fix(files, files.uri("a.py"), "F401"))
    assert texts["a.py"] == text.replace("import os\r\n", "")
    assert await intel.fix(files, files.uri("a.py"), "E711") == ()
    alone = Files(root, {"a.py": "import os\r\n\r\n\r\nx = 1\r\n"})
    texts = applied(alone, await intel.fix(alone, alone.uri("a.py"), "F401"))
    assert texts["a.py"] == "x = 1\r\n", "no file begins with a gap"


async def test_rules_that_do_not_exist_are_said(root: Path, intel: Intel):
    files = Files(root, {"a.py": "x = 1\n"})
    with pytest.raises(ToolFailed, match="ruff"):
        await intel.fix(files, files.uri("a.py"), "NOPE99")


# --- other languages and the loop ------------------------------------------------------------------------


async def test_other_languages_are_answered_by_name_and_labelled(root: Path, intel: Intel):
    files = Files(root, {"a.ts": "export function f() {}\n", "b.ts": "import { f } from './a';\nf();\n", "c.cob": "X"})
    [found] = await intel.definition(files, files.uri("b.ts"), 1, 0)
    assert (found.location.uri, "by name only" in found.text) == (files.uri("a.ts"), True)
    assert len(await intel.references(files, files.uri("b.ts"), 1, 0)) == 3
    with pytest.raises(ToolFailed, match="language"):
        await intel.definition(files, files.uri("c.cob"), 0, 0)


async def test_find_symbols_sees_disk_and_unsaved(root: Path, intel: Intel):
    write(root, {"pkg/a.py": "def on_disk(): 1\n", "node_modules/b.js": "function on_ignored() {}"})
    files = Files(root, {"new.py": "class OnBuffer: pass\n"})
    assert [one.name for one in await intel.find_symbols(files, "on_")] == ["on_disk"]
    assert [one.name for one in await intel.find_symbols(files, "onb")] == ["OnBuffer"]


async def test_a_late_hover_is_there_the_next_time(root: Path, intel: Intel):
    write(root, {"a.py": A, "b.py": B})
    files = Files(root)
    where = place(A, "old(x")
    assert await intel.hover(files, files.uri("a.py"), *where, timeout_s=0) == ""
    with anyio.fail_after(30):
        text = await intel.hover(files, files.uri("a.py"), *where, timeout_s=30)
    assert "Doc." in text


async def test_the_loop_does_not_stall_while_the_worker_is_busy(root: Path, intel: Intel):
    source = inspect.getsource(argparse)
    files = Files(root, {"big.py": source})
    await intel.definition(files, files.uri("big.py"), *place(source, "parse_args"))
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            begun = anyio.current_time()
            await anyio.sleep(0.005)
            ticks.append(anyio.current_time() - begun - 0.005)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        for edit in range(15):
            edited = Files(root, {"big.py": source + f"\n# {edit}\n"})
            await intel.references(edited, edited.uri("big.py"), *place(source, "class ArgumentParser", shift=6))
        tasks.cancel_scope.cancel()
    ticks.sort()
    assert len(ticks) > 20
    assert ticks[int(len(ticks) * 0.99)] < 0.1


async def test_the_worker_ends_while_nobody_asks_and_a_question_starts_it_again(root: Path) -> None:
    write(root, {"a.py": "def area(r):\n    return r\n\n\narea(1)\n"})
    files = Files(root)
    async with Intel(Workspace(root), timeout_s=30) as intel, anyio.create_task_group() as tasks:
        worker = intel._jedi._worker
        tasks.start_soon(intel.tend, 0.3)
        for n, ask in enumerate((intel.definition, intel.references, intel.hover), 1):
            assert await ask(files, files.uri("a.py"), 4, 0)
            assert worker.generation == n
            with anyio.fail_after(20):
                while not worker._life.is_lost:  # noqa: ASYNC110
                    await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()
