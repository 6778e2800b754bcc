"""The settings in force, from every layer, and who hears of a change. Start with `Configuration`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from copydesk.config.layers import Loaded, load
from copydesk.config.settings import Settings
from copydesk.workspace.uris import to_path, to_uri
from copydesk.workspace.workspace import Workspace


def now_iso() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Configuration:
    """The settings in force; reloaded when the editor's change or the folders do."""

    def __init__(
        self,
        workspace: Workspace,
        editor: Mapping[str, Any],
        arguments: Mapping[str, Any],
        trusted: Callable[[str], bool],
    ) -> None:
        self._workspace = workspace
        self._trusted = trusted
        self._editor: Mapping[str, Any] = editor
        self._arguments = arguments
        self.checks: list[Callable[[], tuple[str, ...]]] = []
        """Each says what else is wrong with the settings in force."""
        self.changed: list[Callable[[Settings], None]] = []
        self.loaded: Loaded = self._load()

    def _load(self) -> Loaded:
        paths = (to_path(uri) for uri in self._workspace.roots)
        return load(
            editor=self._editor,
            arguments=self._arguments,
            project_roots=tuple(path for path in paths if path is not None),
            trusted=lambda root: self._trusted(to_uri(root)),
        )

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def update(self, editor: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """Reads every layer again, with new editor settings if given. Returns what could not be used."""
        if editor is not None:
            self._editor = editor
        self.loaded = self._load()
        for listener in self.changed:
            listener(self.settings)
        return self.problems

    @property
    def problems(self) -> tuple[str, ...]:
        """What of the settings could not be used."""
        return (*self.loaded.problems, *(problem for check in self.checks for problem in check()))
