"""The offline model's jobs through the editor: the right text in the buffers, in one workspace edit."""

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.e2e.rig import Desk, desk

CODE = """import os
import sys


def twice(x):
    # copydesk: document this
    return x + x


def area(width: float, height: float) -> float:
    if width < 0:
        raise ValueError("width")
    return width * height
"""


def at(line: int, character: int = 4, end: int | None = None) -> Any:
    return {
        "start": {"line": line, "character": character},
        "end": {"line": line, "character": character if end is None else end},
    }


async def actions(d: Desk, uri: str, place: Any, diagnostics: Any = ()) -> list[Any]:
    params = {"textDocument": {"uri": uri}, "range": place, "context": {"diagnostics": list(diagnostics)}}
    return await d.client.request("textDocument/codeAction", params)


async def do(d: Desk, action: Any) -> str:
    """Carries a code action out as an editor does; the closing line of its turn."""
    command = action["command"]
    answer = await d.client.request(
        "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
    )
    return await d.ended(answer["turn"], 15)


@pytest.mark.parametrize("editor", ["vscode", "nvim-0.12", "emacs", "helix"])
async def test_an_instruction_comment(tmp_path: Path, editor: str) -> None:
    async with desk(tmp_path, None, editor=editor, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        found = await actions(d, uri, at(5))
        await do(d, next(each for each in found if "comment asks" in each["title"]))
        text = d.editor.text(uri)
        assert "copydesk:" not in text
        assert ast.get_docstring(ast.parse(text).body[2])
        assert text.endswith(CODE[CODE.index("def area") :])
        assert len(d.editor.applied) == 1


async def test_document_keeps_the_rest(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        found = await actions(d, uri, at(9))
        await do(d, next(each for each in found if each["title"].startswith("Copydesk: Document")))
        text = d.editor.text(uri)
        doc = ast.get_docstring(ast.parse(text).body[3])
        assert doc
        assert all(word in doc for word in ("width", "height", "ValueError"))
        start, end = text.index('"""'), text.rindex('"""') + 3
        without = text[: text.rindex("\n", 0, start)] + text[end:]
        assert without == CODE


async def test_explain_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        result = await d.run("explain", uri=uri, range=at(9))
        assert "area" in result["message"]
        assert "ValueError" in result["message"]
        assert d.editor.applied == []


async def test_what_the_client_found_before_is_not_still_found_after_the_fix(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        problem = {"range": at(0, 7, 9), "message": "`os` imported but unused", "code": "F401", "source": "Linter"}
        result = await d.run("fix", uri=uri, range=at(0, 7, 9), diagnostics=[problem])
        assert "Fixed" in result["message"]
        assert "`os`" not in result["message"].partition("Still")[2]


async def test_fix_what_the_client_reports(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files={"a.py": CODE}) as d:
        uri = d.open("a.py")
        problem = {"range": at(0, 7, 9), "message": "`os` imported but unused", "code": "F401", "source": "Ruff",
                   "severity": 2}  # fmt: skip
        found = await actions(d, uri, at(0, 7, 9), [problem])
        await do(d, next(each for each in found if each["title"].startswith("Copydesk: Fix")))
        text = d.editor.text(uri)
        assert "import os\n" not in text
        assert text.endswith(CODE[CODE.index("def twice") :])


async def test_tests_in_a_new_file(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "", "pkg/a.py": CODE, "tests/test_x.py": "def test_x():\n    assert True\n"}
    async with desk(tmp_path, None, files=files) as d:
        uri = d.open("pkg/a.py")
        result = await d.run("test", timeout_s=20, uri=uri, range=at(9))
        assert result["review"]["state"] == "applied", result
        made = [each for each in d.editor.buffers if "test_a" in each]
        assert made, result
        tree = ast.parse(d.editor.text(made[0]))
        assert any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in tree.body)
        assert d.editor.text(uri) == CODE


async def test_rename_across_a_file_that_is_not_saved(tmp_path: Path) -> None:
    files = {"a.py": "def twice(x):\n    return x + x\n", "b.py": "import a\n\nprint(a.twice(2))\n"}
    async with desk(tmp_path, None, files=files) as d:
        a = d.open("a.py")
        unsaved = "from a import twice\n\nprint(twice(3), twice(4))\n"
        b = d.open("b.py", unsaved)
        result = await d.run("refactor", timeout_s=20, uri=a, range=at(0, 5), instruction="rename to double")
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(a) == files["a.py"].replace("twice", "double")
        assert d.editor.text(b) == unsaved.replace("twice", "double")
        assert len(d.editor.applied) == 1


@pytest.mark.parametrize(
    ("instruction", "place", "expected"),
    [
        ("extract variable total", {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 16}},
         "def f(x, y):\n    total = x * y\n    return total + 2\n"),
        ("extract function total", {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 16}},
         "def total(x, y):"),
    ],
)  # fmt: skip
async def test_extract(tmp_path: Path, instruction: str, place: Any, expected: str) -> None:
    async with desk(tmp_path, None, files={}) as d:
        uri = d.open("a.py", "def f(x, y):\n    return x * y + 2\n")
        result = await d.run("refactor", timeout_s=20, uri=uri, range=place, instruction=instruction)
        assert result["review"]["state"] == "applied", result
        text = d.editor.text(uri)
        assert expected in text
        ast.parse(text)


async def test_organise_imports_and_annotate(tmp_path: Path) -> None:
    code = "import sys\nimport os\n\n\ndef f(x=1):\n    return [os.sep, sys.path, x]\n\n\ndef g():\n    return 'a'\n"
    async with desk(tmp_path, None, files={"a.py": code}) as d:
        uri = d.open("a.py")
        result = await d.run("prompt", timeout_s=20, uri=uri, text="organise the imports")
        assert result["review"]["state"] == "applied", result
        assert d.editor.text(uri).startswith("import os\nimport sys\n\n")
        result = await d.run("refactor", timeout_s=20, uri=uri, range=at(8), instruction="add type annotations")
        assert result["review"]["state"] == "applied", result
        assert "def g() -> str:" in d.editor.text(uri)


async def test_more_than_it_can_do_is_said(tmp_path: Path) -> None:
    async with desk(tmp_path, None, files={"a.py": CODE}) as d:
        result = await d.run("prompt", text="write me a web shop with payments")
        assert "not a language model" in result["message"]
        assert result["review"]["state"] == "none"
