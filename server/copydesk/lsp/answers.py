"""What a stock client is shown: short answers as messages, long ones as documents.

Owns the choice and the documents' text; it does not know what the words are about. Start with `Answers.show`.
Up to three lines go by `window/showMessage`. More becomes `copydesk:/turn/ID.md`, which the client fetches by
`workspace/textDocumentContent`; a client without that gets a read-only file in the state directory. The document is
opened without taking focus; where that is not possible, the message says where it is.
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import anyio

from copydesk.lsp.client import ClientError
from copydesk.lsp.clients import shows_one_line
from copydesk.lsp.handlers import RequestContext, invalid_params
from copydesk.lsp.markdown import sanitise
from copydesk.lsp.progress import first_line
from copydesk.workspace.uris import is_own

if TYPE_CHECKING:
    from copydesk.lsp.client import Client

SCHEME = "copydesk"
MAX_LINES = 3
MAX_CHARS = 400
REFRESH_LIMIT_S = 5.0
MAX_AGE_S = 7 * 24 * 3600
"""Files in the state directory are removed when they are older than this."""
MAX_KEPT = 200
"""Documents whose text is kept for the client to fetch again; older ones say that they are gone."""


class Answers:
    def __init__(self, client: "Client", state_dir: Path) -> None:
        self._client = client
        self._folder = state_dir / "documents"
        self._texts: OrderedDict[str, str] = OrderedDict()
        self.redact: Callable[[str], str] = str
        """Takes the values of secrets out of messages, and of what is written to the disk."""

    # --- choosing ---

    async def show(self, level: str, text: str, name: str) -> None:
        """Shows `text` in the form its length asks for. `name` is the document's, such as `turn/ID.md`."""
        text = text.strip()
        if not text:
            return
        if is_short(text):
            self.message(level, text)
            return
        if level == "error":
            self.message(level, _head(text))
        await self.open(name, text)

    def message(self, level: str, text: str, clean: Callable[[str], str] | None = None) -> None:
        """At most three lines by `window/showMessage`. `clean` takes out what a client could make live."""
        head = self.redact(_head((clean or as_plain)(text)))
        self._client.show_message(level, head.replace("\n", " ") if shows_one_line(self._client.name) else head)

    def log(self, level: str, text: str) -> None:
        self._client.log(level, self.redact(text))

    # --- documents ---

    async def open(self, name: str, text: str, *, focus: bool = False, line: int | None = None) -> str:
        """Opens a read-only document and returns its URI. Markdown is sanitised. The cursor goes to `line`."""
        clean = sanitise(self.redact(text)) if name.endswith(".md") else text
        uri = f"{SCHEME}:/{name}"
        self._keep(uri, clean)
        if serves_documents(self._client) and await self._client.show_document(uri, take_focus=focus, line=line):
            return uri
        path = await anyio.to_thread.run_sync(write_read_only, self._folder / name, self.redact(clean))
        if not await self._client.show_document(path.as_uri(), take_focus=focus, line=line):
            self.message("info", f"{first_line(text)}\nThe whole text is in {path}")
        return path.as_uri()

    async def replace(self, name: str, text: str, uri: str) -> None:
        """Gives an opened document a new text, without opening it again: that would open windows. `uri` as opened."""
        if not is_own(uri):
            await anyio.to_thread.run_sync(write_read_only, self._folder / name, self.redact(text))
            return
        self._keep(uri, text)
        with suppress(ClientError):  # it was closed, or the client only ever fetches once
            await self._client.request("workspace/textDocumentContent/refresh", {"uri": uri}, timeout_s=REFRESH_LIMIT_S)

    async def content(self, params: Any, context: RequestContext) -> dict[str, str]:
        """`workspace/textDocumentContent`."""
        uri = cast("dict[str, Any]", params).get("uri") if isinstance(params, dict) else None
        if not isinstance(uri, str):
            raise invalid_params("workspace/textDocumentContent needs {uri}, a string.")
        text = self._texts.get(_canonical(uri))
        return {"text": f"{uri} is no longer kept. Ask again to get a new answer.\n" if text is None else text}

    def _keep(self, uri: str, text: str) -> None:
        self._texts[uri] = text
        self._texts.move_to_end(uri)
        while len(self._texts) > MAX_KEPT:
            self._texts.popitem(last=False)


def serves_documents(client: "Client") -> bool:
    """Whether the client asks us for the text of our documents; else they are files."""
    return client.supports("workspace.textDocumentContent") is not None


def as_plain(text: str) -> str:
    """For messages: plain text to most clients, but VS Code makes links of Markdown there."""
    return sanitise(text).replace("&lt;", "<")


def is_short(text: str) -> bool:
    """Whether a message can carry it. Blank lines do not count, because a message leaves them out."""
    n_lines = sum(1 for line in text.splitlines() if line.strip())
    return n_lines <= MAX_LINES and len(text) <= MAX_CHARS


def _head(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines() if line.strip()]
    head = "\n".join(lines[:MAX_LINES])
    if len(head) > MAX_CHARS:
        return head[: MAX_CHARS - 1] + "…"
    return head + "…" if len(lines) > MAX_LINES else head


def _canonical(uri: str) -> str:
    """Clients may write `copydesk:///x` or escape characters."""
    return f"{SCHEME}:/{unquote(uri).removeprefix(f'{SCHEME}:').lstrip('/')}"


def write_read_only(path: Path, text: str) -> Path:
    """Writes a file that only its owner may read and nobody may write, replacing an older one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_old(path.parent)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    if os.name == "nt" and path.exists():  # Windows does not replace a read-only file
        path.chmod(0o600)
    return fresh.replace(path)


def remove_old(folder: Path) -> None:
    """Removes files that earlier servers left."""
    oldest = time.time() - MAX_AGE_S
    for path in folder.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except OSError:  # another server removed it, or it is open on Windows: the next one will
            continue
