"""The editor's own models, without LSP: what they are asked, what comes of their parts, what may be tried again."""

import json
from typing import Any

import anyio
import pytest

from copydesk.domain import errors
from copydesk.domain.messages import Image, Message, Text, Thinking, ToolCall, ToolResult, Usage
from copydesk.domain.ports import EditorPart, OfferedModel
from copydesk.domain.stream import (
    Finished,
    ModelRequest,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.domain.tools import ToolSpec
from copydesk.models.editor import EditorModel
from copydesk.models.retry import RetryPolicy
from copydesk.models.wires.editor import EditorDecoder
from copydesk.models.wires.history import INTERRUPTED
from tests.support.editor_models import HOLD, PlayedModels, end
from tests.support.slept import Slept

SPEC = ToolSpec("read_file", "Reads.", {"type": "object", "properties": {}}, "read", "read")
ASK = ModelRequest("Be brief.", (Message("user", (Text("hi"),)),), (SPEC,))
GPT = OfferedModel("copilot/gpt-5", "GPT-5", allowed=True)
HELLO = ({"type": "text", "text": "Hello"}, end())
SAID = [TextDelta("Hello"), Finished("end_turn")]
LOST = errors.ConnectionLost("gone", advice="Again.")


def model(editor: PlayedModels, slept: Slept | None = None, **more: Any) -> EditorModel:
    slept = slept or Slept()
    retry = RetryPolicy(sleep=slept.sleep, chance=lambda: 0.5)
    return EditorModel(more.pop("offered", GPT), editor, on_retry=slept.heard, retry=retry, **more)


async def collect(asked: EditorModel, into: list[StreamEvent] | None = None) -> list[StreamEvent]:
    events: list[StreamEvent] = [] if into is None else into
    async with asked.stream(ASK) as stream:
        async for event in stream:
            events.append(event)
    return events


def decode(*parts: Any) -> list[StreamEvent]:
    """The last one is the result."""
    decoder = EditorDecoder("m")
    given = [EditorPart(part) for part in parts[:-1]] + [EditorPart(parts[-1], last=True)]
    events = [event for part in given for event in decoder.feed(part)]
    assert decoder.done
    assert decoder.feed(EditorPart({"type": "text", "text": "late"})) == []
    return events


# --- the request ---


async def asked_with(request: ModelRequest, **offered: Any) -> Any:
    editor = PlayedModels(HELLO)
    async with model(editor, offered=OfferedModel("m", "M", **offered)).stream(request) as events:
        assert [event async for event in events][-1] == Finished("end_turn")
    return json.loads(json.dumps(editor.requests[0], allow_nan=False))


async def test_the_request_is_the_protocols_example() -> None:
    history = (
        Message("user", (Text("Rename x."),)),
        Message("assistant", (ToolCall("c1", "read_file", {"path": "a.py"}),)),
        Message("tool", (ToolResult("c1", "read_file", "1  x = 1"),)),
    )
    assert await asked_with(ModelRequest("You are …", history, (SPEC,))) == {
        "model": "m",
        "system": "You are …",
        "maxOutputTokens": None,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Rename x."}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_call", "id": "c1", "name": "read_file", "arguments": {"path": "a.py"}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "id": "c1", "text": "1  x = 1", "isError": False}]},
        ],
        "tools": [{"name": "read_file", "description": "Reads.", "schema": {"type": "object", "properties": {}}}],
    }


async def test_odd_histories_are_made_fit() -> None:
    history = (
        Message("user", (Image("image/png", "QUJD"),)),
        Message("assistant", (Thinking("hm", signature="s"),)),
        Message("assistant", (ToolCall("c1", "read_file", {"n": float("nan")}), Text("Reading"))),
        Message("user", (Text(""),)),
        Message("assistant", (ToolCall("c1", "read_file", {}, '{"x', problem="broken"),)),
        Message("tool", (ToolResult("c1", "read_file", "", is_error=True), ToolResult("zz", "read_file", "whose?"))),
    )
    asked = (await asked_with(ModelRequest("", history, max_output_tokens=7)))["messages"]
    assert [message["role"] for message in asked] == ["user", "assistant", "user", "user", "assistant", "user"]
    assert "image/png" in asked[0]["content"][0]["text"]
    assert asked[1]["content"] == [
        {"type": "text", "text": "Reading"},
        {"type": "tool_call", "id": "c1", "name": "read_file", "arguments": {"n": "NaN"}},
    ]
    assert asked[2]["content"] == [{"type": "tool_result", "id": "c1", "text": INTERRUPTED, "isError": True}]
    assert asked[3]["content"] == [{"type": "text", "text": "(empty)"}]
    assert asked[4]["content"][0]["arguments"] == {}
    assert asked[5]["content"] == [{"type": "tool_result", "id": "c1_2", "text": "(empty)", "isError": True}]


