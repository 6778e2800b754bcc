"""Which of OpenAI's APIs a request takes: by host, setting and path, and by what a server turned out to have."""

import json
from collections.abc import AsyncIterator, Mapping

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Thinking
from copydesk.domain.stream import Finished, ModelRequest, StreamEvent, TextDelta
from copydesk.egress.door import Door
from copydesk.models.catalog import entry
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.routes import Learnt, wires_for
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.selection import Models, ModelSettings
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept

HELLO = Script.parse("think: hm\ntext: Hello\nloop")
THOUGHT = Thinking("hm", json.dumps(["rs_old", "gpt-5.6-terra", 0, 2]), "enc", "openai_responses")
HISTORY = (Message("user", (Text("hi"),)), Message("assistant", (THOUGHT, Text("yes"))), Message("user", (Text("go"),)))
ASK = ModelRequest("Be brief.", HISTORY, session="s")
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
NO_MODEL = Fault("status", status=404, body=b'{"error":{"message":"The model `m` does not exist"}}')
ONLY_THERE = b'{"error":{"message":"This model is only supported in v1/responses and not in v1/chat/completions."}}'


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door() as door:
        yield door


def models(door: Door, env: Mapping[str, str], **settings: object) -> Models:
    found = ModelSettings(**settings)  # pyright: ignore[reportArgumentType]
    return Models(found, {"OLLAMA_HOST": "127.0.0.1:9", **env}, door, lambda: ScriptedModel(HELLO, "offline"))


def remote(
    server: ModelServer, door: Door, slept: Slept, learnt: Learnt | None = None, model: str = "gpt-5.6-terra"
) -> RemoteModel:
    url, wires = wires_for(PROVIDERS["openai"], f"{server.url}/v1", "auto")
    endpoint = Endpoint(PROVIDERS["openai"], url, "sk-secret", wires=wires)
    policy = RetryPolicy(3, sleep=slept.sleep, chance=lambda: 0.5)
    known = entry(f"openai/{model}")
    return RemoteModel(
        f"openai/{model}", model, endpoint, door, known, on_retry=slept.heard, retry=policy, learnt=learnt
    )


async def collect(model: RemoteModel) -> list[StreamEvent]:
    async with model.stream(ASK) as events:
        return [event async for event in events]


def text(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def paths(server: ModelServer) -> list[str]:
    return [seen.path for seen in server.requests]


@pytest.mark.parametrize(
    ("provider", "url", "api", "expected"),
    [
        ("openai", "https://api.openai.com/v1", "auto", ("https://api.openai.com/v1", "openai_responses")),
        ("openai", "https://eu.api.openai.com/v1", "auto", ("https://eu.api.openai.com/v1", "openai_responses")),
        ("openai", "https://api.openai.com/v1", "chat", ("https://api.openai.com/v1", "openai_chat")),
        ("openai", "https://h/v1", "auto", ("https://h/v1", "openai_chat", "openai_responses")),
        ("openai", "https://xapi.openai.com.h/v1", "auto", ("https://xapi.openai.com.h/v1", "openai_chat", "openai_responses")),
        ("openai", "https://h/v1", "responses", ("https://h/v1", "openai_responses")),
        ("compat", "https://h/v1", "auto", ("https://h/v1", "openai_chat", "openai_responses")),
        ("compat", "https://h/v1", "chat", ("https://h/v1", "openai_chat")),
        ("compat", "https://h/v1/responses", "auto", ("https://h/v1", "openai_responses")),
        ("openai", "https://h/v1/chat/completions", "auto", ("https://h/v1", "openai_chat")),
        ("openai", "https://h/v1/responses", "chat", ("https://h/v1", "openai_chat")),
        ("deepseek", "https://h/v1", "responses", ("https://h/v1", "openai_chat")),
        ("anthropic", "https://h/v1/responses", "responses", ("https://h/v1/responses", "anthropic")),
    ],
)  # fmt: skip
def test_the_wires_of_a_base_url(provider: str, url: str, api: str, expected: tuple[str, ...]) -> None:
    base, wires = wires_for(PROVIDERS[provider], url, api)
    assert (base, *wires) == expected


async def test_openai_itself_speaks_responses(door: Door) -> None:
    endpoint = models(door, {"OPENAI_API_KEY": "k"}).endpoint(PROVIDERS["openai"])
    assert (endpoint.base_url, endpoint.wires) == ("https://api.openai.com/v1", ("openai_responses",))


async def test_chat_completions_come_first_elsewhere(door: Door) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        assert text(await collect(remote(server, door, slept))) == "Hello"
        assert paths(server) == [CHAT]


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("body", [b"", b"404 page not found", b'{"detail":"Not Found"}', b"<h1>Not a model page</h1>"])
async def test_the_other_path_is_tried_and_remembered(door: Door, status: int, body: bytes) -> None:
    slept, learnt = Slept(), Learnt()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=status, body=body)]
        for _ in range(2):  # two models, as two turns have them
            events = await collect(remote(server, door, slept, learnt))
            assert text(events) == "Hello"
            assert events[-1] == Finished("end_turn")
        assert paths(server) == [CHAT, RESPONSES, RESPONSES]
        assert [seen.json.get("prompt_cache_key") for seen in server.requests] == [None, "s", "s"]
        assert len({seen.connection for seen in server.requests}) == 1
    assert (slept.told, slept.delays_s) == ([], [])


