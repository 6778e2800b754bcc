"""Where commands run: the shadow of the workspace, in the sandbox that the settings name or that works here.

Given what it may not know by itself: which files are secrets, whether the folders are trusted. Start with `Shadows`.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

from copydesk.config.settings import Settings
from copydesk.processes.sandboxes import Chosen, aclose, choose
from copydesk.services.side_files import SideFiles
from copydesk.services.trust import Trust
from copydesk.store.side_journal import SideJournal
from copydesk.workspace.shadow.blobs import BLOBS, Blobs
from copydesk.workspace.shadow.runner import ShadowRunner
from copydesk.workspace.shadow.writing import SideWriting
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace

Choose: TypeAlias = Callable[..., Awaitable[Chosen]]
"""As `processes.sandboxes.choose`."""


class Shadows:
    """The shadow of one workspace, in `runner`."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Callable[[], Settings],
        state: Path,
        trust: Trust,
        hidden: Callable[[str], bool],
        choose: Choose = choose,
    ) -> None:
        """`hidden`: whether tools keep away from the file at a path. `choose` finds the sandbox."""
        self._workspace = workspace
        self._settings = settings
        self._state = state
        self._trust = trust
        self._choose = choose
        journal = SideJournal(state / "side-files")
        blobs = Blobs(state / BLOBS)
        self.sides = SideFiles(SideWriting(lambda: workspace.roots, blobs, hidden, workspace.display), journal)
        self.runner = ShadowRunner(
            workspace,
            self._chosen,
            state,
            is_secret=hidden,
            trusted=self.trusted,
            rules=self._rules,
            network=self._has_network,
        )

    def trusted(self) -> bool:
        """Whether what every open folder holds may run: commands see them together."""
        return all(map(self._trust.is_trusted, self._workspace.roots))

    def _has_network(self) -> bool:
        return self._settings().text("sandbox.network") == "on"

    def _rules(self) -> object:
        """What `hidden` depends on."""
        return self._settings().texts("permissions.deny")

    async def aclose(self) -> None:
        await self.runner.aclose()
        await aclose(self._sandbox_state)

    @property
    def _sandbox_state(self) -> Path:
        return self._state / "sandbox"

    async def _chosen(self) -> Chosen:
        settings = self._settings()
        wanted = settings.text("sandbox.backend")
        return await self._choose(wanted, image=self._image(settings), state=self._sandbox_state)

    def _image(self, settings: Settings) -> str | None:
        """The person's choice, else what a trusted folder's dev container names."""
        if image := settings.text("sandbox.image"):
            return image
        from copydesk.processes.devcontainer import NoImage, image_of

        folders = (to_path(root) for root in self._workspace.roots if self._trust.is_trusted(root))
        try:
            return next((image for folder in folders if folder and (image := image_of(folder))), None)
        except NoImage:
            if settings.text("sandbox.backend") == "container":
                raise
            return None
