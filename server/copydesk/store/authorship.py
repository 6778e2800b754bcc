"""Who wrote what, on disk: one small file a turn, one a document, and the texts they stand on, each only once.

Everything is written beside and renamed into place, mode 0600, so that neither a kill nor a second server on the same
folder leaves half a file; the last writer of a document wins. What cannot be read is passed over and said in the log.
Old things go by age, then by size. Every method may block: call them in a thread.
"""

import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

from copydesk.store.authored import (
    AuthoredText,
    AuthoredTurn,
    text_from_json,
    text_to_json,
    turn_from_json,
    turn_to_json,
)
from copydesk.store.pages import replace_page

log = logging.getLogger("copydesk.authorship")

MAX_AGE_S = 60 * 24 * 3600.0
MAX_BYTES = 256 << 20
MAX_PAGE_BYTES = 16 << 20
"""A larger page is not written, and not read: who wrote what in it is known as long as this server runs."""

ORPHAN_AGE_S = 3600.0
"""How long a text, or a half-written file, may stand by itself: another server may be about to name it."""

_T = TypeVar("_T")


class AuthorshipStore:
    """`directory` is made at the first write."""

    def __init__(self, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self._turns = directory / "turns"
        self._files = directory / "files"
        self._texts = directory / "texts"
        self._clock = clock
        self._said = False

    # --- writing ---

    def put_turn(self, turn: AuthoredTurn) -> bool:
        """False where it could not be written, which is said in the log once."""
        return self._write(self._turns / f"{_name(turn.turn)}.json", _page(turn_to_json(turn)))

    def put_text(self, file: AuthoredText) -> bool:
        said = file.text.encode("utf-8", "surrogatepass")
        name = sha256(said).hexdigest()[:32]
        path = self._texts / f"{name}.z"
        there = path.exists() or self._write(path, zlib.compress(said, 3))
        return there and self._write(self._files / f"{_name(file.uri)}.json", _page(text_to_json(file, name)))

    def forget_text(self, uri: str) -> None:
        _removed(self._files / f"{_name(uri)}.json")

    def _write(self, path: Path, data: bytes) -> bool:
        if len(data) > MAX_PAGE_BYTES and path.suffix == ".json":
            return False
        try:
            replace_page(path, data)
        except OSError as error:
            self._say(f"who wrote what cannot be kept: {error}")
            return False
        return True

    def _say(self, text: str) -> None:
        log.log(logging.DEBUG if self._said else logging.WARNING, "%s", text)
        self._said = True

    # --- reading ---

    def turns(self) -> dict[str, AuthoredTurn]:
        """All that are kept, by id."""
        found = (self._read(path, turn_from_json) for path in _listed(self._turns, ".json"))
        return {turn.turn: turn for turn in found if turn is not None}

    def turn(self, id: str) -> AuthoredTurn | None:
        return self._read(self._turns / f"{_name(id)}.json", turn_from_json)

    def text(self, uri: str) -> AuthoredText | None:
        path = self._files / f"{_name(uri)}.json"
        return self._read(path, lambda data: text_from_json(data, self._said_text(str(data["text"]))))

    def keys(self) -> frozenset[str]:
        """The documents that have a page, as `key_of` names them."""
        return frozenset(path.stem for path in _listed(self._files, ".json"))

    def _said_text(self, name: str) -> str:
        said = zlib.decompress((self._texts / f"{name}.z").read_bytes())
        if sha256(said).hexdigest()[:32] != name:
            raise ValueError("its text is not what it was")
        return said.decode("utf-8", "surrogatepass")

    def _read(self, path: Path, make: Callable[[dict[str, Any]], _T]) -> _T | None:
        try:
            if path.stat().st_size > MAX_PAGE_BYTES:
                raise ValueError("it is too large")
            data = json.loads(path.read_bytes())
            if not isinstance(data, dict):
                raise TypeError("it is no object")
            return make(cast("dict[str, Any]", data))
        except FileNotFoundError as error:
            if path.exists():
                log.warning("%s is passed over: %s is missing", path.name, Path(str(error.filename)).name)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, zlib.error, RecursionError) as error:
            log.warning("%s is passed over: %s", path.name, error)
        return None

    # --- keeping it small ---

    def tidy(self) -> int:
        """Removes what is too old, then the oldest beyond the size. Returns how many files went."""
        now = self._clock()
        pages = sorted(_dated([*_listed(self._turns, ".json"), *_listed(self._files, ".json")]), reverse=True)
        total, n_gone = 0, 0
        for when, size, path in pages:
            total += size + (self._text_size(path) if path.parent == self._files else 0)
            if now - when > MAX_AGE_S or total > MAX_BYTES:
                n_gone += _removed(path)
        return n_gone + self._drop_orphans(now)

    def _text_size(self, page: Path) -> int:
        path = self._text_of(page)
        return path.stat().st_size if path and path.exists() else 0

    def _text_of(self, page: Path) -> Path | None:
        try:
            return self._texts / f"{json.loads(page.read_bytes())['text']}.z"
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _drop_orphans(self, now: float) -> int:
        named = {self._text_of(page) for page in _listed(self._files, ".json")}
        halves = [path for folder in (self._turns, self._files, self._texts) for path in _listed(folder, "", ".")]
        n_gone = 0
        for when, _, path in _dated([*_listed(self._texts, ".z"), *halves]):
            if path not in named and now - when > ORPHAN_AGE_S:
                n_gone += _removed(path)
        return n_gone


def key_of(uri: str) -> str:
    """The name of a document's page."""
    return _name(uri)


def _name(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _removed(path: Path) -> bool:
    """False where it was gone already, or cannot go."""
    try:
        path.unlink()
    except OSError:
        return False
    return True


def _page(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()


def _listed(folder: Path, suffix: str, prefix: str = "") -> list[Path]:
    """The files with this ending; hidden ones only if asked for by `prefix`."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [folder / n for n in sorted(names) if n.endswith(suffix) and n.startswith(".") == bool(prefix)]


def _dated(paths: Iterable[Path]) -> Iterator[tuple[float, int, Path]]:
    for path in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        yield found.st_mtime, found.st_size, path
