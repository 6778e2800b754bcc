"""The language server: the parts of this folder put together, for one connection.

`app` makes a `Server`, lets the features register themselves in `handlers`, and awaits `serve`. `initialize` is
answered here, before anything else is imported or started; `on_initialized` then starts the rest.
Knows no feature. Start with `Server.serve`.
"""

import hmac
import logging
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.abc
import anyio.lowlevel
from lsprotocol import types

from copydesk.lsp import wire
from copydesk.lsp.capabilities import negotiate_encoding, server_capabilities
from copydesk.lsp.client import Client, ClientError
from copydesk.lsp.documents import DocumentSync
from copydesk.lsp.framing import BadFrame, Body, FrameDecoder
from copydesk.lsp.handlers import Handlers, RpcError, invalid_params
from copydesk.lsp.lifecycle import Lifecycle
from copydesk.lsp.notebooks import NotebookSync
from copydesk.lsp.outbox import Outbox, OutboxOverflow
from copydesk.lsp.parent import parent_gone
from copydesk.lsp.protocol import INVALID_REQUEST, Protocol
from copydesk.lsp.roots import roots_of, with_folder_changes
from copydesk.lsp.settings import SECTION, Nested, Settings
from copydesk.lsp.transport import ByteReader, ByteWriter

if TYPE_CHECKING:
    from copydesk.workspace.overlay import Overlay

log = logging.getLogger("copydesk.lsp")

SHUTDOWN_LIMIT_S = 3.0
READ_TURN_S = 0.005
"""How long a flood of messages may keep everything else waiting."""
FLUSH_LIMIT_S = 0.5
_IGNORED = ("$/setTrace", "workspace/didChangeWatchedFiles", "workspace/didCreateFiles", "workspace/didRenameFiles",
            "workspace/didDeleteFiles", "textDocument/willSave", "window/workDoneProgress/cancel")  # fmt: skip

Callback = Callable[[], Awaitable[None]]


