"""A person's day in a real Neovim: what is on the screen, what is in the buffer, what is on disk.

Needs Neovim 0.10 or newer: `install/nvim.sh`, or any on the PATH. The model is the offline one or a script.
"""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.editors.nvim import Neovim, find_nvim, neovim
from tests.editors.requirements import editor_or_skip

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def needs_neovim() -> None:
    editor_or_skip("Neovim (COPYDESK_NVIM, or nvim on PATH)", find_nvim())


SOURCE = """import os


def area(width, height):
    return width * height


def total(values):
    s = "é😀"; x = sum(values); return x


print(area(1, 2), total([3]))
"""
OFFLINE = {"model": {"name": "offline"}}
APPLY = {"permissions": {"mode": "acceptEdits"}}
CONFIRM = {"review": {"mode": "confirm"}}
N_TYPED = 20


class Start(Protocol):
    def __call__(self, *settings: dict[str, Any], **how: Any) -> AbstractContextManager[Neovim]: ...


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "proj"
    root.mkdir()
    (root / "a.py").write_text(SOURCE, encoding="utf-8")
    (root / "b.py").write_text("from a import area\n\nprint(area(2, 3))\n", encoding="utf-8")
    return root


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Start:
    def started(*settings: dict[str, Any], **how: Any) -> AbstractContextManager[Neovim]:
        merged = {key: value for each in settings for key, value in each.items()}
        return neovim(root, tmp_path / "state", merged, **how)

    return started


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Any]:
    def settings(*steps: str) -> dict[str, Any]:
        path = tmp_path / "model.script"
        path.write_text("\n--- step\n".join(steps), encoding="utf-8")
        return {"model": {"name": f"scripted:{path}"}}

    return settings


def edit_file(path: str, old: str, new: str) -> str:
    return "tool: edit_file " + json.dumps({"path": path, "old_text": old, "new_text": new})


def is_010(nvim: Neovim) -> bool:
    return nvim.lua("return vim.fn.has('nvim-0.11')") == 0


def confirm(nvim: Neovim, *, yes: bool) -> None:
    """0.10 shows our own question; newer ones ask themselves, because they know change annotations."""
    if is_010(nvim):
        nvim.answer("Type number", "1<CR>" if yes else "2<CR>")
    else:
        nvim.answer("[Y]es, (N)o", "y" if yes else "n")


def windows(nvim: Neovim) -> list[str]:
    return nvim.lua(
        "return vim.tbl_map(function(w) return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w)) end,"
        " vim.api.nvim_list_wins())"
    )


def test_hover_and_the_menu(start: Start, root: Path) -> None:
    with start(OFFLINE) as nvim:
        nvim.edit(root / "a.py")
        nvim.at(4, 4)
        nvim.lua("vim.lsp.buf.hover()")
        nvim.shows("Called by")
        assert nvim.titles() == [
            "Copydesk: Fix problems in area",
            "Copydesk: Explain area",
            "Copydesk: Document area",
            "Copydesk: Write tests for area",
            "Copydesk: Refactor area…",
        ]


@pytest.mark.parametrize("yes", [True, False])
def test_document_asks_first_and_is_one_undo(start: Start, root: Path, yes: bool) -> None:
    with start(OFFLINE, CONFIRM) as nvim:
        nvim.edit(root / "a.py")
        nvim.at(4, 4)
        nvim.choose("Copydesk: Document")
        confirm(nvim, yes=yes)
        nvim.ended()
        text = nvim.text(root / "a.py")
        assert ('"""Return the area.' in text) is yes
        assert (root / "a.py").read_text(encoding="utf-8") == SOURCE, "nothing is saved by the server"
        nvim.until(lambda: nvim.messages, "the answer")
        assert ("not saved" if yes else "discarded") in nvim.messages[-1]
        if yes:
            nvim.lua("vim.api.nvim_buf_call(vim.fn.bufnr(...), function() vim.cmd.undo() end)", str(root / "a.py"))
            assert nvim.text(root / "a.py") + "\n" == SOURCE


def test_fix_where_neovim_keeps_the_diagnostics_to_itself(start: Start, root: Path) -> None:
    with start(OFFLINE, APPLY) as nvim:
        nvim.edit(root / "a.py")
        nvim.at(1, 0)
        nvim.choose("Copydesk: Fix problems")
        nvim.ended()
        assert "import os" not in nvim.text(root / "a.py")


