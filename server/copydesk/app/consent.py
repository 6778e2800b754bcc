"""What the person allows, composed: trust of folders, grants, questions, and the judge of each call.

Decides nothing. Start with `Consent`.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anyio
from anyio.lowlevel import checkpoint

from copydesk.app.configuration import Configuration, now_iso
from copydesk.config.layers import PROJECT_FILE
from copydesk.config.settings import Settings
from copydesk.domain.shadows import Shadow
from copydesk.services.judging import Judging
from copydesk.services.permissions import Asker, Permissions
from copydesk.services.trust import AskPerson, Trust
from copydesk.store.grants import Grants
from copydesk.store.trust import TrustStore
from copydesk.workspace.uris import to_uri
from copydesk.workspace.workspace import Workspace

TRIAL_LIMIT_S = 10.0
"""How long a first command waits until it is known which sandbox works here."""

Say: TypeAlias = Callable[[str, str], None]
Start: TypeAlias = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


class Consent:
    """`given` are the editor's settings and the arguments. `asker` puts questions about permissions to the person, None
    where nobody can answer; `ask` puts those about trust.
    """

    def __init__(
        self,
        workspace: Workspace,
        state: Path,
        given: tuple[Mapping[str, Any], Mapping[str, Any]],
        asker: Asker | None,
        ask: AskPerson,
        say: Say,
    ) -> None:
        self.trust = Trust(TrustStore(state / "trust.json", now_iso), ask if asker else None, say)
        self.configuration = Configuration(workspace, *given, self.trust.is_trusted)
        self.permissions = Permissions(
            Grants(state / "grants", now_iso),
            lambda: workspace.roots,
            lambda: self._settings().number("permissions.askTimeoutS") or 0.0,
            asker,
            say,
        )
        self.judging = Judging(self.permissions, self._settings, lambda: workspace.roots)
        self.first: Callable[[], Awaitable[None]] = checkpoint
        """Done before anything else of a turn."""
        self.configuration.checks.append(self.judging.problems)
        self.trust.changed.append(self._trust_changed)

    def _settings(self) -> Settings:
        return self.configuration.settings

    def _trust_changed(self) -> None:
        self.configuration.update()

    async def find_out(self, shadow: Shadow) -> None:
        """What confines commands: asked before the first one is judged, for trying it takes a moment."""
        self.judging.sandbox_works = False
        with anyio.move_on_after(TRIAL_LIMIT_S):  # without an answer, commands ask
            report = await shadow.report()
            self.judging.sandbox_works, self.judging.refused = report.is_working, report.refused

    async def before_turn(self, start: Start) -> None:
        """Reads the grants anew, and asks once about folders whose file says more than it may."""
        await self.first()
        await self.permissions.refresh()
        for root in self.configuration.loaded.held_back:
            start(partial(self._ask_trust, root))

    async def _ask_trust(self, root: str) -> None:
        await self.trust.ask_once(to_uri(root), f"follow all of its {PROJECT_FILE}")
