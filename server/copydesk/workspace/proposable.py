"""What no proposal may do, whichever tool makes it: corrupt a notebook, or lose a character to an encoding.

Start with `check_proposal`.
"""

from copydesk.domain.edits import ChangeText, CreateFile, PendingEdit
from copydesk.domain.errors import MissingFile, UnknownEncoding, WorkspaceError
from copydesk.domain.ports import FileHandle, FileSource
from copydesk.text.encodings import unencodable
from copydesk.workspace.cells import check_notebook
from copydesk.workspace.disk import Disk

_REPLACEMENT = "\ufffd"


def check_proposal(files: FileSource, disk: Disk, shown: str, edit: PendingEdit) -> None:
    """Raises a WorkspaceError that names the file as `shown`, says why, and what to do next."""
    check_notebook(files, edit)
    if isinstance(edit, CreateFile):
        _check_characters(shown, edit.text, "utf-8")
    elif isinstance(edit, ChangeText):
        try:
            handle = files.read(edit.uri)
        except MissingFile:
            return  # folding it in says so
        for _, _, new in edit.spans:
            _check_characters(shown, new, handle.encoding)
        _check_nothing_lost(disk, shown, handle)


def _check_characters(shown: str, text: str, encoding: str) -> None:
    if (at := unencodable(text, encoding)) is not None:
        raise WorkspaceError(
            f"{text[at]!r} (U+{ord(text[at]):04X}) cannot be written in {shown!r}: its encoding is {encoding}.",
            advice="Use characters of that encoding, or an escape.",
        )


def _check_nothing_lost(disk: Disk, shown: str, handle: FileHandle) -> None:
    """An editor that shows U+FFFD for bytes it could not read would lose them when it saves our change."""
    if handle.version is None or _REPLACEMENT not in handle.text:
        return
    try:
        disk.read(handle.uri)
    except UnknownEncoding as error:
        raise UnknownEncoding(
            f"{shown!r} has bytes that the editor shows as U+FFFD, and saving would lose them: {error.message}",
            advice="Nothing was changed. Ask the person to reopen it with its encoding.",
        ) from error
    except WorkspaceError:
        return
