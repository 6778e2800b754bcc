"""What last words claim, and what is said where no record bears it out."""

import pytest

from copydesk.domain.edits import Base, ChangeText
from copydesk.domain.events import EditProposed, ToolCallStarted, ToolCallUpdated
from copydesk.domain.evidence import CheckRun, Counts, Evidence
from copydesk.services.verifying.claims import claims_in, corrected
from copydesk.services.verifying.recorded import Recorded

CLAIMS = """\
All tests pass.
I ran pytest and it passes.
I ran the test suite; everything passes.
All checks are green.
Tests are green now.
`pytest -q` passes.
mypy reports no errors.
The linter is clean.
All 42 tests passed.
✅ Tests
Verified with pytest.
I verified the change by running the tests.
The existing tests still pass.
The build succeeds.
npm test succeeds.
No tests fail.
0 failures.
There are no type errors.
CI is green.
I've run the unit tests and they all pass.
The change passes all tests.
Tested with pytest: 12 passed.
ruff and mypy are happy.
The code compiles and all the tests are passing.
Ran `cargo test` successfully.
Test suite is passing.
I executed the test suite.
The tests were run.
I confirmed that the tests pass.
Type checking passes.
All tests are passing after the change.
Everything passes.
The full suite ran without errors.
I also ran ruff.
pytest: all green
After running the tests, all of them passed.
I have tested the change with pytest and there are no failures.
No regressions.
Formatting is clean.
The test suite is fully green.
Ran the full test suite and all 12 tests passed.
All good: tests pass, mypy is clean.
I double-checked with `ruff check` and there are no lint errors.
The tests I added pass.
Every test passes.
Both test files pass.
tests/test_a.py passes.
"""

NO_CLAIMS = """\
I did not run the tests.
The tests should pass now.
All tests should now pass.
I could not run pytest.
Please run the tests.
Run pytest to verify.
The test passes a list to parse().
You can run `pytest` to check.
I added tests for parse.
I wrote a test that checks the empty case.
The tests were not run.
Let me know if the tests pass.
If the tests pass, merge it.
Once CI is green you can merge.
The function passes the value to the parser.
I changed a.py:3. Nothing was run.
The failing test was fixed.
This makes the test pass in theory, but I have not run it.
Tests have not been run.
I have no way to run the tests here.
The tests fail because add is wrong.
It needs to pass the test.
Added a type annotation.
Fixed the linter warning in a.py.
Documented `check`.
Renamed passed to ok.
The argument is passed to every test.
Wrote a docstring for `run_tests`.
I made the tests stricter.
I reformatted the file.
I removed the unused import that ruff reported.
Sets up everything the tests need.
Wrote tests/test_a.py with 3 tests; they were not run.
It will raise ValueError if the check fails.
Returns True if all checks pass.
The tests that I changed still need to be run.
I could not check whether the tests pass.
Nothing was tested.
pytest is not installed, so the tests could not be run.
The parser runs the checks in order.
Without a type checker I cannot tell.
It passes the token to the next test.
This is untested.
I expect the tests to pass.
"""


@pytest.mark.parametrize("sentence", CLAIMS.strip().splitlines())
def test_claims_are_heard(sentence: str) -> None:
    assert claims_in(sentence)


@pytest.mark.parametrize("sentence", NO_CLAIMS.strip().splitlines())
def test_what_claims_nothing_is_left_alone(sentence: str) -> None:
    assert claims_in(sentence) == []


def test_code_and_quotes_are_no_claims() -> None:
    assert claims_in("See:\n```\nall tests pass\n```\n> all tests pass\n") == []


def test_an_explanation_claims_only_what_its_speaker_did() -> None:
    assert claims_in("The tests pass when add is right.", only_own=True) == []
    assert claims_in("I ran pytest.", only_own=True)


def run_of(state: str = "passed", command: str = "python -m pytest", passed: int = 12) -> Evidence:
    failed = 1 if state == "new_failures" else 0
    run = CheckRun("ev-1", "t", command, state, failed, 1.0, Counts(12, 0), Counts(passed, failed))  # type: ignore[arg-type]
    return Evidence("t", (run,))


def ran(recorded: Recorded, command: str, exit_code: int, output: str = "") -> None:
    recorded.note(ToolCallStarted("t", "c", "shell", command, "execute"))
    details = {"id": "sh-1", "command": command, "state": "exited", "exitCode": exit_code}
    recorded.note(ToolCallUpdated("t", "c", "completed", output, details))


def test_a_claim_without_a_run_is_corrected() -> None:
    assert corrected("Done. All tests pass.", Recorded(), None, "prompt") == [
        "No run of tests is recorded for this turn."
    ]
    assert corrected("I ran mypy.", Recorded(), run_of(), "prompt") == [
        "No run of a type checker is recorded for this turn."
    ]


def test_a_claim_with_its_run_stands() -> None:
    assert corrected("All tests pass.", Recorded(), run_of(), "prompt") == []
    assert corrected("All checks are green.", Recorded(), run_of(), "prompt") == []


def test_a_claim_that_its_run_refutes_is_corrected_by_the_runs_id() -> None:
    (words,) = corrected("All tests pass.", Recorded(), run_of("new_failures"), "prompt")
    assert words == "The recorded run of tests has failures: `python -m pytest`, exit 1 (ev-1)."


def test_a_wrong_number_is_corrected() -> None:
    (words,) = corrected("All 42 tests pass.", Recorded(), run_of(), "prompt")
    assert words.startswith("The record says 12: ")


def test_checks_that_were_not_run_bear_nothing_out() -> None:
    assert corrected("All tests pass.", Recorded(), run_of("not_checked"), "prompt") == [
        "No run of tests is recorded for this turn."
    ]


def test_a_command_of_the_turn_bears_a_claim_out_by_its_id() -> None:
    recorded = Recorded()
    ran(recorded, "pytest -q", 0, "exit 0\n12 passed in 0.1s\n")
    assert corrected("All tests pass.", recorded, None, "prompt") == ["Recorded: `pytest -q`, exit 0 (sh-1)."]


def test_a_pipe_hides_no_failure() -> None:
    recorded = Recorded()
    ran(recorded, "pytest -q | tail -3", 0, "FAILED tests/test_a.py::test_a - no\n1 failed, 3 passed in 0.1s\n")
    (words,) = corrected("All tests pass.", recorded, None, "prompt")
    assert words.startswith("The recorded run of tests has failures: `pytest -q | tail -3`")


def test_a_run_before_the_last_edit_was_of_an_earlier_text() -> None:
    recorded = Recorded()
    ran(recorded, "pytest -q", 0)
    recorded.note(EditProposed("t", ChangeText(Base("file:///w/a.py", "x"), ((0, 0, "y"),))))
    (words,) = corrected("All tests pass.", recorded, None, "prompt")
    assert words == "The recorded run of tests was of an earlier text: `pytest -q`, exit 0 (sh-1)."


def test_a_record_that_there_is_not_is_named() -> None:
    assert corrected("Checked, see ev-deadbeef.", Recorded(), None, "prompt") == ["There is no record ev-deadbeef."]
