"""Models that fail, over real sockets and the real selection: a clear message, nothing lost, and the server goes on."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from copydesk.models import remote, retry, selection
from copydesk.models.script import Script
from tests.lsp.e2e.rig import Desk, call, desk, edit, steps, until
from tests.support.model_server import Fault, ModelServer

CODE = "x = 1\n"
PROPOSED = edit("a.py", "x = 1", "x = 2")
AGAIN = (call("read_file", path="a.py"), "text: Here.")


@asynccontextmanager
async def served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *each: str, provider: str = "openai", **more: Any
) -> AsyncIterator[tuple[Desk, ModelServer]]:
    async with ModelServer(Script.parse("\n--- step\n".join(each))) as server:
        name = provider.upper()
        monkeypatch.setenv(f"{name}_BASE_URL", f"{server.url}/v1")
        monkeypatch.setenv(f"{name}_API_KEY", "sk-planted-secret-0123456789")
        settings = {"model.name": f"{provider}/scripted", "review.mode": "apply"}
        async with desk(tmp_path, None, files={"a.py": CODE}, settings=settings, **more) as d:
            d.open("a.py")
            yield d, server


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_an_edit_over_a_real_wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    async with served(tmp_path, monkeypatch, PROPOSED, "text: Done.", provider=provider) as (d, server):
        result = await d.run("prompt", text="go")
        assert result["message"].startswith("Done."), result
        assert d.editor.text(d.uri("a.py")) == "x = 2\n"
        assert server.n_connections == 1
        status = await d.client.command("copydesk.status")
        assert status["model"]["isLanguageModel"] is True


@pytest.mark.parametrize("fault", [Fault("stall"), Fault("stall", after=3)], ids=["no byte", "mid-text"])
@pytest.mark.parametrize("how", ["progress", "hang up"])
async def test_cancelling_closes_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, how: str
) -> None:
    each = (PROPOSED, "chunk: 1\ntext: abcdefg", *AGAIN)
    async with served(tmp_path, monkeypatch, *each, check=how == "progress") as (d, server):
        server.faults = [None, fault]
        turn = (await d.begin("prompt", text="go"))["turn"]
        await until(lambda: len(server.requests) == 2)
        started = time.perf_counter()
        if how == "hang up":
            d.client.hang_up()
            await d.client.wait_ended()
            await server.disconnected.wait()
            assert time.perf_counter() - started < 0.5
            return
        d.client.notify("window/workDoneProgress/cancel", {"token": f"copydesk/{turn}"})
        assert await d.ended(turn) == "cancelled"
        await server.disconnected.wait()
        assert time.perf_counter() - started < 0.25
        assert len(server.requests) == 2
        result = await d.run("prompt", text="again")
        assert result["message"].startswith("Here."), result
        assert d.editor.text(d.uri("a.py")) == "x = 2\n"


async def test_cancelling_a_back_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch, "text: Fine.") as (d, server):
        server.faults = [Fault("status", status=429, headers={"retry-after": "30"}, body=b"{}")]
        turn = (await d.begin("prompt", text="go"))["turn"]
        await d.client.wait_for("$/progress", lambda given: "trying again" in str(given["value"].get("message")))
        started = time.perf_counter()
        assert (await d.client.command("copydesk.cancel"))["cancelled"] == [turn]
        assert await d.ended(turn) == "cancelled"
        assert time.perf_counter() - started < 0.25
        assert len(server.requests) == 1
        assert (await d.run("prompt", text="again"))["message"] == "Fine."


def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits: the limits are what is tested, not their length."""
    from copydesk.egress.door import Limits

    patience = remote.Patience(
        0.2, 1.5, drain_s=0.1, limits=Limits(connect_s=0.5, first_byte_s=0.3, between_bytes_s=0.3)
    )
    policy = retry.RetryPolicy(max_tries=2, first_delay_s=0.01)
    monkeypatch.setattr(remote, "Patience", lambda: patience)
    monkeypatch.setattr(selection, "RetryPolicy", lambda: policy)


