"""Where commands run: the shadow of the workspace, in the sandbox that the settings name or that works here.

Given what it may not know by itself: which files are secrets, whether the folders are trusted. Start with `Shadows`.
"""

from collections.abc import Callable
from pathlib import Path

from copydesk.config.settings import Settings
from copydesk.processes.sandboxes import Chosen, choose
from copydesk.safety.paths import is_secret
from copydesk.services.trust import Trust
from copydesk.workspace.shadow.runner import ShadowRunner
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace


class Shadows:
    """The shadow of one workspace, in `runner`."""

    def __init__(self, workspace: Workspace, settings: Callable[[], Settings], state: Path, trust: Trust) -> None:
        self._workspace = workspace
        self._settings = settings
        self._state = state
        self._trust = trust
        self.runner = ShadowRunner(workspace, self._chosen, state, is_secret=is_secret, trusted=self.trusted)

    def trusted(self) -> bool:
        """Whether what every open folder holds may run: commands see them together."""
        return all(map(self._trust.is_trusted, self._workspace.roots))

    async def _chosen(self) -> Chosen:
        settings = self._settings()
        return await choose(
            settings.text("sandbox.backend"), image=self._image(settings), state=self._state / "sandbox"
        )

    def _image(self, settings: Settings) -> str | None:
        """The person's choice, else what a trusted folder's dev container names."""
        if image := settings.text("sandbox.image"):
            return image
        from copydesk.processes.devcontainer import image_of

        folders = (to_path(root) for root in self._workspace.roots if self._trust.is_trusted(root))
        return next((image for folder in folders if folder and (image := image_of(folder))), None)
