"""Tool calls in every manner that compatible servers have of sending them."""

import json
from typing import Any

import pytest

from copydesk.domain import errors
from copydesk.domain.stream import (
    Finished,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
)
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires.openai_chat import ChatDecoder


def decode(*deltas: Any, finish: str | None = "tool_calls") -> list[StreamEvent]:
    decoder = ChatDecoder(Origin("Test", "host", "m"))
    chunks: list[Any] = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    events = [event for chunk in chunks for event in decoder.feed(ServerSentEvent("", json.dumps(chunk)))]
    return events + decoder.end()


def call(**fields: Any) -> dict[str, Any]:
    """One delta with one piece; `name` and `arguments` go where they belong."""
    inner = {key: fields.pop(key) for key in ("name", "arguments") if key in fields}
    return {"tool_calls": [fields | {"function": inner}]}


def calls(events: list[StreamEvent]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of each call, in order; fails on a piece before its start."""
    found: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, ToolCallStart):
            assert event.index == len(found)
            found[event.index] = [event.id, event.name, ""]
        elif isinstance(event, ToolCallDelta):
            found[event.index][2] += event.json
    return [(one[0], one[1], one[2]) for one in found.values()]


PLAIN = [("c1", "read", '{"p":1}')]
SPACED = [("c1", "read", '{"p": 1}')]
NO_ID = [("call_0", "read", '{"p":1}')]
JUNK = {"tool_calls": [None, 7]}
HALF = [("c1", "read", '{"p')]
FIRST = '{"p"'
TWO = [("c1", "read", '{"p":1}'), ("c2", "grep", '{"q":2}')]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        pytest.param(
            [call(index=0, id="c1", name="read", arguments=""), call(index=0, arguments='{"p":1}')], PLAIN, id="usual"
        ),
        pytest.param([call(id="c1", name="read"), call(arguments=FIRST), call(arguments=":1}")], PLAIN, id="no index"),
        pytest.param([call(index=0, id="c1", name="read", arguments='{"p":1}')], PLAIN, id="whole"),
        pytest.param([call(index=0, id="c1", name="read", arguments={"p": 1})], SPACED, id="object"),
        pytest.param(
            [
                call(index=0, id="c1", name="read", arguments=FIRST),
                call(index=0, id="c1", name="read", arguments=":1}"),
            ],
            PLAIN,
            id="id and name repeated",
        ),
        pytest.param(
            [call(id="c1", name="read", arguments=FIRST), call(id="c1", name="read", arguments=":1}")],
            PLAIN,
            id="id and name repeated, no index",
        ),
        pytest.param(
            [call(index=0, name="read", arguments=FIRST), call(index=0, id="c1", arguments=":1}")], PLAIN, id="late id"
        ),
        pytest.param(
            [call(name="read", arguments=FIRST), call(id="c1", arguments=":1}")], PLAIN, id="late id, no index"
        ),
        pytest.param(
            [call(index=0, name="read"), call(index=0, arguments='{"p":1}')],
            [("call_0", "read", '{"p":1}')],
            id="no id",
        ),
        pytest.param(
            [call(index=0, id="c1", name="re"), call(index=0, name="ad"), call(index=0, arguments='{"p":1}')],
            PLAIN,
            id="name split",
        ),
        pytest.param(
            [call(index=0, id="c1", arguments=FIRST), call(index=0, name="read", arguments=":1}")],
            PLAIN,
            id="late name",
        ),
        pytest.param(
            [call(index=0, id="c1", name="read", arguments=FIRST), call(index=0, id="zz", name="", arguments=":1}")],
            PLAIN,
            id="id changes",
        ),
        pytest.param(
            [
                call(index=0, id="c1", name="read", arguments=FIRST),
                call(index=1, id="c2", name="grep", arguments='{"q"'),
                call(index=0, arguments=":1}"),
                call(index=1, arguments=":2}"),
            ],
            TWO,
            id="interleaved",
        ),
        pytest.param(
            [
                call(id="c1", name="read", arguments=FIRST),
                call(id="c2", name="grep", arguments='{"q"'),
                call(id="c1", arguments=":1}"),
                call(id="c2", arguments=":2}"),
            ],
            TWO,
            id="interleaved by id",
        ),
        pytest.param(
            [
                call(index=0, id="c1", name="read", arguments='{"p":1}'),
                call(index=0, id="c2", name="grep", arguments='{"q":2}'),
            ],
            TWO,
            id="all index 0",
        ),
        pytest.param(
            [call(name="read", arguments='{"p":1}'), call(name="read", arguments='{"p":2}')],
            [("call_0", "read", '{"p":1}'), ("call_1", "read", '{"p":2}')],
            id="same tool twice, nothing else",
        ),
        pytest.param(
            [{"tool_calls": [{"function": {"name": "a"}}, {"function": {"name": "b", "arguments": "{}"}}]}],
            [("call_0", "a", ""), ("call_1", "b", "{}")],
            id="two without arguments in one list",
        ),
        pytest.param(
            [call(index=0, id="x", name="a", arguments="{}"), call(index=1, id="x", name="b", arguments="{}")],
            [("x", "a", "{}"), ("x_2", "b", "{}")],
            id="one id for two calls",
        ),
        pytest.param(
            [{"function_call": {"name": "read", "arguments": ""}}, {"function_call": {"arguments": '{"p":1}'}}],
            [("call_0", "read", '{"p":1}')],
            id="function_call",
        ),
        pytest.param([call(index=0, id="c1", name="git_status")], [("c1", "git_status", "")], id="no arguments"),
        pytest.param([call(index=1, id="c1", name="read", arguments='{"p":1}')], PLAIN, id="index from one"),
        pytest.param(
            [call(index=0, id="c1", name="read", arguments='{"p'), None, JUNK],
            [("c1", "read", '{"p')],
            id="junk",
        ),
    ],
)
def test_calls(deltas: list[Any], expected: list[tuple[str, str, str]]) -> None:
    events = decode(*deltas)
    assert calls(events) == expected
    assert events[-1] == Finished("tool_calls")


def test_a_call_starts_as_soon_as_its_arguments_do() -> None:
    decoder = ChatDecoder(Origin("Test", "host", "m"))
    delta = call(index=0, id="c1", name="read", arguments='{"')
    chunk = {"choices": [{"index": 0, "delta": delta}]}
    assert decoder.feed(ServerSentEvent("", json.dumps(chunk))) == [
        ToolCallStart(0, "c1", "read"),
        ToolCallDelta(0, '{"'),
    ]


@pytest.mark.parametrize(
    ("finish", "with_call", "expected"),
    [
        ("stop", False, "end_turn"),
        ("stop", True, "tool_calls"),
        ("tool_calls", False, "end_turn"),
        ("length", True, "max_tokens"),
        ("content_filter", False, "refusal"),
        ("eos", False, "end_turn"),
        ("STOP", False, "end_turn"),
        ("MAX_TOKENS", False, "max_tokens"),
        (None, True, "cut_off"),
        (None, False, "cut_off"),
    ],
)
def test_finish_reasons(finish: str | None, with_call: bool, expected: str) -> None:
    deltas = [call(index=0, id="c", name="t", arguments="{}")] if with_call else [{"content": "x"}]
    assert decode(*deltas, finish=finish)[-1] == Finished(expected)  # pyright: ignore[reportArgumentType]


def test_refusals_and_parts() -> None:
    assert decode({"refusal": "No"}, {"refusal": "."}, finish="stop") == [
        RefusalDelta("No"),
        RefusalDelta("."),
        Finished("refusal"),
    ]
    assert decode({"content": [{"type": "text", "text": "a"}, {"type": "image"}]}, finish="stop")[0] == TextDelta("a")


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["<think>a</think>b"], [ThinkingDelta("a"), ThinkingEnd(), TextDelta("b")]),
        (list("<think>a</think>b"), [ThinkingDelta("a"), ThinkingEnd(), TextDelta("b")]),
        (["<think>never closed"], [ThinkingDelta("never closed"), ThinkingEnd()]),
        (["<think></think>b"], [TextDelta("b")]),
        (["a</think>b"], [TextDelta("ab")]),
        (["use `<think>` tags"], [TextDelta("use `<think>` tags")]),
        (["x<thin", "king>t</thinking>\n\ny"], [TextDelta("x"), ThinkingDelta("t"), ThinkingEnd(), TextDelta("y")]),
        (["if a <", " b"], [TextDelta("if a "), TextDelta("< b")]),
        (["ends with <thi"], [TextDelta("ends with "), TextDelta("<thi")]),
    ],
)
def test_think_tags(pieces: list[str], expected: list[StreamEvent]) -> None:
    assert decode(*({"content": piece} for piece in pieces), finish="stop")[:-1] == expected


def test_think_tags_in_a_fence_are_text() -> None:
    text = "See:\n```\n<think>x</think>\n```\nDone"
    for size in (1, 2, 3, 100):
        events = decode(*({"content": text[at : at + size]} for at in range(0, len(text), size)), finish="stop")
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Rate limit reached", "code": 429}, errors.RateLimited),
        ({"message": "Provider returned error", "code": 502}, errors.Overloaded),
        ({"message": "x", "type": "overloaded_error"}, errors.Overloaded),
        ({"message": "This model's maximum context length is 8192 tokens", "code": 400}, errors.ContextOverflow),
        ({"message": "No auth credentials found", "code": 401}, errors.AuthRejected),
        ({"message": "bad field", "type": "invalid_request_error"}, errors.BadRequest),
        ("model 'x' not found, try pulling it first", errors.UnknownModel),
    ],
)
def test_errors_inside_a_200(error: object, kind: type[errors.ModelError]) -> None:
    decoder = ChatDecoder(Origin("Test", "host", "m"))
    with pytest.raises(kind) as caught:
        decoder.feed(ServerSentEvent("", json.dumps({"error": error})))
    assert type(caught.value) is kind
    assert caught.value.advice


def test_events_that_lack_the_empty_line_between_them() -> None:
    chunks = [json.dumps({"choices": [{"delta": {"content": text}}]}) for text in "ab"]
    events = ChatDecoder(Origin("Test", "host", "m")).feed(ServerSentEvent("", "\n".join([*chunks, "[DONE]"])))
    assert events == [TextDelta("a"), TextDelta("b"), Finished("cut_off")]
    pretty = json.dumps({"choices": [{"delta": {"content": "a"}}]}, indent=1)
    assert ChatDecoder(Origin("Test", "host", "m")).feed(ServerSentEvent("", pretty)) == [TextDelta("a")]


def test_broken_json_is_named() -> None:
    with pytest.raises(errors.BadStream, match="not a JSON object"):
        ChatDecoder(Origin("Test", "host", "m")).feed(ServerSentEvent("", '{"choices": [}'))
