"""Turns through the editor's own language model: the whole server, and a client that answers `copydesk/editor/model`."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from copydesk.app import assembly
from copydesk.models import retry
from copydesk.models.script import Script
from tests.lsp.e2e.rig import SESSION_UPDATE, Desk, call, desk, edit, until
from tests.support.editor_models import GPT, HOLD, METHOD, ModelDesk
from tests.support.lsp_client import RpcFailure

CODE = "def area(w, h):\n    return w * h\n"
EDITED = "def area(width, h):\n    return width * h\n"
PROPOSED = edit("a.py", CODE.rstrip(), EDITED.rstrip())
NEW = {"id": "copilot/new", "title": "New", "allowed": False}
AT = {"start": {"line": 0, "character": 5}, "end": {"line": 0, "character": 5}}


@pytest.fixture(autouse=True)
def asks_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look for a model that an idle server takes by itself would be counted too."""
    monkeypatch.setattr(assembly, "IDLE_S", 600.0)


@asynccontextmanager
async def with_models(
    tmp_path: Path, *each: str, name: str = "auto", models: Any = (GPT,), streams: bool = True, **more: Any
) -> AsyncIterator[tuple[Desk, ModelDesk]]:
    settings = {"model.name": name, "review.mode": "apply", **more.pop("settings", {})}
    custom = more.pop("custom", (METHOD, SESSION_UPDATE))
    async with desk(tmp_path, None, files={"a.py": CODE}, settings=settings, custom=custom, **more) as d:
        script = Script.parse("\n--- step\n".join(each or ("text: Hi.\nloop",)))
        editor = ModelDesk(d.client, script, models, streams=streams)
        d.open("a.py")
        yield d, editor


def kinds(d: Desk) -> list[str]:
    return [update["update"]["sessionUpdate"] for update in d.updates()]


@pytest.mark.parametrize("streams", [True, False], ids=["in parts", "at once"])
async def test_a_whole_turn_with_tool_calls(tmp_path: Path, streams: bool) -> None:
    steps = (
        f"think: hm\nchunk: 4\ntext: I will read it.\n{call('read_file', path='a.py')}\nusage: in=900 out=40",
        f"{PROPOSED}\n{call('read_file', path='missing.py')}\nusage: in=1000 out=50",
        "text: Named the argument.\nusage: in=1100 out=5 cached=900",
    )
    async with with_models(tmp_path, *steps, streams=streams) as (d, editor):
        result = await d.run("prompt", text="name the arguments", uri=d.uri("a.py"), range=AT)
        assert result["message"].startswith("Named the argument."), result
        assert result["stopReason"] == "end_turn"
        assert d.editor.text(d.uri("a.py")) == EDITED
        assert (result["usage"]["inputTokens"], result["usage"]["outputTokens"]) == (3000, 95)
        assert result["usage"]["cachedReadTokens"] == 900

        first, second, third = editor.requests
        assert first["model"] == "copilot/gpt-5"
        assert {"read_file", "edit_file"} <= {tool["name"] for tool in first["tools"]}
        assert "name the arguments" in first["messages"][0]["content"][0]["text"]
        for earlier, later in pairwise(editor.requests):
            assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
            assert (later["system"], later["tools"]) == (earlier["system"], earlier["tools"])
        assert len({asked["partialResultToken"] for asked in editor.requests}) == 3
        said, shown = second["messages"][-2:]
        assert [part["type"] for part in said["content"]] == ["text", "tool_call"]
        assert (shown["content"][0]["id"], shown["content"][0]["isError"]) == (said["content"][1]["id"], False)
        assert "return w * h" in shown["content"][0]["text"]
        assert [part["isError"] for part in third["messages"][-1]["content"]] == [False, True]

        chosen = [update["update"]["model"] for update in d.updates() if "model_chosen" in str(update)]
        assert chosen == ["editor/copilot/gpt-5"]
        words = [u["update"]["content"]["text"] for u in d.updates() if "message_chunk" in str(u)]
        assert "".join(words).startswith("I will read it.Named")
        assert "agent_thought_chunk" in kinds(d)
        assert "name the arguments" in d.transcripts()[0].read_text(encoding="utf-8")


