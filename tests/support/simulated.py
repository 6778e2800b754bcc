"""Simulated editors for random interleavings: whole buffers, real protocol messages, and the lies of real clients.

A `Client` sits behind the real LSP conversion and the real document sync. It sends what a person types as its kind
does (at once, debounced, merged, only when typing stops, whole texts), takes workspace edits as its kind does, and
writes down what it really did with them (`truth`), so that nothing has to be believed. Time is virtual.
"""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeAlias, cast

import anyio
from lsprotocol import converters, types

from copydesk.domain.errors import MissingFile
from copydesk.domain.ports import ApplyReply, Entry, FileEdit, FileHandle, Question, WorkspaceChange
from copydesk.lsp.convert import to_lsp_workspace_edit
from copydesk.lsp.documents import DocumentSync
from copydesk.text.diffs import diff
from copydesk.text.edits import Edit, apply, compose_all, normalised, rebase
from copydesk.text.hashing import content_hash
from copydesk.workspace.disk import Disk
from copydesk.workspace.workspace import Workspace

Json: TypeAlias = dict[str, Any]
Span: TypeAlias = tuple[int, int, str]
_TOKEN = re.compile(r"«\d+»")
_LINE_END = re.compile(r"\r\n|\r|\n")
_CONVERTER = converters.get_converter()
_OPERATIONS = ["create", "rename", "delete"]
CAPABILITIES = _CONVERTER.structure(
    {"workspace": {"workspaceEdit": {"documentChanges": True, "resourceOperations": _OPERATIONS}}},
    types.ClientCapabilities,
)


@dataclass(frozen=True)
class Kind:
    """How one editor behaves. `stale`: refuse, skip (and say applied), stop (keep the earlier documents) or error.

    `form`: how an edit of ours comes back: reversed, ascending, trimmed, pieces or whole. `race`, `deferred`,
    `silent`, `partial`, `twice`, `shifted`, `idle`: how often an edit lands on a newer version, is left to the person,
    is not answered, lands in part, twice, in the wrong place, or not at all though the client says so.
    """

    name: str
    stale: str = "refuse"
    form: str = "reversed"
    first_version: int = 1
    step: int = 1
    second_version: int = 0
    debounce_s: float = 0.0
    waits_for_idle: bool = False
    merges: float = 0.0
    opens: float = 1.0
    checks_zero: bool = True
    race: float = 0.0
    deferred: float = 0.0
    silent: float = 0.0
    partial: float = 0.0
    twice: float = 0.0
    shifted: float = 0.0
    idle: float = 0.0

    @property
    def is_honest(self) -> bool:
        return not (self.race or self.deferred or self.silent or self.partial or self.shifted or self.idle)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("vscode"),
        Kind("vscode-race", race=0.5),
        Kind("nvim-0.12", "skip", "trimmed", 0, 3, 5, 0.15, opens=0.5, checks_zero=False),
        Kind("nvim-0.10", "skip", "trimmed", 0, 3, 5, 0.15, merges=0.5, opens=0.3, checks_zero=False),
        Kind("helix", "stop", "ascending", 0),
        Kind("eglot", "error", "pieces", 0, debounce_s=0.5, waits_for_idle=True),
        Kind("eglot-diff", "error", "pieces", 0, debounce_s=0.5, waits_for_idle=True, deferred=0.6),
        Kind("full-sync", form="whole"),
        Kind("silent", silent=0.7),
        Kind("rogue", "skip", partial=0.2, twice=0.15, shifted=0.2, idle=0.15),
    )
}


class MemoryDisk(Disk):
    """Files in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.files: dict[str, str] = {}

    def read(self, uri: str) -> FileHandle:
        if uri not in self.files:
            raise MissingFile(f"There is nothing at {uri!r}.")
        text = self.files[uri]
        return FileHandle(uri, text, content_hash(text))

    def text(self, uri: str) -> str:
        return self.read(uri).text

    def exists(self, uri: str) -> bool:
        return uri in self.files

    def children(self, uri: str) -> Iterable[Entry]:
        return ()

    def make_folder_for(self, uri: str) -> None:
        return


@dataclass
class Buffer:
    text: str
    version: int
    announced: bool = True
    dirty: bool = False
    synced: str = ""
    unsent: list[Json] = field(default_factory=list[Json])
    before_ours: str | None = None
    """What Ctrl+Z would bring back: set by our edit, gone with the next key."""


class Logged(NamedTuple):
    """One change of a file: the version that it made (None: it was not open) and the text."""

    version: int | None
    text: str
    edit: Edit | None = None


@dataclass
class Truth:
    """What really happened, by the marks in our hunks: `landed` counts places where a hunk came right."""

    landed: Counter[str] = field(default_factory=Counter[str])
    wrong: set[str] = field(default_factory=set[str])
    deleted: set[str] = field(default_factory=set[str])
    taken_back: set[str] = field(default_factory=set[str])
    n_eaten: int = 0
    """A person's characters that the client itself overwrote with an edit for another version."""


