"""JSON-RPC as it should be, whatever comes in."""

import json
import random
from typing import Any

import anyio
import pytest

from copydesk.lsp.server import Server
from tests.lsp.core.conftest import URI
from tests.support.demo_server import demo_server
from tests.support.lsp_client import RpcFailure, connect, frame


async def answer_to(server: Server, *sent: Any) -> list[dict[str, Any]]:
    """What the initialised server says to raw messages, in order."""
    async with connect(server, check=False) as client:
        before = len(client.stray_responses)
        for each in sent:
            client.send_bytes(each if isinstance(each, bytes) else frame(each))
        await client.request("demo/echo", {})
        return client.stray_responses[before:]


def code_of(answer: dict[str, Any]) -> int:
    return answer["error"]["code"]


@pytest.mark.parametrize(
    ("message", "request_id", "code"),
    [
        ([], None, -32600),
        ([{"jsonrpc": "2.0", "id": 7, "method": "demo/echo"}], None, -32600),
        ("text", None, -32600),
        (5, None, -32600),
        (None, None, -32600),
        ({}, None, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "demo/echo"}, None, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "demo/echo"}, None, -32600),
        ({"jsonrpc": "1.0", "id": 70, "method": "demo/echo"}, 70, -32600),
        ({"id": 70, "method": "demo/echo"}, 70, -32600),
        ({"jsonrpc": "2.0", "id": 70, "method": 5}, 70, -32600),
        ({"jsonrpc": "2.0", "id": 70}, 70, -32600),
        ({"jsonrpc": "2.0", "id": 70, "method": "no/such"}, 70, -32601),
        ({"jsonrpc": "2.0", "id": "s", "method": "no/such", "params": {}}, "s", -32601),
        ({"jsonrpc": "2.0", "id": 70, "method": "$/unknown"}, 70, -32601),
        ({"jsonrpc": "2.0", "id": 70, "method": "textDocument/didOpen", "params": {}}, 70, -32600),
        ({"jsonrpc": "2.0", "id": 70, "method": "textDocument/hover"}, 70, -32602),
        ({"jsonrpc": "2.0", "id": 70, "method": "textDocument/hover", "params": [1]}, 70, -32602),
        ({"jsonrpc": "2.0", "id": 70, "method": "demo/fail"}, 70, -32603),
        ({"jsonrpc": "2.0", "id": 70, "method": "demo/bad_result"}, 70, -32603),
        ({"jsonrpc": "2.0", "id": 70, "method": "demo/refuse"}, 70, -32803),
        ({"jsonrpc": "2.0", "id": 70, "method": "initialize", "params": {"capabilities": {}}}, 70, -32600),
        (b"Content-Length: 3\r\n\r\n{,}", None, -32700),
        (b"Content-Length: 2\r\n\r\n\xff\xff", None, -32700),
        (b"Content-Length: 0\r\n\r\n", None, -32700),
        (b"nonsense\r\n\r\n", None, -32700),
    ],
)
async def test_wrong_messages_get_one_proper_error(server: Server, message: Any, request_id: Any, code: int):
    answers = await answer_to(server, message)
    assert [(each["id"], code_of(each)) for each in answers] == [(request_id, code)]


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "method": "$/unknown"},
        {"jsonrpc": "2.0", "method": "no/such", "params": {}},
        {"jsonrpc": "2.0", "method": "textDocument/hover", "params": {}},
        {"jsonrpc": "2.0", "method": "textDocument/didOpen"},
        {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": 5}},
        {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": [1]},
        {"jsonrpc": "2.0", "method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///none"}}},
        {"jsonrpc": "2.0", "method": "workspace/didRenameFiles", "params": {"files": []}},
        {"jsonrpc": "2.0", "method": "workspace/didChangeWatchedFiles", "params": {"changes": []}},
        {"jsonrpc": "2.0", "method": "workspace/didChangeWorkspaceFolders", "params": {"event": 5}},
        {"jsonrpc": "2.0", "method": "workspace/didChangeConfiguration", "params": 5},
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": [1]}},
        {"jsonrpc": "2.0", "method": "$/cancelRequest"},
        {"jsonrpc": "2.0", "id": 12345, "result": {}},
        {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}},
        {"jsonrpc": "2.0", "id": 1, "error": 5},
    ],
)
async def test_what_needs_no_answer_gets_none(server: Server, message: Any):
    assert await answer_to(server, message) == []


async def test_malformed_params_name_the_field(server: Server):
    params = {"textDocument": {"uri": "file:///a"}, "position": {"line": "x", "character": 0}}
    async with connect(server) as client:
        with pytest.raises(RpcFailure, match=r"params\.position\.line") as failure:
            await client.request("textDocument/hover", params)
        assert failure.value.code == -32602
        with pytest.raises(RpcFailure, match="textDocument"):
            await client.request("textDocument/hover", {"position": {"line": 0, "character": 0}})


