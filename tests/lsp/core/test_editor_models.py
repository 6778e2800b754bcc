"""`copydesk/editor/model` on the wire: tokens, parts that come late or without end, cancelling, errors, a client gone."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from copydesk.domain import errors
from copydesk.domain.ports import EditorPart, OfferedModel
from copydesk.lsp import editor_models
from copydesk.lsp.editor_models import METHOD, LspEditorModels
from copydesk.lsp.server import Server
from tests.lsp.e2e.rig import until
from tests.support.demo_server import demo_server
from tests.support.lsp_client import LspClient, RpcFailure, connect

ASK = {"model": "m", "messages": []}


class Rig:
    def __init__(self, server: Server, models: LspEditorModels, client: LspClient) -> None:
        self.server, self.models, self.client = server, models, client

    @property
    def asked(self) -> list[Any]:
        return [params for method, params in self.client.requests if method == METHOD]

    @property
    def cancelled(self) -> list[Any]:
        return [params for method, params in self.client.notifications if method == "$/cancelRequest"]

    def send(self, value: Any, n: int = 0) -> None:
        self.client.notify("$/progress", {"token": self.asked[n]["partialResultToken"], "value": value})

    async def begun(self, n: int = 1) -> None:
        await until(lambda: len(self.asked) == n)

    async def collect(self, into: list[Any], request: Any = ASK) -> None:
        async with self.models.stream(request) as parts:
            async for part in parts:
                into.append(part)


@asynccontextmanager
async def rig(answer: Any = None, *, check: bool = True) -> AsyncIterator[Rig]:
    """The client holds every answer until it is released, unless it is given one."""
    server = demo_server()
    models = LspEditorModels(server.client)
    server.handlers.notification("$/progress", models.receive_progress, raw=True)
    async with connect(server, check=check) as client:
        client.answers[METHOD] = answer or client.hold
        yield Rig(server, models, client)


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


async def test_parts_come_as_they_are_sent_and_the_result_last() -> None:
    async with rig() as r, r.models.stream(ASK) as parts:
        async with anyio.create_task_group() as tasks:
            got: list[EditorPart] = []

            async def first() -> None:
                got.append(await anext(parts))

            tasks.start_soon(first)
            await r.begun()
            r.send(text("I will"))
        assert got == [EditorPart(text("I will"))]
        r.send({"type": "tool_call", "id": "c"})
        r.send(None)
        await r.client.release(METHOD, {"stopReason": "end_turn"})
        assert [part async for part in parts] == [
            EditorPart({"type": "tool_call", "id": "c"}),
            EditorPart(None),
            EditorPart({"stopReason": "end_turn"}, last=True),
        ]
        assert r.asked == [{"action": "stream", "partialResultToken": "copydesk/model/1", **ASK}]
        assert r.cancelled == []


async def test_text_that_waits_is_joined_and_order_is_kept() -> None:
    async with rig() as r, r.models.stream(ASK) as parts:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anext, parts)
            await r.begun()
            r.send(text("taken"))
        for value in (*map(text, "abc"), {"type": "thought", "text": "d"}, 7, *map(text, "ef")):
            r.send(value)
        await r.client.release(METHOD, {})
        await until(
            lambda: not r.server.client._waiting or all(a.done.is_set() for a in r.server.client._waiting.values())
        )
        assert [part.value async for part in parts] == [
            text("abc"),
            {"type": "thought", "text": "d"},
            7,
            text("ef"),
            {},
        ]


async def test_answers_at_the_same_time_do_not_mix() -> None:
    got: list[list[EditorPart]] = [[], [], []]
    async with rig() as r, anyio.create_task_group() as tasks:
        for n, each in enumerate(got):
            tasks.start_soon(r.collect, each, {**ASK, "model": str(n)})
            await r.begun(n + 1)
        assert len({asked["partialResultToken"] for asked in r.asked}) == 3
        for turn in range(5):
            for n in (2, 0, 1):
                r.send(text(f"{n}.{turn} "), n)
        for n in range(3):  # the oldest first
            await r.client.release(METHOD, {"n": n})
    for n, parts in enumerate(got):
        assert parts[-1] == EditorPart({"n": n}, last=True)
        said = "".join(part.value["text"] for part in parts[:-1])  # type: ignore[index]
        assert said == "".join(f"{n}.{turn} " for turn in range(5))


async def test_cancelling_tells_the_client_at_once_and_late_parts_are_dropped() -> None:
    got: list[EditorPart] = []
    async with rig() as r:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(r.collect, got)
            await r.begun()
            r.send(text("begun"))
            await until(lambda: got)
            tasks.cancel_scope.cancel()
        await until(lambda: r.cancelled)
        r.send(text("late"))
        await r.client.release(METHOD, {})
        r.send(text("later"))
        assert await r.client.request("demo/echo", {}) == {}
    assert got == [EditorPart(text("begun"))]
    assert r.models._inboxes == {}


async def test_parts_after_the_result_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    got: list[EditorPart] = []
    with caplog.at_level(logging.DEBUG, "copydesk.lsp"):
        async with rig() as r:

            def late(params: Any) -> Any:
                r.client._held.clear()
                return {"text": "whole"}

            r.client.answers[METHOD] = late
            async with r.models.stream(ASK) as parts:
                got.append(await anext(parts))
                r.send(text("late"))
                await r.client.request("demo/echo", {})
                got += [part async for part in parts]
    assert got == [EditorPart({"text": "whole"}, last=True)]
    assert "after the end of its answer" in caplog.text


@pytest.mark.parametrize(
    "params", [None, 3, [], {}, {"token": 5}, {"token": ["x"], "value": 1}, {"token": "copydesk/model/99"}]
)
async def test_progress_of_others_is_nothing(params: Any) -> None:
    async with rig() as r:
        r.client.notify("$/progress", params)
        assert await r.client.request("demo/echo", {}) == {}


@pytest.mark.parametrize("part", [text("x" * 300), text(""), {"type": "tool_call", "arguments": {"x": "y" * 300}}, 1])
async def test_an_answer_without_end_is_ended(part: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_models, "MAX_ANSWER_CHARACTERS", 4096)
    async with rig() as r, anyio.create_task_group() as tasks:
        tasks.start_soon(_flood, r, part)
        with pytest.raises(errors.BadStream, match="in one answer") as caught:
            await r.collect([])
        await until(lambda: r.cancelled)
        assert await r.client.request("demo/echo", {}) == {}
    assert caught.value.advice


async def _flood(r: Rig, part: Any) -> None:
    await r.begun()
    while not r.cancelled:
        r.send(part)
        await anyio.lowlevel.checkpoint()


async def test_what_waits_to_be_read_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor_models, "MAX_WAITING", 10)
    async with rig() as r, r.models.stream(ASK) as parts:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anext, parts)
            await r.begun()
            r.send(text("first"))
        for n in range(100):
            r.send({"type": "tool_call", "id": n})
        await r.client.request("demo/echo", {})
        assert len(next(iter(r.models._inboxes.values()))._waiting) == 11
        with pytest.raises(errors.BadStream, match="more than 10 parts at once"):
            await anext(parts)


async def test_a_client_that_goes_away_ends_the_answer() -> None:
    got: list[Any] = []
    async with rig(check=False) as r, anyio.create_task_group() as tasks:

        async def ask() -> None:
            for _ in range(2):
                with pytest.raises(errors.PermanentModelError, match=r"went away|is gone") as caught:
                    await r.collect(got)
                assert not isinstance(caught.value, errors.TransientModelError)
            got.append("ended")

        tasks.start_soon(ask)
        await r.begun()
        r.client.hang_up()  # type: ignore[attr-defined]
        await r.client.wait_ended()
    assert got == ["ended"]


@pytest.mark.parametrize(
    ("data", "code", "kind", "says"),
    [
        ({"kind": "denied"}, -32000, errors.PermanentModelError, "Allow it in the editor"),
        ({"kind": "unknown_model"}, -32000, errors.UnknownModel, "copydesk.models lists"),
        ({"kind": "rate_limited"}, -32000, errors.RateLimited, "Wait"),
        ({"kind": "overflow"}, -32000, errors.ContextOverflow, "new session"),
        ({"kind": "odd"}, -32000, errors.ConnectionLost, "Try again"),
        ({"kind": ["denied"]}, -32603, errors.ConnectionLost, "Try again"),
        ("denied", -32603, errors.ConnectionLost, "Try again"),
        (None, -32601, errors.BadRequest, "Update the editor's plug-in"),
        (None, -32602, errors.BadRequest, "Update the editor's plug-in"),
    ],
)
async def test_errors_by_their_kind(data: Any, code: int, kind: type[errors.ModelError], says: str) -> None:
    def fail(params: Any) -> Any:
        raise RpcFailure(code, "Because\n of   this.", data)

    async with rig(fail) as r:
        with pytest.raises(errors.ModelError) as caught:
            await r.collect([])
        assert type(caught.value) is kind
        assert "The editor's model 'm'" in caught.value.message
        assert "Because of this." in caught.value.message
        assert says in caught.value.advice
        with pytest.raises(kind, match="The editor's list of models"):
            await r.models.list()


@pytest.mark.parametrize(("wait", "expected"), [(1500, 1.5), (0, 0.0), ("soon", None), (-1, None), (None, None)])
async def test_how_long_to_wait(wait: Any, expected: float | None) -> None:
    def fail(params: Any) -> Any:
        raise RpcFailure(-32000, "Slow down.", {"kind": "rate_limited", "retryAfterMs": wait})

    async with rig(fail) as r:
        with pytest.raises(errors.RateLimited) as caught:
            await r.collect([])
        assert caught.value.retry_after_s == expected


async def test_blocked_is_the_models_no() -> None:
    def fail(params: Any) -> Any:
        raise RpcFailure(-32000, "Filtered.", {"kind": "blocked"})

    got: list[EditorPart] = []
    async with rig(fail) as r:
        await r.collect(got)
    assert got == [EditorPart({"stopReason": "refusal", "text": "Filtered."}, last=True)]


# --- the list ---


async def test_the_list() -> None:
    rows = [
        {"id": "copilot/gpt-5", "title": "GPT-5", "maxInputTokens": 128000, "tools": True, "allowed": True},
        {"id": " spaced ", "title": "  ", "maxInputTokens": 0, "tools": False, "allowed": "yes"},
        {"id": "copilot/gpt-5", "title": "again"},
        {"id": "x", "title": "two\nlines", "maxInputTokens": "many"},
        *({"id": name} for name in (None, "", " ", 3, "a\nb", "y" * 601)),
        {}, None, "z",
    ]  # fmt: skip
    async with rig(lambda params: {"models": rows}) as r:
        assert await r.models.list() == (
            OfferedModel("copilot/gpt-5", "GPT-5", 128_000, tools=True, allowed=True),
            OfferedModel("spaced", "spaced", None, tools=False),
            OfferedModel("x", "two lines"),
        )
        assert r.asked == [{"action": "list"}]


async def test_a_long_list_is_cut() -> None:
    async with rig(lambda params: {"models": [{"id": str(n)} for n in range(10_000)]}) as r:
        assert len(await r.models.list()) == editor_models.MAX_LISTED


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"models": None}, {"models": {}}])
async def test_no_list(answer: Any) -> None:
    async with rig(lambda params: answer) as r:
        with pytest.raises(errors.BadStream, match="without a list"):
            await r.models.list()


async def test_only_clients_that_announce_it_are_asked() -> None:
    async with rig() as r:
        assert not r.models.available
        r.server.client.raw_capabilities["experimental"] = {"copydesk": [METHOD]}
        del r.server.client.experimental
        assert r.models.available