async def test_a_model_without_tools_is_offered_none() -> None:
    assert (await asked_with(ASK, tools=False))["tools"] == []


def test_what_is_known_of_a_model() -> None:
    def entry(name: str, **fields: Any) -> Any:
        return EditorModel(OfferedModel(name, name, **fields), PlayedModels()).entry

    assert (entry("copilot/gpt-5", max_input_tokens=9_000).window_tokens, entry("who/knows").window_tokens) == (
        9_000,
        32_768,
    )
    assert entry("copilot/claude-sonnet-4").family == "claude-4"
    assert not entry("copilot/claude-sonnet-4").cache_marks
    assert not entry("x", tools=False).tools


# --- the answer ---


def test_parts_and_the_rest_in_the_result() -> None:
    call = {"type": "tool_call", "id": "c2", "name": "read_file", "arguments": {"path": "b.py"}}
    usage = {"inputTokens": 900, "outputTokens": 40, "cachedReadTokens": 3, "thoughtTokens": "many"}
    assert decode(
        {"type": "thought", "text": "hm"},
        {"type": "thought", "text": " so"},
        {"type": "text", "text": "I will read"},
        {"content": [call], "stopReason": "end_turn", "usage": usage},
    ) == [
        ThinkingDelta("hm"),
        ThinkingDelta(" so"),
        ThinkingEnd(),
        TextDelta("I will read"),
        ToolCallStart(0, "c2", "read_file"),
        ToolCallDelta(0, '{"path": "b.py"}'),
        UsageReport(Usage(900, 40, 3)),
        Finished("tool_calls"),
    ]


def test_a_thought_that_ends_the_answer_is_closed() -> None:
    assert decode({"type": "thought", "text": "hm"}, {}) == [ThinkingDelta("hm"), ThinkingEnd(), Finished("end_turn")]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"text": "Hello"}, SAID),
        ({"content": [{"type": "text", "text": "Hello"}]}, SAID),
        ({}, [Finished("end_turn")]),
        ({"content": None, "text": 3, "usage": [], "stopReason": 4}, [Finished("end_turn")]),
        ({"text": "Hello", "stopReason": "max_tokens"}, [TextDelta("Hello"), Finished("max_tokens")]),
        ({"text": "Hello", "stopReason": "cancelled"}, [TextDelta("Hello"), Finished("cut_off")]),
        ({"text": "Hello", "stopReason": "STOP"}, SAID),
        ({"text": "I may not", "stopReason": "refusal"}, [RefusalDelta("I may not"), Finished("refusal")]),
    ],
)
def test_results(result: Any, expected: list[StreamEvent]) -> None:
    assert decode(result) == expected


def test_a_null_result_ends_what_was_streamed() -> None:
    assert decode(*HELLO[:1], None) == SAID


@pytest.mark.parametrize("result", [None, [], "Hello", 3, True, {"content": "Hello"}, {"content": {}}])
def test_results_that_are_none(result: Any) -> None:
    with pytest.raises(errors.BadStream, match="'m'") as caught:
        decode(result)
    assert caught.value.advice


