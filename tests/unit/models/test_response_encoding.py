"""Requests of the Responses wire as JSON: stable prefixes, reasoning that travels back, strict schemas, amendments."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from copydesk.agent.streaming import Assembly
from copydesk.domain.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from copydesk.domain.stream import ModelRequest, OutputSchema
from copydesk.domain.tools import ToolSpec
from copydesk.models.catalog import Entry, entry
from copydesk.models.failures import Origin
from copydesk.models.wires.history import INTERRUPTED
from copydesk.models.wires.openai_responses import ResponsesDecoder
from copydesk.models.wires.openai_responses_amend import Spared, amended, without
from copydesk.models.wires.openai_responses_encode import encode
from tests.unit.models.test_encoding import CALL, HISTORY, TOOLS, results, said, steps, user

MODEL = "gpt-5.6-terra"
GPT = entry(f"openai/{MODEL}")
Json = dict[str, Any]


def body(*messages: Message, known: Entry = GPT, model: str = MODEL, **fields: Any) -> Json:
    return json.loads(encode(ModelRequest("sys", messages, **fields), model, known))


def thought(
    text: str, encrypted: str = "enc", *, id: str = "rs1", before: int = 0, lengths: tuple[int, ...] = ()
) -> Thinking:
    signature = json.dumps([id, MODEL, before, *(lengths or ((len(text),) if text else ()))])
    return Thinking(text, signature, encrypted, "openai_responses")


def kinds(sent: Json) -> list[str]:
    return [item["type"] if item["type"] != "message" else item["role"] for item in sent["input"]]


def test_the_whole_request() -> None:
    request = ModelRequest("sys", (user("hi"),), TOOLS, 500, "high", session="s1")
    assert list(json.loads(encode(request, MODEL, GPT)).items()) == [
        ("model", MODEL),
        ("stream", True),
        ("store", False),
        ("reasoning", {"effort": "high", "summary": "auto"}),
        ("include", ["reasoning.encrypted_content"]),
        ("max_output_tokens", 500),
        ("prompt_cache_key", "s1"),
        ("instructions", "sys"),
        ("parallel_tool_calls", True),
        (
            "tools",
            [
                {
                    "type": "function",
                    "name": name,
                    "description": f"Does {name}.",
                    "parameters": {"type": "object", "properties": {}},
                    "strict": False,
                }
                for name in ("read", "grep")
            ],
        ),
        ("input", [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]),
    ]


def test_prefixes_are_byte_equal() -> None:
    bodies = [encode(ModelRequest("sys", HISTORY[:at], TOOLS, session="s"), MODEL, GPT) for at in steps()]
    for earlier, later in pairwise(bodies):
        assert later.startswith(earlier.removesuffix(b"]}"))


def test_a_history_as_items() -> None:
    sent = body(*HISTORY)
    assert kinds(sent) == [
        *("user", "assistant", "function_call", "function_call", "function_call_output", "function_call_output"),
        *("function_call", "function_call_output", "user", "assistant", "function_call", "function_call_output"),
        *("user", "user", "assistant", "user"),
    ]
    calls = [item for item in sent["input"] if item["type"] == "function_call"]
    outputs = [item for item in sent["input"] if item["type"] == "function_call_output"]
    assert [call["call_id"] for call in calls] == [output["call_id"] for output in outputs]
    assert len({call["call_id"] for call in calls}) == len(calls)
    assert [call["arguments"] for call in calls[:2]] == ['{"path": "ä"}', "{}"]
    assert [output["output"] for output in outputs] == ["text", "invalid", "(empty)", INTERRUPTED]
    assert sent["input"][1]["content"] == [{"type": "output_text", "text": "Reading"}]
    image = sent["input"][13]["content"][1]
    assert image == {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"}


def test_an_image_for_a_model_that_sees_none() -> None:
    blind = replace(GPT, images=False)
    content = body(user(Image("image/png", "QUJD")), known=blind)["input"][0]["content"]
    assert content == [{"type": "input_text", "text": "(an image, image/png: this model cannot see images)"}]


def test_a_result_may_hold_images() -> None:
    result = ToolResult("c1", "read", "a plot", images=(Image("image/png", "QUJD"),))
    sent = body(user("go"), said(CALL), results(result))["input"][2]["output"]
    image = {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"}
    assert sent == [{"type": "input_text", "text": "a plot"}, image]


def test_models_that_do_not_reason_are_asked_to() -> None:
    known = entry("openai/gpt-4.1")
    assert body(user("x"), known=known)["instructions"] == "sys"
    assert "step by step" in body(user("x"), known=known, thinking="high")["instructions"]


def test_comments_on_the_way_are_told_from_answers() -> None:
    sent = body(user("go"), said("Looking", CALL), results(ToolResult("c1", "read", "x")), said("Done"))
    assert [item["phase"] for item in sent["input"] if item.get("role") == "assistant"] == [
        "commentary",
        "final_answer",
    ]
    assert "phase" not in body(user("go"), said("Done"), known=entry("openai/gpt-5.1"))["input"][1]


# Thinking


@pytest.mark.parametrize(
    ("name", "thinking", "expected"),
    [
        ("openai/gpt-5.6-terra", "auto", {"summary": "auto"}),
        ("openai/gpt-5.6-terra", "off", {"effort": "none"}),
        ("openai/gpt-5-mini", "off", {"effort": "minimal", "summary": "auto"}),
        ("openai/o3", "off", {"effort": "low", "summary": "auto"}),
        ("openai/gpt-5.6-terra", "medium", {"effort": "medium", "summary": "auto"}),
        ("deepseek/deepseek-flash", "low", {"effort": "low", "summary": "auto"}),
        ("openai/gpt-4.1", "high", None),
    ],
)
def test_levels_also_beside_tools(name: str, thinking: Any, expected: Json | None) -> None:
    sent = body(user("x"), known=entry(name), thinking=thinking, tools=TOOLS)
    assert sent.get("reasoning") == expected
    assert ("include" in sent) == (expected is not None)


@pytest.mark.parametrize(("filled", "expected"), [(0.5, "high"), (0.75, "medium"), (0.9, "low")])
def test_less_is_thought_as_the_window_fills(filled: float, expected: str) -> None:
    sent = body(user("x"), thinking="high", input_tokens=int(GPT.window_tokens * filled))
    assert sent["reasoning"]["effort"] == expected


def test_reasoning_travels_back_as_it_came() -> None:
    whole: Json = {
        "type": "reasoning",
        "id": "rs1",
        "summary": [{"type": "summary_text", "text": text} for text in ("**A**\n\nOne.", "**B**", "c")],
        "encrypted_content": "gAAAA==",
    }
    call = {"type": "function_call", "id": "fc1", "call_id": "c1", "name": "read", "arguments": "{}"}
    assembly = Assembly()
    answer = json.dumps({"status": "completed", "output": [whole | {"status": None}, call]})
    for event in ResponsesDecoder(Origin("Test", "host", MODEL)).whole(answer):
        assembly.feed(event)
    sent = body(user("go"), assembly.message(), results(ToolResult("c1", "read", "x")))
    assert sent["input"][1] == whole
    assert kinds(sent) == ["user", "reasoning", "function_call", "function_call_output"]


def parts(*some: Part | str) -> list[str]:
    """The items of an answer with these parts."""
    return kinds(body(user("go"), said(*some)))[1:]


def test_reasoning_stands_before_the_item_it_led_to() -> None:
    other = ToolCall("c2", "read")
    end = ["function_call_output"] * 2
    assert parts(thought("hm"), "Well") == ["reasoning", "assistant"]
    assert parts(thought("hm"), "Well", CALL)[:3] == ["reasoning", "assistant", "function_call"]
    between = (thought("a"), thought("b", id="rs2", before=1), CALL, other)
    assert parts(*between) == ["reasoning", "function_call", "reasoning", "function_call", *end]
    assert parts(thought("a"), thought("", id="rs2"), "Well") == ["reasoning", "reasoning", "assistant"]


@pytest.mark.parametrize(
    "some",
    [
        pytest.param((thought("hm"),), id="nothing followed"),
        pytest.param((thought("hm"), ""), id="nothing was said"),
        pytest.param(("Well", thought("hm")), id="broke off while thinking on"),
        pytest.param((CALL, thought("hm", before=1)), id="broke off behind a call"),
        pytest.param((Thinking("hm"), "Well"), id="broke off before it was signed"),
        pytest.param((Thinking("hm", "sig", "", "anthropic"), "Well"), id="of Anthropic"),
        pytest.param((Thinking("hm", "sig", "", "gemini"), "Well"), id="of Gemini"),
        pytest.param((Thinking("hm", '["x", 1]', "enc", "openai_responses"), "Well"), id="not understood"),
        pytest.param((Thinking("hm", "{", "enc", "openai_responses"), "Well"), id="not even JSON"),
    ],
)
def test_reasoning_that_would_be_refused_stays_here(some: tuple[Part | str, ...]) -> None:
    assert "reasoning" not in parts(*some)


def test_reasoning_goes_only_to_models_that_can_read_it() -> None:
    history = (user("go"), said(thought("hm"), "Well"))
    assert kinds(body(*history, model="gpt-5.4")) == ["user", "reasoning", "assistant"]
    assert kinds(body(*history, model="gpt-4.1", known=entry("openai/gpt-4.1"))) == ["user", "assistant"]
    unknown = entry("compat/somebody")
    assert kinds(body(*history, known=unknown)) == ["user", "reasoning", "assistant"]  # its own


def test_reasoning_in_full_goes_back_to_the_model_that_wrote_it() -> None:
    raw = Thinking("In full", json.dumps(["rs1", MODEL, 0]), "", "openai_responses")
    item = body(user("go"), said(raw, "Well"))["input"][1]
    content = [{"type": "reasoning_text", "text": "In full"}]
    assert item == {"type": "reasoning", "id": "rs1", "summary": [], "content": content}
    assert kinds(body(user("go"), said(raw, "Well"), model="gpt-5.4")) == ["user", "assistant"]


# Schemas


def test_a_schema_in_the_wires_own_field() -> None:
    strict = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    form = body(user("x"), schema=OutputSchema("My answer!", strict))["text"]["format"]
    assert form == {"type": "json_schema", "name": "My_answer", "schema": strict, "strict": True}
    assert "text" not in body(user("x"))
    json_mode = body(user("x"), known=entry("openai/gpt-4-turbo"), schema=OutputSchema("a", strict))
    assert json_mode["text"]["format"] == {"type": "json_object"}
    assert '"required":["a"]' in json_mode["instructions"]


def test_strict_only_where_the_schema_fits() -> None:
    free = {"type": "object", "additionalProperties": {"type": "string"}}
    form = body(user("x"), schema=OutputSchema("a", free))["text"]["format"]
    assert (form["strict"], form["schema"]) == (False, free)
    optional = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
    form = body(user("x"), schema=OutputSchema("a", optional))["text"]["format"]
    assert (form["strict"], form["schema"]["required"]) == (True, ["a"])
    assert form["schema"]["properties"]["a"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}


# What a server refuses


def request(**fields: Any) -> bytes:
    history = (user("go"), said(thought("hm"), CALL), results(ToolResult("c1", "read", "x")))
    return encode(ModelRequest("sys", history, TOOLS, session="s", **fields), MODEL, GPT)


@pytest.mark.parametrize(
    ("refusal", "path"),
    [
        (
            '{"error":{"message":"Your organization must be verified to …","param":"reasoning.summary"}}',
            "reasoning.summary",
        ),
        ('{"error":{"message":"Unknown parameter: \'prompt_cache_key\'."}}', "prompt_cache_key"),
        ('{"detail":[{"type":"extra_forbidden","loc":["body","include"],"msg":"Extra inputs"}]}', "include"),
        ('{"error":"field \\"parallel_tool_calls\\" is not supported"}', "parallel_tool_calls"),
    ],
)
def test_a_field_that_can_be_spared_goes(refusal: str, path: str) -> None:
    found = amended(request(), 400, refusal)
    assert found is not None
    assert found[1] == Spared(paths=(path,))
    expected = json.loads(request())
    if path == "reasoning.summary":
        del expected["reasoning"]["summary"]
    else:
        del expected[path]
    assert json.loads(found[0]) == expected
    assert without(request(), found[1]) == found[0]
    assert amended(found[0], 400, refusal) is None


@pytest.mark.parametrize(
    "refusal",
    [
        '{"error":{"message":"The encrypted content gAAA could not be verified.","code":"invalid_encrypted_content"}}',
        '{"error":{"message":"Item \'rs1\' of type \'reasoning\' was provided without its required following item."}}',
        '{"error":{"message":"Item with id \'rs_1\' not found."}}',
    ],
)
def test_reasoning_that_a_server_cannot_read_goes(refusal: str) -> None:
    found = amended(request(), 404 if "not found" in refusal else 400, refusal)
    assert found is not None
    assert found[1] == Spared(items=frozenset({"rs1"}))
    assert kinds(json.loads(found[0])) == ["user", "function_call", "function_call_output"]
    assert amended(found[0], 400, refusal) is None
    assert without(request(), found[1]) == found[0]


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        (400, '{"error":{"message":"You must include a user message."}}'),
        (400, '{"error":{"message":"Unsupported value: \'reasoning.effort\'","param":"reasoning.effort"}}'),
        (400, '{"error":{"message":"bad","param":"store"}}'),
        (401, '{"error":{"param":"include"}}'),
        (500, "encrypted content"),
        (400, ""),
    ],
)
def test_what_a_person_asked_for_stays(status: int, refusal: str) -> None:
    assert amended(request(thinking="high"), status, refusal) is None


def test_half_characters_do_not_break_a_request() -> None:
    assert body(user("a\ud800b"))["input"][0]["content"][0]["text"] == "a?b"


def test_tools_of_a_model_that_takes_none_are_left_out() -> None:
    spec = ToolSpec("x", "X.", {"type": "object"}, "read", "read")
    assert "tools" not in body(user("x"), known=replace(GPT, tools=False), tools=(spec,))
    assert body(Message("user", (Text(""),)))["input"][0]["content"] == [{"type": "input_text", "text": "(empty)"}]