class Server:
    """One client's server.

    Add to `handlers`, `commands` and the callback lists before `serve`, or in `prepare`, which is called once
    `initialize` is answered and before any later message is handled: what is imported there costs no start-up.
    `promised` are the requests whose handlers it will add. Callbacks: `on_initialized` (tasks of the
    connection, they may run as long as it does), `on_shutdown` (awaited before `shutdown` is answered, at most
    `SHUTDOWN_LIMIT_S`), `on_gone` (the client is gone; before its open requests end), `on_settings` (the whole nested
    settings) and `on_roots` (folder URIs), all three plain and at once.
    """

    def __init__(
        self, overlay: "Overlay", *, version: str = "", token: str | None = None, strict: bool = False
    ) -> None:
        self.overlay = overlay
        self.handlers = Handlers()
        self.commands: list[str] = []
        self.settings = Settings()
        self.lifecycle = Lifecycle()
        self.roots: tuple[str, ...] = ()
        self.on_initialized: list[Callback] = []
        self.on_shutdown: list[Callback] = []
        self.on_gone: list[Callable[[], None]] = []
        self.on_settings: list[Callable[[Nested], None]] = []
        self.on_roots: list[Callable[[tuple[str, ...]], None]] = []
        self.outbox = Outbox()
        self.client = Client(self._send)
        self.prepare: Callable[[], None] | None = None
        self.promised: frozenset[str] = frozenset()
        self._version = version
        self._token = token
        self._decoder = FrameDecoder(strict=strict)
        self._reading: anyio.CancelScope | None = None
        self._process_id: int | None = None
        self._closing = False
        self._begun = False
        self._tasks: anyio.abc.TaskGroup | None = None
        self._protocol: Protocol | None = None
        self._register()

    def _register(self) -> None:
        documents = DocumentSync(self.overlay, self.client, self.spawn)
        documents.register(self.handlers)
        NotebookSync(documents, self.overlay).register(self.handlers)
        for method in _IGNORED:
            self.handlers.notification(method, _ignore, raw=True)
        self.handlers.notification(types.INITIALIZED, self._initialized, raw=True)
        self.handlers.notification(types.EXIT, self._exit, raw=True)
        self.handlers.notification(types.CANCEL_REQUEST, self._cancel, raw=True)
        self.handlers.notification(types.WORKSPACE_DID_CHANGE_CONFIGURATION, self._settings_changed, raw=True)
        self.handlers.notification(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, self._folders_changed, raw=True)

    # --- the connection ---

    async def serve(self, reader: ByteReader, writer: ByteWriter) -> int:
        """Serves one client until it exits, is gone, or stops reading. Returns the process's exit code."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            self._protocol = Protocol(
                self.handlers, self.lifecycle, self._send, self.overlay.freeze, self.client.receive_response,
                self._initialize, self._shut_down, tasks,
            )  # fmt: skip
            flushed = anyio.Event()
            tasks.start_soon(self._write, writer, flushed)
            with anyio.CancelScope() as self._reading:
                await self._read(reader)
            self.lifecycle.ended()
            for gone in self.on_gone:
                gone()
            self.client.disconnected()
            self._protocol.cancel_all()
            await self._protocol.wait_answered(SHUTDOWN_LIMIT_S)
            self.outbox.close()
            with anyio.move_on_after(FLUSH_LIMIT_S):
                await flushed.wait()
            tasks.cancel_scope.cancel()
        return self.lifecycle.exit_code

    def end(self, reason: str) -> None:
        """Ends the connection from our side."""
        if not self._closing:
            log.error("the connection ends: %s", reason)
        self._closing = True
        if self._reading is not None:
            self._reading.cancel()

    def spawn(self, work: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Runs `work` as a task of the connection. What it raises is logged and ends nothing else."""
        if self._tasks is None:
            raise RuntimeError("the server does not serve yet")
        self._tasks.start_soon(_guarded, work, arguments)

    async def _read(self, reader: ByteReader) -> None:
        assert self._protocol is not None
        while data := await reader.read():
            self._decoder.feed(data)
            turn_ends = time.monotonic() + READ_TURN_S
            while frame := self._decoder.take():
                self._receive(frame, self._protocol)
                if self._closing:
                    return
                if self.prepare is not None and self.lifecycle.state == "running":
                    await self._prepare(self.prepare)
                if time.monotonic() > turn_ends:
                    await anyio.lowlevel.checkpoint()
                    turn_ends = time.monotonic() + READ_TURN_S
        log.debug("the input ended")

    async def _prepare(self, prepare: Callable[[], None]) -> None:
        self.prepare = None
        with anyio.move_on_after(FLUSH_LIMIT_S):
            await self.outbox.emptied()
        prepare()

    def _receive(self, frame: Body | BadFrame, protocol: Protocol) -> None:
        if isinstance(frame, BadFrame):
            protocol.refuse_bytes(f"The bytes are no message: {frame.reason}")
            self._closing = self._closing or frame.fatal
            return
        try:
            message = wire.decode(frame.data)
        except RpcError as error:
            protocol.refuse_bytes(error.message)
            self._decoder.rescan(frame.data)
            return
        if not self._begun and self.lifecycle.state == "running":
            self._begin()
        protocol.receive(message)

    def _begin(self) -> None:
        """Tells folders and settings, once, after `initialize` is answered: not every client sends `initialized`."""
        self._begun = True
        for roots_changed in self.on_roots:
            roots_changed(self.roots)
        self._tell_settings()

    def _send(self, message: dict[str, Any], key: str = "") -> None:
        try:
            self.outbox.put(wire.encode(message), key)
        except OutboxOverflow as error:
            self.end(str(error))

    async def _write(self, writer: ByteWriter, flushed: anyio.Event) -> None:
        try:
            while data := await self.outbox.take():
                await writer.write(data)
                self.outbox.written(len(data))
        except OSError as error:
            self.end(f"the client does not read any more ({error.strerror or error})")
        flushed.set()

    # --- the life of the connection ---

    def _initialize(self, given: Any) -> dict[str, Any]:
        params = _checked(given)
        self._check_token(params.get("initializationOptions"))
        client = self.client
        client.raw_capabilities = cast("dict[str, Any]", params.get("capabilities") or {})
        information = cast("dict[str, Any]", params.get("clientInfo") or {})
        client.name, client.version = str(information.get("name", "")), str(information.get("version", ""))
        client.encoding = negotiate_encoding(client.supports("general.positionEncodings"))
        self.roots = roots_of(params)
        self.settings.start(params.get("initializationOptions"))
        self._process_id = params.get("processId")
        self.lifecycle.initialized()
        return {
            "capabilities": server_capabilities(self._offered, client, self.commands),
            "serverInfo": {"name": "copydesk", "version": self._version},
        }

    def _offered(self, method: str) -> bool:
        return method in self.handlers or method in self.promised

    def _check_token(self, options: object) -> None:
        if self._token is None:
            return
        given = cast("dict[str, Any]", options).get("token") if isinstance(options, dict) else None
        if isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), self._token.encode()):
            return
        self._closing = True
        raise RpcError(INVALID_REQUEST, "initializationOptions.token is not the token of this server")

    def _initialized(self, params: Any) -> None:
        del params
        self.spawn(self._watch_parent)
        self.spawn(self._ask_settings)
        for start in self.on_initialized:
            self.spawn(start)

    async def _shut_down(self) -> None:
        """Others are cancelled already; they answer and clean up, then the features write what they keep."""
        assert self._protocol is not None
        with anyio.move_on_after(SHUTDOWN_LIMIT_S):
            await self._protocol.wait_answered(SHUTDOWN_LIMIT_S / 2, n_left=1)
            for stop in self.on_shutdown:
                await _guarded(stop, ())

    def _exit(self, params: Any) -> None:
        del params
        self._closing = True

    def _cancel(self, params: Any) -> None:
        if isinstance(params, dict) and self._protocol is not None:
            self._protocol.cancel(cast("dict[str, Any]", params).get("id"))

    async def _watch_parent(self) -> None:
        await parent_gone(self._process_id)
        self.end("the process that started this server is gone")

    # --- folders and settings ---

    def _folders_changed(self, params: Any) -> None:
        roots = with_folder_changes(self.roots, params)
        if roots != self.roots:
            self.roots = roots
            for roots_changed in self.on_roots:
                roots_changed(roots)

    def _settings_changed(self, params: Any) -> None:
        payload = cast("dict[str, Any]", params).get("settings") if isinstance(params, dict) else None
        if payload is not None and self.settings.configure(payload, pushed=True):
            self._tell_settings()
        self.spawn(self._ask_settings)

    async def _ask_settings(self) -> None:
        if not self.client.supports("workspace.configuration"):
            return
        try:
            answer = await self.client.configuration(SECTION)
        except ClientError as error:
            log.warning("the editor gave no settings: %s", error.message)
            return
        if answer is not None and self.settings.configure(answer):
            self._tell_settings()

    def _tell_settings(self) -> None:
        for changed in self.on_settings:
            changed(self.settings.current)


async def _guarded(work: Callable[..., Awaitable[None]], arguments: tuple[Any, ...]) -> None:
    try:
        await work(*arguments)
    except Exception:
        log.exception("a task of the connection failed")


def _ignore(params: Any) -> None:
    del params


def _checked(params: Any) -> dict[str, Any]:
    """The parameters of `initialize`, with what is read of them of the right type. Raises -32602."""
    if not isinstance(params, dict):
        raise invalid_params("params: an object is needed")
    checked = cast("dict[str, Any]", params)
    for name, wanted in (
        ("capabilities", dict), ("clientInfo", dict), ("workspaceFolders", list), ("rootUri", str),
        ("rootPath", str), ("processId", int),
    ):  # fmt: skip
        value = checked.get(name)
        if value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise invalid_params(f"params.{name}: {wanted.__name__} is needed, not {type(value).__name__}")
    return checked


def session_token() -> str:
    """The token a `--tcp` client must send: COPYDESK_TOKEN, else a new one, printed to stderr."""
    token = os.environ.get("COPYDESK_TOKEN", "")
    if not token:
        token = secrets.token_urlsafe(24)
        print(f"copydesk: initializationOptions.token must be {token}", file=sys.stderr, flush=True)
    return token
