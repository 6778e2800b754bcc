"""The project's instruction files (AGENTS.md and its kin), read through the snapshot: unsaved text counts.

From the workspace folder down to the folder of the file the task is about, nearest last. Bounded, and the bound
is stated. The files are data of the project, not of the person: the prompt marks them so.
"""

import os
from collections.abc import Callable, Sequence

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import FileSource
from copydesk.safety.paths import is_secret
from copydesk.workspace.uris import to_path

LIMIT_CHARACTERS = 24_000


def read_instructions(
    files: FileSource, roots: Sequence[str], uri: str, names: Sequence[str], hides: Callable[[str], bool] = is_secret
) -> str:
    """The text of the instruction files that apply to `uri` (or to the roots when it is empty). May block.

    What `hides` says tools keep away from is no instruction file, whatever the settings or a link call it; nor is
    what lies outside the folder.
    """
    found: list[str] = []
    left = LIMIT_CHARACTERS
    for root in roots:
        for folder in _folders(root, uri):
            for name in names:
                text = "" if _is_kept_away(f"{folder}/{name}", root, hides) else _read(files, f"{folder}/{name}")
                if text:
                    shown = text[:left]
                    left -= len(shown)
                    cut = "" if len(shown) == len(text) else f"\n… cut at {LIMIT_CHARACTERS:,} characters in all."
                    path = f"{folder}/{name}".removeprefix(f"{root}/")
                    found.append(f"# {path}\n{shown.strip()}{cut}")
    return "\n\n".join(found)


def _folders(root: str, uri: str) -> list[str]:
    root = root.rstrip("/")
    folders = [root]
    if uri.startswith(f"{root}/"):
        parts = uri.removeprefix(f"{root}/").split("/")[:-1]
        folders += ["/".join((root, *parts[: i + 1])) for i in range(len(parts))]
    return folders


def _is_kept_away(uri: str, root: str, hides: Callable[[str], bool]) -> bool:
    if is_secret(uri) or hides(uri):
        return True
    path, base = to_path(uri), to_path(root)
    if path is None or base is None:
        return False
    real = os.path.realpath(path)
    inside = os.path.join(os.path.realpath(base), "")
    return not real.startswith(inside) or is_secret(real[len(inside) :]) or hides(real)


def _read(files: FileSource, uri: str) -> str:
    try:
        return files.read(uri).text if files.exists(uri) else ""
    except WorkspaceError:
        return ""