async def test_what_is_told_of_them(tmp_path: Path) -> None:
    async with with_models(tmp_path, models=(NEW, GPT)) as (d, editor):
        listed = (await d.client.command("copydesk.models"))["models"]
        editors = {each["name"]: each for each in listed if each["provider"] == "editor"}
        assert list(editors) == ["editor/copilot/new", "editor/copilot/gpt-5"]
        assert [each["available"] for each in editors.values()] == [False, True]
        assert "not allowed it for Copydesk yet" in editors["editor/copilot/new"]["why"]
        findings = (await d.client.command("copydesk.doctor", timeout_s=20))["findings"]
        found = {each["subject"]: each for each in findings}
        assert found["model"]["text"] == "editor/copilot/gpt-5"
        assert found["editor's models"]["text"] == "editor/copilot/gpt-5"
        status = (await d.client.command("copydesk.status"))["model"]
        assert status == {"name": "editor/copilot/gpt-5", "configured": "auto", "isLanguageModel": True}
        assert editor.n_lists == 2
        assert editor.requests == []


async def test_the_doctor_says_how_to_use_them(tmp_path: Path) -> None:
    async with with_models(tmp_path, models=(NEW,)) as (d, _):
        findings = (await d.client.command("copydesk.doctor", timeout_s=20))["findings"]
        found = next(each for each in findings if each["subject"] == "editor's models")
        assert found["text"] == "not allowed for Copydesk yet: editor/copilot/new"
        assert "Use the Editor's Language Models" in found["advice"]
    async with with_models(tmp_path, models=()) as (d, _):
        findings = (await d.client.command("copydesk.doctor", timeout_s=20))["findings"]
        found = next(each for each in findings if each["subject"] == "editor's models")
        assert (found["level"], "no language models" in found["text"]) == ("note", True)


async def test_naming_one(tmp_path: Path) -> None:
    async with with_models(tmp_path, models=(NEW, GPT)) as (d, editor):
        assert await d.client.command("copydesk.model.set", "editor/copilot/new") == {"model": "editor/copilot/new"}
        assert (await d.run("prompt", text="go"))["message"] == "Hi."
        assert (await d.run("prompt", text="go", model="editor/auto"))["message"] == "Hi."
        assert [asked["model"] for asked in editor.requests] == ["copilot/new", "copilot/gpt-5"]
        with pytest.raises(RpcFailure, match="it has editor/copilot/new, editor/copilot/gpt-5"):
            await d.client.command("copydesk.model.set", "editor/copilot/old")


@pytest.mark.parametrize("how", ["command", "request"])
async def test_cancelling_reaches_the_editor_at_once_and_what_comes_late_is_dropped(tmp_path: Path, how: str) -> None:
    async with with_models(tmp_path, "chunk: 2\ntext: abcdef", "text: Again.") as (d, editor):
        editor.faults = [HOLD]
        params = {"command": "copydesk.prompt", "arguments": [{"text": "go", "wait": True}]}
        asked = d.client.send_request("workspace/executeCommand", params)
        await until(lambda: "agent_message_chunk" in kinds(d))
        started = time.perf_counter()
        if how == "command":
            await d.client.command("copydesk.cancel")
            assert (await d.client.response(asked))["stopReason"] == "cancelled"
        else:
            d.client.cancel(asked)
            with pytest.raises(RpcFailure, match="cancelled"):
                await d.client.response(asked)
        await d.client.wait_for("$/cancelRequest")
        assert time.perf_counter() - started < 2
        editor.send(editor.requests[0]["partialResultToken"], {"type": "text", "text": "LATE"})
        await d.client.release(METHOD, {"text": "LATER"})
        assert (await d.run("prompt", text="and now?"))["message"] == "Again."
        assert "LATE" not in str(d.updates())
        assert "LATE" not in str(editor.requests[1])


