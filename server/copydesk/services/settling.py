"""What stays pending of a file when a part of it has landed. Pure, but for the text that is there now.

The part was cut on one text, sent for a newer one perhaps, and came back in a newer one still: what was typed between
them moves what stays. Start with `left_of`.
"""

from dataclasses import replace

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.events import FileReview
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileHandle
from copydesk.services.decisions import Picked
from copydesk.services.landed import Landed
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, compose, compose_all, rebase
from copydesk.text.hashing import content_hash
from copydesk.workspace.proposals import Held, PendingFile
from copydesk.workspace.workspace import Workspace

LANDED = ("applied", "unconfirmed")


@frozen
class SentPart:
    """One file of an accepted edit, and what became of it; None where it was not sent, or nothing is known."""

    item: Picked
    taken: PendingFile | None
    review: FileReview | None
    landed: Landed | None
    held: tuple[Held, ...] = ()
    """Of the part: what typing had met when it was sent, with its places in the text that came of the rest."""


def left_of(workspace: Workspace, file: PendingFile, taken: PendingFile, part: SentPart) -> PendingFile:
    """What stays pending of `file` after `taken`, a part of it, has landed. May block on the disk."""
    now = _text_now(workspace, part.item.uri, part.landed)
    if now is None:
        return replace(file, pinned=False)
    return remaining(file, taken, part, now)


def _text_now(workspace: Workspace, uri: str, landed: Landed | None) -> FileHandle | None:
    try:
        now = workspace.snapshot().read(uri)
    except WorkspaceError:
        return None
    if landed is None or landed.now is None or landed.now == now.text:
        return now
    return replace(
        now, text=landed.now, content_hash=content_hash(landed.now), epoch=landed.epoch, version=landed.version
    )


def remaining(file: PendingFile, taken: PendingFile, part: SentPart, now: FileHandle) -> PendingFile:
    """What still waits of `file` after `taken`, a part of it on the same base, has landed as part of `now`."""
    file, item, landed = replace(file, pinned=False), part.item, part.landed
    assert file.base is not None
    assert taken.text is not None
    decided = {hunk.id for hunk in item.hunks if item.takes_all(hunk)}
    marks = tuple(mark for mark in file.marks if mark.id not in decided)
    typed = _typed_on_taken(taken, landed) if landed else diff(taken.text, now.text)
    if landed and not _leads(taken.text, typed, now.text):
        total = compose_all([landed.typed_before, landed.ours, landed.typed_after])
        return _without_taken(replace(file, marks=marks), part).over(now, total).with_held(part.held)
    moved = tuple(mark.moved(taken.edits) for mark in marks)
    held = tuple(each.moved(taken.edits) for each in file.dropped)
    on_taken = FileHandle(file.uri, taken.text, content_hash(taken.text), now.encoding, now.bom)
    rest = diff(taken.text, file.text or "")
    left = replace(file, base=on_taken, edits=rest, marks=moved, dropped=held, held=held)
    return left.over(now, typed)


def _without_taken(file: PendingFile, part: SentPart) -> PendingFile:
    """The file as if nothing of the part had been proposed: some of that was held back at the last moment."""
    if file.base is None or file.edits != part.item.cut.file.edits:
        return file  # the agent has changed it meanwhile
    left = part.item.cut.leaving(part.item.wanted)
    if left is None:
        return replace(file, edits=(), text=file.base.text, held=(), dropped=())
    return replace(left, marks=file.marks, pinned=False)


def _leads(text: str, edits: tuple[Edit, ...], to: str) -> bool:
    try:
        return apply(text, edits) == to
    except ValueError:  # they are not even on this text
        return False


def _typed_on_taken(taken: PendingFile, landed: Landed) -> tuple[Edit, ...]:
    """What a person typed, said on the text that the taken part made."""
    return compose(rebase(landed.typed_before, taken.edits).edits, landed.typed_after)