def test_an_instruction_comment_is_obeyed_in_two_files_and_goes(start: Start, root: Path) -> None:
    with start(OFFLINE, APPLY) as nvim:
        nvim.edit(root / "a.py")
        nvim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, true, {'# copydesk: rename area to surface'})")
        nvim.at(1, 4)
        assert nvim.titles() == ["Copydesk: Do what this comment asks"]
        nvim.choose("Copydesk: Do what")
        nvim.ended()
        assert nvim.text(root / "a.py") + "\n" == SOURCE.replace("area", "surface")
        assert nvim.text(root / "b.py") == "from a import surface\n\nprint(surface(2, 3))"
        assert "area" in (root / "b.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("filetypes", [("python", "markdown"), ("python",)])
def test_a_prompt_document(start: Start, root: Path, filetypes: tuple[str, ...]) -> None:
    with start(OFFLINE, APPLY, filetypes=filetypes) as nvim:
        nvim.edit(root / "a.py")
        nvim.at(8, 4)
        nvim.titles()
        assert "document" in nvim.command("copydesk.prompt")
        nvim.until(lambda: "prompts" in nvim.lua("return vim.api.nvim_buf_get_name(0)"), "the document")
        assert nvim.lua("return vim.api.nvim_win_get_cursor(0)") == [3, 0]
        nvim.keys("irename total to add_up<Esc>")
        nvim.until(lambda: "add_up" in nvim.text(), "typed")
        if "markdown" in filetypes:
            nvim.choose("Copydesk: Send")
        else:
            nvim.lua("vim.cmd.write()")
            nvim.command("copydesk.send")
        nvim.ended()
        assert "def add_up" in nvim.text(root / "a.py")


def test_typing_while_a_turn_runs_loses_nothing(start: Start, root: Path, script: Any) -> None:
    model = script("delay: 0.8\n" + edit_file("a.py", "x = sum(values)", "x = sum(list(values))"), "text: Done.")
    with start(model, APPLY) as nvim:
        nvim.edit(root / "a.py")
        nvim.command("copydesk.prompt", {"text": "go"})
        nvim.at(12)
        nvim.keys("Go")
        for number in range(N_TYPED):
            nvim.keys(f"# typed {number}<CR>")
            time.sleep(0.05)  # a person's pace; the turn ends somewhere in between
        nvim.ended()
        nvim.keys("the end<Esc>")
        text = nvim.until(lambda: (now := nvim.text(root / "a.py")).endswith("the end") and now, "the last words")
        typed = "".join(f"# typed {number}\n" for number in range(N_TYPED))
        assert text == SOURCE.replace("sum(values)", "sum(list(values))") + typed + "the end"


def test_a_long_turn_is_cancelled_and_changes_nothing(start: Start, root: Path, script: Any) -> None:
    model = script(edit_file("a.py", "x = sum(values)", "x = 0"), "delay: 60\ntext: never")
    with start(model, APPLY) as nvim:
        nvim.edit(root / "a.py")
        turn = nvim.command("copydesk.prompt", {"text": "go"})["turn"]
        nvim.until(lambda: nvim.command("copydesk.status")["running"][0]["step"] == 2, "the second step")
        assert nvim.command("copydesk.cancel") == {"cancelled": [turn]}
        assert nvim.ended()[0]["message"] == "cancelled"
        assert nvim.text(root / "a.py") + "\n" == SOURCE


def test_a_file_with_crlf_keeps_it(start: Start, root: Path) -> None:
    (root / "a.py").write_bytes(SOURCE.replace("\n", "\r\n").encode())
    with start(OFFLINE, APPLY) as nvim:
        nvim.edit(root / "a.py")
        nvim.at(4, 4)
        nvim.choose("Copydesk: Document")
        nvim.ended()
        nvim.lua("vim.cmd.wall()")
        data = (root / "a.py").read_bytes()
        assert b"Return the area" in data
        assert data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")


def test_a_new_file_in_a_new_folder_and_text_after_wide_characters(start: Start, root: Path, script: Any) -> None:
    new = "tool: write_file " + json.dumps({"path": "sub/new.py", "content": "a = 1\n"})
    model = script(new + "\n" + edit_file("a.py", "; x = sum(values); return x", "; y = 0; return y"), "text: Done.")
    with start(model, APPLY) as nvim:
        nvim.edit(root / "a.py")
        nvim.command("copydesk.prompt", {"text": "go"})
        nvim.ended()
        assert 's = "é😀"; y = 0; return y' in nvim.text(root / "a.py")
        nvim.lua("vim.cmd.wall()")
        assert (root / "sub" / "new.py").read_text(encoding="utf-8") == "a = 1\n"


def test_short_answers_are_messages_and_long_ones_documents(start: Start, root: Path, script: Any) -> None:
    with start(
        script("text: One line.", "text: |\n  # Head\n\n  one\n  two\n  three\n  ![x](http://x.invalid/)")
    ) as nvim:
        nvim.edit(root / "a.py")
        nvim.command("copydesk.ask", {"text": "go"})
        nvim.until(lambda: nvim.messages, "the answer")
        assert nvim.messages[0].endswith("One line.")
        nvim.command("copydesk.ask", {"text": "go on"})
        document = nvim.until(lambda: next((name for name in windows(nvim) if "/turn/" in name), ""), "the document")
        assert "x.invalid" not in nvim.text(document)
        assert nvim.lua("return vim.api.nvim_buf_get_name(0)") == str(root / "a.py"), "the focus stays"
