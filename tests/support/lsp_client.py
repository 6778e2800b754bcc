"""LSP clients for tests: one in memory that drives a real `Server`, one that starts a process. No sockets, no mocks.

In memory (the default tier; initialize ~20 ms, a round trip ~0.3 ms)::

    async with connect(server, editor="nvim-0.12", root=tmp_path) as client:
        client.editor.open(uri, "x = 1\\n")                   # a buffer, and didOpen
        result = await client.request("workspace/executeCommand", {...})
        note = await client.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
        assert client.editor.text(uri) == ...                 # what the person sees

`editor` names a `fake_editor.PROFILES` entry: its captured capabilities are sent, and its habits with versions,
debouncing and stale edits are played. The client answers `workspace/applyEdit` (through the fake editor, whose
didOpen/didChange follow the reply), `workspace/configuration` (`client.settings`), `window/workDoneProgress/create`,
`window/showDocument` (kept in `client.shown`), `window/showMessageRequest` (`client.choose`, the title to pick) and
`client/registerCapability`. `client.answers[method] = function(params) -> result` replaces an answer; raise
`RpcFailure` in it to answer an error; `client.hold` as the answer leaves the request open until `release`.

Kept while it runs: `client.notifications` (method, params) in order, `client.progress` (token → values),
`client.messages` (showMessage texts), `client.exit_code` after the end. Leaving the context sends shutdown and exit and
asserts that every request got exactly one response. A request waits `timeout_s` (5) and raises `RpcFailure` (`code`,
`message`) for an error response. Neovim sends what was typed before each request, and so does this client.

A process (`StdioClient`) has the same methods::

    async with start([sys.executable, "-m", "copydesk", "serve"], editor="vscode", root=tmp_path) as client: ...

`initialize=False` leaves the handshake to the test; `send_bytes` writes anything.
"""

import asyncio
import json
import os
import re
import sys
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from tests.support.fake_editor import PROFILES, EditRefused, FakeEditor, Json

if TYPE_CHECKING:
    from copydesk.lsp.server import Server

CAPABILITIES = Path(__file__).with_name("capabilities")
LIMIT_S = 5.0


class _Unanswered(Exception):
    """The request stays open."""


