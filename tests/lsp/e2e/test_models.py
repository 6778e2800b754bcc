"""`copydesk.models` through the whole server: what is known of models, one that is certified, and images in prompts."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from copydesk.models.script import Script
from tests.lsp.e2e.rig import Desk, desk
from tests.support.certified_model import TEXT, good, script
from tests.support.local_servers import Answers, LocalServer, llama_cpp, ollama
from tests.support.lsp_client import RpcFailure
from tests.unit.services.test_images import PNG

HELLO = Script.parse("text: Hello\nloop")


@asynccontextmanager
async def served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: Answers, played: Script = HELLO, **files: str
) -> AsyncIterator[tuple[Desk, LocalServer]]:
    async with LocalServer(answers, played) as server:
        if "/api/show" in answers:
            monkeypatch.setenv("OLLAMA_HOST", server.url)
        else:
            monkeypatch.setenv("COMPAT_BASE_URL", server.url)
        settings: dict[str, Any] = {"model": {"name": "auto"}, "review": {"mode": "apply"}}
        async with desk(tmp_path, None, settings=settings, files=files) as d:
            yield d, server


async def test_models_say_what_is_known_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
    async with served(tmp_path, monkeypatch, llama_cpp("m.gguf")) as (d, _server):
        listed = {model["name"]: model for model in (await d.client.command("copydesk.models", {}))["models"]}
        local = listed["compat/m.gguf"]
        assert (local["window"], local["source"], local["billing"], local["price"]) == (8_192, "server", "free", None)
        assert "--ctx-size" in local["notes"][0]
        openai = next(model for name, model in listed.items() if name.startswith("openai/"))
        assert openai["price"]["output"] > openai["price"]["input"] > 0
        status = await d.client.command("copydesk.status", {})
        assert (status["model"]["name"], status["model"]["window"]) == ("compat/m.gguf", 8_192)


async def test_a_certification_shows_progress_and_opens_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path, monkeypatch, ollama(loaded=32_768), good()) as (d, _server):
        answer = await d.client.command("copydesk.models", {"check": "ollama/qwen3:8b"}, 20)
        check = answer["check"]
        assert check["works"], check
        assert check["verdict"].startswith("ollama/qwen3:8b can do the work.")
        assert [one["key"] for one in check["checks"]][:3] == ["text", "tools", "results"]
        closing = await d.ended("check")
        assert closing == check["verdict"]
        assert "models/check.md" in check["document"]


async def test_a_model_that_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = llama_cpp("m.gguf", n_ctx=32_768, tools=False)
    async with served(tmp_path, monkeypatch, answers, script(TEXT, "text: no\nloop")) as (d, _server):
        check = (await d.client.command("copydesk.models", {"check": True}, 20))["check"]
        assert not check["works"]
        advice = next(one["advice"] for one in check["checks"] if one["key"] == "tools")
        assert "--jinja" in advice


async def test_offline_cannot_be_certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch, {}) as (d, _server):
        with pytest.raises(RpcFailure, match="no language model"):
            await d.client.command("copydesk.models", {"check": "offline"})


async def test_an_image_of_the_workspace_goes_out_and_one_outside_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ollama("llava:7b", loaded=32_768, can=("completion", "tools", "vision"))
    async with served(tmp_path, monkeypatch, answers) as (d, server):
        (d.root / "shot.png").write_bytes(PNG)
        (tmp_path / "other.png").write_bytes(PNG)
        result = await d.run("ask", text="What is this?", images=["shot.png", d.uri("shot.png")])
        assert result["stopReason"] == "end_turn", result
        posted = next(seen.json for seen in server.requests if seen.path.endswith("/chat/completions"))
        shown = [part["image_url"]["url"] for part in posted["messages"][-1]["content"] if part["type"] == "image_url"]
        assert [base64.b64decode(url.partition(",")[2]) for url in shown] == [PNG, PNG]
        for outside in (str(tmp_path / "other.png"), "../other.png"):
            with pytest.raises(RpcFailure, match="outside"):
                await d.begin("prompt", text="look", images=[outside])
        with pytest.raises(RpcFailure, match="list of strings"):
            await d.begin("prompt", text="look", images=[3])


async def test_a_blind_model_is_an_error_of_the_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path, monkeypatch, ollama(loaded=32_768)) as (d, server):
        data = "data:image/png;base64," + base64.b64encode(PNG).decode()
        result = await d.run("prompt", text="look", images=[data])
        assert result["stopReason"] == "error"
        assert "takes no images" in str(result)
        assert not [seen for seen in server.requests if seen.path.endswith("/chat/completions")]
