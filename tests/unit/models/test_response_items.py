"""Items of a Responses stream in every manner that servers have of sending them."""

import json
from typing import Any

import pytest

from copydesk.agent.streaming import CUT_OFF, Assembly
from copydesk.domain import errors
from copydesk.domain.messages import Text, Thinking, ToolCall, Usage
from copydesk.domain.stream import Finished, FinishReason, RefusalDelta, StreamEvent, ToolCallStart, UsageReport
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires.openai_responses import ResponsesDecoder

Payload = dict[str, Any]
ORIGIN = Origin("Test", "host", "m")
CALL: Payload = {"type": "function_call", "id": "fc1", "call_id": "c1", "name": "read"}
OTHER: Payload = {"type": "function_call", "id": "fc2", "call_id": "c2", "name": "grep"}
WHOLE = CALL | {"arguments": '{"p":1}', "status": "completed"}
MESSAGE: Payload = {"type": "message", "id": "msg1", "role": "assistant"}


def said(text: str, **fields: Any) -> Payload:
    return MESSAGE | {"content": [{"type": "output_text", "text": text}]} | fields


def event(kind: str, **fields: Any) -> Payload:
    return {"type": f"response.{kind}", **fields}


def added(item: Payload, index: int | None = 0) -> Payload:
    return event("output_item.added", item=item, **({} if index is None else {"output_index": index}))


def done(item: Payload, index: int | None = 0) -> Payload:
    return event("output_item.done", item=item, **({} if index is None else {"output_index": index}))


def text(delta: str, index: int = 0, **fields: Any) -> Payload:
    return event("output_text.delta", delta=delta, output_index=index, content_index=0, **fields)


def arguments(delta: str, index: int = 0, **fields: Any) -> Payload:
    return event("function_call_arguments.delta", delta=delta, output_index=index, **fields)


END = event("completed", response={"status": "completed", "output": [], "usage": None})


def decode(*payloads: Payload | str) -> list[StreamEvent]:
    decoder = ResponsesDecoder(ORIGIN)
    data = [payload if isinstance(payload, str) else json.dumps(payload) for payload in payloads]
    return [found for one in data for found in decoder.feed(ServerSentEvent("", one))] + decoder.end()


def heard(*payloads: Payload | str) -> tuple[str, list[tuple[str, str, str]], FinishReason]:
    """The text, the calls (id, name, arguments) and the reason for the end."""
    assembly = Assembly()
    for found in decode(*payloads):
        assembly.feed(found)
    message = assembly.message()
    return message.text, [(call.id, call.name, call.raw) for call in message.calls], assembly.reason


