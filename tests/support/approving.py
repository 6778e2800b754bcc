"""An `Approver` for tests of what is approved: only commands are asked about, and a function answers.

What the real one decides is tested where it is.
"""

from collections.abc import Awaitable, Callable

from copydesk.domain.permissions import Decision, PermissionRequest, Verdict

Answer = Callable[[PermissionRequest], Awaitable[Decision]]


class CommandApprover:
    def __init__(self, answer: Answer) -> None:
        self.ask = answer

    def judge(self, request: PermissionRequest) -> Verdict:
        return Verdict("ask" if request.effect == "execute" else "allow", request)


def approver_for(answer: Answer) -> Callable[..., CommandApprover]:
    """For `SessionParts.approver`, whatever it is given."""
    return lambda *given: CommandApprover(answer)
