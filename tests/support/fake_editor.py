"""A fake editor: buffers with versions, and what the real editors do with `workspace/applyEdit`.

Each `Profile` holds one editor's observed behaviour: the version a buffer starts with, how far versions jump, whether
changes are sent late (debounced), and what happens to an edit made for an older version. Text is kept as str; positions
are converted here, on purpose not with the code under test. Files are real files below the test's folder.
"""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

Json = dict[str, Any]
Stale = Literal["refuse", "skip", "stop", "error"]


@dataclass(frozen=True)
class Profile:
    """`stale`: refuse = nothing is applied, applied false, no reason (VS Code); skip = that document is left out and
    applied is true (Neovim); stop = earlier documents stay changed, applied false (Helix); error = the same with a
    JSON-RPC error (Emacs). `opens_edited`: didOpen follows for files that were not open.
    """

    capabilities: str
    first_version: int
    version_step: int
    stale: Stale
    debounce_s: float = 0.0
    opens_edited: bool = True
    checks_version_zero: bool = True
    confirms: bool = False
    counts_edits: bool = False


PROFILES: dict[str, Profile] = {
    "vscode": Profile("vscode-1.139.1-languageclient-11.0.0", 1, 1, "refuse", confirms=True),
    "nvim-0.12": Profile("nvim-0.12.4", 0, 3, "skip", 0.15, False, False, confirms=True),
    "nvim-0.10": Profile("nvim-0.10.4", 0, 3, "skip", 0.15, False, False),
    "emacs": Profile("emacs-30.1-eglot", 0, 1, "error"),
    "helix": Profile("helix-25.07.1", 0, 1, "stop", counts_edits=True),
    "helix-25.01": Profile("helix-25.01.1", 0, 1, "stop", counts_edits=True),
}


