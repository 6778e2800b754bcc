"""A session as its review sees it, for what goes beside the text: its editor takes nothing."""

from typing import cast

import anyio

from copydesk.domain.ports import ApplyReply, Editor, WorkspaceChange
from copydesk.services.landing import Landing
from copydesk.workspace.pending import Pending
from copydesk.workspace.workspace import Workspace


class ReviewedSession:
    """`events` and `told` are what it was given."""

    def __init__(self, id: str, workspace: Workspace) -> None:
        self.id = id
        self.pending = Pending()
        self.on_landed = []
        self.landing = Landing(workspace, cast("Editor", self), lambda landed: None)
        self.review_lock = anyio.Lock()
        self.awaits_review = True
        self.events: list[object] = []
        self.told: list[str] = []

    def emit(self, event: object) -> None:
        self.events.append(event)

    def tell(self, line: str) -> None:
        self.told.append(line)

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        del change, confirm
        return ApplyReply(False, "this editor takes nothing")
