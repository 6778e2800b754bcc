"""Every wire over real sockets: what arrives, what is reused, and every fault a network or a server has."""

import json
import time
from collections.abc import AsyncIterator

import anyio
import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Message, Text, Usage
from copydesk.domain.stream import (
    Finished,
    ModelRequest,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.egress.door import Door, Limits
from copydesk.models.catalog import entry
from copydesk.models.providers import PROVIDERS
from copydesk.models.remote import Endpoint, Patience, RemoteModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.script import Script
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept

ASK = ModelRequest("Be brief.", (Message("user", (Text("hi"),)),))
WIRES = ("openai", "anthropic", "responses", "gemini")
BEGUN = {"openai": 3, "anthropic": 3, "responses": 5, "gemini": 3}
"""After how many events some text has come."""
HELLO = Script.parse("text: Hello\nusage: in=10 out=2 cached=4\nloop")
BUSY = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
SAID = [TextDelta("Hello"), UsageReport(Usage(10, 2, 4)), Finished("end_turn")]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door(limits=Limits(connect_s=2, first_byte_s=2, between_bytes_s=2)) as door:
        yield door


def endpoint(server: ModelServer, wire: str) -> Endpoint:
    if wire == "responses":
        return Endpoint(PROVIDERS["openai"], f"{server.url}/v1", "sk-secret", wires=("openai_responses",))
    return Endpoint(PROVIDERS[wire], f"{server.url}/v1", "sk-secret")


def model(server: ModelServer, door: Door, wire: str, slept: Slept | None = None, **waits: float) -> RemoteModel:
    slept = slept or Slept()
    limits = Limits(2, waits.pop("first_byte_s", 2), waits.pop("between_bytes_s", 2), 2)
    return RemoteModel(
        f"{wire}/m",
        "m",
        endpoint(server, wire),
        door,
        entry(f"{wire}/m"),
        on_retry=slept.heard,
        retry=RetryPolicy(sleep=slept.sleep, chance=lambda: 0.5),
        patience=Patience(after_reason_s=waits.pop("after_reason_s", 0.2), limits=limits, **waits),
    )


async def collect(model: RemoteModel, into: list[StreamEvent] | None = None) -> list[StreamEvent]:
    events: list[StreamEvent] = [] if into is None else into
    async with model.stream(ASK) as stream:
        async for event in stream:
            events.append(event)
    return events


def final(events: list[StreamEvent]) -> list[StreamEvent]:
    """Without the usage reports that a later one replaced."""
    last = [event for event in events if isinstance(event, UsageReport)][-1:]
    return [event for event in events if not isinstance(event, UsageReport) or event is last[0]]


@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_with_everything_in_it(door: Door, wire: str) -> None:
    script = Script.parse('think: hm\nchunk: 3\ntext: Hello\ntool: a {"x": 1}\ntool_raw: b {"y\nusage: in=9 out=3')
    async with ModelServer(script) as server:
        events = await collect(model(server, door, wire))
    calls = [event for event in events if isinstance(event, ToolCallStart)]
    assert [(call.index, call.name) for call in calls] == [(0, "a"), (1, "b")]
    pieces = [[event.json for event in events if isinstance(event, ToolCallDelta) and event.index == i] for i in (0, 1)]
    assert ["".join(some) for some in pieces] == ['{"x": 1}', '{"y']
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello"
    assert [event.text for event in events if isinstance(event, ThinkingDelta)] == ["hm"]
    assert sum(isinstance(event, ThinkingEnd) for event in events) == 1
    assert final(events)[-2:] in ([UsageReport(Usage(9, 3)), Finished("tool_calls")],)


@pytest.mark.parametrize("wire", WIRES)
async def test_one_connection_serves_many_requests(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        for _ in range(3):
            assert final(await collect(model(server, door, wire))) == SAID
        assert (server.n_connections, len(server.requests)) == (1, 3)


async def test_keys_travel_in_each_providers_own_header(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        await collect(model(server, door, "openai"))
        await collect(model(server, door, "anthropic"))
        await collect(model(server, door, "responses"))
        openai, anthropic, responses = server.requests
    assert openai.path == "/v1/chat/completions"
    assert openai.headers["authorization"] == "Bearer sk-secret"
    assert anthropic.path == "/v1/messages"
    assert anthropic.headers["x-api-key"] == "sk-secret"
    assert anthropic.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in anthropic.headers
    assert responses.path == "/v1/responses"
    assert responses.headers["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", ["comments", "bytes"])
async def test_odd_chunks_and_comments_change_nothing(door: Door, wire: str, kind: str) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault(kind)]  # pyright: ignore[reportArgumentType]
        assert final(await collect(model(server, door, wire))) == SAID


@pytest.mark.parametrize("wire", WIRES)
async def test_a_missing_end_marker_is_no_loss_when_the_reason_is_known(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("no_done")]
        assert final(await collect(model(server, door, wire))) == SAID


@pytest.mark.parametrize("wire", WIRES)
async def test_a_body_that_stays_open_after_its_end_delays_little(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("no_close")]
        began_s = time.monotonic()
        assert final(await collect(model(server, door, wire))) == SAID
        assert time.monotonic() - began_s < 1.5


@pytest.mark.parametrize("wire", WIRES)
async def test_a_stream_that_just_ends_is_cut_off(door: Door, wire: str) -> None:
    async with ModelServer(Script.parse("chunk: 1\ntext: Hello\nfinish: cut_off")) as server:
        events = await collect(model(server, door, wire))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello"
    assert events[-1] == Finished("cut_off")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", ["reset", "stall"])
async def test_no_retry_once_output_has_begun(door: Door, wire: str, kind: str) -> None:
    events: list[StreamEvent] = []
    async with ModelServer(Script.parse("chunk: 1\ntext: Hello\nloop")) as server:
        server.faults = [Fault(kind, after=BEGUN[wire])]  # pyright: ignore[reportArgumentType]
        with pytest.raises(errors.ConnectionLost if kind == "reset" else errors.ModelTimeout) as caught:
            await collect(model(server, door, wire, between_bytes_s=0.2), events)
        assert len(server.requests) == 1
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert said
    assert "Hello".startswith(said)
    assert caught.value.advice


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("fault", "delay_s"),
    [
        (Fault("status", status=429, headers={"retry-after": "7"}), 7.0),
        (Fault("status", status=429, headers={"retry-after-ms": "1500"}), 1.5),
        (Fault("status", status=529), 0.5),
        (Fault("status", status=500, body=b"<html><title>Bad day</title></html>"), 0.5),
        (
            Fault("error_event", payload={"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
            0.5,
        ),
        (Fault("reset"), 0.5),
        (Fault("stall"), 0.5),
        (Fault("close"), 0.5),
    ],
)
async def test_transient_failures_are_tried_again(door: Door, wire: str, fault: Fault, delay_s: float) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        server.faults = [fault]
        waits = {"between_bytes_s": 0.2, "first_byte_s": 0.2}
        assert final(await collect(model(server, door, wire, slept, **waits))) == SAID
        assert len(server.requests) == 2
    assert slept.delays_s == [delay_s]
    assert [(attempt, wait_s) for attempt, wait_s, _ in slept.told] == [(1, delay_s)]
    assert slept.told[0][2]


async def test_at_most_five_tries_with_growing_waits(door: Door) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=503)] * 9
        with pytest.raises(errors.Overloaded, match="503"):
            await collect(model(server, door, "openai", slept))
        assert len(server.requests) == 5
    assert slept.delays_s == [0.5, 1.0, 2.0, 4.0]


async def test_a_wait_beyond_the_cap_is_not_waited(door: Door) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=429, headers={"retry-after": "86400"})]
        with pytest.raises(errors.RateLimited) as caught:
            await collect(model(server, door, "openai", slept))
    assert caught.value.retry_after_s == 86400
    assert slept.delays_s == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, b'{"error":{"message":"Incorrect API key provided: sk-secret"}}', errors.AuthRejected, "OPENAI_API_KEY"),
        (403, b"{}", errors.AuthRejected, "offline"),
        (404, b'{"error":{"message":"The model `m` does not exist"}}', errors.UnknownModel, "does not exist"),
        (400, b'{"error":{"message":"bad","type":"invalid_request_error"}}', errors.BadRequest, "bad"),
        (400, b'{"error":{"code":"context_length_exceeded","message":"too long"}}', errors.ContextOverflow, "session"),
        (413, b"", errors.ContextOverflow, "413"),
        (429, b'{"error":{"code":"insufficient_quota","message":"You exceeded"}}', errors.BadRequest, "credit"),
        (404, b"<html><head><title>404 Not Found</title></head></html>", errors.UnknownModel, "404 Not Found"),
        (422, b'{"detail":[{"msg":"field required"}]}', errors.BadRequest, "field required"),
    ],
)
async def test_permanent_failures_come_at_once(
    door: Door, status: int, body: bytes, kind: type[errors.ModelError], says: str
) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=status, body=body)]
        with pytest.raises(kind) as caught:
            await collect(model(server, door, "openai", slept))
        assert len(server.requests) == 1
    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert caught.value.advice
    assert "sk-secret" not in str(caught.value)
    assert slept.told == []


