"""Whether a path could be written, as far as that can be known before: modes, folders, what stands there.

Being able to is not being allowed to: a file whose mode says read-only is left alone, also for a user whom modes do
not bind. Nothing here writes. Start with `refuse_unwritable`.
"""

import os
import stat

from copydesk.domain.errors import UnreadableFile

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def refuse_unwritable(shown: str, path: str) -> None:
    """Raises `UnreadableFile` that names the file as `shown`, says why, and what to do next."""
    try:
        info = os.stat(path)
    except OSError:
        _refuse_folder(shown, path)
        return
    except ValueError:
        return  # no such path can be; whoever opens it says so
    if stat.S_ISREG(info.st_mode) and not (info.st_mode & _WRITE_BITS and os.access(path, os.W_OK)):
        raise UnreadableFile(
            f"{shown!r} is read-only (mode {stat.S_IMODE(info.st_mode):03o}), so it is not changed.",
            advice="Ask the person to make it writable, or change another file.",
        )


def _refuse_folder(shown: str, path: str) -> None:
    """For a file that is not there: the nearest folder above it must take new entries."""
    folder = os.path.dirname(path)
    while not os.path.lexists(folder) and os.path.dirname(folder) != folder:
        folder = os.path.dirname(folder)
    if os.path.dirname(folder) == folder:
        return  # not one folder of the path is there: the document is in the editor only
    if os.path.isdir(folder):
        mode = os.stat(folder).st_mode
        if not (mode & _WRITE_BITS and os.access(folder, os.W_OK | os.X_OK)):
            raise UnreadableFile(
                f"{shown!r} cannot be made: the folder {folder!r} is read-only (mode {stat.S_IMODE(mode):03o}).",
                advice="Ask the person to make it writable, or choose another folder.",
            )
    elif os.path.lexists(folder):
        raise UnreadableFile(
            f"{shown!r} cannot be made: {folder!r} is not a folder.", advice="Choose a path below a folder."
        )
