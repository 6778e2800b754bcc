"""Hunks in the text, in Neovim with the plug-in: what is marked, where the keys go, and what a decision does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors import story
from tests.editors.nvim import VERSIONS, Neovim, neovim, nvim_or_skip

pytestmark = pytest.mark.slow

MARKS = """
    local buf = vim.fn.bufnr('a.py')
    local space, found = vim.api.nvim_get_namespaces()['copydesk.marks'], {}
    for _, m in ipairs(space and vim.api.nvim_buf_get_extmarks(buf, space, 0, -1, { details = true }) or {}) do
        local row, d = m[2] + 1, m[4]
        if d.line_hl_group then table.insert(found, ('%d %s %s'):format(row, vim.trim(d.sign_text), d.line_hl_group)) end
        if d.virt_text then
            local sign = d.sign_text and (' ' .. vim.trim(d.sign_text)) or ''
            table.insert(found, ('%d%s %s'):format(row, sign, vim.trim(d.virt_text[1][1])))
        end
        for _, line in ipairs(d.virt_lines or {}) do
            local text = {}
            for _, chunk in ipairs(line) do
                local piece = vim.trim(chunk[1]) == '' and '' or chunk[1]
                table.insert(text, chunk[2] == 'CopydeskAddText' and ('[' .. piece .. ']') or piece)
            end
            local where = d.virt_lines_above and 'above' or 'below'
            table.insert(found, ('%d %s |%s'):format(row, where, table.concat(text)))
        end
    end
    table.sort(found)
    return found
"""
BOTH = [
    "13 - CopydeskDelete",
    "13 below |    print(area(1, 2))",
    "13 below |    print(total([3]))",
    "13 ◀ 2/2 −1 +2",
    "5 - CopydeskDelete",
    "5 below |    return [float(width * height)]",
    "5 ◀ 1/2 −1 +1",
]


def marks(nvim: Neovim) -> list[str]:
    return nvim.lua(MARKS) or []


def marked(nvim: Neovim, expected: list[str], why: str = "the marks") -> None:
    nvim.until(lambda: marks(nvim) == expected, f"{why}: {expected}")


def line(nvim: Neovim) -> int:
    return nvim.lua("return vim.fn.line('.')")


@pytest.fixture(params=VERSIONS)
def program(request: pytest.FixtureRequest) -> str:
    return nvim_or_skip(request.param)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return story.project(tmp_path)


def settings_of(tmp_path: Path, *steps: str) -> dict[str, Any]:
    script = tmp_path / "model.script"
    script.write_text("\n--- step\n".join(steps), encoding="utf-8")
    return {"model": {"name": f"scripted:{script}"}}


@pytest.fixture
def nvim(program: str, root: Path, tmp_path: Path) -> Iterator[Neovim]:
    """After the story's first turn: two hunks wait in a.py."""
    settings = settings_of(tmp_path, *story.STEPS[:2])
    with neovim(root, tmp_path / "state", settings, program=program, how="plugin", size=(30, 80)) as started:
        started.edit(root / "a.py")
        started.copydesk(f"prompt {story.EDIT}")
        started.ended()
        marked(started, BOTH)
        yield started
        assert not started.waits_for_a_key()
        assert "Error" not in started.lua("return vim.fn.execute('messages')")


def test_the_marks_and_what_is_drawn(nvim: Neovim) -> None:
    nvim.shows("float(width * height)")
    nvim.shows("1/2")
    assert nvim.lua("return vim.fn.execute('sign place')").count("CopydeskSign") == 0, "extmarks, not old signs"
    groups = nvim.lua(
        "return vim.tbl_map(function(n) return vim.api.nvim_get_hl(0, { name = n }).link end,"
        " { 'CopydeskAdd', 'CopydeskDelete' })"
    )
    assert groups == ["DiffAdd", "DiffDelete"]
    shown = nvim.lua(
        "local c = client() return vim.diagnostic.config(nil, vim.lsp.diagnostic.get_namespace(c.id)).signs"
    )
    assert shown is False, "the hints are not drawn over the marks"


def test_motions_and_a_count(nvim: Neovim) -> None:
    nvim.lua("vim.keymap.set('n', ']h', '<Plug>(copydesk-next-hunk)')")
    nvim.lua("vim.keymap.set('n', '[h', '<Plug>(copydesk-previous-hunk)')")
    for key, to in (("gg]h", 5), ("]h", 13), ("]h", 5), ("[h", 13), ("[h", 5)):
        nvim.keys(key)
        nvim.until(lambda to=to: line(nvim) == to, f"{key} to {to}, but at {line(nvim)}")
    nvim.keys("<C-o>")
    nvim.until(lambda: line(nvim) == 13, "a jump, as others")


def test_one_line_is_accepted_then_the_rest(nvim: Neovim) -> None:
    nvim.at(13)
    nvim.copydesk("accept line")
    one = story.SOURCE.replace(story.HUNK_2[0], "print(area(1, 2))")
    nvim.until(lambda: nvim.text("a.py") + "\n" == one, "one line")
    rest = [mark for mark in BOTH if mark.startswith("5 ")]
    marked(nvim, [*_inserted(nvim), *rest])
    nvim.copydesk("accept file")
    nvim.until(lambda: nvim.text("a.py") + "\n" == story.AFTER_REVIEW, "the rest")
    marked(nvim, [])
    assert nvim.notified("nothing waits any more")


