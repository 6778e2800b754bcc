"""What each mode lets each effect do."""

import pytest

from copydesk.domain.permissions import MODES, Decision, Mode, PermissionRequest
from copydesk.domain.tools import Effect
from copydesk.safety.approver import ModeApprover
from tests.support.asking import decide

YES = Decision(True)


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

    decision = await decide(ModeApprover(lambda: mode, ask), request_for(effect))
    assert decision.allowed == (verdict == "y")
    assert [request.effect for request in asked] == ([effect] if verdict == "?" else [])
    if verdict == "?":
        assert decision == Decision(False, "not now")


async def test_plan_says_how_to_leave_it():
    decision = await decide(ModeApprover(lambda: "plan"), request_for("edit"))
    assert "plan mode is read-only" in decision.reason
    assert "copydesk.mode.set" in decision.reason


async def test_nobody_to_ask_refuses_with_a_reason():
    decision = await decide(ModeApprover(lambda: "auto", None), request_for("execute"))
    assert not decision.allowed
    assert "nobody" in decision.reason


async def test_the_mode_is_read_at_each_decision():
    mode: list[Mode] = ["plan"]
    approver = ModeApprover(lambda: mode[0])
    assert not (await decide(approver, request_for("edit"))).allowed
    mode[0] = "auto"
    assert await decide(approver, request_for("edit")) == YES
