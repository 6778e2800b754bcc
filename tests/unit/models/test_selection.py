"""Which model answers, with which key, at which address."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text
from copydesk.domain.ports import Model
from copydesk.domain.stream import ModelRequest, TextDelta
from copydesk.egress.door import Door
from copydesk.models import catalog, providers, waits
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.selection import Models, ModelSettings, is_local
from tests.support.model_server import ModelServer

ASK = ModelRequest("", (Message("user", (Text("hi"),)),))
HELLO = Script.parse("text: Hello\nloop")
NOWHERE = {"OLLAMA_HOST": "127.0.0.1:9"}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


def models(door: Door, env: Mapping[str, str] | None = None, **settings: object) -> Models:
    def offline() -> Model:
        return ScriptedModel(HELLO, "offline")

    found = ModelSettings(**settings)  # pyright: ignore[reportArgumentType]
    return Models(found, NOWHERE | dict(env or {}), door, offline)


async def say(model: Model) -> str:
    async with model.stream(ASK) as events:
        return "".join([event.text async for event in events if isinstance(event, TextDelta)])


async def test_auto_with_nothing_is_offline(door: Door) -> None:
    assert (await models(door).resolve()).name == "offline"


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "deepseek"])
async def test_auto_takes_a_key(door: Door, provider: str) -> None:
    model = await models(door, {f"{provider.upper()}_API_KEY": "k"}).resolve()
    assert model.name == f"{provider}/{providers.PROVIDERS[provider].default_model}"
    assert not is_local(model)


async def test_auto_takes_ollama_and_asks_once(door: Door) -> None:
    async with ModelServer(HELLO, models=("nomic-embed-text", "qwen3:8b")) as server:
        chosen = models(door, {"OLLAMA_HOST": f"127.0.0.1:{server.port}"})
        for _ in range(3):
            model = await chosen.resolve()
        assert model.name == "ollama/qwen3:8b"
        assert is_local(model)
        assert [seen.path for seen in server.requests] == ["/api/tags"]
        assert await say(model) == "Hello"
        assert server.requests[-1].json["model"] == "qwen3:8b"
        assert "authorization" not in server.requests[-1].headers


async def test_auto_takes_a_configured_server_before_keys(door: Door) -> None:
    async with ModelServer(HELLO, models=("local-model",)) as server:
        env = {"COMPAT_BASE_URL": server.url, "COMPAT_API_KEY": "ck", "OPENAI_API_KEY": "k"}
        model = await models(door, env).resolve()
        assert model.name == "compat/local-model"
        assert await say(model) == "Hello"
        assert {seen.headers["authorization"] for seen in server.requests} == {"Bearer ck"}


async def test_auto_takes_a_local_openai_address_without_a_key(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        assert (await models(door, {"OPENAI_BASE_URL": f"{server.url}/v1"}).resolve()).name == "openai/scripted"


async def test_a_missing_key_says_what_to_do(door: Door) -> None:
    with pytest.raises(errors.MissingKey) as caught:
        await models(door, name="openai/gpt-5.1").resolve()
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "https://" in caught.value.advice
    assert 'set model.name to "offline"' in caught.value.advice


@pytest.mark.parametrize("name", ["gpt-5", "nobody/x", "openai/", "/x", "openai"])
async def test_unknown_names_say_which_there_are(door: Door, name: str) -> None:
    with pytest.raises(errors.UnknownModel, match="openai/…"):
        await models(door).resolve(name)


async def test_fallbacks_are_for_the_settings_name_only(door: Door) -> None:
    chosen = models(door, name="openai/x", fallbacks=("nobody/x", "offline"))
    assert (await chosen.resolve()).name == "offline"
    with pytest.raises(errors.MissingKey):
        await chosen.resolve("openai/x")


async def test_an_environment_key_goes_to_an_environment_address(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        env = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.url, "ANTHROPIC_API_KEY": " a\n"}
        env["ANTHROPIC_BASE_URL"] = server.url
        assert await say(await models(door, env).resolve("openai/m")) == "Hello"
        assert await say(await models(door, env).resolve("anthropic/m")) == "Hello"
        first, second = server.requests
    assert (first.path, first.headers["authorization"]) == ("/v1/chat/completions", "Bearer k")
    assert (second.path, second.headers["x-api-key"]) == ("/v1/messages", "a")


@pytest.mark.parametrize("provider", ["openai", "compat", "ollama"])
@pytest.mark.parametrize("trusted", [False, True])
async def test_a_key_goes_to_a_setting_only_when_that_is_the_users_own(
    door: Door, provider: str, trusted: bool
) -> None:
    async with ModelServer(HELLO) as server:
        env = {f"{provider.upper()}_API_KEY": "sk-1"}
        chosen = models(door, env, name=f"{provider}/m", base_url=server.url, base_url_trusted=trusted)
        assert await say(await chosen.resolve()) == "Hello"
        assert server.requests[0].headers.get("authorization") == ("Bearer sk-1" if trusted else None)


async def test_a_base_url_is_not_for_other_providers(door: Door) -> None:
    chosen = models(door, {"OPENAI_API_KEY": "k"}, name="compat/m", base_url="http://127.0.0.1:9")
    assert chosen.endpoint(providers.PROVIDERS["openai"]).base_url == "https://api.openai.com/v1"
    assert chosen.endpoint(providers.PROVIDERS["openai"]).key == "k"


async def test_compat_without_an_address(door: Door) -> None:
    with pytest.raises(errors.ConfigError, match="base URL"):
        await models(door).resolve("compat/m")


async def test_keys_that_no_header_can_carry(door: Door) -> None:
    with pytest.raises(errors.AuthRejected, match="OPENAI_API_KEY"):
        await models(door, {"OPENAI_API_KEY": "k\u00e9y"}).resolve("openai/m")


async def test_offline_closes_the_door_but_for_this_machine(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        env = {"OPENAI_API_KEY": "k", "OLLAMA_HOST": server.url}
        chosen = models(door, env, offline=True)
        assert (await chosen.resolve()).name == "ollama/scripted"
        with pytest.raises(errors.Offline, match=r"network\.offline"):
            await say(await chosen.resolve("openai/m"))


async def test_a_script_goes_on_from_turn_to_turn(door: Door, tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_text("text: one\n--- step\ntext: two", encoding="utf-8")
    chosen = models(door, name=f"scripted:{path}")
    assert [await say(await chosen.resolve()) for _ in range(2)] == ["one", "two"]
    assert is_local(await chosen.resolve())


async def test_the_list_says_what_is_missing(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        infos = await models(door, {"GEMINI_API_KEY": "k", "OLLAMA_HOST": server.url}).available()
    found = {info.provider: info for info in infos}
    assert [info.provider for info in infos if info.available] == ["gemini", "ollama", "offline"]
    assert "ANTHROPIC_API_KEY" in found["anthropic"].why
    assert found["ollama"].local
    assert found["ollama"].name == "ollama/scripted"
    assert not (await models(door).available())[-2].available


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:1234", "http://localhost:1234/v1"),
        ("http://h:8/v1/", "http://h:8/v1"),
        ("https://h/api/v3", "https://h/api/v3"),
        ("0.0.0.0:80", "http://127.0.0.1:80/v1"),
        ("http://[::1]:8", "http://[::1]:8/v1"),
    ],
)
def test_base_urls(text: str, expected: str) -> None:
    assert providers.base_url(text, "X") == expected


@pytest.mark.parametrize("text", ["ftp://h", "http://", "http://[", "http://h:port", "http://h:99999"])
def test_base_urls_that_are_none(text: str) -> None:
    with pytest.raises(errors.ConfigError, match="X is"):
        providers.base_url(text, "X")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("h:1", "http://h:1/v1"),
        ("http://h:1", "http://h:1/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
    ],
)
def test_ollama_hosts(text: str, expected: str) -> None:
    assert providers.ollama_url(text) == expected


def test_the_catalog_knows_families_and_admits_what_it_does_not() -> None:
    assert catalog.entry("openai/gpt-5-mini").family == "gpt-5"
    assert catalog.entry("openai/o3").family == "o-series"
    assert catalog.entry("anthropic/claude-opus-4-1").thinking == "anthropic_budget"
    assert catalog.entry("anthropic/claude-sonnet-4-6").thinking == "anthropic_adaptive"
    assert catalog.entry("compat/anthropic/claude-sonnet-5").window_tokens == 1_000_000
    assert not catalog.entry("compat/somebody/something").known
    assert catalog.entry("compat/somebody/something").tools


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:00:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 -0000"}, 10.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    assert waits.retry_after_s(headers, datetime(2026, 10, 21, 7, 28, tzinfo=UTC)) == expected


def test_a_key_is_not_in_a_repr() -> None:
    found = Models(ModelSettings(), {"OPENAI_API_KEY": "sk-1"}, Door(), lambda: ScriptedModel(HELLO))
    assert "sk-1" not in repr(found.endpoint(providers.PROVIDERS["openai"]))
