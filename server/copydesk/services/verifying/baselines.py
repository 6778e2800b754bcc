"""What checks found without the edits, kept by a hash of all that they depend on. In memory, bounded, the oldest go.

What a run depends on is the text of the whole folder, so its stamp is taken of every file that git does not ignore:
size and time for what is as on the disk, the text's own hash for the rest. Start with `stamp`.
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterable

from copydesk.domain.ports import FileSource
from copydesk.services.verifying.checks import Check
from copydesk.services.verifying.running import Ran
from copydesk.workspace.uris import to_path
from copydesk.workspace.walking import Walked

MAX_KEPT = 64
MAX_STAMPED = 50_000
"""Files: in a larger folder nothing is kept, and the checks run on both sides each time."""

_INSTALLED = ("node_modules/.package-lock.json", "Cargo.lock", ".venv/pyvenv.cfg")


class Baselines:
    def __init__(self) -> None:
        self._kept: OrderedDict[str, Ran] = OrderedDict()

    def get(self, key: str) -> Ran | None:
        return self._kept.get(key) if key else None

    def put(self, key: str, ran: Ran) -> None:
        if not key or ran.reading is None:
            return
        self._kept[key] = ran
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)


def key_of(stamp: str, check: Check, arguments: Iterable[str]) -> str:
    """Empty where there is no stamp: then nothing is kept."""
    parts = (stamp, check.root, check.folder, *check.commands, "", *arguments)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest() if stamp else ""


def stamp(view: FileSource, root: str, walked: Iterable[Walked]) -> str:
    """Names the text of a folder as `view` has it; empty for one too large. Blocks on the disk."""
    digest = hashlib.sha256(root.encode())
    for number, entry in enumerate(walked):
        if number > MAX_STAMPED:
            return ""
        if not entry.is_dir and not entry.is_held:
            digest.update(_line(entry.path, _disk(entry.path)))
    for uri, handle in sorted(view.changed().items()):
        digest.update(_line(uri, handle.content_hash if handle else "-"))
    base = to_path(root) or ""
    for name in (*_INSTALLED, *_site_packages(base)):
        digest.update(_line(name, _disk(os.path.join(base, name))))
    return digest.hexdigest()[:16]


def _line(name: str, value: str) -> bytes:
    return f"{name}\0{value}\n".encode("utf-8", "surrogateescape")


def _disk(path: str) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return "?"
    return f"{found.st_mtime_ns} {found.st_size} {found.st_mode}"


def _site_packages(base: str) -> list[str]:
    lib = os.path.join(base, ".venv", "lib")
    try:
        return [os.path.join(".venv", "lib", name, "site-packages") for name in sorted(os.listdir(lib))]
    except OSError:
        return []