FAULTS: dict[str, tuple[list[Fault], str]] = {
    "HTML": ([Fault("body", body=b"<html><body>Sign in</body></html>", headers={"content-type": "text/html"})],
             r"(?i)html|web page"),
    "a refused key": ([Fault("status", status=401, body=b'{"error": {"message": "bad key"}}')], "OPENAI_API_KEY"),
    "an unknown model": ([Fault("status", status=404, body=b'{"error": {"message": "no such model"}}')], "scripted"),
    "a stall before it begins": ([Fault("stall")] * 5, r"stopped sending"),
    "a stop mid-stream": ([Fault("end", after=3)], r"(?i)broke off|ended|cut"),
    "a reset mid-stream": ([Fault("reset", after=3)], r"(?i)broke|lost|connection|closed"),
    "an overload": ([Fault("status", status=503, body=b"{}")] * 9, r"(?i)overloaded|503|busy"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_model_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The draft of the first step is kept; the next prompt goes on from it."""
    _quick(monkeypatch)
    faults, says = FAULTS[name]
    each = (PROPOSED, "chunk: 1\ntext: abcdefg", "text: Here.\nloop")
    async with served(tmp_path, monkeypatch, *each) as (d, server):
        server.faults = [None, *faults]
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "error", result

        assert re.search(says, result["error"]), result["error"]
        assert "Traceback" not in result["error"]
        assert "planted" not in str(result)
        server.faults = []
        again = await d.run("prompt", text="again")
        assert again["stopReason"] == "end_turn", again
        assert d.editor.text(d.uri("a.py")) == "x = 2\n"


async def test_nothing_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")
    async with desk(tmp_path, None, settings={"model.name": "ollama/llama3"}, files={"a.py": CODE}) as d:
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "error"
        assert "127.0.0.1:1" in result["error"]
        assert "Start the model server" in result["error"]


@pytest.mark.parametrize("name", ["openai/gpt-x", "anthropic/claude-x", "gemini/g", "deepseek/d"])
async def test_a_missing_key_names_the_variable_and_what_works_without(tmp_path: Path, name: str) -> None:
    async with desk(tmp_path, None, settings={"model.name": name}, files={"a.py": CODE}) as d:
        result = await d.run("prompt", text="go")
        assert f"{name.partition('/')[0].upper()}_API_KEY" in result["error"]
        assert "offline" in result["error"]
        assert d.client.messages[-1:] or d.client.notifications
        await d.client.wait_for("window/showMessage", lambda given: "_API_KEY" in given["message"])


async def test_calls_of_what_is_not_there_and_broken_json(tmp_path: Path) -> None:
    model = steps(
        call("read_fil", path="a.py"),
        'expect: read_file\ntool_raw: read_file {"path": "a.py"',
        'expect: (?i)json\ntool: read_file {"pth": "a.py"}',
        'expect: path\ntool_raw: read_file ["a.py"]',
        "expect: object\ntext: I see.",
    )
    async with desk(tmp_path, model, files={"a.py": CODE}) as d:
        result = await d.run("prompt", text="go")
        assert result["message"] == "I see.", result


async def test_an_empty_answer(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("text: ", "text: Now."), files={"a.py": CODE}) as d:
        assert (await d.run("prompt", text="go"))["message"] == "Now."
    async with desk(tmp_path / "2", steps("finish: end_turn\nloop"), files={"a.py": CODE}) as d:
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "error"
        assert "empty answer" in result["error"]
        assert "another model" in result["error"]


async def test_a_refusal_and_the_step_limit(tmp_path: Path) -> None:
    async with desk(tmp_path, steps("refuse: I will not."), files={"a.py": CODE}) as d:
        result = await d.run("prompt", text="go")
        assert (result["stopReason"], result["message"]) == ("refusal", "I will not.")
    model = steps(call("list_dir"), call("list_dir"), "text: Enough.\nloop")
    settings = {"budget": {"maxSteps": 2}}
    async with desk(tmp_path / "2", model, files={"a.py": CODE}, settings=settings) as d:
        result = await d.run("prompt", text="go")
        assert result["stopReason"] == "max_steps"
        assert result["message"].startswith("Enough.")
        assert "budget.maxSteps" in result["error"]
