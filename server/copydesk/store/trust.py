"""Which folders the person trusts: `<state>/trust.json`, by real path, in the user's state and never in a project.

Owns keeping it; what trust allows is decided elsewhere. Everything here blocks. Start with `TrustStore`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from copydesk.store.grants import real_path, shown
from copydesk.store.shared_pages import Page, SharedPage


class TrustStore:
    def __init__(self, path: Path, now: Callable[[], str]) -> None:
        self._page = SharedPage(path, "which folders are trusted")
        self._now = now

    def read(self, path: str) -> bool | None:
        """What the person said of the folder; None when nothing. Raises `PageError`."""
        item = _folders(self._page.read()).get(shown(real_path(path)))
        said = cast("Page", item).get("trusted") if isinstance(item, dict) else None
        return said if isinstance(said, bool) else None

    def write(self, path: str, trusted: bool | None) -> None:
        """Remembers it; None forgets. Raises `PageError`."""
        key = shown(real_path(path))

        def changed(page: Page) -> Page:
            folders = {name: item for name, item in _folders(page).items() if name != key}
            if trusted is not None:
                folders[key] = {"trusted": trusted, "at": self._now()}
            return {"v": 1, "folders": folders}

        self._page.change(changed)


def _folders(page: Page) -> dict[str, Any]:
    folders = page.get("folders")
    return cast("dict[str, Any]", folders) if isinstance(folders, dict) else {}
