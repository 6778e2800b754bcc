"""After a command on the real tree: which open documents now differ from what lies below them.

Closed files are read again by themselves; of an open one the editor has its own text, and the model must know.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from anyio import to_thread

from copydesk.workspace.uris import to_path

Stamps: TypeAlias = Mapping[str, tuple[int, int] | None]
"""By URI: time and size of the file on disk; None where there is none."""


async def stamps(uris: Iterable[str]) -> Stamps:
    listed = tuple(uris)
    return await to_thread.run_sync(lambda: {uri: _stamp(uri) for uri in listed})


def _stamp(uri: str) -> tuple[int, int] | None:
    path = to_path(uri)
    try:
        found = os.stat(path) if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None


async def changed_below(before: Stamps, display: Callable[[str], str]) -> tuple[str, ...]:
    """One sentence on the open documents whose files changed since `before`; nothing where none did."""
    after = await stamps(before)
    changed = [display(uri) for uri, stamp in before.items() if after[uri] != stamp]
    if not changed:
        return ()
    files = ", ".join(changed)
    return (f"On disk it changed {files}, open in the editor, whose text is what reads show until it is reloaded.",)
