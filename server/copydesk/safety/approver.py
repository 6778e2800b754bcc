"""Answers, for one turn, whether a prepared call may run: what the judge says, then the person, then what was said.

Owns the memory of one turn: a no stands for the rest of it, and after several in a row the model is told to stop and
ask. Rules and risk are the judge's, the question its asker's; both are passed in. Knows no tool, no session and no
editor. Start with `TurnApprover`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from copydesk.domain.permissions import Decision, Mode, PermissionRequest, Verdict
from copydesk.safety.judge import NOBODY

Ask: TypeAlias = Callable[[PermissionRequest], Awaitable[Decision]]
Judge: TypeAlias = Callable[[PermissionRequest, Mode], Verdict]

MAX_DENIALS = 3
"""Refusals in a row after which a model is not going to find the right words by trying."""

SAID_NO = "the person has already said no to exactly this in this turn. Do not try it again; go on without it."
ENOUGH = (
    "This is refusal {n} in a row in this turn: stop here. Do not look for another way to do the same; "
    "say what you wanted to do and why, and ask the person how to go on."
)


class TurnApprover:
    """The `Approver` port. `mode` is read at each decision; with no `ask` what needs a person is refused."""

    def __init__(self, mode: Callable[[], Mode], judge: Judge, ask: Ask | None = None) -> None:
        self._mode = mode
        self._judge = judge
        self._ask = ask
        self._refused: set[object] = set()
        self._n_denials = 0

    def judge(self, request: PermissionRequest) -> Verdict:
        if _same(request) in self._refused:
            return Verdict("deny", request, self._no(SAID_NO))
        verdict = self._judge(request, self._mode())
        if verdict.outcome == "ask" and self._ask is None:
            verdict = Verdict("deny", verdict.request, NOBODY)
        if verdict.outcome == "deny":
            return replace(verdict, reason=self._no(verdict.reason))
        if verdict.outcome == "allow" and request.effect in ("edit", "execute"):
            self._n_denials = 0
        return verdict

    async def ask(self, request: PermissionRequest) -> Decision:
        decision = await self._ask(request) if self._ask else Decision(False, NOBODY)
        if decision.allowed:
            self._n_denials = 0
            return decision
        self._refused.add(_same(request))
        return replace(decision, reason=self._no(decision.reason))

    def _no(self, reason: str) -> str:
        self._n_denials += 1
        return f"{reason} {ENOUGH.format(n=self._n_denials)}".strip() if self._n_denials >= MAX_DENIALS else reason


def _same(request: PermissionRequest) -> object:
    """What makes two calls one question."""
    command = " ".join(request.command.split())
    return (request.tool, command, request.in_place, request.locations, request.asks, "" if command else request.title)
