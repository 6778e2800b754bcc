"""The features on the real server, through each editor's habits: from a code action to the text on the screen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.ports import FileEdit, WorkspaceChange
from copydesk.lsp.commands import Sources
from copydesk.lsp.features import FeatureParts, Features
from copydesk.lsp.pending import NoReviews
from copydesk.lsp.server import Server
from copydesk.lsp.voice import Voice
from copydesk.workspace.overlay import Overlay
from tests.support import consent
from tests.support.fake_editor import PROFILES
from tests.support.fake_host import FakeHost
from tests.support.feature_rig import Hovered
from tests.support.lsp_client import LspClient, RpcFailure, connect

CODE = "def größe(x):\n    return x  # 😀\n"


class Wired:
    def __init__(self, client: LspClient, host: FakeHost, voice: Voice, uri: str) -> None:
        self.client, self.host, self.voice, self.uri = client, host, voice, uri

    async def execute(self, action: dict[str, Any]) -> Any:
        command = action["command"]
        return await self.client.request(
            "workspace/executeCommand", {"command": command["command"], "arguments": command["arguments"]}
        )

    async def actions(self, line: int, character: int) -> list[dict[str, Any]]:
        place = {"line": line, "character": character}
        params = {
            "textDocument": {"uri": self.uri},
            "range": {"start": place, "end": place},
            "context": {"diagnostics": []},
        }
        return await self.client.request("textDocument/codeAction", params)


@asynccontextmanager
async def wired(tmp_path: Path, editor: str) -> AsyncIterator[Wired]:
    async def explain(*_: object) -> Hovered:
        return Hovered("**größe**")

    async def nothing() -> Any:
        return []

    async def unchecked(name: str) -> None:
        del name

    async def describe() -> dict[str, Any]:
        return {}

    server, host = Server(Overlay()), FakeHost()
    voice = Voice(server.client, tmp_path / "state", str)
    parts = FeatureParts(
        Sources(describe, nothing, nothing, unchecked, nothing, str),
        lambda uri: "",
        lambda *_: "größe",
        explain,
        lambda: 0.5,
        lambda: False,
        NoReviews(),
        server.overlay,
        consent.permissions(tmp_path, voice),
        consent.trust(tmp_path, voice),
        consent.roots,
    )
    features = Features(voice, host, parts, server.spawn)
    features.register(server.handlers, server.commands)
    server.on_initialized.append(features.run)
    root = tmp_path / "w"
    root.mkdir()
    async with connect(server, editor=editor, root=root) as client:
        path = root / "a.py"
        await anyio.Path(path).write_text(CODE, encoding="utf-8")
        client.editor.open(path.as_uri(), CODE)
        yield Wired(client, host, voice, path.as_uri())


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_from_a_code_action_to_the_text(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        action = next(a for a in await w.actions(0, 6) if a["title"] == "Copydesk: Document größe")
        assert await w.client.request("codeAction/resolve", action) == action
        turn = (await w.execute(action))["turn"]
        await w.client.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
        w.host.step(turn, 1, "Editing a.py")
        at = CODE.index("x  # 😀") + len("x  # 😀")
        version = PROFILES[editor].first_version
        change = WorkspaceChange("Copydesk: Document größe", (FileEdit(w.uri, version, CODE, ((at, at, " done"),)),))
        reply = await w.voice.editor.apply(change, confirm=False)
        assert reply.applied, reply
        assert w.client.editor.text(w.uri) == CODE.replace("😀", "😀 done")
        w.host.end(turn, "Documented größe.")
        end = await w.client.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
        assert end["token"] == f"copydesk/{turn}"
        await w.client.wait_for("window/showMessage", lambda params: "Documented" in params["message"])


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_hover_over_the_wire(tmp_path: Path, editor: str) -> None:
    async with wired(tmp_path, editor) as w:
        place = {"textDocument": {"uri": w.uri}, "position": {"line": 0, "character": 5}}
        answer = await w.client.request("textDocument/hover", place)
        assert "größe" in answer["contents"]["value"]


async def test_cancel_request_on_a_waiting_command(tmp_path: Path) -> None:
    async with wired(tmp_path, sorted(PROFILES)[0]) as w:
        argument = {"uri": w.uri, "wait": True}
        request = w.client.send_request(
            "workspace/executeCommand", {"command": "copydesk.explain", "arguments": [argument]}
        )
        await w.client.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
        w.client.cancel(request)
        with pytest.raises(RpcFailure) as caught:
            await w.client.response(request)
        assert caught.value.code == -32800
        assert w.host.cancelled == ["t-1"]
        end = await w.client.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
        assert end["value"]["message"] == "cancelled"


async def test_what_is_advertised(tmp_path: Path) -> None:
    async with wired(tmp_path, next(name for name in PROFILES if name.startswith("vscode"))) as w:
        status = await w.client.command("copydesk.status")
        assert "copydesk.explain" in status["capabilities"]
        with pytest.raises(RpcFailure, match="takes one object") as caught:
            await w.client.command("copydesk.explain", "junk")
        assert caught.value.code == -32602
        with pytest.raises(RpcFailure) as unknown:
            await w.client.command("copydesk.nothing")
        assert unknown.value.code == -32602
