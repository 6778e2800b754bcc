"""Puts a request through an approver as the agent does: judge first, ask only where that says so."""

from copydesk.domain.permissions import Decision, PermissionRequest
from copydesk.domain.ports import Approver


async def decide(approver: Approver, request: PermissionRequest) -> Decision:
    verdict = approver.judge(request)
    if verdict.outcome == "ask":
        return await approver.ask(verdict.request)
    return Decision(verdict.outcome == "allow", verdict.reason)
