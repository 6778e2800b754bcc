"""The pages say what the program does: commands, settings, examples and links are checked against it.

Start with the test that failed; each names the page.
"""

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest

from copydesk.config.settings import SETTINGS, Setting
from copydesk.domain.messages import Usage
from copydesk.domain.money import Cost
from copydesk.lsp.actions import REWRITE
from copydesk.lsp.arguments import TURN_KEYS
from copydesk.lsp.commands import Commands
from copydesk.lsp.names import COMMANDS
from copydesk.lsp.review import KEYS as REVIEW_KEYS
from copydesk.lsp.updates import usage_to_json

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fences(text: str, language: str) -> list[str]:
    return [found["body"] for found in FENCE.finditer(text) if found["language"] == language]


def section(text: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.split(" ", 1)[0]
    start = text.index(f"\n{heading}\n")
    end = re.compile(rf"^#{{1,{len(level)}}} ", re.MULTILINE).search(text, start + len(heading) + 2)
    return text[start : end.start() if end else len(text)]


def table_rows(text: str) -> list[list[str]]:
    """The cells of every table row, without heads and rules."""
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in row.strip("|").split(" |")] for row in rows]


# --- PROTOCOL.md ---


def test_documented_commands_are_those_the_server_advertises() -> None:
    commands = section(page("docs/PROTOCOL.md"), "## Commands")
    documented = re.findall(r"^\| `(copydesk\.[\w.]+)` \|", commands, re.MULTILINE)
    assert documented == list(COMMANDS)


def test_the_advertised_commands_are_those_that_are_handled() -> None:
    n_parts = len(inspect.signature(Commands).parameters)
    part: Any = SimpleNamespace(prompts=None, answers=None, questions=None)  # the table of handlers needs none of them
    parts: list[Any] = [part] * n_parts
    assert set(Commands(*parts).names) == set(COMMANDS)


def test_documented_turn_keys_are_those_that_are_read() -> None:
    text = section(page("docs/PROTOCOL.md"), "### The turn argument")
    named = [name for row in table_rows(text) for name in re.findall(r"`(\w+)`", row[0])]
    assert set(named) | {"instruction"} == set(TURN_KEYS)


def test_documented_review_keys_are_those_that_are_read() -> None:
    text = section(page("docs/PROTOCOL.md"), "### Review commands")
    named = [name for row in table_rows(text) for name in re.findall(r"`(\w+)`", row[0])]
    assert set(named) == set(REVIEW_KEYS)


def test_documented_rewrite_kinds_are_commands_too() -> None:
    kinds = re.findall(rf"`{re.escape(REWRITE)}\.(\w+)`", page("docs/PROTOCOL.md"))
    assert len(kinds) == 5
    assert {f"copydesk.{kind}" for kind in kinds} <= set(COMMANDS)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_json_examples_parse(path: Path) -> None:
    for body in fences(path.read_text(encoding="utf-8"), "json"):
        json.loads(body)


def test_the_example_of_usage_has_the_fields_of_usage() -> None:
    example = next(json.loads(body) for body in fences(page("docs/PROTOCOL.md"), "json") if '"stopReason"' in body)
    assert example["usage"] == usage_to_json(Usage(), Cost(0.0))


def test_each_custom_method_has_a_section_with_its_fallback() -> None:
    custom = section(page("docs/PROTOCOL.md"), "## Custom messages")
    for name in ("session/update", "editor/ask", "editor/model", "editor/codeIntel"):
        method = f"copydesk/{name}"
        found = re.search(rf"^### `{method}`.*?(?=^###? |\Z)", custom, re.MULTILINE | re.DOTALL)
        assert found, method
        assert "**In plain LSP:**" in found[0], method


# --- SETTINGS.md ---

PROJECT_WORDS = {"free": "set it", "tighten": "tighten it", "never": "nothing"}


def documented_default(setting: Setting) -> str:
    match setting.default:
        case None:
            return "unset"
        case ():
            return "`[]`"
        case tuple() as items:
            return ", ".join(f"`{item}`" for item in items)
        case value:
            return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def documented_values(setting: Setting) -> str:
    match setting.kind:
        case "choice":
            return ", ".join(f"`{value}`" for value in setting.allowed)
        case "flag":
            return "`true`, `false`"
        case "integer" | "number":
            noun = "whole number" if setting.kind == "integer" else "number"
            return f"{noun} ≥ {setting.minimum or 0:g}"
        case "text" | "texts":
            return "text" if setting.kind == "text" else "list of texts"


def settings_rows() -> list[list[str]]:
    return [row for row in table_rows(page("docs/SETTINGS.md")) if re.match(r"`[a-z]+\.\w+`", row[0])]


def test_the_settings_page_is_the_settings_table() -> None:
    documented = [[row[0].removesuffix(" †"), *row[1:4]] for row in settings_rows()]
    assert documented == [
        [f"`{item.key}`", documented_default(item), documented_values(item), PROJECT_WORDS[item.project]]
        for item in SETTINGS
    ]


def test_settings_marked_as_without_effect_are_those_nothing_reads() -> None:
    marked = {row[0].split("`")[1] for row in settings_rows() if row[0].endswith("†")}
    sources = [path for path in (ROOT / "server").rglob("*.py") if path.parent.name != "config"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    assert marked == {item.key for item in SETTINGS if f'"{item.key}"' not in code}


# --- every page ---


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_internal_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for found in LINK.finditer(re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
        target, _, anchor = unquote(found["to"] or found["image"]).partition("#")
        if "://" in target:
            continue
        there = (path.parent / target) if target else path
        assert there.exists(), f"{path.name} links to {target}"
        if anchor:
            assert anchor in anchors(there.read_text(encoding="utf-8")), f"{path.name} links to #{anchor}"


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def shell_examples() -> list[str]:
    """The README's lines that start with `copydesk`, but for those that serve or change files."""
    lines = [line for body in fences(page("README.md"), "sh") for line in body.splitlines()]
    return [line.split("  #")[0] for line in lines if line.startswith("copydesk ") and "--apply" not in line]


def test_there_are_shell_examples() -> None:
    assert any(line.startswith("copydesk run ") for line in shell_examples())


@pytest.mark.slow
@pytest.mark.parametrize("line", shell_examples())
def test_shell_examples_do_what_they_show(line: str, tmp_path: Path) -> None:
    finished = run_copydesk(shlex.split(line)[1:], tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert (finished.stdout + finished.stderr).strip()
    assert "Traceback" not in finished.stderr


@pytest.mark.slow
def test_the_readmes_run_examples_find_what_they_name(tmp_path: Path) -> None:
    """An explanation explains and a docstring is a diff: the names in the README exist."""
    lines = [line for line in shell_examples() if line.startswith("copydesk run")]
    finished = [run_copydesk(shlex.split(line)[1:], tmp_path) for line in lines]
    outputs = [each.stdout + each.stderr for each in finished]
    assert any("Calls" in output for output in outputs)
    assert any('+    """' in output for output in outputs)


def run_copydesk(arguments: list[str], state: Path) -> "subprocess.CompletedProcess[str]":
    keys = {name for name in os.environ if name.endswith(("_API_KEY", "_BASE_URL"))}
    environment = {name: value for name, value in os.environ.items() if name not in keys}
    environment |= {
        "COPYDESK_STATE_DIR": str(state),
        "COPYDESK_CONFIG_DIR": str(state),
        "COPYDESK_MODEL_NAME": "offline",
    }
    environment["PYTHONPATH"] = str(ROOT / "server")
    return subprocess.run(
        [sys.executable, "-m", "copydesk", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
