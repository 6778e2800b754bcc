"""What `apply_patch` does: one patch over many files, proposed as a whole or not at all.

Reading a patch and placing its hunks is `text.patch_reading` and `text.patch_places`; here are the files, the jail,
and the words for what cannot be placed. Imported at the first patch. Start with `apply_parts`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile, MoveFile, PendingEdit
from copydesk.domain.errors import CopydeskError, FileExists, InvalidArguments, ToolFailed
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import FileHandle, Work
from copydesk.domain.tools import Location, Prepared, ToolOutput
from copydesk.text.edits import Edit, apply, compose
from copydesk.text.patch_places import Misplaced, Placed, place_hunks
from copydesk.text.patch_reading import parse_patch
from copydesk.text.patches import FilePatch, PatchSyntax
from copydesk.text.rungs import Rung
from copydesk.tools.editing import BIG_CHARS, LOOSE, around, changed_lines, check_encodable, ranges
from copydesk.tools.filing import based
from copydesk.tools.functions import Arguments, counted
from copydesk.tools.misses import note_edited
from copydesk.tools.patch_problems import misplaced
from copydesk.tools.places import changed_uri, opened
from copydesk.tools.reading import file_lines
from copydesk.tools.restoring import put_back_hunks, stayed
from copydesk.tools.threads import in_thread

_N_TITLED = 3


def prepare(arguments: Arguments, work: Work) -> Prepared:
    """Names the files of the patch. Raises InvalidArguments for one that cannot be read."""
    parts = _parsed(arguments)
    uris = list(dict.fromkeys(uri for part in parts for uri in _uris(part, work)))
    named = list(dict.fromkeys(part.path for part in parts))
    more = f" and {len(named) - _N_TITLED} more" if len(named) > _N_TITLED else ""
    return Prepared(f"Patch {', '.join(named[:_N_TITLED])}{more}", tuple(map(Location, uris)))


def _parsed(arguments: Arguments) -> tuple[FilePatch, ...]:
    try:
        return parse_patch(arguments["patch"])
    except PatchSyntax as error:
        raise InvalidArguments(f"The patch cannot be read: {error}.", advice="Nothing was changed.") from error


def _uris(part: FilePatch, work: Work) -> list[str]:
    """The files that a part names; what may not be changed is said when all parts are looked at."""
    uris: list[str] = []
    for path in filter(None, (part.path, part.move_to)):
        try:
            uris.append(changed_uri(work, path))
        except CopydeskError:
            continue
    return uris


# --- planning --------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Change:
    """What the patch makes of one file that is there: edits on the text that was read."""

    handle: FileHandle
    text: str
    edits: tuple[Edit, ...] = ()
    rungs: list[Rung] = field(default_factory=list[Rung])
    n_hunks: int = 0


@frozen
class _Step:
    """One file's part: what is proposed, said and noted, once every part has its place."""

    propose: Callable[[], tuple[PendingEdit, ...]]
    say: Callable[[], str]
    note: Callable[[], None]


