"""What answers hold beside text and calls: forced answers, blocks that travel back, counts under many names."""

import json
from typing import Any

import pytest

from copydesk.agent.streaming import Assembly
from copydesk.domain import errors
from copydesk.domain.messages import Thinking, Usage
from copydesk.domain.stream import (
    Finished,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallStart,
    UsageReport,
)
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires import reasoning_details
from copydesk.models.wires.anthropic import MessagesDecoder
from copydesk.models.wires.openai_chat import ChatDecoder
from copydesk.models.wires.schemas import ANSWER

ORIGIN = Origin("Test", "host", "m")


def chat(*chunks: Any) -> list[StreamEvent]:
    decoder = ChatDecoder(ORIGIN)
    events = [event for chunk in chunks for event in decoder.feed(ServerSentEvent("", json.dumps(chunk)))]
    return events + decoder.end()


def anthropic(*payloads: Any) -> list[StreamEvent]:
    decoder = MessagesDecoder(ORIGIN)
    events = [event for one in payloads for event in decoder.feed(ServerSentEvent("", json.dumps(one)))]
    return events + decoder.end()


def delta(finish: str | None = None, **fields: Any) -> Any:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def piece(index: int, arguments: str, name: str | None = None) -> Any:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"index": index, "function": function} | ({"id": f"c{index}"} if name else {})


def text(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


# --- forced answers ---


def test_a_forced_answer_is_text_and_never_a_call() -> None:
    events = chat(
        delta(tool_calls=[piece(0, '{"n"', ANSWER)]), delta(tool_calls=[piece(0, ": 1}")]), delta(finish="tool_calls")
    )
    assert events == [TextDelta('{"n"'), TextDelta(": 1}"), Finished("end_turn")]


def test_a_second_answer_does_not_spoil_the_first() -> None:
    both = [piece(0, '{"n": 1}', ANSWER), piece(1, '{"n": 2}', ANSWER)]
    assert text(chat(delta(tool_calls=both), delta(finish="tool_calls"))) == '{"n": 1}'


def test_other_calls_beside_an_answer_stay_calls() -> None:
    events = chat(
        delta(tool_calls=[piece(0, '{"p": 1}', "read"), piece(1, '{"n": 1}', ANSWER)]), delta(finish="tool_calls")
    )
    assert text(events) == '{"n": 1}'
    assert [event.name for event in events if isinstance(event, ToolCallStart)] == ["read"]
    assert events[-1] == Finished("tool_calls")


def test_a_forced_answer_that_is_cut_off_says_so() -> None:
    events = chat(delta(tool_calls=[piece(0, '{"n"', ANSWER)]))
    assert events == [TextDelta('{"n"'), Finished("cut_off")]


def test_claudes_forced_answer() -> None:
    start = {"type": "content_block_start", "index": 0}
    use = {"type": "tool_use", "id": "t", "name": ANSWER, "input": {}}
    events = anthropic(
        start | {"content_block": use},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"n": 1}'}},
        {"type": "content_block_stop", "index": 0},
        start | {"index": 1, "content_block": use | {"input": {"n": 2}}},
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    )
    assert events == [TextDelta('{"n": 1}'), Finished("end_turn")]
    whole = anthropic(start | {"content_block": use | {"input": {"n": 3}}}, {"type": "content_block_stop", "index": 0})
    assert json.loads(text(whole)) == {"n": 3}


# --- blocks that travel back ---


def kept(events: list[StreamEvent]) -> list[Any]:
    return [json.loads(event.redacted) for event in events if isinstance(event, ThinkingEnd) and event.redacted]


def test_pieces_of_one_block_become_one_and_two_blocks_stay_two() -> None:
    events = chat(
        delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "a", "signature": None}]),
        delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "b"}]),
        delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "signature": "s"}]),
        delta(reasoning_details=[{"type": "reasoning.encrypted", "index": 1, "id": "c1", "data": "zz"}]),
        delta(finish="stop", content="ok"),
    )
    assert kept(events) == [
        [
            {"type": "reasoning.text", "index": 0, "text": "ab", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 1, "id": "c1", "data": "zz"},
        ]
    ]
    assert [event.text for event in events if isinstance(event, ThinkingDelta)] == ["a", "b"], "shown where alone"