PLAIN = [("c1", "read", '{"p":1}')]
TWO = [("c1", "read", '{"p":1}'), ("c2", "grep", '{"q":2}')]


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        pytest.param(
            [added(CALL), arguments('{"p"'), arguments(":1}"), done(WHOLE)],
            PLAIN,
            id="usual",
        ),
        pytest.param([done(WHOLE)], PLAIN, id="only done"),
        pytest.param([added(CALL), done(WHOLE)], PLAIN, id="no pieces"),
        pytest.param([added(CALL), arguments('{"p"'), done(WHOLE)], PLAIN, id="pieces that stop early"),
        pytest.param([arguments('{"p"'), arguments(":1}"), done(WHOLE)], PLAIN, id="no beginning"),
        pytest.param([added(CALL), arguments('{"p":1}')], PLAIN, id="no item's end"),
        pytest.param(
            [added(CALL | {"call_id": None}), arguments('{"p":1}'), done(WHOLE)], PLAIN, id="id comes with the whole"
        ),
        pytest.param(
            [event("function_call_arguments.done", item_id="x", output_index=0, name="read", arguments="{}")],
            [("x", "read", "{}")],
            id="nothing but the arguments",
        ),
        pytest.param([done(WHOLE | {"arguments": {"p": 1}})], [("c1", "read", '{"p": 1}')], id="arguments as object"),
        pytest.param([done(WHOLE), done(WHOLE)], PLAIN, id="whole twice"),
        pytest.param(
            [done(WHOLE, None), done(OTHER | {"arguments": '{"q":2}'}, None)], TWO, id="no index, only wholes"
        ),
        pytest.param(
            [done(WHOLE, 0), done(OTHER | {"arguments": '{"q":2}'}, 0)], TWO, id="one index for all, only wholes"
        ),
        pytest.param(
            [
                *(added(CALL, 0), added(OTHER, 0)),
                *(arguments('{"p"', 0, item_id="fc1"), arguments('{"q"', 0, item_id="fc2")),
                *(arguments(":1}", 0, item_id="fc1"), arguments(":2}", 0, item_id="fc2")),
                *(done(WHOLE, 0), done(OTHER | {"arguments": '{"q":2}'}, 0)),
            ],
            TWO,
            id="one index for all, interleaved by id",
        ),
        pytest.param(
            [
                *(added(CALL | {"id": "r1"}, 0), added(OTHER | {"id": "r2"}, 1)),
                *(arguments('{"p"', 0, item_id="r3"), arguments('{"q"', 1, item_id="r4")),
                *(arguments(":1}", 0, item_id="r5"), arguments(":2}", 1, item_id="r6")),
                *(done(WHOLE | {"id": "r7"}, 0), done(OTHER | {"id": "r8", "arguments": '{"q":2}'}, 1)),
            ],
            TWO,
            id="an id of its own in every event",
        ),
        pytest.param(
            [done(WHOLE), done(WHOLE | {"id": "fc9"}, 1)],
            [*PLAIN, ("c1_2", "read", '{"p":1}')],
            id="one call id for two calls",
        ),
        pytest.param([done(WHOLE | {"arguments": ""})], [("c1", "read", "")], id="no arguments"),
        pytest.param(
            [added(CALL), arguments('{"p": 1}'), done(WHOLE)], [("c1", "read", '{"p": 1}')], id="spaced otherwise"
        ),
    ],
)
def test_calls(payloads: list[Payload], expected: list[tuple[str, str, str]]) -> None:
    assert heard(*payloads, END) == ("", expected, "tool_calls")


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        pytest.param([text("Hel"), text("lo"), done(said("Hello"))], "Hello", id="pieces and the whole"),
        pytest.param(
            [
                *(added(MESSAGE), text("Hel"), text("lo")),
                event("output_text.done", output_index=0, content_index=0, text="Hello"),
                event(
                    "content_part.done",
                    output_index=0,
                    content_index=0,
                    part={"type": "output_text", "text": "Hello"},
                ),
                done(said("Hello")),
            ],
            "Hello",
            id="everything three times",
        ),
        pytest.param([text("Hel"), done(said("Hello"))], "Hello", id="the whole has more"),
        pytest.param([text("Hello"), done(said("Hallo"))], "Hello", id="the whole differs"),
        pytest.param([done(said("Hello"))], "Hello", id="only done"),
        pytest.param(
            [event("output_text.done", output_index=0, content_index=0, text="Hello")], "Hello", id="only text done"
        ),
        pytest.param([event("output_text.delta", delta="Hello")], "Hello", id="no index, no id"),
        pytest.param(
            [done(MESSAGE | {"content": [{"type": "output_text", "text": t} for t in ("Hel", "lo")]})],
            "Hello",
            id="two parts of one message",
        ),
        pytest.param([done(said("One")), done(said("Two", id="msg2"), 1)], "One\n\nTwo", id="two messages"),
        pytest.param([text("a <think>hm</think>b")], "a b", id="think tags"),
        pytest.param([text("a <th"), text("in</x>"), done(said("a <thin</x>"))], "a <thin</x>", id="no think tag"),
        pytest.param([{"type": "response.something.new", "x": [1]}, text("Hello")], "Hello", id="kinds to come"),
        pytest.param([done({"type": "web_search_call", "id": "ws"}), text("Hello", 1)], "Hello", id="other items"),
        pytest.param([json.dumps(text("Hel")) + "\n" + json.dumps(text("lo"))], "Hello", id="no empty lines"),
    ],
)
def test_text_is_said_once(payloads: list[Payload], expected: str) -> None:
    assert heard(*payloads, END) == (expected, [], "end_turn")