class Client:
    """One simulated editor. It satisfies `domain.ports.Editor`."""

    def __init__(self, kind: Kind, workspace: Workspace, disk: MemoryDisk, chance: random.Random) -> None:
        self.kind = kind
        self.buffers: dict[str, Buffer] = {}
        self.disk = disk
        self.chance = chance
        self.truth = Truth()
        self.mine: set[str] = set()
        """Characters that a person wrote and did not delete."""
        self.tell: Callable[[str], None] | None = None
        self.n_sent = 0
        self.logs: dict[str, list[Logged]] = {}
        """Every change of every file, over closing and opening."""
        self._n_chars = 0
        self._loop = asyncio.get_running_loop()
        self._arrives_s = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._sync = DocumentSync(
            workspace.overlay, cast("Any", SimpleNamespace(encoding="utf-16", name="")), lambda work: None
        )

    def new_char(self) -> str:
        """A character that nobody has written yet; every other one needs a surrogate pair."""
        self._n_chars += 1
        return chr((0x20000 if self._n_chars % 2 else 0x4E00) + self._n_chars)

    # --- what a person does ---

    def open(self, uri: str) -> None:
        if uri not in self.buffers:
            text = self.disk.files.get(uri, "")
            self._buffered(uri, text)
            self._announce(uri)

    def type(self, uri: str, start: int, end: int, text: str) -> None:
        buffer = self.buffers[uri]
        self.mine -= set(buffer.text[start:end])
        self.mine |= {char for char in text if ord(char) > 0x2E80}
        buffer.before_ours = None
        for token in () if start == end else _TOKEN.findall(buffer.text):
            if token not in buffer.text[:start] + text + buffer.text[end:]:
                self.truth.landed[token] -= 1
                self.truth.taken_back.add(token)
        self._replace(uri, start, end, text)
        self._send_soon(uri)

    def undo(self, uri: str) -> bool:
        """Ctrl+Z right after our edit."""
        buffer = self.buffers[uri]
        if buffer.before_ours is None:
            return False
        old, buffer.before_ours = buffer.before_ours, None
        for token in set(_TOKEN.findall(buffer.text)) ^ set(_TOKEN.findall(old)):
            if token in self.truth.wrong:
                self.truth.wrong.discard(token)
            else:
                self.truth.landed[token] -= 1
            self.truth.taken_back.add(token)
        start, end, new = _hull(buffer.text, old)
        self._replace(uri, start, end, new)
        self._send_soon(uri)
        return True

    def save(self, uri: str) -> None:
        self._flush(uri)
        self.disk.files[uri] = self.buffers[uri].text
        self.buffers[uri].dirty = False
        self._post(lambda: self._sync.did_save({"textDocument": {"uri": uri}}))

    def close(self, uri: str) -> None:
        self._flush(uri)
        del self.buffers[uri]
        self._post(lambda: self._sync.did_close({"textDocument": {"uri": uri}}))

    def write_outside(self, uri: str, text: str) -> None:
        """Another program writes the file; a clean buffer is loaded again."""
        self.mine |= {char for char in text if ord(char) > 0x2E80}
        if uri not in self.buffers:
            self._log(uri, None, text, Edit(*_hull(self.disk.files.get(uri, ""), text)))
        self.disk.files[uri] = text
        buffer = self.buffers.get(uri)
        if buffer and not buffer.dirty and buffer.text != text:
            start, end, new = _hull(buffer.text, text)
            self._replace(uri, start, end, new)
            buffer.dirty, buffer.before_ours = False, None
            self._send_soon(uri)

    def text(self, uri: str) -> str:
        return self.buffers[uri].text if uri in self.buffers else self.disk.files.get(uri, "")

    # --- messages to the server: in order, a little late ---

    def _post(self, deliver: Callable[[], object]) -> None:
        delay_s = self.chance.choice((0.0, 0.001, 0.004, 0.02))
        self._arrives_s = max(self._arrives_s + 1e-6, self._loop.time() + delay_s)
        self._loop.call_at(self._arrives_s, deliver)

    def _announce(self, uri: str) -> None:
        buffer = self.buffers[uri]
        buffer.announced, buffer.unsent, buffer.synced = True, [], buffer.text
        item = {"uri": uri, "languageId": "text", "version": buffer.version, "text": buffer.text}
        self._post(lambda: self._sync.did_open({"textDocument": item}))

    def _replace(self, uri: str, start: int, end: int, text: str) -> None:
        buffer = self.buffers[uri]
        place = {"start": position(buffer.text, start), "end": position(buffer.text, end)}
        buffer.unsent.append({"range": place, "text": text})
        buffer.text = buffer.text[:start] + text + buffer.text[end:]
        step = self.kind.step if self.kind.step == 1 else self.chance.randint(1, self.kind.step)
        buffer.version = max(buffer.version + step, self.kind.second_version)
        self._log(uri, buffer.version, buffer.text, Edit(start, end, text))
        buffer.dirty = True

    def _buffered(self, uri: str, text: str, *, announced: bool = True, dirty: bool = False) -> None:
        version = self.kind.first_version
        self.buffers[uri] = Buffer(text, version, announced=announced, dirty=dirty, synced=text)
        self._log(uri, version, text)

    def _log(self, uri: str, version: int | None, text: str, edit: Edit | None = None) -> None:
        self.logs.setdefault(uri, []).append(Logged(version, text, edit))

    def _send_soon(self, uri: str) -> None:
        if not self.kind.debounce_s:
            self._flush(uri)
            return
        timer = self._timers.get(uri)
        if timer and self.kind.waits_for_idle:
            timer.cancel()
        if timer is None or self.kind.waits_for_idle:
            self._timers[uri] = self._loop.call_later(self.kind.debounce_s, self._flush, uri)

    def _flush(self, uri: str) -> None:
        if timer := self._timers.pop(uri, None):
            timer.cancel()
        buffer = self.buffers.get(uri)
        if buffer is None or not buffer.unsent or not buffer.announced:
            return
        changes, buffer.unsent = buffer.unsent, []
        if self.kind.form == "whole":
            changes = [{"text": buffer.text}]
        elif self.chance.random() < self.kind.merges:
            start, end, new = _hull(buffer.synced, buffer.text)
            place = {"start": position(buffer.synced, start), "end": position(buffer.synced, end)}
            changes = [{"range": place, "text": new}]
        buffer.synced = buffer.text
        identifier = {"uri": uri, "version": buffer.version}
        if self.tell:
            self.tell(f"  version {buffer.version} of {uri}: {changes}")
        self._post(lambda: self._sync.did_change({"textDocument": identifier, "contentChanges": changes}))

    # --- workspace/applyEdit ---

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        del confirm
        self.n_sent += 1
        edit = to_lsp_workspace_edit(change, CAPABILITIES, "utf-16", ends_lines=self.kind.name.startswith("nvim"))
        operations = cast("list[Json]", _CONVERTER.unstructure(edit)["documentChanges"])
        sent = {each.uri: each for each in change.edits}
        for operation in operations:
            operation["sent"] = sent.get(_uri(operation))
        await anyio.sleep(self.chance.choice((0.0, 0.002, 0.01, 0.05)))
        if self.tell:
            self.tell(
                f"  asked for {[(_uri(each), each.get('textDocument'), each.get('kind')) for each in operations]}"
            )
        luck, kind = self.chance.random(), self.kind
        if luck < kind.silent:
            if self.chance.random() < 0.5:
                self._loop.call_later(self.chance.random() * 40, self._perform_late, operations)
            await anyio.sleep(30)
            return ApplyReply(False, "no answer", answered=False)
        if luck < kind.deferred:
            if self.chance.random() < 0.5:
                self._loop.call_later(self.chance.random() * 4, self._by_hand, operations)
            return await self._answer(ApplyReply(False, "decision to apply manually"))
        return await self._answer(self._perform_all(operations), operations)

    async def _answer(self, reply: ApplyReply, operations: Sequence[Json] = ()) -> ApplyReply:
        """The reply comes in order with the other messages, before or after what tells of the edit."""
        arrived = anyio.Event()
        first = self.chance.random() < 0.6
        if first:
            self._post(arrived.set)
        for uri in dict.fromkeys(_uri(operation) for operation in operations):
            if uri in self.buffers:
                self._after_edit(uri)
        if not first:
            self._post(arrived.set)
        await arrived.wait()
        return reply

    def _after_edit(self, uri: str) -> None:
        buffer = self.buffers[uri]
        if not buffer.announced and self.chance.random() < self.kind.opens:
            self._announce(uri)
        self._send_soon(uri)

    def _by_hand(self, operations: Sequence[Json]) -> None:
        """The person applies the diff that was shown, where it still fits."""
        if not any(self._is_stale(operation) for operation in operations):
            self._perform_late(operations)

    def _perform_late(self, operations: Sequence[Json]) -> None:
        self._perform_all(operations)
        for operation in operations:
            if _uri(operation) in self.buffers:
                self._after_edit(_uri(operation))

    def _perform_all(self, operations: Sequence[Json]) -> ApplyReply:
        kind = self.kind
        if kind.stale == "refuse" and any(self._is_stale(operation) for operation in operations):
            return ApplyReply(False, "")
        if self.chance.random() < kind.idle:
            return ApplyReply(True)
        if self.chance.random() < kind.race:
            self._key_in_between(operations)
        for operation in operations:
            if "edits" in operation and kind.stale != "refuse" and self._is_stale(operation):
                if kind.stale == "skip":
                    continue
                return ApplyReply(False, "the document has another version")
            if not self._perform(operation) and kind.stale != "skip":
                return ApplyReply(False, "the file exists already")
        return ApplyReply(True)

    def _key_in_between(self, operations: Sequence[Json]) -> None:
        """The version was checked; then a key comes, and the edit lands on the newer text with the old ranges."""
        uris = [uri for operation in operations if (uri := _uri(operation)) in self.buffers]
        if uris and self.buffers[uris[0]].text:
            text = self.buffers[uris[0]].text
            at = self.chance.choice([0, text.find("\n") + 1])
            self.type(uris[0], at, at, self.new_char() + self.chance.choice(("", "\n")))

    def _is_stale(self, operation: Json) -> bool:
        buffer = self.buffers.get(_uri(operation))
        document: Json = operation.get("textDocument") or {}
        version = document.get("version")
        if buffer is None or version is None or (version == 0 and not self.kind.checks_zero):
            return False
        return buffer.version > version if self.kind.second_version else buffer.version != version

    def _perform(self, operation: Json) -> bool:
        match operation.get("kind"):
            case "create":
                self.disk.files.setdefault(operation["uri"], "")
            case "rename":
                return self._rename(operation["oldUri"], operation["newUri"])
            case "delete":
                self._remove(operation["uri"])
            case _:
                self._edit(operation)
        return True

    def _remove(self, uri: str) -> None:
        eaten = self.mine & set(self.text(uri))
        self.truth.n_eaten += len(eaten)
        self.mine -= eaten
        if uri in self.buffers:
            self.close(uri)
        self.disk.files.pop(uri, "")
        self.truth.deleted.add(uri)

    def _rename(self, old: str, new: str) -> bool:
        if new in self.disk.files or old not in self.disk.files:
            return False
        self.disk.files[new] = self.disk.files.pop(old)
        self.logs[new] = list(self.logs.get(old, ()))
        if old in self.buffers:
            buffer = self.buffers[old]
            self.close(old)
            self._buffered(new, buffer.text, dirty=buffer.dirty)
            self._announce(new)
        return True

    def _edit(self, operation: Json) -> None:
        uri = _uri(operation)
        if uri not in self.buffers:
            self._buffered(uri, self.disk.files.get(uri, ""), announced=False)
        buffer = self.buffers[uri]
        spans = sorted(
            (offset(buffer.text, e["range"]["start"]), offset(buffer.text, e["range"]["end"]), e["newText"])
            for e in operation["edits"]
        )
        if not spans:
            return
        if not buffer.text and self.kind.name.startswith("nvim"):
            # Its buffers are lines, and each has an end.
            spans = [(start, end, text if text.endswith("\n") else f"{text}\n") for start, end, text in spans]
        before, log = buffer.text, list(self.logs[uri])
        chosen, n_times = self._chosen(spans), 2 if self.chance.random() < self.kind.twice else 1
        for _ in range(n_times):
            self._write(uri, chosen)
        is_once = n_times == 1 or buffer.text == _written(before, chosen)
        is_right = is_once and set(chosen) <= set(spans)
        if is_right and chosen == spans:
            is_right = _is_as_sent(operation["sent"], log, before, buffer.text)
        self._note(before, buffer.text, chosen, is_right)
        buffer.before_ours = before
        if self.tell:
            self.tell(f"  {uri} has {chosen}, {'as' if is_right else 'NOT as'} it was sent: {buffer.text!r}")

    def _chosen(self, spans: list[Span]) -> list[Span]:
        luck = self.chance.random()
        if luck < self.kind.partial and len(spans) > 1:
            return sorted(self.chance.sample(spans, len(spans) - 1))
        if luck > 1 - self.kind.shifted:
            return [(max(start - 2, 0), max(end - 2, 0), text) for start, end, text in spans[:1]]
        return spans

    def _note(self, before: str, after: str, spans: Sequence[Span], is_right: bool) -> None:
        eaten = (self.mine & set(before)) - set(after)
        self.truth.n_eaten += len(eaten)
        self.mine -= eaten
        for start, end, text in spans:
            for token in (*_TOKEN.findall(text), *_TOKEN.findall(before[start:end])):
                if is_right:
                    self.truth.landed[token] += 1
                else:
                    self.truth.wrong.add(token)

    def _write(self, uri: str, spans: Sequence[Span]) -> None:
        shift = 0
        if self.kind.form == "ascending":
            for start, end, text in spans:
                self._replace(uri, start + shift, end + shift, text)
                shift += len(text) - (end - start)
            return
        for start, end, text in reversed(spans):
            if self.kind.form == "trimmed":
                old = self.buffers[uri].text
                first, last, new = _hull(old, old[:start] + text + old[end:])
                self._replace(uri, first, last, new)
            elif self.kind.form == "pieces" and text and self.chance.random() < 0.7:
                cut = self.chance.randint(0, len(text))
                self._replace(uri, start, end, text[:cut])
                self._replace(uri, start + cut, start + cut, text[cut:])
            else:
                self._replace(uri, start, end, text)

    # --- the rest of an editor ---

    async def ask(self, question: Question) -> str | None:
        del question
        return None

    async def show_message(self, level: str, text: str) -> None:
        return

    async def show_document(self, name: str, text: str, *, focus: bool = False) -> None:
        return

    def settle(self) -> None:
        """Everything that is not sent yet is sent."""
        for uri in list(self.buffers):
            self._flush(uri)


