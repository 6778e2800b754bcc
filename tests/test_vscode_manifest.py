"""The VS Code extension's manifest against the server: the same settings, commands and version, none abusable.

Reads `vscode-extension/package.json` only; what needs Node is in the extension's own tests.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from copydesk.config.settings import SETTINGS, Setting
from copydesk.lsp.names import COMMANDS

ROOT = Path(__file__).parents[1]
MANIFEST: dict[str, Any] = json.loads((ROOT / "vscode-extension" / "package.json").read_text(encoding="utf-8"))
CONTRIBUTES: dict[str, Any] = MANIFEST["contributes"]
DECLARED: dict[str, dict[str, Any]] = {
    name: declared for group in CONTRIBUTES["configuration"] for name, declared in group["properties"].items()
}
OWN = {"copydesk.server.command", "copydesk.server.interpreter", "copydesk.trace.server"}
TYPES = {
    "text": "string", "choice": "string", "integer": "integer", "number": "number", "flag": "boolean", "texts": "array",
}  # fmt: skip


def test_the_readme_names_the_file_that_is_packed() -> None:
    packed = f"vscode-extension/copydesk-{MANIFEST['version']}.vsix"
    assert f"--install-extension {packed}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "copydesk-${version}.vsix" in (ROOT / "vscode-extension" / "package.mjs").read_text(encoding="utf-8")


def test_declares_exactly_the_settings_there_are() -> None:
    assert set(DECLARED) - OWN == {f"copydesk.{setting.key}" for setting in SETTINGS}
    assert set(DECLARED) >= OWN


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_setting_is_declared_as_the_server_reads_it(setting: Setting) -> None:
    declared = DECLARED[f"copydesk.{setting.key}"]
    kind = TYPES[setting.kind]
    assert declared["type"] == ([kind, "null"] if setting.optional else kind)
    assert declared["default"] == (list(setting.default) if isinstance(setting.default, tuple) else setting.default)
    allowed = [*setting.allowed, *([None] if setting.optional and setting.allowed else [])]
    assert declared.get("enum", []) == allowed
    assert len(declared.get("markdownEnumDescriptions", allowed)) == len(allowed)
    assert declared.get("minimum") == setting.minimum
    assert declared["markdownDescription"].rstrip().endswith((".", "*"))


def test_what_a_repository_could_abuse_is_the_machines() -> None:
    abusable = re.compile(r"copydesk\.(model\.(baseUrl|webhookUrl)|verify\.commands|(server|permissions|sandbox)\..+)$")
    for name, declared in DECLARED.items():
        assert declared["scope"] == ("machine" if abusable.match(name) else "window"), name


def test_what_a_project_may_not_set_freely_does_not_count_in_an_untrusted_workspace() -> None:
    restricted = set(MANIFEST["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])
    not_free = {f"copydesk.{setting.key}" for setting in SETTINGS if setting.project != "free"}
    assert restricted == not_free | (OWN - {"copydesk.trace.server"})


def test_every_command_of_the_server_is_declared_and_no_other() -> None:
    ids = {command["command"] for command in CONTRIBUTES["commands"]}
    assert {one for one in ids if not one.startswith("copydesk.client.")} == set(COMMANDS)


def test_a_command_is_shown_only_where_the_server_has_it() -> None:
    conditions = {item["command"]: item["when"] for item in CONTRIBUTES["menus"]["commandPalette"]}
    for command in COMMANDS:
        name = command.removeprefix("copydesk.")
        when = conditions[command]
        assert when == "false" or f"(!copydesk.known || copydesk.can.{name})" in when, command


def test_the_extension_and_the_server_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert MANIFEST["version"] == project["version"]
    assert MANIFEST["license"] == project["license"]
