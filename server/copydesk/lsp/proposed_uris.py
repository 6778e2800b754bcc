"""The names of the documents that show a file as it is proposed: `copydesk:/proposed/SESSION/KEY/NAME`.

Owns the form only. KEY stands for the file's whole URI, so that two files never share a document, wherever they are;
NAME is the file's own, last, so that editors highlight by its extension, and is never read back: each client escapes
names in its own way. Pure. Start with `proposed_uri`.
"""

import re
from urllib.parse import quote

from copydesk.text.hashing import content_hash
from copydesk.workspace.uris import normalise, unquoted

PREFIX = "copydesk:/proposed/"
_FORM = re.compile(r"^copydesk:/+proposed/(?P<session>[^/]+)/(?P<key>[0-9a-f]+)/", re.IGNORECASE)


def proposed_uri(session: str, uri: str) -> str:
    return f"{PREFIX}{quote(session, safe='')}/{key_of(uri)}/{quote(_name(uri), safe='')}"


def read_proposed_uri(uri: str) -> tuple[str, str] | None:
    """Session and key of such a document, however a client spells it (`copydesk:///proposed/…`); else None."""
    found = _FORM.match(uri)
    return (unquoted(found["session"]), found["key"].lower()) if found else None


def key_of(uri: str) -> str:
    return content_hash(normalise(uri))


def _name(uri: str) -> str:
    """The file's name: the last part, without a fragment (a notebook's cell has one)."""
    path = uri.partition("#")[0].partition("?")[0].rstrip("/")
    return unquoted(path.rpartition("/")[2].rpartition(":")[2]) or "text"
