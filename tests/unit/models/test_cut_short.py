"""Answers that end before they said anything, and addresses that are none: what is tried again, and what never is."""

import pytest

from copydesk.domain import errors
from copydesk.domain.stream import Finished, TextDelta, UsageReport
from copydesk.egress.door import Door
from tests.support.model_server import Fault, ModelServer
from tests.support.slept import Slept
from tests.unit.models.test_sockets import HELLO, WIRES, collect, door, model

__all__ = ["door"]

BARE = {
    "openai": b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n',
    "anthropic": b'data: {"type": "message_start", "message": {"usage": {"input_tokens": 3}}}\n\ndata: {"type": "ping"}\n\n',
    "responses": b'data: {"type": "response.created", "response": {"id": "r", "output": []}}\n\n',
    "gemini": b'data: {"usageMetadata": {"promptTokenCount": 3}}\n\n',
}
"""The beginning of an answer, in which nothing is said yet."""


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("after", [b"", b"data: [DONE]\n\n"], ids=["end", "done"])
async def test_an_answer_that_ends_before_it_says_anything_is_asked_for_again(
    door: Door, wire: str, after: bytes
) -> None:
    slept = Slept()
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=BARE[wire] + after, headers={"content-type": "text/event-stream"})]
        events = await collect(model(server, door, wire, slept))
        assert len(server.requests) == 2
    said = [event for event in events if not isinstance(event, UsageReport)]
    assert said == [TextDelta("Hello"), Finished("end_turn")]
    assert "before it said anything" in slept.told[0][2]


@pytest.mark.parametrize("body", [b"d", b"dat", b"eve", b"id: 1\n", b"retry: 5\n\n", b": hi"])
async def test_an_answer_cut_inside_its_first_line_is_asked_for_again(door: Door, body: bytes) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=body, headers={"content-type": "text/event-stream"})]
        events = await collect(model(server, door, "openai"))
        assert len(server.requests) == 2
    assert events[0] == TextDelta("Hello")


@pytest.mark.parametrize("wire", WIRES)
async def test_where_nothing_is_ever_said_the_error_says_what_to_check(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("body", body=BARE[wire], headers={"content-type": "text/event-stream"})] * 9
        with pytest.raises(errors.ConnectionLost, match="before it said anything") as caught:
            await collect(model(server, door, wire))
    assert "base URL" in caught.value.advice


async def test_another_apis_events_are_not_an_answer_that_broke_off(door: Door) -> None:
    async with ModelServer(HELLO) as server:
        chat = b'data: {"choices": [{"index": 0, "delta": {"content": "Hello"}}]}\n\ndata: [DONE]\n\n'
        server.faults = [Fault("body", body=chat, headers={"content-type": "text/event-stream"})] * 9
        with pytest.raises(errors.ConnectionLost, match="before it said anything"):
            await collect(model(server, door, "responses"))


@pytest.mark.parametrize("wire", WIRES)
async def test_a_redirect_to_no_address_is_not_followed_and_not_tried_again(door: Door, wire: str) -> None:
    async with ModelServer(HELLO) as server:
        server.faults = [Fault("status", status=307, headers={"location": "http://[::"})] * 2
        with pytest.raises(errors.BadRequest, match="redirect") as caught:
            await collect(model(server, door, wire))
        assert len(server.requests) == 1
    assert caught.value.another_may
