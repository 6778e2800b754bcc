"""What each mode lets each effect do."""

from dataclasses import replace

import pytest

from copydesk.domain.permissions import MODES, Decision, Mode, PermissionRequest, Verdict
from copydesk.domain.tools import Effect
from copydesk.safety.approver import TurnApprover
from copydesk.safety.judge import judge
from copydesk.safety.places import Place
from copydesk.safety.rules import Rules
from tests.support.asking import decide

YES = Decision(True)


def by_mode(request: PermissionRequest, mode: Mode) -> Verdict:
    return judge(request, mode=mode, rules=Rules(), sandbox_works=True, place=Place("/w", ("/w",)))


def request_for(effect: Effect) -> PermissionRequest:
    return PermissionRequest("p1", "s1", "t1", "some_tool", "other", effect, "Do it")


TABLE: tuple[tuple[Mode, str], ...] = (
    # mode           read  ask   edit  execute      (y: allowed, n: refused, ?: the person is asked)
    ("plan", "y y n n"),
    ("ask", "y y y ?"),
    ("acceptEdits", "y y y ?"),
    ("auto", "y y y ?"),
)
EFFECTS: tuple[Effect, ...] = ("read", "ask", "edit", "execute")
CASES = [(mode, effect, verdict) for mode, row in TABLE for effect, verdict in zip(EFFECTS, row.split(), strict=True)]


def test_the_table_covers_every_mode():
    assert tuple(mode for mode, _ in TABLE) == MODES


@pytest.mark.parametrize(("mode", "effect", "verdict"), CASES)
async def test_verdict(mode: Mode, effect: Effect, verdict: str):
    asked: list[PermissionRequest] = []

    async def ask(request: PermissionRequest) -> Decision:
        asked.append(request)
        return Decision(False, "not now")

    decision = await decide(TurnApprover(lambda: mode, by_mode, ask), request_for(effect))
    assert decision.allowed == (verdict == "y")
    assert [request.effect for request in asked] == ([effect] if verdict == "?" else [])
    if verdict == "?":
        assert decision == Decision(False, "not now")


async def test_plan_says_how_to_leave_it():
    decision = await decide(TurnApprover(lambda: "plan", by_mode), request_for("edit"))
    assert "plan mode is read-only" in decision.reason
    assert "copydesk.mode.set" in decision.reason


async def test_nobody_to_ask_refuses_with_a_reason():
    decision = await decide(TurnApprover(lambda: "auto", by_mode), request_for("execute"))
    assert not decision.allowed
    assert "nobody" in decision.reason


async def test_the_mode_is_read_at_each_decision():
    mode: list[Mode] = ["plan"]
    approver = TurnApprover(lambda: mode[0], by_mode)
    assert not (await decide(approver, request_for("edit"))).allowed
    mode[0] = "auto"
    assert await decide(approver, request_for("edit")) == YES


async def no(request: PermissionRequest) -> Decision:
    return Decision(False, "not now")


def run(command: str) -> PermissionRequest:
    return replace(request_for("execute"), command=command)


async def test_a_no_stands_for_the_rest_of_the_turn():
    asked: list[str] = []

    async def ask(request: PermissionRequest) -> Decision:
        asked.append(request.command)
        return Decision(False, "not now")

    approver = TurnApprover(lambda: "ask", by_mode, ask)
    await decide(approver, run("rm a"))
    again = await decide(approver, run("rm   a"))
    assert not again.allowed
    assert "already said no" in again.reason
    assert asked == ["rm a"]
    await decide(approver, replace(run("rm a"), in_place=True))
    await decide(TurnApprover(lambda: "ask", by_mode, ask), run("rm a"))
    assert asked == ["rm a"] * 3, "another question, and another turn, are asked"


async def test_after_three_refusals_in_a_row_the_model_is_told_to_stop():
    approver = TurnApprover(lambda: "ask", by_mode, no)
    reasons = [(await decide(approver, run(command))).reason for command in ("a", "b", "c", "d")]
    assert ["stop here" in reason for reason in reasons] == [False, False, True, True]
    assert reasons[2].startswith("not now")


async def test_what_was_allowed_ends_the_row_and_reading_does_not():
    answers = [False, False, True, False, False, False]

    async def ask(request: PermissionRequest) -> Decision:
        return Decision(answers.pop(0), "no")

    approver = TurnApprover(lambda: "ask", by_mode, ask)
    reasons: list[str] = []
    for command in "abcdef":
        reasons.append((await decide(approver, run(command))).reason)
        await decide(approver, request_for("read"))
    assert ["stop here" in reason for reason in reasons] == [False, False, False, False, False, True]


async def test_rules_that_refuse_count_too():
    def judge(request: PermissionRequest, mode: Mode) -> Verdict:
        return Verdict("deny", request, "a rule says no")

    approver = TurnApprover(lambda: "auto", judge)
    reasons = [approver.judge(run(command)).reason for command in ("a", "b", "c")]
    assert ["stop here" in reason for reason in reasons] == [False, False, True]
