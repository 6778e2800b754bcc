"""Seeded faults: what an offer says of failures that its edits add, that were there before, or that come and go."""

import json
from pathlib import Path

import pytest

from copydesk.domain.messages import Task
from copydesk.domain.review import Choice
from copydesk.domain.sandboxes import HOLDS, SandboxReport
from copydesk.services.turns import PromptRequest
from copydesk.text.edits import Edit
from tests.support.checked import PYTEST_PROJECT, Trusting, checking
from tests.support.plain_shadow import PlainShadow

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
        assert "The recorded run of tests has failures" in outcome.message
        assert outcome.message.count(run.id) == 2
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


# --- other faults ---


async def test_what_breaks_only_in_another_file_is_found(tmp_path: Path) -> None:
    files = {
        "core/__init__.py": "",
        "core/base.py": "LIMIT = 3\n",
        "core/middle.py": "from core.base import LIMIT\n\n\ndef double():\n    return 2 * LIMIT\n",
        "tests/test_middle.py": "from core.middle import double\n\n\ndef test_double():\n    assert double() == 6\n",
        "tests/test_far.py": "def test_far():\n    assert True\n",
        "pyproject.toml": PYTEST_PROJECT,
    }
    script = steps(edit("core/base.py", "LIMIT = 3", "LIMIT = 4"), "text: Done.", "text: It stays.")
    async with checking(tmp_path, files, script, own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "new_failures"
        assert "tests/test_middle.py" in run.command
        assert "test_far" not in run.command


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("syntax error", edit("calc.py", "return a + b", "return a +")),
        ("import cycle", edit("calc.py", "def add", "from other import x\n\n\ndef add")),
        ("deleted", call("delete_file", path="calc.py")),
        ("missing import", edit("calc.py", "def add", "import nowhere_at_all\n\n\ndef add")),
    ],
)
async def test_a_module_that_cannot_be_imported_any_more(tmp_path: Path, name: str, change: str) -> None:
    files = {**PROJECT, "other.py": "import calc\n\nx = calc.add(1, 2)\n"}
    async with checking(tmp_path, files, steps(change, "text: Done.", "text: Left."), own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "new_failures", name
        assert "tests/test_calc.py" in " ".join(run.failures)
        assert outcome.review.state == "pending"


@pytest.mark.parametrize(
    ("config", "change", "tool"),
    [
        ("[tool.ruff]\n", edit("calc.py", "def add", "import os\n\n\ndef add"), "ruff check"),
        ("[tool.ruff]\n", edit("calc.py", "return a + b", "return  a+b"), "ruff format"),
        (
            "[tool.basedpyright]\ninclude = ['calc.py']\n",
            edit("calc.py", "def add(a, b):\n    return a + b", "def add(a: int, b: int) -> int:\n    return 'x'"),
            "basedpyright",
        ),
    ],
)
async def test_lint_formatting_and_types(tmp_path: Path, config: str, change: str, tool: str) -> None:
    files = {"calc.py": ADD, "pyproject.toml": config}
    async with checking(tmp_path, files, steps(change, "text: Done.", "text: Left."), own_tools=True) as desk:
        outcome = await desk.turn()
        bad = [run for run in outcome.evidence if run.state == "new_failures"]
        assert len(bad) == 1
        assert tool in bad[0].command
        assert "NEW FAILURES" in outcome.message


async def test_formatting_that_was_off_before_does_not_count(tmp_path: Path) -> None:
    files = {"calc.py": "def add(a,b):\n  return a+b\n", "pyproject.toml": "[tool.ruff]\n"}
    script = steps(edit("calc.py", "a+b", "b+a"), "text: Done.")
    async with checking(tmp_path, files, script, own_tools=True) as desk:
        outcome = await desk.turn()
        assert [run.state for run in outcome.evidence] == ["known_failures", "passed"]
        assert "ruff format" in outcome.evidence[0].command


async def test_a_test_that_fails_now_and_then_is_not_blamed_on_the_edits(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    flaky = (
        "from pathlib import Path\n\nfrom calc import add\n\n\ndef test_now_and_then():\n"
        f"    path = Path({str(counter)!r})\n    n = len(path.read_text()) if path.exists() else 0\n"
        "    path.write_text('x' * (n + 1))\n    assert add(1, 1) == 2\n    assert n != 1\n"
    )
    files = {**PROJECT, "tests/test_calc.py": flaky}
    script = steps(edit("calc.py", "a + b", "b + a"), "text: Done.")
    async with checking(tmp_path, files, script, own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "known_failures"
        assert "flaky" in run.why
        assert "test_now_and_then" in run.why
        assert outcome.review.state == "applied"


async def test_only_documents_run_no_tests_and_say_so(tmp_path: Path) -> None:
    files = {**PROJECT, "README.md": "# Calc\n"}
    async with checking(
        tmp_path, files, steps(edit("README.md", "Calc", "Sum"), "text: Done."), own_tools=True
    ) as desk:
        outcome = await desk.turn()
        (entry,) = outcome.evidence
        assert (entry.state, entry.command) == ("not_checked", "")
        assert "only documentation changed" in outcome.message
        assert desk.shadow.commands == []  # type: ignore[attr-defined]


async def test_turned_off_is_recorded_and_not_repeated_at_each_turn(tmp_path: Path) -> None:
    settings = {"verify.enabled": False}
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done."), settings=settings) as desk:
        outcome = await desk.turn()
        (entry,) = outcome.evidence
        assert (entry.state, entry.why) == ("not_checked", "verify.enabled is off")
        assert "Not checked" not in outcome.message
        assert outcome.review.state == "applied"


async def test_a_tool_that_is_not_there_is_said(tmp_path: Path) -> None:
    files = {"calc.py": ADD, "mypy.ini": "[mypy]\n"}
    async with checking(tmp_path, files, steps(BREAKS, "text: Done."), own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "not_checked"
        assert "mypy is not installed" in run.why


async def test_a_turn_that_proposes_nothing_has_no_evidence(tmp_path: Path) -> None:
    async with checking(tmp_path, PROJECT, "text: Nothing to do.") as desk:
        outcome = await desk.turn()
        assert outcome.evidence == ()
        assert outcome.message == "Nothing to do."
        assert desk.evidence() == []


# --- the person's own commands, time, and another text ---


def judged_by(script: str) -> dict[str, object]:
    return {"verify.commands": [script]}


async def test_the_persons_own_command_judges(tmp_path: Path) -> None:
    settings = judged_by("grep -q 'a + b' calc.py")
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done.", "text: Left."), settings=settings) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert (run.state, run.exit_code, run.failures) == ("new_failures", 1, ("exit code 1",))


async def test_what_does_not_end_any_more_is_a_new_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copydesk.services.verifying.verifier.MIN_LIMIT_S", 0.5)
    settings = judged_by("if grep -q 'a - b' calc.py; then sleep 60; fi")
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done.", "text: Left."), settings=settings) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "new_failures"
        assert "did not end within" in run.failures[0]


async def test_an_offer_does_not_wait_longer_than_its_limit(tmp_path: Path) -> None:
    settings = {**judged_by(f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; grep -q 'a + b' calc.py")}
    settings |= {"verify.waitS": 0.3}
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done."), settings=settings) as desk:
        outcome = await desk.turn()
        assert [run.state for run in outcome.evidence] == ["running"]
        assert "Still running" in outcome.message
        assert outcome.review.state == "applied"
        (tmp_path / "go").touch()
        await desk.until(lambda: desk.evidence()[-1].state == "new_failures")
        await desk.until(lambda: any("NEW FAILURES" in text for text in desk.notices()))


async def test_cancel_stops_checks_that_outlive_their_turn(tmp_path: Path) -> None:
    settings = {**judged_by("sleep 60"), "verify.waitS": 0.2}
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done."), settings=settings) as desk:
        outcome = await desk.turn()
        assert desk.core.host.cancel() == (outcome.turn,)
        await desk.until(lambda: desk.shadow.n_running == 0)  # type: ignore[attr-defined]
        assert desk.evidence()[-1].runs[0].state == "not_checked"
        assert "stopped" in desk.evidence()[-1].runs[0].why


async def test_cancel_of_a_turn_stops_its_checks_and_keeps_a_draft(tmp_path: Path) -> None:
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done."), settings=judged_by("sleep 60")) as desk:
        turn = desk.core.host.prompt(PromptRequest(Task("prompt", "go")))
        await desk.until(lambda: desk.shadow.n_running == 1)  # type: ignore[attr-defined]
        desk.core.host.cancel(turn.id)
        outcome = await turn.wait()
        assert (outcome.stop_reason, outcome.review.state) == ("cancelled", "draft")
        await desk.until(lambda: desk.shadow.n_running == 0)  # type: ignore[attr-defined]


async def test_words_of_the_persons_end_the_wait_for_checks(tmp_path: Path) -> None:
    script = steps(BREAKS, "text: Done.", "text: As you say.")
    async with checking(tmp_path, PROJECT, script, settings=judged_by(f"[ -e {tmp_path}/go ] || sleep 60")) as desk:
        turn = desk.core.host.prompt(PromptRequest(Task("prompt", "go")))
        await desk.until(lambda: desk.shadow.n_running == 1)  # type: ignore[attr-defined]
        (tmp_path / "go").touch()
        assert desk.core.host.prompt(PromptRequest(Task("prompt", "leave it"))).steered
        outcome = await turn.wait()
        assert outcome.message.startswith("As you say.")


async def test_typing_makes_evidence_of_another_text_and_taking_it_back_does_not(tmp_path: Path) -> None:
    settings = {**judged_by("true"), "review.mode": "hunks"}
    async with checking(tmp_path, PROJECT, steps(BREAKS, "text: Done."), settings=settings) as desk:
        desk.editor.open(desk.uri("calc.py"), ADD)
        await desk.turn()
        assert not desk.evidence()[-1].runs[0].stale
        desk.editor.type(desk.uri("calc.py"), [Edit(0, 0, "# mine\n")])
        await desk.until(lambda: desk.evidence()[-1].runs[0].stale)
        desk.editor.type(desk.uri("calc.py"), [Edit(0, 7, "")])
        await desk.until(lambda: not desk.evidence()[-1].runs[0].stale)


async def test_a_partial_accept_makes_evidence_of_another_text(tmp_path: Path) -> None:
    long = "".join(f"x{n} = {n}\n" for n in range(40))
    files = {"a.py": long}
    script = steps(
        edit("a.py", "x1 = 1\n", "x1 = -1\n") + "\n" + edit("a.py", "x30 = 30\n", "x30 = -30\n"), "text: Done."
    )
    settings = {**judged_by("true"), "review.mode": "hunks"}
    async with checking(tmp_path, files, script, settings=settings) as desk:
        desk.editor.open(desk.uri("a.py"), long)
        await desk.turn()
        first, second = await desk.core.host.reviews.refresh()
        await desk.core.host.reviews.accept(Choice(hunk=first.id))
        await desk.until(lambda: desk.evidence()[-1].runs[0].stale)
        await desk.core.host.reviews.accept(Choice(hunk=second.id))
        await desk.until(lambda: not desk.evidence()[-1].runs[0].stale)


async def test_what_was_found_without_the_edits_is_kept(tmp_path: Path) -> None:
    settings = {**judged_by("true"), "review.mode": "hunks"}
    script = steps(BREAKS, "text: Done.", MENDS, "text: More.")
    async with checking(tmp_path, PROJECT, script, settings=settings) as desk:
        await desk.turn()
        assert len(desk.shadow.commands) == 2  # type: ignore[attr-defined]
        await desk.turn()
        assert len(desk.shadow.commands) == 3  # type: ignore[attr-defined]


async def test_where_the_real_folder_is_imported_nothing_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "copydesk.services.verifying.editable.imports_itself", lambda root, program: "__editable__x.pth"
    )
    elsewhere = SandboxReport("container", holds=frozenset(HOLDS) - {"same_path"})
    script = steps(BREAKS, "text: Done.")
    shadow = lambda workspace: PlainShadow(workspace, says=elsewhere)  # noqa: E731
    async with checking(tmp_path, PROJECT, script, shadow=shadow, own_tools=True) as desk:
        outcome = await desk.turn()
        (run,) = outcome.evidence
        assert run.state == "not_checked"
        assert "__editable__x.pth" in run.why


async def test_where_nothing_confines_a_person_is_asked_once(tmp_path: Path) -> None:
    open_to_all = SandboxReport("process", holds=frozenset())
    shadow = lambda workspace: PlainShadow(workspace, says=open_to_all)  # noqa: E731
    script = steps(BREAKS, "text: Done.", MENDS, "text: Done.")
    async with checking(tmp_path, PROJECT, script, shadow=shadow, own_tools=True) as desk:
        first = await desk.turn()
        assert "nothing confines commands here" in first.message
        asked = len(desk.editor.asked)
        await desk.turn()
        assert (asked, len(desk.editor.asked)) == (1, 1)
