"""The window that is in force, read from each kind of server as it tells it, and never waited for."""

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from copydesk.domain.errors import ConnectionLost
from copydesk.domain.messages import Message, Text
from copydesk.domain.models import Price
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, StreamEvent
from copydesk.egress.door import Door
from copydesk.models import windows
from copydesk.models.knowledge import Knowledge
from copydesk.models.own_entries import OwnEntries
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.script import Script
from copydesk.models.selection import Models, ModelSettings
from tests.support.local_servers import Answers, LocalServer, llama_cpp, lm_studio, ollama, openrouter, vllm
from tests.support.model_server import ModelServer

ASK = ModelRequest("", (Message("user", (Text("hi"),)),))


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


def endpoint(server: ModelServer, provider: str = "compat") -> Endpoint:
    return Endpoint(PROVIDERS[provider], f"{server.url}/v1")


async def facts(
    door: Door, answers: Answers, model: str, provider: str = "compat", env: str = ""
) -> windows.ServerFacts:
    async with LocalServer(answers) as server:
        found = await windows.ask(door, endpoint(server, provider), model, env)
    assert found is not None
    return found


# --- Ollama: the effective window counts ---


async def test_ollamas_loaded_window_counts_not_what_the_model_could_have(door: Door) -> None:
    found = await facts(door, ollama(loaded=8_192, num_ctx=16_384), "qwen3:8b", "ollama")
    assert (found.window_tokens, found.trained_tokens, found.certain) == (8_192, 40_960, True)
    assert (found.tools, found.images, found.thinking) == (True, False, True)


async def test_ollamas_num_ctx_counts_before_it_is_loaded(door: Door) -> None:
    found = await facts(door, ollama(num_ctx=16_384), "qwen3:8b", "ollama")
    assert (found.window_tokens, found.certain) == (16_384, True)


@pytest.mark.parametrize(("env", "window"), [("", 4_096), ("32768", 32_768), ("999999", 40_960), ("many", 4_096)])
async def test_ollamas_default_is_only_assumed(door: Door, env: str, window: int) -> None:
    found = await facts(door, ollama(), "qwen3:8b", "ollama", env)
    assert (found.window_tokens, found.certain) == (window, False)


async def test_a_model_that_ollama_runs_elsewhere_has_all_of_its_window(door: Door) -> None:
    answers = ollama("gpt-oss:120b-cloud", trained=131_072, more={"remote_host": "https://ollama.com"})
    found = await facts(door, answers, "gpt-oss:120b-cloud", "ollama")
    assert (found.window_tokens, found.certain) == (131_072, True)


async def test_ollamas_latest_is_found_without_its_tag(door: Door) -> None:
    answers = ollama("llama3.2:latest", trained=131_072, loaded=32_768)
    answers["/api/show"] = {"model_info": {"llama.context_length": 131_072}, "capabilities": ["completion", "vision"]}
    found = await facts(door, answers, "llama3.2", "ollama")
    assert (found.window_tokens, found.tools, found.images) == (32_768, False, True)


# --- the others ---


async def test_llama_cpp_tells_its_slots_window(door: Door) -> None:
    found = await facts(door, llama_cpp(tools=False), "whatever-it-is-called")
    assert (found.kind, found.window_tokens, found.trained_tokens) == ("llama.cpp", 8_192, 40_960)
    assert (found.tools, found.images, found.schema) == (False, True, True)


async def test_vllm_tells_its_longest(door: Door) -> None:
    found = await facts(door, vllm(), "Qwen/Qwen3-32B")
    assert (found.kind, found.window_tokens, found.tools) == ("vLLM", 32_768, None)


@pytest.mark.parametrize(("loaded", "window", "certain"), [(8_192, 8_192, True), (None, 131_072, False)])
async def test_lm_studio_tells_what_is_loaded(door: Door, loaded: int | None, window: int, certain: bool) -> None:
    found = await facts(door, lm_studio(loaded=loaded, kind="vlm"), "qwen3-8b")
    assert (found.kind, found.window_tokens, found.certain) == ("LM Studio", window, certain)
    assert (found.tools, found.images, found.trained_tokens) == (True, True, 131_072)


async def test_openrouter_tells_window_price_and_parameters(door: Door) -> None:
    found = await facts(door, openrouter(), "qwen/qwen3-coder")
    assert (found.kind, found.window_tokens, found.output_limit_tokens) == ("OpenRouter", 131_072, 32_768)
    assert found.price == Price(0.22, 0.95, 0.02, 0.22)
    assert (found.tools, found.images, found.thinking, found.schema) == (True, True, False, True)


@pytest.mark.parametrize("prompt", ["-1", "much", "NaN", None, True])
async def test_a_price_that_depends_is_unknown(door: Door, prompt: object) -> None:
    answers = openrouter(pricing={"prompt": prompt, "completion": "-1"})
    assert (await facts(door, answers, "qwen/qwen3-coder")).price is None


@pytest.mark.parametrize(
    "body",
    [
        {"data": "none"},
        {"data": [1, None, {"id": 3}, {"id": "m", "max_model_len": "8k"}]},
        {"data": [{"id": "m", "max_model_len": True, "meta": []}]},
        {"data": [{"id": "m", "max_model_len": -5, "context_length": 1e99}]},
        {"error": {"message": "no"}},
    ],
)
async def test_what_makes_no_sense_says_nothing(door: Door, body: dict[str, Any]) -> None:
    async with LocalServer({"/v1/models": body}) as server:
        found = await windows.ask(door, endpoint(server), "m")
    assert found is None or found.window_tokens is None


