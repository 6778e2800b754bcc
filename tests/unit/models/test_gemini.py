"""Gemini over real sockets: where requests go, the array, Google's errors and quotas, and what a turn makes of them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.stream import Finished, ModelRequest, StreamEvent, TextDelta, UsageReport
from copydesk.egress.door import Door, Limits
from copydesk.models.failures import Origin, from_object, from_status
from copydesk.models.google_errors import duration_s
from copydesk.models.remote import RemoteModel
from copydesk.models.script import Script
from copydesk.models.scripted import ScriptedModel
from copydesk.models.selection import Models, ModelSettings
from tests.support.gemini_events import gemini_array
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept
from tests.unit.models.test_sockets import collect, final, model

HELLO = Script.parse("text: Hello\nusage: in=10 out=2 cached=4\nloop")
SAID = [TextDelta("Hello"), UsageReport(Usage(10, 2, 4)), Finished("end_turn")]
ORIGIN = Origin("Gemini", "host", "m", "GEMINI_API_KEY")
ARRAYS = {":streamGenerateContent": gemini_array}


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door(limits=Limits(connect_s=2, first_byte_s=2, between_bytes_s=2)) as door:
        yield door


def chosen(door: Door, env: dict[str, str], **settings: Any) -> Models:
    return Models(ModelSettings(**settings), env, door, lambda: ScriptedModel(HELLO, "offline"))


async def test_the_key_travels_in_a_header_and_never_in_the_address(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        env = {"GEMINI_BASE_URL": server.url, "GEMINI_API_KEY": "AIza-secret"}
        answering = await chosen(door, env).resolve("gemini/models/gemini-3.8-flash")
        assert isinstance(answering, RemoteModel)
        assert final(await collect(answering)) == SAID
        seen = server.requests[0]
    assert seen.path == "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    assert seen.headers["x-goog-api-key"] == "AIza-secret"
    assert "authorization" not in seen.headers
    assert seen.json["generationConfig"] == {"thinkingConfig": {"includeThoughts": True}}
    assert answering.name == "gemini/models/gemini-3.8-flash"


@pytest.mark.parametrize("version", ["/v1beta", "/v1", "/some/gateway"])
async def test_a_path_that_is_given_is_kept(door: Door, version: str) -> None:
    async with ModelServer(HELLO) as server:
        answering = await chosen(door, {"GEMINI_BASE_URL": server.url + version}).resolve("gemini/g")
        assert isinstance(answering, RemoteModel)
        await collect(answering)
    assert server.requests[0].path == f"{version}/models/g:streamGenerateContent?alt=sse"


@pytest.mark.parametrize("end", ["", "/", "/chat/completions"])
async def test_the_compatible_endpoint_keeps_the_chat_wire(door: Door, end: str) -> None:
    async with ModelServer(HELLO) as server:
        env = {"GEMINI_BASE_URL": f"{server.url}/v1beta/openai{end}", "GEMINI_API_KEY": "k"}
        answering = await chosen(door, env).resolve("gemini/gemini-2.5-flash")
        assert isinstance(answering, RemoteModel)
        request = ModelRequest("s", (Message("user", (Text("hi"),)),), thinking="high")
        async with answering.stream(request) as stream:
            assert final([event async for event in stream]) == SAID
    seen = server.requests[0]
    assert seen.path == "/v1beta/openai/chat/completions"
    assert seen.headers["authorization"] == "Bearer k"
    assert seen.json["reasoning_effort"] == "high"


async def test_a_key_in_the_base_url_is_refused_and_not_repeated(door: Door) -> None:
    env = {"GEMINI_BASE_URL": "https://generativelanguage.googleapis.com/v1beta?key=AIza-secret"}
    with pytest.raises(errors.ConfigError, match="GEMINI_BASE_URL") as caught:
        await chosen(door, env).resolve("gemini/g")
    assert "secret" not in str(caught.value)


async def test_json_nested_without_end_is_named(door: Door) -> None:
    deep = b'{"candidates": ' + b"[" * 200_000
    async with ModelServer(HELLO) as server:
        for body in (deep, b"data: " + deep + b"\n\n"):
            server.faults = [Fault("body", body=body)]
            with pytest.raises(errors.BadStream):
                await collect(model(server, door, "gemini"))
        server.faults = [Fault("status", status=400, body=deep)]
        with pytest.raises(errors.BadRequest):
            await collect(model(server, door, "gemini"))


async def test_auto_asks_a_server_on_this_machine_what_it_has(door: Door) -> None:
    async with ModelServer(HELLO, models=("gemini-embedding-2", "gemini-local")) as server:
        answering = await chosen(door, {"GEMINI_BASE_URL": server.url}).resolve("auto")
    assert answering.name == "gemini/gemini-local"


async def test_a_server_that_ignores_the_query_streams_its_array(door: Door) -> None:
    """The first text is there before the body ends."""
    async with ModelServer(Script.parse("chunk: 2\ntext: Hello\nloop"), wires=ARRAYS) as server:
        assert (
            "".join(e.text for e in await collect(model(server, door, "gemini")) if isinstance(e, TextDelta)) == "Hello"
        )
        server.faults = [Fault("bytes")]
        assert (await collect(model(server, door, "gemini")))[-1] == Finished("end_turn")
        server.faults = [Fault("stall", after=1)]
        async with model(server, door, "gemini").stream(ModelRequest("", (Message("user", (Text("hi"),)),))) as stream:
            assert await anext(stream) == TextDelta("He")


async def test_an_array_that_is_cut_off_says_so(door: Door) -> None:
    async with ModelServer(Script.parse("chunk: 2\ntext: Hello\nloop"), wires=ARRAYS) as server:
        server.faults = [Fault("end", after=2)]
        assert await collect(model(server, door, "gemini")) == [TextDelta("He"), TextDelta("ll"), Finished("cut_off")]


@pytest.mark.parametrize("as_list", [False, True])
async def test_a_whole_answer_is_understood(door: Door, as_list: bool) -> None:
    answer: Any = {
        "candidates": [{"content": {"parts": [{"text": "Hello"}], "role": "model"}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2, "cachedContentTokenCount": 4},
    }
    body = json.dumps([answer] if as_list else answer, indent=2).encode()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=body), Fault("body", body=body, headers={"content-encoding": "gzip"})]
        for _ in range(2):
            assert await collect(model(server, door, "gemini")) == SAID


@pytest.mark.parametrize("body", [b"[]", b"[1, 2]", b'["a"]', b"[{]"])
async def test_an_array_of_nothing_is_named(door: Door, body: bytes) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=body)]
        with pytest.raises(errors.BadStream, match="instead of a model's stream"):
            await collect(model(server, door, "gemini"))


async def test_a_malformed_call_is_asked_for_again(door: Door) -> None:
    slept = Slept()
    bad = json.dumps({"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL"}]}).encode()
    async with ModelServer(HELLO) as server:
        server.faults = [
            Fault("body", body=b"data: " + bad + b"\r\n\r\n", headers={"content-type": "text/event-stream"})
        ]
        assert final(await collect(model(server, door, "gemini", slept))) == SAID
    assert "MALFORMED_FUNCTION_CALL" in slept.told[0][2]


def google(status: str, code: int, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    types = [detail | {"@type": f"type.googleapis.com/google.rpc.{detail['@type']}"} for detail in details]
    return {"error": {"code": code, "message": message, "status": status, "details": types}}


PLAN = "You exceeded your current quota, please check your plan and billing details."
RETRY = {"@type": "RetryInfo", "retryDelay": "37.5s"}
MINUTE = {
    "@type": "QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject", "quotaValue": "5"}],
}
DAY = {"@type": "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
ZERO = {"@type": "QuotaFailure", "violations": [{"quotaId": "GenerateContentInputTokensPerMinute", "quotaValue": "0"}]}
BAD_KEY = {"@type": "ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
OUT, WRONG = "RESOURCE_EXHAUSTED", "INVALID_ARGUMENT"

CASES: list[tuple[dict[str, Any], type[errors.ModelError], float | None, str]] = [
    (google(OUT, 429, PLAN, MINUTE, RETRY), errors.RateLimited, 37.5, "Wait"),
    (google(OUT, 429, f"{PLAN} Please retry in 59.1s."), errors.RateLimited, 59.1, "Wait"),
    (google(OUT, 429, "Please retry in 1h2m3s."), errors.RateLimited, 3723.0, "Wait"),
    (google(OUT, 429, "Please retry in 250ms"), errors.RateLimited, 0.25, "Wait"),
    (google(OUT, 429, PLAN), errors.RateLimited, None, "Wait"),
    (google(OUT, 429, PLAN, DAY, RETRY), errors.BadRequest, None, "midnight"),
    (google(OUT, 429, PLAN, MINUTE, DAY), errors.BadRequest, None, "midnight"),
    (google(OUT, 429, PLAN, ZERO, RETRY), errors.BadRequest, None, "no quota"),
    (google(OUT, 429, f"{PLAN} limit: 0, model: gemini-pro\nPlease retry in 9s."), errors.BadRequest, None, "no quota"),
    (google(OUT, 429, f"{PLAN} limit: 0.5"), errors.RateLimited, None, "Wait"),
    (google(OUT, 429, "Your prepayment credits are depleted."), errors.BadRequest, None, "credit"),
    (google(WRONG, 400, "API key not valid. Please pass a valid API key.", BAD_KEY), errors.AuthRejected, None, "GEMINI_API_KEY"),
    (google("PERMISSION_DENIED", 403, "Method doesn't allow unregistered callers"), errors.AuthRejected, None, "GEMINI"),
    (google("FAILED_PRECONDITION", 400, "User location is not supported for the API use.", BAD_KEY | {"reason": "X"}), errors.BadRequest, None, "country"),
    (google("NOT_FOUND", 404, "models/g is not found for API version v1beta"), errors.UnknownModel, None, "name"),
    (google(WRONG, 400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."), errors.ContextOverflow, None, "session"),
    (google(WRONG, 400, "Function call is missing a thought_signature"), errors.BadRequest, None, "settings"),
    (google("UNAVAILABLE", 503, "The model is overloaded.", RETRY), errors.Overloaded, 37.5, "again"),
    (google("INTERNAL", 500, "An internal error has occurred."), errors.Overloaded, None, "again"),
    (google("DEADLINE_EXCEEDED", 504, "Deadline expired"), errors.ModelTimeout, None, "again"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "wait_s", "says"), CASES)
@pytest.mark.parametrize("as_list", [False, True])
def test_googles_errors(
    body: Any, kind: type[errors.ModelError], wait_s: float | None, says: str, as_list: bool
) -> None:
    raw = [body] if as_list else body
    found = from_status(body["error"]["code"], {}, json.dumps(raw).encode(), ORIGIN)
    inside = from_object(raw, ORIGIN)
    for error in (found, inside):
        assert type(error) is kind
        assert says in error.advice
        assert body["error"]["message"][:30] in error.message
    assert getattr(found, "retry_after_s", None) == wait_s


def test_a_header_goes_before_the_details() -> None:
    body = json.dumps(google(OUT, 429, PLAN, MINUTE, RETRY)).encode()
    found = from_status(429, {"retry-after": "7"}, body, ORIGIN)
    assert isinstance(found, errors.RateLimited)
    assert found.retry_after_s == 7


def test_others_quota_words_still_mean_money() -> None:
    openai = {"error": {"message": PLAN, "type": "insufficient_quota", "code": "insufficient_quota"}}
    assert type(from_status(429, {}, json.dumps(openai).encode(), ORIGIN)) is errors.BadRequest


async def test_a_minutes_quota_is_waited_for_and_a_days_is_not(door: Door) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        minute = json.dumps(google(OUT, 429, PLAN, MINUTE, RETRY)).encode()
        server.faults = [Fault("status", status=429, body=minute)]
        assert final(await collect(model(server, door, "gemini", slept))) == SAID
        assert slept.delays_s == [37.5]
        server.faults = [Fault("status", status=429, body=json.dumps(google(OUT, 429, PLAN, DAY, RETRY)).encode())]
        with pytest.raises(errors.BadRequest, match="quota"):
            await collect(model(server, door, "gemini", slept))
        assert len(server.requests) == 3
    assert slept.delays_s == [37.5]


async def test_an_error_that_breaks_in_without_a_field_is_no_cut(door: Door) -> None:
    head = b'data: {"candidates": [{"content": {"parts": [{"text": "He"}]}}]}\r\n\r\n'
    body = head + json.dumps(google("UNAVAILABLE", 503, "overloaded"), indent=2).encode()
    events: list[StreamEvent] = []
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=body, headers={"content-type": "text/event-stream"})]
        with pytest.raises(errors.Overloaded, match="overloaded"):
            await collect(model(server, door, "gemini"), events)
    assert events == [TextDelta("He")]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("37.5s", 37.5),
        ("900ms", 0.9),
        ("1h2m3s", 3723),
        ("2m", 120),
        ("", None),
        ("5", None),
        ("x", None),
        (None, None),
    ],
)
def test_durations(text: object, seconds: float | None) -> None:
    assert duration_s(text) == seconds
