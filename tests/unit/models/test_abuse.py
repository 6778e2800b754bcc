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
from copydesk.models.wires.gemini import GeminiDecoder
from copydesk.models.wires.gemini_frames import Frames
from copydesk.models.wires.openai_chat import ChatDecoder
from copydesk.models.wires.openai_responses import ResponsesDecoder
from tests.support.examples import examples

ORIGIN = Origin("Test", "host", "m")
KEYS = [
    *("choices", "delta", "message", "content", "tool_calls", "function", "name", "arguments", "index", "id", "usage"),
    *("finish_reason", "function_call", "reasoning", "refusal", "prompt_tokens", "prompt_tokens_details", "x_groq"),
    *("candidates", "parts", "functionCall", "args", "thought", "thoughtSignature", "finishReason", "usageMetadata"),
    *("promptFeedback", "blockReason", "promptTokenCount", "response", "willContinue", "details", "violations"),
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
GOOGLES = ["STOP", "OTHER", "SAFETY", "limit: 0", "RESOURCE_EXHAUSTED"]
WORDS = st.sampled_from(
    [*TYPES, *ITEMS, *KINDS, "tool_use", "thinking", "text_delta", "", "{", "x", "²", "500", *GOOGLES]
)
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([1e400, 0.5]) | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)
CHUNKS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)


@pytest.mark.parametrize("decoder_type", [ChatDecoder, MessagesDecoder, ResponsesDecoder, GeminiDecoder])
@examples(300, deadline=None)
@given(chunks=st.lists(CHUNKS, max_size=4), deltas=st.lists(VALUES, max_size=3))
def test_nothing_but_model_errors(decoder_type: Any, chunks: list[Any], deltas: list[Any]) -> None:
    decoder: Decoder = decoder_type(ORIGIN)
    whole: list[Any] = [*chunks, *({"choices": [{"delta": delta}]} for delta in deltas)]
    whole += [{"candidates": [{"content": {"parts": [delta]}}]} for delta in deltas]
    whole += [{"type": name, "index": 0, "content_block": d, "delta": d} for d in deltas for name in TYPES[:2]]
    whole += [{"type": name, "output_index": 0, "item": d, "delta": d, "part": d} for d in deltas for name in ITEMS[:9]]
    try:
        events = [event for chunk in whole for event in decoder.feed(ServerSentEvent("", json.dumps(chunk)))]
        events += decoder.end()
    except ModelError:
        return
    assert [event for event in events if isinstance(event, Finished)] == events[-1:]


@pytest.mark.parametrize("decoder_type", [ChatDecoder, MessagesDecoder, ResponsesDecoder, GeminiDecoder])
@examples(200, deadline=None)
@given(body=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_a_whole_body_of_anything(decoder_type: Any, body: dict[str, Any]) -> None:
    decoder: Decoder = decoder_type(ORIGIN)
    try:
        events = decoder.whole(json.dumps(body))
    except ModelError:
        return
    assert [event for event in events if isinstance(event, Finished)] == events[-1:] != []


@pytest.mark.parametrize("begins", [b"", b"[", b"data: ", b"{", b"data: {}\n\n{\n"])
@examples(200, deadline=None)
@given(
    chunks=st.lists(st.binary(max_size=9) | st.sampled_from([b'"', b"\\", b"{", b"}", b"\n", b"data: {}"]), max_size=20)
)
def test_any_bytes_as_geminis(begins: bytes, chunks: list[bytes]) -> None:
    """However they are split they come to the same, and nothing but `ModelError` comes out."""
    body = begins + b"".join(chunks)
    assert framed([begins, *chunks]) == framed([body]) == framed([body[at : at + 1] for at in range(len(body))])


def framed(chunks: list[bytes]) -> list[ServerSentEvent]:
    frames = Frames()
    found = [event for chunk in chunks for event in frames.feed(chunk)]
    rest = frames.end()
    return [*found, rest] if rest is not None else found
