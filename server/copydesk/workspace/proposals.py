"""What is proposed for each file, and how a source reads through it. Data and one view; nothing here changes.

Each file has at most one `PendingFile`: what became of it in all, from the base it stands on. Where the base moves
on (a person types), the edits are rebased over it; those that meet theirs are `held`. Start with `PendingView`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from copydesk.domain.edits import Origin
from copydesk.domain.errors import MissingFile
from copydesk.domain.frozen import frozen
from copydesk.domain.ports import Entry, FileHandle, FileSource
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, entangled, map_offset, rebase
from copydesk.text.hashing import content_hash
from copydesk.text.pieces import Pieces, newest_authors, put
from copydesk.text.traces import trimmed
from copydesk.workspace.listing import with_entries
from copydesk.workspace.uris import is_under, normalise

PendingKind: TypeAlias = Literal["change", "create", "delete", "move"]


@runtime_checkable
class Followed(Protocol):
    """A source that knows every change of its open documents."""

    def typed_since(self, base: FileHandle) -> tuple[Edit, ...] | None:
        """What was typed between the text of `base` and the text this source has now; None where it is not known."""
        ...


def typed_since(below: FileSource, base: FileHandle, newer: FileHandle) -> tuple[Edit, ...]:
    """The change from one text to the other: as it was typed where that is known, else the smallest there is.

    A key beside a word, typed while no server was there, is a key and no new word: it must not meet an edit of it.
    """
    known = below.typed_since(base) if isinstance(below, Followed) else None
    return tuple(trimmed(base.text, edit) for edit in diff(base.text, newer.text)) if known is None else known


class Held(NamedTuple):
    """An edit that newer typing made impossible: where it would go by now, what it would replace, and with what."""

    start: int
    end: int
    before: str
    after: str

    def moved(self, typed: Iterable[Edit]) -> "Held":
        start, end = map_offset(typed, self.start), map_offset(typed, self.end, "right")
        return self._replace(start=start, end=max(start, end))


class Mark(NamedTuple):
    """The name of a hunk, and where it stands in the base text."""

    id: str
    start: int
    end: int

    def moved(self, typed: Iterable[Edit]) -> "Mark":
        start, end = map_offset(typed, self.start, "right"), map_offset(typed, self.end)
        return self._replace(start=min(start, end), end=max(start, end))


@frozen
class Authored:
    """Who proposed which spans; the spans are on the text as it was just before that proposal."""

    origin: Origin
    spans: tuple[Edit, ...] = ()


@frozen
class PendingFile:
    """What is proposed for one file.

    `base` is what it stands on: the file's own handle, for a move the source's; None for a new file, and for a
    moved or deleted file that is not text. `text` is the proposed text, None for a delete or a moved binary.
    `edits` lead from `base.text` to `text`. `dropped` are edits that typing made impossible before `base`; `held`
    all that are impossible on the newest text that was seen, with their places in that. `marks` name the hunks.
    `pieces` say which turn wrote what of `text`.
    `overwrite`: something stands at `uri` that a create or move replaces. `pinned`: a part of it is being landed, so
    it stays on its base until what came of that is known. `part`: which part of a proposal this is, '' for all of it.
    """

    uri: str
    kind: PendingKind
    base: FileHandle | None = None
    text: str | None = None
    edits: tuple[Edit, ...] = ()
    moved_from: str = ""
    overwrite: bool = False
    authored: tuple[Authored, ...] = ()
    held: tuple[Held, ...] = ()
    dropped: tuple[Held, ...] = ()
    marks: tuple[Mark, ...] = ()
    pieces: Pieces = Pieces()
    pinned: bool = False
    part: str = ""

    @property
    def base_uri(self) -> str:
        """Where the text it stands on is read."""
        return self.moved_from or self.uri

    @property
    def is_void(self) -> bool:
        """Whether nothing is proposed any more: the text is the base's, and nothing was held back."""
        same = self.kind == "change" and self.base is not None and self.text == self.base.text
        return same and not self.held and not self.dropped

    @property
    def is_only_held(self) -> bool:
        """Whether all that is left of it are edits that typing made impossible: shown, and not offered again."""
        return self.kind == "change" and not self.edits and bool(self.dropped)

    @property
    def origins(self) -> tuple[Origin, ...]:
        return tuple(part.origin for part in self.authored)

    def with_held(self, held: tuple[Held, ...]) -> "PendingFile":
        """The same with more that typing has met."""
        return replace(self, held=self.held + held, dropped=self.dropped + held) if held else self

    def rebased(self, newer: FileHandle, below: FileSource) -> "PendingFile":
        """The same proposal on a newer base text, which `below` holds."""
        if self.base is None or self.text is None or self.pinned:
            return self
        if newer.content_hash == self.base.content_hash:
            return replace(self, base=newer, held=self.dropped)
        return self.over(newer, typed_since(below, self.base, newer))

    def over(self, newer: FileHandle, typed: tuple[Edit, ...]) -> "PendingFile":
        """The same proposal on the text that `typed` made of the base's."""
        assert self.base is not None
        before = self.base.text
        tangled = entangled(before, self.edits, typed)
        caught = set(tangled)
        edits, conflicts = rebase(tuple(edit for edit in self.edits if edit not in caught), typed)
        lost = (Held(start, end, before[start:end], text).moved(typed) for start, end, text in (*tangled, *conflicts))
        held = (*(held.moved(typed) for held in self.dropped), *lost)
        marks = tuple(mark.moved(typed) for mark in self.marks)
        moved = replace(self, base=newer, edits=edits, held=held, dropped=held, marks=marks)
        return moved.with_text(apply(newer.text, edits))

    def with_text(self, text: str) -> "PendingFile":
        """The same with another proposed text; who wrote what of the old one still holds for what is left of it."""
        if not self.pieces.made or text == self.text:
            return replace(self, text=text)
        return replace(self, text=text, pieces=put(self.pieces, diff(self.text or "", text)))

    def authors(self) -> tuple[str, ...]:
        """For each of `edits`: the newest turn that had a part in it."""
        last = self.authored[-1].origin.turn if self.authored else ""
        places: list[tuple[int, int]] = []
        shift = 0
        for edit in self.edits:
            places.append((edit.start + shift, edit.start + shift + len(edit.text)))
            shift += edit.delta
        return tuple(author or last for author in newest_authors(self.pieces, places))

    def all_held(self) -> "PendingFile":
        """The same proposal where its base is gone: nothing of it can be placed."""
        if self.base is None:
            return self
        text = self.base.text
        held = tuple(Held(start, end, text[start:end], new) for start, end, new in self.edits)
        return replace(self, text=text, edits=(), held=(*self.dropped, *held), dropped=(*self.dropped, *held))