async def test_a_client_that_hangs_up_ends_the_turn(tmp_path: Path) -> None:
    async with with_models(tmp_path, "text: abc", check=False) as (d, editor):
        editor.faults = [HOLD]
        await d.begin("prompt", text="go")
        await until(lambda: editor.requests)
        started = time.perf_counter()
        d.client.hang_up()
        await d.client.wait_ended()
        assert time.perf_counter() - started < 2
        assert '"cancelled"' in d.transcripts()[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("denied", "may not be used by Copydesk: Not today. Allow it in the editor"),
        ("unknown_model", "is not there: Not today."),
        ("overflow", "cannot take so much"),
    ],
)
async def test_what_the_editor_refuses_ends_the_turn_with_what_to_do(tmp_path: Path, kind: str, says: str) -> None:
    async with with_models(tmp_path, PROPOSED, "text: x") as (d, editor):
        editor.faults = [None, RpcFailure(-32000, "Not today.", {"kind": kind})]
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "error"
        assert says in result["error"]
        assert len(editor.requests) == 2
        assert (await d.run("prompt", text="again"))["message"] == "x"


async def test_a_filter_is_a_refusal(tmp_path: Path) -> None:
    async with with_models(tmp_path) as (d, editor):
        editor.faults = [RpcFailure(-32000, "Filtered.", {"kind": "blocked"})]
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "refusal"
        assert "Filtered." in result["message"]


async def test_what_may_pass_is_tried_again_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry.Retries, "_backoff_s", lambda *_: 0.01)
    async with with_models(tmp_path) as (d, editor):
        editor.faults = [
            RpcFailure(-32603, "lost"),
            RpcFailure(-32000, "slow", {"kind": "rate_limited", "retryAfterMs": 20}),
        ]
        assert (await d.run("prompt", text="go"))["message"] == "Hi."
        retried = [update["update"] for update in d.updates() if update["update"]["sessionUpdate"] == "retried"]
        assert [(each["attempt"], each["delayMs"]) for each in retried] == [(1, 10), (2, 20)]
        assert "lost" in retried[0]["why"]


async def test_malformed_answers_end_the_turn_and_not_the_server(tmp_path: Path) -> None:
    answers: list[Any] = [
        None,
        3,
        {"content": "x"},
        {"content": [{"type": "tool_call", "arguments": [1]}]},
        {"text": "ok"},
    ]
    async with with_models(tmp_path) as (d, editor):
        lists = d.client.answers[METHOD]
        d.client.answers[METHOD] = lambda params: lists(params) if params["action"] == "list" else answers.pop(0)
        for _ in range(3):
            assert "Update its plug-in" in (await d.run("prompt", text="go"))["error"]
        assert (await d.run("prompt", text="go"))["message"] == "ok"
        assert answers == []
        assert editor.n_lists == 1


async def test_a_client_that_does_not_announce_it(tmp_path: Path) -> None:
    async with with_models(tmp_path, custom=(SESSION_UPDATE,), name="editor/copilot/gpt-5") as (d, editor):
        result = await d.run("prompt", text="go")
        assert "this editor does not let Copydesk ask its language models" in result["error"]
        assert '"offline" needs no key' in result["error"]
        status = (await d.client.command("copydesk.status"))["model"]
        assert "does not let Copydesk" in status["problem"]
        listed = (await d.client.command("copydesk.models"))["models"]
        assert [(each["name"], each["available"]) for each in listed if each["provider"] == "editor"] == [
            ("editor/…", False)
        ]
        assert (editor.n_lists, editor.requests) == (0, [])


async def test_network_offline_refuses_them(tmp_path: Path) -> None:
    settings = {"network.offline": True}
    async with with_models(tmp_path, name="editor/copilot/gpt-5", settings=settings) as (d, editor):
        assert "network.offline is on" in (await d.run("prompt", text="go"))["error"]
        assert (editor.n_lists, editor.requests) == (0, [])


async def test_a_hover_does_not_ask_them_unless_always(tmp_path: Path) -> None:
    where = {"textDocument": {"uri": (tmp_path / "work" / "a.py").as_uri()}, "position": {"line": 0, "character": 5}}
    for name in ("auto", "editor/copilot/gpt-5"):
        async with with_models(tmp_path, name=name) as (d, editor):
            await d.client.request("textDocument/hover", where)
            assert (editor.n_lists, editor.requests) == (0, [])
    async with with_models(tmp_path, "text: It multiplies.", settings={"hover.model": "always"}) as (d, editor):
        hover = await d.client.request("textDocument/hover", where)
        assert "It multiplies." in str(hover)
        assert len(editor.requests) == 1
