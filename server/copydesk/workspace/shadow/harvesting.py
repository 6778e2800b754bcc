"""From what a command has touched to pending edits, side files and notes: against the text that it saw.

Text becomes edits planned on the view's own text; what an edit cannot carry becomes side files; the rest is told. A
copy without a change is none. Start with `Harvesting.add`, end with `Harvesting.harvest`.
"""

import os
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from copydesk.domain.commands import Harvest, SideFile
from copydesk.domain.edits import Base, ChangeText, CreateFile, DeleteFile, MoveFile, PendingEdit
from copydesk.text.hashing import content_hash
from copydesk.workspace.disk import LIMIT_BYTES
from copydesk.workspace.shadow.blobs import Blobs, digest_of
from copydesk.workspace.shadow.bytes_of import read_bytes
from copydesk.workspace.shadow.protected import is_protected, some_of
from copydesk.workspace.shadow.renames import Pair, pairs
from copydesk.workspace.shadow.seen import Old, Seen
from copydesk.workspace.shadow.texts import Written, changed, new_text, rewritten, text_of
from copydesk.workspace.shadow.times import Times
from copydesk.workspace.shadow.upper import Touched

_EXECUTABLE = 0o100


class Gone(NamedTuple):
    relative: str
    old: Old


class Made(NamedTuple):
    """A file where there was none. `text` is None where no edit can carry it."""

    relative: str
    data: bytes
    text: str | None
    info: os.stat_result


