"""Fetching tables: through the door, checked, whole or not at all, and with words that say what to do."""

import gzip
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from copydesk.domain.errors import CopydeskError
from copydesk.egress.door import Door
from copydesk.models.tokens.fetching import Fetched, fetch
from copydesk.models.tokens.tables import Table

DATA = b"dGhl 0\n" * 40_000
TABLE = Table("o200k_base", "/encodings/o200k_base.tiktoken", hashlib.sha256(DATA).hexdigest(), len(DATA))
OTHER = Table("cl100k_base", "/encodings/cl100k_base.tiktoken", hashlib.sha256(DATA[:7000]).hexdigest(), 7000)
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"

Answer = bytes | Callable[[SocketStream], Awaitable[None]]


class Server:
    """Answers every request with the same bytes, on loopback."""

    def __init__(self) -> None:
        self.answer: Answer = whole(DATA)
        self.asked: list[bytes] = []
        self.url = ""

    async def handle(self, stream: SocketStream) -> None:
        async with stream:
            try:
                self.asked.append(await stream.receive())
                await (stream.send(self.answer) if isinstance(self.answer, bytes) else self.answer(stream))
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                pass


def whole(body: bytes, head: bytes = OK) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        found.url = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        group.start_soon(listener.serve, found.handle)
        yield found
        group.cancel_scope.cancel()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


async def fetched(door: Door, folder: Path, server: Server, *tables: Table) -> list[Fetched]:
    return [one async for one in fetch(door, folder, base_url=server.url, tables=tables or (TABLE,))]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.exists() else []


async def test_a_table_comes_through_the_door_and_is_kept(tmp_path: Path, server: Server, door: Door) -> None:
    folder = tmp_path / "new" / "tokenizers"
    (one,) = await fetched(door, folder, server)
    assert one == Fetched("o200k_base", folder / TABLE.file_name, len(DATA))
    assert one.path.read_bytes() == DATA
    assert names(folder) == [TABLE.file_name]
    assert server.asked[0].startswith(b"GET /encodings/o200k_base.tiktoken ")
    (sent,) = door.ledger.entries
    assert (sent.host, sent.what, sent.n_bytes, sent.status) == ("127.0.0.1", f"GET {TABLE.path}", 0, 200)


async def test_what_is_there_is_not_fetched_again(tmp_path: Path, server: Server, door: Door) -> None:
    await fetched(door, tmp_path, server)
    (again,) = await fetched(door, tmp_path, server)
    assert again.was_there
    assert len(server.asked) == 1


async def test_a_damaged_one_is_replaced(tmp_path: Path, server: Server, door: Door) -> None:
    (tmp_path / TABLE.file_name).write_bytes(b"half of it")
    await fetched(door, tmp_path, server)
    assert (tmp_path / TABLE.file_name).read_bytes() == DATA


async def _breaks_off(stream: SocketStream) -> None:
    await stream.send(OK + b"Content-Length: %d\r\n\r\n" % len(DATA) + DATA[:5000])


async def _endless(stream: SocketStream) -> None:
    await stream.send(OK + b"\r\n")
    while True:
        await stream.send(DATA)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (whole(DATA[:-1] + b"!"), "not its table"),
        (whole(DATA[:100]), "not its table"),
        (whole(DATA + b"more"), "larger than its table"),
        (whole(b"<html>Sign in</html>"), "not its table"),
        (whole(b"no", b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n"), "answered 404"),
        (whole(b"", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nConnection: close\r\n"), "answered 302"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nnot gzip at all",
            "could not be fetched",
        ),
        (_breaks_off, "could not be fetched"),
        (_endless, "larger than its table"),
        (b"", "could not be fetched"),
    ],
)
async def test_what_is_not_the_table_is_not_kept(
    tmp_path: Path, server: Server, door: Door, answer: Answer, says: str
) -> None:
    server.answer = answer
    with pytest.raises(CopydeskError, match=says) as caught, anyio.fail_after(20):
        await fetched(door, tmp_path / "new", server)
    assert caught.value.advice
    assert names(tmp_path / "new") == []


async def test_a_compressed_table_is_a_table(tmp_path: Path, server: Server, door: Door) -> None:
    server.answer = whole(gzip.compress(DATA), OK + b"Content-Encoding: gzip\r\n")
    assert (await fetched(door, tmp_path, server))[0].n_bytes == len(DATA)


async def test_the_offline_switch_keeps_the_door_closed(tmp_path: Path, server: Server) -> None:
    door = Door(offline=True)
    with pytest.raises(CopydeskError, match=r"network\.offline is on.*TIKTOKEN_CACHE_DIR"):
        _ = [one async for one in fetch(door, tmp_path, base_url="https://tables.example", tables=(TABLE,))]
    assert door.ledger.entries == ()


async def test_the_first_is_kept_though_the_second_fails(tmp_path: Path, server: Server, door: Door) -> None:
    with pytest.raises(CopydeskError, match="cl100k_base"):
        await fetched(door, tmp_path, server, TABLE, OTHER)
    assert names(tmp_path) == [TABLE.file_name]


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, server: Server, door: Door) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CopydeskError, match=r"file.*cannot be written.*COPYDESK_DATA_DIR"):
        await fetched(door, tmp_path / "file" / "tokenizers", server)
