"""Gemini requests as bytes: signatures in their places, one result for every call, thinking in each family's form."""

import json
from itertools import pairwise
from typing import Any

import pytest

from copydesk.domain.messages import Image, Message, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import entry, over
from copydesk.models.schemas import gemini_schema
from copydesk.models.wires.gemini import GeminiContent
from copydesk.models.wires.gemini_encode import UNSIGNED, encode
from copydesk.models.wires.history import INTERRUPTED
from tests.unit.models.test_encoding import CALL, HISTORY, TOOLS, results, said, steps, user

NEW, OLD, OLDEST = "gemini/gemini-3.8-flash", "gemini/gemini-2.5-flash", "gemini/gemini-2.0-flash"


def body(messages: tuple[Message, ...], name: str = NEW, tools: tuple[ToolSpec, ...] = TOOLS, **fields: Any) -> Any:
    return json.loads(encode(ModelRequest("sys", messages, tools, **fields), name, entry(name)))


def parts(messages: tuple[Message, ...], role: str, name: str = NEW) -> list[Any]:
    return [
        part for content in body(messages, name)["contents"] if content["role"] == role for part in content["parts"]
    ]


def test_prefixes_are_byte_equal() -> None:
    """Neighbouring user messages become one content, so the last one may still grow."""
    bodies = [encode(ModelRequest("sys", HISTORY[:at], TOOLS), NEW, entry(NEW)) for at in steps()]
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier.removesuffix(b"]}]}"))


