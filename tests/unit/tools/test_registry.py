"""The set of tools: names, order, size, and what is said of a tool that does not exist."""

import json

import pytest

from copydesk.domain.errors import InvalidArguments
from copydesk.tools.registry import Toolbox, default_tools
from copydesk.workspace.workspace import Workspace
from tests.support.analyser import TinyIntel

BOX = Toolbox(default_tools(Workspace(), TinyIntel()))

ARGUMENTS = {
    "read_file": "path offset? limit?",
    "list_dir": "path?",
    "tree": "path? depth?",
    "glob": "pattern path?",
    "grep": "pattern path? glob? mode? ignore_case? context?",
    "definitions": "path",
    "code_intel": "action path? line? column? symbol? query?",
    "diagnostics": "path?",
    "edit_file": "path old_text new_text replace_all?",
    "write_file": "path content overwrite?",
    "delete_file": "path",
    "move_file": "source destination",
    "apply_patch": "patch",
    "refactor": "action path line? symbol? new_name? end_line? text? column? end_column? rules?",
    "shell": "command timeout_s? background? description? in_place?",
    "shell_output": "id offset? wait_s?",
    "shell_stop": "id",
    "git_status": "",
    "git_diff": "path? staged?",
    "git_log": "path? limit?",
    "git_add": "paths",
    "git_commit": "message path?",
    "git_branch": "name create? switch? path?",
    "ask_user": "question choices?",
}


def test_names_order_and_arguments():
    found = {
        spec.name: " ".join(
            name if name in spec.parameters.get("required", ()) else f"{name}?"
            for name in spec.parameters["properties"]
        )
        for spec in BOX.specs
    }
    assert list(found.items()) == list(ARGUMENTS.items())


def test_the_specs_are_the_same_each_time():
    again = Toolbox(default_tools(Workspace(), TinyIntel()))
    assert again.specs == BOX.specs
    assert BOX.specs is BOX.specs


def test_the_set_is_small():
    sent = [{"name": one.name, "description": one.description, "parameters": one.parameters} for one in BOX.specs]
    assert len(json.dumps(sent, separators=(",", ":"), ensure_ascii=False)) <= 8_000


def test_effects():
    effects = {spec.name: spec.effect for spec in BOX.specs}
    edits = {"edit_file", "write_file", "delete_file", "move_file", "apply_patch", "refactor"}
    assert {name for name, effect in effects.items() if effect == "edit"} == edits
    assert {name for name, effect in effects.items() if effect == "ask"} == {"ask_user"}
    acts = {"shell", "git_add", "git_commit", "git_branch"}
    assert {name for name, effect in effects.items() if effect == "execute"} == acts
    assert {effect for name, effect in effects.items() if name not in {*edits, *acts, "ask_user"}} == {"read"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("read", "read_file"),
        ("ReadFile", "read_file"),
        ("read-file", "read_file"),
        ("functions.grep", "grep"),
        ("editfile", "edit_file"),
        ("list_directory", "list_dir"),
        ("frobnicate_everything", ""),
    ],
)
def test_a_near_name_is_suggested(name: str, meant: str):
    assert BOX.suggest(name) == meant
    assert BOX.get(name) is None
    with pytest.raises(InvalidArguments) as caught:
        BOX.find(name)
    assert (f"Did you mean {meant}?" in str(caught.value)) == bool(meant)
    assert "read_file, list_dir" in str(caught.value)


def test_a_known_name():
    assert BOX.find("grep") is BOX.get("grep")