class EditRefused(Exception):
    """`as_error`: answered as a JSON-RPC error, else as applied: false."""

    def __init__(self, reason: str, *, as_error: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.as_error = as_error


@dataclass
class Buffer:
    uri: str
    text: str
    version: int
    language: str = "python"
    announced: bool = True
    dirty: bool = False
    unsent: list[Json] = field(default_factory=list)


class FakeEditor:
    """`send(method, params)` notifies the server. `applied` lists every edit that was asked for."""

    def __init__(self, profile: Profile, send: Callable[[str, Json], None]) -> None:
        self.profile = profile
        self.encoding = "utf-16"
        self.buffers: dict[str, Buffer] = {}
        self.applied: list[Json] = []
        self.confirm: bool = True
        """The person's answer where the editor asks before an annotated edit."""
        self.refuse: str | None = None
        """A reason to answer `applied: false` to the next edits."""
        self._send = send

    # --- what a person does ---

    def open(self, uri: str, text: str | None = None, language: str = "python") -> Buffer:
        """Opens a document; the text is the file's unless given."""
        buffer = Buffer(uri, self._disk(uri) if text is None else text, self.profile.first_version, language)
        self.buffers[uri] = buffer
        self._announce(buffer)
        return buffer

    def type(self, uri: str, start: int, end: int, text: str) -> None:
        """Replaces code points start..end; the server hears of it now or, debounced, a little later."""
        buffer = self.buffers[uri]
        place = {"start": self.position(buffer.text, start), "end": self.position(buffer.text, end)}
        buffer.text = buffer.text[:start] + text + buffer.text[end:]
        self._changed(buffer, {"range": place, "text": text})
        self._flush_soon(uri)

    def replace_all(self, uri: str, text: str) -> None:
        buffer = self.buffers[uri]
        buffer.text = text
        self._changed(buffer, {"text": text})
        self._flush_soon(uri)

    def flush(self, uri: str | None = None) -> None:
        """Sends what was typed and not sent yet, as one didChange per buffer."""
        for buffer in list(self.buffers.values()):
            if buffer.unsent and buffer.announced and uri in (None, buffer.uri):
                identifier = {"uri": buffer.uri, "version": buffer.version}
                self._send("textDocument/didChange", {"textDocument": identifier, "contentChanges": buffer.unsent})
                buffer.unsent = []

    def save(self, uri: str) -> None:
        self.flush(uri)
        self._path(uri).write_bytes(self.buffers[uri].text.encode("utf-8"))
        self.buffers[uri].dirty = False
        self._send("textDocument/didSave", {"textDocument": {"uri": uri}})

    def close(self, uri: str) -> None:
        self.flush(uri)
        del self.buffers[uri]
        self._send("textDocument/didClose", {"textDocument": {"uri": uri}})

    def text(self, uri: str) -> str:
        """What a person sees: the buffer, else the file."""
        return self.buffers[uri].text if uri in self.buffers else self._disk(uri)

    # --- workspace/applyEdit ---

    def apply(self, params: Json) -> bool:
        """Changes the buffers. Returns what the editor answers as `applied`; raises `EditRefused`."""
        self.applied.append(params)
        if self.refuse is not None:
            raise EditRefused(self.refuse)
        operations = self._operations(params["edit"])
        if self._asks(params["edit"]) and not self.confirm:
            if self.profile.stale == "skip":
                return True
            raise EditRefused("")
        if self.profile.stale == "refuse" and any(self._is_stale(each) for each in operations):
            raise EditRefused("")
        for operation in operations:
            self._perform(operation)
        return True

    def after_apply(self) -> None:
        """What follows the reply: didOpen for newly opened files, and the changes (late where debounced)."""
        for buffer in self.buffers.values():
            if not buffer.announced and self.profile.opens_edited:
                buffer.announced = True
                buffer.unsent = []
                self._announce(buffer)
        self._flush_soon()

    def _flush_soon(self, uri: str | None = None) -> None:
        """At once, or by a timer as Neovim does. Outside a loop nothing but a test's own `flush` sends."""
        if not self.profile.debounce_s:
            self.flush(uri)
            return
        with suppress(RuntimeError):
            asyncio.get_running_loop().call_later(self.profile.debounce_s, self.flush, uri)

    def _asks(self, edit: Json) -> bool:
        notes = (edit.get("changeAnnotations") or {}).values()
        return self.profile.confirms and any(note.get("needsConfirmation") for note in notes)

    def _operations(self, edit: Json) -> list[Json]:
        if edit.get("documentChanges") is not None:
            return list(edit["documentChanges"])
        changes: dict[str, list[Json]] = edit.get("changes") or {}
        return [{"textDocument": {"uri": uri, "version": None}, "edits": edits} for uri, edits in changes.items()]

    def _is_stale(self, operation: Json) -> bool:
        identifier = operation.get("textDocument")
        buffer = self.buffers.get(identifier["uri"]) if identifier else None
        if identifier is None or buffer is None or identifier.get("version") is None:
            return False
        if not self.profile.checks_version_zero and identifier["version"] == 0:
            return False
        return buffer.version != identifier["version"]

    def _perform(self, operation: Json) -> None:
        match operation.get("kind"):
            case "create":
                self._create(operation)
            case "rename":
                self._rename(operation["oldUri"], operation["newUri"])
            case "delete":
                self.buffers.pop(operation["uri"], None)
                self._path(operation["uri"]).unlink(missing_ok=True)
            case _:
                self._edit_text(operation)

    def _create(self, operation: Json) -> None:
        path, options = self._path(operation["uri"]), operation.get("options") or {}
        if path.exists() and not options.get("overwrite"):
            if options.get("ignoreIfExists") or self.profile.stale == "skip":
                return
            raise EditRefused(f"{path.name} exists")
        if self.profile.stale == "skip" and options.get("ignoreIfExists"):
            return  # Neovim makes only a buffer
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def _rename(self, old: str, new: str) -> None:
        if self._path(new).exists():
            if self.profile.stale == "skip":
                return
            raise EditRefused("the target exists")
        self._path(new).parent.mkdir(parents=True, exist_ok=True)
        self._path(old).rename(self._path(new))
        if old in self.buffers:
            text = self.buffers[old].text
            self.close(old)
            self.open(new, text)

    def _edit_text(self, operation: Json) -> None:
        if self._is_stale(operation):
            if self.profile.stale == "skip":
                return
            raise EditRefused("the document has another version", as_error=self.profile.stale == "error")
        uri = operation["textDocument"]["uri"]
        buffer = self.buffers.get(uri)
        if buffer is None:
            buffer = self.buffers[uri] = Buffer(uri, self._disk(uri), self.profile.first_version, announced=False)
        spans = [
            (self.offset(buffer.text, e["range"]["start"]), self.offset(buffer.text, e["range"]["end"]), e["newText"])
            for e in operation["edits"]
        ]
        version = buffer.version + self.profile.version_step
        for start, end, text in sorted(spans, key=lambda span: span[:2], reverse=True):
            place = {"start": self.position(buffer.text, start), "end": self.position(buffer.text, end)}
            buffer.text = buffer.text[:start] + text + buffer.text[end:]
            self._changed(buffer, {"range": place, "text": text})
        if spans and self.profile.counts_edits:
            buffer.version = version

    # --- positions and files ---

    def position(self, text: str, offset: int) -> Json:
        line_start = 0
        line = 0
        for found in re.finditer(r"\r\n|\r|\n", text):
            if found.end() > offset:
                break
            line, line_start = line + 1, found.end()
        return {"line": line, "character": self._units(text[line_start:offset])}

    def offset(self, text: str, position: Json) -> int:
        lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
        if position["line"] >= len(lines):
            return len(text)
        start = sum(len(line) for line in lines[: position["line"]])
        content = lines[position["line"]].rstrip("\r\n")
        for column in range(len(content) + 1):
            if self._units(content[:column]) >= position["character"]:
                return start + column
        return start + len(content)

    def _units(self, text: str) -> int:
        match self.encoding:
            case "utf-8":
                return len(text.encode("utf-8"))
            case "utf-16":
                return len(text.encode("utf-16-le")) // 2
            case _:
                return len(text)

    def _changed(self, buffer: Buffer, change: Json) -> None:
        buffer.version += self.profile.version_step
        buffer.dirty = True
        buffer.unsent.append(change)

    def _announce(self, buffer: Buffer) -> None:
        item = {"uri": buffer.uri, "languageId": buffer.language, "version": buffer.version, "text": buffer.text}
        self._send("textDocument/didOpen", {"textDocument": item})

    def _disk(self, uri: str) -> str:
        path = self._path(uri)
        return path.read_bytes().decode("utf-8") if path.exists() else ""

    def _path(self, uri: str) -> Path:
        return Path(unquote(urlsplit(uri).path))
