"""initialize, shutdown, exit, the end of input, the parent; capabilities, folders, settings."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from copydesk.lsp import server as server_module
from copydesk.lsp.parent import is_alive, parent_gone
from copydesk.lsp.server import Server
from copydesk.lsp.settings import nest
from tests.lsp.core.conftest import URI
from tests.support.fake_editor import PROFILES
from tests.support.lsp_client import RpcFailure, connect

EVERY_EDITOR = sorted(PROFILES)


async def refused(client: Any, method: str, params: Any = None) -> int:
    with pytest.raises(RpcFailure) as failure:
        await client.request(method, params)
    return failure.value.code


async def test_before_initialize_requests_are_refused_and_notifications_dropped(server: Server):
    async with connect(server, initialize=False) as client:
        client.editor.open(URI, "early")
        assert await refused(client, "textDocument/hover", {}) == -32002
        assert await refused(client, "shutdown") == -32002
        assert await refused(client, "no/such") == -32002
        assert server.overlay.get(URI) is None
        await client.initialize()


async def test_a_second_initialize_is_refused(server: Server):
    async with connect(server) as client:
        assert await refused(client, "initialize", {"capabilities": {}}) == -32600


async def test_after_shutdown_requests_are_refused_and_exit_is_zero(server: Server):
    async with connect(server, initialize=False) as client:
        await client.initialize()
        assert await client.request("shutdown") is None
        assert await refused(client, "demo/echo", {}) == -32600
        assert await refused(client, "shutdown") == -32600
        client.notify("exit")
    assert client.exit_code == 0


@pytest.mark.parametrize("initialized", [True, False])
async def test_exit_without_shutdown_is_one(server: Server, initialized: bool):
    async with connect(server, initialize=False) as client:
        if initialized:
            await client.initialize()
        client.notify("exit")
    assert client.exit_code == 1


async def test_the_end_of_input_ends_it(server: Server):
    async with connect(server, initialize=False) as client:
        await client.initialize()
        waiting = client.send_request("demo/wait")
        client.hang_up()
    assert client.exit_code == 1
    assert client._responses[waiting][0]["error"]["code"] == -32800


async def test_shutdown_cancels_what_runs_and_lets_features_write(server: Server):
    written: list[str] = []

    async def write() -> None:
        await anyio.lowlevel.checkpoint()
        written.append("state")

    async def fail() -> None:
        raise RuntimeError("cannot write")

    server.on_shutdown += [fail, write]
    async with connect(server) as client:
        waiting = client.send_request("demo/wait")
        await client.request("shutdown")
        assert written == ["state"]
        assert client._responses[waiting][0]["error"]["code"] == -32800
        client.notify("exit")
        await client.wait_ended()
    assert client.exit_code == 0


async def test_shutdown_and_exit_sent_together_still_answer(server: Server):
    async with connect(server, initialize=False) as client:
        await client.initialize()
        request_id = client.send_request("shutdown")
        client.notify("exit")
        assert await client.response(request_id) is None
    assert client.exit_code == 0


@pytest.mark.parametrize(
    ("params", "field"),
    [
        (None, "params"),
        ([], "params"),
        ({"capabilities": 5}, "capabilities"),
        ({"capabilities": {}, "processId": "x"}, "processId"),
        ({"capabilities": {}, "rootUri": 5}, "rootUri"),
        ({"capabilities": {}, "workspaceFolders": {}}, "workspaceFolders"),
    ],
)
async def test_malformed_initialize_names_the_field_and_may_be_tried_again(server: Server, params: Any, field: str):
    async with connect(server, initialize=False) as client:
        with pytest.raises(RpcFailure, match=field) as failure:
            await client.request("initialize", params)
        assert failure.value.code == -32602
        await client.initialize()


@pytest.mark.parametrize("editor", EVERY_EDITOR)
async def test_capabilities_say_what_works(server: Server, editor: str):
    async def action(params: Any, context: Any) -> list[Any]:
        return []

    for method in ("textDocument/codeAction", "codeAction/resolve", "workspace/executeCommand"):
        server.handlers.request(method, action)
    server.handlers.request("workspace/textDocumentContent", action, raw=True)
    server.commands = ["copydesk.prompt", "copydesk.cancel"]
    async with connect(server, editor=editor) as client:
        result = client.initialize_result
        offered = client.capabilities["general"]["positionEncodings"]
    said = result["capabilities"]
    assert result["serverInfo"] == {"name": "copydesk", "version": "1.2.3"}
    assert said["positionEncoding"] == offered[0]
    assert said["textDocumentSync"] == {"openClose": True, "change": 2, "save": {"includeText": False}}
    assert said["hoverProvider"] is True
    assert said["codeActionProvider"]["resolveProvider"] is True
    assert {"quickfix", "refactor.rewrite.copydesk"} <= set(said["codeActionProvider"]["codeActionKinds"])
    assert said["executeCommandProvider"] == {"commands": server.commands, "workDoneProgress": True}
    assert said["workspace"]["workspaceFolders"] == {"supported": True, "changeNotifications": True}
    content = said["workspace"].get("textDocumentContent")
    assert content == ({"schemes": ["copydesk"]} if editor == "vscode" else None)
    notebooks = {"notebookSelector": [{"notebook": "*"}], "save": True}
    assert said.get("notebookDocumentSync") == (notebooks if editor == "vscode" else None)


async def test_only_what_has_a_handler_is_advertised():
    from copydesk.workspace.overlay import Overlay

    async with connect(Server(Overlay())) as client:
        built_in = {"positionEncoding", "textDocumentSync", "notebookDocumentSync", "workspace"}
        assert set(client.initialize_result["capabilities"]) == built_in


async def test_typed_capabilities_of_every_editor_are_understood(server: Server):
    for editor in EVERY_EDITOR:
        fresh = Server(server.overlay)
        async with connect(fresh, editor=editor):
            assert fresh.client.capabilities.workspace is not None
            assert fresh.client.supports("workspace.applyEdit") is True


async def test_folders_from_initialize_and_changes(server: Server, tmp_path: Path):
    heard: list[tuple[str, ...]] = []
    server.on_roots.append(heard.append)
    other = (tmp_path / "other").as_uri()
    async with connect(server, root=tmp_path) as client:
        event = {"added": [{"uri": other, "name": "o"}], "removed": [{"uri": tmp_path.as_uri(), "name": "t"}]}
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.request("demo/echo", {})
    assert heard == [(tmp_path.as_uri(),), (other,)]


async def test_only_root_uri_or_path(server: Server, tmp_path: Path):
    async with connect(server, root=tmp_path, workspaceFolders=None):
        assert server.roots == (tmp_path.as_uri(),)
    fresh = Server(server.overlay)
    async with connect(fresh, rootPath=str(tmp_path)):
        assert fresh.roots == (tmp_path.as_uri(),)


# --- settings ---


@pytest.mark.parametrize(
    ("given", "nested"),
    [
        ({"model": {"name": "x"}}, {"model": {"name": "x"}}),
        ({"model.name": "x", "model.thinking": "off"}, {"model": {"name": "x", "thinking": "off"}}),
        ({"copydesk": {"model.name": "x"}}, {"model": {"name": "x"}}),
        ({"copydesk.model.name": "x"}, {"model": {"name": "x"}}),
        ({"model": {"name": "x"}, "model.thinking": "low"}, {"model": {"name": "x", "thinking": "low"}}),
        ({"model": {"name": None}, "review": None}, {"model": {}}),
        ({"permissions.allow": ["a.b", {"c.d": 1}]}, {"permissions": {"allow": ["a.b", {"c.d": 1}]}}),
        ({"model": "wrong", "model.name": "x"}, {"model": {"name": "x"}}),
        (None, {}),
        ([1], {}),
        ("text", {}),
    ],
)
def test_settings_come_in_every_shape(given: object, nested: dict[str, Any]):
    assert nest(given) == nested


async def test_settings_from_start_then_configuration_then_change(server: Server):
    heard: list[dict[str, Any]] = []
    told = anyio.Event()

    def hear(settings: dict[str, Any]) -> None:
        nonlocal told
        heard.append(settings)
        told.set()

    server.on_settings.append(hear)
    async with connect(server, initialize=False) as client:
        client.settings = {"review": {"mode": "apply"}}
        await client.initialize(initializationOptions={"model.name": "offline", "token": "t"})
        await _reaches(heard, {"model": {"name": "offline"}, "review": {"mode": "apply"}})
        client.settings = None
        client.notify("workspace/didChangeConfiguration", {"settings": {"copydesk": {"review.mode": "confirm"}}})
        await _reaches(heard, {"model": {"name": "offline"}, "review": {"mode": "confirm"}})
        client.settings = {"review": {"mode": "hunks"}}
        client.notify("workspace/didChangeConfiguration", {"settings": None})
        await _reaches(heard, {"model": {"name": "offline"}, "review": {"mode": "hunks"}})
        await client.shut_down()
    assert heard[0] == {"model": {"name": "offline"}}


async def _reaches(heard: list[Any], wanted: Any) -> None:
    with anyio.fail_after(2):
        while not heard or heard[-1] != wanted:  # noqa: ASYNC110  # a plain list has no event
            await anyio.sleep(0.001)


# --- parent and token ---


async def test_the_server_ends_with_its_parent(server: Server, monkeypatch: pytest.MonkeyPatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])  # noqa: ASYNC220  # it ends at once
    gone.wait()
    assert not is_alive(gone.pid)

    async def quick(process_id: int | None) -> None:
        await parent_gone(process_id, check_every_s=0.01)

    monkeypatch.setattr(server_module, "parent_gone", quick)
    async with connect(server, initialize=False) as client:
        await client.initialize(processId=gone.pid)
        await client.wait_ended()
    assert client.exit_code == 1


async def test_the_token_is_checked():
    from tests.support.demo_server import demo_server

    for options in ({"token": "wrong"}, {}, None, {"token": 5}):
        async with connect(demo_server(token="right"), initialize=False) as client:
            with pytest.raises(RpcFailure, match="token"):
                await client.initialize(initializationOptions=options)
            await client.wait_ended()
        assert client.exit_code == 1
    async with connect(demo_server(token="right"), initializationOptions={"token": "right"}) as client:
        assert await client.request("demo/echo", {}) == {}