async def test_an_error_in_the_stream_does_not_repeat_the_key(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("error_event", payload={"error": {"message": "bad sk-secret", "type": "invalid_key"}})]
        with pytest.raises(errors.BadRequest, match=r"bad \*\*\*"):
            await collect(model(server, door, "openai"))


async def test_a_redirect_is_named_and_not_followed(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=302, headers={"location": "https://evil.example/v1/x"})]
        with pytest.raises(errors.BadRequest, match=r"evil\.example"):
            await collect(model(server, door, "openai"))
        assert len(server.requests) == 1


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("content_type", ["text/html", "text/event-stream"])
async def test_a_web_page_is_called_one(door: Door, wire: str, content_type: str) -> None:
    page = b"\n<!doctype html><title>Sign in</title>"
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=page, headers={"content-type": content_type})]
        with pytest.raises(errors.BadStream, match=r"web page \(Sign in\)"):
            await collect(model(server, door, wire))


async def test_a_server_that_does_not_stream_is_understood(door: Door) -> None:
    body = {
        "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
    }
    async with ModelServer(HELLO) as server:
        packed = Fault("body", body=json.dumps(body).encode(), headers={"content-encoding": "gzip"})
        server.faults = [Fault("body", body=json.dumps(body).encode()), packed]
        assert await collect(model(server, door, "openai")) == SAID
        assert await collect(model(server, door, "openai")) == SAID


