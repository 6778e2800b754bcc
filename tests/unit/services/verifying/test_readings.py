"""What checks print, as the real tools printed it, and what is read out of it."""

from pathlib import Path

import pytest

from copydesk.domain.evidence import Counts
from copydesk.services.verifying.readings import LISTED, Reading, new_failures, read_output

OUTPUTS = Path(__file__).parent / "outputs"

RECORDED: list[tuple[str, str, int, Counts, list[str]]] = [
    (
        "pytest_fail",
        "pytest",
        1,
        Counts(2, 4),
        [
            "tests/test_mod.py::test_add",
            "tests/test_mod.py::test_p[x - y]",
            "tests/test_mod.py::TestC::test_in",
            "tests/test_mod.py::test_err",
        ],
    ),
    ("pytest_collect", "pytest", 2, Counts(0, 1), ["tests/test_bad.py"]),
    ("pytest_ok", "pytest", 0, Counts(1, 0), []),
    ("pytest_none", "pytest", 5, Counts(0, 0), []),
    (
        "ruff",
        "placed",
        1,
        Counts(None, 4),
        [
            "mod.py: I001 Import block is un-sorted or un-formatted",
            "mod.py: F401 `os` imported but unused",
            "tests/test_bad.py: F401 `nothing_here` imported but unused",
            "tests/test_mod.py: I001 Import block is un-sorted or un-formatted",
        ],
    ),
    ("ruff_format", "format", 1, Counts(None, 2), ["mod.py", "tests/test_mod.py"]),
    ("black", "format", 1, Counts(None, 2), ["mod.py", "tests/test_mod.py"]),
    ("prettier", "format", 1, Counts(None, 1), ["src/a.ts"]),
    (
        "mypy",
        "placed",
        1,
        Counts(None, 1),
        ['mod.py: error: Incompatible return value type (got "int", expected "str")  [return-value]'],
    ),
    (
        "basedpyright",
        "placed",
        1,
        Counts(None, 1),
        ['mod.py: error: Type "Literal[3]" is not assignable to return type "str"'],
    ),
    (
        "tsc",
        "placed",
        1,
        Counts(None, 2),
        [
            "src/a.ts: error TS2322: Type 'string' is not assignable to type 'number'.",
            "src/a.ts: error TS2339: Property 'foo' does not exist on type 'string'.",
        ],
    ),
    ("node_tap", "tap", 1, Counts(2, 2), ["adds", "inner bad", "suite"]),
    ("jest", "jest", 1, Counts(1, 2), ["adds", "suite › inner bad"]),
    ("vitest", "jest", 1, Counts(1, 2), ["a.test.mjs > adds", "a.test.mjs > suite > inner bad"]),
    ("cargo_test", "cargo", 101, Counts(1, 1), ["tests::adds"]),
    ("cargo_compile", "cargo", 101, Counts(None, 1), ["src/lib.rs: E0308 mismatched types"]),
    (
        "cargo_check",
        "cargo",
        101,
        Counts(None, 1),
        ["src/lib.rs: E0308 mismatched types: expected `i32`, found `&str`"],
    ),
    ("cargo_fmt", "format", 1, Counts(None, 1), ["src/lib.rs"]),
    ("go_json", "go", 1, Counts(1, 2), ["q/q.go: undefined: x", "example.com/p.TestAdd"]),
]


def recorded(name: str) -> str:
    return (OUTPUTS / f"{name}.txt").read_text()


def read(name: str, reader: str, exit_code: int) -> Reading:
    return read_output(reader, exit_code, recorded(name), "/p")


@pytest.mark.parametrize(("name", "reader", "exit_code", "counts", "keys"), RECORDED, ids=[row[0] for row in RECORDED])
def test_counts_and_names(name: str, reader: str, exit_code: int, counts: Counts, keys: list[str]) -> None:
    reading = read(name, reader, exit_code)
    assert reading.counts == counts
    assert [failure.key for failure in reading.failures] == keys
    assert reading.is_good == (exit_code == 0)


@pytest.mark.parametrize("name", ["pytest_fail", "node_tap", "jest", "cargo_test", "ruff"])
def test_an_output_is_known_without_the_name_of_its_tool(name: str) -> None:
    row = next(row for row in RECORDED if row[0] == name)
    assert [failure.key for failure in read(name, "", row[2]).failures] == row[4]


def test_lines_that_moved_are_no_new_failures() -> None:
    before = read("ruff", "placed", 1)
    moved = recorded("ruff").replace("mod.py:1:", "mod.py:30:")
    assert new_failures(before, read_output("placed", 1, moved, "/p")) == ()


def test_one_more_of_the_same_kind_is_new() -> None:
    more = recorded("ruff") + "mod.py:9:8: F401 [*] `os` imported but unused\n"
    (fresh,) = new_failures(read("ruff", "placed", 1), read_output("placed", 1, more, "/p"))
    assert fresh.text.startswith("mod.py:9:8")


def test_what_failed_before_does_not_count() -> None:
    assert new_failures(read("pytest_fail", "pytest", 1), read("pytest_fail", "pytest", 1)) == ()
    fresh = new_failures(read("pytest_ok", "pytest", 0), read("pytest_fail", "pytest", 1))
    assert len(fresh) == 4


def test_an_exit_code_counts_where_nothing_is_named() -> None:
    good, bad = read_output("", 0, "fine\n"), read_output("", 3, "it broke\n")
    assert [each.text for each in new_failures(good, bad)] == ["it broke"]
    assert [each.text for each in new_failures(good, read_output("", 3, ""))] == ["exit code 3"]
    assert new_failures(bad, bad) == ()


def test_a_failing_run_that_reports_success_is_not_good() -> None:
    assert not read_output("", 0, recorded("pytest_fail")).is_good


def test_gofmt_lists_files_and_says_zero() -> None:
    reading = read_output(LISTED, 0, "a.go\nb/c.go\n")
    assert [failure.key for failure in reading.failures] == ["a.go", "b/c.go"]
    assert not reading.is_good
    assert read_output(LISTED, 0, "").is_good
