"""What the person allows, composed: trust of folders, grants, questions, and the judge of each call.

Decides nothing. Start with `Consent`.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from copydesk.app.configuration import Configuration, now_iso
from copydesk.config.layers import PROJECT_FILE
from copydesk.services.judging import Judging
from copydesk.services.permissions import Asker, Permissions
from copydesk.services.trust import AskPerson, Trust
from copydesk.store.grants import Grants
from copydesk.store.trust import TrustStore
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace

Say: TypeAlias = Callable[[str, str], None]
Start: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def trust_of(state: Path, ask: AskPerson | None, say: Say) -> Trust:
    return Trust(TrustStore(state / "trust.json", now_iso), ask, say)


class Consent:
    """`asker` puts questions about permissions to the person; None where nobody can answer."""

    def __init__(
        self,
        workspace: Workspace,
        state: Path,
        trust: Trust,
        configuration: Configuration,
        asker: Asker | None,
        say: Say,
    ) -> None:
        self.trust = trust
        self._configuration = configuration
        self.permissions = Permissions(
            Grants(state / "grants", now_iso),
            lambda: workspace.roots,
            lambda: configuration.settings.number("permissions.askTimeoutS") or 0.0,
            asker,
            say,
        )
        self.judging = Judging(self.permissions, lambda: configuration.settings, lambda: workspace.roots)
        configuration.checks.append(self.judging.problems)
        trust.changed.append(self._trust_changed)

    def _trust_changed(self) -> None:
        self._configuration.update()

    async def before_turn(self, start: Start) -> None:
        """Reads the grants anew, and asks once about folders whose file says more than it may."""
        await self.permissions.refresh()
        for root in self._configuration.loaded.held_back:
            start(partial(self._ask_trust, root))

    async def _ask_trust(self, root: str) -> None:
        await self.trust.ask_once(to_uri(root), f"follow all of its {PROJECT_FILE}")
