"""The `Editor` of a run without one: edits are written to the files, nobody can be asked.

Writes keep the encoding, the BOM and the mode, and replace a file whole (temporary file, then rename), so that a
crash leaves the old text or the new one.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from anyio import to_thread

from copydesk.domain.errors import WorkspaceError
from copydesk.domain.ports import ApplyReply, Question, WorkspaceChange
from copydesk.text.edits import Edit, apply
from copydesk.text.encodings import encode
from copydesk.workspace.uris import to_path
from copydesk.workspace.workspace import Workspace


class DiskEditor:
    def __init__(self, workspace: Callable[[], Workspace], say: Callable[[str, str], None]) -> None:
        self._workspace = workspace
        self._say = say

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        """Writes the change. `confirm` is moot: `--apply` was the yes."""
        del confirm
        try:
            await to_thread.run_sync(self._write, change)
        except (OSError, WorkspaceError, UnicodeEncodeError) as error:
            return ApplyReply(False, str(error))
        return ApplyReply(True)

    def _write(self, change: WorkspaceChange) -> None:
        disk = self._workspace().disk
        for uri, text in change.creates:
            replace_file(_path(uri), encode(text, "utf-8", False), new=uri not in change.overwrite)
        for source, destination in change.moves:
            _path(destination).parent.mkdir(parents=True, exist_ok=True)
            os.replace(_path(source), _path(destination))
        for edit in change.edits:
            handle = disk.read(edit.uri)
            spans = tuple(Edit(*span) for span in edit.spans)
            replace_file(_path(edit.uri), encode(apply(handle.text, spans), handle.encoding, handle.bom))
        for uri in change.deletes:
            _path(uri).unlink()

    async def ask(self, question: Question) -> str | None:
        """Nobody is there."""
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


def replace_file(path: Path, data: bytes, *, new: bool = False) -> None:
    """Writes `data` to `path` in one step, keeping its mode. With `new`, refuses to replace a file."""
    if new and path.exists():
        raise WorkspaceError(f"{str(path)!r} already exists.", advice="Nothing was written to it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