Files: TypeAlias = Mapping[str, PendingFile]


def gone(files: Files) -> frozenset[str]:
    """URIs where nothing is any more: deleted, or moved away."""
    deleted = {uri for uri, file in files.items() if file.kind == "delete"}
    moved = {file.moved_from for file in files.values() if file.kind == "move"}
    return frozenset(deleted | (moved - files.keys()))


def unread_moves(files: Files) -> Mapping[str, str]:
    """Files that are moved and are no text: destination → source."""
    return {uri: file.moved_from for uri, file in files.items() if file.kind == "move" and file.text is None}


@dataclass(slots=True)
class PendingView:
    """A `FileSource`: the proposals at one moment over a base."""

    _files: Files
    below: FileSource
    _on_held: Callable[[PendingFile, tuple[Held, ...]], None]
    _rebased: dict[str, PendingFile] = field(default_factory=dict[str, PendingFile])

    def read(self, uri: str) -> FileHandle:
        key = normalise(uri)
        file = self._files.get(key)
        if key in gone(self._files):
            raise MissingFile(f"{key!r} is deleted or moved by this session's pending edits.", advice="Use glob.")
        if file is None:
            return self.below.read(uri)
        if file.kind == "move" and file.base is None:
            return self.below.read(file.moved_from)
        return self._handle(self._current(file))

    def exists(self, uri: str) -> bool:
        key = normalise(uri)
        if key in self._files:
            return self._files[key].kind != "delete"
        if key in gone(self._files):
            return False
        return self.below.exists(uri) or any(is_under(name, key) for name in self._added())

    def children(self, uri: str) -> Iterable[Entry]:
        return with_entries(self.below, uri, self._added(), gone(self._files))

    def changed(self) -> Mapping[str, FileHandle | None]:
        found = dict(self.below.changed())
        found.update(dict.fromkeys(gone(self._files), None))
        for uri, file in self._files.items():
            if file.kind != "delete" and file.text is not None:
                found[uri] = self.read(uri)
        return found

    def _added(self) -> list[str]:
        return [uri for uri, file in self._files.items() if file.kind in ("create", "move")]

    def _current(self, file: PendingFile) -> PendingFile:
        """The file on the base as it is below this view, worked out once."""
        if file.base is None:
            return file
        found = self._rebased.get(file.uri)
        if found is None:
            found = file.rebased(self.below.read(file.base_uri), self.below)
            self._rebased[file.uri] = found
            self._on_held(file, found.held)
        return found

    def _handle(self, file: PendingFile) -> FileHandle:
        text = file.text or ""
        if file.base is None:
            return FileHandle(file.uri, text, content_hash(text), same_as_disk=False)
        base = file.base
        epoch, version = (base.epoch, base.version) if file.kind == "change" else (0, None)
        hashed = content_hash(text)
        return FileHandle(file.uri, text, hashed, base.encoding, base.bom, epoch, version, same_as_disk=False)
