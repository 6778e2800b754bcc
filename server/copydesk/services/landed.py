"""What has landed: one file's part of an edit that the text which came back has proven. Data only.

`services.landing` makes these; attribution keeps who wrote what from them.
"""

from collections.abc import Callable
from typing import TypeAlias

from copydesk.domain.frozen import frozen
from copydesk.domain.review import HunkKind
from copydesk.text.edits import Edit, rebase
from copydesk.workspace.proposals import PendingFile


@frozen
class Landed:
    """`before` is the text the edit was proposed on, None for a new file or one that is not text.

    now == apply(typed_after, apply(ours, apply(typed_before, before))): a person may have typed before our edit
    arrived and after it. For a deleted file `now` is None, `before` its last text. `epoch` and `version` say which
    synced document `now` is the text of; 0 and None where it is not open. `file` is what was pending, for who wrote
    which part of it.
    """

    turn: str
    uri: str
    kind: HunkKind
    before: str | None
    typed_before: tuple[Edit, ...]
    ours: tuple[Edit, ...]
    typed_after: tuple[Edit, ...]
    now: str | None
    file: PendingFile
    moved_from: str = ""
    epoch: int = 0
    version: int | None = None

    def by_turn(self) -> list[tuple[str, tuple[Edit, ...]]]:
        """`ours` turn by turn, each on the text that the ones before it made."""
        authors = self.file.authors()
        if len(authors) != len(self.ours) or set(authors) <= {self.turn, ""}:
            return [(self.turn, self.ours)]
        parts: list[tuple[str, tuple[Edit, ...]]] = []
        done: tuple[Edit, ...] = ()
        for turn in dict.fromkeys(authors):
            mine = tuple(edit for edit, author in zip(self.ours, authors, strict=True) if author == turn)
            parts.append((turn or self.turn, rebase(mine, done).edits))
            done = tuple(sorted((*done, *mine)))
        return parts


OnLanded: TypeAlias = Callable[[Landed], None]
