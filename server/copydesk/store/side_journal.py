"""What was written of side files, by turn, and what takes it back: kept where the next server finds it.

Start with `SideJournal.put`.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from copydesk.domain.commands import SideFile
from copydesk.store.pages import replace_page

_ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
MAX_KEPT = 64


class SideJournal:
    """One small file for each turn. All methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, turn: str, back: list[SideFile]) -> None:
        """Raises OSError."""
        if _ID.fullmatch(turn):
            replace_page(self._folder / f"{turn}.json", json.dumps([asdict(side) for side in back]).encode())
            self._drop_old()

    def get(self, turn: str) -> list[SideFile]:
        """Empty where nothing is kept."""
        if not _ID.fullmatch(turn):
            return []
        try:
            found: list[dict[str, Any]] = json.loads((self._folder / f"{turn}.json").read_bytes())
            return [SideFile(**each) for each in found]
        except (OSError, ValueError, TypeError):
            return []

    def newest(self) -> str:
        """The turn that wrote last; '' where there is none."""
        pages = self._pages()
        return pages[-1].stem if pages else ""

    def blobs(self) -> frozenset[str]:
        return frozenset(side.blob for page in self._pages() for side in self.get(page.stem) if side.blob)

    def _pages(self) -> list[Path]:
        try:
            return sorted(self._folder.glob("*.json"), key=lambda page: page.stat().st_mtime_ns)
        except OSError:
            return []

    def _drop_old(self) -> None:
        for page in self._pages()[:-MAX_KEPT]:
            page.unlink(missing_ok=True)
