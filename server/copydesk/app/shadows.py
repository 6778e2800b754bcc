"""Where commands run: the shadow of the workspace, in the sandbox that the settings name or that works here.

Given what it may not know by itself: which files are secrets, whether the folders are trusted. Start with `shadow_of`.
"""

from collections.abc import Callable
from pathlib import Path

from copydesk.config.settings import Settings
from copydesk.processes.sandboxes import Chosen, choose
from copydesk.safety.paths import is_secret
from copydesk.workspace.shadow.runner import ShadowRunner
from copydesk.workspace.workspace import Workspace


def shadow_of(
    workspace: Workspace, settings: Callable[[], Settings], state: Path, trusted: Callable[[], bool] = lambda: False
) -> ShadowRunner:
    async def chosen() -> Chosen:
        now = settings()
        image = now.text("sandbox.image") or None
        return await choose(now.text("sandbox.backend"), image=image, state=state / "sandbox")

    return ShadowRunner(workspace, chosen, state, is_secret=is_secret, trusted=trusted)
