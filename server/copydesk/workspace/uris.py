"""URIs and paths, in one canonical spelling, so that two names of one file compare equal. No I/O.

Canonical: RFC 3986 path characters as they are, everything else percent-encoded as UTF-8 (bytes of odd POSIX names
through surrogate escapes), no trailing slash, Windows drives in lower case. `windows` says whose paths are meant;
it is this machine's unless told.
"""

import os
import re
from urllib.parse import quote, unquote

_WINDOWS = os.name == "nt"
_SAFE = "/~!$&'()*+,;=:@"
_DRIVE = re.compile(r"^/?([A-Za-z]):(?=/|$)")
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")


def to_uri(path: str, *, windows: bool = _WINDOWS) -> str:
    """The `file:` URI of an absolute path."""
    if not windows:
        return "file://" + _quoted("/" + _bare(path).lstrip("/"))
    path = _bare(path.replace("\\", "/"))
    if path.startswith("//"):
        host, _, rest = path[2:].partition("/")
        return f"file://{host.lower()}/{_quoted(rest)}"
    return "file:///" + _quoted(_lower_drive(path).lstrip("/"))


def to_path(uri: str, *, windows: bool = _WINDOWS) -> str | None:
    """The path of a `file:` URI; None for any other scheme, or for another host where paths have none."""
    if uri[:5].lower() != "file:":
        return None
    rest = uri[5:]
    host = ""
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        rest = slash + rest
    path = unquote(rest, errors="surrogateescape") or "/"
    if host.lower() == "localhost":
        host = ""
    if not windows:
        return None if host else path
    if host:
        return f"\\\\{host}{path}".replace("/", "\\")
    return _lower_drive(path).replace("/", "\\")


def normalise(uri: str, *, windows: bool = _WINDOWS) -> str:
    """The canonical spelling; URIs of other schemes are left as they are, but for the scheme's case."""
    path = to_path(uri, windows=windows)
    if path is not None:
        return to_uri(path, windows=windows)
    scheme, colon, rest = uri.partition(":")
    return f"{scheme.lower()}{colon}{rest}"


def is_own(uri: str) -> bool:
    """Whether it names a document that we make for the person to read: no file, and nothing to work on."""
    return uri.startswith("copydesk:")


def same(uri_a: str, uri_b: str, *, windows: bool = _WINDOWS) -> bool:
    """Whether two URIs name one file; on Windows the case of letters does not matter."""
    a, b = normalise(uri_a, windows=windows), normalise(uri_b, windows=windows)
    return a == b or (windows and a.casefold() == b.casefold())


def is_uri(text: str) -> bool:
    """Whether this is a URI rather than a path (a single letter before the colon is a drive)."""
    return _SCHEME.match(text) is not None


def parent(uri: str) -> str:
    """The URI of the directory that holds a canonical file URI; the root's is itself."""
    head, _, _ = uri.rpartition("/")
    return head if len(head) > len("file://") else "file:///"


def child(uri: str, name: str) -> str:
    """The URI of an entry in a directory."""
    return f"{uri.rstrip('/') if uri != 'file:///' else 'file://'}/{_quoted(name)}"


def is_under(uri: str, directory: str) -> bool:
    """Whether a canonical URI is the directory or lies below it."""
    return uri == directory or uri.startswith(directory.rstrip("/") + "/")


def _quoted(path: str) -> str:
    return quote(path, safe=_SAFE, errors="surrogateescape")


def _bare(path: str) -> str:
    return path.rstrip("/") or "/"


def _lower_drive(path: str) -> str:
    return _DRIVE.sub(lambda found: found[1].lower() + ":", path)


def unquoted(text: str) -> str:
    return unquote(text, errors="surrogateescape")
