"""Whether a folder's checks may run: its own ones need trust, and where nothing confines them a person is asked.

What will run is shown before its first use, once for each folder and session. Start with `Consent.refusal`.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from copydesk.domain.ports import Question
from copydesk.domain.sandboxes import SandboxReport
from copydesk.services.verifying.checks import Check

RUN, LEAVE = "Run them in this session", "Not now"
MAX_SHOWN = 6
NEED = "run its own tests and checkers on the edits that are proposed"


class Trusts(Protocol):
    """What is needed of `services.trust.Trust`."""

    def is_trusted(self, root: str) -> bool: ...

    async def ask_once(self, root: str, need: str) -> bool: ...


class Person(Protocol):
    """What is needed of the editor."""

    async def ask(self, question: Question) -> str | None: ...

    async def show_message(self, level: str, text: str) -> None: ...


class Consent:
    """`trust` None: no folder is trusted, and nobody can be asked."""

    def __init__(self, trust: Trusts | None, person: Person, display: Callable[[str], str]) -> None:
        self._trust = trust
        self._person = person
        self._display = display
        self._shown: set[tuple[str, str]] = set()
        self._unconfined: dict[tuple[str, str], bool] = {}

    async def refusal(self, session: str, root: str, checks: Sequence[Check], report: SandboxReport) -> str:
        """Why the checks of one folder may not run; empty when they may. Checks that the person set need no trust."""
        if not all(check.is_set for check in checks) and not await self._trusted(root):
            name = self._display(root)
            where = "this folder" if name == "." else repr(name)
            return f"{where} is not trusted, so nothing of it is run (copydesk.workspace.trust changes that)"
        if not report.is_working:
            return await self._unconfined_refusal(session, root, checks, report)
        await self._show(session, root, checks)
        return ""

    async def _trusted(self, root: str) -> bool:
        if self._trust is None:
            return False
        return self._trust.is_trusted(root) or await self._trust.ask_once(root, NEED)

    async def _unconfined_refusal(self, session: str, root: str, checks: Sequence[Check], report: SandboxReport) -> str:
        key = (session, root)
        if key not in self._unconfined:
            why = f"Nothing confines commands here ({report.backend})."
            text = f"{why} Run these to check Copydesk's edits? {_listed(checks)}"
            self._unconfined[key] = await self._person.ask(Question(text, (RUN, LEAVE))) == RUN
        if self._unconfined[key]:
            return ""
        return f"nothing confines commands here ({report.backend}), and you did not allow the checks"

    async def _show(self, session: str, root: str, checks: Sequence[Check]) -> None:
        if (session, root) not in self._shown:
            self._shown.add((session, root))
            text = f"Copydesk checks its edits here with: {_listed(checks)} (verify.commands, verify.enabled)"
            await self._person.show_message("info", text)


def _listed(checks: Sequence[Check]) -> str:
    names = list(dict.fromkeys(check.commands[0] if check.is_set else check.tool for check in checks))
    more = len(names) - MAX_SHOWN
    return ", ".join(names[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
