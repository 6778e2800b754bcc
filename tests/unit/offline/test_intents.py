"""What words are taken to mean, and that what is not understood stays so."""

import pytest

from copydesk.domain.messages import Task
from copydesk.models.offline.intents import Request, requests_of


def understood(text: str) -> list[Request]:
    return requests_of(Task("prompt", text))


@pytest.mark.parametrize(
    ("text", "action", "names", "paths"),
    [
        ("add a docstring to parse_args in cli.py", "document", ("parse_args",), ("cli.py",)),
        ("Add docstrings to load_config and save_config", "document", ("load_config", "save_config"), ()),
        ("what does Config.load do?", "explain", ("Config.load",), ()),
        ("explain `main` in src/cli.py", "explain", ("main",), ("src/cli.py",)),
        ("organise imports", "organize", (), ()),
        ("fix the imports", "fix", (), ()),
        ("remove unused imports in a.py", "fix", (), ("a.py",)),
        ("Write unit tests for `parse`", "test", ("parse",), ()),
        ("add type annotations to run_all", "annotate", ("run_all",), ()),
        ("improve the docstring of `x`", "document", ("x",), ()),
        ("refactor this", "suggest", (), ()),
        ("make this async", "unknown", (), ()),
        ("translate it to Rust", "unknown", (), ()),
        ("rename_all is slow", "unknown", ("rename_all",), ()),
    ],
)
def test_one_wish(text: str, action: str, names: tuple[str, ...], paths: tuple[str, ...]) -> None:
    (found,) = understood(text)
    assert (found.action, found.names, found.paths) == (action, names, paths)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("rename foo to bar", ("foo",), "bar"),
        ("Rename the function `foo` to `bar` in src/a.py", ("foo",), "bar"),
        ("rename this to bar", (), "bar"),
        ("rename f -> g", ("f",), "g"),
        ("please rename variable x to total in function f", ("x",), "total"),
    ],
)
def test_renames(text: str, old: tuple[str, ...], new: str) -> None:
    (found,) = understood(text)
    assert (found.action, found.names, found.new_name) == ("rename", old, new)


@pytest.mark.parametrize(
    ("text", "kind", "name", "lines"),
    [
        ("extract lines 10-14 into a function named foo", "function", "foo", (10, 14)),
        ("extract this expression into a variable called total", "variable", "total", None),
        ("pull lines 3 to 5 into a helper function compute", "function", "compute", (3, 5)),
    ],
)
def test_extractions(text: str, kind: str, name: str, lines: tuple[int, int] | None) -> None:
    (found,) = understood(text)
    assert (found.action, found.extract_kind, found.new_name, found.lines) == ("extract", kind, name, lines)


def test_several_wishes_share_what_they_are_about() -> None:
    assert [(r.action, r.words) for r in understood("add docstrings and type hints to foo")] == [
        ("document", ("foo",)),
        ("annotate", ("foo",)),
    ]
    assert [(r.action, r.names) for r in understood("rename old_name to new_name and document it")] == [
        ("rename", ("old_name",)),
        ("document", ("new_name",)),
    ]


def test_what_is_refused_is_not_done() -> None:
    assert [r.action for r in understood("don't rename anything, just explain foo")] == ["explain"]


def test_a_verb_needs_no_words() -> None:
    assert [r.action for r in requests_of(Task("fix"))] == ["fix"]
