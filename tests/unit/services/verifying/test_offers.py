"""Seeded faults: what an offer says of failures that its edits add, that were there before, or that come and go."""

import json
from pathlib import Path

import pytest

from tests.support.checked import PYTEST_PROJECT, Trusting, checking

pytestmark = pytest.mark.anyio

ADD = "def add(a, b):\n    return a + b\n"
TESTS = "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n"
PROJECT = {"calc.py": ADD, "tests/test_calc.py": TESTS, "pyproject.toml": PYTEST_PROJECT}


def call(tool: str, **arguments: object) -> str:
    return f"tool: {tool} {json.dumps(arguments)}"


def edit(path: str, old: str, new: str) -> str:
    return call("edit_file", path=path, old_text=old, new_text=new)


def steps(*each: str) -> str:
    return "\n--- step\n".join(each)


BREAKS = edit("calc.py", "a + b", "a - b")
MENDS = edit("calc.py", "a - b", "b + a")


async def test_an_edit_that_breaks_nothing_is_offered_with_counts(tmp_path: Path) -> None:
    script = steps(edit("calc.py", "a + b", "b + a"), "text: Swapped.")
    async with checking(tmp_path, PROJECT, script, own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "passed"
        assert (run.before.passed, run.after.passed, run.after.failed) == (2, 2, 0)
        assert run.exit_code == 0
        assert run.duration_s > 0
        assert run.command.endswith("tests/test_calc.py")
        assert run.id in outcome.message
        assert outcome.review.state == "applied"


async def test_new_failures_go_back_to_the_model_in_the_same_turn(tmp_path: Path) -> None:
    script = steps(BREAKS, "text: Done.", MENDS, "text: Mended.")
    async with checking(tmp_path, PROJECT, script, own_tools=True) as desk:
        outcome = await desk.turn()
        told = [message.text for message in desk.session(outcome).messages if message.text.startswith("<checks>")]
        assert len(told) == 1
        assert "tests/test_calc.py::test_add" in told[0]
        assert "test_zero" not in told[0].partition("The end of its output")[0]
        assert [run.state for run in outcome.evidence] == ["passed"]
        assert outcome.review.state == "applied"


async def test_an_offer_that_adds_a_failure_says_so_and_is_not_applied(tmp_path: Path) -> None:
    worse = edit("calc.py", "a - b", "a * b + 7")
    still = edit("calc.py", "a * b + 7", "a * b + 8")
    script = steps(BREAKS, "text: Done, all tests pass.", worse, "text: Now.", still, "text: All tests pass.")
    async with checking(tmp_path, PROJECT, script, own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "new_failures"
        assert {name.partition(" - ")[0] for name in run.failures} == {
            "tests/test_calc.py::test_add",
            "tests/test_calc.py::test_zero",
        }
        assert "NEW FAILURES" in outcome.message
        assert f"did not pass: {run.id}" in outcome.message
        assert outcome.review.state == "pending"
        assert (desk.root / "calc.py").read_text() == ADD


async def test_failures_that_were_there_do_not_count(tmp_path: Path) -> None:
    files = {**PROJECT, "tests/test_old.py": "from calc import add\n\n\ndef test_old():\n    assert add(1, 1) == 3\n"}
    script = steps(edit("calc.py", "a + b", "b + a"), "text: Swapped.")
    async with checking(tmp_path, files, script, own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "known_failures"
        assert (run.before.failed, run.after.failed) == (1, 1)
        assert outcome.review.state == "applied"


async def test_nothing_runs_in_a_folder_that_is_not_trusted(tmp_path: Path) -> None:
    script = steps(BREAKS, "text: Done.")
    async with checking(tmp_path, PROJECT, script, own_tools=True, trust=Trusting(trusted=False)) as desk:
        outcome = await desk.turn()
        assert "Not checked" in outcome.message
        assert "not trusted" in outcome.message
        assert desk.shadow.commands == []  # type: ignore[attr-defined]
