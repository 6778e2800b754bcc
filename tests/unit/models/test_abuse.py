"""Any JSON in any place: a decoder gives events with one end, or raises a `ModelError`; nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.domain.errors import ModelError
from copydesk.domain.stream import Finished
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent
from copydesk.models.wires import Decoder
from copydesk.models.wires.anthropic import MessagesDecoder
from copydesk.models.wires.openai_chat import ChatDecoder
from copydesk.models.wires.openai_responses import ResponsesDecoder
from tests.support.examples import examples

ORIGIN = Origin("Test", "host", "m")
KEYS = [
    *("choices", "delta", "message", "content", "tool_calls", "function", "name", "arguments", "index", "id", "usage"),
    *("finish_reason", "function_call", "reasoning", "refusal", "prompt_tokens", "prompt_tokens_details", "x_groq"),
    *("type", "content_block", "partial_json", "input", "stop_reason", "signature", "data", "text", "error", "code"),
    *("item", "item_id", "output_index", "call_id", "part", "response", "output", "status", "summary", "summary_index"),
]
TYPES = ["content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_start"]
ITEMS = [
    *(f"response.output_item.{end}" for end in ("added", "done")),
    *(f"response.{name}.{end}" for name in ("output_text", "reasoning_summary_text") for end in ("delta", "done")),
    *("response.function_call_arguments.delta", "response.function_call_arguments.done", "response.completed"),
    *("response.content_part.done", "response.incomplete", "response.failed"),
]
KINDS = ["message", "reasoning", "function_call", "output_text", "refusal", "summary_text"]
WORDS = st.sampled_from([*TYPES, *ITEMS, *KINDS, "tool_use", "thinking", "text_delta", "", "{", "x", "²", "500"])
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1e400, 0.5]) | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)
CHUNKS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)


@pytest.mark.parametrize("decoder_type", [ChatDecoder, MessagesDecoder, ResponsesDecoder])
@examples(300, deadline=None)
@given(chunks=st.lists(CHUNKS, max_size=4), deltas=st.lists(VALUES, max_size=3))
def test_nothing_but_model_errors(decoder_type: Any, chunks: list[Any], deltas: list[Any]) -> None:
    decoder: Decoder = decoder_type(ORIGIN)
    whole: list[Any] = [*chunks, *({"choices": [{"delta": delta}]} for delta in deltas)]
    whole += [{"type": name, "index": 0, "content_block": d, "delta": d} for d in deltas for name in TYPES[:2]]
    whole += [{"type": name, "output_index": 0, "item": d, "delta": d, "part": d} for d in deltas for name in ITEMS[:9]]
    try:
        events = [event for chunk in whole for event in decoder.feed(ServerSentEvent("", json.dumps(chunk)))]
    except ModelError:
        return
    events += decoder.end()
    assert [event for event in events if isinstance(event, Finished)] == events[-1:]


@pytest.mark.parametrize("decoder_type", [ChatDecoder, MessagesDecoder, ResponsesDecoder])
@examples(200, deadline=None)
@given(body=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_a_whole_body_of_anything(decoder_type: Any, body: dict[str, Any]) -> None:
    decoder: Decoder = decoder_type(ORIGIN)
    try:
        events = decoder.whole(json.dumps(body))
    except ModelError:
        return
    assert [event for event in events if isinstance(event, Finished)] == events[-1:] != []