def test_an_error_for_a_reason_may_pass() -> None:
    with pytest.raises(errors.Overloaded):
        decode({"stopReason": "error"})


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"id": "c", "name": "a", "arguments": {}}, ("c", "a", "{}")),
        ({"id": "c", "name": "a"}, ("c", "a", "{}")),
        ({"id": "c", "name": "a", "arguments": None}, ("c", "a", "{}")),
        ({"id": "c", "name": "a", "arguments": '{"x": 1}'}, ("c", "a", '{"x": 1}')),
        ({"id": "c", "name": "a", "arguments": [1]}, ("c", "a", "[1]")),
        ({"id": "c", "name": "a", "arguments": 7}, ("c", "a", "7")),
        ({"id": 5, "name": "a"}, ("5", "a", "{}")),
        ({"name": "a"}, ("call_0", "a", "{}")),
        ({"id": "", "name": "a"}, ("call_0", "a", "{}")),
        ({"id": {}, "name": ["a"]}, ("call_0", "", "{}")),
    ],
)
def test_calls(call: dict[str, Any], expected: tuple[str, str, str]) -> None:
    id, name, arguments = expected
    assert decode({"type": "tool_call", **call}, {}) == [
        ToolCallStart(0, id, name),
        ToolCallDelta(0, arguments),
        Finished("tool_calls"),
    ]


def test_parts_that_say_nothing_are_ignored_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    odd: list[Any] = [{"type": "image", "data": "SECRET"}] * 3
    odd += [{}, None, 3, "text", [], {"type": ["text"]}, {"type": "text"}, {"type": "text", "text": 4}]
    odd += [{"type": "text", "text": ""}]
    assert decode(*odd, {"text": "Hello", "content": odd}) == SAID
    assert sum("'image'" in line for line in caplog.messages) == 1
    assert "SECRET" not in caplog.text


# --- tries ---


@pytest.mark.parametrize("error", [LOST, errors.RateLimited("slow", retry_after_s=7.0)])
async def test_what_may_pass_is_tried_again(error: errors.TransientModelError) -> None:
    editor, slept = PlayedModels([error], HELLO), Slept()
    assert await collect(model(editor, slept)) == SAID
    assert slept.delays_s == [error.retry_after_s or 0.5]
    assert slept.told == [(1, slept.delays_s[0], error.message)]
    assert len(editor.requests) == editor.n_closed == 2
    assert editor.requests[0] == editor.requests[1]


async def test_at_most_five_tries() -> None:
    editor, slept = PlayedModels([LOST]), Slept()
    with pytest.raises(errors.ConnectionLost):
        await collect(model(editor, slept))
    assert slept.delays_s == [0.5, 1.0, 2.0, 4.0]


async def test_no_retry_once_output_has_begun() -> None:
    editor, events = PlayedModels([{"type": "text", "text": "Hel"}, LOST]), list[StreamEvent]()
    with pytest.raises(errors.ConnectionLost):
        await collect(model(editor), events)
    assert events == [TextDelta("Hel")]
    assert len(editor.requests) == 1


@pytest.mark.parametrize("kind", [errors.PermanentModelError, errors.UnknownModel, errors.ContextOverflow])
async def test_what_will_not_pass_is_said_at_once(kind: type[errors.ModelError]) -> None:
    editor = PlayedModels([kind("No.")])
    with pytest.raises(kind):
        await collect(model(editor))
    assert len(editor.requests) == 1


async def test_silence_ends_in_an_error_and_keep_alives_are_silence() -> None:
    editor = PlayedModels([{"type": "text", "text": "Hel"}, {"type": "odd"}, {"type": "text", "text": ""}, HOLD])
    events: list[StreamEvent] = []
    with pytest.raises(errors.ModelTimeout, match=r"said nothing for 0\.05 s"):
        await collect(model(editor, silence_s=0.05), events)
    assert events == [TextDelta("Hel")]
    assert editor.n_closed == 1


async def test_leaving_and_cancelling_close_the_answer() -> None:
    editor = PlayedModels([{"type": "text", "text": "Hel"}, HOLD])
    with anyio.move_on_after(0.02) as scope:
        await collect(model(editor))
    assert scope.cancelled_caught
    async with model(editor).stream(ASK) as events:
        await anext(events)
    assert editor.n_closed == 2


async def test_network_offline_closes_the_way_through_the_editor_too() -> None:
    editor, offline = PlayedModels(HELLO), False
    asked = model(editor, offline=lambda: offline)
    assert await collect(asked) == SAID
    offline = True
    with pytest.raises(errors.Offline, match=r"network\.offline is on, and 'editor/copilot/gpt-5' is not on this"):
        await collect(asked)
    assert len(editor.requests) == 1