async def test_a_server_that_hangs_costs_no_more_than_the_limit(door: Door) -> None:
    async def hang(stream: Any) -> None:
        async with stream:
            await anyio.sleep(5)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, hang)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        began_s = time.perf_counter()
        there = Endpoint(PROVIDERS["ollama"], f"http://127.0.0.1:{port}/v1")
        assert await windows.ask(door, there, "m") is None
        assert time.perf_counter() - began_s < windows.LIMIT_S + 0.3
        group.cancel_scope.cancel()


async def test_nobody_elsewhere_is_asked_unasked(door: Door) -> None:
    assert not windows.may_ask(Endpoint(PROVIDERS["openai"], "https://api.openai.com/v1"))
    assert not windows.may_ask(Endpoint(PROVIDERS["ollama"], "http://10.0.0.5:11434/v1"))
    assert windows.may_ask(Endpoint(PROVIDERS["compat"], "https://openrouter.ai/api/v1"))
    door.offline = True
    assert await windows.ask(door, Endpoint(PROVIDERS["compat"], "https://openrouter.ai/api/v1"), "m") is None


# --- what is known of all of it ---


async def test_the_person_has_the_last_word_then_the_server_then_the_catalog(door: Door, tmp_path: Path) -> None:
    own = tmp_path / "models.toml"
    async with LocalServer(vllm("qwen3-32b")) as server:
        knowledge = Knowledge(door, {}, OwnEntries(str(own)))
        name, there = "compat/qwen3-32b", endpoint(server)
        assert knowledge.entry(name, there).source == "catalog"
        learnt = await knowledge.learn(name, there)
        assert (learnt.window_tokens, learnt.source, learnt.schema) == (32_768, "server", "json_schema")
        own.write_text('["compat/qwen3*"]\ninput_price = 1\noutput_price = 2\n', "utf-8")
        priced = knowledge.entry(name, there)
        assert (priced.window_tokens, priced.source, priced.price) == (32_768, "user", Price(1, 2, 1, 1))
        own.write_text('["compat/qwen3*"]\nwindow = 20000\n', "utf-8")
        assert (knowledge.entry(name, there).window_tokens, knowledge.entry(name, there).source) == (20_000, "user")


async def test_what_was_said_is_remembered_and_a_default_asked_again(door: Door) -> None:
    now_s = [0.0]
    async with LocalServer(ollama()) as server:
        knowledge = Knowledge(door, {}, clock=lambda: now_s[0])
        name, there = "ollama/qwen3:8b", endpoint(server, "ollama")
        await knowledge.learn(name, there)
        await knowledge.learn(name, there)
        assert len(server.asked) == 2
        server.tell(ollama(loaded=32_768))
        now_s[0] = 6.0
        assert (await knowledge.learn(name, there)).window_tokens == 32_768
        now_s[0] = 200.0
        await knowledge.learn(name, there)
        assert len(server.asked) == 4


async def test_a_small_window_is_a_warning_with_what_to_do(door: Door) -> None:
    async with LocalServer(ollama(loaded=4_096)) as server:
        knowledge = Knowledge(door, {})
        await knowledge.learn("ollama/qwen3:8b", endpoint(server, "ollama"))
        (note,) = knowledge.notes("ollama/qwen3:8b", endpoint(server, "ollama"))
    assert "4,096 tokens (the model could have 40,960)" in note
    assert "OLLAMA_CONTEXT_LENGTH=32768" in note


async def test_an_unknown_model_says_what_was_assumed(door: Door) -> None:
    async with LocalServer({"/v1/models": {"data": [{"id": "foo"}]}}) as server:
        knowledge = Knowledge(door, {}, OwnEntries("/home/me/models.toml"))
        (note,) = knowledge.notes("compat/foo", endpoint(server))
    assert note.startswith("window 32,768 assumed for compat/foo")
    assert "/home/me/models.toml" in note


async def test_the_first_request_does_not_wait_and_the_next_goes_by_what_was_said(door: Door) -> None:
    started: list[Callable[[], Coroutine[Any, Any, None]]] = []
    async with LocalServer(vllm("m", longest=20_000), Script.parse("text: Hello\nloop")) as server:
        knowledge = Knowledge(door, {}, start=started.append)
        told: list[str] = []
        knowledge.learnt.append(told.append)
        env = {"COMPAT_BASE_URL": server.url, "OLLAMA_HOST": "127.0.0.1:9"}
        models = Models(ModelSettings(name="compat/m"), env, door, offline, knowledge=knowledge)
        model = await models.resolve()
        assert isinstance(model, RemoteModel)
        async with model.stream(ASK) as events:
            assert [type(event).__name__ async for event in events][-1] == "Finished"
        assert server.asked == []
        assert model.facts.window_tokens == 32_768
        await started.pop()()
        assert model.facts.window_tokens == 20_000
        assert (model.facts.source, told) == ("server", ["compat/m"])
        async with model.stream(ASK) as events:
            assert [event async for event in events]
        assert not started, "it is asked once"


async def test_a_server_that_does_not_answer_is_not_asked_either(door: Door) -> None:
    started: list[Callable[[], Coroutine[Any, Any, None]]] = []
    knowledge = Knowledge(door, {}, start=started.append)
    env = {"COMPAT_BASE_URL": "http://127.0.0.1:9/v1"}
    models = Models(ModelSettings(name="compat/m"), env, door, offline, knowledge=knowledge)
    model = await models.resolve()
    with pytest.raises(ConnectionLost, match="Nothing listens"):
        await anext(events_of(model))
    assert not started


async def events_of(model: Model) -> AsyncIterator[StreamEvent]:
    async with model.stream(ASK) as events:
        async for event in events:
            yield event


def offline() -> Any:
    raise AssertionError("not asked for")
