"""Kept bytes by their sha256: what side files hold until a person decides. Files are private to the user.

Start with `Blobs.keep`.
"""

import hashlib
import os
import tempfile
from pathlib import Path

BLOBS = "blobs"
"""Their folder in the state."""


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Blobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, data: bytes) -> str:
        """Their name. Safe to call from several threads and processes at once."""
        name = digest_of(data)
        path = self._folder / name
        if path.exists():
            return name
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=self._folder)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(data)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        return name

    def get(self, name: str) -> bytes | None:
        """The bytes; None where they are not kept any more, or are not what they were."""
        if len(name) != 64 or not name.isalnum():
            return None
        try:
            data = (self._folder / name).read_bytes()
        except OSError:
            return None
        return data if digest_of(data) == name else None

    def forget_others(self, names: frozenset[str]) -> None:
        """Drops all but these."""
        try:
            found = os.listdir(self._folder)
        except OSError:
            return
        for name in found:
            if name not in names:
                (self._folder / name).unlink(missing_ok=True)
