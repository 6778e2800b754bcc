"""The seams: small Protocols that let a layer use something without knowing it. `app` passes the real things in."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from copydesk.domain.commands import Shell
from copydesk.domain.edits import Base, PendingEdit, Span
from copydesk.domain.frozen import frozen
from copydesk.domain.messages import LineRange, Problem
from copydesk.domain.models import ModelFacts
from copydesk.domain.permissions import Decision, PermissionRequest, Verdict
from copydesk.domain.secrets import Secrets
from copydesk.domain.stream import ModelRequest, StreamEvent
from copydesk.domain.tools import Location, Prepared, ToolOutput, ToolSpec

# --- files -----------------------------------------------------------------------------------------------


@frozen
class FileHandle:
    """One file as some source sees it. `text` has the BOM removed and its line ends as they are.

    `content_hash` is of the text (sha256, first 16 hex digits); `encoding` a Python codec name; `bom` whether
    the bytes start with one. `epoch` / `version` are the editor's for an open document, else 0 / None.
    """

    uri: str
    text: str
    content_hash: str
    encoding: str = "utf-8"
    bom: bool = False
    epoch: int = 0
    version: int | None = None
    same_as_disk: bool = True

    @property
    def base(self) -> Base:
        return Base(self.uri, self.content_hash, self.epoch)


@frozen
class Entry:
    name: str
    uri: str
    is_dir: bool


class FileSource(Protocol):
    """Disk, overlay, pending, snapshot: no caller knows which it holds. Methods may block on the disk."""

    def read(self, uri: str) -> FileHandle:
        """The file's text. Raises a `WorkspaceError` that names the file and the next action."""
        ...

    def exists(self, uri: str) -> bool: ...

    def children(self, uri: str) -> Iterable[Entry]:
        """The entries of a directory, sorted by name, unread files included, ignore rules not applied."""
        ...

    def changed(self) -> Mapping[str, FileHandle | None]:
        """What differs from disk: the handle as this source sees it, None where the file is deleted."""
        ...


# --- the agent's collaborators ---------------------------------------------------------------------------


class Model(Protocol):
    @property
    def name(self) -> str:
        """`provider/model` as a person writes it."""
        ...

    def stream(self, request: ModelRequest) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """Opens one response. Leaving the context closes the connection. Raises only `ModelError`."""
        ...


@frozen
class Question:
    """A question to the person. With no choices the answer is free text."""

    text: str
    choices: tuple[str, ...] = ()


class Work(Protocol):
    """What one tool call may touch: a frozen view, a way to propose, a way to ask. Made afresh for each call."""

    @property
    def files(self) -> FileSource: ...

    def resolve(self, path: str) -> str:
        """Workspace path → URI, jailed after resolving links. Raises `OutsideWorkspace`."""
        ...

    def display(self, uri: str) -> str:
        """URI → the path a model or person reads."""
        ...

    @property
    def roots(self) -> tuple[str, ...]:
        """URIs of the workspace folders."""
        ...

    def propose(self, *edits: PendingEdit) -> None:
        """Adds pending edits planned on `files`. All or nothing; raises `WorkspaceError`."""
        ...

    def note_read(self, uri: str, text: str) -> None:
        """The model was shown this text of the file: what differs from it later is news to the model."""
        ...

    def last_read(self, uri: str) -> str | None:
        """The text of the file as this session's model was last shown it; None when it was not, or long ago."""
        ...

    def problems(self, uri: str | None) -> tuple[Problem, ...]:
        """The client's newest diagnostics for a file (or all), only those made for the version in `files`."""
        ...

    async def ask(self, question: Question) -> str | None:
        """The person's answer; None when nobody answers."""
        ...

    @property
    def shell(self) -> Shell:
        """The session's commands. What they change is proposed with this call as its origin."""
        ...

    @property
    def secrets(self) -> Secrets: ...


class Tool(Protocol):
    """prepare → (ask) → execute. Arguments are schema-valid before `prepare` sees them."""

    @property
    def spec(self) -> ToolSpec: ...

    def prepare(self, arguments: Mapping[str, Any], work: Work) -> Prepared:
        """Checks what the schema cannot. Never blocks long, changes nothing. Raises `ToolError`/`WorkspaceError`."""
        ...

    async def execute(self, arguments: Mapping[str, Any], work: Work) -> ToolOutput: ...


class Approver(Protocol):
    """Says of each prepared call whether it may run. `judge` is pure and quick; only `ask` waits for a person."""

    def judge(self, request: PermissionRequest) -> Verdict: ...

    async def ask(self, request: PermissionRequest) -> Decision:
        """Puts a verdict's request to the person. Nobody there, or no answer within the limit, is no."""
        ...


class TokenCounter(Protocol):
    """How large a request's input is, before it is sent. Nothing here blocks, and nothing raises."""

    def count(self, request: ModelRequest, model: str, facts: ModelFacts) -> int:
        """Tokens that the request's input will be: an estimate unless better is known."""
        ...

    def count_text(self, text: str, model: str, facts: ModelFacts) -> int:
        """Tokens of a text by itself."""
        ...

    def learn(self, request: ModelRequest, model: str, facts: ModelFacts, input_tokens: int) -> None:
        """The provider said what the request's input was: later counts are calibrated by it."""
        ...


# --- the editor ------------------------------------------------------------------------------------------


