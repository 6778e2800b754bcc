"""What the pages on editors tell people to write: it parses, and what it names exists.

Start with the test that failed; its id names the page. Pages whose lines are run are tested in `tests/editors`.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from copydesk.config.settings import SETTINGS
from copydesk.lsp.names import COMMANDS
from tests.editors.nvim import find_nvim
from tests.editors.requirements import editor_or_skip
from tests.editors.test_emacs_story import find_emacs
from tests.editors.vim import find_vim
from tests.support.editor_pages import ROOT, Snippet, pages, snippet, snippets

NO_PROGRAM = ("vim", "kate", "sublime", "zed", "jetbrains")
"""Editors that have a page and nothing else; these say for each what it can do."""
WAYS = ("hover", "actions", "comment", "free text", "review", "cancel", "undo")
CLIENT_ONLY = ("server.command", "server.interpreter", "trace.server")
FILES = {"lua", "el", "nvim", "vim", "py", "txt", "vsix", "toml"}
LINK = re.compile(r"\[[^\]]*\]\((?P<to>[^)\s#]+)(?:#[^)]*)?\)")
NAME = re.compile(r"(?<![\w./:-])copydesk\.(?P<rest>[a-z]\w*(?:\.\w+)*)")

ALL = [each for page in pages() for each in snippets(page)]
SETTING_NAMES = {setting.key for setting in SETTINGS}


def of(*languages: str) -> Any:
    found = [each for each in ALL if each.language in languages]
    return pytest.mark.parametrize("given", found, ids=[f"{each.page}-{each.section}" for each in found])


def test_there_is_a_page_for_each_editor_and_the_index_names_it() -> None:
    index = (ROOT / "editors/README.md").read_text(encoding="utf-8")
    for name in NO_PROGRAM:
        assert f"editors/{name}/README.md" in pages()
        assert f"]({name}/README.md)" in index


@pytest.mark.parametrize("name", NO_PROGRAM)
def test_a_page_says_how_everything_is_done_there_or_that_it_is_not(name: str) -> None:
    text = (ROOT / "editors" / name / "README.md").read_text(encoding="utf-8").lower()
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    assert [way for way in WAYS if way not in rows and not (name == "zed" and way in ("comment", "free text"))] == []


# --- what is written there parses ---


@of("json")
def test_json_parses(given: Snippet) -> None:
    json.loads(given.body)


@of("toml")
def test_toml_parses(given: Snippet) -> None:
    tomllib.loads(given.body)


@of("lua")
@pytest.mark.slow
def test_lua_parses(given: Snippet, tmp_path: Path) -> None:
    nvim = editor_or_skip("Neovim (COPYDESK_NVIM, or nvim on PATH)", find_nvim())
    script = tmp_path / "given.lua"
    spec = given.body.lstrip().startswith("{")  # a table for a plug-in manager's list
    script.write_text(f"return {given.body}" if spec else given.body, encoding="utf-8")
    loads = f"local f, e = loadfile({json.dumps(str(script))}) if not f then io.stderr:write(e) vim.cmd.cquit() end"
    run([nvim, "--clean", "--headless", "-c", f"lua {loads}", "-c", "qa!"])


@of("elisp", "emacs")
@pytest.mark.slow
def test_elisp_parses(given: Snippet, tmp_path: Path) -> None:
    emacs = find_emacs()
    script = tmp_path / "given.el"
    script.write_text(given.body, encoding="utf-8")
    read = f"(with-temp-buffer (insert-file-contents {json.dumps(str(script))}) (check-parens) (goto-char 1)"
    run(
        [
            emacs,
            "-Q",
            "--batch",
            "--eval",
            f"{read} (condition-case nil (while t (read (current-buffer))) (end-of-file)))",
        ]
    )


TAKES = """
function! Take(...)
endfunction
function! LspAddServer(servers)
endfunction
function! LspOptionsSet(options)
endfunction
command! -nargs=+ Plug call Take(<args>)
"""
"""What the plug-ins give to the lines of the page; the page's own functions are defined, not called."""


def in_vim(folder: Path, script: str) -> str:
    """What Vim says against it."""
    vim = editor_or_skip("Vim 9 with ALE (COPYDESK_VIM, or vim on PATH)", find_vim())
    given, errors = folder / "given.vim", folder / "errors"
    given.write_text(script, encoding="utf-8")
    told = f"redir! > {errors}"
    command = [
        vim,
        "-es",
        "-u",
        "NONE",
        "-i",
        "NONE",
        "-N",
        "-c",
        told,
        "-S",
        str(given),
        "-c",
        "redir END",
        "-c",
        "qa!",
    ]
    subprocess.run(command, timeout=60, check=False, stdin=subprocess.DEVNULL)
    told_lines = errors.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in told_lines if re.match(r"E\d+:|Error", line))


