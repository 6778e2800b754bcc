"""The tools over real analysers and the real chain: unsaved and pending text of other modules is seen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from copydesk.code.intel import Intel
from copydesk.tools.registry import Toolbox, default_tools
from copydesk.workspace.uris import to_uri
from tests.support.memory import call
from tests.unit.contracts.chains import ChainWork, on_disk

A = "from b import old_name\n\n\ndef use(n):\n    return old_name(n) + old_name(2 * n)\n"
B = "import os\n\n\ndef old_name(x):\n    '''Twice.'''\n    return 2 * x\n"


class Desk:
    """A workspace with every tool; `said` makes one call and gives what the model reads."""

    def __init__(self, work: ChainWork, code: Intel) -> None:
        self.work = work
        self.box = Toolbox(default_tools(work.workspace, code))

    async def said(self, name: str, **arguments: object) -> list[str]:
        return (await call(self.box.find(name), self.work, **arguments)).content.split("\n")

    def text(self, path: str) -> str:
        return self.work.files.read(self.work.resolve(path)).text


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    work = on_disk(tmp_path, {"a.py": A, "b.py": "nothing_here = 0\n"})
    work.workspace.overlay.open(to_uri(str(tmp_path / "b.py")), "python", 1, B)
    async with Intel(work.workspace, timeout_s=30) as code:
        yield Desk(work, code)


async def test_definitions_and_diagnostics_of_unsaved_text(desk: Desk):
    assert (await desk.said("definitions", path="b.py"))[1] == "4–6 def old_name(x)"
    rows = await desk.said("diagnostics", path="b.py")
    assert rows[1].startswith("b.py:1:8 ")
    assert "F401" in rows[1]


@pytest.mark.slow
async def test_a_name_of_an_unsaved_module_is_found_and_renamed_everywhere(desk: Desk):
    assert (await desk.said("code_intel", action="definition", path="a.py", line=5, symbol="old_name"))[1].startswith(
        "b.py:4:5 "
    )
    rows = await desk.said("refactor", action="rename", path="a.py", line=5, symbol="old_name", new_name="twice")
    assert rows[0] == "rename: changed 2 files."
    assert desk.text("a.py") == A.replace("old_name", "twice")
    assert desk.text("b.py") == B.replace("old_name", "twice")
    rows = await desk.said("code_intel", action="references", path="b.py", line=4)
    assert rows[0] == "4 references"
    assert "Twice." in "\n".join(await desk.said("code_intel", action="hover", path="a.py", line=5, symbol="twice"))


@pytest.mark.slow
async def test_extract_fix_and_organize(desk: Desk):
    await desk.said("refactor", action="extract_variable", path="a.py", line=5, text="2 * n", new_name="double")
    assert "double = 2 * n\n" in desk.text("a.py")
    assert "old_name(double)" in desk.text("a.py")
    await desk.said("refactor", action="fix", path="b.py", rules="F401")
    assert "import os" not in desk.text("b.py")
    assert await desk.said("refactor", action="organize_imports", path="b.py") == [
        "organize_imports: nothing to change."
    ]
