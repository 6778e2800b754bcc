"""Review in a real Neovim with no plug-in: hints, the code-action menu, lenses and the diff. The model is a script."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.nvim import Neovim, find_nvim, neovim
from tests.editors.requirements import editor_or_skip

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def needs_neovim() -> None:
    editor_or_skip("Neovim (COPYDESK_NVIM, or nvim on PATH)", find_nvim())


CODE = "".join(f"line_{n} = {n}\n" for n in range(1, 21))


def edit_file(path: str, old: str, new: str) -> str:
    return "tool: edit_file " + json.dumps({"path": path, "old_text": old, "new_text": new})


@pytest.fixture
def nvim(tmp_path: Path) -> Iterator[Neovim]:
    root = tmp_path / "proj"
    root.mkdir()
    (root / "a.py").write_text(CODE, encoding="utf-8")
    (root / "b.py").write_text(CODE, encoding="utf-8")
    script = tmp_path / "model.script"
    steps = (
        edit_file("a.py", "line_3 = 3\n", "line_3 = 'é😀'\n"),
        edit_file("a.py", "line_10 = 10\n", "line_10 = 10\nnew_1 = 1\nnew_2 = 2\n"),
        edit_file("b.py", "line_5 = 5\n", "line_5 = 0\n"),
        "text: Done.",
    )
    script.write_text("\n--- step\n".join(steps), encoding="utf-8")
    settings = {"model": {"name": f"scripted:{script}"}, "review": {"mode": "hunks"}}
    with neovim(root, tmp_path / "state", settings) as started:
        started.edit(root / "a.py")
        started.command("copydesk.prompt", {"text": "go"})
        started.ended()
        yield started


def hints(nvim: Neovim, name: str = "a.py") -> list[Any]:
    code = """
        local found = {}
        for _, d in ipairs(vim.diagnostic.get(nil)) do
            if d.source == 'copydesk' and vim.endswith(vim.api.nvim_buf_get_name(d.bufnr), ...) then
                table.insert(found, { d.lnum + 1, d.message, d.severity })
            end
        end
        return found
    """
    return nvim.lua(code, name) or []


def choose(nvim: Neovim, title: str) -> None:
    """By its whole title: some begin with another's."""
    code = "local t = ... vim.lsp.buf.code_action({ filter = function(a) return a.title == t end, apply = true })"
    nvim.lua(code, f"Copydesk: {title}")


def names(nvim: Neovim) -> list[str]:
    return nvim.lua(
        "return vim.tbl_map(function(w) return vim.api.nvim_buf_get_name(vim.api.nvim_win_get_buf(w)) end,"
        " vim.api.nvim_list_wins())"
    )


def test_hints_follow_typing_and_go_when_decided(nvim: Neovim) -> None:
    nvim.until(lambda: len(hints(nvim)) == 2, "the hints")
    assert hints(nvim) == [[3, "Pending: −1 +1: line_3 = 'é😀'", 4], [11, "Pending: +2: new_1 = 1", 4]]
    assert hints(nvim, "b.py") == [[5, "Pending: −1 +1: line_5 = 0", 4]]
    nvim.lua("vim.api.nvim_buf_set_lines(vim.fn.bufnr('a.py'), 0, 0, true, {'# typed'})")
    nvim.until(lambda: [hint[0] for hint in hints(nvim)] == [4, 12], "moved")
    nvim.at(4)
    choose(nvim, "Accept hunk")
    nvim.until(lambda: len(hints(nvim)) == 1, "accepted")
    assert nvim.text("a.py") + "\n" == "# typed\n" + CODE.replace("line_3 = 3\n", "line_3 = 'é😀'\n")
    nvim.at(12)
    choose(nvim, "Accept line: new_2 = 2")
    nvim.until(lambda: "line_10 = 10\nnew_2 = 2\n" in nvim.text("a.py"), "the line")
    nvim.at(12)
    nvim.until(lambda: hints(nvim), "the rest")
    choose(nvim, "Reject hunk")
    nvim.until(lambda: not hints(nvim), "rejected")
    choose(nvim, "Accept all")
    nvim.until(lambda: "line_5 = 0" in nvim.text("b.py"), "the other file")
    nvim.until(lambda: not hints(nvim, "b.py"), "nothing waits")


def test_what_waits_is_said_and_the_diff_stands_beside_the_file(nvim: Neovim) -> None:
    nvim.until(lambda: any("3 hunks in a.py, b.py wait for you" in text for text in nvim.messages), "the message")
    nvim.until(lambda: any(name.endswith(".diff") for name in names(nvim)), "the diff")
    assert nvim.lua("return vim.api.nvim_buf_get_name(0)").endswith("a.py"), "the focus stays"
    shown = nvim.command("copydesk.review.show", {"uri": next_uri(nvim)})
    nvim.until(lambda: nvim.lua("return vim.api.nvim_buf_get_name(0)").endswith(".diff"), "the diff is entered")
    assert nvim.lua("return vim.api.nvim_get_current_line()").startswith(("-line_3", "+line_3"))
    assert shown["document"].endswith(".diff")


def next_uri(nvim: Neovim) -> str:
    return nvim.lua("return vim.uri_from_bufnr(vim.fn.bufnr('a.py'))")


def test_lenses(nvim: Neovim) -> None:
    nvim.until(lambda: len(hints(nvim)) == 2, "the hints")
    titles = nvim.lua(
        """
        local answers = vim.lsp.buf_request_sync(0, 'textDocument/codeLens',
            { textDocument = vim.lsp.util.make_text_document_params() }, 5000)
        local titles = {}
        for _, answer in pairs(answers) do
            for _, lens in ipairs(answer.result) do table.insert(titles, lens.command.title) end
        end
        return titles
        """
    )
    assert titles == ["Accept all in file (2)", *["Accept hunk", "Reject hunk", "Show"] * 2]
    nvim.at(3)
    # Some versions show a menu of the lenses on the line; the editor's own code runs the one that is chosen.
    nvim.lua("vim.ui.select = function(items, _, choose) choose(items[1], 1) end")
    nvim.lua("(vim.lsp.codelens.refresh or vim.lsp.codelens.enable)()")
    nvim.lua("vim.defer_fn(function() vim.lsp.codelens.run() end, 300)")
    nvim.until(lambda: "line_3 = 'é😀'" in nvim.text("a.py"), "accepted by lens")
