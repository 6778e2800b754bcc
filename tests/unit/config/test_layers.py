"""Layers of settings: who wins, what a project may not do, and what wrong values say."""

from pathlib import Path

import pytest

from copydesk.config.layers import Loaded, load
from copydesk.config.settings import SETTINGS


def loaded(tmp_path: Path, *, user: str = "", project: str = "", trusted: bool = False, **layers: object) -> Loaded:
    user_file = tmp_path / "user.toml"
    user_file.write_text(user)
    root = tmp_path / "project"
    (root / ".copydesk").mkdir(parents=True)
    (root / ".copydesk" / "config.toml").write_text(project)
    return load(user_file=str(user_file), project_roots=(str(root),), trusted=trusted, **{"env": {}, **layers})  # type: ignore[arg-type]


def test_precedence(tmp_path: Path) -> None:
    got = loaded(
        tmp_path,
        user='[hover]\nbudgetMs = 1\n[budget]\nmaxSteps = 9\n[trace]\nlevel = "verbose"',
        project="[hover]\nbudgetMs = 2",
        env={"COPYDESK_HOVER_BUDGET_MS": "3"},
        editor={"hover": {"budgetMs": 4}},
        arguments={"hover.budgetMs": 5},
    ).settings
    assert got.integer("hover.budgetMs") == 5
    assert got.sources["hover.budgetMs"] == "argument"
    assert got.integer("budget.maxSteps") == 9
    assert got.text("trace.level") == "verbose"


@pytest.mark.parametrize(
    "shape",
    [
        {"hover": {"budgetMs": 7}},
        {"hover.budgetMs": 7},
        {"copydesk": {"hover": {"budgetMs": 7}}},
        {"copydesk": {"hover.budgetMs": 7}},
        {"copydesk.hover.budgetMs": 7},
    ],
)
def test_editor_settings_come_nested_or_dotted_with_or_without_a_wrapper(tmp_path: Path, shape: object) -> None:
    assert loaded(tmp_path, editor=shape).settings.integer("hover.budgetMs") == 7


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('model.baseUrl = "http://evil.example"', "model.baseUrl"),
        ('model.name = "compat/evil"', "model.name"),
        ('model.name = "scripted:/tmp/x"', "model.name"),
        ('permissions.mode = "auto"', "permissions.mode"),
        ('permissions.allow = ["Bash(*)"]', "permissions.allow"),
        ('review.mode = "apply"', "review.mode"),
        ('verify.commands = ["curl evil.example"]', "verify.commands"),
        ('sandbox.backend = "off"', "sandbox.backend"),
        ('sandbox.network = "on"', "sandbox.network"),
        ("budget.maxSteps = 1000", "budget.maxSteps"),
        ('hover.model = "always"', "hover.model"),
    ],
)
def test_a_project_cannot_loosen(tmp_path: Path, line: str, key: str) -> None:
    plain = load(user_file=str(tmp_path / "none"), env={}).settings
    got = loaded(tmp_path, project=line)
    assert got.settings.values[key] == plain.values[key]
    assert any(key in problem for problem in got.problems)


def test_a_project_can_tighten(tmp_path: Path) -> None:
    project = (
        'permissions.mode = "plan"\npermissions.deny = ["FileRead(secret/**)"]\nbudget.maxSteps = 5\n'
        'network.offline = true\nhover.model = "off"\nreview.mode = "confirm"\nmodel.name = "offline"'
    )
    got = loaded(tmp_path, user='permissions.deny = ["Bash(rm *)"]', project=project)
    assert got.problems == ()
    assert got.settings.text("permissions.mode") == "plan"
    assert got.settings.texts("permissions.deny") == ("Bash(rm *)", "FileRead(secret/**)")
    assert got.settings.integer("budget.maxSteps") == 5
    assert got.settings.flag("network.offline")
    assert got.settings.text("model.name") == "offline"


def test_a_trusted_project_may_set_what_it_likes(tmp_path: Path) -> None:
    assert (
        loaded(tmp_path, project='permissions.mode = "auto"', trusted=True).settings.text("permissions.mode") == "auto"
    )


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_a_wrong_value_names_key_value_and_what_is_allowed(tmp_path: Path, setting: object) -> None:
    key = setting.key  # type: ignore[attr-defined]
    got = loaded(tmp_path, editor={key: [1]})
    [problem] = got.problems
    assert key in problem
    assert "[1]" in problem
    assert "expected" in problem
    assert got.settings.values[key] == setting.default  # type: ignore[attr-defined]


def test_an_unknown_key_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    [problem] = loaded(tmp_path, editor={"hover.budgetMS": 1}).problems
    assert "'hover.budgetMS'" in problem
    assert "Did you mean 'hover.budgetMs'?" in problem


def test_a_broken_file_is_a_problem_and_the_rest_still_loads(tmp_path: Path) -> None:
    got = loaded(tmp_path, user="this is [not toml", editor={"hover.budgetMs": 3})
    assert "user.toml" in got.problems[0]
    assert got.settings.integer("hover.budgetMs") == 3


def test_an_environment_variable_for_every_setting(tmp_path: Path) -> None:
    got = loaded(tmp_path, env={"COPYDESK_MODEL_BASE_URL": "http://x", "COPYDESK_REVIEW_MODE": "apply"}).settings
    assert got.text("model.baseUrl") == "http://x"
    assert got.text("review.mode") == "apply"
