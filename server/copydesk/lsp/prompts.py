"""Prompt documents: how free text gets in where a client has no box to type it in.

Owns the documents, their template and what is to happen with the text; it starts no turn. Start with `Prompts.open`.
A prompt document is an ordinary file, because every client can edit one. The text is taken from the buffer, saved or
not, below a marker line. Each document is sent once.
"""

import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import anyio

from copydesk.lsp.answers import remove_old
from copydesk.workspace.uris import normalise

if TYPE_CHECKING:
    from copydesk.lsp.answers import Answers
    from copydesk.lsp.client import Client

MARKER = "--- write below this line, then choose the code action “Copydesk: Send” (or save, and run copydesk.send) ---"
"""An editor may have our server for some languages only; then this document has no code actions."""

_TEXT_LINE = 2
MAX_OPEN = 100

Send: TypeAlias = Callable[[str], Awaitable[object]]
"""Gets the text; its result is the result of the command that sent it."""


MAX_SUBJECT = 120


@dataclass(slots=True)
class Prompt:
    """One document. `subject` says in one line what the text is for."""

    uri: str
    path: Path
    subject: str
    send: Send
    sent: bool = False


class Prompts:
    def __init__(self, client: "Client", answers: "Answers", state_dir: Path) -> None:
        self._client = client
        self._answers = answers
        self._folder = state_dir / "prompts"
        self._open: OrderedDict[str, Prompt] = OrderedDict()

    async def open(self, subject: str, send: Send) -> Prompt:
        """Makes a document and opens it; `send` runs when the person sends it."""
        path = await anyio.to_thread.run_sync(_create, self._folder, template(subject))
        prompt = Prompt(path.as_uri(), path, subject, send)
        self._open[normalise(prompt.uri)] = prompt
        while len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        if not await self._client.show_document(prompt.uri, take_focus=True, line=_TEXT_LINE):
            self._answers.message(
                "info",
                f"{_shortened(subject)} Write in {_short_path(path)} and choose the code action "
                "“Copydesk: Send” there (or save, and run copydesk.send).",
            )
        return prompt

    def get(self, uri: str) -> Prompt | None:
        return self._open.get(normalise(uri))

    def newest(self) -> Prompt | None:
        """The newest document that is not sent yet."""
        return next((prompt for prompt in reversed(self._open.values()) if not prompt.sent), None)

    def forget(self, prompt: Prompt) -> None:
        """The question was answered otherwise, or nobody waits for the answer any more."""
        self._open.pop(normalise(prompt.uri), None)

    async def text(self, prompt: Prompt, buffer: str | None) -> str:
        """What the person wrote: from the buffer where the client has it open for us, else from the file."""
        whole = buffer if buffer is not None else await anyio.Path(prompt.path).read_text(encoding="utf-8")
        return written(whole, prompt.subject)


def _shortened(subject: str) -> str:
    """So that the place to write in still fits into the message."""
    return subject if len(subject) <= MAX_SUBJECT else subject[: MAX_SUBJECT - 1].rstrip() + "…"


def _short_path(path: Path) -> str:
    """With ~, which editors understand: the message may have one line of 80 columns."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def template(subject: str) -> str:
    return f"{subject}\n{MARKER}\n\n"


def written(text: str, subject: str) -> str:
    """The text below the marker; without a marker, everything but the subject line."""
    above, found, below = text.replace("\r\n", "\n").partition(MARKER)
    if found:
        return below.strip()
    return above.strip().removeprefix(subject).strip()


def _create(folder: Path, text: str) -> Path:
    """A new file that only its owner may read, with a number no other server uses."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    remove_old(folder)
    number = 1
    while True:
        path = folder / f"prompt-{number}.md"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return path
