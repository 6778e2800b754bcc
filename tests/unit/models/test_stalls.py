"""Hosts that keep a connection alive and say nothing, by every means there is: a typed error in the end, never a hang."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from copydesk.domain import errors
from copydesk.egress import door as doors
from copydesk.egress.door import Door, Limits
from copydesk.models.catalog import entry
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, Patience, RemoteModel
from copydesk.models.retry import RetryPolicy
from tests.support.several_models import say

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
DROPS: dict[str, tuple[bytes, bytes]] = {
    "headers by drops": (b"HTTP/1.1 200 OK\r\n", b"x-wait: 1\r\n"),
    "white space": (OK, b"\n"),
    "comments": (OK, b": keep-alive\n\n"),
    "empty events": (OK, b'data: {"choices":[{"delta":{}}]}\n\n'),
    "a line without an end": (OK + b"data: ", b"x"),
    "JSON without an end": (OK + b'{"choices": [', b" "),
    "an error without an end": (b"HTTP/1.1 500 Oh\r\n\r\n", b"x"),
}


@asynccontextmanager
async def dripping(head: bytes, drop: bytes) -> AsyncIterator[str]:
    """A host that sends `head` and then `drop` every 10 ms, for ever. Gives its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head)
            while not writer.is_closing():
                writer.write(drop)
                await writer.drain()
                await asyncio.sleep(0.01)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


def model(url: str, door: Door) -> RemoteModel:
    patience = Patience(silence_s=0.3, empty_s=0.3, error_s=0.3, limits=Limits(0.2, 0.2, 0.2, 0.2))
    endpoint = Endpoint(PROVIDERS["openai"], url, "k")
    retry = RetryPolicy(max_tries=1)
    return RemoteModel("openai/m", "m", endpoint, door, entry("openai/m"), retry=retry, patience=patience)


@pytest.mark.parametrize("kind", DROPS)
async def test_drops_that_say_nothing_come_to_an_end(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "SENDING_S", 0.0)
    async with dripping(*DROPS[kind]) as url, Door() as door:
        with anyio.fail_after(3), pytest.raises(errors.TransientModelError) as caught:
            await say(model(url, door))
    assert type(caught.value) is (errors.Overloaded if kind.startswith("an error") else errors.ModelTimeout)
    assert caught.value.advice


@pytest.mark.parametrize("kind", DROPS)
async def test_a_cancel_ends_each_of_them_at_once(kind: str) -> None:
    async with dripping(*DROPS[kind]) as url, Door() as door:
        with anyio.fail_after(1), anyio.move_on_after(0.05) as scope:
            await say(model(url, door))
    assert scope.cancelled_caught
