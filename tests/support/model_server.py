"""A model server on loopback: plays a script over real HTTP/1.1 with real SSE, on every wire, and injects faults.

No dependency beyond asyncio streams. In a test: `async with ModelServer(Script.parse(…)) as server`, then
`server.url`, `server.requests`, `server.n_connections` and `server.faults`. From a shell, for benchmarks:
`python -m tests.support.model_server --script FILE --port 0` prints the port and serves until it is stopped.
"""

import argparse
import asyncio
import gzip
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from copydesk.models.script import Fail, Script, Step, Wait, load
from tests.support import gemini_events, wire_events

STATUS = {"rate_limited": 429, "overloaded": 503, "timeout": 504, "auth": 401, "overflow": 400}
Wire: TypeAlias = Callable[[Step, int], Iterator[bytes | Wait | Fail]]
"""A script's step and its number → the events of its answer."""
WIRES: Mapping[str, Wire] = {
    "/messages": wire_events.anthropic,
    "/responses": wire_events.responses,
    ":streamGenerateContent": gemini_events.gemini,
}
"""How a path ends → its wire; any other path is Chat Completions."""
PLAYED = ("/chat/completions", "/messages", "/responses", ":streamGenerateContent?alt=sse")
"""How the paths end that play the script."""
TIMES = "/times"
"""Answers what was asked since it was asked last, with times; it is no request itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request; `after` counts the events that are still sent before it.

    close: the connection ends before an answer. reset: it is cut mid-stream. end: the body ends early, cleanly.
    stall: nothing more comes. no_done: the end marker is left out. no_close: the end marker comes, the body's end
    does not. error_event: an error inside the 200. comments: keep-alive comments between events. bytes: one byte a
    chunk. body: this body instead of a stream. On the Responses wire nothing follows the end, so no_done leaves out
    nothing there.
    """

    kind: Literal[
        "status", "close", "reset", "end", "stall", "no_done", "no_close", "error_event", "comments", "bytes", "body"
    ]
    after: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    payload: object = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int
    at_s: float = 0.0
    """When its last byte was read, by `time.perf_counter` (one clock for the processes of a machine)."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ModelServer:
    """Each POST plays the script's next step, unless its fault keeps it from being played at all."""

    def __init__(
        self,
        script: Script,
        *,
        port: int = 0,
        models: tuple[str, ...] = ("scripted",),
        wires: Mapping[str, Wire] | None = None,
        missing: tuple[str, ...] = (),
        answers: Mapping[str, Any] | None = None,
    ) -> None:
        """`missing`: how the paths end that this server does not have. `answers` maps other paths to their JSON, or to a
        function of what was posted that gives it (None: 404)."""
        self.missing = missing
        self._answers = answers
        self._script = script
        self._models = models
        self._wires = {**WIRES, **(wires or {})}
        self.port = port
        self.requests: list[Seen] = []
        self.faults: list[Fault | None] = []
        self.n_connections = 0
        self.n_played = 0
        self.answered_s: list[float] = []
        """When the last byte of each played or refused request's answer was handed over, in order."""
        self.disconnected = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "ModelServer":
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, limit=64 * 1024 * 1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        for handler in list(self._handlers):
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def serve_forever(self) -> None:
        await self._server.serve_forever()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.n_connections += 1
        number = self.n_connections
        self._writers.add(writer)
        if (handler := asyncio.current_task()) is not None:
            self._handlers.add(handler)
            handler.add_done_callback(self._handlers.discard)
        try:
            while (seen := await _read_request(reader, number)) is not None:
                if seen.path == TIMES:
                    await self._tell_times(writer)
                    continue
                self.requests.append(seen)
                going_on = await self._answer(seen, reader, writer)
                self.answered_s.append(time.perf_counter())
                if not going_on:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server is closing
        finally:
            self._writers.discard(writer)
            self.disconnected.set()
            writer.close()

    async def _answer(self, seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Sends one answer; False when the connection is to end."""
        if seen.method == "HEAD":  # some clients look first whether anybody is there
            await _send_whole(writer, 200, b"", {})
            return True
        if self._answers is not None and not seen.path.endswith(PLAYED):
            return await self._tell(seen, self._answers.get(seen.path), writer)
        if seen.method == "GET":
            return await self._list(seen, writer)
        if self.missing and seen.path.endswith(self.missing):
            await _send_whole(writer, 404, b"404 page not found", {"content-type": "text/plain"})
            return True
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault.kind == "close":
            writer.transport.abort()
            return False
        if fault is not None and fault.kind in ("status", "body"):
            await _send_whole(writer, fault.status, fault.body, {"content-type": "application/json"} | fault.headers)
            return True
        refused = self._unexpected(seen)
        if refused is not None:
            await _send_whole(writer, 400, refused, {"content-type": "application/json"})
            return True
        return await _Stream(reader, writer, fault).play(self._events(seen))

    def _events(self, seen: Seen) -> Iterator[bytes | Wait | Fail]:
        step = self._script.step(self.n_played)
        self.n_played += 1
        wire = next(
            (self._wires[end] for end in self._wires if seen.path.partition("?")[0].endswith(end)), wire_events.openai
        )
        return wire(step, self.n_played)

    def _unexpected(self, seen: Seen) -> bytes | None:
        expect = self._script.step(self.n_played).expect
        said = _last_said(seen.json) if expect else ""
        if re.search(expect, said, re.MULTILINE | re.DOTALL):
            return None
        return json.dumps({"error": {"message": f"expected {expect!r}, saw {said[:2000]!r}"}}).encode()

    async def _tell_times(self, writer: asyncio.StreamWriter) -> None:
        """For benchmarks, which run this server as a process: what came since it was asked last, and when."""
        rows = [
            {
                "method": seen.method,
                "path": seen.path,
                "connection": seen.connection,
                "at_s": seen.at_s,
                "done_s": done_s,
                "body": seen.body.decode(),
            }
            for seen, done_s in zip(self.requests, self.answered_s, strict=False)
        ]
        self.requests.clear()
        self.answered_s.clear()
        await _send_whole(writer, 200, json.dumps(rows).encode(), {"content-type": "application/json"})

    async def _tell(self, seen: Seen, answer: Any, writer: asyncio.StreamWriter) -> bool:
        """What a server says of itself, where a test gave it words of its own."""
        body = answer(seen.json if seen.body else None) if callable(answer) else answer
        status, said = (404, {"error": "not found"}) if body is None else (200, body)
        await _send_whole(writer, status, json.dumps(said).encode(), {"content-type": "application/json"})
        return True

    async def _list(self, seen: Seen, writer: asyncio.StreamWriter) -> bool:
        if "/v1beta/" in seen.path:
            answer: object = {"models": [{"name": f"models/{name}"} for name in self._models]}
        elif seen.path == "/api/tags":
            answer = {"models": [{"name": name} for name in self._models]}
        else:
            answer = {"object": "list", "data": [{"id": name} for name in self._models]}
        await _send_whole(writer, 200, json.dumps(answer).encode(), {"content-type": "application/json"})
        return True


class _Stream:
    """One streamed answer, with its fault."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Fault | None) -> None:
        self._reader = reader
        self._writer = writer
        self._fault = fault
        self._kind = fault.kind if fault else None
        self._begun = False

    async def play(self, events: Iterator[bytes | Wait | Fail]) -> bool:
        for n_sent, event in enumerate(events):
            if self._fault is not None and n_sent == self._fault.after and self._kind in _BREAKS:
                return await self._break()
            match event:
                case Wait(delay_s):
                    await self._writer.drain()
                    await asyncio.sleep(delay_s)
                case Fail():
                    return await self._fail(event)
                case _ if self._kind == "no_done" and (event == wire_events.DONE or b"message_stop" in event):
                    break
                case _:
                    await self._send(event)
        if self._kind == "no_close":
            await self._reader.read()
            return False
        return await self._finish()

    async def _send(self, event: bytes) -> None:
        self._begin()
        if self._kind == "comments":
            event = b": OPENROUTER PROCESSING\n\n" + event
        for piece in [event[i : i + 1] for i in range(len(event))] if self._kind == "bytes" else [event]:
            self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if self._kind == "bytes":
                await self._writer.drain()
        await self._writer.drain()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )

    async def _finish(self) -> bool:
        self._begin()
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()
        return True

    async def _break(self) -> bool:
        assert self._fault is not None
        match self._kind:
            case "reset":
                self._begin()
                await self._writer.drain()
                await asyncio.sleep(0)
                self._writer.transport.abort()
                return False
            case "stall":
                self._begin()
                await self._writer.drain()
                await self._reader.read()  # until the client goes away
                return False
            case "error_event":
                await self._send(wire_events.sse(self._fault.payload, "error"))
                return await self._finish()
            case _:
                return await self._finish()

    async def _fail(self, failure: Fail) -> bool:
        if failure.kind == "connection":
            self._writer.transport.abort()
            return False
        status = STATUS[failure.kind]
        words = "context_length_exceeded" if failure.kind == "overflow" else failure.kind
        error = {"error": {"message": failure.message, "type": words, "code": status}}
        if self._begun:
            await self._send(wire_events.sse(error, "error"))
            return await self._finish()
        await _send_whole(self._writer, status, json.dumps(error).encode(), {"content-type": "application/json"})
        return True


