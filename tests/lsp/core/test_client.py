"""Talking back: requests to the editor, their limits, and a queue that never blocks."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from lsprotocol import types

from copydesk.domain.ports import ApplyReply, FileEdit, WorkspaceChange
from copydesk.lsp.client import ClientError
from copydesk.lsp.convert import to_lsp_workspace_edit
from copydesk.lsp.outbox import Outbox, OutboxOverflow
from copydesk.lsp.server import Server
from tests.support.fake_editor import PROFILES
from tests.support.lsp_client import RpcFailure, connect


async def test_requests_errors_and_late_answers(server: Server):
    async with connect(server) as client:
        client.answers["demo/ask"] = lambda params: {"got": params}
        assert await server.client.request("demo/ask", {"a": 1}, timeout_s=1) == {"got": {"a": 1}}
        with pytest.raises(ClientError) as failure:
            await server.client.request("demo/unknown", timeout_s=1)
        assert failure.value.code == -32601
        client._answer = lambda message: None  # type: ignore[method-assign]  # an editor that says nothing
        with pytest.raises(ClientError, match="did not answer 'demo/ask' within") as late:
            await server.client.request("demo/ask", timeout_s=0.02)
        assert late.value.code is None
        cancelled = await client.wait_for("$/cancelRequest")
        client.send_bytes(_frame({"jsonrpc": "2.0", "id": cancelled["id"], "result": 1}))
        assert await client.request("demo/echo", {}) == {}


def _frame(message: Any) -> bytes:
    from tests.support.lsp_client import frame

    return frame(message)


async def test_our_cancellation_reaches_the_client(server: Server):
    async with connect(server) as client:
        await client.wait_for("workspace/configuration")
        client._answer = lambda message: None  # type: ignore[method-assign]
        with anyio.move_on_after(0.02):
            await server.client.request("demo/ask", timeout_s=None)
        assert await client.wait_for("$/cancelRequest") == {"id": server.client._last_id}


async def test_a_client_that_goes_away_ends_waiting_requests(server: Server):
    ended = anyio.Event()

    async def ask(params: Any, context: Any) -> None:
        with pytest.raises(ClientError, match="went away"):
            await server.client.request("demo/ask", timeout_s=None)
        with pytest.raises(ClientError, match="gone"):
            await server.client.request("demo/ask", timeout_s=None)
        ended.set()

    async def spawned() -> None:
        await ask(None, None)

    server.on_initialized.append(spawned)
    async with connect(server, initialize=False) as client:
        client._answer = lambda message: None  # type: ignore[method-assign]
        await client.initialize()
        await client.request("demo/echo", {})
        client.hang_up()
    assert ended.is_set()


async def test_a_failing_task_of_the_connection_ends_nothing(server: Server, caplog: pytest.LogCaptureFixture):
    async def fail() -> None:
        raise RuntimeError("on purpose")

    server.on_initialized.append(fail)
    async with connect(server) as client:
        assert await client.request("demo/echo", {}) == {}
    assert "on purpose" in caplog.text


@pytest.mark.parametrize("editor", sorted(PROFILES))
async def test_a_versioned_edit_with_a_new_file_lands_in_every_editor(server: Server, editor: str, tmp_path: Path):
    edited, created, closed = tmp_path / "é a.py", tmp_path / "new.py", tmp_path / "closed.py"
    edited.write_bytes("x = '😀'\r\nend\r\n".encode())
    closed.write_bytes(b"old\n")
    async with connect(server, editor=editor, root=tmp_path) as client:
        client.editor.open(edited.as_uri())
        await client.request("demo/echo", {})
        opened = server.overlay.get(edited.as_uri())
        assert opened is not None
        change = WorkspaceChange(
            "Copydesk: edit",
            edits=(
                FileEdit(opened.uri, opened.version, opened.document.text, ((5, 6, "😀é"), (9, 12, "fin"))),
                FileEdit(closed.as_uri(), None, "old\n", ((0, 3, "new"),)),
            ),
            creates=((created.as_uri(), "made\n"),),
        )
        edit = to_lsp_workspace_edit(change, server.client.capabilities, server.client.encoding)
        assert await server.client.apply_edit("Copydesk: edit", edit) == ApplyReply(True)
        assert client.editor.text(edited.as_uri()) == "x = '😀é'\r\nfin\r\n"
        assert client.editor.text(created.as_uri()) == "made\n"
        assert client.editor.text(closed.as_uri()) == "new\n"
        assert edited.read_bytes() == "x = '😀'\r\nend\r\n".encode()
        await client.request("demo/echo", {})
        assert server.overlay.get(edited.as_uri()).document.text == client.editor.text(edited.as_uri())  # type: ignore[union-attr]
        assert (server.overlay.get(created.as_uri()) is not None) == PROFILES[editor].opens_edited


@pytest.mark.parametrize(
    ("editor", "reply"),
    [
        ("vscode", ApplyReply(False, "")),
        ("nvim-0.12", ApplyReply(True)),
        ("helix", ApplyReply(False, "the document has another version")),
        ("emacs", ApplyReply(False, "the document has another version")),
    ],
)
async def test_a_stale_edit_is_answered_as_the_real_editor_does(server: Server, editor: str, reply: ApplyReply):
    uri = "file:///work/b.py"
    async with connect(server, editor=editor) as client:
        client.editor.open(uri, "abc")
        client.editor.type(uri, 3, 3, "d")
        stale = client.editor.buffers[uri].version
        client.editor.type(uri, 4, 4, "e")
        change = WorkspaceChange("x", edits=(FileEdit(uri, stale, "abcd", ((0, 1, "X"),)),))
        edit = to_lsp_workspace_edit(change, server.client.capabilities, server.client.encoding)
        assert await server.client.apply_edit("x", edit) == reply
        assert client.editor.text(uri) == "abcde"


async def test_an_editor_without_apply_edit_is_not_asked(server: Server):
    async with connect(server, capabilities={}) as client:
        reply = await server.client.apply_edit("x", types.WorkspaceEdit(changes={}))
        assert (reply.applied, bool(reply.reason)) == (False, True)
        assert client.requests == []
        assert await server.client.create_progress("t") is False
        assert await server.client.show_document("copydesk:/x") is False


async def test_small_requests_to_the_editor(server: Server):
    async with connect(server) as client:
        client.settings = {"a": 1}
        assert await server.client.configuration("copydesk") == {"a": 1}
        assert await server.client.create_progress("token") is True
        assert await server.client.show_document("copydesk:/x") is True
        assert client.shown == [{"uri": "copydesk:/x", "takeFocus": False}]
        server.client.show_message("warning", "careful")
        server.client.log("info", "line")
        await client.wait_for("window/logMessage")
        assert client.messages == ["careful"]


# --- a client that stops reading ---


def report(n: int, token: str = "t") -> dict[str, Any]:
    return {"token": token, "value": {"kind": "report", "message": f"step {n} " + "x" * 20_000}}


async def test_reports_make_room_and_answers_are_kept_when_the_client_does_not_read(server: Server):
    async with connect(server) as client:
        client.pipe.stalled = True  # type: ignore[attr-defined]
        for number in range(600):
            server.client.notify("$/progress", report(number))
        server.client.notify("$/progress", {"token": "t", "value": {"kind": "end"}})
        request_id = client.send_request("demo/echo", {"still": "answers"})
        await anyio.sleep(0.02)
        assert server.outbox.n_bytes < 6 * 1024 * 1024
        client.pipe.resume()  # type: ignore[attr-defined]
        assert await client.response(request_id) == {"still": "answers"}
        values = client.progress["t"]
        assert values[-1] == {"kind": "end"}
        assert values[-2]["message"].startswith("step 599 ")
        assert len(values) < 300


async def test_a_client_that_never_reads_is_given_up(server: Server):
    async with connect(server, initialize=False, check=False) as client:
        await client.initialize()
        client.pipe.stalled = True  # type: ignore[attr-defined]
        for _ in range(40):
            client.send_request("demo/big", {"n": 4_000_000})
        await client.wait_ended(10)
    assert client.exit_code == 1


async def test_the_outbox_keeps_order_and_limits():
    outbox = Outbox(soft_limit_bytes=10, hard_limit_bytes=30)
    outbox.put(b"a" * 8)
    outbox.put(b"r1", "report")
    outbox.put(b"b" * 2)
    outbox.put(b"r2", "report")
    outbox.put(b"gone", "other")
    assert outbox.n_dropped == 2
    assert await outbox.take() == b"a" * 8 + b"r2" + b"b" * 2
    assert outbox.n_bytes == 12
    outbox.written(12)
    outbox.put(b"c" * 31)
    with pytest.raises(OutboxOverflow):
        outbox.put(b"d")
    outbox.close()
    outbox.put(b"late")
    assert await outbox.take() == b"c" * 31
    assert await outbox.take() == b""


async def test_the_fake_editor_refuses_and_asks(server: Server, tmp_path: Path):
    path = tmp_path / "a.py"
    path.write_text("a", encoding="utf-8")
    async with connect(server, root=tmp_path) as client:
        client.editor.open(path.as_uri())
        client.editor.confirm = False
        change = WorkspaceChange("x", edits=(FileEdit(path.as_uri(), 1, "a", ((0, 1, "b"),)),))
        note = types.ChangeAnnotation("x", needs_confirmation=True)
        edit = to_lsp_workspace_edit(change, server.client.capabilities, "utf-16", note)
        assert await server.client.apply_edit("x", edit) == ApplyReply(False)
        client.editor.confirm = True
        client.editor.refuse = "no thanks"
        assert await server.client.apply_edit("x", edit) == ApplyReply(False, "no thanks")
        client.answers["workspace/applyEdit"] = _fails
        assert await server.client.apply_edit("x", edit) == ApplyReply(False, "broken")
        assert client.editor.text(path.as_uri()) == "a"


def _fails(params: Any) -> None:
    raise RpcFailure(-32603, "broken")