def test_a_server_that_says_everything_at_the_end() -> None:
    reasoning = {"type": "reasoning", "id": "rs1", "summary": [], "encrypted_content": "enc"}
    response = {"status": "completed", "output": [reasoning, said("Hello"), WHOLE]}
    assert heard(event("completed", response=response)) == ("Hello", PLAIN, "tool_calls")
    assert heard(text("Hello"), event("completed", response=response)) == ("Hello", PLAIN, "tool_calls")
    assert heard(done(WHOLE), event("completed", response=response)) == ("Hello", PLAIN, "tool_calls")


def test_calls_are_told_as_they_come() -> None:
    decoder = ResponsesDecoder(ORIGIN)
    assert decoder.feed(ServerSentEvent("", json.dumps(added(CALL)))) == [ToolCallStart(0, "c1", "read")]


@pytest.mark.parametrize(
    ("status", "details", "expected"),
    [
        ("incomplete", {"reason": "max_output_tokens"}, "max_tokens"),
        ("incomplete", {"reason": "content_filter"}, "refusal"),
        ("incomplete", {"reason": "something new"}, "cut_off"),
        ("incomplete", None, "cut_off"),
        ("cancelled", None, "cut_off"),
        ("completed", None, "tool_calls"),
    ],
)
@pytest.mark.parametrize("kind", ["named", "completed"])
def test_why_it_ends(status: str, details: object, expected: str, kind: str) -> None:
    """Also when a server calls every end completed."""
    end = event(status if kind == "named" else kind, response={"status": status, "incomplete_details": details})
    assert heard(done(WHOLE), end)[2] == expected


@pytest.mark.parametrize(
    "payloads",
    [
        pytest.param([added(CALL), arguments('{"p":1}')], id="nothing more"),
        pytest.param([done(WHOLE)], id="no end"),
        pytest.param([added(CALL), arguments('{"p":1}'), "[DONE]"], id="an end in the middle of an item"),
        pytest.param([done(WHOLE | {"status": "incomplete"}), END], id="a call that says it is not whole"),
        pytest.param([added(CALL), arguments('{"x"'), done(WHOLE), END], id="pieces that are of no whole"),
        pytest.param([event("incomplete", response={"output": [WHOLE]})], id="a whole call in a broken answer"),
    ],
)
def test_a_call_that_was_cut_off_never_looks_finished(payloads: list[Payload]) -> None:
    assembly = Assembly()
    for found in decode(*payloads):
        assembly.feed(found)
    assert assembly.reason == "cut_off"
    assert [call.problem for call in assembly.message().calls] == [CUT_OFF]


def test_done_after_whole_items_is_an_end() -> None:
    assert heard(done(said("Hello")), "[DONE]") == ("Hello", [], "end_turn")


def test_a_refusal() -> None:
    part = {"type": "refusal", "refusal": "I will not."}
    events = decode(
        event("refusal.delta", output_index=0, content_index=0, delta="I will"),
        done(MESSAGE | {"content": [part]}),
        END,
    )
    assert events == [RefusalDelta("I will"), RefusalDelta(" not."), Finished("refusal")]


