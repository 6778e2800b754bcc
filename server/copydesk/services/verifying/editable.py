"""Whether a project's own interpreter imports the project from the real tree: then a copy elsewhere is not what runs.

Reads the marks that `pip install -e` and its like leave, as files; starts nothing. Start with `imports_itself`.
"""

import glob
import os
import shutil

MAX_BYTES = 200_000


def imports_itself(root: str, interpreter: str) -> str:
    """The mark that says so, or empty. `root` is the folder's path, `interpreter` its Python's, empty: PATH's."""
    real = os.path.realpath(root)
    program = interpreter or shutil.which("python3") or shutil.which("python") or ""
    for folder in _site_packages(program):
        for pattern in ("*.pth", "__editable__*", "*.egg-link"):
            for mark in glob.glob(os.path.join(glob.escape(folder), pattern)):
                if _names(mark, real, root):
                    return os.path.basename(mark)
    return ""


def _site_packages(program: str) -> list[str]:
    if not program:
        return []
    prefixes = {os.path.dirname(os.path.dirname(path)) for path in (program, os.path.realpath(program))}
    patterns = ("lib/python3*/site-packages", "lib/python3*/dist-packages", "Lib/site-packages")
    found = [each for prefix in prefixes for pattern in patterns for each in glob.glob(os.path.join(prefix, pattern))]
    own = os.path.expanduser("~/.local/lib/python3*/site-packages")
    return [*found, *glob.glob(own)]


def _names(mark: str, *paths: str) -> bool:
    try:
        with open(mark, encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_BYTES)
    except OSError:
        return False
    return any(path in text for path in paths)