async def test_what_was_learnt_outlives_a_turn(door: Door) -> None:
    async with ModelServer(HELLO, missing=("/chat/completions",)) as server:
        chosen = models(door, {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.url})
        for _ in range(2):
            async with (await chosen.resolve("openai/m")).stream(ASK) as events:
                assert text([event async for event in events]) == "Hello"
        assert paths(server) == [CHAT, RESPONSES, RESPONSES]


async def test_a_missing_model_is_not_looked_for_elsewhere(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [NO_MODEL]
        with pytest.raises(errors.UnknownModel, match="does not exist"):
            await collect(remote(server, door, Slept()))
        assert paths(server) == [CHAT]


async def test_a_model_that_only_the_other_api_has(door: Door) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=404, body=ONLY_THERE)]
        for model in ("gpt-5.3-codex", "gpt-5.3-codex", "gpt-4o"):
            assert text(await collect(remote(server, door, Slept(), learnt, model))) == "Hello"
        assert paths(server) == [CHAT, RESPONSES, RESPONSES, CHAT]


async def test_neither_path_is_there(door: Door) -> None:
    slept, learnt = Slept(), Learnt()
    async with ModelServer(HELLO, missing=("/chat/completions", "/responses")) as server:
        for _ in range(2):
            with pytest.raises(errors.UnknownModel) as caught:
                await collect(remote(server, door, slept, learnt))
        assert paths(server) == [CHAT, RESPONSES] * 2  # nothing was learnt
    assert "Asked at /chat/completions and at /responses." in str(caught.value)
    assert caught.value.advice
    assert slept.told == []


async def test_an_error_of_the_other_path_is_the_one_that_counts(door: Door) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO, missing=("/chat/completions",)) as server:
        server.faults = [Fault("status", status=401, body=b'{"error":{"message":"Incorrect API key"}}')]
        with pytest.raises(errors.AuthRejected, match="Incorrect API key"):
            await collect(remote(server, door, Slept(), learnt))
        assert text(await collect(remote(server, door, Slept(), learnt))) == "Hello"
        assert paths(server) == [CHAT, RESPONSES, RESPONSES]


async def test_a_busy_server_is_tried_again_at_both(door: Door) -> None:
    slept = Slept()
    async with ModelServer(HELLO, missing=("/chat/completions",)) as server:
        server.faults = [Fault("status", status=503)]
        assert text(await collect(remote(server, door, slept))) == "Hello"
        assert paths(server) == [CHAT, RESPONSES] * 2
    assert slept.delays_s == [0.5]


