"""Bytes in each provider's manner, split at every byte boundary: the events are always the same."""

from pathlib import Path

import pytest

from copydesk.domain.messages import Usage
from copydesk.domain.stream import (
    Finished,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from copydesk.models import sse
from copydesk.models.failures import Origin
from copydesk.models.wires.anthropic import MessagesDecoder
from copydesk.models.wires.openai_chat import ChatDecoder
from copydesk.models.wires.openai_responses import ResponsesDecoder

RECORDED = Path(__file__).with_name("recorded")
ORIGIN = Origin("Test", "host", "m", "TEST_API_KEY")

CLAUDES_BLOCK = (
    '[{"type": "reasoning.text", "text": "Let me read – 🙂", "format": "anthropic-claude-v1", "index": 0, '
    '"signature": "Et8BCmUIDxgC"}]'
)
EXPECTED: dict[str, list[StreamEvent]] = {
    "openrouter_claude": [
        ThinkingDelta("Let"),
        ThinkingDelta(" me read – 🙂"),
        ThinkingEnd(),
        TextDelta("Reading"),
        ToolCallStart(0, "toolu_bdrk_01X", "read_file"),
        ToolCallDelta(0, '{"path": "ä.py"}'),
        UsageReport(Usage(3000, 80, cache_read=2500, cache_write=400, reasoning=20)),
        ThinkingEnd(redacted=CLAUDES_BLOCK, source="openrouter"),
        Finished("tool_calls"),
    ],
    "llama_cpp": [
        ThinkingDelta("hm, ü"),
        ThinkingEnd(),
        TextDelta("It is"),
        ToolCallStart(0, "5DcQgS1BbW", "grep"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, '"pattern":"a|b"}'),
        UsageReport(Usage(237, 35, cache_read=236)),
        Finished("tool_calls"),
    ],
    "mistral": [
        ThinkingDelta("D’abord"),
        ThinkingDelta(" lire"),
        ThinkingEnd(),
        TextDelta("Voilà"),
        TextDelta(" : "),
        ToolCallStart(0, "D681PevKs", "read_file"),
        ToolCallDelta(0, '{"path": "a.py"}'),
        UsageReport(Usage(90, 35, cache_read=64)),
        Finished("tool_calls"),
    ],
    "kimi": [
        ThinkingDelta("想"),
        ThinkingEnd(),
        TextDelta("好"),
        UsageReport(Usage(500, 7, cache_read=448)),
        Finished("end_turn"),
    ],
    "openai": [
        TextDelta("Grüße "),
        TextDelta("🙂 “ok”\r\n"),
        ToolCallStart(0, "call_aa", "read_file"),
        ToolCallDelta(0, '{"path"'),
        ToolCallDelta(0, ':"ä.py"}'),
        ToolCallStart(1, "call_bb", "grep"),
        ToolCallDelta(1, '{"pattern":"x"}'),
        UsageReport(Usage(2006, 300, cache_read=1920, reasoning=256)),
        Finished("tool_calls"),
    ],
    "deepseek": [
        ThinkingDelta("先读"),
        ThinkingDelta("文件"),
        ThinkingEnd(),
        TextDelta("Reading"),
        ToolCallStart(0, "call_0_c1", "read_file"),
        ToolCallDelta(0, "{}"),
        UsageReport(Usage(120, 30, cache_read=64, reasoning=12)),
        Finished("tool_calls"),
    ],
    "ollama": [
        ThinkingDelta("hm"),
        ThinkingDelta(", ok"),
        ThinkingEnd(),
        TextDelta("Look"),
        ToolCallStart(0, "call_x1", "list_dir"),
        ToolCallDelta(0, '{"path":"."}'),
        ToolCallStart(1, "call_x2", "tree"),
        ToolCallDelta(1, '{"depth":2}'),
        UsageReport(Usage(50, 20)),
        Finished("tool_calls"),
    ],
    "openrouter": [
        ThinkingDelta("mull"),
        ThinkingEnd(),
        TextDelta("Half an "),
        TextDelta("answer"),
        UsageReport(Usage(14, 9)),
        Finished("max_tokens"),
    ],
    "vllm": [
        UsageReport(Usage(33, 0)),
        TextDelta("a < b "),
        UsageReport(Usage(33, 3)),
        TextDelta("<thin ice>"),
        UsageReport(Usage(33, 5)),
        UsageReport(Usage(33, 6)),
        ToolCallStart(0, "chatcmpl-tool-9f", "edit_file"),
        ToolCallDelta(0, '{"path": "a.py"'),
        UsageReport(Usage(33, 9)),
        ToolCallDelta(0, ', "old_text": "<think>"}'),
        UsageReport(Usage(33, 12)),
        Finished("tool_calls"),
    ],
    "anthropic": [
        UsageReport(Usage(2125, 1, cache_read=2000, cache_write=100)),
        ThinkingDelta("Überlegen"),
        ThinkingDelta(" …"),
        ThinkingEnd("EqQBCgIYAhIM1gbcDa9GJwZA==", source="anthropic"),
        ThinkingEnd(redacted="EmwKAhgBEgy3va3pzix", source="anthropic"),
        TextDelta("Okay, 🙂"),
        ToolCallStart(0, "toolu_01T", "read_file"),
        ToolCallDelta(0, '{"path": "ä'),
        ToolCallDelta(0, '.py"}'),
        ToolCallStart(1, "toolu_02T", "git_status"),
        UsageReport(Usage(2125, 89, cache_read=2000, cache_write=100)),
        Finished("tool_calls"),
    ],
    "openai_responses": [
        ThinkingDelta("**Überlegen**\n\n"),
        ThinkingDelta("Erst lesen."),
        ThinkingDelta("\n\n**Dann**"),
        ThinkingEnd('["rs_68a1c1", "m", 0, 26, 8]', "gAAAAABo1_fin==", "openai_responses"),
        TextDelta("Grüße "),
        TextDelta("🙂 “ok”\r\n"),
        ToolCallStart(0, "call_aa", "read_file"),
        ToolCallStart(1, "call_bb", "grep"),
        ToolCallDelta(0, '{"path"'),
        ToolCallDelta(1, '{"pattern":'),
        ToolCallDelta(0, ':"ä.py"}'),
        ToolCallDelta(1, '"x"}'),
        UsageReport(Usage(2006, 300, cache_read=1920, reasoning=256)),
        Finished("tool_calls"),
    ],
    "vllm_responses": [
        ThinkingDelta("先读"),
        ThinkingDelta("文件"),
        ThinkingEnd('["rs_9f", "m", 0]', "", "openai_responses"),
        TextDelta("Reading"),
        ToolCallStart(0, "call_9f", "read_file"),
        ToolCallDelta(0, '{"path": "a.py"}'),
        UsageReport(Usage(120, 30)),
        Finished("tool_calls"),
    ],
}
DECODERS = {"anthropic": MessagesDecoder, "openai_responses": ResponsesDecoder, "vllm_responses": ResponsesDecoder}
"""By recording; the others are Chat Completions."""


def play(name: str, chunks: list[bytes]) -> list[StreamEvent]:
    lines = sse.Decoder()
    decoder = DECODERS.get(name, ChatDecoder)(ORIGIN)
    events = [event for chunk in chunks for one in lines.feed(chunk) for event in decoder.feed(one)]
    return events + decoder.end()


@pytest.mark.parametrize("name", EXPECTED)
def test_whole(name: str) -> None:
    assert play(name, [(RECORDED / f"{name}.sse").read_bytes()]) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_split_at_every_byte(name: str) -> None:
    data = (RECORDED / f"{name}.sse").read_bytes()
    for at in range(len(data)):
        assert play(name, [data[:at], data[at:]]) == EXPECTED[name], f"split at byte {at}"


@pytest.mark.parametrize("name", EXPECTED)
def test_byte_by_byte(name: str) -> None:
    data = (RECORDED / f"{name}.sse").read_bytes()
    assert play(name, [data[at : at + 1] for at in range(len(data))]) == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - {"ollama"}))  # there half a tag, cut off, is text
def test_cut_anywhere_ends_in_the_same_beginning(name: str) -> None:
    """Whatever is lost, what came is right, nothing is doubled, and there is exactly one end."""
    data = (RECORDED / f"{name}.sse").read_bytes()
    whole = [event for event in EXPECTED[name] if isinstance(event, TextDelta | ToolCallDelta)]
    for at in range(0, len(data), 3):
        events = play(name, [data[:at]])
        assert [event for event in events if isinstance(event, Finished)] == events[-1:]
        said = [event for event in events if isinstance(event, TextDelta | ToolCallDelta)]
        assert said == whole[: len(said)]
