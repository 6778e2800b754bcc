"""What the judge is given: the rules of the settings, what was granted, and the mode; and an approver for each turn.

Owns gathering and the messages about rules that cannot be used; `safety` decides by them. Start with
`Judging.approver_for`.
"""

from collections.abc import Callable

from copydesk.config.settings import Settings
from copydesk.domain.permissions import Mode, PermissionRequest, Verdict
from copydesk.domain.ports import Approver
from copydesk.safety.approver import TurnApprover, judge_by_mode
from copydesk.services.permissions import Permissions


class Judging:
    def __init__(
        self, permissions: Permissions, settings: Callable[[], Settings], say: Callable[[str, str], None]
    ) -> None:
        self._permissions = permissions
        self._settings = settings
        self._say = say

    def approver_for(self, mode: Callable[[], Mode], verb: str) -> Approver:
        """The approver of one turn. Explaining never edits, whatever the mode."""

        def read_only() -> Mode:
            return "plan"

        ask = self._permissions.ask if self._permissions.asker else None
        return TurnApprover(read_only if verb == "explain" else mode, self.judge, ask)

    def judge(self, request: PermissionRequest, mode: Mode) -> Verdict:
        verdict = judge_by_mode(request, mode)
        if verdict.outcome != "ask":
            return verdict
        if self._permissions.allowed_for_session(verdict.request) and verdict.request.level != "critical":
            return Verdict("allow", verdict.request)
        return Verdict("ask", self._permissions.offered(verdict.request), verdict.reason)