def test_fields() -> None:
    asked = body((user("hi"),), max_output_tokens=99_999_999)
    assert list(asked) == ["systemInstruction", "tools", "toolConfig", "generationConfig", "contents"]
    assert asked["systemInstruction"] == {"parts": [{"text": "sys"}]}
    read = {"name": "read", "description": "Does read.", "parametersJsonSchema": {"type": "object"}}
    assert asked["tools"][0]["functionDeclarations"][0] == read
    assert asked["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}
    assert asked["generationConfig"]["maxOutputTokens"] == 65_536
    assert asked["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert "model" not in asked
    bare = json.loads(encode(ModelRequest("", (user("hi"),)), OLDEST, entry(OLDEST)))
    assert list(bare) == ["contents"]


def test_roles_alternate_and_every_call_has_its_result_behind_it() -> None:
    contents = body(HISTORY)["contents"]
    roles = [content["role"] for content in contents]
    assert roles == ["user", "model"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    uses: list[Any] = []
    for first, second in pairwise(contents):
        calls = [part["functionCall"] for part in first["parts"] if "functionCall" in part]
        given = [part["functionResponse"] for part in second["parts"] if "functionResponse" in part]
        if first["role"] == "model":
            assert [(one["id"], one["name"]) for one in calls] == [(one["id"], one["name"]) for one in given]
            uses += [one["id"] for one in calls]
    assert len(set(uses)) == len(uses) == 4
    answers = [part["functionResponse"] for part in parts(HISTORY, "user") if "functionResponse" in part]
    assert [one["response"] for one in answers] == [
        {"output": "text"},
        {"error": "invalid"},
        {"output": ""},
        {"error": INTERRUPTED},
    ]
    calls = [part["functionCall"]["args"] for part in parts(HISTORY, "model") if "functionCall" in part]
    assert calls == [{"path": "ä"}, {}, {"n": 2}, {}]


def test_signatures_go_back_where_they_stood() -> None:
    history = (
        user("go"),
        said(
            Thinking("hm", "S1", source="gemini"),
            Thinking("unsigned"),
            "Well",
            Thinking("", "S2", source="gemini:text"),
            Thinking("", "S3", source="gemini"),
            ToolCall("a", "read", signature="S4"),
            ToolCall("b", "grep"),
            ToolCall("c", "grep", signature="S5"),
        ),
    )
    first = {"functionCall": {"id": "a", "name": "read", "args": {}}, "thoughtSignature": "S4"}
    assert parts(history, "model") == [
        {"text": "hm", "thought": True, "thoughtSignature": "S1"},
        {"text": "Well", "thoughtSignature": "S2"},
        {"text": "", "thoughtSignature": "S3"},
        first,
        {"functionCall": {"id": "b", "name": "grep", "args": {}}},
        {"functionCall": {"id": "c", "name": "grep", "args": {}}, "thoughtSignature": "S5"},
    ]


def test_calls_of_other_models_get_googles_own_value_where_one_is_demanded() -> None:
    history = (user("go"), said(Thinking("t", "claudes", source="anthropic"), "Ok", CALL, ToolCall("c2", "grep")))
    signatures = [part.get("thoughtSignature") for part in parts(history, "model")]
    assert signatures == [None, UNSIGNED, None]
    assert UNSIGNED not in json.dumps(body(history, OLD))
    assert "claudes" not in json.dumps(body(history))


def test_it_begins_and_ends_with_the_user() -> None:
    contents = body((said("summary"), user("go"), said("done")))["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    assert all(part["text"].strip() for content in contents for part in content["parts"])
    assert [content["role"] for content in body(())["contents"]] == ["user"]


def test_names_that_the_api_refuses_are_made_fit() -> None:
    history = (
        user("go"),
        said(ToolCall("1", ""), ToolCall("2", "1 grüß/you"), ToolCall("3", "x" * 99)),
        results(ToolResult("2", "1 grüß/you", "no such tool", is_error=True)),
    )
    names = [part["functionCall"]["name"] for part in parts(history, "model")]
    assert names == ["unknown", "_1_gr___you", "x" * 64]
    given = [part["functionResponse"]["name"] for part in parts(history, "user") if "functionResponse" in part]
    assert given == names


def test_images() -> None:
    history = (user("see", Image("image/png", "QUJD")),)
    assert parts(history, "user")[1] == {"inlineData": {"mimeType": "image/png", "data": "QUJD"}}
    assert "cannot see" in parts(history, "user", "compat/qwen3")[1]["text"]


def thinking(name: str, level: str, **fields: Any) -> Any:
    return body((user("x"),), name, thinking=level, **fields).get("generationConfig", {}).get("thinkingConfig")


@pytest.mark.parametrize(
    ("name", "off", "high"),
    [
        ("gemini-4-argon", {"thinkingLevel": "LOW"}, {"thinkingLevel": "HIGH"}),
        ("gemini-3.8-flash", {"thinkingLevel": "LOW"}, {"thinkingLevel": "HIGH"}),
        ("gemini-3.1-pro-preview", {"thinkingLevel": "LOW"}, {"thinkingLevel": "HIGH"}),
        ("gemini-flash-latest", {"thinkingLevel": "LOW"}, {"thinkingLevel": "HIGH"}),
        ("gemini-3.6-flash", {"thinkingLevel": "MINIMAL"}, {"thinkingLevel": "HIGH"}),
        ("gemini-3-flash-preview", {"thinkingLevel": "MINIMAL"}, {"thinkingLevel": "HIGH"}),
        ("gemini-3.5-flash-lite", {"thinkingLevel": "MINIMAL"}, {"thinkingLevel": "HIGH"}),
        ("models/gemini-2.5-flash", {"thinkingBudget": 0}, {"thinkingBudget": 16_384}),
        ("gemini-2.5-flash-lite", {"thinkingBudget": 0}, {"thinkingBudget": 16_384}),
        ("gemini-2.5-pro", {"thinkingBudget": 128}, {"thinkingBudget": 16_384}),
        ("gemini-2.0-flash", None, None),
        ("gemini-pro-latest", {"thinkingLevel": "LOW"}, {"thinkingLevel": "HIGH"}),
        ("gemini-1.5-pro", None, None),
        ("gemma-4-31b-it", None, None),
    ],
)
def test_thinking_in_each_familys_form(name: str, off: Any, high: Any) -> None:
    name = f"gemini/{name}"
    assert thinking(name, "off") == off
    assert thinking(name, "high") == (high and high | {"includeThoughts": True})
    assert thinking(name, "auto") == (high and {"includeThoughts": True})


def test_thinking_shrinks_as_the_window_fills() -> None:
    sizes = (0, 780_000, 960_000)
    assert [thinking(NEW, "high", input_tokens=n)["thinkingLevel"] for n in sizes] == ["HIGH", "MEDIUM", "LOW"]
    assert [thinking(OLD, "high", input_tokens=n)["thinkingBudget"] for n in sizes] == [16_384, 8_192, 2_000]
    assert thinking(OLD, "high", max_output_tokens=100)["thinkingBudget"] == 512


def test_on_the_compatible_endpoint_thinking_is_an_effort() -> None:
    for name, off in (
        (NEW, "low"),
        (OLD, "none"),
        ("gemini/gemini-3.6-flash", "minimal"),
        ("gemini/gemini-2.5-pro", "low"),
    ):
        found = over("openai_chat", entry(name))
        assert (found.thinking, found.effort_off) == ("effort", off)
        assert over("gemini", entry(name)) == entry(name)
    assert over("openai_chat", entry("openai/gpt-4.1")) == entry("openai/gpt-4.1")


SCHEMA = OutputSchema("answer", {"type": "object", "properties": {"x": {"type": "integer"}}})


def test_a_schema_has_its_own_field() -> None:
    asked = body((user("x"),), OLD, (), schema=SCHEMA)
    assert asked["generationConfig"]["responseMimeType"] == "application/json"
    assert asked["generationConfig"]["responseSchema"] == gemini_schema(SCHEMA.schema)
    assert asked["systemInstruction"] == {"parts": [{"text": "sys"}]}
    assert body((user("x"),), schema=SCHEMA)["generationConfig"]["responseSchema"]["type"] == "OBJECT"
    free = OutputSchema("x", {"type": "object", "additionalProperties": {"type": "integer"}})
    config = body((user("x"),), schema=free)["generationConfig"]
    assert "responseSchema" not in config
    assert config["responseJsonSchema"] == free.schema


def test_where_tools_forbid_the_field_words_ask_for_the_schema() -> None:
    asked = body((user("x"),), OLD, schema=SCHEMA)
    assert "responseMimeType" not in asked["generationConfig"]
    assert '{"x":{"type":"integer"}}' in asked["systemInstruction"]["parts"][0]["text"]


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3.8-flash", "/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
        ("models/gemini-3.8-flash", "/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
        ("tunedModels/mine-1", "/tunedModels/mine-1:streamGenerateContent?alt=sse"),
        ("a b/../c?key=x#", "/models/a%20b%2F..%2Fc%3Fkey%3Dx%23:streamGenerateContent?alt=sse"),
    ],
)
def test_the_model_stands_in_the_path(model: str, path: str) -> None:
    assert GeminiContent().path(model) == path


def test_half_characters_do_not_break_a_request() -> None:
    assert body((user("a\ud800b"),))["contents"][0]["parts"][0]["text"] == "a?b"
