"""Gemini's bytes split at every byte boundary, as events and as the array; what Google breaks into them with."""

import json
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.streaming import Assembly
from copydesk.domain import errors
from copydesk.domain.messages import Text, Thinking, ToolCall, Usage
from copydesk.domain.stream import (
    Finished,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models.failures import Origin
from copydesk.models.wires.gemini import GeminiDecoder
from copydesk.models.wires.gemini_frames import Frames

RECORDED = Path(__file__).with_name("recorded")
ORIGIN = Origin("Gemini", "host", "m", "GEMINI_API_KEY")


def usage(output: int, reasoning: int = 61) -> UsageReport:
    return UsageReport(Usage(2006, output + reasoning, cache_read=1920, reasoning=reasoning))


EXPECTED: dict[str, list[StreamEvent]] = {
    "gemini.sse": [
        ThinkingDelta("**Überlegen** 🙂"),
        usage(0, 40),
        ThinkingDelta(" … dann lesen"),
        usage(0),
        ThinkingEnd(),
        TextDelta("Grüße "),
        usage(3),
        TextDelta('“ok” {"\\'),
        usage(6),
        ToolCallStart(0, "bq4x1v3z", "read_file", "EqQBCgIYAhIM1gbcDa9GJwZA=="),
        ToolCallDelta(0, '{"path": "ä.py", "lines": [1, 2.5]}'),
        ToolCallStart(1, "bq4x1v4a", "git_status"),
        usage(40),
        ToolCallStart(2, "call_2", "grep"),
        ToolCallDelta(2, r'{"pattern": "x\\{\"}"}'),
        usage(52),
        Finished("tool_calls"),
    ],
    "gemini_text.sse": [
        TextDelta("Half an "),
        UsageReport(Usage(14, 3)),
        TextDelta("answer"),
        UsageReport(Usage(14, 5)),
        ThinkingEnd("AVSoXO7+/w==", source="gemini"),
        Finished("max_tokens"),
    ],
    "gemini_array.json": [
        ThinkingDelta('a \\"}{ ü'),
        ThinkingEnd("QQ==", source="gemini"),
        UsageReport(Usage(20, 0)),
        TextDelta("b ]🙂[ \\"),
        UsageReport(Usage(20, 2)),
        ToolCallStart(0, "call_0", "tree", "Qg=="),
        ToolCallDelta(0, '{"depth": 2}'),
        UsageReport(Usage(20, 9)),
        Finished("tool_calls"),
    ],
}


def play(chunks: list[bytes]) -> list[StreamEvent]:
    frames, decoder = Frames(), GeminiDecoder(ORIGIN)
    events = [event for chunk in chunks for one in frames.feed(chunk) for event in decoder.feed(one)]
    if (rest := frames.end()) is not None:
        events += decoder.feed(rest)
    return events + decoder.end()


@pytest.mark.parametrize("name", EXPECTED)
def test_whole(name: str) -> None:
    assert play([(RECORDED / name).read_bytes()]) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_split_at_every_byte(name: str) -> None:
    data = (RECORDED / name).read_bytes()
    for at in range(len(data)):
        assert play([data[:at], data[at:]]) == EXPECTED[name], f"split at byte {at}"


@pytest.mark.parametrize("name", EXPECTED)
def test_byte_by_byte(name: str) -> None:
    data = (RECORDED / name).read_bytes()
    assert play([data[at : at + 1] for at in range(len(data))]) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_cut_anywhere_ends_in_the_same_beginning(name: str) -> None:
    data = (RECORDED / name).read_bytes()
    told = (TextDelta, ToolCallDelta, ToolCallStart, ThinkingDelta)
    whole = [event for event in EXPECTED[name] if isinstance(event, told)]
    for at in range(len(data)):
        try:
            events = play([data[:at]])
        except errors.BadStream:
            continue  # the last line has no end: `remote` takes it for a cut stream
        assert [event for event in events if isinstance(event, Finished)] == events[-1:]
        if b'"finishReason"' not in data[:at]:
            assert events[-1] == Finished("cut_off")
        said = [event for event in events if isinstance(event, told)]
        assert said == whole[: len(said)]


def test_what_is_signed_stays_where_it_stood() -> None:
    assembly = Assembly()
    for event in play([(RECORDED / "gemini_text.sse").read_bytes()]):
        assembly.feed(event)
    assert assembly.message().parts == (Text("Half an answer"), Thinking("", "AVSoXO7+/w==", source="gemini"))
    assembly = Assembly()
    for event in play([(RECORDED / "gemini_array.json").read_bytes()]):
        assembly.feed(event)
    thought, text, call = assembly.message().parts
    assert (thought, text) == (Thinking('a \\"}{ ü', "QQ==", source="gemini"), Text("b ]🙂[ \\"))
    assert isinstance(call, ToolCall)
    assert call.signature == "Qg=="


def chunk(*parts: Any, **candidate: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}} | candidate]}


def stream(*chunks: Any) -> list[StreamEvent]:
    return play([b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)])


HELLO = chunk({"text": "Hello"})