_BREAKS = ("reset", "stall", "end", "error_event")


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Seen | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path, headers, body, connection, time.perf_counter())


async def _send_whole(writer: asyncio.StreamWriter, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    if headers.get("content-encoding") == "gzip":
        body = gzip.compress(body)
    lines = [f"HTTP/1.1 {status} Scripted", f"content-length: {len(body)}", *(f"{k}: {v}" for k, v in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    await writer.drain()


def _last_said(body: Any) -> str:
    """The text of the last user or tool message, of any wire."""
    if "contents" in body:
        return gemini_events.last_said(body)
    for message in reversed(body.get("messages") or body.get("input") or []):
        if message.get("role") != "assistant" and message.get("type") not in ("function_call", "reasoning"):
            content = message.get("content") or message.get("output") or ""
            blocks = [{"text": content}] if isinstance(content, str) else content
            return "\n".join(str(block.get("text") or block.get("content") or "") for block in blocks)
    return ""


async def _main(arguments: argparse.Namespace) -> None:
    async with ModelServer(load(arguments.script), port=arguments.port) as server:
        print(server.port, flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", required=True)
    parser.add_argument("--port", type=int, default=0)
    try:
        asyncio.run(_main(parser.parse_args()))
    except KeyboardInterrupt:
        pass