def test_they_arrive_whole_in_the_history() -> None:
    assembly = Assembly()
    for event in chat(
        delta(reasoning="hm", reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "hm", "signature": "s"}]),
        delta(content="ok"),
        delta(finish="stop"),
    ):  # fmt: skip
        assembly.feed(event)
    thoughts = [part for part in assembly.message().parts if isinstance(part, Thinking)]
    assert (thoughts[0].text, thoughts[0].redacted) == ("hm", "")
    assert reasoning_details.blocks(thoughts[-1].redacted)[0]["signature"] == "s"  # type: ignore[index]
    assert thoughts[-1].source == "openrouter"


def test_what_is_only_text_or_broke_off_is_not_kept() -> None:
    plain = delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "a"}])
    assert kept(chat(plain, delta(finish="stop", content="ok"))) == []
    signed = delta(reasoning_details=[{"type": "reasoning.text", "index": 0, "text": "a", "signature": "s"}])
    assert kept(chat(signed)) == []


@pytest.mark.parametrize("junk", ["text", 7, [None, 3], [{}], [{"index": "x", "data": 7}], {"a": 1}])
def test_junk_in_their_place_breaks_nothing(junk: Any) -> None:
    assert text(chat(delta(reasoning_details=junk, content="ok"), delta(finish="stop"))) == "ok"


def test_geminis_signature_comes_with_its_call() -> None:
    call = piece(0, "{}", "read") | {"extra_content": {"google": {"thought_signature": "sig"}}}
    events = chat(delta(tool_calls=[call]), delta(finish="tool_calls"))
    assert events[0] == ToolCallStart(0, "c0", "read", "sig")


# --- counts ---


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 6}}, Usage(10, 2, cache_read=6)),
        ({"prompt_tokens_details": None}, Usage(10, 2)),
        ({"prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4}, Usage(10, 2, cache_read=6)),
        ({"cached_tokens": 6}, Usage(10, 2, cache_read=6)),
        ({"num_cached_tokens": 6}, Usage(10, 2, cache_read=6)),
        ({"cache_read_input_tokens": 6, "cache_creation_input_tokens": 3}, Usage(10, 2, cache_read=6, cache_write=3)),
        ({"prompt_tokens_details": {"cached_tokens": 6, "cache_write_tokens": 3}}, Usage(10, 2, 6, 3)),
        ({"completion_tokens_details": {"reasoning_tokens": 1}}, Usage(10, 2, reasoning=1)),
        ({"cached_tokens": -3}, Usage(10, 2)),
        ({"cached_tokens": "6"}, Usage(10, 2)),
    ],
)
def test_cached_tokens_under_every_name(usage: Any, expected: Usage) -> None:
    counts = {"prompt_tokens": 10, "completion_tokens": 2} | usage
    assert UsageReport(expected) in chat(delta(content="x"), delta(finish="stop"), {"choices": [], "usage": counts})
    assert UsageReport(expected) in chat({"choices": [], "x_groq": {"usage": counts}}, delta(finish="stop"))


def test_llama_cpps_timings() -> None:
    timings = {"cache_n": 236, "prompt_n": 4, "predicted_n": 35}
    alone = chat(delta(content="x"), {"choices": [], "timings": timings}, delta(finish="stop"))
    assert UsageReport(Usage(240, 35, cache_read=236)) in alone
    usage = {"prompt_tokens": 240, "completion_tokens": 35, "prompt_tokens_details": {"cached_tokens": 200}}
    both = chat({"choices": [], "usage": usage, "timings": timings}, delta(finish="stop"))
    assert UsageReport(Usage(240, 35, cache_read=200)) in both


@pytest.mark.parametrize("decoder", [ChatDecoder, MessagesDecoder])
def test_json_nested_too_deeply_is_a_bad_stream(decoder: Any) -> None:
    with pytest.raises(errors.BadStream):
        decoder(ORIGIN).feed(ServerSentEvent("", '{"a":' * 100_000))
