"""What is to be judged: a text with the edits, over the text without them. Data, and which files it is made of."""

from copydesk.domain.frozen import frozen
from copydesk.workspace.snapshot import Snapshot

GONE = "-"
"""Stands for the hash of a file that is deleted."""

_ENDINGS = tuple(
    ".md .markdown .rst .adoc .asciidoc .org .txt .pdf .png .jpg .jpeg .gif .webp .svg .ico".split()  # noqa: SIM905
)
_NAMES = ("license", "licence", "notice", "authors", "changelog", "changes", "readme", "codeowners")
_READ_BY_PROGRAMS = ("requirements", "constraints", "cmakelists", "robots")


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
    name = path.rpartition("/")[2].lower()
    if name.endswith(".txt") and (name.startswith(_READ_BY_PROGRAMS) or "test" in name or "fixture" in name):
        return False
    stem, _, ending = name.partition(".")
    return name.endswith(_ENDINGS) or (stem.startswith(_NAMES) and not ending.endswith(("py", "js", "ts", "rs", "go")))
