"""The `Editor` of a run without one: edits are written to the files; only a terminal can be asked.

Everything is checked before the first byte is written: that each file still is the text the edit was planned on, is
inside the workspace, may be written, and has an encoding that takes the new characters. Only the bytes of the edited
ranges change. All files are written, or none. Start with `DiskEditor.apply`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from anyio import to_thread

from copydesk.cli.file_writes import FileWrites
from copydesk.domain.errors import FileExists, MissingFile, StaleEdit, UnreadableFile, WorkspaceError
from copydesk.domain.ports import ApplyReply, FileEdit, Question, WorkspaceChange
from copydesk.text.encodings import encode, spliced
from copydesk.workspace.disk import decoded
from copydesk.workspace.editorconfig import charset_of
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace
from copydesk.workspace.writable import refuse_unwritable

Ask: TypeAlias = Callable[[Question], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class _Rewrite:
    path: Path
    old: bytes
    new: bytes


class DiskEditor:
    keeps_bytes = True
    """It writes each file in the encoding that we know, where a person's editor chooses one of its own."""

    def __init__(
        self, workspace: Callable[[], Workspace], say: Callable[[str, str], None], ask: Ask | None = None
    ) -> None:
        self._workspace = workspace
        self._say = say
        self._ask = ask

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        """Writes the change. `confirm` is moot: `--apply` was the yes."""
        del confirm
        try:
            await to_thread.run_sync(self._write, change)
        except (WorkspaceError, ValueError) as error:
            return ApplyReply(False, str(error))
        except OSError as error:
            where = f"{str(error.filename)!r}: " if error.filename else ""
            return ApplyReply(False, f"{where}{error.strerror or error}; every file is as it was")
        return ApplyReply(True)

    def _write(self, change: WorkspaceChange) -> None:
        creates = [self._created(uri, text, change) for uri, text in change.creates]
        moves = [self._moved(source, destination, change) for source, destination in change.moves]
        sources = {destination: source for source, destination in change.moves}
        rewrites = [self._rewritten(edit, sources.get(edit.uri, edit.uri)) for edit in change.edits]
        deletes = [self._changeable(uri) for uri in change.deletes]
        with FileWrites() as writes:
            for path, data in creates:
                if path.exists():
                    writes.delete(path)
                writes.create(path, data)
            for source, destination in moves:
                writes.move(source, destination)
            for rewrite in rewrites:
                writes.replace(rewrite.path, rewrite.old, rewrite.new)
            for path in deletes:
                writes.delete(path)

    # --- checking ---

    def _created(self, uri: str, text: str, change: WorkspaceChange) -> tuple[Path, bytes]:
        path = self._inside(uri)
        self._check_free(path, uri, change)
        codec = charset_of(str(path)) or "utf-8"
        try:
            return path, encode(text, codec, codec.startswith("utf-16"))
        except (ValueError, LookupError) as error:
            raise WorkspaceError(
                f"{self._shown(uri)!r} was not made: {error}.", advice="Use other characters."
            ) from error

    def _moved(self, source: str, destination: str, change: WorkspaceChange) -> tuple[Path, Path]:
        old, new = self._changeable(source), self._inside(destination)
        if not (new.exists() and new.samefile(old)):  # on some disks Name and name are one file
            self._check_free(new, destination, change)
        return old, new

    def _rewritten(self, edit: FileEdit, source: str) -> _Rewrite:
        path = self._changeable(source)
        data = self._workspace().disk.read_bytes(source)
        shown = self._shown(source)
        try:
            now = decoded(str(path), data)
            if now.text != edit.text:
                raise StaleEdit(f"{shown!r} has changed on disk since the edit was planned.", advice="Run it again.")
            return _Rewrite(_path(edit.uri), data, spliced(data, now, edit.spans))
        except ValueError as error:
            advice = "Nothing was written. Use characters of its encoding, or save it as UTF-8."
            raise WorkspaceError(f"{shown!r} cannot be written: {error}.", advice=advice) from error

    def _check_free(self, path: Path, uri: str, change: WorkspaceChange) -> None:
        is_there = path.exists() or path.is_symlink()
        if path.is_dir():
            raise UnreadableFile(f"{self._shown(uri)!r} is a directory.", advice="Choose another name.")
        if is_there and uri not in change.overwrite:
            raise FileExists(f"{self._shown(uri)!r} exists already.", advice="Nothing was written to it.")
        refuse_unwritable(self._shown(uri), str(path))

    def _changeable(self, uri: str) -> Path:
        """A file that is there, is a regular one, and may be written."""
        path = self._inside(uri)
        if not path.exists():
            raise MissingFile(f"{self._shown(uri)!r} is gone.", advice="Nothing was written. Run it again.")
        if not path.is_file():
            raise UnreadableFile(f"{self._shown(uri)!r} is no longer a regular file.", advice="Nothing was written.")
        refuse_unwritable(self._shown(uri), str(path))
        return path

    def _inside(self, uri: str) -> Path:
        """The path; asked again, for a link may have come since the edit was planned."""
        path = _path(uri)
        self._workspace().resolve(str(path))
        return path

    def _shown(self, uri: str) -> str:
        return self._workspace().display(uri)

    # --- what nobody sees or answers ---

    async def ask(self, question: Question) -> str | None:
        """By `ask`, where somebody is there."""
        if self._ask:
            return await self._ask(question)
        self._say("warning", f"The model asks: {question.text} (nobody can answer in this run)")
        return None

    async def show_message(self, level: str, text: str) -> None:
        self._say(level, text)

    async def show_document(self, name: str, text: str, *, focus: bool = False) -> None:
        del name, focus
        self._say("info", text)


def _path(uri: str) -> Path:
    path = to_path(uri)
    if path is None:
        raise WorkspaceError(f"{uri!r} is not a file on this machine.")
    return Path(path)