def _inserted(nvim: Neovim) -> list[str]:
    """The line that is left stands between 13 and 14."""
    nvim.until(lambda: any("+ ◀ 2/2 +1" in mark for mark in marks(nvim)), "an insertion")
    return [mark for mark in marks(nvim) if not mark.startswith("5 ")]


def test_selected_lines(nvim: Neovim) -> None:
    nvim.keys("12GVj:Copydesk accept<CR>")
    nvim.until(lambda: story.HUNK_2[1] in nvim.text("a.py"), "the hunk within the selection")
    marked(nvim, [mark.replace("1/2", "1/1") for mark in BOTH if mark.startswith("5 ")])


def test_a_rejection_with_a_reason(nvim: Neovim) -> None:
    nvim.copydesk("review")
    nvim.until(lambda: line(nvim) == 5, "at the first")
    nvim.copydesk("reject it is an integer")
    marked(nvim, [mark.replace("2/2", "1/1") for mark in BOTH if mark.startswith("13")])
    nvim.keys(":Copydesk! reject all<CR>")
    nvim.shows("Why?")
    nvim.keys("not like this<CR>")
    marked(nvim, [])
    assert nvim.text("a.py") + "\n" == story.SOURCE


def test_typing_moves_the_marks(nvim: Neovim) -> None:
    def moved() -> list[str]:
        return [f"{int(mark.split(' ')[0]) + 2} {mark.split(' ', 1)[1]}" for mark in BOTH]

    nvim.keys("ggOone<CR>two")
    nvim.until(lambda: nvim.text("a.py").startswith("one\ntwo\n"), "typed")
    assert sorted(moved()) == marks(nvim), "at once, before the server has said a word"
    nvim.keys("<Esc>")
    nvim.copydesk("next")
    nvim.until(lambda: line(nvim) == 7, "at the first")
    marked(nvim, sorted(moved()), "still there when the server has seen it")
    nvim.copydesk("accept")
    nvim.until(
        lambda: "two\n" + story.SOURCE.replace(*story.HUNK_1) in nvim.text("a.py") + "\n", "accepted where it is"
    )


def test_typing_in_a_hunk_holds_it_back(nvim: Neovim) -> None:
    nvim.at(13, 18)
    nvim.keys("c2wnothing<Esc>")
    nvim.until(lambda: any("held back" in mark for mark in marks(nvim)), "it says that it is held back")
    nvim.keys("u")
    marked(nvim, BOTH, "the typing is taken back")


def test_a_diff_beside_it(nvim: Neovim) -> None:
    nvim.copydesk("diff")
    nvim.until(lambda: nvim.lua("return #vim.api.nvim_tabpage_list_wins(0)") == 2, "two windows")
    both = (
        "return vim.tbl_map(function(w) return table.concat("
        "vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 0, -1, true), '\\n') .. '\\n' end,"
        " vim.api.nvim_tabpage_list_wins(0))"
    )
    nvim.until(lambda: nvim.lua(both) == [story.SOURCE, story.AFTER_REVIEW], "the file, and what it would be")
    assert marks(nvim) == [], "the diff shows the same"
    nvim.at(5)
    nvim.copydesk("accept")
    nvim.until(lambda: nvim.text("a.py") + "\n" == story.SOURCE.replace(*story.HUNK_1), "accepted in the diff")
    nvim.keys("<C-w>lq")
    nvim.until(lambda: nvim.lua("return vim.fn.tabpagenr('$')") == 1, "closed")
    marked(nvim, [mark.replace("2/2", "1/1") for mark in BOTH if mark.startswith("13")])


def test_new_and_deleted_files_and_the_first_line(program: str, root: Path, tmp_path: Path) -> None:
    steps = (
        (
            'tool: write_file {"path": "new.py", "content": "fresh = 1\\n"}\ntool: delete_file {"path": "b.py"}\n'
            'tool: edit_file {"path": "a.py", "old_text": "import os\\n", "new_text": "import re\\nimport os\\n"}'
        ),
        "text: Done.",
    )
    settings = settings_of(tmp_path, *steps)
    with neovim(root, tmp_path / "state", settings, program=program, how="plugin", size=(30, 80)) as nvim:
        nvim.edit(root / "a.py")
        nvim.copydesk("prompt go")
        nvim.ended()
        marked(nvim, ["1 + ◀ 1/1 +1", "1 above |import re"])
        assert nvim.lua("return vim.fn.winsaveview().topfill") == 1, "the line above the first is on the screen"
        nvim.copydesk("next")
        nvim.until(lambda: nvim.lua("return vim.fn.expand('%:t')") == "b.py", "the next file")
        nvim.shows("would delete this file")
        nvim.copydesk("next")
        nvim.until(lambda: nvim.text() == "fresh = 1", "the preview of the new file")
        assert nvim.lua("return vim.bo.modifiable") is False
        nvim.copydesk("accept")
        nvim.until(lambda: "fresh = 1" in nvim.text(root / "new.py"), "made, in the editor")
        nvim.copydesk("reject all")
        nvim.until(lambda: nvim.lua("return require('copydesk.state').n_pending") == 0, "nothing waits")
        assert (root / "b.py").exists()


def test_what_an_earlier_server_left_is_marked(nvim: Neovim) -> None:
    nvim.copydesk("restart")
    assert nvim.notified("started again")
    marked(nvim, BOTH)
