"""Where bytes come from and go to: the process's own stdin and stdout, and one loopback connection.

A reader gives what has arrived (b"" at the end); a writer may wait for a slow client, and only the connection's writer
task waits for it. stdin and stdout are served by daemon threads, because pipes cannot be awaited on every platform; the
threads hold at most `READ_AHEAD_BYTES` and one batch. Knows nothing of messages.
"""

import asyncio
import ipaddress
import logging
import os
import select
import stat
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio
import anyio.abc

from copydesk.domain.errors import ConfigError

log = logging.getLogger("copydesk.lsp")

READ_BYTES = 64 * 1024
READ_AHEAD_BYTES = 8 * 1024 * 1024
_ATOMIC_WRITE_BYTES = min(getattr(select, "PIPE_BUF", 512), 4096)


class ByteReader(Protocol):
    async def read(self) -> bytes:
        """What has arrived, at least one byte; b"" at the end of input."""
        ...


class ByteWriter(Protocol):
    async def write(self, data: bytes) -> None:
        """Returns when `data` is handed over. Raises OSError when nobody reads any more."""
        ...


class PipeReader:
    """Reads a file descriptor in a thread of its own, with bounded read-ahead. Start it inside the loop."""

    def __init__(self, descriptor: int, read_ahead_bytes: int = READ_AHEAD_BYTES) -> None:
        self._descriptor = descriptor
        self._read_ahead_bytes = read_ahead_bytes
        self._loop = asyncio.get_running_loop()
        self._chunks: list[bytes] = []
        self._n_ahead = 0
        self._room = threading.Condition()
        self._arrived = asyncio.Event()
        self._ended = False
        threading.Thread(target=self._work, name="copydesk-stdin", daemon=True).start()

    async def read(self) -> bytes:
        while not self._chunks:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = b"".join(self._chunks)
        self._chunks.clear()
        with self._room:
            self._n_ahead -= len(data)
            self._room.notify()
        return data

    def _work(self) -> None:
        while True:
            try:
                data = os.read(self._descriptor, READ_BYTES)
            except OSError:
                data = b""
            with self._room:
                self._n_ahead += len(data)
            try:
                self._loop.call_soon_threadsafe(self._feed, data)
            except RuntimeError:  # the loop is closed: nobody wants the rest
                return
            if not data:
                return
            with self._room:
                self._room.wait_for(lambda: self._n_ahead < self._read_ahead_bytes)

    def _feed(self, data: bytes) -> None:
        if data:
            self._chunks.append(data)
        else:
            self._ended = True
        self._arrived.set()


class PipeWriter:
    """Writes a file descriptor. What a pipe surely takes is written at once, the rest by a thread of its own."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._direct = sys.platform != "win32" and stat.S_ISFIFO(os.fstat(descriptor).st_mode)
        self._loop = asyncio.get_running_loop()
        self._work = threading.Condition()
        self._batch: bytes | None = None
        self._done = asyncio.Event()
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None

    async def write(self, data: bytes) -> None:
        if self._takes_now(data):
            os.write(self._descriptor, data)
            return
        self._done.clear()
        self._hand_over(data)
        await self._done.wait()
        if self._error is not None:
            raise self._error

    def _takes_now(self, data: bytes) -> bool:
        """A pipe that polls as writable takes PIPE_BUF bytes without blocking (POSIX)."""
        if not self._direct or len(data) > _ATOMIC_WRITE_BYTES:
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(0))

    def _hand_over(self, data: bytes) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_batches, name="copydesk-stdout", daemon=True)
            self._thread.start()
        with self._work:
            self._batch = data
            self._work.notify()

    def _write_batches(self) -> None:
        while True:
            with self._work:
                self._work.wait_for(lambda: self._batch is not None)
                batch, self._batch = self._batch or b"", None
            try:
                _write_all(self._descriptor, batch)
            except OSError as error:
                self._error = error
            try:
                self._loop.call_soon_threadsafe(self._done.set)
            except RuntimeError:  # the loop is closed
                return


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def take_stdio() -> tuple[int, int]:
    """The descriptors of the real stdin and stdout, taken away from everybody else.

    Afterwards file descriptor 0 is empty and 1 goes to stderr, so that no print and no child process can break the
    protocol or eat its input.
    """
    if sys.platform == "win32":
        import msvcrt

        for descriptor in (0, 1):
            msvcrt.setmode(descriptor, os.O_BINARY)
    own_in, own_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout.flush()
    os.dup2(2, 1)
    return own_in, own_out


# --- one loopback connection -----------------------------------------------------------------------------


class SocketReader:
    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream

    async def read(self) -> bytes:
        try:
            return await self._stream.receive(READ_BYTES)
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            return b""


class SocketWriter:
    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream

    async def write(self, data: bytes) -> None:
        try:
            await self._stream.send(data)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError) as error:
            raise BrokenPipeError("the client closed the connection") from error


def loopback_address(text: str) -> tuple[str, int]:
    """HOST:PORT of `--tcp`. Raises `ConfigError` for everything but a loopback address."""
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--tcp {text!r} is not HOST:PORT.", advice="Try --tcp 127.0.0.1:0.")
    if not _is_loopback(host):
        raise ConfigError(
            f"--tcp {text!r}: {host!r} is not a loopback address, and the connection is not encrypted.",
            advice="Use 127.0.0.1, ::1 or localhost; forward the port with ssh to reach it from elsewhere.",
        )
    return ("127.0.0.1" if host == "localhost" else host), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def serve_tcp(
    host: str,
    port: int,
    serve: Callable[[ByteReader, ByteWriter], Awaitable[int]],
    listening: Callable[[str, int], None],
) -> int:
    """Serves one client and returns its exit code; `listening` hears the real port. Later clients are hung up on."""
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    codes: list[int] = []
    taken = False
    async with listener, anyio.create_task_group() as group:

        async def take(stream: anyio.abc.SocketStream) -> None:
            nonlocal taken
            async with stream:
                if taken:
                    return
                taken = True
                codes.append(await serve(SocketReader(stream), SocketWriter(stream)))
                group.cancel_scope.cancel()

        address = listener.extra(anyio.abc.SocketAttribute.local_address)
        listening(str(address[0]), int(address[1]))
        await listener.serve(take)
    return codes[0] if codes else 1