@pytest.mark.parametrize(
    ("reason", "ends"),
    [
        ("STOP", "end_turn"),
        ("MAX_TOKENS", "max_tokens"),
        ("SAFETY", "refusal"),
        ("RECITATION", "refusal"),
        ("BLOCKLIST", "refusal"),
        ("PROHIBITED_CONTENT", "refusal"),
        ("SPII", "refusal"),
        ("LANGUAGE", "refusal"),
        ("A_REASON_TO_COME", "end_turn"),
        ("FINISH_REASON_UNSPECIFIED", "cut_off"),
        (None, "cut_off"),
    ],
)
def test_why_it_ends(reason: str | None, ends: str) -> None:
    events = stream(HELLO, chunk(finishReason=reason))
    assert events[0] == TextDelta("Hello")
    assert events[-1] == Finished(ends)  # pyright: ignore[reportArgumentType]
    refusals = [event.text for event in events if isinstance(event, RefusalDelta)]
    assert len(refusals) == (ends == "refusal")
    assert all(str(reason) in text for text in refusals)


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER", "MALFORMED_RESPONSE"])
def test_an_end_that_is_none_can_be_tried_again(reason: str) -> None:
    with pytest.raises(errors.TransientModelError, match=reason) as caught:
        stream(chunk(finishReason=reason))
    assert caught.value.advice


def test_a_refusal_in_its_own_words() -> None:
    assert stream(chunk(finishReason="SAFETY", finishMessage="No."))[-2:] == [RefusalDelta("No."), Finished("refusal")]
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 7}}
    first, *rest = stream(blocked)
    assert isinstance(first, RefusalDelta)
    assert "PROHIBITED_CONTENT" in first.text
    assert rest == [UsageReport(Usage(7)), Finished("refusal")]


def test_signed_text_and_signed_thoughts() -> None:
    events = stream(
        chunk({"text": "hm", "thought": True}, {"text": "", "thought": True, "thoughtSignature": "A=="}),
        chunk({"text": "Well", "thoughtSignature": "B=="}),
        chunk(finishReason="STOP"),
    )
    assert events == [
        ThinkingDelta("hm"),
        ThinkingEnd("A==", source="gemini"),
        TextDelta("Well"),
        ThinkingEnd("B==", source="gemini:text"),
        Finished("end_turn"),
    ]


@pytest.mark.parametrize("nothing", [{}, {"candidates": []}, {"candidates": [{}]}, chunk(), {"candidates": [None]}])
def test_chunks_that_say_nothing(nothing: Any) -> None:
    assert stream(nothing, HELLO, nothing, chunk(finishReason="STOP")) == [TextDelta("Hello"), Finished("end_turn")]
    assert stream(nothing) == [Finished("cut_off")]


def test_calls_of_one_id_get_their_own() -> None:
    call = {"functionCall": {"name": "a", "args": {}, "id": "x"}}
    starts = [event for event in stream(chunk(call, call)) if isinstance(event, ToolCallStart)]
    assert [start.id for start in starts] == ["x", "x_2"]


def test_a_call_in_pieces_that_nobody_asked_for_never_runs() -> None:
    piece = {"functionCall": {"name": "a", "willContinue": True, "partialArgs": [{"jsonPath": "$.x"}]}}
    assert stream(chunk(piece), chunk(finishReason="STOP"))[-1] == Finished("cut_off")


def test_tokens_of_tools_are_input_too() -> None:
    counts = {"promptTokenCount": 10, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": 4}
    assert stream({"usageMetadata": counts})[0] == UsageReport(Usage(15, 7, reasoning=4))


OVERLOADED = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + json.dumps(OVERLOADED).encode() + b"\n\n",
        json.dumps(OVERLOADED, indent=2).encode() + b"\n",
        json.dumps(OVERLOADED, indent=2).encode(),
        b"data: " + json.dumps([OVERLOADED]).encode() + b"\n\n",
    ],
    ids=["event", "bare lines", "bare, cut short", "list"],
)
def test_an_error_inside_the_stream(body: bytes) -> None:
    head = b"data: " + json.dumps(HELLO).encode() + b"\n\n"
    for at in range(len(head), len(head + body)):
        with pytest.raises(errors.Overloaded, match="overloaded"):
            play([(head + body)[:at], (head + body)[at:]])


def test_an_error_in_the_array() -> None:
    with pytest.raises(errors.Overloaded, match="overloaded"):
        play([json.dumps([HELLO, OVERLOADED]).encode()])


def test_stray_lines_that_begin_like_an_object_lose_nothing() -> None:
    body = b"{ what is this\ndata: " + json.dumps(HELLO).encode() + b"\n\n"
    assert play([b": x\n", body])[0] == TextDelta("Hello")


@pytest.mark.parametrize("begins", [b'[{"a": "', b'data: {"a": "', b': x\n{\n"a": "'], ids=["array", "event", "bare"])
def test_a_chunk_without_end_is_refused(begins: bytes) -> None:
    frames = Frames(limit_bytes=1000)
    frames.feed(begins)
    for _ in range(9):
        frames.feed(b"x" * 100)
    with pytest.raises(errors.BadStream):
        frames.feed(b"x" * 200)


def test_bare_lines_have_a_limit_together() -> None:
    frames = Frames(limit_bytes=1000)
    frames.feed(b": x\n{\n" + b"y" * 900 + b"\n")
    with pytest.raises(errors.BadStream):
        frames.feed(b"y" * 200 + b"\n")