async def test_an_internal_error_tells_no_paths(server: Server, caplog: pytest.LogCaptureFixture):
    async with connect(server) as client:
        with pytest.raises(RpcFailure) as failure:
            await client.request("demo/fail")
        assert "secret" not in str(failure.value)
        assert failure.value.data is None
        assert await client.request("demo/echo", {"still": "here"}) == {"still": "here"}
    assert "/secret/path" in caplog.text


@pytest.mark.parametrize("request_id", [0, -1, 10**12, "text", "", None])
async def test_ids_come_back_as_they_were(server: Server, request_id: Any):
    sent = {"jsonrpc": "2.0", "id": request_id, "method": "demo/echo", "params": {}}
    assert await answer_to(server, sent) == [{"jsonrpc": "2.0", "id": request_id, "result": {}}]


async def test_an_id_in_use_is_refused_and_the_first_goes_on(server: Server):
    async with connect(server, check=False) as client:
        waiting = client.send_request("demo/wait", request_id="same")
        client.send_request("demo/echo", {}, request_id="same")
        with pytest.raises(RpcFailure) as failure:
            await client.response("same")
        assert failure.value.code == -32600
        client.cancel(waiting)
        await client.request("demo/echo", {})
        codes = [each["error"]["code"] for each in client._responses["same"]]
        assert codes == [-32600, -32800]


async def test_nested_json_is_not_touched(server: Server):
    value = {"jsonrpc": "2.0", "id": 1, "method": "exit", "inner": [{"jsonrpc": "x"}], "é": "😀", "half": "\ud83d"}
    async with connect(server) as client:
        assert await client.request("demo/echo", value) == value


async def test_deep_nesting_is_an_error_and_not_the_end(server: Server):
    depth = 100_000
    body = b'{"jsonrpc":"2.0","id":3,"method":"demo/echo","params":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    answers = await answer_to(server, b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    assert [code_of(each) for each in answers] == [-32700]


async def test_cancelled_requests_answer_once(server: Server):
    async with connect(server) as client:
        waiting = [client.send_request("demo/wait") for _ in range(20)]
        for request_id in waiting:
            client.cancel(request_id)
        for request_id in waiting:
            with pytest.raises(RpcFailure) as failure:
                await client.response(request_id)
            assert failure.value.code == -32800


async def test_cancelling_stops_the_handler(server: Server):
    stopped = anyio.Event()

    async def work(params: Any, context: Any) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            assert context.cancelled
            stopped.set()

    server.handlers.request("demo/work", work)
    async with connect(server, check=False) as client:
        request_id = client.send_request("demo/work")
        await client.request("demo/echo", {})
        client.cancel(request_id)
        with anyio.fail_after(1):
            await stopped.wait()


async def test_a_request_sees_the_text_as_it_was_when_it_arrived(server: Server):
    async with connect(server, editor="vscode") as client:
        client.editor.open(URI, "old\n")
        before = client.send_request("demo/text", {"uri": URI})
        client.editor.type(URI, 0, 3, "new")
        after = client.send_request("demo/text", {"uri": URI})
        assert [await client.response(before), await client.response(after)] == ["old\n", "new\n"]


async def test_noise_never_kills_or_hangs_the_server():
    chance = random.Random(11)
    good = frame({"jsonrpc": "2.0", "id": "x", "method": "demo/echo", "params": {"a": [1, 2]}})
    async with connect(demo_server(), check=False) as client:
        for round_number in range(200):
            data = bytearray(good)
            for _ in range(chance.randrange(1, 8)):
                at = chance.randrange(len(data))
                data[at : at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(4)))
            client.send_bytes(bytes(data))
            client.send_bytes(b"\r\n" * 60 + good * 4)  # enough for any length the noise may have left standing
            if round_number % 20 == 19:
                await settled(client)


async def settled(client: Any) -> None:
    """The server answers, though the noise may have eaten some of the first messages after it."""
    for _ in range(100):
        client.send_bytes(frame({"jsonrpc": "2.0", "method": "x", "params": {"pad": " " * 100}}))
        request_id = client.send_request("demo/echo", {"ping": 1})
        with anyio.move_on_after(0.2):
            assert await client.response(request_id, 5) == {"ping": 1}
            return
    raise AssertionError("no answer after the noise")


def test_json_of_a_message_is_one_line_of_utf8():
    from copydesk.lsp import wire

    data = wire.encode({"a": "é"})
    header, _, body = data.partition(b"\r\n\r\n")
    assert header == b"Content-Length: %d" % len(body)
    assert json.loads(body) == {"a": "é"}