class RpcFailure(Exception):
    """An error response, in either direction."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data


def captured_capabilities(editor: str) -> Json:
    """The real `capabilities` that the editor of this profile sends."""
    text = (CAPABILITIES / f"{PROFILES[editor].capabilities}.json").read_text(encoding="utf-8")
    return json.loads(text)["capabilities"]


def frame(message: Any) -> bytes:
    body = json.dumps(message).encode("utf-8")
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


class Pipe:
    """Bytes from one side to the other: a reader and a writer as the server's transport wants them.

    `stalled` makes writes wait, like a client that stopped reading.
    """

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._changed = anyio.Event()
        self._resumed = anyio.Event()
        self._closed = False
        self.stalled = False

    async def read(self) -> bytes:
        while not self._chunks:
            if self._closed:
                return b""
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._chunks.popleft()

    async def write(self, data: bytes) -> None:
        while self.stalled:
            self._resumed = anyio.Event()
            await self._resumed.wait()
        if self._closed:
            raise BrokenPipeError("closed")
        self.put(data)

    def resume(self) -> None:
        self.stalled = False
        self._resumed.set()

    def put(self, data: bytes) -> None:
        self._chunks.append(data)
        self._changed.set()

    def close(self) -> None:
        self._closed = True
        self._changed.set()


class LspClient:
    """One client, over any way to send bytes. Use `connect` or `start`."""

    def __init__(self, send_bytes: Callable[[bytes], None], editor: str, root: Path | None) -> None:
        self.send_bytes = send_bytes
        self.profile = editor
        self.root = root
        self.editor = FakeEditor(PROFILES[editor], self.notify)
        self.capabilities: Json = captured_capabilities(editor)
        self.settings: Any = None
        self.choose: str | None = None
        self.initialize_result: Json = {}
        self.notifications: list[tuple[str, Any]] = []
        self.requests: list[tuple[str, Any]] = []
        self.progress: dict[Any, list[Json]] = defaultdict(list)
        self.messages: list[str] = []
        self.shown: list[Json] = []
        self.stray_responses: list[Json] = []
        self.exit_code: int | None = None
        self.answers: dict[str, Callable[[Any], Any]] = {}
        self._responses: dict[Any, list[Json]] = {}
        self._arrived = anyio.Event()
        self._held: list[Json] = []
        self._last_id = 0
        self._buffer = b""
        self.closed = False

    # --- talking ---

    def notify(self, method: str, params: Any = None) -> None:
        self.send_bytes(frame({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}))

    def send_request(self, method: str, params: Any = None, request_id: Any = None) -> Any:
        """Sends without waiting; returns the id for `response`."""
        self.editor.flush()
        if request_id is None:
            self._last_id += 1
            request_id = self._last_id
        self._responses.setdefault(request_id, [])
        message = {"jsonrpc": "2.0", "id": request_id, "method": method}
        self.send_bytes(frame(message if params is None else {**message, "params": params}))
        return request_id

    async def response(self, request_id: Any, timeout_s: float = LIMIT_S) -> Any:
        """The result of a request sent before. Raises `RpcFailure`."""
        await self._until(lambda: bool(self._responses[request_id]), f"the response to {request_id!r}", timeout_s)
        answer = self._responses[request_id][0]
        if "error" in answer:
            error = answer["error"]
            raise RpcFailure(error["code"], error["message"], error.get("data"))
        return answer["result"]

    async def request(self, method: str, params: Any = None, timeout_s: float = LIMIT_S) -> Any:
        return await self.response(self.send_request(method, params), timeout_s)

    def cancel(self, request_id: Any) -> None:
        self.notify("$/cancelRequest", {"id": request_id})

    async def command(self, name: str, argument: Any = None, timeout_s: float = LIMIT_S) -> Any:
        arguments = [] if argument is None else [argument]
        return await self.request("workspace/executeCommand", {"command": name, "arguments": arguments}, timeout_s)

    async def wait_for(
        self, method: str, matches: Callable[[Any], bool] = lambda params: True, timeout_s: float = LIMIT_S
    ) -> Any:
        """The params of the first notification or server request (past or coming) that matches."""

        def found() -> list[Any]:
            return [each for name, each in self.notifications + self.requests if name == method and matches(each)]

        await self._until(lambda: bool(found()), f"{method} ({len(self.notifications)} notifications came)", timeout_s)
        return found()[0]

    async def _until(self, done: Callable[[], bool], what: str, timeout_s: float) -> None:
        with anyio.move_on_after(timeout_s):
            while not done():
                if self.closed:
                    raise AssertionError(f"the connection ended before {what}")
                if self._arrived.is_set():  # else others wait for it too
                    self._arrived = anyio.Event()
                await self._arrived.wait()
            return
        raise AssertionError(f"no {what} within {timeout_s} s")

    async def initialize(self, **more: Any) -> Json:
        """The handshake: initialize with the captured capabilities, then initialized."""
        folders = [{"uri": self.root.as_uri(), "name": self.root.name}] if self.root else None
        params = {"processId": os.getpid(), "rootUri": self.root.as_uri() if self.root else None,
                  "workspaceFolders": folders, "capabilities": self.capabilities,
                  "clientInfo": {"name": self.profile}}  # fmt: skip
        self.initialize_result = await self.request("initialize", {**params, **more}, 20)
        self.editor.encoding = self.initialize_result["capabilities"].get("positionEncoding", "utf-16")
        self.notify("initialized", {})
        return self.initialize_result

    def forget(self) -> None:
        """Lets go of what came so far: a long test looks at one round at a time."""
        for kept in (self.notifications, self.requests, self.messages):
            kept.clear()
        self.progress.clear()

    # --- listening ---

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while match := re.match(rb"Content-Length: (\d+)\r\n\r\n", self._buffer):
            end = match.end() + int(match[1])
            if len(self._buffer) < end:
                return
            body, self._buffer = self._buffer[match.end() : end], self._buffer[end:]
            self._receive(json.loads(body))
            self._arrived.set()

    def ended(self) -> None:
        self.closed = True
        self._arrived.set()

    def _receive(self, message: Json) -> None:
        assert message["jsonrpc"] == "2.0"
        if "method" not in message:
            self._receive_response(message)
        elif "id" in message:
            self.requests.append((message["method"], message.get("params")))
            self._answer(message)
        else:
            self._receive_notification(message["method"], message.get("params"))

    def _receive_response(self, message: Json) -> None:
        assert ("result" in message) != ("error" in message), message
        if message["id"] in self._responses:
            self._responses[message["id"]].append(message)
        else:
            self.stray_responses.append(message)

    def _receive_notification(self, method: str, params: Any) -> None:
        self.notifications.append((method, params))
        if method == "$/progress":
            self.progress[params["token"]].append(params["value"])
        elif method == "window/showMessage":
            self.messages.append(params["message"])

    def _answer(self, message: Json) -> None:
        method, params = message["method"], message.get("params")
        reply: Json = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            handler = self.answers.get(method) or getattr(self, f"_answer_{method.rpartition('/')[2]}", None)
            if handler is None:
                raise RpcFailure(-32601, f"no method {method}")
            reply["result"] = handler(params)
        except RpcFailure as failure:
            reply["error"] = {"code": failure.code, "message": failure.message}
            if failure.data is not None:
                reply["error"]["data"] = failure.data
        except _Unanswered:
            self._held.append(message)
            return
        self.send_bytes(frame(reply))
        if method == "workspace/applyEdit":
            self.editor.after_apply()

    def hold(self, params: Any) -> Any:
        """As an answer: the person is still thinking, or the editor never answers."""
        raise _Unanswered

    async def release(self, method: str, result: Any) -> None:
        """Answers the oldest held request of this method."""
        await self._until(lambda: any(each["method"] == method for each in self._held), f"held {method}", LIMIT_S)
        message = next(each for each in self._held if each["method"] == method)
        self._held.remove(message)
        self.send_bytes(frame({"jsonrpc": "2.0", "id": message["id"], "result": result}))

    def _answer_applyEdit(self, params: Json) -> Json:
        try:
            return {"applied": self.editor.apply(params)}
        except EditRefused as refused:
            if refused.as_error:
                raise RpcFailure(-32603, refused.reason) from None
            return {"applied": False, **({"failureReason": refused.reason} if refused.reason else {})}

    def _answer_configuration(self, params: Json) -> list[Any]:
        return [self.settings for _ in params["items"]]

    def _answer_create(self, params: Json) -> None:
        del params

    def _answer_registerCapability(self, params: Json) -> None:
        del params

    def _answer_showDocument(self, params: Json) -> Json:
        self.shown.append(params)
        return {"success": True}

    def _answer_showMessageRequest(self, params: Json) -> Json | None:
        self.messages.append(params["message"])
        return next((each for each in params.get("actions") or [] if each["title"] == self.choose), None)

    # --- the end ---

    async def shut_down(self) -> None:
        if not self.closed:
            await self.request("shutdown")
            self.notify("exit")

    async def wait_ended(self, timeout_s: float = LIMIT_S) -> None:
        """Until the server has closed the connection."""
        with anyio.fail_after(timeout_s):
            while not self.closed:
                if self._arrived.is_set():  # else others wait for it too
                    self._arrived = anyio.Event()
                await self._arrived.wait()

    def check(self) -> None:
        """Every request got exactly one response. (Requests of a connection that was cut may have none.)"""
        counts = {request_id: len(answers) for request_id, answers in self._responses.items()}
        wrong = {request_id: count for request_id, count in counts.items() if count != 1}
        assert not wrong, f"responses per request id: {wrong}"


@asynccontextmanager
async def connect(
    server: "Server", *, editor: str = "vscode", root: Path | None = None, initialize: bool = True, check: bool = True,
    **more: Any,
) -> AsyncIterator[LspClient]:  # fmt: skip
    """An in-memory client of `server`. `more` goes into the initialize params. `check=False`: no checks at the end."""
    to_server, to_client = Pipe(), Pipe()
    client = LspClient(to_server.put, editor, root)
    client.pipe = to_client  # type: ignore[attr-defined]
    client.hang_up = to_server.close  # type: ignore[attr-defined]

    async def serve() -> None:
        client.exit_code = await server.serve(to_server, to_client)
        to_client.close()

    async def listen() -> None:
        while data := await to_client.read():
            client.feed(data)
        client.ended()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve)
        tasks.start_soon(listen)
        if initialize:
            await client.initialize(**more)
        yield client
        if initialize:
            await client.shut_down()
        to_server.close()
        await client.wait_ended()
        if check:
            client.check()


class StdioClient(LspClient):
    """A client of a process. `process` is its asyncio process, `stderr` what it logged."""

    process: asyncio.subprocess.Process
    stderr: bytes = b""

    async def wait(self, timeout_s: float = LIMIT_S) -> int:
        """The exit code."""
        with anyio.fail_after(timeout_s):
            self.exit_code = await self.process.wait()
        return self.exit_code


@asynccontextmanager
async def start(
    command: Sequence[str], *, editor: str = "vscode", root: Path | None = None, initialize: bool = True,
    env: dict[str, str] | None = None, **more: Any,
) -> AsyncIterator[StdioClient]:  # fmt: skip
    """Starts `command` and speaks LSP with it over stdio. On leaving: shutdown, exit, and the process must end."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=-1, stdout=-1, stderr=-1, env={**os.environ, **(env or {})}, cwd=root
    )
    assert process.stdin
    client = StdioClient(process.stdin.write, editor, root)
    client.process = process

    async def listen() -> None:
        assert process.stdout
        while data := await process.stdout.read(65536):
            client.feed(data)
        client.ended()

    async def log() -> None:
        assert process.stderr
        while data := await process.stderr.read(65536):
            client.stderr += data

    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        stack.callback(_kill, process)
        tasks.start_soon(listen)
        tasks.start_soon(log)
        try:
            if initialize:
                await client.initialize(**more)
            yield client
            if initialize and process.returncode is None:
                await client.shut_down()
            process.stdin.close()
            await client.wait()
        except BaseException:
            sys.stderr.write(client.stderr.decode("utf-8", "replace"))
            _kill(process)
            raise


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