@frozen
class FileEdit:
    """Text spans for one document. `version` is the one they were computed on; None when it is not open."""

    uri: str
    version: int | None
    text: str
    spans: tuple[Span, ...]


@frozen
class WorkspaceChange:
    """One reviewable, undoable edit. File operations first (creates, moves), then text, then deletes.

    `creates` maps uri → whole text; `moves` are (from, to).
    """

    label: str
    edits: tuple[FileEdit, ...] = ()
    creates: tuple[tuple[str, str], ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    deletes: tuple[str, ...] = ()
    overwrite: frozenset[str] = frozenset()


@frozen
class ApplyReply:
    """What the client *said*; never proof. `answered` is False when it did not answer in time.

    `consent` is the person's answer where we asked it ourselves. None: nobody was asked, or the editor asked and its
    reply does not tell a no from a stale edit. `skipped` are URIs of which nothing was sent, for `skipped_why`: the
    editor cannot do what was wanted of them.
    """

    applied: bool
    reason: str = ""
    answered: bool = True
    consent: bool | None = None
    skipped: tuple[str, ...] = ()
    skipped_why: str = ""


class Editor(Protocol):
    """The person's editor, as services see it. The CLI has one too, over the disk."""

    async def apply(self, change: WorkspaceChange, *, confirm: bool) -> ApplyReply:
        """Sends one workspace edit. With `confirm` the person says yes first."""
        ...

    async def ask(self, question: Question) -> str | None: ...

    async def show_message(self, level: str, text: str) -> None:
        """`level`: info, warning, error. At most three lines; never waits for the person."""
        ...

    async def show_document(self, name: str, text: str, *, focus: bool = False) -> None:
        """A read-only text such as `turn/ID.md`."""
        ...


# --- the editor's own language models -------------------------------------------------------------------


@frozen
class OfferedModel:
    """A language model of the editor's. `allowed`: the person has agreed that Copydesk uses it.

    `max_input_tokens` is None where the editor does not say.
    """

    id: str
    title: str
    max_input_tokens: int | None = None
    tools: bool = True
    allowed: bool = False


@frozen
class EditorPart:
    """What an editor's model sent, as the JSON it is: a part of the answer, or (`last`) the result that ends it."""

    value: object
    last: bool = False


class EditorModels(Protocol):
    """The editor's models, reached through it. What they answer is theirs to say: nothing of it is checked here."""

    @property
    def available(self) -> bool:
        """Whether this editor lets us ask at all."""
        ...

    async def list(self) -> tuple[OfferedModel, ...]:
        """In the editor's order. Raises `ModelError`. The caller sets the limit."""
        ...

    def stream(self, request: Mapping[str, Any]) -> AbstractAsyncContextManager[AsyncIterator[EditorPart]]:
        """Opens one answer; leaving the context cancels it. Ends with the `last` part. Raises only `ModelError`."""
        ...


# --- code intelligence -----------------------------------------------------------------------------------


@frozen
class Symbol:
    """A definition. `range` spans the whole of it, `line`/`column` its name; `container` is dotted."""

    name: str
    kind: str
    uri: str
    line: int
    column: int
    range: LineRange
    container: str = ""
    signature: str = ""


@frozen
class Found:
    """A definition or reference, with the line's text for the reader."""

    location: Location
    column: int
    name: str
    text: str = ""


class CodeIntel(Protocol):
    """Answers about code in any FileSource: unsaved and pending text of *other* modules is seen too.

    Lines are 0-based, columns code points. Answers are empty when nothing is known; `ToolFailed` when the
    question cannot be asked (a language with no support, say).
    """

    def symbols(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        """Definitions in one file, in order. Survives syntax errors. In process: fast, no worker."""
        ...

    async def outline(self, files: FileSource, uri: str) -> tuple[Symbol, ...]:
        """As `symbols`, with whatever else can be asked."""
        ...

    async def find_symbols(self, files: FileSource, query: str) -> tuple[Symbol, ...]:
        """Definitions in the workspace whose name contains `query`."""
        ...

    async def definition(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]: ...

    async def references(self, files: FileSource, uri: str, line: int, column: int) -> tuple[Found, ...]: ...

    async def hover(self, files: FileSource, uri: str, line: int, column: int) -> str:
        """Signature and documentation as plain text."""
        ...

    async def problems(self, files: FileSource, uri: str) -> tuple[Problem, ...]:
        """Syntax errors, and what ruff and jedi find: undefined names, unused imports and the like."""
        ...

    async def all_problems(self, files: FileSource, uris: Sequence[str]) -> tuple[Problem, ...]:
        """The problems of these files, and what is known of others without looking."""
        ...

    async def fix(self, files: FileSource, uri: str, rules: str) -> tuple[PendingEdit, ...]:
        """ruff's own safe fixes for `rules` (a comma-separated selector such as "F401,I") on the text in `files`."""
        ...

    async def annotate(
        self, files: FileSource, uri: str, line: int, end_line: int | None = None
    ) -> tuple[PendingEdit, ...]:
        """Type annotations for the function at `line`, or for every one that starts in `line` to `end_line` (in)."""
        ...

    async def rename(
        self, files: FileSource, uri: str, line: int, column: int, new_name: str
    ) -> tuple[PendingEdit, ...]: ...

    async def extract(
        self, files: FileSource, uri: str, range: LineRange, new_name: str, kind: str
    ) -> tuple[PendingEdit, ...]:
        """`kind`: variable or function."""
        ...
