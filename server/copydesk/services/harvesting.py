"""What a command changed becomes pending edits: offered to the session, counted, and asked about when it is much.

Nothing is dropped without a word: what no longer fits, what a person did not want, what a time limit cut short.
Start with `take`.
"""

from dataclasses import dataclass, field

from anyio import to_thread

from copydesk.domain.commands import Harvest, SideFile
from copydesk.domain.edits import ChangeText, CreateFile, DeleteFile, MoveFile, PendingEdit
from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import FileSource, Question
from copydesk.services.work import CallWork, Seen
from copydesk.text.edits import apply
from copydesk.text.lines import split_lines
from copydesk.text.sequences import changes

MAX_FILES = 200
"""More than this are taken only when the person says so."""
TAKE, DROP = "Take them", "Drop them"
MAX_NAMED = 5


@dataclass(slots=True)
class Taken:
    """`changed` says of each file that is pending now how much; `notes` are for the model."""

    changed: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    side_files: tuple[SideFile, ...] = ()


async def take(work: CallWork, seen: Seen, harvest: Harvest, command: str) -> Taken:
    """Proposes what fits. Asks the person first where it is more than `MAX_FILES` files."""
    if harvest.n_files > MAX_FILES and not await _wanted(work, harvest, command):
        why = f"It changed {harvest.n_files:,} files, and the person did not take that many: they are as they were."
        return Taken(notes=[why, *harvest.notes])
    told = await to_thread.run_sync(_counted, work, seen.files, harvest.edits)
    taken = Taken(side_files=harvest.side_files)
    refused = _propose(work, seen, harvest.edits, command)
    if harvest.side_files:
        work.propose_side_files(harvest.side_files)
    taken.changed = [words for edit, words in zip(harvest.edits, told, strict=True) if id(edit) not in refused]
    taken.changed += [_side(work, side) for side in harvest.side_files]
    taken.notes = [*refused.values(), *harvest.notes]
    return taken


def dropped(work: CallWork, harvest: Harvest, why: str) -> tuple[str, ...]:
    """What to say of a harvest that is not taken."""
    if not harvest.n_files:
        return ()
    return (f"{why} {_files(work, harvest)} {'is as it was' if harvest.n_files == 1 else 'are as they were'}.",)


async def _wanted(work: CallWork, harvest: Harvest, command: str) -> bool:
    text = f"`{command[:80]}` changed {_files(work, harvest)}. Take all of it for review?"
    return await work.ask(Question(text, (TAKE, DROP))) == TAKE


def _files(work: CallWork, harvest: Harvest) -> str:
    names = sorted({work.display(each.uri) for each in (*harvest.edits, *harvest.side_files)})
    more = f" and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else ""
    return f"{len(names):,} file{'s' * (len(names) != 1)} ({', '.join(names[:MAX_NAMED])}{more})"


def _propose(work: CallWork, seen: Seen, edits: tuple[PendingEdit, ...], command: str) -> dict[int, str]:
    """Proposes together, else each by itself. Gives why not, by the edit's identity."""
    if not edits:
        return {}
    try:
        work.propose_seen(edits, seen, command)
        return {}
    except WorkspaceError as error:
        if len(edits) == 1:
            return {id(edits[0]): f"Its change of {work.display(edits[0].uri)} was not taken: {error}"}
    refused: dict[int, str] = {}
    for edit in edits:
        refused |= _propose(work, seen, (edit,), command)
    return refused


# --- how much --------------------------------------------------------------------------------------------


def _counted(work: CallWork, files: FileSource, edits: tuple[PendingEdit, ...]) -> list[str]:
    """Blocks on the disk: run it in a thread. It also has the view fix the texts that the edits stand on."""
    return [f"{work.display(edit.uri)} ({_how_much(work, files, edit)})" for edit in edits]


def _how_much(work: CallWork, files: FileSource, edit: PendingEdit) -> str:
    old = _text(files, edit.uri)
    match edit:
        case ChangeText():
            try:
                return _lines(old, apply(old, edit.spans))
            except ValueError:
                return "changed"
        case CreateFile():
            return f"new, +{_n_lines(edit.text)}" if not edit.overwrite else _lines(old, edit.text)
        case DeleteFile():
            return f"deleted, −{_n_lines(old)}"
        case MoveFile():
            return f"moved to {work.display(edit.destination)}"


def _text(files: FileSource, uri: str) -> str:
    try:
        return files.read(uri).text
    except WorkspaceError:
        return ""


def _lines(old: str, new: str) -> str:
    found = changes(split_lines(old), split_lines(new))
    return f"+{sum(j2 - j1 for _, _, j1, j2 in found)} −{sum(i2 - i1 for i1, i2, _, _ in found)}"


def _n_lines(text: str) -> int:
    return len(text.splitlines())


def _side(work: CallWork, side: SideFile) -> str:
    said = {
        "write": f"not text, {side.n_bytes:,} bytes",
        "delete": "not text, deleted",
        "mode": f"mode {side.mode or 0:o}",
        "link": f"link to {side.target}",
    }
    return f"{work.display(side.uri)} ({said[side.kind]})"
