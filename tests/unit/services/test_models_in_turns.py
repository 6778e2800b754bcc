"""Whole turns on models at home: what a person is told of the window, and images that go out or are refused."""

import base64
from pathlib import Path

import anyio
import pytest

from copydesk.app.certification import certified
from copydesk.domain.events import MessageAdded, Notice
from copydesk.domain.messages import Image, Task
from copydesk.models.script import Script
from copydesk.services.certifying import Check
from copydesk.services.images import locate_anywhere, read_images
from copydesk.services.turns import PromptRequest
from tests.support.certified_model import good
from tests.support.local_servers import LocalServer, llama_cpp, ollama, vllm
from tests.unit.services.test_failing_models import Desk, desk
from tests.unit.services.test_images import PNG

TALK = "text: Hello\nloop"
CALLS = "tool: list_dir {}\n--- step\ndelay: 0.4\ntext: Done.\n--- step\ntext: Hello\nloop"


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COPYDESK_CONFIG_DIR", str(tmp_path / "config"))
    (tmp_path / "config").mkdir()
    return tmp_path / "config" / "models.toml"


def picture(tmp_path: Path) -> tuple[Image, ...]:
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    return read_images([str(path)], locate_anywhere)


def notices(here: Desk) -> list[str]:
    return [event.text for event in here.of(Notice)]


async def test_a_small_window_is_told_in_the_turn_that_finds_it_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        LocalServer(llama_cpp("m", n_ctx=4_096), Script.parse(CALLS)) as server,
        desk(tmp_path, monkeypatch, {"compat": server.url}, model__name="compat/m") as here,
    ):
        await here.turn()
        (told,) = [text for text in notices(here) if "4,096" in text]
        assert "--ctx-size" in told
        await here.turn()
        assert [text for text in notices(here) if "4,096" in text] == [told]
        posts = [seen for seen in server.requests if seen.path.endswith("/chat/completions")]
        assert posts[0].at_s < min(seen.at_s for seen in server.requests if seen.method == "GET")


async def test_an_unknown_model_is_told_once_and_an_own_entry_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_config: Path
) -> None:
    async with (
        LocalServer({"/v1/models": {"data": [{"id": "foo"}]}}, Script.parse(TALK)) as server,
        desk(tmp_path, monkeypatch, {"compat": server.url}, model__name="compat/foo") as here,
    ):
        await here.turn()
        await here.turn()
        (told,) = [text for text in notices(here) if "assumed" in text]
        assert told.startswith("window 32,768 assumed for compat/foo")
        assert str(own_config) in told
        await anyio.Path(own_config).write_text('["compat/foo"]\nwindow = 65536\n', "utf-8")
        await here.turn()
        assert len([text for text in notices(here) if "assumed" in text]) == 1


async def test_an_image_goes_out_as_it_is_and_the_transcript_refers_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        LocalServer(
            ollama("llava:7b", loaded=32_768, can=("completion", "tools", "vision")), Script.parse(TALK)
        ) as server,
        desk(tmp_path, monkeypatch, {}, model__name="ollama/llava:7b") as here,
    ):
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        outcome = await here.turn(images=picture(tmp_path))
        assert (outcome.stop_reason, outcome.error) == ("end_turn", "")
        (posted,) = [seen.json for seen in server.requests if seen.path.endswith("/chat/completions")]
        (shown,) = [part for part in posted["messages"][-1]["content"] if part["type"] == "image_url"]
        assert base64.b64decode(shown["image_url"]["url"].partition(",")[2]) == PNG
        assert any(isinstance(part, Image) for event in here.of(MessageAdded) for part in event.message.parts)


async def test_a_model_that_cannot_see_is_asked_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        LocalServer(ollama(loaded=32_768), Script.parse(TALK)) as server,
        desk(tmp_path, monkeypatch, {}, model__name="ollama/qwen3:8b") as here,
    ):
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        outcome = await here.turn(images=picture(tmp_path))
        assert outcome.stop_reason == "error"
        assert "ollama/qwen3:8b takes no images" in outcome.error
        assert not [seen for seen in server.requests if seen.path.endswith("/chat/completions")]


async def test_a_prompt_with_an_image_waits_for_the_running_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        LocalServer({}, Script.parse("delay: 0.3\ntext: Hello\nloop")) as server,
        desk(tmp_path, monkeypatch, {"openai": server.url}, model__name="openai/gpt-4o", model__api="chat") as here,
    ):
        first = here.core.host.prompt(PromptRequest(Task("prompt", "one")))
        second = here.core.host.prompt(PromptRequest(Task("prompt", "two"), images=picture(tmp_path)))
        assert second.id != first.id
        assert not second.steered
        assert (await second.wait()).stop_reason == "end_turn"
        assert len([seen for seen in server.requests if seen.method == "POST"]) == 2


async def test_a_certification_of_a_whole_core_books_its_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Check] = []
    async with (
        LocalServer(vllm("m", longest=65_536), good()) as server,
        desk(tmp_path, monkeypatch, {"compat": server.url}, model__fallbacks=["openai/gpt-4o"]) as here,
    ):
        certificate, cost = await certified(here.core, "compat/m", told.append)
        assert certificate.works
        assert certificate.facts.window_tokens == 65_536
        assert cost.usd in (None, 0.0)
        assert len([seen for seen in server.requests if seen.method == "POST"]) == 5
        assert len(told) == 6
