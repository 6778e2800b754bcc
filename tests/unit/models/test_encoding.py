"""Requests as bytes: stable prefixes, one result for every call, at most four cache marks."""

import json
from itertools import pairwise
from typing import Any

import pytest

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import entry
from copydesk.models.wires import anthropic_encode, openai_chat_encode
from copydesk.models.wires.history import INTERRUPTED

TOOLS = tuple(ToolSpec(name, f"Does {name}.", {"type": "object"}, "read", "read") for name in ("read", "grep"))


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def said(*parts: Part | str) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def results(*parts: Part) -> Message:
    return Message("tool", parts)


CALL = ToolCall("c1", "read", {"path": "ä"}, '{"path": "ä"}')
HISTORY = (
    user("fix it"),
    said(Thinking("hm", signature="s1"), "Reading", CALL, ToolCall("c2", "grep", {}, '{"x', problem="broken")),
    results(ToolResult("c2", "grep", "invalid", is_error=True), ToolResult("c1", "read", "text")),
    said(Thinking("", redacted="zz"), ToolCall("c1", "read", {"n": 2})),
    results(ToolResult("c1", "read", "")),
    user("steer"),
    said("Done", ToolCall("c9", "read", {})),
    user("and now?"),
    said(Thinking("only thinking")),
    user("again", Image("image/png", "QUJD")),
    said("ok"),
    user(""),
)


def openai(messages: tuple[Message, ...], name: str = "openai/gpt-5.1", **fields: Any) -> bytes:
    return openai_chat_encode.encode(ModelRequest("sys", messages, TOOLS, **fields), name, entry(name))


def anthropic(messages: tuple[Message, ...], name: str = "anthropic/claude-sonnet-4-5", **fields: Any) -> bytes:
    return anthropic_encode.encode(ModelRequest("sys", messages, TOOLS, **fields), name, entry(name))


def steps() -> list[int]:
    """How much of the history each request had: up to before each answer, and all."""
    return [at for at, message in enumerate(HISTORY) if message.role == "assistant"] + [len(HISTORY)]


def unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: unmarked(one) for key, one in value.items() if key != "cache_control"}
    return [unmarked(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", ["openai/gpt-5.1", "deepseek/deepseek-chat", "compat/unknown"])
def test_openai_prefixes_are_byte_equal(name: str) -> None:
    bodies = [openai(HISTORY[:at], name) for at in steps()]
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier.removesuffix(b"]}"))


def test_anthropic_prefixes_are_byte_equal_apart_from_marks() -> None:
    bodies = [json.dumps(unmarked(json.loads(anthropic(HISTORY[:at])))).encode() for at in steps()]
    for earlier, later in pairwise(bodies):
        # Neighbouring user messages become one, so the last message may still grow.
        assert later.startswith(earlier.removesuffix(b"]}]}"))


def test_anthropic_has_at_most_four_marks() -> None:
    for at in steps():
        assert anthropic(HISTORY[:at]).count(b"cache_control") <= 4
    body = json.loads(anthropic(HISTORY))
    assert "cache_control" in body["system"][-1]
    assert "cache_control" in body["tools"][-1]
    users = [message for message in body["messages"] if message["role"] == "user"]
    assert ["cache_control" in message["content"][-1] for message in users[-3:]] == [False, True, True]


def test_openai_messages() -> None:
    body = json.loads(openai(HISTORY))
    assert [message["role"] for message in body["messages"]] == [
        *("system", "user", "assistant", "tool", "tool", "assistant", "tool", "user"),
        *("assistant", "tool", "user", "user", "assistant", "user"),
    ]
    first = body["messages"][2]
    assert [call["function"]["arguments"] for call in first["tool_calls"]] == ['{"path": "ä"}', "{}"]
    assert [one["content"] for one in body["messages"][3:5]] == ["text", "invalid"]
    again = body["messages"][5]["tool_calls"][0]["id"]
    assert again != first["tool_calls"][0]["id"] == "c1"
    assert body["messages"][6]["tool_call_id"] == again
    assert body["messages"][9]["content"] == INTERRUPTED
    assert body["messages"][11]["content"][1]["image_url"]["url"] == "data:image/png;base64,QUJD"
    assert body["stream_options"] == {"include_usage": True}


def test_anthropic_messages() -> None:
    body = json.loads(anthropic(HISTORY))
    messages = body["messages"]
    assert [message["role"] for message in messages[::2]] == ["user"] * len(messages[::2])
    assert [message["role"] for message in messages[1::2]] == ["assistant"] * len(messages[1::2])
    assert [block["type"] for block in messages[1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]
    assert messages[1]["content"][0]["signature"] == "s1"
    assert messages[1]["content"][3]["input"] == {}
    assert [block["tool_use_id"] for block in messages[2]["content"]] == ["c1", "c2"]
    assert messages[3]["content"][0] == {"type": "redacted_thinking", "data": "zz"}
    assert [block["type"] for block in messages[4]["content"]] == ["tool_result", "text"]
    uses = [b["id"] for m in messages if m["role"] == "assistant" for b in m["content"] if b["type"] == "tool_use"]
    given = [b["tool_use_id"] for m in messages for b in m["content"] if b["type"] == "tool_result"]
    assert uses == given
    assert len(set(uses)) == len(uses)
    assert not [b for m in messages for b in m["content"] if b["type"] == "text" and not b["text"].strip()]


def test_the_last_calls_without_results_get_one() -> None:
    history = (user("go"), said(CALL))
    assert json.loads(openai(history))["messages"][-1]["content"] == INTERRUPTED
    assert json.loads(anthropic(history))["messages"][-1]["content"][0]["is_error"] is True


def test_results_without_a_call_are_dropped() -> None:
    history = (user("go"), results(ToolResult("nope", "read", "x")), said("ok"))
    assert b"nope" not in openai(history)
    assert b"nope" not in anthropic(history)


def test_ids_that_a_provider_refuses_are_made_fit() -> None:
    history = (
        user("go"),
        said(ToolCall("functions.read:0", "read")),
        results(ToolResult("functions.read:0", "read", "x")),
    )
    assert json.loads(anthropic(history))["messages"][1]["content"][0]["id"] == "functions_read_0"
    assert json.loads(anthropic(history))["messages"][2]["content"][0]["content"] == "x"


def test_anthropic_begins_with_the_user() -> None:
    assert json.loads(anthropic((said("summary"), user("go"))))["messages"][0]["role"] == "user"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("openai/gpt-5.1", "max_completion_tokens"),
        ("openai/o3", "max_completion_tokens"),
        ("deepseek/deepseek-chat", "max_tokens"),
        ("ollama/qwen3:8b", "max_tokens"),
        ("compat/whatever", "max_tokens"),
    ],
)
def test_the_output_limit_has_each_familys_name(name: str, field: str) -> None:
    body = json.loads(openai((user("x"),), name, max_output_tokens=100))
    assert {key: body[key] for key in body if key.startswith("max")} == {field: 100}
    assert not [key for key in json.loads(openai((user("x"),), name)) if key.startswith("max")]


def test_thinking_in_each_familys_form() -> None:
    ask = (user("x"),)
    assert json.loads(openai(ask, thinking="high"))["reasoning_effort"] == "high"
    assert "reasoning_effort" not in json.loads(openai(ask))
    assert "reasoning_effort" not in json.loads(openai(ask, "openai/gpt-4.1", thinking="high"))
    assert json.loads(openai(ask, "openai/gpt-5.6-terra", thinking="high"))["reasoning_effort"] == "none"
    assert json.loads(openai(ask, "deepseek/deepseek-flash", thinking="off"))["thinking"] == {"type": "disabled"}
    old = json.loads(anthropic(ask, thinking="medium"))
    assert old["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    assert old["max_tokens"] > 8192
    new = json.loads(anthropic(ask, "anthropic/claude-sonnet-5-5", thinking="low"))
    assert (new["thinking"], new["output_config"]) == (
        {"type": "adaptive", "display": "summarized"},
        {"effort": "low"},
    )
    unsigned = (user("x"), said(CALL), results(ToolResult("c1", "read", "y")))
    assert "thinking" not in json.loads(anthropic(unsigned, thinking="high"))


def test_deepseek_gets_its_reasoning_back_and_others_do_not() -> None:
    body = json.loads(openai(HISTORY, "deepseek/deepseek-chat"))
    answers = [message for message in body["messages"] if message["role"] == "assistant"]
    assert [message["reasoning_content"] for message in answers] == ["hm", "", "", ""]
    assert b"reasoning_content" not in openai(HISTORY)


def test_half_characters_do_not_break_a_request() -> None:
    assert json.loads(openai((user("a\ud800b"),)))["messages"][1]["content"] == "a?b"
    assert json.loads(anthropic((user("a\ud800b"),)))["messages"][0]["content"][0]["text"] == "a?b"