async def test_a_path_that_goes_away_is_looked_for_again(door: Door) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO) as server:
        server.missing = ("/chat/completions",)
        assert text(await collect(remote(server, door, Slept(), learnt))) == "Hello"
        server.missing = ("/responses",)
        assert text(await collect(remote(server, door, Slept(), learnt))) == "Hello"
        assert paths(server) == [CHAT, RESPONSES, RESPONSES, CHAT]


@pytest.mark.parametrize(("api", "expected"), [("chat", [CHAT]), ("responses", [RESPONSES])])
@pytest.mark.parametrize("provider", ["openai", "compat"])
async def test_a_setting_forces_one(door: Door, provider: str, api: str, expected: list[str]) -> None:
    async with ModelServer(HELLO) as server:
        chosen = models(door, {}, name=f"{provider}/m", base_url=server.url, api=api)
        async with (await chosen.resolve()).stream(ASK) as events:
            assert text([event async for event in events]) == "Hello"
        assert paths(server) == expected


async def test_a_forced_path_that_is_missing_is_an_error(door: Door) -> None:
    async with ModelServer(HELLO, missing=("/chat/completions",)) as server:
        chosen = models(door, {}, name="openai/m", base_url=server.url, api="chat")
        with pytest.raises(errors.UnknownModel):
            async with (await chosen.resolve()).stream(ASK) as events:
                await anext(events)
        assert paths(server) == [CHAT]


async def test_a_base_url_may_name_the_endpoint(door: Door) -> None:
    async with ModelServer(HELLO, missing=("/v1/responses",)) as server:
        for end in ("/x/responses", "/x/chat/completions/"):
            chosen = models(door, {"OPENAI_BASE_URL": server.url + end, "OPENAI_API_KEY": "k"})
            async with (await chosen.resolve("openai/m")).stream(ASK) as events:
                assert text([event async for event in events]) == "Hello"
        assert paths(server) == ["/x/responses", "/x/chat/completions"]


SUMMARY = b'{"error":{"message":"Your organization must be verified","param":"reasoning.summary"}}'
STALE = {"message": "The encrypted content could not be verified.", "code": "invalid_encrypted_content"}


async def test_a_refused_summary_is_not_asked_for_again(door: Door) -> None:
    slept, learnt = Slept(), Learnt()
    async with ModelServer(HELLO, missing=("/chat/completions",)) as server:
        server.faults = [Fault("status", status=400, body=SUMMARY)]
        for _ in range(2):
            assert text(await collect(remote(server, door, slept, learnt))) == "Hello"
        assert paths(server) == [CHAT, RESPONSES, RESPONSES, RESPONSES]
        asked = [seen.json["reasoning"] for seen in server.requests[1:]]
        assert asked == [{"summary": "auto"}, {}, {}]
    assert slept.told == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=400, body=json.dumps({"error": STALE}).encode()),
        Fault("status", status=404, body=b'{"error":{"message":"Item with id \'rs_old\' not found."}}'),
        Fault("error_event", after=2, payload={"type": "error", "error": STALE}),
    ],
)
async def test_reasoning_of_another_account_is_left_out(door: Door, fault: Fault) -> None:
    slept, learnt = Slept(), Learnt()
    async with ModelServer(HELLO) as server:
        learnt.take_wire(f"{server.url}/v1", "", "openai_responses")
        server.faults = [fault]
        for _ in range(2):
            assert text(await collect(remote(server, door, slept, learnt))) == "Hello"
        kinds = [[item["type"] for item in seen.json["input"]] for seen in server.requests]
    assert kinds == [["message", "reasoning", "message", "message"], ["message"] * 3, ["message"] * 3]
    assert slept.told == []


async def test_a_server_that_refuses_for_ever_is_believed(door: Door) -> None:
    learnt = Learnt()
    async with ModelServer(HELLO) as server:
        learnt.take_wire(f"{server.url}/v1", "", "openai_responses")
        server.faults = [Fault("status", status=400, body=SUMMARY)] * 9
        with pytest.raises(errors.BadRequest, match="must be verified"):
            await collect(remote(server, door, Slept(), learnt))
        assert len(server.requests) == 2
