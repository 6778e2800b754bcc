"""The story that every editor plays, in Neovim: with the plug-in, and with nothing but `vim.lsp.enable`."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.editors import story
from tests.editors.nvim import How, Neovim, neovim, nvim_or_skip

pytestmark = pytest.mark.slow
Begin = Callable[[dict[str, Any]], AbstractContextManager[Neovim]]
WAYS: tuple[tuple[str, How], ...] = (("oldest", "plugin"), ("newest", "plugin"), ("newest", "enable"))


@pytest.fixture(params=WAYS, ids="-".join)
def way(request: pytest.FixtureRequest) -> tuple[str, How]:
    """Which Neovim, and how the server is started in it. 0.10 has no `vim.lsp.enable`."""
    which, how = request.param
    return nvim_or_skip(which), how


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return story.project(tmp_path)


@pytest.fixture
def begin(way: tuple[str, How], root: Path, tmp_path: Path) -> Begin:
    program, how = way
    return lambda settings: neovim(root, tmp_path / "state", settings, program=program, how=how, size=(30, 80))


class Person:
    """What a person does in each scene: by `:Copydesk` with the plug-in, by code actions and commands without."""

    def __init__(self, nvim: Neovim, root: Path, how: How) -> None:
        self.nvim = nvim
        self.path = root / "a.py"
        self.has_plugin = how == "plugin"
        self.n_ended = 0

    def ask(self, text: str) -> None:
        if self.has_plugin:
            self.nvim.copydesk(f"prompt {text}")
        else:
            self.nvim.command("copydesk.prompt", {"text": text})

    def end(self) -> dict[str, Any]:
        self.n_ended += 1
        return self.nvim.ended(self.n_ended)[-1]

    def waiting(self, count: int) -> None:
        """Until that many hunks are marked, or hinted at, in a.py."""
        if self.has_plugin:
            self.nvim.until(lambda: len(heads(self.nvim)) == count, f"{count} marks")
        else:
            self.nvim.until(lambda: len(hints(self.nvim)) == count, f"{count} hints")

    def accept_first(self) -> None:
        if self.has_plugin:
            self.nvim.copydesk("review")
            self.nvim.until(lambda: self.nvim.lua("return vim.fn.line('.')") == 5, "at the first hunk")
            self.nvim.copydesk("accept")
        else:
            self.nvim.at(5)
            choose(self.nvim, "Accept hunk")

    def accept_all(self) -> None:
        if self.has_plugin:
            self.nvim.copydesk("accept all")
        else:
            choose(self.nvim, "Accept all")

    def undo(self) -> None:
        if self.has_plugin:
            self.nvim.copydesk("undo")
        else:
            self.nvim.command("copydesk.undo")

    def cancel(self) -> None:
        if self.has_plugin:
            self.nvim.copydesk("cancel")
        else:
            self.nvim.command("copydesk.cancel")

    def becomes(self, text: str, why: str) -> None:
        self.nvim.until(lambda: self.nvim.text(self.path) + "\n" == text, why)


def heads(nvim: Neovim) -> list[str]:
    """What stands behind the first line of each marked hunk."""
    code = """
        local space, found = vim.api.nvim_get_namespaces()['copydesk.marks'], {}
        for _, m in ipairs(space and vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }) or {}) do
            if m[4].virt_text then table.insert(found, vim.trim(m[4].virt_text[1][1])) end
        end
        return found
    """
    return nvim.lua(code) or []


def hints(nvim: Neovim) -> list[str]:
    code = """
        return vim.tbl_map(function(d) return d.message end,
            vim.tbl_filter(function(d) return d.source == 'copydesk' end, vim.diagnostic.get(0)))
    """
    return nvim.lua(code) or []


def choose(nvim: Neovim, title: str) -> None:
    """By its whole title: some begin with another's."""
    code = "local t = ... vim.lsp.buf.code_action({ filter = function(a) return a.title == t end, apply = true })"
    nvim.lua(code, f"Copydesk: {title}")


def test_offline(begin: Begin, way: tuple[str, How], root: Path) -> None:
    with begin(story.offline()) as nvim:
        person = Person(nvim, root, way[1])
        nvim.edit(person.path)
        nvim.at(4, 4)
        nvim.lua("vim.lsp.buf.hover()")
        nvim.shows("Called by")
        nvim.keys("<Esc>")
        nvim.at(1, 7)
        assert "Copydesk: Fix problems in os" in nvim.titles() or nvim.titles()[0].startswith("Copydesk: Fix")
        nvim.choose("Copydesk: Fix")
        person.end()
        assert next(value["kind"] for value in nvim.progress) == "begin"
        assert nvim.progress[0]["title"].startswith("Copydesk")
        person.waiting(1)
        person.accept_all()
        person.becomes(story.FIXED, "the import is gone")
        assert person.path.read_text(encoding="utf-8") == story.SOURCE, "nothing is saved"
        assert not nvim.waits_for_a_key()


def type_while_it_runs(nvim: Neovim) -> Iterator[None]:
    nvim.keys("<C-\\><C-n>Go")
    for line in story.TYPED.splitlines():
        nvim.keys(f"{line}<CR>")
        time.sleep(0.15)
        yield
    nvim.keys("<BS><Esc>" if nvim.lua("return vim.fn.mode()") == "i" else "")


def test_scripted(begin: Begin, way: tuple[str, How], root: Path, tmp_path: Path) -> None:
    with begin(story.scripted(tmp_path)) as nvim:
        person = Person(nvim, root, way[1])
        nvim.edit(person.path)

        person.ask(story.EDIT)
        person.end()
        person.waiting(2)
        person.accept_first()
        person.becomes(story.SOURCE.replace(*story.HUNK_1), "one is accepted")
        person.waiting(1)
        person.accept_all()
        person.becomes(story.AFTER_REVIEW, "all is accepted")
        assert person.path.read_text(encoding="utf-8") == story.SOURCE, "nothing is saved"

        person.ask(story.TYPE)
        for _ in type_while_it_runs(nvim):
            pass
        person.end()
        person.waiting(1)
        person.accept_all()
        person.becomes(story.AFTER_TYPING, "both are there")
        person.undo()
        person.becomes(story.AFTER_UNDO, "the turn's text is gone, what was typed is there")

        n_begun = len(nvim.progress)
        person.ask(story.LONG)
        nvim.until(lambda: any(value["kind"] != "end" for value in nvim.progress[n_begun:]), "it runs")
        person.cancel()
        nvim.until(lambda: any(value.get("message") == "cancelled" for value in nvim.progress), "cancelled")
        person.becomes(story.AFTER_UNDO, "nothing changed")

        person.ask(story.QUESTION)
        nvim.pick(story.QUESTION_TEXT, story.ANSWER)
        nvim.until(lambda: any(story.LAST_WORDS in said for said in nvim.messages), "the last words")

        person.ask(story.RUN)
        nvim.pick(story.DENIED, "Deny")
        nvim.pick(story.ALLOWED, "Allow once")
        nvim.until(lambda: any(story.RAN in said for said in nvim.messages), "the command has run")
        assert not nvim.waits_for_a_key()
