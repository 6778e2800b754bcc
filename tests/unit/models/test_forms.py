"""What the Chat and Anthropic wires make of thinking, schemas, images and caches: the bytes, family by family."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models import catalog, refusals
from copydesk.models.catalog import Entry, entry
from copydesk.models.schemas import schema_words, strict_schema
from copydesk.models.wires import anthropic_encode, openai_chat_encode, schemas
from copydesk.models.wires.anthropic import AnthropicMessages
from copydesk.models.wires.history import STEP_BY_STEP

TOOLS = (ToolSpec("read", "Reads.", {"type": "object"}, "read", "read"),)
CLOSED = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["n", "tags"],
    "additionalProperties": False,
}
SCHEMA = OutputSchema("a verdict", CLOSED)
PICTURE = Image("image/png", "QUJD")
CALL = ToolCall("toolu_01ABCDEF", "read", {"n": 1}, '{"n": 1}')


def user(*parts: Part | str) -> Message:
    return Message("user", tuple(Text(part) if isinstance(part, str) else part for part in parts))


def said(*parts: Part | str) -> Message:
    return Message("assistant", tuple(Text(part) if isinstance(part, str) else part for part in parts))


GO = (user("go"),)


def chat(name: str, messages: tuple[Message, ...] = GO, *, known: Entry | None = None, **fields: Any) -> Any:
    found = known or entry(name)
    body = openai_chat_encode.encode(ModelRequest("sys", messages, **fields), name.partition("/")[2], found)
    return json.loads(body)


def anthropic(name: str, messages: tuple[Message, ...] = GO, *, known: Entry | None = None, **fields: Any) -> Any:
    found = known or entry(f"anthropic/{name}")
    return json.loads(anthropic_encode.encode(ModelRequest("sys", messages, **fields), name, found))


def thinking_of(body: Any) -> Any:
    names = ("reasoning_effort", "reasoning", "thinking", "chat_template_kwargs", "output_config")
    return {name: body[name] for name in names if name in body}


# --- thinking ---

EFFORT = {level: {"reasoning_effort": level} for level in ("low", "medium", "high")}
ROUTED = catalog.entry("compat/anthropic/claude-sonnet-5.5", catalog.OPENROUTER)


@pytest.mark.parametrize(
    ("name", "known", "auto", "off", "high"),
    [
        ("openai/gpt-5.1", None, {}, {"reasoning_effort": "none"}, EFFORT["high"]),
        ("openai/gpt-5", None, {}, {"reasoning_effort": "minimal"}, EFFORT["high"]),
        ("openai/o3", None, {}, {"reasoning_effort": "low"}, EFFORT["high"]),
        ("openai/gpt-4o", None, {}, {}, {}),
        ("ollama/qwen3:8b", None, {}, {"reasoning_effort": "none"}, EFFORT["high"]),
        ("compat/gpt-oss-20b", None, {}, {"reasoning_effort": "low"}, EFFORT["high"]),
        ("deepseek/deepseek-flash", None, {}, {"thinking": {"type": "disabled"}},
         {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ("compat/anthropic/claude-sonnet-5.5", ROUTED, {}, {"reasoning": {"enabled": False}},
         {"reasoning": {"effort": "high"}}),
        ("compat/qwen3-32b", None, {}, {"chat_template_kwargs": {"enable_thinking": False}},
         {"chat_template_kwargs": {"enable_thinking": True}}),
        ("compat/glm-4.6", None, {}, {"chat_template_kwargs": {"enable_thinking": False}},
         {"chat_template_kwargs": {"enable_thinking": True}}),
        ("compat/deepseek-v3.1", replace(entry("compat/deepseek-v3.1"), thinking="template"), {},
         {"chat_template_kwargs": {"thinking": False}}, {"chat_template_kwargs": {"thinking": True}}),
        ("compat/gemini-3-pro", entry("gemini/gemini-3-pro"), {}, {"reasoning_effort": "low"}, EFFORT["high"]),
        ("compat/whatever", None, {}, {}, {}),
    ],
)  # fmt: skip
def test_thinking_on_the_chat_wire(name: str, known: Entry | None, auto: Any, off: Any, high: Any) -> None:
    assert thinking_of(chat(name, known=known)) == auto
    assert thinking_of(chat(name, known=known, thinking="off")) == off
    assert thinking_of(chat(name, known=known, thinking="high")) == high


SHOWN = {"type": "adaptive", "display": "summarized"}


@pytest.mark.parametrize(
    ("name", "auto", "off", "high"),
    [
        ("claude-3-5-haiku-latest", {}, {}, {}),
        ("claude-sonnet-4-5", {}, {}, {"thinking": {"type": "enabled", "budget_tokens": 16_000}}),
        ("claude-opus-4-8", {}, {}, {"thinking": SHOWN, "output_config": {"effort": "high"}}),
        ("claude-sonnet-5", {"thinking": SHOWN}, {"thinking": {"type": "disabled"}},
         {"thinking": SHOWN, "output_config": {"effort": "high"}}),
        ("claude-haiku-5-5", {"thinking": SHOWN}, {"thinking": {"type": "disabled"}},
         {"thinking": SHOWN, "output_config": {"effort": "high"}}),
        ("claude-sonnet-5-5", {"thinking": SHOWN}, {"thinking": {"type": "between_tools"}},
         {"thinking": SHOWN, "output_config": {"effort": "high"}}),
        ("claude-opus-5-5", {"thinking": SHOWN}, {"thinking": SHOWN, "output_config": {"effort": "low"}},
         {"thinking": SHOWN, "output_config": {"effort": "high"}}),
        ("claude-opus-5-20260301", {"thinking": SHOWN}, {"thinking": {"type": "disabled"}},
         {"thinking": SHOWN, "output_config": {"effort": "high"}}),
        ("claude-fable-5-1", {"thinking": SHOWN}, {"thinking": SHOWN, "output_config": {"effort": "low"}},
         {"thinking": SHOWN, "output_config": {"effort": "high"}}),
    ],
)  # fmt: skip
def test_thinking_on_the_anthropic_wire(name: str, auto: Any, off: Any, high: Any) -> None:
    assert thinking_of(anthropic(name)) == auto
    assert thinking_of(anthropic(name, thinking="off")) == off
    assert thinking_of(anthropic(name, thinking="high")) == high


@pytest.mark.parametrize(
    ("filled", "level", "budget"),
    [(0, "high", 16_000), (0.7, "high", 16_000), (0.71, "medium", 8_192), (0.86, "low", 2_000)],
)
def test_thinking_shrinks_as_the_window_fills(filled: float, level: str, budget: int) -> None:
    for name, field in (("openai/gpt-5.1", None), ("deepseek/deepseek-flash", None), ("compat/x", ROUTED)):
        window = (field or entry(name)).window_tokens
        body = chat(name, known=field, thinking="high", input_tokens=int(window * filled))
        assert (body.get("reasoning_effort") or body["reasoning"]["effort"]) == level
    body = anthropic("claude-sonnet-5-5", thinking="high", input_tokens=int(1_000_000 * filled))
    assert body["output_config"] == {"effort": level}
    body = anthropic("claude-sonnet-4-5", thinking="high", input_tokens=int(200_000 * filled))
    assert body["thinking"]["budget_tokens"] == budget < body["max_tokens"]


@pytest.mark.parametrize("level", ["low", "medium", "high"])
def test_a_model_without_a_switch_is_asked_in_words_always_the_same(level: Any) -> None:
    told = f"sys\n\n{STEP_BY_STEP}"
    assert chat("openai/gpt-4o", thinking=level)["messages"][0]["content"] == told
    assert anthropic("claude-3-5-haiku-latest", thinking=level)["system"][0]["text"] == told
    assert chat("compat/x", thinking=level, input_tokens=32_000)["messages"][0]["content"] == told


@pytest.mark.parametrize("level", ["auto", "off"])
def test_nobody_is_asked_in_words_who_was_not_to_think(level: Any) -> None:
    assert chat("openai/gpt-4o", thinking=level)["messages"][0]["content"] == "sys"
    assert chat("openai/gpt-5.1", thinking="high")["messages"][0]["content"] == "sys"


def test_claude_with_a_budget_reasons_between_tool_calls() -> None:
    wire = AnthropicMessages()
    assert wire.headers_for(entry("anthropic/claude-sonnet-4-5")) == {"anthropic-beta": anthropic_encode.INTERLEAVED}
    assert wire.headers_for(entry("anthropic/claude-sonnet-5-5")) == {}
    refused = replace(entry("anthropic/claude-sonnet-4-5"), refuses=frozenset({refusals.BETAS}))
    assert wire.headers_for(refused) == {}


# --- schemas ---


def test_a_schema_in_its_own_field() -> None:
    body = chat("openai/gpt-5.1", schema=SCHEMA, tools=TOOLS)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "a_verdict", "schema": strict_schema(CLOSED), "strict": True},
    }
    assert [tool["function"]["name"] for tool in body["tools"]] == ["read"]
    assert body["messages"][0]["content"] == "sys"


def test_a_schema_that_strict_mode_refuses_is_sent_as_it_is() -> None:
    form = chat("openai/gpt-5.1", schema=OPEN)["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]) == (False, OPEN.schema)


def test_json_mode_has_the_schema_in_words() -> None:
    body = chat("deepseek/deepseek-flash", schema=SCHEMA)
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["content"] == f"sys\n\n{schema_words(CLOSED)}"


def test_words_alone() -> None:
    body = chat("compat/whatever", schema=SCHEMA)
    assert "response_format" not in body
    assert body["messages"][0]["content"] == f"sys\n\n{schema_words(CLOSED)}"
    assert chat("compat/whatever")["messages"][0]["content"] == "sys"


def test_a_tool_that_must_be_called() -> None:
    known = replace(entry("compat/whatever"), schema="tool")
    body = chat("compat/whatever", known=known, schema=SCHEMA)
    assert body["tool_choice"] == {"type": "function", "function": {"name": schemas.ANSWER}}
    assert body["tools"][0]["function"]["parameters"] == CLOSED
    both = chat("compat/whatever", known=known, schema=SCHEMA, tools=TOOLS)
    assert both["tool_choice"] == body["tool_choice"], "the other tools had their turn"
    assert [tool["function"]["name"] for tool in both["tools"]] == ["read", schemas.ANSWER]


def test_claudes_own_field() -> None:
    body = anthropic("claude-sonnet-5-5", schema=SCHEMA, thinking="low")
    closed = strict_schema(CLOSED, "anthropic")
    assert "minimum" not in json.dumps(closed), "which the API would refuse"
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": closed}}
    assert "tools" not in body


OPEN = OutputSchema(
    "x", {"type": "object", "properties": {"by_name": {"type": "object", "additionalProperties": True}}}
)
TREE = OutputSchema(
    "x",
    {"$defs": {"node": {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}}},
     "type": "object", "properties": {"root": {"$ref": "#/$defs/node"}}},
)  # fmt: skip


@pytest.mark.parametrize("schema", [OPEN, TREE])
def test_claude_gets_what_its_field_cannot_say_as_a_tool_or_in_words(schema: OutputSchema) -> None:
    forced = anthropic("claude-sonnet-5", schema=schema, thinking="high")
    assert forced["tool_choice"] == {"type": "tool", "name": schemas.ANSWER}
    assert forced["tools"][0]["input_schema"] == schema.schema
    assert forced["thinking"] == {"type": "disabled"}, "the API refuses a forced tool beside thinking"
    budget = anthropic("claude-sonnet-4-5", schema=schema, thinking="high")
    assert "thinking" not in budget
    assert budget["tool_choice"]["name"] == schemas.ANSWER
    words = anthropic("claude-sonnet-5-5", schema=schema, thinking="high")
    assert "tool_choice" not in words, "this one refuses to be forced"
    assert words["system"][0]["text"] == f"sys\n\n{schema_words(schema.schema)}"


def test_claude_keeps_its_other_tools_but_has_to_answer() -> None:
    body = anthropic("claude-3-5-haiku-latest", schema=SCHEMA, tools=TOOLS)
    assert body["tool_choice"] == {"type": "tool", "name": schemas.ANSWER}
    assert [tool["name"] for tool in body["tools"]] == ["read", schemas.ANSWER]


# --- images ---

SEEN = (
    user("look", PICTURE),
    said("so", CALL),
    Message("tool", (ToolResult(CALL.id, "read", "a picture", images=(PICTURE, Image("image/tiff", "QUJD"))),)),
)


def test_images_on_the_chat_wire() -> None:
    messages = chat("openai/gpt-5.1", SEEN)["messages"]
    shown = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    assert messages[1]["content"] == [{"type": "text", "text": "look"}, shown]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "user"]
    assert messages[3]["content"] == "a picture"
    assert messages[4]["content"][:2] == [{"type": "text", "text": "What read (call toolu_01ABCDEF) shows:"}, shown]


def test_images_on_the_anthropic_wire() -> None:
    messages = anthropic("claude-sonnet-5-5", SEEN)["messages"]
    shown = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}
    assert messages[0]["content"] == [
        {"type": "text", "text": "look"},
        shown | {"cache_control": {"type": "ephemeral"}},
    ]
    text, first, second = messages[2]["content"][0]["content"]
    assert (text, first) == ({"type": "text", "text": "a picture"}, shown)
    assert second == {"type": "text", "text": "(an image, image/tiff: the provider does not take this format)"}


def test_who_cannot_see_is_told_so() -> None:
    blind = replace(entry("anthropic/claude-sonnet-5-5"), images=False)
    for body in (chat("compat/llama-3.3-70b", SEEN), anthropic("claude-sonnet-5-5", SEEN, known=blind)):
        text = json.dumps(body)
        assert "QUJD" not in text
        assert text.count("this model cannot see images") == 3


# --- caches ---


def test_the_cache_key_is_the_session() -> None:
    assert chat("openai/gpt-5.1", session="s-1")["prompt_cache_key"] == "s-1"
    assert "prompt_cache_key" not in chat("openai/gpt-5.1")


def test_openrouter_sets_claudes_marks() -> None:
    assert chat("compat/anthropic/claude-sonnet-5.5", known=ROUTED)["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in chat("openai/gpt-5.1")


def blocks_marked(body: Any) -> list[tuple[int, int]]:
    return [
        (n, m)
        for n, message in enumerate(body["messages"])
        for m, block in enumerate(message["content"])
        if "cache_control" in block
    ]


def test_the_next_step_finds_the_last_ones_mark_however_many_calls_came_between() -> None:
    """A mark alone is looked for only twenty blocks back: the block that ended the last request is marked again."""
    history: tuple[Message, ...] = GO
    ends: list[list[tuple[int, int]]] = []
    for step in range(6):
        ends.append(blocks_marked(anthropic("claude-sonnet-5-5", history, tools=TOOLS)))
        calls = tuple(ToolCall(f"s{step}c{n}", "read") for n in range(30))
        results = tuple(ToolResult(call.id, "read", "text") for call in calls)
        history = (*history, Message("assistant", calls), Message("tool", results))
    for earlier, later in pairwise(ends):
        assert earlier[-1] in later
        assert len(later) <= 2


# --- what travels back ---


def test_openrouters_blocks_travel_back_to_openrouter_only() -> None:
    kept = '[{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]'
    history = (*GO, said(Thinking("hm", redacted=kept, source="openrouter"), CALL))
    answer = chat("compat/anthropic/claude-sonnet-5.5", history, known=ROUTED)["messages"][2]
    assert answer["reasoning_details"] == json.loads(kept)
    assert "reasoning_details" not in chat("openai/gpt-5.1", history)["messages"][2]
    assert "hm" not in json.dumps(anthropic("claude-sonnet-5-5", history))


def test_geminis_signatures_travel_back_on_its_chat_endpoint_only() -> None:
    history = (*GO, said(replace(CALL, signature="sig")))
    call = chat("compat/gemini-3-pro", history)["messages"][2]["tool_calls"][0]
    assert call["extra_content"] == {"google": {"thought_signature": "sig"}}
    assert "sig" not in json.dumps(chat("openai/gpt-5.1", history))


# --- what servers do not take ---

TALK = (
    *GO,
    said(CALL),
    Message("tool", (ToolResult(CALL.id, "read", "text"),)),
    user("and"),
    user("then"),
)


def test_mistrals_ids_and_order() -> None:
    messages = chat("compat/mistral-large-latest", TALK)["messages"]
    roles = [message["role"] for message in messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user", "user"]
    id = messages[2]["tool_calls"][0]["id"]
    assert len(id) == 9
    assert id.isalnum()
    assert messages[3]["tool_call_id"] == id
    ours = replace(CALL, id="a1B2c3D4e")
    assert chat("compat/mistral-large", (*GO, said(ours)))["messages"][2]["tool_calls"][0]["id"] == "a1B2c3D4e"


def refusing(*habits: str) -> Entry:
    return replace(entry("compat/whatever"), refuses=frozenset(habits))


def test_habits_that_were_refused_are_left() -> None:
    messages = chat("compat/x", TALK, known=refusing(refusals.NEIGHBOURS))["messages"]
    assert messages[-1] == {"role": "user", "content": "and\n\nthen"}
    messages = chat("compat/x", TALK, known=refusing(refusals.SYSTEM_ROLE))["messages"]
    assert messages[0] == {"role": "user", "content": "sys\n\ngo"}
    assert "system" not in [message["role"] for message in messages]
    assert chat("compat/x", TALK, known=refusing(refusals.NULL_CONTENT))["messages"][2]["content"] == ""
    pictures = (user("a"), user(PICTURE))
    body = chat("compat/x", pictures, known=refusing(refusals.NEIGHBOURS, refusals.SYSTEM_ROLE))
    assert [part["type"] for part in body["messages"][0]["content"]] == ["text", "image_url"]
    assert body["messages"][0]["content"][0]["text"] == "sys\n\na"


def test_fields_that_were_refused_are_left_out() -> None:
    assert "stream_options" not in chat("compat/x", known=refusing("stream_options"))
    marked = replace(entry("anthropic/claude-sonnet-5-5"), refuses=frozenset({refusals.MARKS}))
    assert "cache_control" not in json.dumps(anthropic("claude-sonnet-5-5", known=marked, tools=TOOLS))
    signed = (*GO, said(Thinking("hm", "sig", source="anthropic"), CALL))
    known = replace(entry("anthropic/claude-sonnet-5-5"), refuses=frozenset({refusals.SIGNED_THINKING}))
    assert "sig" in json.dumps(anthropic("claude-sonnet-5-5", signed))
    assert "sig" not in json.dumps(anthropic("claude-sonnet-5-5", signed, known=known))
