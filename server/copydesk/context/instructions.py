"""The project's instruction files (AGENTS.md and its kin), read through the snapshot: unsaved text counts.

From the workspace folder down to the folder of the file the task is about, nearest last. Bounded, and the bound
is stated. The files are data of the project, not of the person: the prompt marks them so.
"""

from collections.abc import Sequence

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import FileSource

LIMIT_CHARACTERS = 24_000


def read_instructions(files: FileSource, roots: Sequence[str], uri: str, names: Sequence[str]) -> str:
    """The text of the instruction files that apply to `uri` (or to the roots when it is empty). May block."""
    found: list[str] = []
    left = LIMIT_CHARACTERS
    for root in roots:
        for folder in _folders(root, uri):
            for name in names:
                text = _read(files, f"{folder}/{name}")
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


def _read(files: FileSource, uri: str) -> str:
    try:
        return files.read(uri).text if files.exists(uri) else ""
    except WorkspaceError:
        return ""