class _Plan:
    """Every part in turn; nothing is proposed before all of them have their place."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.steps: list[_Step] = []
        self.changes: dict[str, _Change] = {}
        self._touched: dict[str, str] = {}

    async def add(self, part: FilePatch) -> None:
        uri = changed_uri(self.work, await self._path(part))
        self._touch(uri, "move" if part.move_to else part.kind)
        match part.kind:
            case "add":
                await self._add(uri, part)
            case "delete":
                await self._delete(uri, part)
            case "update":
                await self._update(uri, part)

    async def _path(self, part: FilePatch) -> str:
        """The name of a plain diff's two that is a file's."""
        if not part.other:
            return part.path
        names = [name for name in (part.path, part.other) if await self._exists(changed_uri(self.work, name))]
        if len(names) > 1:
            raise ToolFailed(
                f"The diff names two files, {part.other!r} and {part.path!r}, and both are there.",
                advice="Name the one that is meant twice.",
            )
        return names[0] if names else part.path

    def _touch(self, uri: str, what: str) -> None:
        """Raises `ToolFailed` where two parts have a say about one file, unless both change its text."""
        before = self._touched.get(uri)
        self._touched[uri] = what
        if before is not None and (before, what) != ("update", "update"):
            raise ToolFailed(
                f"{self.work.display(uri)!r} is in the patch more than once: to {before} and to {what}.",
                advice="Give each file one section.",
            )

    async def _exists(self, uri: str) -> bool:
        return await in_thread(lambda _: self.work.files.exists(uri))

    # --- new and old files ---

    async def _add(self, uri: str, part: FilePatch) -> None:
        path, content = self.work.display(uri), part.text.removeprefix("\ufeff")
        if await self._exists(uri):
            raise FileExists(f"{path!r} exists already.", advice="Change it with an 'Update File' section.")
        self.steps.append(
            _Step(
                lambda: (CreateFile(uri, content),),
                lambda: f"Created {path} ({counted(len(file_lines(content)), 'line')}).",
                lambda: self.work.note_read(uri, content),
            )
        )

    async def _delete(self, uri: str, part: FilePatch) -> None:
        path = self.work.display(uri)
        if part.hunks:
            change = await self._change(uri, part)
            if change.text.strip():
                raise ToolFailed(
                    f"The diff deletes {path!r} but takes away only a part of its lines.",
                    advice="Read it again: it may hold lines that you have not seen.",
                )
            del self.changes[uri]
        base, size = await based(self.work, uri)
        self.steps.append(_Step(lambda: (DeleteFile(base),), lambda: f"Deleted {path} ({size}).", lambda: None))

    # --- text ---

    async def _update(self, uri: str, part: FilePatch) -> None:
        target = uri
        if part.move_to:
            target = changed_uri(self.work, part.move_to)
            if target == uri:
                raise ToolFailed(f"{part.path!r} would be moved onto itself.", advice="Leave 'Move to' out.")
            self._touch(target, "be moved to")
            await self._move(uri, target)
        if not part.hunks:
            return
        is_first = uri not in self.changes
        change = await self._change(uri, part)
        if is_first:
            self.steps.append(self._text_step(uri, target, change))

    async def _move(self, uri: str, target: str) -> None:
        base, _ = await based(self.work, uri)
        old, new = self.work.display(uri), self.work.display(target)
        if await self._exists(target):
            raise FileExists(f"{new!r} exists already.", advice="Move to a new name, or delete that file first.")
        known = self.work.last_read(uri)
        self.steps.append(
            _Step(
                lambda: (MoveFile(base, target),),
                lambda: f"Moved {old} to {new}.",
                lambda: self.work.note_read(target, known) if known is not None else None,
            )
        )

    async def _change(self, uri: str, part: FilePatch) -> _Change:
        """The file with this part's hunks; a second part for one file goes on with what the first made."""
        change = self.changes.get(uri)
        if change is None:
            handle = await opened(self.work, uri)
            change = _Change(handle, handle.text)
        try:
            hunks = put_back_hunks(self.work, part.hunks, change.handle.text)
            placed = await _placed(change.text, part._replace(hunks=hunks))
        except Misplaced as error:
            raise misplaced(self.work, uri, change.text, error.problems) from error
        change.edits = compose(change.edits, placed.edits)
        change.text = apply(change.text, placed.edits)
        change.rungs += placed.rungs
        change.n_hunks += len(part.hunks)
        check_encodable(self.work.display(uri), change.handle, change.edits)
        self.changes[uri] = change
        return change

    def _text_step(self, uri: str, target: str, change: _Change) -> _Step:
        base = change.handle.base if target == uri else Base(target, change.handle.content_hash)
        return _Step(
            lambda: (ChangeText(base, change.edits),) if change.edits else (),
            lambda: _said(self.work.display(target), change),
            lambda: note_edited(self.work, target, change.handle.text, change.edits),
        )


async def _placed(content: str, part: FilePatch) -> Placed:
    if len(content) > BIG_CHARS or len(part.hunks) > 50:
        return await in_thread(lambda _: place_hunks(content, part.hunks))
    return place_hunks(content, part.hunks)


# --- the call --------------------------------------------------------------------------------------------


async def apply_parts(arguments: Arguments, work: Work) -> ToolOutput:
    parts = _parsed(arguments)
    plan = _Plan(work)
    failed: list[str] = []
    for part in parts:
        try:
            await plan.add(part)
        except CopydeskError as error:
            failed.append(f"{part.path} (line {part.line} of the patch): {error}")
    if failed:
        raise _failed(failed, len(parts))
    edits = tuple(edit for step in plan.steps for edit in step.propose())
    if not edits:
        raise InvalidArguments("The patch changes nothing: every hunk leaves its lines as they are.")
    work.propose(*edits)
    for step in plan.steps:
        step.note()
    return _output(plan, parts)


def _failed(failed: Sequence[str], n_parts: int) -> ToolFailed:
    listed = "\n\n".join(failed)
    return ToolFailed(
        f"The patch was not applied; {len(failed)} of {counted(n_parts, 'part')} cannot be, so nothing was changed.\n\n"
        f"{listed}\n",
        advice="Send the whole patch again with these parts put right.",
    )


def _output(plan: _Plan, parts: Sequence[FilePatch]) -> ToolOutput:
    said = [step.say() for step in plan.steps]
    said += [note for change in plan.changes.values() if (note := stayed(plan.work, change.text, change.handle.text))]
    said += [note for part in parts if part.kind == "add" and (note := stayed(plan.work, part.text))]
    changes = [(uri, change) for uri, change in plan.changes.items() if change.edits]
    if len(changes) == 1:
        after = changes[0][1].text
        said += around(after, changed_lines(after, changes[0][1].edits))
    details = {
        "n_files": len(plan.steps),
        "rungs": {plan.work.display(uri): list(change.rungs) for uri, change in changes},
    }
    return ToolOutput("\n".join(said), details=details)


def _said(path: str, change: _Change) -> str:
    if not change.edits:
        return f"{path} has exactly this text already."
    where = ranges(changed_lines(change.text, change.edits))
    loose = "".join(LOOSE.get(rung, "") for rung in dict.fromkeys(change.rungs))
    return f"Patched {path} ({counted(change.n_hunks, 'hunk')}, {where}).{loose}"
