"""What waits for a decision, one small file a session, so that it outlives the server.

`<state>/drafts/<session>.json`, mode 0600, replaced as a whole: a kill leaves the old one or the new one. Plain data
in and out; what it means is the caller's. A file that cannot be read is passed over, and kept.
"""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from copydesk.store.pages import replace_page

log = logging.getLogger("copydesk.store")

MAX_FILE_BYTES = 256 * 1024 * 1024
_NAME = re.compile(r"[\w-]{1,80}")


class Drafts:
    """`problem` is why the last one could not be kept, empty while all is well."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.problem = ""

    def save(self, session: str, data: dict[str, Any] | None) -> None:
        """Replaces the session's draft; None removes it. Blocks; never raises."""
        path = self._path(session)
        try:
            if data is None:
                path.unlink(missing_ok=True)
            else:
                replace_page(path, json.dumps(data, separators=(",", ":")).encode("utf-8", "surrogatepass"))
            self.problem = ""
        except OSError as error:
            self.problem = f"What waits for review cannot be kept for the next start: {error}."
            log.warning("%s", self.problem)

    def load(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(session, data) of every draft that can be read, the oldest first. Blocks."""
        paths = [path for path in _entries(self._folder) if path.suffix == ".json" and _NAME.fullmatch(path.stem)]
        for path in sorted(paths, key=_age):
            if data := _read(path):
                yield path.stem, data

    def _path(self, session: str) -> Path:
        if not _NAME.fullmatch(session):
            raise ValueError(f"{session!r} is no session's name")
        return self._folder / f"{session}.json"


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("it is too large")
        data = json.loads(path.read_bytes().decode("utf-8", "surrogatepass"))
    except (OSError, ValueError) as error:
        log.warning("the draft %s cannot be read: %s", path.name, error)
        return None
    return cast("dict[str, Any]", data) if isinstance(data, dict) else None