def _is_as_sent(sent: FileEdit | None, log: Sequence[Logged], before: str, after: str) -> bool:
    """Whether what the client made of an edit is what was meant, on the text as it was by then."""
    if sent is None or sent.text == before:
        return True
    typed = _typed_since(sent, log)
    if typed is None or apply(sent.text, typed) != before:
        typed = diff(sent.text, before)
    ours = normalised(sent.spans)
    theirs_first, ours_first = rebase(ours, typed), rebase(typed, ours)
    if any(edit.text for edit in ours_first.conflicts):
        return False  # what was typed is gone; what was only deleted where ours goes makes no difference
    return after in (apply(before, theirs_first.edits), apply(apply(sent.text, ours), ours_first.edits))


def _typed_since(sent: FileEdit, log: Sequence[Logged]) -> tuple[Edit, ...] | None:
    """What led from the text that an edit was sent for to the last one of the log, over closing and opening."""
    for at in range(len(log) - 1, -1, -1):
        if sent.version in (None, log[at].version) and log[at].text == sent.text:
            return compose_all([(each.edit,) for each in log[at + 1 :] if each.edit])
    return None


def _uri(operation: Json) -> str:
    document = operation.get("textDocument")
    return document["uri"] if document else operation.get("uri") or operation["newUri"]


def _written(text: str, spans: Iterable[Span]) -> str:
    return apply(text, normalised(spans))


def _hull(old: str, new: str) -> Span:
    """The one change between two texts: without what is equal before and after it."""
    start, most = 0, min(len(old), len(new))
    while start < most and old[start] == new[start]:
        start += 1
    end = 0
    while end < most - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, len(old) - end, new[start : len(new) - end]


def position(text: str, at: int) -> Json:
    head = text[:at]
    if head.endswith("\r") and text[at : at + 1] == "\n":
        head = head[:-1]
    lines = _LINE_END.split(head)
    return {"line": len(lines) - 1, "character": len(lines[-1].encode("utf-16-le")) // 2}


def offset(text: str, place: Json) -> int:
    line, start = 0, 0
    while line < place["line"]:
        found = _LINE_END.search(text, start)
        if found is None:
            return len(text)
        line, start = line + 1, found.end()
    found = _LINE_END.search(text, start)
    end = found.start() if found else len(text)
    head = text[start:end].encode("utf-16-le")[: place["character"] * 2]
    return start + len(head.decode("utf-16-le", "ignore"))