async def test_a_whole_response_is_understood(door: Door) -> None:
    text = {"type": "output_text", "text": "Hello", "annotations": []}
    body = {
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}],
        "usage": {"input_tokens": 10, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}},
    }
    async with ModelServer(HELLO) as server:
        packed = Fault("body", body=json.dumps(body).encode(), headers={"content-encoding": "gzip"})
        server.faults = [Fault("body", body=json.dumps(body).encode()), packed]
        for _ in range(2):
            events = await collect(model(server, door, "responses"))
            assert sorted(map(repr, events)) == sorted(map(repr, SAID))
            assert events[-1] == Finished("end_turn")


async def test_an_empty_body_is_tried_again_then_named(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body"), None]
        assert final(await collect(model(server, door, "openai"))) == SAID
        server.faults = [Fault("body", headers={"content-type": "text/event-stream"})] * 5
        with pytest.raises(errors.ConnectionLost, match="before it said anything"):
            await collect(model(server, door, "openai"))


async def test_a_stale_connection_is_replaced_at_once(door: Door) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        await collect(model(server, door, "openai"))
        server.faults = [Fault("close")]
        assert final(await collect(model(server, door, "openai", slept))) == SAID
    assert slept.delays_s == []
    assert slept.told[0][:2] == (1, 0.0)


async def test_nothing_listening_is_said_at_once(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        pass
    slept = Slept()
    with pytest.raises(errors.ConnectionLost, match="Nothing listens at"):
        await collect(model(server, door, "openai", slept))
    assert slept.told == []


async def test_only_keep_alives_are_not_an_answer(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        slow = model(server, door, "openai", silence_s=0.0)
        server.faults = [Fault("bytes")] * 5
        with pytest.raises(errors.ModelTimeout, match="kept the connection alive"):
            await collect(slow)


@pytest.mark.parametrize("wire", WIRES)
async def test_cancelling_closes_the_socket(door: Door, wire: str) -> None:
    async with ModelServer(Script.parse("chunk: 1\ntext: Hello")) as server:
        server.faults = [Fault("stall", after=BEGUN[wire])]
        answering = model(server, door, wire)
        with anyio.CancelScope() as scope:
            async with answering.stream(ASK) as stream:
                async for event in stream:
                    if isinstance(event, TextDelta):
                        scope.cancel()
        assert scope.cancelled_caught
        with anyio.fail_after(0.1):
            await server.disconnected.wait()


@pytest.mark.parametrize("wire", WIRES)
async def test_leaving_early_closes_the_socket(door: Door, wire: str) -> None:
    async with ModelServer(Script.parse("chunk: 1\ntext: Hello")) as server:
        server.faults = [Fault("stall", after=BEGUN[wire])]
        async with model(server, door, wire).stream(ASK) as stream:
            assert await anext(stream)
        with anyio.fail_after(0.1):
            await server.disconnected.wait()


async def test_a_huge_line_is_refused(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        huge = b"data: " + b"x" * (17 * 1024 * 1024)
        server.faults = [Fault("body", body=huge, headers={"content-type": "text/event-stream"})]
        with pytest.raises(errors.BadStream, match="line of more than"):
            await collect(model(server, door, "openai"))
