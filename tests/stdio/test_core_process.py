"""The core as a real process: pipes, abuse, a client that does not read, exit, EOF, TCP."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.lsp_client import RpcFailure, frame, start

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tests.support.core_process"]
ENV = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'server'}", "COPYDESK_TOKEN": ""}


def process(**more: Any):
    return start(COMMAND, env=ENV, **more)


async def test_a_conversation_and_a_clean_exit():
    async with process() as client:
        assert await client.request("demo/echo", {"a": "é😀"}) == {"a": "é😀"}
        with pytest.raises(RpcFailure):
            await client.request("demo/fail")
    assert client.exit_code == 0
    assert b"secret" in client.stderr


async def test_prints_and_stdin_of_handlers_do_not_touch_the_protocol():
    async with process() as client:
        assert await client.request("demo/noise") is None
        assert await client.request("demo/echo", {}) == {}
    assert b"must not reach" in client.stderr
    assert b"stdin says ''" in client.stderr


async def test_answers_larger_than_a_pipe():
    async with process() as client:
        assert await client.request("demo/big", {"n": 3_000_000}) == "x" * 3_000_000


async def test_requests_larger_than_a_pipe():
    async with process() as client:
        assert len((await client.request("demo/echo", {"text": "y" * 9_000_000}))["text"]) == 9_000_000


async def test_exit_without_shutdown_is_one_and_the_end_of_input_too():
    async with process(initialize=False) as client:
        await client.initialize()
        client.notify("exit")
        assert await client.wait() == 1
    async with process(initialize=False) as client:
        await client.initialize()
        client.process.stdin.close()  # type: ignore[union-attr]
        assert await client.wait() == 1


async def test_the_parent_named_in_initialize_is_watched():
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # noqa: ASYNC220  # tiny
    async with process(initialize=False) as client:
        await client.initialize(processId=parent.pid)
        parent.communicate(b"\n")
        assert await client.wait() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX pipes")
async def test_a_client_that_does_not_read_is_still_heard():
    process = subprocess.Popen(COMMAND, env={**os.environ, **ENV}, stdin=-1, stdout=-1, stderr=-1)  # noqa: ASYNC220
    assert process.stdin
    send = process.stdin.write
    send(frame({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}))
    for number in range(30):
        send(frame({"jsonrpc": "2.0", "id": f"n{number}", "method": "demo/big", "params": {"n": 500_000}}))
    send(frame({"jsonrpc": "2.0", "method": "exit"}))
    process.stdin.flush()
    try:
        code = await asyncio.to_thread(process.wait, 10)
    finally:
        process.kill()
        process.communicate()
    assert code == 1


async def test_noise_on_stdin_is_survived():
    async with process() as client:
        for noise in (
            b"\x00" * 5000,
            b"GET / HTTP/1.1\r\n\r\n",
            b"Content-Length: 5\r\n\r\n{{{{{",
            b"Content-Length: x\r\n\r\n",
        ):
            client.send_bytes(noise)
            assert await client.request("demo/echo", {"n": 1}) == {"n": 1}


# --- TCP ---


@contextlib.asynccontextmanager
async def tcp_process(**env: str):
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "127.0.0.1:0", env={**os.environ, **ENV, **env}, stdin=-3, stdout=-3, stderr=-1
    )
    assert process.stderr
    try:
        lines = []
        while not (lines and b"listening on" in lines[-1]):
            lines.append(await asyncio.wait_for(process.stderr.readline(), 20))
        token = next((line.split()[-1].decode() for line in lines if b"token must be" in line), "")
        yield process, int(lines[-1].rpartition(b":")[2]), token
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


def initialize(token: str) -> bytes:
    params = {"capabilities": {}, "initializationOptions": {"token": token}}
    return frame({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})


async def read_message(reader: asyncio.StreamReader) -> Any:
    header = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    return json.loads(await reader.readexactly(int(header.split()[1])))


async def test_tcp_takes_one_client_with_the_token():
    async with tcp_process() as (process, port, token):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(initialize(token))
        assert "capabilities" in (await read_message(reader))["result"]
        second, other = await asyncio.open_connection("127.0.0.1", port)
        assert await asyncio.wait_for(second.read(), 5) == b""
        other.close()
        writer.write(
            frame({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}) + frame({"jsonrpc": "2.0", "method": "exit"})
        )
        assert (await read_message(reader))["result"] is None
        assert await asyncio.wait_for(process.wait(), 5) == 0
        writer.close()


async def test_tcp_closes_on_a_wrong_token_and_on_foreign_headers():
    async with tcp_process(COPYDESK_TOKEN="right") as (process, port, token):
        assert token == ""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(initialize("wrong"))
        assert "token" in (await read_message(reader))["error"]["message"]
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert await asyncio.wait_for(process.wait(), 5) == 1
        writer.close()
    async with tcp_process(COPYDESK_TOKEN="right") as (process, port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n")
        assert (await read_message(reader))["error"]["code"] == -32700
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


def test_tcp_is_loopback_only():
    for address in ("0.0.0.0:0", "192.168.1.1:80", "example.org:1", "127.0.0.1", "::"):
        done = subprocess.run([*COMMAND, address], env={**os.environ, **ENV}, capture_output=True, timeout=20)
        assert done.returncode == 1
        assert b"ConfigError" in done.stderr
