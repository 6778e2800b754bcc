"""Answers whether a prepared call may run, from the mode alone.

plan: reads and questions. ask, acceptEdits, auto: edits too, because nothing an edit proposes touches the tree
before review; what executes is asked about. Knows no tool, no session and no editor: `ask` is passed in.
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from copydesk.domain.permissions import Decision, Mode, PermissionRequest, Verdict

Ask: TypeAlias = Callable[[PermissionRequest], Awaitable[Decision]]

_PLAN = "plan mode is read-only; copydesk.mode.set changes it. Describe the change instead, or ask the person."
_NOBODY = "nobody is there to allow it; go on without running it, and say so at the end."


class ModeApprover:
    """The `Approver` port. `mode` is read at each decision; with no `ask` what needs a person is refused."""

    def __init__(self, mode: Callable[[], Mode], ask: Ask | None = None) -> None:
        self._mode = mode
        self._ask = ask

    def judge(self, request: PermissionRequest) -> Verdict:
        if request.effect in ("read", "ask"):
            return Verdict("allow", request)
        if self._mode() == "plan":
            return Verdict("deny", request, _PLAN)
        if request.effect == "edit" and not request.asks:
            return Verdict("allow", request)
        return Verdict("ask", request) if self._ask else Verdict("deny", request, _NOBODY)

    async def ask(self, request: PermissionRequest) -> Decision:
        return await self._ask(request) if self._ask else Decision(False, _NOBODY)
