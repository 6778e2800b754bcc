"""tiktoken's tables: which there are, what their bytes must be, and where on this machine they may be.

Names and places are tiktoken's own (`tiktoken_ext.openai_public`, `tiktoken.load`): a table in a folder that it uses
is found, and our folder can be its TIKTOKEN_CACHE_DIR. Nothing is read here or fetched. Start with `Tables.find`.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from copydesk.domain.frozen import frozen

BASE_URL: Final = "https://openaipublic.blob.core.windows.net"
VARIABLES: Final = ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")
LOOK_AGAIN_S: Final = 30.0


@frozen
class Table:
    """One file of ranks. `n_bytes` is its size, `path` stands behind the base URL."""

    name: str
    path: str
    sha256: str
    n_bytes: int

    @property
    def file_name(self) -> str:
        """What tiktoken calls it in its cache."""
        return hashlib.sha1((BASE_URL + self.path).encode(), usedforsecurity=False).hexdigest()


O200K: Final = Table(
    "o200k_base",
    "/encodings/o200k_base.tiktoken",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    3_613_922,
)
CL100K: Final = Table(
    "cl100k_base",
    "/encodings/cl100k_base.tiktoken",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    1_681_126,
)
TABLES: Final = (O200K, CL100K)
ENCODINGS: Final[Mapping[str, Table]] = {"o200k_base": O200K, "o200k_harmony": O200K, "cl100k_base": CL100K}
"""Encodings by name. o200k_harmony differs in its special tokens only, which no text of ours has."""


class Tables:
    """Where tables are. `own` is our folder; what is found, or not, is remembered for LOOK_AGAIN_S."""

    def __init__(
        self,
        env: Mapping[str, str],
        own: Path,
        clock: Callable[[], float] = time.monotonic,
        tables: Mapping[str, Table] = ENCODINGS,
    ) -> None:
        self._env, self._own, self._clock, self._tables = env, own, clock, tables
        self._found: dict[str, tuple[float, Path | None]] = {}
        self._refused: set[tuple[Path, int]] = set()

    def table(self, encoding: str) -> Table | None:
        return self._tables.get(encoding)

    def find(self, encoding: str) -> Path | None:
        """The file of an encoding's table; whether its bytes are right is for the reader to see."""
        known = self._found.get(encoding)
        if known is None or self._clock() - known[0] > LOOK_AGAIN_S:
            table = self._tables.get(encoding)
            known = self._found[encoding] = (self._clock(), self._look(table) if table else None)
        return known[1]

    def refuse(self, path: Path) -> None:
        """The file is not what it should be: it is passed over as long as it stays as it is."""
        self._refused.add((path, _stamp(path)))
        self._found.clear()

    def _look(self, table: Table) -> Path | None:
        for folder in self._folders():
            path = folder / table.file_name
            try:
                is_there = path.is_file() and path.stat().st_size == table.n_bytes
            except OSError:
                continue
            if is_there and (path, _stamp(path)) not in self._refused:
                return path
        return None

    def _folders(self) -> Iterator[Path]:
        """tiktoken's order, then ours. An empty variable means that it keeps no cache."""
        named = next((self._env[name] for name in VARIABLES if name in self._env), None)
        if named:
            yield Path(named)
        elif named is None and _is_mine(shared := Path(tempfile.gettempdir()) / "data-gym-cache"):
            yield shared
        yield self._own


def _is_mine(folder: Path) -> bool:
    """Anybody may make a folder of that name in a temporary directory that all share."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