class Harvesting:
    """Of one command; trees are added one by one. `shown` spells a URI for a reader."""

    def __init__(
        self, blobs: Blobs, times: Times, is_secret: Callable[[str], bool], shown: Callable[[str], str]
    ) -> None:
        self._blobs = blobs
        self._times = times
        self._is_secret = is_secret
        self._shown = shown
        self._edits: list[PendingEdit] = []
        self._sides: list[SideFile] = []
        self._told: dict[str, list[str]] = {}

    def harvest(self, notes: Iterable[str] = ()) -> Harvest:
        told = (sentence.format(some_of(map(self._shown, uris))) for sentence, uris in self._told.items())
        return Harvest(tuple(self._edits), tuple(self._sides), (*notes, *told))

    def tell(self, sentence: str, uri: str) -> None:
        """`sentence` has one `{}` for the names of what it is about."""
        self._told.setdefault(sentence, []).append(uri)

    def add(self, seen: Seen, touched: Iterable[Touched]) -> None:
        gone: list[Gone] = []
        made: list[Made] = []
        for one in touched:
            self._sort(seen, one, gone, made)
        in_the_way = _in_the_way(gone, made)
        in_the_way |= {each.relative for each in made if os.path.isdir(seen.place.at(each.relative))}
        for each in [each for each in gone if each.relative in in_the_way]:
            self._delete_aside(seen, each)
        for each in [each for each in made if each.relative in in_the_way]:
            self._write_aside(seen, each.relative, each.data, each.info, "")
        gone = [each for each in gone if each.relative not in in_the_way]
        made = [each for each in made if each.relative not in in_the_way]
        self._land(seen, gone, made)

    # --- what happened ---

    def _sort(self, seen: Seen, one: Touched, gone: list[Gone], made: list[Made]) -> None:
        if one.info is not None and one.kind != "gone" and seen.is_untouched(one.relative, one.info):
            return
        old = seen.old(one.relative)
        name = seen.uri(one.relative)
        if old.kind == "masked":
            self.tell("Files of secrets read as empty, and what was written to them is dropped: {}.", name)
        elif old.kind == "unknown":
            self.tell("Changed on the disk while the command ran, so what it did to them is dropped: {}.", name)
        elif one.kind == "special" or old.kind == "special":
            self.tell("Pipes, sockets and devices are not kept: {}.", name)
        elif one.kind == "gone":
            if old.kind != "none" and self._may_take(seen, one.relative, name):
                gone.append(Gone(one.relative, old))
        elif one.kind == "link":
            self._linked(seen, one, old, name)
        else:
            self._written(seen, one, old, name, made)

    def _may_take(self, seen: Seen, relative: str, name: str) -> bool:
        if is_protected(relative):
            self.tell(
                "Configuration of editors, agents and hooks is never taken over from a command: {}. "
                "Change such a file with write_file or edit_file, so that the person is asked.",
                name,
            )
            return False
        if self._is_secret(seen.place.at(relative)):
            self.tell("Files of secrets are never taken over from a command: {}.", name)
            return False
        return True

    def _linked(self, seen: Seen, one: Touched, old: Old, name: str) -> None:
        target = os.readlink(one.path)
        if (old.kind == "link" and old.target == target) or not self._may_take(seen, one.relative, name):
            return
        after = digest_of(os.fsencode(target))
        self._sides.append(SideFile(seen.uri(one.relative), "link", _digest(old), after, target=target))

    def _written(self, seen: Seen, one: Touched, old: Old, name: str, made: list[Made]) -> None:
        assert one.info is not None
        data = read_bytes(one.path)
        if data is None:
            self.tell("Could not be read after the command, so what it did to them is dropped: {}.", name)
            return
        if old.kind == "file" and data == old.data:
            if _is_executable(one.info.st_mode) != _is_executable(old.mode):
                if self._may_take(seen, one.relative, name):
                    self._mode_aside(seen, one.relative, one.info)
            elif stat.S_IMODE(one.info.st_mode) != old.mode:
                self.tell("Of modes only the executable bit is kept, as in git: {} keep theirs.", name)
            return
        if not self._may_take(seen, one.relative, name):
            return
        if old.kind == "none":
            text = new_text(data, seen.place.at(one.relative)) if len(data) <= LIMIT_BYTES else None
            made.append(Made(one.relative, data, text, one.info))
        elif old.kind == "link":
            self._write_aside(seen, one.relative, data, one.info, _digest(old))
        else:
            self._changed(seen, one, old, data)

    def _changed(self, seen: Seen, one: Touched, old: Old, data: bytes) -> None:
        assert one.info is not None
        found = self._rewritten(seen, one.relative, old, data)
        digest = digest_of(data)
        if found is None:
            self._write_aside(seen, one.relative, data, one.info, digest_of(old.data), old.mode)
            return
        uri = seen.uri(one.relative)
        epoch = old.handle.epoch if old.handle else 0
        self._edits.append(ChangeText(Base(uri, found.base_hash, epoch), changed(found.before, found.after)))
        self._times.keep(seen.place.at(one.relative), digest, one.info.st_mtime_ns)
        if _is_executable(one.info.st_mode) != _is_executable(old.mode):
            self._mode_aside(seen, one.relative, one.info)

    def _rewritten(self, seen: Seen, relative: str, old: Old, data: bytes) -> Written | None:
        if old.standing != "text" or len(data) > LIMIT_BYTES or len(old.data) > LIMIT_BYTES:
            return None
        return rewritten(old.data, data, old.handle, lambda: seen.handle(relative))

    # --- what becomes of it ---

    def _land(self, seen: Seen, gone: list[Gone], made: list[Made]) -> None:
        found = pairs(
            [
                (each.relative, each.old.data)
                for each in gone
                if each.old.kind == "file" and each.old.standing != "aside"
            ],
            [(each.relative, each.data) for each in made],
        )
        moved = {pair.source: pair for pair in found}
        arrived = {pair.target: pair for pair in found}
        made_by = {each.relative: each for each in made}
        for each in gone:
            pair = moved.get(each.relative)
            if pair is None or not self._moved(seen, each, made_by[pair.target], pair):
                if pair is not None:
                    del arrived[pair.target]
                self._deleted(seen, each)
        for each in made:
            if each.relative not in arrived:
                self._created(seen, each)

    def _moved(self, seen: Seen, gone: Gone, made: Made, pair: Pair) -> bool:
        source, target = seen.uri(gone.relative), seen.uri(made.relative)
        if pair.exact:
            text = text_of(gone.old.data, gone.old.handle)
            before = gone.old.handle.content_hash if gone.old.handle else content_hash(text) if text is not None else ""
            self._edits.append(MoveFile(Base(source, before), target))
        else:
            found = self._rewritten(seen, gone.relative, gone.old, made.data)
            if found is None:
                return False
            self._edits.append(MoveFile(Base(source, found.base_hash), target))
            self._edits.append(ChangeText(Base(target, found.base_hash), changed(found.before, found.after)))
        self._times.keep(seen.place.at(made.relative), digest_of(made.data), made.info.st_mtime_ns)
        if _is_executable(made.info.st_mode) != _is_executable(gone.old.mode):
            self._mode_aside(seen, made.relative, made.info)
        return True

    def _deleted(self, seen: Seen, each: Gone) -> None:
        if each.old.standing == "moved":
            self._edits.append(DeleteFile(Base(seen.uri(each.relative), "")))
            return
        if each.old.standing == "aside":
            self._delete_aside(seen, each)
            return
        handle = each.old.handle
        text = handle.text if handle else text_of(each.old.data, None) if each.old.kind == "file" else None
        if text is None:
            handle = seen.handle(each.relative) if each.old.kind == "file" else None
            text = handle.text if handle else None
        if text is None:
            self._delete_aside(seen, each)
        else:
            hashed = handle.content_hash if handle else content_hash(text)
            self._edits.append(DeleteFile(Base(seen.uri(each.relative), hashed, handle.epoch if handle else 0)))

    def _created(self, seen: Seen, each: Made) -> None:
        if each.text is None:
            self._write_aside(seen, each.relative, each.data, each.info, "")
            return
        self._edits.append(CreateFile(seen.uri(each.relative), each.text))
        self._times.keep(seen.place.at(each.relative), digest_of(each.data), each.info.st_mtime_ns)
        if _is_executable(each.info.st_mode):
            self._mode_aside(seen, each.relative, each.info)

    # --- aside ---

    def _delete_aside(self, seen: Seen, each: Gone) -> None:
        self._sides.append(SideFile(seen.uri(each.relative), "delete", _digest(each.old)))

    def _write_aside(
        self, seen: Seen, relative: str, data: bytes, info: os.stat_result, before: str, mode: int | None = None
    ) -> None:
        changes_mode = _is_executable(info.st_mode) != _is_executable(mode or 0)
        blob = self._blobs.keep(data)
        uri, new_mode = seen.uri(relative), _with_execution(mode or 0o644, info) if changes_mode else None
        self._sides.append(SideFile(uri, "write", before, blob, blob, len(data), new_mode))
        self._times.keep(seen.place.at(relative), blob, info.st_mtime_ns)

    def _mode_aside(self, seen: Seen, relative: str, info: os.stat_result) -> None:
        self._sides.append(SideFile(seen.uri(relative), "mode", mode=_with_execution(0o644, info)))


def _is_executable(mode: int) -> bool:
    return bool(mode & _EXECUTABLE)


def _with_execution(mode: int, info: os.stat_result) -> int:
    """The mode as git would have it: all may execute it who may read it, or nobody."""
    return mode | ((mode & 0o444) >> 2) if _is_executable(info.st_mode) else mode & ~0o111


def _digest(old: Old) -> str:
    if old.kind == "none":
        return ""
    return digest_of(os.fsencode(old.target) if old.kind == "link" else old.data)


def _in_the_way(gone: list[Gone], made: list[Made]) -> set[str]:
    """Files that take the place of a folder, or folders that take the place of a file: an editor cannot do that in
    one step, so that both sides are side files.
    """
    files_gone = {each.relative for each in gone}
    files_made = {each.relative for each in made}
    clashing: set[str] = set()
    for relatives, others in ((files_gone, files_made), (files_made, files_gone)):
        for relative in relatives:
            above = os.path.dirname(relative)
            while above:
                if above in others:
                    clashing |= {above, relative}
                above = os.path.dirname(above)
    return clashing
