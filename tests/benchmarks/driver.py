"""A language client that adds as little as it can: raw pipes, one thread, messages counted by their bytes.

Owns the process of one server under test and the wire to it. Reads and writes in one `select` loop, so that thousands of
pipelined messages cannot block on a full pipe. POSIX only. Start with `Server`.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
CHUNK = 1 << 20
LIMIT_S = 120.0
CAPABILITIES: Json = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create", "rename", "delete"]},
    },
    "textDocument": {
        "synchronization": {"didSave": True},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "publishDiagnostics": {},
        "diagnostic": {"dynamicRegistration": False},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]}}
        },
    },
}
"""`diagnostic`: a server that can be asked for problems is not made to push them after each of 10,000 changes."""


class ServerFailed(Exception):
    """The server answered with an error, ended, or did not answer in time."""


def frame(message: Mapping[str, Any]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Server:
    """One started server. Times are `time.perf_counter` seconds; `started_s` is just before the process starts."""

    def __init__(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], answers: Mapping[str, Any] | None = None
    ):
        self._ids = iter(range(1, 10_000_000))
        self._inbox = bytearray()
        self._outbox = bytearray()
        self._answered: dict[int, Json] = {}
        self._answers: Mapping[str, Callable[[Any], Any]] = answers or {}
        self.cwd = cwd
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the server
        self.started_s = time.perf_counter()
        self.process = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            cwd=cwd, env=dict(env), start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin
        assert self.process.stdout
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self._in, False)

    # --- messages ---

    def send(self, method: str, params: Any) -> int:
        """Queues a request; returns its id, for `wait`."""
        id = next(self._ids)
        self._outbox += frame({"id": id, "method": method, "params": params})
        return id

    def notify(self, method: str, params: Any) -> None:
        self._outbox += frame({"method": method, "params": params})
        self._pump(0)

    def queue(self, data: bytes) -> None:
        """Framed messages made before, so that making them is not measured."""
        self._outbox += data

    def wait(self, id: int, limit_s: float = LIMIT_S) -> Json:
        """The whole response: `result` or `error`."""
        end_s = time.perf_counter() + limit_s
        while id not in self._answered:
            left_s = end_s - time.perf_counter()
            if left_s <= 0:
                raise ServerFailed(f"no answer within {limit_s:g} s")
            self._pump(left_s)
        return self._answered.pop(id)

    def ask(self, method: str, params: Any, limit_s: float = LIMIT_S) -> Json:
        return self.wait(self.send(method, params), limit_s)

    def request(self, method: str, params: Any, limit_s: float = LIMIT_S) -> Any:
        answer = self.ask(method, params, limit_s)
        if "error" in answer:
            raise ServerFailed(f"{method}: {answer['error'].get('message')}")
        return answer.get("result")

    def arrived(self, id: int) -> bool:
        """Whether a response is there already, looking at what has come so far."""
        self._pump(0)
        return id in self._answered

    def rest(self, duration_s: float) -> None:
        """Serves what the server asks for a while, as an idle editor would."""
        end_s = time.perf_counter() + duration_s
        while (left_s := end_s - time.perf_counter()) > 0:
            self._pump(left_s)

    def _pump(self, timeout_s: float) -> None:
        """Writes and reads what is possible, waiting at most `timeout_s` for either."""
        readable, writable, _ = select.select([self._out], [self._in] if self._outbox else [], [], timeout_s)
        if writable:
            with contextlib.suppress(BlockingIOError):
                del self._outbox[: os.write(self._in, self._outbox[:CHUNK])]
        if readable:
            data = os.read(self._out, CHUNK)
            if not data:
                raise ServerFailed(f"the server ended with {self.process.wait(5)}: {self.errors()}")
            self._inbox += data
            self._take()

    def _take(self) -> None:
        while (head := self._inbox.find(b"\r\n\r\n")) >= 0:
            lengths = (
                line.split(b":")[1]
                for line in self._inbox[:head].split(b"\r\n")
                if line[:15].lower() == b"content-length:"
            )
            end = head + 4 + int(next(lengths))
            if len(self._inbox) < end:
                return
            message = json.loads(self._inbox[head + 4 : end])
            del self._inbox[:end]
            self._handle(message)

    def _handle(self, message: Json) -> None:
        method = message.get("method")
        if method is None:
            self._answered[message["id"]] = message
        elif "id" in message:
            answer = self._answers.get(method, _default_answer(method))
            self._outbox += frame({"id": message["id"], "result": answer(message.get("params"))})

    # --- life ---

    def initialize(self, options: Any = None) -> float:
        """Returns the seconds from the start of the process to the answer of `initialize`."""
        root = self.cwd.as_uri()
        self.request(
            "initialize",
            {
                "processId": os.getpid(), "rootUri": root, "capabilities": CAPABILITIES, "initializationOptions": options,
                "workspaceFolders": [{"uri": root, "name": self.cwd.name}],
            },
        )  # fmt: skip
        took_s = time.perf_counter() - self.started_s
        self.notify("initialized", {})
        return took_s

    def open(self, path: Path, text: str) -> str:
        uri = path.as_uri()
        self.notify(
            "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": text}}
        )
        return uri

    def exit_s(self) -> float:
        """Shutdown, then the seconds from `exit` to the end of the process."""
        self.request("shutdown", None)
        begun_s = time.perf_counter()
        self.notify("exit", None)
        return self._ended(begun_s)

    def eof_s(self) -> float:
        """The seconds from the end of its input, with no goodbye, to the end of the process."""
        assert self.process.stdin
        begun_s = time.perf_counter()
        self.process.stdin.close()
        return self._ended(begun_s)

    def _ended(self, begun_s: float) -> float:
        while self._outbox:
            self._pump(1)
        limit = threading.Timer(30, self.process.kill)
        limit.start()
        self.process.wait()  # with a limit of its own, `wait` would look only every 50 ms
        took_s = time.perf_counter() - begun_s
        limit.cancel()
        return took_s

    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-600:].strip()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        for stream in (self.process.stdin, self.process.stdout, self._errors):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _default_answer(method: str) -> Callable[[Any], Any]:
    match method:
        case "workspace/configuration":
            return lambda params: [None for _ in params["items"]]
        case "window/showDocument":
            return lambda params: {"success": True}
        case "workspace/applyEdit":
            return lambda params: {"applied": True}
        case _:
            return lambda params: None


def position(uri: str, line: int, character: int) -> Json:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


def insertion(uri: str, version: int, line: int, character: int, text: str, n_removed: int = 0) -> Json:
    """didChange's params: `text` in the place of `n_removed` columns."""
    start, end = {"line": line, "character": character}, {"line": line, "character": character + n_removed}
    change = {"range": {"start": start, "end": end}, "text": text}
    return {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}
