"""What is to be judged: a text with the edits, over the text without them. Data, and which files it is made of."""

import re

from copydesk.domain.frozen import frozen
from copydesk.workspace.snapshot import Snapshot

GONE = "-"
"""Stands for the hash of a file that is deleted."""

_DOCUMENTS = re.compile(
    r"\.(?:md|markdown|rst|adoc|asciidoc|org|txt|pdf|png|jpe?g|gif|webp|svg|ico)$"
    r"|(?:^|/)(?:LICEN[CS]E|NOTICE|AUTHORS|CHANGELOG|CHANGES|README|CODEOWNERS)[^/]*$",
    re.IGNORECASE,
)
_NOT_DOCUMENTS = re.compile(
    r"(?:^|/)(?:requirements[^/]*|constraints[^/]*|CMakeLists|robots|[^/]*test[^/]*|[^/]*fixture[^/]*)\.txt$",
    re.IGNORECASE,
)


@frozen
class Judged:
    """`after` has the edits, `after.below` has not; `touched` are the URIs they change."""

    session: str
    turn: str
    after: Snapshot
    touched: tuple[str, ...]


def files_of(after: Snapshot) -> tuple[tuple[str, str], ...]:
    """Each file that is not as on the disk, with the hash of its text. Blocks on the disk."""
    changed = after.changed()
    return tuple(sorted((uri, handle.content_hash if handle else GONE) for uri, handle in changed.items()))


def is_document(path: str) -> bool:
    """Whether a file only tells people something."""
    return bool(_DOCUMENTS.search(path)) and not _NOT_DOCUMENTS.search(path)