def test_usage_is_read_once() -> None:
    usage = {"input_tokens": 9, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 3}}
    usage |= {"input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}}
    events = decode(event("in_progress", response={"usage": usage}), event("completed", response={"usage": usage}))
    assert events == [UsageReport(Usage(9, 5, 4, 2, 3)), Finished("end_turn")]


def reasoning(*payloads: Payload) -> list[Text | Thinking | ToolCall]:
    assembly = Assembly()
    for found in decode(*payloads, done(said("ok"), 9), END):
        assembly.feed(found)
    return list(assembly.message().parts)  # pyright: ignore[reportReturnType]


def summary(*texts: str, **fields: Any) -> Payload:
    parts = [{"type": "summary_text", "text": one} for one in texts]
    return {"type": "reasoning", "id": "rs1", "summary": parts} | fields


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        pytest.param(
            [added(summary(encrypted_content="unfinished")), done(summary("One", "Two", encrypted_content="enc"))],
            Thinking("One\n\nTwo", '["rs1", "m", 0, 3, 3]', "enc", "openai_responses"),
            id="only done",
        ),
        pytest.param(
            [done(summary(encrypted_content="enc"))],
            Thinking("", '["rs1", "m", 0]', "enc", "openai_responses"),
            id="nothing to show",
        ),
        pytest.param([done(summary("One"))], Thinking("One"), id="not encrypted, so it cannot travel back"),
        pytest.param([added(summary(encrypted_content="unfinished"))], None, id="broken off"),
        pytest.param(
            [
                event("reasoning_text.delta", output_index=0, content_index=0, delta="In full"),
                event("reasoning_summary_text.delta", output_index=0, summary_index=0, delta="In short"),
                done(summary("In short", content=[{"type": "reasoning_text", "text": "In full"}])),
            ],
            Thinking("In full", '["rs1", "m", 0]', "", "openai_responses"),
            id="in full and in short",
        ),
        pytest.param(
            [event("reasoning_summary.delta", output_index=0, delta={"text": "Old"}), done(summary("Old"))],
            Thinking("Old"),
            id="an early form",
        ),
        pytest.param(
            [done(WHOLE), done(summary(encrypted_content="enc"), 1)],
            Thinking("", '["rs1", "m", 1]', "enc", "openai_responses"),
            id="behind a call",
        ),
    ],
)
def test_reasoning_keeps_what_must_travel_back(payloads: list[Payload], expected: Thinking | None) -> None:
    assert [part for part in reasoning(*payloads) if isinstance(part, Thinking)] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "Limit reached"}, errors.RateLimited),
        ({"code": "server_error", "message": "The server had an error"}, errors.Overloaded),
        ({"code": "server_is_overloaded", "message": "Busy"}, errors.Overloaded),
        ({"code": "insufficient_quota", "message": "You exceeded your current quota"}, errors.BadRequest),
        (
            {"code": "context_length_exceeded", "message": "Your input exceeds the context window"},
            errors.ContextOverflow,
        ),
        ({"code": "invalid_prompt", "message": "Invalid prompt: flagged"}, errors.BadRequest),
        ({"code": "image_too_large", "message": "The image is too large"}, errors.BadRequest),
        ({"code": "image_content_policy_violation", "message": "No"}, errors.BadRequest),
        ({"code": "empty_image_file", "message": "No"}, errors.BadRequest),
        ({"code": "bio_policy", "message": "No"}, errors.BadRequest),
        ({"code": "invalid_api_key", "type": "authentication_error", "message": "No"}, errors.AuthRejected),
        ({"code": "model_not_found", "message": "The model does not exist"}, errors.UnknownModel),
        (None, errors.Overloaded),
    ],
)
@pytest.mark.parametrize("form", ["failed", "error", "flat"])
def test_errors_inside_an_answer(error: Payload | None, kind: type[errors.ModelError], form: str) -> None:
    payloads = {
        "failed": event("failed", response={"status": "failed", "error": error}),
        "error": {"type": "error", "error": error},
        "flat": {"param": None, **(error or {})},
    }
    decoder = ResponsesDecoder(ORIGIN)
    with pytest.raises(kind) as caught:
        decoder.feed(ServerSentEvent("error" if form == "flat" else "", json.dumps(payloads[form])))
    assert type(caught.value) is kind
    assert caught.value.advice


def whole(body: object) -> list[StreamEvent]:
    return ResponsesDecoder(ORIGIN).whole(json.dumps(body))


def test_an_answer_that_is_not_streamed() -> None:
    usage = {"input_tokens": 3, "output_tokens": 1}
    events = whole({"object": "response", "status": "completed", "error": None, "output": [WHOLE], "usage": usage})
    assert events[0] == UsageReport(Usage(3, 1))
    assert events[-1] == Finished("tool_calls")


def test_other_whole_bodies() -> None:
    with pytest.raises(errors.RateLimited):
        whole({"error": {"code": "rate_limit_exceeded", "message": "Slow down"}})
    with pytest.raises(errors.Overloaded):
        whole({"status": "failed", "error": {"code": "server_error", "message": "Oh"}, "output": []})
    with pytest.raises(errors.BadStream):
        whole({"hello": "world"})
    assert whole({"status": "in_progress", "output": [WHOLE]})[-1] == Finished("cut_off")


@pytest.mark.parametrize("data", ["{oops", "[1]", "[" * 100_000, '{"type":"response.done","x":' + "[" * 100_000])
def test_what_is_no_json_is_named(data: str) -> None:
    with pytest.raises(errors.BadStream, match="not a JSON object"):
        decode(data)