@of("vim")
@pytest.mark.slow
def test_vim_takes_vim_script(given: Snippet, tmp_path: Path) -> None:
    assert in_vim(tmp_path, TAKES + given.body.replace("ale#linter#Define", "Take")) == ""


@pytest.mark.slow
def test_vim_does_not_take_everything(tmp_path: Path) -> None:
    assert "E117" in in_vim(tmp_path, "call NobodyKnows()\n")
    assert "E126" in in_vim(tmp_path, "function! Open()\n")


@pytest.mark.slow
def test_vims_command_sends_the_text_and_the_place(tmp_path: Path) -> None:
    sent, path = tmp_path / "sent", tmp_path / "a é.py"
    path.write_text("one\ntwo\nthree\nfour\n", encoding="utf-8")
    lines = [
        f"function! CopydeskSend(command)\n  call writefile([json_encode(a:command)], '{sent}', 'a')\nendfunction",
        snippet("editors/vim/README.md", "The command `:Copydesk`", "vim"),
        f"execute 'edit' fnameescape('{path}')",
        "2Copydesk prompt say what this is",
        "2,3Copydesk explain",
        "Copydesk cancel",
    ]
    assert in_vim(tmp_path, "\n".join(lines)) == ""
    asked, explained, cancelled = map(json.loads, sent.read_text(encoding="utf-8").splitlines())
    start = {"line": 1, "character": 0}
    place = {"uri": path.as_uri(), "range": {"start": start, "end": start}}
    assert asked == {"command": "copydesk.prompt", "arguments": [place | {"text": "say what this is"}]}
    assert explained["arguments"][0]["range"]["end"] == {"line": 3, "character": 0}
    assert cancelled == {"command": "copydesk.cancel", "arguments": [{}]}


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


# --- what it names exists ---


@pytest.mark.parametrize("page", pages())
def test_commands_and_settings_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"refactor\.rewrite\.copydesk\.\w+|<Plug>\(copydesk[^)]*\)", "", text)
    named = {found["rest"].rstrip(".") for found in NAME.finditer(text)}
    known = {command.removeprefix("copydesk.") for command in COMMANDS} | SETTING_NAMES | set(CLIENT_ONLY)
    prefixes = {name.rsplit(".", 1)[0] for name in known if "." in name}
    strange = {
        name
        for name in named
        if name not in known | prefixes and name.split(".")[0] not in FILES | {"client", "session"}
    }
    assert strange == set()


def test_vims_command_knows_the_verbs_that_have_a_place() -> None:
    body = snippet("editors/vim/README.md", "The command `:Copydesk`", "vim")
    (listed,) = re.findall(r"index\((\[.*?\]), a:verb\)", body)
    verbs = json.loads(listed.replace("'", '"'))
    assert {f"copydesk.{verb}" for verb in verbs} <= set(COMMANDS)


@of("json", "toml")
def test_settings_in_configurations_exist(given: Snippet) -> None:
    loaded = json.loads(given.body) if given.language == "json" else tomllib.loads(given.body)
    for options in options_in(loaded):
        assert [name for name in dotted(options) if name not in SETTING_NAMES] == []


def options_in(value: object) -> Iterator[Mapping[str, Any]]:
    """What is sent to the server at its start, wherever a client has it."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key in ("initializationOptions", "initialization_options", "config") and isinstance(inner, dict):
                yield cast("dict[str, Any]", inner)
            else:
                yield from options_in(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from options_in(inner)


def dotted(options: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in options.items():
        name = f"{before}{key}".removeprefix("copydesk.")
        if isinstance(value, dict) and name not in SETTING_NAMES:
            yield from dotted(cast("dict[str, Any]", value), f"{name}.")
        else:
            yield name


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    targets = [found["to"] for found in LINK.finditer(path.read_text(encoding="utf-8"))]
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_the_template_for_jetbrains_is_one() -> None:
    folder = ROOT / "editors" / "jetbrains" / "copydesk"
    template = json.loads((folder / "template.json").read_text(encoding="utf-8"))
    assert {"id", "name", "programArgs", "fileTypeMappings"} <= set(template)
    assert "copydesk serve" in template["programArgs"]["default"]
    assert json.loads((folder / "initializationOptions.json").read_text(encoding="utf-8")) == {}
