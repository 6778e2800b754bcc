"""File URIs and paths, as the worker and ruff need them. Pure. Start with `to_path` and `to_uri`."""

import os
import tempfile
import zlib
from urllib.parse import quote, unquote, urlsplit


def to_path(uri: str) -> str | None:
    """The absolute path of a file URI; None for any other scheme (untitled documents, say)."""
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "file":
        return None
    path = unquote(parts.path + (f"?{parts.query}" if parts.query else ""))
    if os.name == "nt":
        path = f"//{parts.netloc}{path}" if parts.netloc else path.lstrip("/")
    return os.path.normpath(path)


def path_for(uri: str) -> str:
    """A path to call a document by, for engines that know only paths: untitled ones get one where nothing is."""
    return to_path(uri) or os.path.join(tempfile.gettempdir(), "copydesk-untitled", f"u{zlib.crc32(uri.encode())}.py")


def to_uri(path: str) -> str:
    slashed = path.replace(os.sep, "/")
    return "file://" + quote(slashed if slashed.startswith("/") else f"/{slashed}")


def root_of(path: str, roots: tuple[str, ...]) -> str:
    """The workspace folder that holds a path (the innermost), else the folder the file is in."""
    holding = [root for root in roots if path == root or path.startswith(root.rstrip(os.sep) + os.sep)]
    return max(holding, key=len, default=os.path.dirname(path))
